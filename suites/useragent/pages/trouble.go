package pages

import (
	"fmt"
	"net/url"
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
		at := ""
		switch {
		case e.ID != "":
			at = fmt.Sprintf("{id: %q}", e.ID)
		case e.Name != "":
			at = fmt.Sprintf("{name: %q}", e.Name)
		case e.Label != "" && e.Kind == Button:
			at = fmt.Sprintf("{button: %q}", e.Label)
		default:
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
