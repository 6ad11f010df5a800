package pages

import (
	"cmp"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Bounds on what is kept of a page: everything in it is hostile.
const (
	MaxText     = 4000 // visible text
	MaxLabel    = 200  // any one attribute or label
	MaxElements = 200
)

// Snapshot is what the end user sees of a page, as plain data. The browser
// creates it with one script, the forms driver with an HTML parser; everything
// that recognizes pages is a pure function of it.
type Snapshot struct {
	URL   string `json:"url"`
	Title string `json:"title"`
	// Lang is the language that the document declares.
	Lang string `json:"lang"`
	// Ready is document.readyState.
	Ready string `json:"ready"`
	// Mark differs between any two documents, even with equal content.
	Mark string `json:"mark"`
	// Text is the visible text, Alert that of error and alert elements.
	Text  string `json:"text"`
	Alert string `json:"alert"`
	// Status is the HTTP status of the document; 0: not known.
	Status   int       `json:"-"`
	Elements []Element `json:"elements"`
	// Queries has, for each CSS selector in the profile, the matching elements
	// as indices of Elements.
	Queries map[string][]int `json:"queries"`
	// Layers are the parts of the page that elements are in or under.
	Layers []Layer `json:"layers"`
	// Scripts says that the document has scripts; Frames counts frames that
	// could not be read.
	Scripts bool `json:"scripts"`
	Frames  int  `json:"frames"`
}

// Layer is a part of a page.
type Layer struct {
	// Text is what it says beside its buttons and links; Name is for one that says
	// nothing.
	Text string `json:"text"`
	Name string `json:"name"`
}

// ElementKind is what an element is to the end user.
type ElementKind string

// The kinds of element.
const (
	TextField ElementKind = "text" // also textarea, email, tel, number ...
	Password  ElementKind = "password"
	Check     ElementKind = "check" // checkbox
	Radio     ElementKind = "radio"
	Select    ElementKind = "select"
	Hidden    ElementKind = "hidden"
	Button    ElementKind = "button" // also role=button and submit inputs
	Link      ElementKind = "link"
	Other     ElementKind = "other" // only there because the profile asks about it
)

// Element is a field, a button, a link, or what a profile's selector matches.
type Element struct {
	Kind ElementKind `json:"kind"`
	Type string      `json:"type"` // the type attribute with the browser's default
	ID   string      `json:"id"`
	Name string      `json:"name"`
	// Label is the accessible name: label, aria-label, button text.
	Label        string `json:"label"`
	Placeholder  string `json:"placeholder"`
	Autocomplete string `json:"autocomplete"`
	Capitals     string `json:"capitals"` // autocapitalize
	// Value is never filled for password fields.
	Value     string `json:"value"`
	MaxLength int    `json:"maxlength"` // 0: none
	Form      int    `json:"form"`      // number of the form; -1: none
	Checked   bool   `json:"checked"`
	Required  bool   `json:"required"`
	Visible   bool   `json:"visible"`
	Enabled   bool   `json:"enabled"`
	Focused   bool   `json:"focused"` // has autofocus
	// Invalid says that the browser's form validation rejects the value.
	Invalid bool `json:"invalid"`
	Popup   bool `json:"popup"` // opens a menu
	// Under is the layer that lies over the element, so that no person can reach it,
	// and Group the one that a button or a box is in. Both count from 1; 0: none.
	Under int `json:"under"`
	Group int `json:"group"`
	// Narrow says that the field has room for one character.
	Narrow bool `json:"narrow"`
	// Scripted says that the markup has its own handler on the element or its form.
	Scripted bool `json:"scripted"`
}

// usable says that an end user could use the element.
func (e *Element) usable() bool {
	return e.Visible && e.Enabled && e.Kind != Hidden && e.Under == 0
}

// describe names the element for reports, never with its value.
func (e *Element) describe() string {
	name := cmp.Or(e.Name, e.ID, e.Label, e.Placeholder, "nameless")
	if e.Kind == Button || e.Kind == Link {
		return strconv.Quote(cmp.Or(e.Label, e.Name, e.ID, "nameless"))
	}
	return string(e.Kind) + ":" + name
}

// Clean limits and sanitizes what came from the page.
func (s *Snapshot) Clean() {
	s.URL, s.Title, s.Lang = Tidy(s.URL, MaxText), Tidy(s.Title, MaxLabel), Tidy(s.Lang, MaxLabel)
	s.Text, s.Alert = Tidy(s.Text, MaxText), Tidy(s.Alert, MaxLabel)
	if len(s.Elements) > MaxElements {
		s.Elements = s.Elements[:MaxElements]
	}
	for i := range s.Layers {
		l := &s.Layers[i]
		l.Text, l.Name = Tidy(l.Text, MaxText), Tidy(l.Name, MaxLabel)
	}
	for i := range s.Elements {
		e := &s.Elements[i]
		for _, layer := range []*int{&e.Under, &e.Group} {
			if *layer < 0 || *layer > len(s.Layers) {
				*layer = 0
			}
		}
		for _, p := range []*string{&e.Type, &e.ID, &e.Name, &e.Label, &e.Placeholder, &e.Autocomplete, &e.Capitals} {
			*p = Tidy(*p, MaxLabel)
		}
		e.Value = truncate(e.Value, MaxText)
	}
	s.findPasswords()
	for i := range s.Elements {
		if e := &s.Elements[i]; e.Kind == Password {
			e.Value = ""
		}
	}
	for css, matches := range s.Queries {
		kept := matches[:0]
		for _, i := range matches {
			if i >= 0 && i < len(s.Elements) {
				kept = append(kept, i)
			}
		}
		s.Queries[css] = kept
	}
}

// findPasswords takes a text field that calls itself a password for one, where the
// page has no field of that kind: some pages show what is typed.
func (s *Snapshot) findPasswords() {
	if slices.ContainsFunc(s.Elements, func(e Element) bool { return e.Kind == Password && e.usable() }) {
		return
	}
	for i := range s.Elements {
		e := &s.Elements[i]
		named := e.Autocomplete == "current-password" || passwordWords.in(e.text()) != "" && notPassword.in(e.text()) == ""
		if e.Kind == TextField && e.usable() && named {
			e.Kind = Password
		}
	}
}

// Fingerprint is equal for two snapshots of an unchanged page. It does not
// include what the end user typed.
func (s *Snapshot) Fingerprint() uint64 {
	h := fnv.New64a()
	add := func(parts ...string) {
		for _, p := range parts {
			_, _ = io.WriteString(h, p)
			_, _ = h.Write([]byte{0})
		}
	}
	add(s.URL, s.Title, s.Text, s.Alert)
	for i := range s.Elements {
		e := &s.Elements[i]
		add(string(e.Kind), e.Type, e.ID, e.Name, e.Label, strconv.FormatBool(e.Visible), strconv.FormatBool(e.Enabled), strconv.FormatBool(e.Under == 0))
	}
	return h.Sum64()
}

// Changed reports whether the page differs from an earlier snapshot.
func (s *Snapshot) Changed(before *Snapshot) bool {
	return before == nil || s.Mark != before.Mark || s.Fingerprint() != before.Fingerprint()
}

// Scripted reports whether a page needs a browser, or might.
func (s *Snapshot) Scripted() bool {
	return s.Scripts || s.Frames > 0 || slices.ContainsFunc(s.Elements, func(e Element) bool { return e.Scripted })
}

// Refused returns a field that the browser's form validation rejects, "" for
// none.
func (s *Snapshot) Refused() string {
	for i := range s.Elements {
		if e := &s.Elements[i]; e.Invalid && e.usable() {
			return e.describe()
		}
	}
	return ""
}

// fields and buttons list what can be used, for reports.
func (s *Snapshot) fields() []string  { return s.list(TextField, Password, Check, Radio, Select) }
func (s *Snapshot) buttons() []string { return s.list(Button) }

func (s *Snapshot) list(kinds ...ElementKind) []string {
	var out []string
	for i := range s.Elements {
		e := &s.Elements[i]
		for _, k := range kinds {
			if e.Kind == k && e.Visible && len(out) < 12 {
				out = append(out, e.describe())
			}
		}
	}
	return out
}

// Tidy cleans text from a page for reports: one line, no control or invisible
// format characters, at most limit bytes.
func Tidy(s string, limit int) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = true
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar:
		default:
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			space = false
			if b.Len()+len(string(r)) > limit {
				return b.String()
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// truncate cuts s to at most limit bytes at a rune's boundary.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}
