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
			for _, a := range p.Plan(w, true) {
				a.Describe(p)
			}
		}
		s.Fingerprint()
		p.Suggest()
	})
}
