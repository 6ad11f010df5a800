package scenario

import (
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// gone is the answer to a poll whose code is unknown.
var gone = wire.Exchange{Label: "poll", Method: "POST", Status: 400, Response: &wire.Message{Body: []byte(`{"error":"invalid_grant"}`)}}

// TestForgottenForOthers: a pending code that is gone may be gone because of many
// codes of other conversations; its own say nothing.
func TestForgottenForOthers(t *testing.T) {
	for _, test := range []struct {
		name        string
		own, others int64
		forgotten   bool
	}{
		{"many others", 0, manyCodes, true},
		{"few others", 0, manyCodes - 1, false},
		{"many of its own", 10 * manyCodes, manyCodes - 1, false},
	} {
		c := &conversation{Environment: &Environment{Clock: NewClock(1)}}
		d := &device{c: c, pending: true}
		c.issuedCodes.Add(test.own + test.others)
		c.issuedOwn.Add(test.own)
		d.known(gone)
		if forgotten := len(c.said.Late) > 0; forgotten != test.forgotten || c.forgetful.Load() != test.forgotten || (c.lost.Load() > 0) == test.forgotten {
			t.Errorf("%s: %+v, lost %d", test.name, c.said.Late, c.lost.Load())
		}
	}
}

// TestLostAloneIsNotForgotten: a code that is gone also when nobody else asks for
// codes was not lost to later ones.
func TestLostAloneIsNotForgotten(t *testing.T) {
	for _, kills := range []bool{true, false} {
		r := &Runner{env: &Environment{Clock: NewClock(1), Profile: &profiles.Profile{}}, futures: map[string]*future{}, status: map[string]Status{}}
		r.env.forgetful.Store(true)
		s := Scenario{Name: "killed", run: func(c *conversation) error {
			if kills {
				(&device{c: c, pending: true}).known(gone)
			}
			return nil
		}}
		was := transcript.Transcript{Late: []transcript.Late{{Kind: transcript.LateForgotten, What: "poll"}, {Kind: transcript.LateCode, What: "approve"}}}
		said := r.tellAgain(t.Context(), s, was)
		if want := map[bool]int{true: 1, false: 2}[kills]; len(said.Again) != want || len(was.Late) != 2 || r.env.forgetful.Load() == kills {
			t.Errorf("killed %t: %+v", kills, said.Again)
		}
		if was.Late[0].Kind != transcript.LateForgotten {
			t.Error("the first telling was changed")
		}
	}
}
