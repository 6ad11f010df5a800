package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section35Polling = []Rule{
	{"POLL-01", one(transcript.SteadyPolling), nil, pendingBeforeDecision},
	{"POLL-02", one(transcript.SteadyPolling), one(transcript.RepeatedGrants), compliantPollingUnpunished},
	{"POLL-03", []string{transcript.ImpatientPolling, transcript.Throttle}, nil, tooFastPolling},
	{"POLL-05", one(transcript.ImpatientPolling), nil, fiveSecondsAreEnough},
	{"POLL-08", one(transcript.Denial), []string{transcript.Approval, transcript.EarlyApproval, transcript.WrongUserCodes}, denialReported},
	{"POLL-09", one(transcript.Denial), []string{transcript.Approval, transcript.EarlyApproval, transcript.WrongUserCodes}, denialFinal},
	{"POLL-10", one(transcript.Expiry), nil, expiryReported},
}

const steady, impatient = transcript.SteadyPolling, transcript.ImpatientPolling

// POLL-01
func pendingBeforeDecision(j *judging) {
	polls := j.all(steady, labels.Poll)
	if len(polls) == 0 {
		j.missing(steady, labels.Poll)
		return
	}
	again := j.all(steady, labels.Join(labels.Again, labels.Poll))
	for _, x := range polls[:min(2, len(polls))] {
		switch {
		case hasError(x.Exchange, "authorization_pending"):
			j.pass("%s", describe(x.Exchange))
		case hasError(x.Exchange, "slow_down") && len(again) > 0 && hasError(again[0].Exchange, "authorization_pending"):
			j.warn("slowed-once", quoted("authorization_pending"), "slow_down at a compliant pace, but not in a second run", x, again[0])
		case hasError(x.Exchange, "slow_down") && len(again) == 0:
			j.missing(steady, labels.Join(labels.Again, labels.Poll))
		case wantsProof(x):
			j.inconclusive("%s", noProof(x.Exchange))
		case x.OAuthError() == "" && !hasToken(x.Exchange):
			j.fail("not-understood", "an answer of RFC 8628 section 3.5 to a regular form-encoded poll (section 3.4)", describe(x.Exchange)+bodyStart(x.Exchange), x)
		default:
			j.fail("not-pending", quoted("authorization_pending"), describe(x.Exchange)+" at a compliant pace", x)
		}
	}
}

// POLL-02
func compliantPollingUnpunished(j *judging) {
	polls := j.all(steady, labels.Poll)
	slowed, again := slowDowns(polls), slowDowns(j.all(steady, labels.Join(labels.Again, labels.Poll)))
	switch {
	case len(polls) < 2:
		j.missing(steady, labels.Poll)
	case len(slowed) == 0 && len(pendings(polls)) == len(polls):
		j.pass("%d polls at the advertised interval, no slow_down", len(polls))
	case len(slowed) == 0:
		j.inconclusive("the grant ended while the device polled: %s", describe(polls[len(polls)-1].Exchange))
	case len(again) > 0:
		j.fail("punished", "no slow_down for polls at the advertised interval", fmt.Sprintf("slow_down for %d of %d polls, and %d in a second run with twice the guard band", len(slowed), len(polls), len(again)), append(slowed, again...)...)
	case len(j.all(steady, labels.Join(labels.Again, labels.Poll))) == 0:
		j.missing(steady, labels.Join(labels.Again, labels.Poll))
	default:
		j.warn("punished-once", "no slow_down for polls at the advertised interval", fmt.Sprintf("slow_down for %d of %d polls, but none in a second run", len(slowed), len(polls)), slowed...)
	}
	j.slowedNowAndThen()
}

func slowDowns(polls []said) []said { return withError(polls, "slow_down") }

func pendings(polls []said) []said { return withError(polls, "authorization_pending") }

func withError(polls []said, code string) (list []said) {
	for _, x := range polls {
		if hasError(x.Exchange, code) {
			list = append(list, x)
		}
	}
	return list
}

