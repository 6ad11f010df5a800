package useragent

import (
	"bytes"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// submission is a form as it goes over the wire.
type submission struct {
	method, url, body, contentType string
}

// fill types a text into each of some fields.
func (d *document) fill(elements []int, texts []string) {
	for i, e := range elements {
		d.values[d.nodes[e]] = texts[i]
	}
}

func (d *document) tick(elements []int, on bool) {
	for _, e := range elements {
		d.checked[d.nodes[e]] = on
	}
}

func (d *document) value(n *html.Node) string {
	if v, ok := d.values[n]; ok {
		return v
	}
	if n.DataAtom == atom.Textarea {
		return rawText(n)
	}
	return attr(n, "value")
}

func (d *document) isChecked(n *html.Node) bool {
	if on, touched := d.checked[n]; touched {
		return on
	}
	return has(n, "checked")
}

// press clicks a button or a link, or presses Enter in a field.
func (d *document) press(element int, byEnter bool, set map[string]string) (*submission, error) {
	n := d.nodes[element]
	if n.DataAtom == atom.A && attr(n, "href") != "" {
		u, err := d.base.Parse(attr(n, "href"))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return nil, Failed(transcript.NeedsScript, "the link is a script")
		}
		return &submission{method: http.MethodGet, url: u.String()}, nil
	}
	form := d.formOf(n)
	submits := byEnter || n.DataAtom == atom.Input && (typeOf(n) == "submit" || typeOf(n) == "image") || n.DataAtom == atom.Button && typeOf(n) == "submit"
	if form < 0 || !submits && len(set) == 0 {
		return nil, Failed(transcript.NeedsScript, "the button is outside a form: it needs a script")
	}
	if logsOut(d.forms[form]) {
		return nil, Failed(transcript.ElementMissing, "the button is in a form that logs out")
	}
	button := n
	if byEnter {
		button = nil
	}
	if !has(d.forms[form], "novalidate") && (button == nil || !has(button, "formnovalidate")) && d.refuses(form) {
		return nil, errBlocked
	}
	return d.submission(form, button, set), nil
}

// logout is how forms that end the session are called.
var logout = regexp.MustCompile(`(?i)(log|sign)[-_ ]?(out|off)|end[-_]?session|abmelden|deconnexion|cerrar[-_]?sesion`)

// logsOut says that a form ends the session, which is no step of any journey.
// Scripts of a menu submit such a form, too.
func logsOut(form *html.Node) bool {
	return slices.ContainsFunc([]string{"action", "id", "name", "class"}, func(name string) bool { return logout.MatchString(attr(form, name)) })
}

// refuses is the part of the browser's own form checks that matters here:
// required fields and patterns.
func (d *document) refuses(form int) bool {
	for _, n := range d.nodes {
		if d.formOf(n) != form || !enabled(n) || has(n, "readonly") {
			continue
		}
		k, value := kindOf(n), d.value(n)
		switch {
		case has(n, "required") && (k == pages.TextField || k == pages.Password) && value == "",
			has(n, "required") && k == pages.Check && !d.isChecked(n):
			return true
		case k == pages.TextField && value != "" && attr(n, "pattern") != "":
			p, err := regexp.Compile("^(?:" + attr(n, "pattern") + ")$")
			if err == nil && !p.MatchString(value) {
				return true
			}
		}
	}
	return false
}

type pair struct{ name, value string }

// submission builds the form data set, in the order of the document.
func (d *document) submission(form int, button *html.Node, set map[string]string) *submission {
	f := d.forms[form]
	var pairs []pair
	add := func(name, value string) {
		if name == "" {
			return
		}
		if _, replaced := set[name]; !replaced {
			pairs = append(pairs, pair{name, value})
		}
	}
	for n := range d.root.Descendants() {
		if n.Type != html.ElementNode || !enabled(n) || d.formOf(n) != form || within(n, atom.Template, atom.Datalist) {
			continue
		}
		name := attr(n, "name")
		switch n.DataAtom {
		case atom.Input:
			switch typeOf(n) {
			case "submit", "image":
				if n != button {
					continue
				}
				if typeOf(n) == "image" {
					prefix := name
					if prefix != "" {
						prefix += "."
					}
					add(prefix+"x", "1")
					add(prefix+"y", "1")
					continue
				}
				add(name, attr(n, "value"))
			case "button", "reset", "file":
			case "checkbox", "radio":
				if d.isChecked(n) {
					v := attr(n, "value")
					if !has(n, "value") {
						v = "on"
					}
					add(name, v)
				}
			default:
				add(name, strings.NewReplacer("\r", "", "\n", "").Replace(d.value(n)))
			}
		case atom.Textarea:
			add(name, d.value(n))
		case atom.Button:
			if n == button {
				add(name, attr(n, "value"))
			}
		case atom.Select:
			for _, v := range selected(n) {
				add(name, v)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		pairs = append(pairs, pair{name, set[name]})
	}
	return d.encode(f, button, pairs)
}

// encode gives the pairs the form that the form or its button asks for.
func (d *document) encode(f, button *html.Node, pairs []pair) *submission {
	option := func(name string) string {
		if button != nil && has(button, "form"+name) {
			return attr(button, "form"+name)
		}
		return attr(f, name)
	}
	target := d.url
	if action := strings.TrimSpace(option("action")); action != "" {
		if u, err := d.base.Parse(action); err == nil {
			target = u
		}
	}
	to := *target
	to.Fragment = ""
	var query strings.Builder
	for i, p := range pairs {
		if i > 0 {
			query.WriteByte('&')
		}
		query.WriteString(url.QueryEscape(p.name) + "=" + url.QueryEscape(p.value))
	}
	if !strings.EqualFold(option("method"), "post") {
		to.RawQuery = query.String()
		return &submission{method: http.MethodGet, url: to.String()}
	}
	s := &submission{method: http.MethodPost, url: to.String(), body: query.String(), contentType: "application/x-www-form-urlencoded"}
	if strings.EqualFold(option("enctype"), "multipart/form-data") {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for _, p := range pairs {
			_ = w.WriteField(p.name, p.value) // into memory: cannot fail
		}
		_ = w.Close()
		s.body, s.contentType = body.String(), w.FormDataContentType()
	}
	return s
}

// selected are the values of a select: the first option if none is chosen.
func selected(n *html.Node) []string {
	var chosen, all []string
	for o := range n.Descendants() {
		if o.DataAtom != atom.Option || has(o, "disabled") {
			continue
		}
		v := attr(o, "value")
		if !has(o, "value") {
			v = strings.TrimSpace(rawText(o))
		}
		all = append(all, v)
		if has(o, "selected") {
			chosen = append(chosen, v)
		}
	}
	if len(chosen) == 0 && !has(n, "multiple") && len(all) > 0 {
		return all[:1]
	}
	return chosen
}

func within(n *html.Node, any ...atom.Atom) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if slices.Contains(any, p.DataAtom) {
			return true
		}
	}
	return false
}
