package transcript

import (
	"testing"

	"github.com/devicegrant/devicegrant/suites/wire"
)

func TestLabelled(t *testing.T) {
	said := Transcript{Exchanges: []wire.Exchange{{N: 1, Label: "poll/1"}, {N: 2, Label: "polling"}, {N: 3, Label: "poll/2"}, {N: 4, Label: "poll"}}}
	var found []int
	for _, x := range said.Labelled("poll") {
		found = append(found, x.N)
	}
	if len(found) != 3 || found[0] != 1 || found[1] != 3 || found[2] != 4 {
		t.Errorf("found %v, want [1 3 4]: a label is a path", found)
	}
	if x, ok := said.First("polling"); !ok || x.N != 2 {
		t.Errorf("first is %v", x.N)
	}
	if _, ok := said.First("po"); ok {
		t.Error("half a label is found")
	}
}

func TestTroubleSaysWhatWhereAndWhatNext(t *testing.T) {
	trouble := &Trouble{
		Class: NotRecognised, Step: 3, Page: "login", Cause: "no page recognised within 10s", Action: `click "Sign In"`,
		URL: "http://idp.test/login", Title: "Sign in", Alert: "Invalid password.", Fields: []string{"text:username", "password:password"},
		Buttons: []string{"Sign In"}, Tried: []string{"login (url did not match)", "consent (no such button)"}, Hint: "wrong credentials?",
		Files: []string{"evidence/trouble.png"},
	}
	want := `step 3 "login": not_recognised: no page recognised within 10s, while trying to click "Sign In"
  at       http://idp.test/login (title "Sign in")
  alert    Invalid password.
  saw      fields text:username, password:password; buttons Sign In
  tried    login (url did not match); consent (no such button)
  hint     wrong credentials?
  files    evidence/trouble.png`
	if got := trouble.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSaysLimited(t *testing.T) {
	for text, want := range map[string]bool{
		"Too many wrong codes. Wait a minute and try again.": true,
		"Your account has been locked.":                      true,
		"Please prove that you are not a robot":              true,
		"Später erneut versuchen":                            true,
		"Demasiados intentos":                                true,

		"The code is wrong, try again. This site is protected by reCAPTCHA.":  false,
		"The code is wrong. Pop-ups are blocked; unlocked accounts only.":     false,
		"Please wait a moment. This temporarily changes the order of things.": false,
		"Unknown code": false,
	} {
		if SaysLimited(text) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
	if !(Step{Text: "Too many requests"}).SaysLimited() || (Step{Alert: "Unknown code", Text: "Too many devices?"}).SaysLimited() {
		t.Error("the text counts, and only where there is no alert")
	}
}