// POLL-03
func tooFastPolling(j *judging) {
	burst := j.all(impatient, labels.Burst)
	var limited []said
	for _, x := range j.Transcripts[impatient].Labelled(labels.Burst) {
		if x.Status == 429 && x.Overloaded() {
			limited = append(limited, said{x, impatient})
		}
	}
	if len(limited) > 1 { // one may be anybody's
		j.warn("429", quoted("slow_down"), fmt.Sprintf("429 without an error code for %d polls", len(limited)), shown(limited)...)
		return
	}
	if len(burst) == 0 {
		j.missing(impatient, labels.Burst)
		return
	}
	obedient := j.all(impatient, labels.Obedient)
	for _, x := range append(slices.Clone(burst), obedient...) {
		switch {
		case !x.EndsGrant():
			continue
		case len(obedient) == 0:
			j.missing(impatient, labels.Obedient)
		case recognised(obedient[len(obedient)-1].Exchange):
			// The code may not have been known everywhere when it was first polled.
			j.note("late-to-be-known", describe(x.Exchange)+", then pending again", x)
			continue
		case j.wasPending(x):
			j.fail("ended", quoted("slow_down", "authorization_pending"), describe(x.Exchange)+": polling too fast ended the grant", x)
		}
		return
	}
	for _, x := range burst {
		if hasError(x.Exchange, "slow_down") && x.Status == 429 {
			j.warn("429", "slow_down with status 400", describe(x.Exchange), x)
		}
	}
	throttle, measured := MeasureThrottle(j.Transcripts[throttled])
	if measured {
		j.note("throttle", throttle.String())
		if throttle.FirstPoll {
			j.note("first-poll", "a first poll right after the codes is also too early: the device must wait first")
		}
	}
	switch {
	case len(slowDowns(burst)) > 0 && measured:
		j.pass("%s", throttle)
	case len(slowDowns(burst)) > 0:
		j.pass("slow_down at poll %d of the burst", len(burst))
	case len(pendings(burst)) == len(burst) && (len(burst) < 2 || closest(burst) >= j.intervalIn(impatient, labels.Device)):
		j.inconclusive("the polls could not be sent faster than the interval: the profile's rate limit, or the server, slowed them down")
	case len(pendings(burst)) == len(burst):
		j.measure("none", fmt.Sprintf("no slow_down in %d polls, the closest %s apart", len(burst), closest(burst).Round(10*time.Millisecond)), burst...)
	case burst[len(burst)-1].EndsGrant():
		j.inconclusive("the burst ended early: the server did not yet know the code at the first poll")
	default:
		j.warn("other-error", quoted("slow_down", "authorization_pending"), describe(burst[len(burst)-1].Exchange), burst[len(burst)-1])
	}
}

// closest is the least time between the sending of two polls.
func closest(polls []said) time.Duration {
	gap := time.Duration(math.MaxInt64)
	// Some overlap, and are recorded as they were answered.
	polls = slices.SortedFunc(slices.Values(polls), func(a, b said) int { return cmp.Compare(a.Sent, b.Sent) })
	for i := 1; i < len(polls); i++ {
		gap = min(gap, polls[i].Sent-polls[i-1].Sent)
	}
	return gap
}

// POLL-05
func fiveSecondsAreEnough(j *judging) {
	burst := j.all(impatient, labels.Burst)
	switch {
	case len(burst) == 0:
		j.missing(impatient, labels.Burst)
		return
	case len(slowDowns(burst)) == 0:
		j.notApplicable("the server sends no slow_down (see POLL-03)")
		return
	}
	obedient := j.all(impatient, labels.Obedient)
	if len(obedient) == 0 {
		j.missing(impatient, labels.Obedient)
		return
	}
	for _, x := range obedient {
		switch {
		case hasError(x.Exchange, "slow_down"):
			j.fail("punished", quoted("authorization_pending")+" at the interval plus 5 s for each slow_down", describe(x.Exchange), slowDowns(burst)[0], x)
		case hasError(x.Exchange, "authorization_pending"):
			j.pass("the server accepts %d polls at the slower pace", len(obedient))
		default:
			j.inconclusive("the grant ended: %s", describe(x.Exchange))
		}
	}
}

