package scenario

import (
	"math"
	"slices"
	"time"

	"github.com/devicegrant/devicegrant/suites/wire"
)

const (
	// firstReaction is the time from the press to the confirming page before any
	// was measured, and maxReaction bounds it: looking further is no use.
	firstReaction = 50 * time.Millisecond
	maxReaction   = time.Second
	// minPoll and maxPoll bound how long a poll is taken to be at work: no timer is
	// exact to less, and nothing but a crowd makes it longer.
	minPoll = 2 * time.Millisecond
	maxPoll = 100 * time.Millisecond
	// aimedBy is how many polls of each kind the aim remembers. Old ones go: the
	// server may be quicker by now, and one late poll must not blur the rest.
	aimedBy = 8
)

// aim finds the moment at which a decision takes effect, by the answers of polls
// around it, and says when to poll next. All its times count from the press.
//
//	        the server reads ─┐         ┌─ writes: a decision in between is lost
//	poll          ────────────┴────┬────┴──►
//	decision      press ───────────┴─ takes effect ──── confirming page ►
//
// A poll that is answered authorization_pending was read before that moment, and a
// poll that learns of the decision after it. So the moment lies between the latest
// of the first and the earliest of the second kind, and each poll narrows that
// down. A poll that undoes the decision is sent up to its own duration earlier.
type aim struct {
	// reaction is the time from the press to the confirming page, and poll that from
	// a poll to its answer, as they were measured.
	reaction, poll time.Duration
	pending, told  []time.Duration
	// chance is a random number from 0 up to 1, and turn one that is spread evenly.
	chance func() float64
	turn   float64
}

func newAim(chance func() float64) *aim {
	return &aim{reaction: firstReaction, poll: minPoll, chance: chance, turn: chance()}
}

// reacted notes how long the page after the decision took.
func (a *aim) reacted(after time.Duration) { a.reaction = min(after, maxReaction) }

// heard notes the answer to a poll that was sent at some time. What is neither
// authorization_pending nor the decision says nothing: a server may answer
// slow_down before it looks at either.
func (a *aim) heard(at, took time.Duration, x wire.Exchange) {
	keep := func(list []time.Duration) []time.Duration {
		return append(list[max(0, len(list)-aimedBy+1):], at)
	}
	switch {
	case stringIn(x, "error") == "authorization_pending":
		a.pending = keep(a.pending)
		a.poll = min(max((a.poll+took)/2, minPoll), maxPoll)
	case x.EndsGrant(), gaveToken(x):
		a.told = keep(a.told)
	}
}

// bracket is what is known of the moment: between the latest poll that came too
// early for it and the earliest that learned of the decision. Where the server is
// not always equally quick, they may have come the other way round.
func (a *aim) bracket() (from, to time.Duration) {
	before, after := time.Duration(0), a.reaction
	if len(a.pending) > 0 {
		before = slices.Max(a.pending)
	}
	if len(a.told) > 0 {
		after = slices.Min(a.told)
	}
	return min(before, after), max(before, after) + minPoll/2
}

// next is when to send the two polls of a round. The first is the one that matters,
// since a server may answer the second without a look at the decision: it comes up
// to the duration of a poll before any moment of the bracket, and rather little
// before it. By steps of the golden ratio, any number of rounds is spread evenly.
func (a *aim) next() (first, second time.Duration) {
	_, a.turn = math.Modf(a.turn + math.Phi)
	from, to := a.bracket()
	first = from + portion(a.chance(), to-from) - portion(a.turn*a.turn, a.poll)
	return first, first + portion(a.chance(), to+a.poll-first)
}

func portion(of float64, d time.Duration) time.Duration { return time.Duration(of * float64(d)) }
