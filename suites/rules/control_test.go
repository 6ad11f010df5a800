package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// TestStraysAreNoted: an answer that did not come again is one note with its
// exchange, and accuses nobody.
func TestStraysAreNoted(t *testing.T) {
	e := clone(recorded(t))
	steadily := e.Transcripts[transcript.SteadyPolling]
	x, ok := steadily.First(labels.Poll)
	if !ok {
		t.Fatal("the recording has no poll")
	}
	x.Status, x.Superseded = 502, true
	x.Response = &wire.Message{Body: []byte("<h1>Bad Gateway</h1>")}
	steadily.Exchanges = append(slices.Clone(steadily.Exchanges), x)
	e.Transcripts[transcript.SteadyPolling] = steadily
	for _, r := range All() {
		if got := r.Judge(e).Verdict; got == Fail {
			t.Errorf("%s: %s", r.ID, got)
		}
	}
	rule, _ := ForID("ERR-01")
	noted := slices.ContainsFunc(rule.Judge(e).Findings, func(f Finding) bool {
		return f.Code == "stray" && f.Severity == Info && strings.HasPrefix(f.Observed, "1 of ") && len(f.Exchanges) == 1
	})
	if !noted {
		t.Error("ERR-01 does not note it")
	}
}

// TestFrequentStrays: what a tenth of the requests meet is a warning, and what one in
// thirty meets is a note.
func TestFrequentStrays(t *testing.T) {
	rule, _ := ForID("ERR-01")
	for of, want := range map[int]Verdict{30: Info, 10: Warn} {
		e := clone(recorded(t))
		for name, told := range e.Transcripts {
			told.Exchanges = slices.Clone(told.Exchanges)
			for i, x := range told.Exchanges {
				if x.N%of == 0 {
					x.Superseded, x.Failure, x.Status, x.Response = true, &wire.Failure{Kind: wire.FailReset}, 0, nil
					told.Exchanges = append(told.Exchanges, told.Exchanges[i])
					told.Exchanges[i] = x
				}
			}
			e.Transcripts[name] = told
		}
		found := slices.ContainsFunc(rule.Judge(e).Findings, func(f Finding) bool {
			return strings.HasSuffix(f.Code, "stray") && f.Severity == want && strings.Contains(f.Observed, "95% confidence")
		})
		if !found {
			t.Errorf("one of %d: %+v", of, rule.Judge(e).Findings)
		}
	}
}

// TestNoActIsAccusedWithoutAControl: a grant that ended during an act was not ended
// by it, unless a poll of that device had found it pending, and unless grants also
// end where nothing is done.
func TestNoActIsAccusedWithoutAControl(t *testing.T) {
	gone := oauthError("invalid_grant")
	for _, c := range []struct {
		id, code             string
		scenario             string
		before, after        string
		withControl, without Verdict
	}{
		{"RESP-11", "ended-together", transcript.Approval, labels.BystanderBefore, labels.BystanderPoll, Fail, Inconclusive},
		{"VERIFY-03", "session-ended", transcript.WrongUserCodes, labels.Before, labels.Pending, Fail, Inconclusive},
		{"VERIFY-10", "ends-the-grant", transcript.CompleteURI, labels.BeforeLook, labels.AfterLook, Fail, Inconclusive},
		{"VERIFY-15", "ended", transcript.Abandoned, labels.Join(labels.Login, labels.Before), labels.Join(labels.Login, labels.Poll), Warn, Inconclusive},
		{"POLL-11", "dead", transcript.Expiry, labels.AliveBefore, labels.AlivePoll, Fail, Inconclusive},
		{"VERIFY-01", "no-token", transcript.Approval, labels.Pending, labels.Token, Fail, Inconclusive},
		{"POLL-04", "ended", transcript.SlowedApproval, labels.Burst, labels.Pending, Fail, Inconclusive},
		{"POLL-13", "not-seen", transcript.Approval, labels.Pending, labels.Token, Fail, Inconclusive},
		{"SEC-06", "ends-other-grants", transcript.Guessing, labels.UntouchedBefore, labels.UntouchedPoll, Warn, Inconclusive},
		{"POLL-03", "ended", transcript.ImpatientPolling, labels.Nth(labels.Burst, 1), labels.Nth(labels.Burst, 2), Fail, Inconclusive},
	} {
		rule, _ := ForID(c.id)
		judge := func(edits ...edit) Judgement {
			e := clone(recorded(t))
			for _, change := range edits {
				change(e)
			}
			return rule.Judge(e)
		}
		ended := in(c.scenario, c.after, gone)
		if c.id == "POLL-03" {
			ended = all(ended, in(c.scenario, labels.Obedient, gone))
		}
		if j := judge(ended); j.Verdict != c.withControl || !slices.ContainsFunc(j.Findings, func(f Finding) bool { return f.Code == c.code }) {
			t.Errorf("%s: %s (%s) with its control", c.id, j.Verdict, j.Reason)
		}
		if j := judge(ended, in(c.scenario, c.before, gone)); j.Verdict != c.without {
			t.Errorf("%s: %s (%s) where the code was not pending before", c.id, j.Verdict, j.Reason)
		}
		if j := judge(ended, in(transcript.SteadyPolling, labels.Poll, gone)); j.Verdict != c.without {
			t.Errorf("%s: %s (%s) where every grant ends by itself", c.id, j.Verdict, j.Reason)
		}
	}
}

