// Package transcript records a conversation: every HTTP exchange of a scenario
// and every step of its user agent, in order. It is data only. Scenarios write
// it, rules read it and reports print it, so a recorded run can be judged again
// without a server.
package transcript

import (
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// Transcript is one scenario's conversation with the target.
type Transcript struct {
	Scenario string `json:"name"`
	// Started and Ended are counted from the start of the run, in the
	// target's seconds.
	Started time.Duration `json:"-"`
	Ended   time.Duration `json:"-"`
	// Began is Started by this machine's clock; zero where it is not known.
	Began time.Time `json:"-"`

	Exchanges []wire.Exchange `json:"exchanges"`
	Journeys  []Journey       `json:"steps,omitempty"`
	Attacks   []Attack        `json:"attacks,omitempty"`
	Guessed   []Guess         `json:"guesses,omitempty"`
	// Noted is what the scenario knows but no exchange shows, by name; public
	// values only.
	Noted map[string]string `json:"noted,omitempty"`

	// Aborted says why the scenario could not continue; "" if it finished. A
	// rule whose evidence is missing for this reason is inconclusive.
	Aborted string `json:"aborted,omitempty"`
	// Absent says why the scenario did not apply to the target (an optional
	// feature that it lacks, a client that the profile does not have).
	Absent string `json:"absent,omitempty"`
	// Skipped says why the scenario was left out although it applies (it would
	// have exceeded the time budget).
	Skipped string `json:"skipped,omitempty"`
	// Broken is a bug in devicegrant: a panic inside the scenario.
	Broken string `json:"broken,omitempty"`

	// Late is what this machine did too late for the evidence to count. Again
	// is what was late the first time: this scenario was repeated alone.
	Late  []Late `json:"late,omitempty"`
	Again []Late `json:"again,omitempty"`
}

// Late is a step that this machine did too late.
type Late struct {
	Kind LateKind `json:"kind"`
	// What was too late, as a sentence without its period.
	What string `json:"what"`
	// ByMS is how late it was, in real milliseconds; 0 if it cannot be
	// measured.
	ByMS float64 `json:"by_ms,omitempty"`
	// Paused says that the run waited to see whether the target was still
	// there, so this machine is not the cause.
	Paused bool `json:"paused,omitempty"`
	// Machine says how well this machine kept up at that time.
	Machine string `json:"machine,omitempty"`
}

// LateKind says what a late step affects.
type LateKind string

// The kinds of lateness.
const (
	// LateCode: a code was at its end before anybody could act on it. Whatever
	// became of it says nothing.
	LateCode LateKind = "code"
	// LateMoment: a request left after the moment that it is about.
	LateMoment LateKind = "moment"
	// LatePace: a poll that obeys the pace left so late that a target which
	// punishes the pace would have accepted it, too.
	LatePace LateKind = "pace"
	// LateStray is not this machine's doing: an answer was lost or came from
	// something in front of the server, and the code was gone afterwards.
	LateStray LateKind = "stray"
	// LateForgotten is not this machine's doing either: the target no longer knew
	// a code after it had issued many others to the run.
	LateForgotten LateKind = "forgotten"
	// LateLimited is not this machine's doing either: a code was at its end before
	// the target's limit on typed codes let anybody type it.
	LateLimited LateKind = "limited"
	// LatePage: the browser did not get through its pages.
	LatePage LateKind = "page"
)

// OfMachine says that such lateness is this machine's doing.
func (k LateKind) OfMachine() bool {
	return k != LateStray && k != LateForgotten && k != LateLimited
}

// JourneysPictured is how many journeys of a scenario have screenshots of their
// pages; the others have one of the page where they stopped.
const JourneysPictured = 6

// Labelled returns the exchanges with the given label or one below it ("poll"
// finds "poll/1" and "poll/2"), in the order in which they were sent. Superseded
// ones are left out.
func (t Transcript) Labelled(label string) []wire.Exchange {
	return slices.DeleteFunc(t.Asked(label), func(x wire.Exchange) bool { return x.Superseded })
}

// Asked is Labelled with the superseded exchanges.
func (t Transcript) Asked(label string) []wire.Exchange {
	var found []wire.Exchange
	for _, x := range t.Exchanges {
		if below(x, label) {
			found = append(found, x)
		}
	}
	return found
}

// First returns the first exchange found by [Transcript.Labelled].
func (t Transcript) First(label string) (wire.Exchange, bool) {
	for _, x := range t.Exchanges {
		if below(x, label) && !x.Superseded {
			return x, true
		}
	}
	return wire.Exchange{}, false
}

func below(x wire.Exchange, label string) bool {
	return x.Label == label || strings.HasPrefix(x.Label, label+"/")
}

// Journey returns the user-agent journey with that name.
func (t Transcript) Journey(name string) (Journey, bool) {
	for _, j := range t.Journeys {
		if j.Name == name {
			return j, true
		}
	}
	return Journey{}, false
}
