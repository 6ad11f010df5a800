package report

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// figures that are none: neither a table nor a drawing may have them.
var noFigure = regexp.MustCompile(`NaN|[+-]?\bInf\b|%!`)

// TestHTMLIsHarmless parses the page of each run: it has no scripts, loads
// nothing and leads nowhere, whatever the target answered.
func TestHTMLIsHarmless(t *testing.T) {
	for name, r := range variants() {
		var out bytes.Buffer
		if err := HTML(&out, r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if found := noFigure.FindString(out.String()); found != "" {
			t.Errorf("%s: %q in the page", name, found)
		}
		if i := strings.IndexAny(out.String(), "\x00\x1b\u009b\u202e\r"); i >= 0 {
			t.Errorf("%s: a control character in the page, at %d", name, i)
		}
		if strings.Contains(out.String(), "<b>&") {
			t.Errorf("%s: markup of the target in the page", name)
		}
		if out.Len() > 500_000 {
			t.Errorf("%s: %d bytes are too many", name, out.Len())
		}
		document, err := html.Parse(&out)
		if err != nil {
			t.Fatal(err)
		}
		for n := range document.Descendants() {
			if n.Type == html.ElementNode {
				harmless(t, name, n)
			}
		}
	}
}

func harmless(t *testing.T, name string, n *html.Node) {
	t.Helper()
	switch n.Data {
	case "script", "img", "link", "iframe", "object", "embed", "form", "input", "base", "foreignobject", "image", "use":
		t.Errorf("%s: an element %s", name, n.Data)
	}
	for _, a := range n.Attr {
		switch {
		case strings.HasPrefix(a.Key, "on"), a.Key == "src":
			t.Errorf("%s: an attribute %s=%q", name, a.Key, a.Val)
		case a.Key == "href" && !strings.HasPrefix(a.Val, "#"):
			t.Errorf("%s: a link to %q", name, a.Val)
		case a.Key == "style" && strings.Contains(a.Val, "url("):
			t.Errorf("%s: a style %q", name, a.Val)
		}
	}
}

// TestHTMLIsAccessible checks what a screen reader relies on.
func TestHTMLIsAccessible(t *testing.T) {
	for name, r := range variants() {
		var out bytes.Buffer
		if err := HTML(&out, r); err != nil {
			t.Fatal(err)
		}
		document, err := html.Parse(&out)
		if err != nil {
			t.Fatal(err)
		}
		ids, level := map[string]bool{}, 0
		for n := range document.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if id := attr(n, "id"); id != "" {
				if ids[id] {
					t.Errorf("%s: the id %s twice", name, id)
				}
				ids[id] = true
			}
			switch n.Data {
			case "h1", "h2", "h3":
				next := int(n.Data[1] - '0')
				if next > level+1 {
					t.Errorf("%s: an h%d after an h%d", name, next, level)
				}
				level = next
			case "th":
				if attr(n, "scope") == "" {
					t.Errorf("%s: a th without scope", name)
				}
			case "svg":
				if attr(n, "aria-hidden") != "true" && (attr(n, "role") != "img" || attr(n, "aria-label") == "") {
					t.Errorf("%s: a drawing without a name", name)
				}
			case "figure":
				if first := n.FirstChild.NextSibling; first == nil || first.Data != "figcaption" {
					t.Errorf("%s: a figure without a caption", name)
				}
			case "table":
				if attr(n.Parent, "class") != "scroll" || attr(n.Parent, "aria-label") == "" {
					t.Errorf("%s: a table that widens the page", name)
				}
			}
		}
		if level == 0 {
			t.Errorf("%s: no headings", name)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestResultIsLeftAlone: cleaning works on a copy.
func TestResultIsLeftAlone(t *testing.T) {
	r := rich()
	if err := HTML(new(bytes.Buffer), r); err != nil {
		t.Fatal(err)
	}
	if err := JUnit(new(bytes.Buffer), r); err != nil {
		t.Fatal(err)
	}
	got, want := r, rich()
	if got.Target.Name != want.Target.Name || got.Samples[1].Response != want.Samples[1].Response ||
		got.Transport.FirstFailures[hostile] != huge || got.SlowDown.AtRest.Forgetful != hostile {
		t.Error("the result was changed")
	}
}

func TestSections(t *testing.T) {
	got := newPage(cleaned(variants()["minimal"])).Sections
	if len(got) != 0 {
		t.Errorf("sections of a run in which nothing was measured: %v", got)
	}
	if got := newPage(cleaned(rich())).Sections; len(got) != 16 {
		t.Errorf("%d sections: %v", len(got), got)
	}
}

func TestPretty(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1}`:       "{\n  \"a\": 1\n}",
		"":              "",
		"not JSON \x1b": `not JSON \u001b`,
	} {
		if got := pretty(json.RawMessage(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
