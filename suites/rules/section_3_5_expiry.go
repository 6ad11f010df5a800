package rules

import (
	"fmt"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section35Expiry = []Rule{
	{"VERIFY-14", one(transcript.Expiry), one(transcript.Approval), expiredUserCode},
	{"POLL-11", one(transcript.Expiry), one(transcript.Approval), noEarlyDeath},
	{"POLL-12", one(transcript.Expiry), one(transcript.Approval), approvedCodeExpires},
}

// life is how long one code of the expiry scenario lives, between the two
// moments that we can be sure of.
type life struct {
	began, ended time.Duration // it lives at least from began to ended ...
	over         time.Duration // ... and is over here
}

// lifeOf reads a story's lifetime. The end keeps the distance that the
// rounding of clocks demands.
func (j *judging) lifeOf(story string) (life, bool) {
	x, ok := j.first(transcript.Expiry, labels.Join(story, labels.Device))
	if !ok {
		return life{}, false
	}
	o, err := x.Object()
	n, isNumber := o.Number("expires_in")
	if err != nil || !isNumber || !(n > 0) || n > 1e9 {
		j.inconclusive("the device authorization response has no usable expires_in")
		return life{}, false
	}
	lifetime := time.Duration(n * float64(time.Second))
	distance := 2 * time.Second
	if lifetime >= time.Minute {
		distance = 5 * time.Second
	}
	return life{began: x.Received, ended: x.Sent + lifetime - distance, over: x.Received + lifetime}, true
}

// POLL-11
func noEarlyDeath(j *judging) {
	if l, ok := j.lifeOf(labels.Alive); ok {
		if x, ok := j.first(transcript.Expiry, labels.AlivePoll); ok {
			switch {
			case recognised(x.Exchange):
				j.pass("%s %.1f s after the codes were issued", describe(x.Exchange), (x.Sent - l.began).Seconds())
			case x.Received > l.ended:
				j.inconclusive("the poll came too close to the end of the lifetime: %s", describe(x.Exchange))
			case j.wasPending(x):
				j.fail("dead", quoted("authorization_pending")+" until the lifetime ends", fmt.Sprintf("%s %.1f s after the codes were issued", describe(x.Exchange), (x.Received-l.began).Seconds()), x)
			}
		}
	}
	j.lateApproval()
}

// lateApproval is the second half of POLL-11: what cannot be judged of it is
// only noted, since the first half is about the same.
func (j *judging) lateApproval() {
	const story = labels.Decided
	l, ok := j.lifeOf(story)
	if !ok {
		return
	}
	visit, _ := j.Transcripts[transcript.Expiry].Journey(story)
	x, polled := j.maybe(transcript.Expiry, labels.Join(story, labels.Token))
	switch {
	case visit.Outcome != transcript.Approved && visit.Outcome != transcript.ErrorPage && visit.Outcome != transcript.CodeRejected, !visit.Decided:
		j.note("no-late-approval", "no end user could approve late in the lifetime")
	case visit.Outcome != transcript.Approved && visit.Ended <= l.ended && j.approvedBefore():
		j.fail("approval-refused", "an approval until the lifetime ends", fmt.Sprintf("%s%s %.1f s after the codes were issued", visit.Outcome, lastAlert(visit), (visit.Ended-l.began).Seconds()))
	case !polled || x.Received > l.ended && !hasToken(x.Exchange), visit.Outcome != transcript.Approved, !visit.Confirmed && !hasToken(x.Exchange):
		j.note("no-late-approval", "the late approval was not made, or not seen, in time")
	case hasToken(x.Exchange):
		j.pass("approved and collected %.1f s after the codes were issued", (x.Sent - l.began).Seconds())
	case recognised(x.Exchange):
		j.note("late-approval-pending", describe(x.Exchange)+" right after a late approval (see POLL-13)", x)
	case !x.EndsGrant():
		j.note("no-late-approval", "no answer that RFC 8628 defines came after the late approval: "+describe(x.Exchange), x)
	case !j.foundPending(x), j.approvalsUnseen(), j.endsByItself() != "":
		j.note("no-late-approval", describe(x.Exchange)+" after the late approval; whether that ended the grant is unknown", x)
	default:
		j.fail("approval-lost", "a token after an approval within the lifetime", fmt.Sprintf("%s %.1f s after the codes were issued", describe(x.Exchange), (x.Received-l.began).Seconds()), x)
	}
}

// approvedBefore is the positive control of a refused approval: the same
// person succeeded with other codes.
func (j *judging) approvedBefore() bool {
	for _, visit := range j.Transcripts[transcript.Expiry].Journeys {
		if (visit.Name == labels.Approved || visit.Name == labels.Decided) && visit.Outcome == transcript.Approved {
			return true
		}
	}
	return j.visitOf(transcript.Approval).Outcome == transcript.Approved
}

// POLL-12
func approvedCodeExpires(j *judging) {
	const story = labels.Approved
	l, ok := j.lifeOf(story)
	if !ok || j.typedTooLate(story, l) || !j.approved(transcript.Expiry, story) {
		return
	}
	x, ok := j.first(transcript.Expiry, labels.Join(story, labels.Expired))
	if !ok {
		return
	}
	visit, _ := j.Transcripts[transcript.Expiry].Journey(story)
	switch observed := fmt.Sprintf("%s %.1f s after an approved code expired", describe(x.Exchange), (x.Sent - l.over).Seconds()); {
	case visit.Ended > l.ended:
		j.inconclusive("the approval came too late in the lifetime for a verdict")
	case hasToken(x.Exchange):
		j.fail("token", quoted("expired_token"), observed, x)
	case seesNoPages(visit) && !j.collected(transcript.Approval):
		j.inconclusive("the %s driver reports an approval, and no device got a token for one: whether it decided is unknown", visit.Driver)
	case !visit.Confirmed && !seesNoPages(visit):
		j.inconclusive("%s", unrecognizedEnd(visit))
	case recognised(x.Exchange):
		j.pass("%s: no token (see POLL-10)", observed)
	case x.EndsGrant():
		j.pass("%s", observed)
	case !j.livedBefore(story):
		j.inconclusive("%s, and no poll was answered authorization_pending within the lifetime", observed)
	default:
		j.fail("other-error", quoted("expired_token"), observed, x)
	}
}

// typedTooLate says that an end user came to a code only when it had expired, which
// is why it was refused.
func (j *judging) typedTooLate(story string, l life) bool {
	visit, ok := j.Transcripts[transcript.Expiry].Journey(story)
	if !ok || visit.Ended < l.ended || visit.Outcome != transcript.CodeRejected && visit.Outcome != transcript.ErrorPage {
		return false
	}
	j.inconclusive("the code had expired before the end user had typed it: the visit ended %.0f s after the codes came, and expires_in is %.0f s; a run with fewer journeys at once (--parallel 1) or a client with longer-lived codes helps",
		(visit.Ended - l.began).Seconds(), (l.over - l.began).Seconds())
	return true
}

// seesNoPages says that a driver sees no pages, so that only a device can tell whether
// it decided.
func seesNoPages(visit transcript.Journey) bool {
	return visit.Driver == "hook" || visit.Driver == "manual"
}

// VERIFY-14
func expiredUserCode(j *judging) {
	for _, story := range []struct{ name, when string }{
		{labels.Entered, "entered after the lifetime"},
		{labels.Opened, "approved after the lifetime, on a page opened earlier"},
	} {
		l, ok := j.lifeOf(story.name)
		if !ok {
			continue
		}
		visit, ok := j.journey(transcript.Expiry, story.name)
		if !ok {
			continue
		}
		x, ok := j.first(transcript.Expiry, labels.Join(story.name, labels.Poll))
		if !ok {
			continue
		}
		switch {
		case visit.Ended < l.over && visit.Outcome == transcript.Approved && !visit.Decided:
			j.note("not-asked", story.when+": no page asked for the decision, since the server remembers consent")
		case visit.Ended < l.over && len(asked(j.visitOf(transcript.Approval))) > 0:
			j.inconclusive("%s: the decision came within the lifetime, so this half was not seen", story.when)
		case visit.Ended < l.over:
			j.note("not-late", story.when+": no page asked before the end, and the decision came within the lifetime")
		case hasToken(x.Exchange) && !j.byThatAct(x):
		case hasToken(x.Exchange):
			j.fail("token", "the page rejects an expired user code", describe(x.Exchange)+": "+story.when, x)
		case visit.Outcome == transcript.LoginFailed, visit.Outcome == transcript.AtLogin:
			j.inconclusive("the login failed (%s)", visit.Outcome)
		case !j.approvedBefore():
			j.inconclusive("no code was approved within its lifetime either, so the rejection proves nothing")
		case visit.Outcome == transcript.Approved && visit.Confirmed && !onlySaysSo(visit):
			j.warn("success-page", "a page that rejects an expired user code", "a page that confirms the approval, although "+describe(x.Exchange)+": "+story.when, x)
		default:
			j.pass("%s: %s%s, %s", story.when, visit.Outcome, lastAlert(visit), describe(x.Exchange))
		}
	}
}