// refusal returns the polls after a refusal that surely was submitted.
func (j *judging) refusal() []said {
	visit, ok := j.journey(transcript.Denial, labels.Deny)
	if !ok {
		return nil
	}
	switch {
	case visit.Outcome == transcript.NoWayToDeny && j.denyOffered():
		j.inconclusive("the decision page offers a way to deny, but might not have appeared before the approval: if it always does, set verification.consent to always in the profile")
		return nil
	case visit.Outcome == transcript.NoWayToDeny:
		j.notApplicable("the pages offer no way to deny (see VERIFY-08)")
		return nil
	case visit.Outcome != transcript.Denied && !j.deniedUnseen(visit, j.all(transcript.Denial, labels.Denied)) && !j.endedUnseen(visit, j.all(transcript.Denial, labels.Denied)):
		j.couldNotDeny(visit)
		return nil
	}
	polls := j.all(transcript.Denial, labels.Denied)
	if len(polls) == 0 {
		j.missing(transcript.Denial, labels.Denied)
	}
	return polls
}

// couldNotDeny says why a visit that was to deny did not.
func (j *judging) couldNotDeny(visit transcript.Journey) {
	if visit.Outcome == transcript.Approved && !visit.Decided {
		j.inconclusive("the end user could not deny: entering the code approved it without a question%s. The server remembers that this end user approved this client: delete that consent, or use an account that never approved it", lastWords(visit))
		return
	}
	j.inconclusive("the end user could not deny: %s%s", visit.Outcome, lastWords(visit))
}

// deniedUnseen says that the end user pressed deny and met an error page, and that
// the device then got access_denied: the device knows better than the page.
func (j *judging) deniedUnseen(visit transcript.Journey, polls []said) bool {
	if visit.Goal != transcript.Deny || !visit.Decided || visit.Outcome != transcript.ErrorPage || len(withError(polls, "access_denied")) == 0 {
		return false
	}
	j.noteOnce("error-after-denial", "the page after the denial is an error page"+lastWords(visit))
	return true
}

// endedUnseen is deniedUnseen where the device got another final answer: the denial
// was submitted, and what it did is told by the polls. One that stays pending may not
// have been denied at all, as the page says.
func (j *judging) endedUnseen(visit transcript.Journey, polls []said) bool {
	if visit.Goal != transcript.Deny || !visit.Decided || visit.Outcome != transcript.ErrorPage ||
		!slices.ContainsFunc(polls, func(x said) bool { return x.EndsGrant() || hasToken(x.Exchange) }) {
		return false
	}
	j.noteOnce("error-after-denial", "the page after the denial is an error page"+lastWords(visit))
	return true
}

// denial is the journey that refused.
func (j *judging) denial() transcript.Journey {
	visit, _ := j.Transcripts[transcript.Denial].Journey(labels.Deny)
	return visit
}

// deniedTooLate says that the code had expired, or nearly so, when the end user denied:
// expired_token is right then.
func (j *judging) deniedTooLate(x said) bool {
	device, ok := j.maybe(transcript.Denial, labels.Device)
	if !ok || !hasError(x.Exchange, "expired_token") {
		return false
	}
	o, err := device.Object()
	n, isNumber := o.Number("expires_in")
	if err != nil || !isNumber || j.denial().Ended < device.Sent+time.Duration(min(n, 1e9)*float64(time.Second))-5*time.Second {
		return false
	}
	j.inconclusive("the denial came when the code expired: the visit ended %.0f s after the codes came, and expires_in is %.0f s", (j.denial().Ended - device.Received).Seconds(), n)
	return true
}

