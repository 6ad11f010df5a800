package rules

import (
	"fmt"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var (
	pendingAnswer = oauthError("authorization_pending")
	slowAnswer    = oauthError("slow_down")
	expiredAnswer = oauthError("expired_token")
	// enough is a rate limit: the answer is about load, not about the poll.
	enough = answer(429, "")
)

// moved shifts the polls below a label in time.
func moved(scenario, label string, by time.Duration) edit {
	return in(scenario, label, func(x *wire.Exchange) { x.Sent, x.Received = x.Sent+by, x.Received+by })
}

// more adds a poll to a scenario that the reference server did not provoke.
func more(scenario, like, label string, later time.Duration, change func(*wire.Exchange)) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		x, ok := t.First(like)
		if !ok {
			panic(fmt.Sprintf("the recording has no %s in %s", like, scenario))
		}
		x.N, x.Label = len(t.Exchanges)+1, label
		x.Sent, x.Received = x.Sent+later, x.Received+later
		change(&x)
		t.Exchanges = append(t.Exchanges, x)
		e.Transcripts[scenario] = t
	}
}

// endedAs changes how a journey ended.
func endedAs(o transcript.Outcome, confirmed bool) func(*transcript.Journey) {
	return func(j *transcript.Journey) { j.Outcome, j.Confirmed = o, confirmed }
}

func unfinishedJourney(j *transcript.Journey) {
	j.Outcome, j.Trouble = transcript.Unfinished, &transcript.Trouble{Class: transcript.NavTimeout}
}

// noSlowDowns is a server without a throttle, as a scenario meets it.
func noSlowDowns(scenario string, labels ...string) edit {
	var edits []edit
	for _, l := range labels {
		edits = append(edits, in(scenario, l, pendingAnswer))
	}
	return all(edits...)
}

const expiryTold = transcript.Expiry

