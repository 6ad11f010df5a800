package rules

import (
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

const (
	racing    = transcript.RacingPolls
	deciding  = transcript.DecisionRaces
	lostOnes  = transcript.LostAnswers
	inFleet   = transcript.Fleet
	sameTwice = `{"access_token":"same","token_type":"Bearer","expires_in":60}`
)

var (
	tooLate      = oauthError("invalid_grant")
	deniedAnswer = oauthError("access_denied")
)

// raceCases: many polls in one moment, polls around a decision, lost answers,
// and a fleet of devices.
var raceCases = []ruleCase{
	{"POLL-15", "two tokens", in(racing, "race/1", eachItsOwn(`{"access_token":"a%d","token_type":"Bearer"}`)), Fail, "second-token"},
	{"POLL-15", "two refresh tokens", in(racing, "race/2", eachItsOwn(`{"access_token":"a","refresh_token":"r%d"}`)), Fail, "second-token"},
	{"POLL-15", "the same token twice", in(racing, "race/1", answer(200, sameTwice)), Warn, "same-token"},
	{"POLL-15", "nobody gets it", all(in(racing, "race/1", tooLate), more(racing, "race/1/1", "after/1/1", 0, tooLate)), Warn, "grant-lost"},
	{"POLL-15", "nobody, and it stays pending", all(in(racing, "race/1", pendingAnswer), more(racing, "race/1/1", "after/1/3", 0, pendingAnswer)), Fail, "grant-lost"},
	{"POLL-15", "nobody, as without a race", all(in(racing, "race/1", tooLate), more(racing, "race/1/1", "after/1/1", 0, tooLate), in(transcript.Approval, "token", tooLate)), Inconclusive, ""},
	{"POLL-15", "one more question", all(in(racing, "race/1", pendingAnswer), more(racing, "race/1/1", "after/1/3", 0, pendingAnswer),
		visit(racing, "approve 1", unconfirmed)), Inconclusive, ""},
	{"POLL-15", "a later poll gets it", all(in(racing, "race/1", slowAnswer), more(racing, "race/1/1", "after/1/1", 0, answer(200, token))), Pass, ""},
	{"POLL-15", "slowed down for long", all(in(racing, "race/1", slowAnswer), more(racing, "race/1/1", "after/1/3", 0, slowAnswer)), Inconclusive, ""},
	{"POLL-15", "it may have gone to a lost answer", all(in(racing, "race/1", tooLate), in(racing, "race/1/2", lost(wire.FailReset)),
		more(racing, "race/1/1", "after/1/1", 0, tooLate)), Inconclusive, ""},
	{"POLL-15", "nobody asked again", in(racing, "race/1", tooLate), Inconclusive, ""},
	{"POLL-15", "losers meet 500 in every race", all(loser(1, answer(500, "")), loser(2, answer(500, "")), loser(3, answer(500, "")), loser(4, answer(500, ""))), Warn, "server-error"},
	{"POLL-15", "losers meet 500 in two of the races", all(loser(1, answer(500, "")), loser(3, answer(500, ""))), Warn, "server-error"},
	{"POLL-15", "a loser meets 500 once", loser(1, answer(500, "")), Pass, ""},
	{"POLL-15", "losers hear expired_token", loser(1, expiredAnswer), Pass, ""},
	{"POLL-15", "losers hear pending", loser(1, pendingAnswer), Pass, ""},
	{"POLL-15", "losers get no answer", loser(1, lost(wire.FailReset)), Pass, ""},
	{"POLL-15", "overloaded", in(racing, "race", enough), Inconclusive, ""},
	{"POLL-15", "over HTTP/2", in(racing, "race", func(x *wire.Exchange) { x.Release = wire.Streams }), Pass, ""},
	{"POLL-15", "through a proxy", in(racing, "race", func(x *wire.Exchange) { x.Release = wire.Parallel }), Pass, ""},
	{"POLL-15", "nobody could approve", missing(racing, "no such page"), NA, ""},

	{"POLL-16", "an approval is lost", all(in(deciding, "approve/race/1", pendingAnswer), in(deciding, "approve/after/1", pendingAnswer)), Fail, "decision-lost"},
	{"POLL-16", "no approval is seen", all(in(deciding, "approve/race/1", pendingAnswer), in(deciding, "approve/after/1", pendingAnswer), in(transcript.Approval, "token", pendingAnswer)), Inconclusive, ""},
	{"POLL-16", "an approval ends the grant", all(in(deciding, "approve/race/1", pendingAnswer), in(deciding, "approve/after/1", tooLate)), Pass, ""},
	{"POLL-16", "one more question", all(in(deciding, "approve/race/1", pendingAnswer), in(deciding, "approve/after/1", pendingAnswer),
		visit(deciding, "approve 1", unconfirmed)), Inconclusive, ""},
	{"POLL-16", "a denial is lost", in(deciding, "deny/after/2", pendingAnswer), Fail, "decision-lost"},
	{"POLL-16", "denials are never reported", all(in(deciding, "deny/race", pendingAnswer), in(deciding, "deny/after", pendingAnswer),
		in(transcript.Denial, "denied", pendingAnswer)), Pass, ""},
	{"POLL-16", "a token after the denial", in(deciding, "deny/after/1", answer(200, token)), Fail, "token-after-denial"},
	{"POLL-16", "a token while it was denied", in(deciding, "deny/race/1/2", answer(200, token)), Fail, "token-after-denial"},
	{"POLL-16", "a second token", all(in(deciding, "approve/race/1/1", answer(200, sameTwice)), in(deciding, "approve/after/1", answer(200, token))), Fail, "second-token"},
	{"POLL-16", "a second token, as in any race", all(in(deciding, "approve/race/1/1", answer(200, sameTwice)), in(deciding, "approve/after/1", answer(200, token)),
		in(racing, "race/1", eachItsOwn(`{"access_token":"a%d","token_type":"Bearer"}`))), Pass, ""},
	{"POLL-16", "the same token again", all(in(deciding, "approve/race/1/1", answer(200, sameTwice)), in(deciding, "approve/after/1", answer(200, sameTwice))), Warn, "same-token"},
	{"POLL-16", "pending after the token", all(in(deciding, "approve/race/1/1", answer(200, token)), in(deciding, "approve/after/1", pendingAnswer)), Fail, "revived"},
	{"POLL-16", "collected at once", all(in(deciding, "approve/race/1/1", answer(200, token)), in(deciding, "approve/after/1", tooLate)), Pass, ""},
	{"POLL-16", "a poll meets 500 around each decision", all(in(deciding, "deny/race/1/1", answer(500, "")), in(deciding, "deny/race/2/1", answer(500, "")), in(deciding, "approve/race/1/1", answer(500, "")), in(deciding, "approve/race/2/1", answer(500, ""))), Fail, "server-error"},
	{"POLL-16", "a poll meets 500 once", in(deciding, "deny/race/1/1", answer(500, "")), Pass, ""},
	{"POLL-16", "overloaded in the race", in(deciding, "approve/race/1/1", answer(503, "")), Pass, ""},
	{"POLL-16", "a token that got lost in the race", all(in(deciding, "approve/race/1/1", lost(wire.FailTimeout)), in(deciding, "approve/race/1/2", pendingAnswer), in(deciding, "approve/after/1", tooLate)), Pass, ""},
	{"POLL-16", "slowed down for long", all(in(deciding, "approve/race/1", slowAnswer), in(deciding, "approve/after/1", slowAnswer)), Inconclusive, ""},
	{"POLL-16", "the polls afterwards are lost", in(deciding, "deny/after/1", lost(wire.FailTimeout)), Inconclusive, ""},
	{"POLL-16", "the code was refused", visit(deciding, "approve 1", outcome(transcript.CodeRejected)), Inconclusive, ""},
	{"POLL-16", "no way to deny", all(visit(deciding, "deny 1", shy), visit(deciding, "deny 2", shy)), Pass, ""},
	{"POLL-16", "pages that never ask", withoutLabels(deciding, "/race/"), NA, ""},

	{"POLL-19", "pending for ever", in(lostOnes, "again/1", pendingAnswer), Fail, "policy-pending-for-ever"},
	{"POLL-19", "pending for ever, as without a lost answer", all(in(lostOnes, "again", pendingAnswer), in(transcript.Approval, "token", pendingAnswer)), Inconclusive, ""},
	{"POLL-19", "a grant that was gone before the 429", all(in(transcript.SteadyPolling, "poll/1", tooLate), in(transcript.SteadyPolling, "poll/2", enough), in(transcript.SteadyPolling, "poll/3", tooLate)), Inconclusive, ""},
	{"POLL-19", "one more question", all(in(lostOnes, "again/1", pendingAnswer), visit(lostOnes, "approve 1", unconfirmed)), Inconclusive, ""},
	{"POLL-19", "the token comes after all", in(lostOnes, "again", answer(200, token)), Info, "collected-later"},
	{"POLL-19", "the token is gone", in(lostOnes, "again", expiredAnswer), Info, "consumed"},
	{"POLL-19", "slowed down", in(lostOnes, "again", slowAnswer), Inconclusive, ""},
	{"POLL-19", "the poll could not be sent", in(lostOnes, "lost/1", lost(wire.FailRefused)), Inconclusive, ""},
	{"POLL-19", "no further answer", in(lostOnes, "again/2", lost(wire.FailReset)), Inconclusive, ""},
	{"POLL-19", "a 429 ends a grant", all(in(transcript.SteadyPolling, "poll/2", enough), in(transcript.SteadyPolling, "poll/3", tooLate)), Fail, "policy-ended-by-overload"},
	{"POLL-19", "a 503 on the way", in(transcript.SteadyPolling, "poll/2", answer(503, "")), Info, "survived-overload"},

	{"LOAD-01", "a token for nobody's code", in(inFleet, "poll/9/2", answer(200, token)), Fail, "token-without-approval"},
	{"LOAD-01", "a grant that is remembered", visit(inFleet, "first approves 1", func(j *transcript.Journey) { j.Decided = false }), Pass, ""},
	{"LOAD-01", "a token for a denied code", final(inFleet, "poll/5", answer(200, token)), Fail, "token-for-denied"},
	{"LOAD-01", "denied in another's place", final(inFleet, "poll/9", deniedAnswer), Fail, "ended-undecided"},
	{"LOAD-01", "approved in vain", final(inFleet, "poll/1", pendingAnswer), Fail, "approved-without-token"},
	{"LOAD-01", "denied though approved", final(inFleet, "poll/1", deniedAnswer), Fail, "approved-without-token"},
	{"LOAD-01", "still slowed down", final(inFleet, "poll/1", slowAnswer), Inconclusive, ""},
	{"LOAD-01", "a lost answer", final(inFleet, "poll/1", lost(wire.FailReset)), Inconclusive, ""},
	{"LOAD-01", "one more question", all(final(inFleet, "poll/1", pendingAnswer), visit(inFleet, "first approves 1", unconfirmed)), Inconclusive, ""},
	{"LOAD-01", "a page that was not understood", visit(inFleet, "first approves 1", unfinishedJourney), Inconclusive, ""},
	{"LOAD-01", "two tokens for one device", more(inFleet, "poll/1", "poll/1/9", 0, answer(200, token)), Fail, "two-tokens"},
	{"LOAD-01", "one token for two devices", all(final(inFleet, "poll/1", answer(200, token)), final(inFleet, "poll/3", answer(200, token))), Fail, "shared-access token"},
	{"LOAD-01", "one token for each person", all(final(inFleet, "poll/1", answer(200, token)), final(inFleet, "poll/2", answer(200, token))), Warn, "shared-by-person"},
	{"LOAD-01", "one user code for two devices", in(inFleet, "device/7", member("user_code", `"SAME"`)), Pass, ""},
	{"LOAD-01", "two equal user codes", all(in(inFleet, "device/7", member("user_code", `"SAME"`)), in(inFleet, "device/8", member("user_code", `"SAME"`))), Fail, "shared-user code"},
	{"LOAD-01", "another person's token", in(inFleet, "owner/2/userinfo", answer(200, `{"sub":"mallory"}`)), Fail, "other-person"},
	{"LOAD-01", "everybody is one person", in(inFleet, "owner", answer(200, `{"sub":"alice"}`)), Fail, "other-person"},
	{"LOAD-01", "everybody is one person, by a hook that may have one user", all(decidedByHook(transcript.Fleet), in(inFleet, "owner", answer(200, `{"sub":"alice"}`))), Pass, ""},
	{"LOAD-01", "one of another person, by a hook", all(decidedByHook(transcript.Fleet), in(inFleet, "owner/2/userinfo", answer(200, `{"sub":"mallory"}`))), Fail, "other-person"},
	{"LOAD-01", "nothing tells whose", all(in(inFleet, "owner", answer(401, "")), anonymous(inFleet)), Pass, ""},
	{"LOAD-01", "another device's scope", final(inFleet, "poll/2", member("scope", `"openid email"`)), Fail, "other-scope"},
	{"LOAD-01", "scopes of the server's choice", all(final(inFleet, "poll/2", member("scope", `"openid email"`)), final(inFleet, "poll/4", member("scope", `"openid email"`))), Pass, ""},
	{"LOAD-01", "denials that are not reported", all(final(inFleet, "poll/5", pendingAnswer), final(inFleet, "poll/6", pendingAnswer)), Pass, ""},
	{"LOAD-02", "slowed down", in(inFleet, "poll/8/2", slowAnswer), Info, "slowed"},
	{"LOAD-02", "a server error", in(inFleet, "poll/8/2", answer(500, "")), Info, "server-errors"},
	{"LOAD-02", "overloaded", in(inFleet, "poll/8/2", answer(503, "")), Info, "turned-away"},
	{"LOAD-02", "no answer", in(inFleet, "poll/8/2", lost(wire.FailReset)), Info, "unanswered"},
	{"LOAD-02", "one 429", in(inFleet, "poll/8/2", answer(429, "")), Info, "turned-away"},
	{"LOAD-02", "one device is limited", in(inFleet, "poll/8", answer(429, "")), Info, "turned-away"},
	{"LOAD-02", "compliant devices are limited", all(in(inFleet, "poll/7", answer(429, "")), in(inFleet, "poll/8", answer(429, "")), in(inFleet, "poll/9", answer(429, ""))), Warn, "rate-limited"},
	{"LOAD-02", "nobody polled", missing(inFleet, "no person"), NA, ""},
}

// eachItsOwn answers 200 with a body in which a number goes up.
func eachItsOwn(body string) func(*wire.Exchange) {
	n := 0
	return func(x *wire.Exchange) {
		n++
		answer(200, fmt.Sprintf(body, n))(x)
	}
}

// loser changes one poll of the first race that did not get the token.
func loser(k int, change func(*wire.Exchange)) edit {
	return func(e Evidence) {
		for _, x := range e.Transcripts[racing].Labelled(fmt.Sprint("race/", k)) {
			if x.Status != 200 {
				in(racing, x.Label, change)(e)
				return
			}
		}
		panic("every poll of the race got the token")
	}
}

// final changes the last exchange below a label.
func final(scenario, label string, change func(*wire.Exchange)) edit {
	return func(e Evidence) {
		all := e.Transcripts[scenario].Labelled(label)
		in(scenario, all[len(all)-1].Label, change)(e)
	}
}

// withoutLabels removes the exchanges whose label has a part.
func withoutLabels(scenario, part string) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		var kept []wire.Exchange
		for _, x := range t.Exchanges {
			if !strings.Contains(x.Label, part) {
				kept = append(kept, x)
			}
		}
		t.Exchanges = kept
		e.Transcripts[scenario] = t
	}
}

// anonymous takes the ID tokens away.
func anonymous(scenario string) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		for i := range t.Exchanges {
			if hasToken(t.Exchanges[i]) {
				member("id_token", "")(&t.Exchanges[i])
			}
		}
	}
}
