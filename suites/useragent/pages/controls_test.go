package pages

import (
	"encoding/json"
	"testing"
)

// TestButtons: each label is a way on, a refusal, or neither.
func TestButtons(t *testing.T) {
	for label, want := range map[string]string{
		"Allow": "approve", "Don’t allow": "deny", "Yes, connect": "approve", "No": "deny", "Cancel": "deny",
		"Autoriser": "approve", "Ne pas autoriser": "deny", "Zulassen": "approve", "Nicht zulassen": "deny",
		"Permitir": "approve", "Rechazar": "deny", "Deny access": "deny", "It's not me": "deny",
		"Sign in with Google": "", "Forgot password?": "", "Sprache": "", "Create account": "",
	} {
		s := &Snapshot{Elements: []Element{{Kind: Button, Label: label, Form: none, Visible: true, Enabled: true}}}
		p := (&Recogniser{}).Recognise(s, "")
		got := ""
		switch {
		case p.approve == 0:
			got = "approve"
		case p.deny == 0:
			got = "deny"
		}
		if got != want {
			t.Errorf("%q is %q, want %q", label, got, want)
		}
	}
}

// TestFindButtons: which of several buttons sends the form, approves, denies, or
// has to be waited for.
func TestFindButtons(t *testing.T) {
	field := Element{Kind: TextField, Name: "user_code", Visible: true, Enabled: true}
	button := func(label string, change func(*Element)) Element {
		e := Element{Kind: Button, Type: "submit", Label: label, Form: none, Visible: true, Enabled: true}
		if change != nil {
			change(&e)
		}
		return e
	}
	inForm := func(e *Element) { e.Form = 0 }
	type found struct{ submit, waiting, approve, deny int }
	for name, c := range map[string]struct {
		elements []Element
		want     found
	}{
		"the form's own":      {[]Element{button("Go", nil), field, button("Go", inForm)}, found{2, none, 0, none}},
		"furniture":           {[]Element{button("", func(e *Element) { e.Type = "button" }), field}, found{none, none, none, none}},
		"a reset":             {[]Element{field, button("x", func(e *Element) { e.Type, e.Form = "reset", 0 }), button("y", inForm)}, found{2, none, none, none}},
		"disabled":            {[]Element{field, button("Next", func(e *Element) { e.Enabled, e.Form = false, 0 })}, found{none, 1, none, none}},
		"of another form":     {[]Element{field, button("Next", func(e *Element) { e.Enabled, e.Form = false, 1 })}, found{none, none, none, none}},
		"a link to refuse":    {[]Element{button("Allow", nil), button("Cancel", func(e *Element) { e.Kind = Link })}, found{0, none, 0, 1}},
		"a button before it":  {[]Element{button("Cancel", func(e *Element) { e.Kind = Link }), button("Deny", nil)}, found{none, none, none, 1}},
		"a value that denies": {[]Element{button("", func(e *Element) { e.Value = "deny" })}, found{none, none, none, 0}},
		"explicit words":      {[]Element{button("Continue", nil), button("Allow", nil)}, found{0, none, 1, none}},
		"the focus":           {[]Element{button("Allow", nil), button("Yes", func(e *Element) { e.Focused = true })}, found{1, none, 1, none}},
		"a menu":              {[]Element{button("Allow", func(e *Element) { e.Popup = true })}, found{none, none, none, none}},
	} {
		f := findControls(&Snapshot{Elements: c.elements})
		if got := (found{f.submit, f.waiting, f.approve, f.deny}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// FuzzSnapshot does the same for what a browser may answer.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(`{"url":"https://idp.test/","elements":[{"kind":"text","name":"user_code","visible":true,"enabled":true,"form":-1}],"queries":{"x":[0,7,-1]}}`))
	r := &Recogniser{auto: true}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s Snapshot
		if json.Unmarshal(raw, &s) != nil {
			return
		}
		s.Clean()
		p := r.Recognise(&s, "ABCD-EFGH")
		for _, w := range []Way{Onward, Approve, Deny} {
			for _, a := range p.Acts(w, true) {
				a.Describe(p)
			}
		}
		s.Fingerprint()
		p.Suggest()
	})
}
