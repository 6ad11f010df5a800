package rules

import (
	"fmt"
	"math"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

// repetition is what became of the repeated grants that an end user approved.
type repetition struct {
	// granted got their token; early are those of them that were approved before their
	// first poll.
	granted, early int
	// lost are those that stayed pending, each with its last poll, and ended those
	// that ended without a token.
	lost, ended []said
	// blind says that no page showed the approvals.
	blind bool
}

// vainPolls is how many polls after the decision are enough to call it lost.
const vainPolls = 3

func (j *judging) repetition() (r repetition) {
	const scenario = transcript.RepeatedGrants
	for _, d := range j.all(scenario, labels.Device) {
		k := strings.TrimPrefix(d.Label, labels.Device+"/")
		visit, ok := j.Transcripts[scenario].Journey(labels.Of(labels.Approve, k))
		if !ok || visit.Outcome != transcript.Approved && !visit.Decided {
			continue
		}
		after := j.all(scenario, labels.Join(labels.Approved, k))
		polls := append(j.all(scenario, labels.Join(labels.Poll, k)), after...)
		if len(polls) == 0 {
			continue
		}
		sure := visit.Outcome == transcript.Approved && (visit.Confirmed || seesNoPages(visit)) && (!onlySaysSo(visit) || j.neverAsks())
		waiting := withError(after, "authorization_pending")
		switch last := polls[len(polls)-1]; {
		case len(withToken(polls)) > 0:
			r.granted++
			if len(after) == len(polls) {
				r.early++
			}
		case sure && last.EndsGrant() && j.endsByItself() == "":
			r.ended = append(r.ended, last)
		case sure && len(waiting) >= vainPolls && len(waiting) == len(j.Transcripts[scenario].Labelled(labels.Join(labels.Approved, k))):
			r.lost = append(r.lost, last)
			r.blind = r.blind || seesNoPages(visit)
		}
	}
	return r
}

// lostNowAndThen judges the approvals that never arrived, of the repeated grants and
// of those told alone. One proves no rate.
func (j *judging) lostNowAndThen(r repetition) {
	n := r.granted + len(r.lost)
	const expected = "a token for each approved grant"
	observed := fmt.Sprintf("%d of %d approved grants never got their token (%s)", len(r.lost), n, confidence(len(r.lost), n))
	switch {
	case len(r.lost) > 1 && !r.blind:
		j.fail("lost", expected, observed, shown(r.lost)...)
	case len(r.lost) > 0 && r.blind:
		j.warn("lost", expected, observed+"; no page showed the approvals, so the driver may have lost them", shown(r.lost)...)
	case len(r.lost) == 1:
		j.warn("lost-once", expected, observed+"; --repeat 200 tells how often that comes", r.lost...)
	case n >= leastRate:
		j.pass("all of %d approved grants got their token (%s)", n, confidence(0, n))
	case n > 0:
		j.pass("all of %d approved grants got their token", n)
	}
	if len(r.ended) == 0 {
		return
	}
	// Once may be a store that forgets: what comes again is told to the end user's cost.
	all := n + len(r.ended)
	observed = fmt.Sprintf("%d of %d approved grants ended without a token, the first by %s (%s)", len(r.ended), all, describe(r.ended[0].Exchange), confidence(len(r.ended), all))
	switch denied := withError(r.ended, "access_denied"); {
	case len(denied) > 1 && !r.blind:
		j.fail("ended", expected, observed, shown(denied)...)
	case len(r.ended) > 1:
		j.warn("ended", expected, observed, shown(r.ended)...)
	default:
		j.note("ended", observed, r.ended...)
	}
}

// slowedNowAndThen judges the polls of the repeated grants, all of them compliant.
// Other devices of the client poll too fast beside them, so this is no more than a
// warning (see POLL-18).
func (j *judging) slowedNowAndThen() {
	const scenario = transcript.RepeatedGrants
	polls := append(j.all(scenario, labels.Poll), j.all(scenario, labels.Approved)...)
	slowed := slowDowns(polls)
	observed := fmt.Sprintf("slow_down for %d of %d compliant polls of the repeated grants (%s)", len(slowed), len(polls), confidence(len(slowed), len(polls)))
	switch {
	case len(slowed) > 1:
		j.warn("punished-now-and-then", "no slow_down for polls at the advertised interval", observed+", perhaps since other devices of the client poll too fast (POLL-18)", shown(slowed)...)
	case len(slowed) == 1:
		j.note("slowed-once", observed, slowed...)
	}
}

// leastRate is how many samples a bound is told for: with less, it says nothing.
const leastRate = 20

// confidence is the interval in which a share lies with 95 % confidence when k of n
// were seen (Clopper and Pearson); where none was, its upper bound.
func confidence(k, n int) string {
	if n == 0 {
		return "none seen"
	}
	if k == 0 {
		return fmt.Sprintf("95%% confidence: less than %s", percent(1-math.Pow(0.05, 1/float64(n))))
	}
	low := leastShare(k, n)
	high := solve(func(p float64) bool { return 1-atLeast(k+1, n, p) < 0.025 })
	return fmt.Sprintf("95%% confidence: %s to %s", percent(low), percent(high))
}

// leastShare is the lower end of that interval.
func leastShare(k, n int) float64 {
	return solve(func(p float64) bool { return atLeast(k, n, p) > 0.025 })
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

// solve finds where a condition on a share begins to hold.
func solve(holds func(float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 50 {
		if mid := (low + high) / 2; holds(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// atLeast is the probability of k or more of n when each has the probability p.
func atLeast(k, n int, p float64) (sum float64) {
	if k > n {
		return 0
	}
	whole, _ := math.Lgamma(float64(n + 1))
	for i := k; i <= n; i++ {
		a, _ := math.Lgamma(float64(i + 1))
		b, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(whole - a - b + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}
