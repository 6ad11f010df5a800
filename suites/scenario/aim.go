package scenario

import (
	"math"
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
	// minStep is how far one answer moves an aim that has found the moment.
	minStep = time.Millisecond
)

// aim finds the moment at which a decision takes effect, by the answers of polls
// around it, and says when to poll next. All its times count from the press.
//
//	        the server reads ─┐         ┌─ writes: a decision in between is lost
//	poll          ────────────┴────┬────┴──►
//	decision      press ───────────┴─ takes effect ──── confirming page ►
//
// A poll that is answered authorization_pending was read before that moment, and a
// poll that learns of the decision after it. So each answer moves the aim later or
// earlier: by half as much whenever the direction changes, so that one page that was
// late does not lead it astray. A poll that undoes the decision is sent up to its own
// duration before that moment.
type aim struct {
	// poll is the time from a poll to its answer, as it was measured.
	poll time.Duration
	// at is where the moment is taken to be, and step how far the next answer moves
	// that; 0: no page is measured yet. later says where the last one did.
	at, step time.Duration
	later    bool
	// page is how long the last page took, and past says that a decision took effect
	// after its page.
	page time.Duration
	past bool
	// chance is a random number from 0 up to 1, and turn one that is spread evenly.
	chance func() float64
	turn   float64
}

func newAim(chance func() float64) *aim {
	return &aim{poll: minPoll, at: firstReaction / 2, chance: chance, turn: chance()}
}

// reacted notes how long the page after a decision took. An aim beyond that begins
// anew: a page before, often the first one, was late.
func (a *aim) reacted(after time.Duration) {
	a.page = min(after, maxReaction)
	if a.step == 0 || a.at > a.page && !a.past {
		a.at = a.page / 2
		a.step = max(a.at/2, minStep)
	}
}

// heard notes the answer to a poll that was sent at some time. What is neither
// authorization_pending nor the decision says nothing: a server may answer
// slow_down before it looks at either. The latest answer counts more than those
// that contradict it: one page that was late must not hold the aim there.
func (a *aim) heard(at, took time.Duration, x wire.Exchange) {
	switch {
	case stringIn(x, "error") == "authorization_pending":
		a.poll = min(max((a.poll+took)/2, minPoll), maxPoll)
		a.past = a.past || at > a.page
		a.move(at, true)
	case x.EndsGrant(), gaveToken(x):
		a.move(at, false)
	}
}

// move follows an answer to a poll that was sent at some time. Where the aim lies
// beyond that already, the answer says nothing new.
func (a *aim) move(at time.Duration, later bool) {
	if a.step == 0 || later && at < a.at-a.poll || !later && at > a.at+a.step {
		return
	}
	if later != a.later {
		a.step = max(a.step/2, minStep)
	}
	a.later = later
	if later {
		a.at = min(a.at+a.step, maxReaction)
	} else {
		a.at = max(a.at-a.step, 0)
	}
}

// next is when to send the two polls of a round. The first is the one that matters,
// since a server may answer the second without a look at the decision: it comes up
// to the duration of a poll before the moment, and rather little before it. By steps
// of the golden ratio, any number of rounds is spread evenly.
func (a *aim) next() (first, second time.Duration) {
	_, a.turn = math.Modf(a.turn + math.Phi)
	first = a.at + portion(a.chance(), minStep) - portion(a.turn*a.turn, a.poll)
	return first, first + portion(a.chance(), a.poll+a.step)
}

func portion(of float64, d time.Duration) time.Duration { return time.Duration(of * float64(d)) }