// POLL-08
func denialReported(j *judging) {
	polls := j.refusal()
	for i, x := range polls {
		switch {
		case hasError(x.Exchange, "access_denied") && i == 0:
			j.pass("%s at the next poll", describe(x.Exchange))
			return
		case hasError(x.Exchange, "access_denied") && i == 1:
			j.note("one-poll-late", "seen at the second poll", polls[:i+1]...)
			j.pass("%s within one more interval", describe(x.Exchange))
			return
		case hasError(x.Exchange, "access_denied"):
			j.warn("late", quoted("access_denied")+" at the next compliant poll, or the one after it", fmt.Sprintf("seen at poll %d", i+1), polls[:i+1]...)
			return
		case !hasError(x.Exchange, "authorization_pending", "slow_down"):
			// Where the page said that it was denied, the grant was there to be denied.
			if j.deniedTooLate(x) {
				return
			}
			if j.denial().Outcome == transcript.Denied && j.denial().Confirmed && !seesNoPages(j.denial()) || j.wasPending(x) {
				j.fail("other-answer", quoted("access_denied"), describe(x.Exchange), x)
			}
			return
		}
	}
	if len(polls) > 0 && j.certain(j.denial(), transcript.Denial, labels.Denied) {
		j.fail("not-reported", quoted("access_denied"), fmt.Sprintf("%s at all %d polls after the denial", describe(polls[len(polls)-1].Exchange), len(polls)), polls...)
	}
}

// POLL-09
func denialFinal(j *judging) {
	polls := j.refusal()
	ended := false
	for _, x := range polls {
		switch {
		case hasToken(x.Exchange):
			if j.byThatAct(x) {
				j.fail("token", "no token after a denial", describe(x.Exchange), x)
			}
		case !recognised(x.Exchange):
			ended = true
		case ended && hasError(x.Exchange, "authorization_pending"):
			j.fail("revived", quoted("access_denied", "invalid_grant", "expired_token"), describe(x.Exchange)+" after a final answer", x)
		}
	}
	switch {
	case len(polls) == 0:
	case !ended && !j.certain(j.denial(), transcript.Denial, labels.Denied):
	case !ended:
		j.fail("not-final", quoted("access_denied", "invalid_grant", "expired_token"), describe(polls[len(polls)-1].Exchange), polls...)
	default:
		j.pass("%d polls, none revives the grant", len(polls))
	}
}

// expiredPolls is how often an expired code has to be seen: the first poll after
// the end can be lucky.
const expiredPolls = 3

// POLL-10
func expiryReported(j *judging) {
	for _, code := range []string{labels.Untouched, labels.Polled} {
		polls := j.all(transcript.Expiry, labels.Join(code, labels.Expired))
		if len(polls) == 0 {
			j.missing(transcript.Expiry, labels.Join(code, labels.Expired))
			continue
		}
		j.expired(code, polls)
		if last := labels.Nth(labels.Join(code, labels.Expired), expiredPolls); len(j.all(transcript.Expiry, last)) == 0 {
			j.missing(transcript.Expiry, last)
		}
	}
}

// livedBefore is the control of what is said of an expired code: it was pending
// while it lived or, if it was not polled then, codes of the same lifetime were.
func (j *judging) livedBefore(code string) bool {
	polls := j.all(transcript.Expiry, labels.Join(code, labels.Alive))
	if len(polls) == 0 {
		polls = slices.Concat(j.all(transcript.Expiry, labels.Join(labels.Polled, labels.Alive)), j.all(transcript.Expiry, labels.AliveBefore), j.all(transcript.Expiry, labels.AlivePoll))
	}
	return slices.ContainsFunc(polls, func(x said) bool { return recognised(x.Exchange) })
}

// expired judges the polls of one code after its lifetime.
func (j *judging) expired(code string, polls []said) {
	for i, x := range polls {
		observed := fmt.Sprintf("%s after expiry (code %s)", describe(x.Exchange), code)
		switch {
		case recognised(x.Exchange):
			j.fail("alive", quoted("expired_token"), observed, x)
		case i > 0 && x.EndsGrant():
		case hasError(x.Exchange, "expired_token"):
			j.pass("%s", observed)
		case i == 0 && !j.livedBefore(code):
			j.inconclusive("%s, and no poll was answered authorization_pending within the lifetime", observed)
		case hasError(x.Exchange, "invalid_grant"):
			j.warnStrict("invalid-grant", quoted("expired_token"), observed, x)
		case i == 0:
			j.fail("other-error", quoted("expired_token"), observed, x)
		default:
			j.note("other-error-later", observed, x)
		}
	}
}
