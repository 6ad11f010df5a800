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
		{Page: "success", Text: nasty, Ways: map[string][]transcript.Act{}},
		{Page: nasty, Ways: map[string][]transcript.Act{}},
	}}
	pages := SuggestPages(j)
	text := "clients: {public: {id: x}}\ndiscovery: \"off\"\nendpoints: {token: https://x/t, device_authorization: https://x/d}\nverification:\n  pages:\n" + PagesYAML(pages)
	p, err := profiles.Load("p.yaml", profiles.Options{ReadFile: func(string) ([]byte, error) { return []byte(text), nil }})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := fmt.Sprint(len(p.Verification.Pages)); got != "3" {
		t.Errorf("%s pages\n%s", got, text)
	}
}
