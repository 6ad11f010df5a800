package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	// maxSaid bounds each piece of a target's own words, in characters.
	maxSaid = 120
	// maxPage bounds how much of a page is read for its words, in bytes.
	maxPage = 64 << 10
)

// Says is the target's own explanation of an answer, in one line: its
// error_description, where it redirects to, its challenge, when to come again, an
// encoding that nobody asked for, and the title or the first words of a page. It is
// for readers, who must see that the words are the target's, and never for a verdict
// (RFC 6749 section 5.2: human-readable text). "" if it explains nothing.
func (x Exchange) Says() string {
	if x.Response == nil {
		return ""
	}
	var parts []string
	header := func(name string) {
		if v := x.Header(name); v != "" {
			parts = append(parts, name+": "+shorten(v))
		}
	}
	o, err := x.Object()
	switch {
	case err != nil:
		if words := pageWords(x.Response.Body, x.Header("Content-Type")); words != "" {
			parts = append(parts, quoteWords(words))
		}
	case o.Has("error_description"):
		if said, ok := o.String("error_description"); ok && said != "" {
			parts = append(parts, quoteWords(said))
		}
	}
	if x.Status >= 300 && x.Status < 400 {
		header("Location")
	}
	if x.Status == 401 {
		header("WWW-Authenticate")
	}
	if x.Overloaded() {
		header("Retry-After")
	}
	if e := x.Header("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") && x.Request.Header.Get("Accept-Encoding") == "" {
		parts = append(parts, fmt.Sprintf("Content-Encoding: %s, which nobody asked for", shorten(e)))
	}
	return strings.Join(parts, "; ")
}

// pageWords is the title of a page or, without one, its first words; of another text
// that is no JSON, its first words.
func pageWords(body []byte, mediaType string) string {
	body = body[:min(len(body), maxPage)]
	if !strings.Contains(strings.ToLower(mediaType), "html") {
		if bytes.IndexByte(body, 0) >= 0 || strings.Contains(mediaType, "json") {
			return ""
		}
		return string(body)
	}
	var (
		title, text strings.Builder
		within      atom.Atom
	)
	for z := html.NewTokenizer(bytes.NewReader(body)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if t := strings.TrimSpace(title.String()); t != "" {
				return t
			}
			return text.String()
		case html.StartTagToken:
			name, _ := z.TagName()
			within = atom.Lookup(name)
		case html.EndTagToken:
			within = 0
		case html.TextToken:
			switch within {
			case atom.Script, atom.Style, atom.Noscript, atom.Template:
			case atom.Title:
				title.Write(z.Text())
			default:
				text.Write(z.Text())
				text.WriteByte(' ')
			}
		}
	}
}

func quoteWords(s string) string {
	if s = shorten(s); s == "" {
		return ""
	}
	return strconv.QuoteToGraphic(s)
}

// shorten makes one line of a text and bounds it.
func shorten(s string) string {
	return Shorten(strings.Join(strings.Fields(strings.ToValidUTF8(s, "\ufffd")), " "), maxSaid)
}

// shownOfRun is how much stays of a run of characters that a bound would cut in two.
const shownOfRun = 8

// Shorten bounds a text of a target, in characters, and marks what was cut by "…". It
// ends at a word. Of a run without blanks or punctuation that does not fit, hardly
// anything is left: it may be a secret, which the redactor knows only as a whole.
func Shorten(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	cut := string(r[:most])
	begin := strings.LastIndexAny(cut, " \t\"'<>(),;:?&") + 1
	if begin > len(cut)/2 {
		return strings.TrimRight(cut[:begin], " ") + "…"
	}
	if strings.HasPrefix(cut[begin:], "/") { // an address: its last piece is the one that is cut
		begin += strings.LastIndexByte(cut[begin:], '/') + 1
	}
	run := []rune(cut[begin:])
	return cut[:begin] + string(run[:min(len(run), shownOfRun)]) + "…"
}
