package useragent

import (
	"cmp"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// document is a parsed page with the state that an end user gives its fields.
type document struct {
	source string
	url    *url.URL // where it came from
	base   *url.URL // what its links are relative to
	status int
	mark   string
	root   *html.Node
	// queries are the profile's selectors.
	queries []string

	forms  []*html.Node
	nodes  []*html.Node // of each element of a snapshot
	groups []*html.Node // of each layer of a snapshot
	labels map[string]string
	// Typed values and ticks override the attributes.
	values  map[*html.Node]string
	checked map[*html.Node]bool
}

// parse reads HTML as a browser with scripts would: the content of noscript is
// not part of the page.
func parse(source string, from *url.URL, status, serial int, queries []string) *document {
	d := &document{
		source: source, url: from, base: from, status: status, mark: strconv.Itoa(serial), queries: queries,
		labels: map[string]string{}, values: map[*html.Node]string{}, checked: map[*html.Node]bool{},
	}
	root, err := html.Parse(strings.NewReader(source))
	if err != nil { // only when the reader fails or the nesting is absurd
		root = &html.Node{Type: html.DocumentNode}
	}
	d.root = root
	for n := range root.Descendants() {
		switch n.DataAtom {
		case atom.Form:
			d.forms = append(d.forms, n)
		case atom.Base:
			if u, err := from.Parse(attr(n, "href")); err == nil && d.base == from && attr(n, "href") != "" {
				d.base = u
			}
		case atom.Label:
			if to := attr(n, "for"); to != "" {
				d.labels[to] += " " + textOf(n)
			}
		}
	}
	d.collect()
	return d
}

// collect numbers the elements that a snapshot lists.
func (d *document) collect() {
	listed := map[*html.Node]bool{}
	add := func(n *html.Node) {
		if !listed[n] && len(d.nodes) < pages.MaxElements {
			listed[n] = true
			d.nodes = append(d.nodes, n)
		}
	}
	for n := range d.root.Descendants() {
		if n.Type == html.ElementNode && kindOf(n) != pages.Other {
			add(n)
		}
	}
	for _, q := range d.queries {
		for _, n := range queryAll(d.root, q) {
			add(n)
		}
	}
}

func queryAll(root *html.Node, css string) []*html.Node {
	sel, err := cascadia.ParseGroup(css)
	if err != nil {
		return nil
	}
	found := cascadia.QueryAll(root, sel)
	return found[:min(len(found), pages.MaxElements)]
}

// kindOf gives an element the meaning that browsers give it by default: an
// unknown type of input is a text field, a button without type submits.
func kindOf(n *html.Node) pages.ElementKind {
	if n.Type != html.ElementNode {
		return pages.Other
	}
	switch n.DataAtom {
	case atom.Input:
		switch typeOf(n) {
		case "password":
			return pages.Password
		case "checkbox":
			return pages.Check
		case "radio":
			return pages.Radio
		case "hidden":
			return pages.Hidden
		case "submit", "button", "reset", "image":
			return pages.Button
		case "file", "color", "range":
			return pages.Other
		}
		return pages.TextField
	case atom.Textarea:
		return pages.TextField
	case atom.Select:
		return pages.Select
	case atom.Button:
		return pages.Button
	case atom.A:
		if attr(n, "role") == "button" {
			return pages.Button
		}
		if attr(n, "href") != "" {
			return pages.Link
		}
	}
	if attr(n, "role") == "button" {
		return pages.Button
	}
	return pages.Other
}

func typeOf(n *html.Node) string {
	t := strings.ToLower(strings.TrimSpace(attr(n, "type")))
	switch n.DataAtom {
	case atom.Button:
		if t != "button" && t != "reset" {
			return "submit"
		}
	case atom.Input:
		if t == "" {
			return "text"
		}
	}
	return t
}

// SnapshotOf parses HTML as the forms driver does, as the page at an address.
// The queries are those of a pages.Recogniser; an HTTP status of 0 means
// unknown.
func SnapshotOf(source string, from *url.URL, status int, queries []string) *pages.Snapshot {
	return parse(source, from, status, 1, queries).snapshot()
}

// snapshot describes the document as it is now, with what was typed.
func (d *document) snapshot() *pages.Snapshot {
	s := &pages.Snapshot{
		URL: d.url.String(), Ready: "complete", Mark: d.mark, Status: d.status,
		Text: textOf(d.root), Queries: map[string][]int{},
	}
	var alerts []string
	for n := range d.root.Descendants() {
		switch {
		case n.DataAtom == atom.Html && n.Namespace == "":
			s.Lang = attr(n, "lang")
		case n.DataAtom == atom.Title && s.Title == "" && n.Namespace == "":
			s.Title = rawText(n)
		case n.DataAtom == atom.Script || attr(n, "onload") != "":
			s.Scripts = true
		case n.DataAtom == atom.Iframe || n.DataAtom == atom.Frame:
			s.Frames++
		case isAlert(n) && visible(n) && len(alerts) < 5:
			alerts = append(alerts, textOf(n))
		}
	}
	s.Alert = strings.Join(alerts, " · ")
	for _, n := range d.nodes {
		e := d.element(n)
		e.Group = d.group(n, e.Kind)
		s.Elements = append(s.Elements, e)
	}
	for _, g := range d.groups {
		s.Layers = append(s.Layers, pages.Layer{Text: proseOf(g), Name: attr(g, "id")})
	}
	index := map[*html.Node]int{}
	for i, n := range d.nodes {
		index[n] = i
	}
	for _, q := range d.queries {
		for _, n := range queryAll(d.root, q) {
			if i, ok := index[n]; ok {
				s.Queries[q] = append(s.Queries[q], i)
			}
		}
	}
	s.Clean()
	return s
}

func (d *document) element(n *html.Node) pages.Element {
	e := pages.Element{
		Kind: kindOf(n), Type: typeOf(n), ID: attr(n, "id"), Name: attr(n, "name"),
		Placeholder: attr(n, "placeholder"), Autocomplete: strings.ToLower(attr(n, "autocomplete")),
		Capitals: strings.ToLower(attr(n, "autocapitalize")),
		Form:     d.formOf(n), Checked: d.isChecked(n), Required: has(n, "required"),
		Visible: visible(n), Enabled: enabled(n), Focused: has(n, "autofocus"),
	}
	e.MaxLength, _ = strconv.Atoi(attr(n, "maxlength"))
	e.MaxLength = max(e.MaxLength, 0)
	e.Narrow = e.Kind == pages.TextField && attr(n, "size") == "1"
	if e.Kind == pages.TextField || e.Kind == pages.Hidden || e.Kind == pages.Button {
		e.Value = d.value(n)
	}
	e.Label = d.label(n, e.Kind)
	e.Popup = has(n, "aria-haspopup") || attr(n, "data-toggle") == "dropdown" || attr(n, "data-bs-toggle") == "dropdown"
	e.Scripted = has(n, "onclick") || e.Form >= 0 && has(d.forms[e.Form], "onsubmit")
	return e
}

// label is the accessible name, roughly as browsers compute it.
func (d *document) label(n *html.Node, kind pages.ElementKind) string {
	if l := attr(n, "aria-label"); l != "" {
		return l
	}
	if by := attr(n, "aria-labelledby"); by != "" {
		id := strings.Fields(by + " ?")[0]
		for named := range d.root.Descendants() {
			if attr(named, "id") == id {
				return textOf(named)
			}
		}
	}
	switch kind {
	case pages.Button, pages.Link, pages.Other:
		switch typeOf(n) {
		case "image":
			return cmp.Or(attr(n, "alt"), attr(n, "title"))
		case "submit", "button", "reset":
			if n.DataAtom == atom.Input {
				return cmp.Or(attr(n, "value"), attr(n, "title"), map[string]string{"submit": "Submit", "reset": "Reset"}[typeOf(n)])
			}
		}
		return cmp.Or(strings.TrimSpace(textOf(n)), attr(n, "title"), imageText(n))
	}
	if l := d.labels[attr(n, "id")]; l != "" && attr(n, "id") != "" {
		return l
	}
	for p := n.Parent; p != nil; p = p.Parent {
		if p.DataAtom == atom.Label {
			return textOf(p)
		}
	}
	return attr(n, "title")
}

func imageText(n *html.Node) string {
	for c := range n.Descendants() {
		if c.DataAtom == atom.Img && attr(c, "alt") != "" {
			return attr(c, "alt")
		}
	}
	return ""
}

// formOf is the number of the form that owns the element, by nesting or by its
// form attribute.
func (d *document) formOf(n *html.Node) int {
	if id := attr(n, "form"); id != "" {
		for i, f := range d.forms {
			if attr(f, "id") == id {
				return i
			}
		}
		return -1
	}
	for p := n.Parent; p != nil; p = p.Parent {
		for i, f := range d.forms {
			if p == f {
				return i
			}
		}
	}
	return -1
}

// noteForeign adds the resources that a browser would load for the document.
func (d *document) noteForeign(f *pages.Facts) {
	for n := range d.root.Descendants() {
		from := ""
		switch n.DataAtom {
		case atom.Script, atom.Img, atom.Iframe:
			from = attr(n, "src")
		case atom.Link:
			if rel := strings.ToLower(attr(n, "rel")); strings.Contains(rel, "stylesheet") || strings.Contains(rel, "icon") || strings.Contains(rel, "preload") {
				from = attr(n, "href")
			}
		}
		if u, err := d.base.Parse(from); from != "" && err == nil {
			f.Asked(d.url.String(), u.String(), "")
		}
	}
}

// refresh is the address that a meta refresh leads to at once, on a page that
// asks for nothing.
func (d *document) refresh() string {
	for _, n := range d.nodes {
		if k := kindOf(n); (k == pages.TextField || k == pages.Password || k == pages.Button) && visible(n) {
			return ""
		}
	}
	for n := range d.root.Descendants() {
		if n.DataAtom != atom.Meta || !strings.EqualFold(attr(n, "http-equiv"), "refresh") {
			continue
		}
		delay, rest, _ := strings.Cut(strings.ReplaceAll(attr(n, "content"), ",", ";"), ";")
		rest = strings.TrimSpace(rest)
		if seconds, err := strconv.ParseFloat(strings.TrimSpace(delay), 64); err != nil || seconds > 3 || len(rest) < 4 || !strings.EqualFold(rest[:3], "url") {
			continue
		}
		to := strings.Trim(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest[3:]), "=")), `"'`)
		if u, err := d.base.Parse(to); err == nil && to != "" {
			return u.String()
		}
	}
	return ""
}

var submits = regexp.MustCompile(`\.submit\s*\(\s*\)`)

// selfSubmit is the submission of a page whose only purpose is a form that a
// script sends as soon as the page is there.
func (d *document) selfSubmit() *submission {
	if len(d.forms) != 1 || logsOut(d.forms[0]) {
		return nil
	}
	for _, n := range d.nodes {
		if k := kindOf(n); k != pages.Hidden && k != pages.Other && k != pages.Link && visible(n) && !(k == pages.Button && typeOf(n) == "submit") {
			return nil
		}
	}
	sends := false
	for n := range d.root.Descendants() {
		sends = sends || n.DataAtom == atom.Script && submits.MatchString(rawText(n)) ||
			n.DataAtom == atom.Body && submits.MatchString(attr(n, "onload"))
	}
	if !sends {
		return nil
	}
	return d.submission(0, nil, nil)
}
