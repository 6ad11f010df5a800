package scenario

import (
	"context"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

func TestWaysToEnter(t *testing.T) {
	for _, test := range []struct{ code, other, bare, dashes, spaces string }{
		{"WDJB-MJHT", "wdjb-mjht", "WDJBMJHT", "WD-JB-MJ-HT", "WD JB-MJ HT"},
		{"wdjbmjht", "WDJBMJHT", "wdjbmjht", "wd-jb-mj-ht", "wd jb mj ht"},
		{"123-456-789", "123-456-789", "123456789", "12-3-45-6-78-9", "12 3-45 6-78 9"},
		{"aBcD", "AbCd", "aBcD", "aB-cD", "aB cD"},
		{"", "", "", "", ""},
		{"A", "a", "A", "A", "A"},
	} {
		for what, got := range map[string][2]string{
			"other case": {caseSwapped(test.code), test.other}, "bare": {bareCode(test.code), test.bare},
			"dashes": {spread(test.code, "-"), test.dashes}, "spaces": {spread(test.code, " "), test.spaces},
		} {
			if got[0] != got[1] {
				t.Errorf("%s of %q is %q, want %q", what, test.code, got[0], got[1])
			}
		}
	}
}

// TestWatchedSecrets: what a page may show anyway is not looked for.
func TestWatchedSecrets(t *testing.T) {
	watched := func(id, secret string) string {
		s := profiles.NewSecret(secret)
		p := &profiles.Profile{Title: "The demo server", Clients: profiles.Clients{
			Public: &profiles.Client{ID: "tv"}, Confidential: &profiles.Client{ID: id, Secret: &s},
		}}
		d := &device{c: &conversation{Environment: &Environment{Profile: p}}, deviceCode: "short"}
		var names []string
		for _, n := range d.watch() {
			names = append(names, n.Name)
		}
		return strings.Join(names, " ")
	}
	for _, test := range []struct{ id, secret, want string }{
		{"c", "secret", ""},
		{"c", "password", ""},
		{"c", "s3cr3t-of-mine", "client_secret of c"},
		{"c", "a-rather-long-pass-phrase", "client_secret of c"},
		{"client-number-1", "client-number-1", ""},
		{"c", "The demo server", ""},
	} {
		if got := watched(test.id, test.secret); got != test.want {
			t.Errorf("secret %q of %q: watched %q, want %q", test.secret, test.id, got, test.want)
		}
	}
}

// TestNobodyToLogIn: without a user the scenarios that need one say so at once.
func TestNobodyToLogIn(t *testing.T) {
	forms, err := useragent.New("forms", useragent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer forms.Close()
	r := NewRunner(&Environment{
		Profile: &profiles.Profile{Dropped: []string{"users.second: X is not set", "users.first: DEVICEGRANT_PASSWORD is not set"}},
		Driver:  forms, Clock: NewClock(1),
	})
	r.Start(context.Background(), transcript.Approval)
	if said := r.Wait(transcript.Approval); said.Aborted != "no end user can log in: DEVICEGRANT_PASSWORD is not set (users.first)" || len(said.Exchanges) > 0 {
		t.Errorf("%q after %d exchanges", said.Aborted, len(said.Exchanges))
	}
}

// TestNearlyRight: a wrong code that differs in one place differs there, whatever the
// case of its letters.
func TestNearlyRight(t *testing.T) {
	r := newRandom(1, "nearly right")
	for _, sample := range []string{"WDJB-MJHT", "aAb-Bab", "123-456-789"} {
		for range 50 {
			for _, at := range []int{0, len(sample) - 1} {
				got := r.otherAt(sample, at)
				if len(got) != len(sample) || got[:at] != sample[:at] || got[at+1:] != sample[at+1:] || strings.EqualFold(got, sample) {
					t.Fatalf("%q became %q, which should differ at %d only", sample, got, at)
				}
			}
		}
	}
	for _, sample := range []string{"AAAA-AAAA", "aAaA", "", "-"} {
		if got := r.otherAt(sample, strings.IndexFunc(sample, isAlphanumeric)); strings.EqualFold(got, sample) {
			t.Errorf("%q became %q", sample, got)
		}
	}
	for code, want := range map[string][3]string{
		"abcdefgh":   {"2bcdefgh", "abcd2fgh", "abcde2gh"},
		"2bcdef2h==": {"3bcdef2h==", "2bcde22h==", "2bcde22h=="},
		"ab":         {"2b", "a2", "2b"},
	} {
		if got := [3]string{startChanged(code), changed(code), endChanged(code)}; got != want {
			t.Errorf("%q became %q, want %q", code, got, want)
		}
	}
}