// TestNoActApprovesWhatApprovesItself: where a device that is only polled gets a
// token, nobody's act is the cause of one.
func TestNoActApprovesWhatApprovesItself(t *testing.T) {
	issued := answer(200, token)
	for _, c := range []struct {
		id, code, scenario, label string
		severity                  Verdict
	}{
		{"RESP-11", "approved-together", transcript.Approval, labels.BystanderPoll, Fail},
		{"VERIFY-02", "approved-without-login", transcript.NoSession, labels.Join(labels.Poll, labels.NotLoggedIn), Fail},
		{"VERIFY-03", "approved-by-wrong-code", transcript.WrongUserCodes, labels.Pending, Fail},
		{"VERIFY-10", "decides", transcript.CompleteURI, labels.AfterLook, Fail},
		{"VERIFY-14", "token", transcript.Expiry, labels.Join(labels.Entered, labels.Poll), Fail},
		{"VERIFY-15", "approved", transcript.Abandoned, labels.Join(labels.Login, labels.Poll), Fail},
		{"POLL-09", "token", transcript.Denial, labels.Nth(labels.Denied, 1), Fail},
		{"POLL-16", "token-after-denial", transcript.DecisionRaces, labels.Nth(labels.Join(labels.Deny, labels.After), 1), Fail},
		{"SEC-07", "forged-from-another-site", transcript.CrossSite, labels.Join(labels.Poll, labels.CrossSiteQuery), Fail},
		{"SEC-09", "not-asked", transcript.RepeatedConsent, labels.AfterTyping, Warn},
		{"SEC-09", "decided-unseen", transcript.CrossSite, labels.Join(labels.Poll, labels.UnseenLink), Warn},
		{"SEC-13", "decided-elsewhere", transcript.Tenants, labels.PageOwner, Fail},
		{"LOAD-01", "token-without-approval", transcript.Fleet, labels.Nth(labels.Nth(labels.Poll, 7), 3), Fail},
	} {
		rule, _ := ForID(c.id)
		accused := func(edits ...edit) bool {
			e := clone(recorded(t))
			for _, change := range edits {
				change(e)
			}
			return slices.ContainsFunc(rule.Judge(e).Findings, func(f Finding) bool { return f.Code == c.code && f.Severity == c.severity })
		}
		approved := in(c.scenario, c.label, issued)
		if !accused(approved) {
			t.Errorf("%s: no %s with its control", c.id, c.code)
		}
		if accused(approved, in(transcript.SteadyPolling, labels.Nth(labels.Poll, 4), issued)) {
			t.Errorf("%s: %s where every grant approves itself", c.id, c.code)
		}
	}
}