// pollingCases: the polling state machine: throttling, expiry, races, load.
var pollingCases = []ruleCase{
	{"POLL-03", "no throttle has a class", all(noSlowDowns(impatient, "burst"),
		more(impatient, "burst/1", "burst/3", 300*time.Millisecond, pendingAnswer)), Info, "throttle"},

	{"POLL-04", "slow_down ends the grant", in(slowed, "pending", expiredAnswer), Fail, "ended"},
	{"POLL-04", "the third slow_down kills the code", all(in(throttled, "patient/1", oauthError("invalid_grant"))), Fail, "ended-later"},
	{"POLL-04", "the approval is lost", in(slowed, "token", pendingAnswer), Fail, "lost"},
	{"POLL-04", "the approval becomes a refusal", in(slowed, "token", oauthError("access_denied")), Fail, "lost"},
	{"POLL-04", "approvals are never seen", all(in(slowed, "token", pendingAnswer), in(transcript.Approval, "token", pendingAnswer)), Inconclusive, ""},
	{"POLL-04", "the decision was not confirmed", all(in(slowed, "token", pendingAnswer), visit(slowed, "approve", endedAs(transcript.Approved, false))), Inconclusive, ""},
	{"POLL-04", "slow_down again, and a token in the end", in(slowed, "pending", slowAnswer), Pass, ""},
	{"POLL-04", "no throttle", noSlowDowns(slowed, "burst"), NA, ""},
	{"POLL-04", "the person could not", visit(slowed, "approve", unfinishedJourney), Inconclusive, ""},

	{"POLL-06", "forgotten", in(throttled, "sticky/old", pendingAnswer), Info, "forgotten"},
	{"POLL-06", "our poll left too late", all(in(throttled, "sticky/old", pendingAnswer), moved(throttled, "sticky/old", 2*time.Second)), Inconclusive, ""},
	{"POLL-06", "our poll left too early", moved(throttled, "sticky/old", -2*time.Second), Inconclusive, ""},
	{"POLL-06", "too late, and then in time", all(in(throttled, "sticky/old", pendingAnswer), moved(throttled, "sticky/old", 2*time.Second),
		more(throttled, "sticky/compliant", "sticky/compliant/2", 30*time.Second, pendingAnswer),
		more(throttled, "sticky/compliant", "sticky/old/2", 37500*time.Millisecond, slowAnswer)), Pass, ""},
	{"POLL-06", "slower than it must be", in(throttled, "sticky/compliant", slowAnswer), Pass, ""},
	{"POLL-06", "no throttle", noSlowDowns(throttled, "sticky/burst"), NA, ""},
	{"POLL-06", "the grant ended", all(in(throttled, "sticky/compliant", expiredAnswer), in(throttled, "sticky/old", expiredAnswer)), Inconclusive, ""},

	{"POLL-07", "punished", in(throttled, "patient/1", slowAnswer), Fail, "punished"},
	{"POLL-07", "starved", all(in(throttled, "patient/1", slowAnswer), more(throttled, "patient/1", "patient/2", 26*time.Second, slowAnswer)), Fail, "starved"},
	{"POLL-07", "a livelock", all(in(throttled, "obedient/1", slowAnswer),
		more(throttled, "obedient/1", "obedient/2", 16*time.Second, slowAnswer), more(throttled, "obedient/1", "obedient/3", 37*time.Second, slowAnswer)), Fail, "livelock"},
	{"POLL-07", "a fixed window", in(throttled, "summed", pendingAnswer), Pass, ""},
	{"POLL-07", "no throttle", noSlowDowns(throttled, "patient/burst"), NA, ""},
	{"POLL-07", "the grant ended", in(throttled, "patient/1", expiredAnswer), Inconclusive, ""},

	{"POLL-11", "it dies early", in(expiryTold, "alive/poll", expiredAnswer), Fail, "dead"},
	{"POLL-11", "asked too near to the end", all(in(expiryTold, "alive/poll", expiredAnswer), moved(expiryTold, "alive/poll", 3*time.Second)), Inconclusive, ""},
	{"POLL-11", "pending too near to the end", moved(expiryTold, "alive/poll", 3*time.Second), Pass, ""},
	{"POLL-11", "a late approval is refused", visit(expiryTold, "decided", endedAs(transcript.ErrorPage, false)), Fail, "approval-refused"},
	{"POLL-11", "no approval works", all(visit(expiryTold, "decided", endedAs(transcript.ErrorPage, false)), visit(expiryTold, "approved", endedAs(transcript.ErrorPage, false)),
		visit(transcript.Approval, "approve", endedAs(transcript.ErrorPage, false))), Pass, ""},
	{"POLL-11", "a late approval is lost", in(expiryTold, "decided/token", expiredAnswer), Fail, "approval-lost"},
	{"POLL-11", "it ended before the late approval", all(in(expiryTold, "decided/before", expiredAnswer), in(expiryTold, "decided/token", expiredAnswer)), Pass, ""},
	{"POLL-11", "a late approval is seen late", in(expiryTold, "decided/token", pendingAnswer), Pass, ""},
	{"POLL-11", "our poll after the approval came too late", all(in(expiryTold, "decided/token", expiredAnswer), moved(expiryTold, "decided/token", 9*time.Second)), Pass, ""},
	{"POLL-11", "the person could not", visit(expiryTold, "decided", unfinishedJourney), Pass, ""},

	{"POLL-12", "a token after the end", in(expiryTold, "approved/expired", answer(200, token)), Fail, "token"},
	{"POLL-12", "another error", in(expiryTold, "approved/expired", oauthError("invalid_request")), Fail, "other-error"},
	{"POLL-12", "evicted", in(expiryTold, "approved/expired", oauthError("invalid_grant")), Pass, ""},
	{"POLL-12", "pending for ever is POLL-10's", in(expiryTold, "approved/expired", pendingAnswer), Pass, ""},
	{"POLL-12", "typed too late", visit(expiryTold, "approved", func(j *transcript.Journey) {
		j.Outcome = transcript.CodeRejected
		j.Ended += 20 * time.Second
	}), Inconclusive, ""},
	{"POLL-12", "approved too late", visit(expiryTold, "approved", func(j *transcript.Journey) { j.Ended += 20 * time.Second }), Inconclusive, ""},
	{"POLL-12", "not surely approved", visit(expiryTold, "approved", endedAs(transcript.Approved, false)), Inconclusive, ""},
	{"POLL-12", "the person could not", visit(expiryTold, "approved", unfinishedJourney), Inconclusive, ""},

	{"POLL-18", "shared", all(in(neighbour, "beside/1", slowAnswer), more(neighbour, "beside/2", "again/beside/1", 30*time.Second, slowAnswer)), Fail, "shared"},
	{"POLL-18", "once only", all(in(neighbour, "beside/1", slowAnswer), more(neighbour, "beside/2", "again/beside/1", 30*time.Second, pendingAnswer)), Warn, "slowed-once"},
	{"POLL-18", "slowed when alone, too", all(in(neighbour, "alone", slowAnswer), in(neighbour, "beside", slowAnswer)), Inconclusive, ""},
	{"POLL-18", "slowed when alone, and not later", all(in(neighbour, "alone", slowAnswer), more(neighbour, "alone/1", "later/alone/1", 60*time.Second, pendingAnswer),
		more(neighbour, "beside/1", "later/beside/1", 60*time.Second, slowAnswer), more(neighbour, "beside/1", "again/beside/1", 90*time.Second, slowAnswer)), Fail, "shared"},
	{"POLL-18", "a limit of the address", in(neighbour, "beside/2", enough), Inconclusive, ""},
	{"POLL-18", "no throttle", in(neighbour, "hammer", pendingAnswer), NA, ""},

	{"VERIFY-14", "entered late, and a token", in(expiryTold, "entered/poll", answer(200, token)), Fail, "token"},
	{"VERIFY-14", "approved late, and a token", in(expiryTold, "opened/poll", answer(200, token)), Fail, "token"},
	{"VERIFY-14", "a page that thanks", visit(expiryTold, "entered", func(j *transcript.Journey) { j.Outcome, j.Confirmed, j.Decided = transcript.Approved, true, true }), Warn, "success-page"},
	{"VERIFY-14", "a status page that says success to anyone", visit(expiryTold, "entered", saysSuccess), Pass, ""},
	{"VERIFY-14", "a page that nobody knows", visit(expiryTold, "entered", endedAs(transcript.Approved, false)), Pass, ""},
	{"VERIFY-14", "decided before the end", all(in(expiryTold, "opened/poll", answer(200, token)),
		visit(expiryTold, "opened", func(j *transcript.Journey) { j.Ended -= 20 * time.Second })), Inconclusive, ""},
	{"VERIFY-14", "decided before the end, since it never asks", all(unasked, in(expiryTold, "opened/poll", answer(200, token)),
		visit(expiryTold, "opened", func(j *transcript.Journey) { j.Ended -= 20 * time.Second })), Pass, ""},
	{"VERIFY-14", "nothing can be approved", all(visit(expiryTold, "decided", endedAs(transcript.ErrorPage, false)), visit(expiryTold, "approved", endedAs(transcript.ErrorPage, false)),
		visit(transcript.Approval, "approve", endedAs(transcript.ErrorPage, false))), Inconclusive, ""},
	{"VERIFY-14", "the login fails", visit(expiryTold, "entered", endedAs(transcript.LoginFailed, false)), Inconclusive, ""},
	{"VERIFY-14", "the person could not", all(visit(expiryTold, "entered", unfinishedJourney), visit(expiryTold, "opened", unfinishedJourney)), Inconclusive, ""},
}
