package onboarding

import (
	"fmt"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// TestSuggestPages: hostile pages make entries that load, or none.
func TestSuggestPages(t *testing.T) {
	nasty := "\"}]\n- role: x #${base_url} " + strings.Repeat("(", 50)
	element := transcript.Element{ID: nasty, Name: nasty, Label: nasty, Button: true}
	j := transcript.Journey{Steps: []transcript.Step{
		{Page: "code", URL: "https://x/" + nasty, Title: nasty, Ways: map[string][]transcript.Act{"do": {{Do: "fill", With: "user_code", Element: element}, {Do: "click", Element: element}}}},
		{Page: "consent", URL: "::", Title: nasty, Ways: map[string][]transcript.Act{"approve": {{Do: "click", Element: transcript.Element{Label: nasty, Button: true}}}}},
		{Page: "success", URL: "https://x/", Text: nasty + " success", Reason: `the text says "success"`, Ways: map[string][]transcript.Act{}},
		{Page: nasty, Ways: map[string][]transcript.Act{}},
	}}
	pages, _ := SuggestPages(j)
	text := "clients: {public: {id: x}}\ndiscovery: \"off\"\nendpoints: {token: https://x/t, device_authorization: https://x/d}\nverification:\n  pages:\n" + PagesYAML(pages)
	p, err := profiles.Load("p.yaml", profiles.Options{ReadFile: func(string) ([]byte, error) { return []byte(text), nil }})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := fmt.Sprint(len(p.Verification.Pages)); got != "3" {
		t.Errorf("%s pages\n%s", got, text)
	}
}

// TestEndsAreToldApart: an entry for a page that tells the end does not fit the
// page that tells the other one, or a page before it.
func TestEndsAreToldApart(t *testing.T) {
	none := map[string][]transcript.Act{}
	approved := transcript.Step{Page: "success", URL: "https://x/status", Text: "Device Login Successful", Reason: `the text says "success"`, Ways: none}
	denied := transcript.Step{Page: "denied", URL: "https://x/status", Text: "Device Login was denied", Reason: `the text says "denied"`, Ways: none}
	pages, alike := SuggestPages(transcript.Journey{Steps: []transcript.Step{approved, denied}})
	if len(pages) != 2 || len(alike) != 0 || fits(pages[0].When[0], denied) || fits(pages[1].When[0], approved) {
		t.Errorf("%+v, alike %q", pages, alike)
	}
	menu := transcript.Step{Page: "consent", URL: "https://x/status", Text: "Menu: Login Success stories. Allow?", Ways: none}
	if pages, alike := SuggestPages(transcript.Journey{Steps: []transcript.Step{menu, approved}}); len(pages) != 0 || len(alike) != 1 {
		t.Errorf("%+v, alike %q", pages, alike)
	}
}

func TestHeardWithoutAPoll(t *testing.T) {
	if got, want := (Walkthrough{}).Heard(), "the device did not poll: nobody logged in or decided"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
