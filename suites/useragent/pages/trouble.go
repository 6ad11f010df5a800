package pages

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Trouble starts a report about the page; v may be nil if there was none.
func (v *Sighting) Trouble(class transcript.TroubleClass, cause string) *transcript.Trouble {
	t := &transcript.Trouble{Class: class, Cause: cause}
	if v != nil {
		t.Page, t.URL, t.Title, t.Alert = v.Role, v.URL, v.Title, v.Alert
		t.Fields, t.Buttons, t.Tried = v.fields(), v.buttons(), v.Tried
	}
	return t
}

// Suggest returns a profile entry made from what is on the page.
func (v *Sighting) Suggest() string {
	when := "title: " + fmt.Sprintf("%q", v.Title)
	if u, err := url.Parse(v.URL); err == nil && u.Path != "" && u.Path != "/" {
		when = fmt.Sprintf("url: %q", "*"+u.Path+"*")
	}
	var do []string
	for i := range v.Elements {
		e := &v.Elements[i]
		if !e.usable() || len(do) > 3 {
			continue
		}
		at := v.locator(i)
		if at == "" {
			continue
		}
		switch e.Kind {
		case TextField, Password:
			do = append(do, "{fill: "+at+", with: ...}")
		case Button:
			do = append(do, "{click: "+at+"}")
		}
	}
	return fmt.Sprintf("- {role: ..., when: {%s}, do: [%s]}", when, strings.Join(do, ", "))
}

// locator finds an element, and no other on the page; "" if nothing does.
func (v *Sighting) locator(at int) string {
	only := func(same func(a, b *Element) bool) bool {
		for i := range v.Elements {
			if i != at && same(&v.Elements[i], &v.Elements[at]) {
				return false
			}
		}
		return true
	}
	e := &v.Elements[at]
	switch {
	case e.ID != "" && only(func(a, b *Element) bool { return a.ID == b.ID }):
		return fmt.Sprintf("{id: %q}", e.ID)
	case e.Name != "" && only(func(a, b *Element) bool { return a.Name == b.Name }):
		return fmt.Sprintf("{name: %q}", e.Name)
	case e.Label != "" && e.Kind == Button && only(func(a, b *Element) bool { return a.Kind == b.Kind && a.Label == b.Label }):
		return fmt.Sprintf("{button: %q}", "^"+regexp.QuoteMeta(e.Label)+"$")
	case e.Name != "" && e.Value != "" && e.Kind == Button && only(func(a, b *Element) bool { return a.Name == b.Name && a.Value == b.Value }):
		return fmt.Sprintf("{css: %q}", fmt.Sprintf("[name=%q][value=%q]", e.Name, e.Value))
	}
	return ""
}
