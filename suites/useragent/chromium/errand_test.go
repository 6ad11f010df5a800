package chromium

import (
	"context"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"

	"github.com/devicegrant/devicegrant/suites/useragent"
)

// TestErrands: a browser is spared only once it has seen a whole approval, on
// pages none of which had a script.
func TestErrands(t *testing.T) {
	approved := transcript.Journey{Goal: transcript.Approve, Outcome: transcript.Approved, CodeTyped: true, Confirmed: true}
	unsure, denied := approved, approved
	unsure.Confirmed = false
	denied.Goal, denied.Outcome = transcript.Deny, transcript.Denied
	type visit struct {
		journey  transcript.Journey
		scripted bool
	}
	for _, c := range []struct {
		name   string
		path   string
		visits []visit
		want   string
	}{
		{"nothing is known", "chromium", nil, "browser"},
		{"an approval on plain pages", "chromium", []visit{{approved, false}}, "forms"},
		{"a refusal on plain pages", "chromium", []visit{{denied, false}}, "browser"},
		{"no page confirmed it", "chromium", []visit{{unsure, false}}, "browser"},
		{"an approval on pages with scripts", "chromium", []visit{{approved, true}}, "browser"},
		{"a script on some page before", "chromium", []visit{{denied, true}, {approved, false}}, "browser"},
		{"a script on some page later", "chromium", []visit{{approved, false}, {denied, true}}, "browser"},
		{"a browser elsewhere", "ws://elsewhere", []visit{{approved, false}}, "browser"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := newChrome(useragent.Options{Browser: c.path})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range c.visits {
				d.learn(&v.journey, v.scripted)
			}
			s, err := d.NewErrand(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got := "browser"
			if _, own := s.(*agent); !own {
				got = "forms"
			}
			if got != c.want {
				t.Errorf("it is an errand for %s", got)
			}
		})
	}
}
