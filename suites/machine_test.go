package suites

import (
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/lateness"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// TestByOurFault: what came too late by our own fault accuses nobody, and the
// reason names this machine.
func TestByOurFault(t *testing.T) {
	late := func(kind transcript.LateKind) []transcript.Late {
		return []transcript.Late{{Kind: kind, What: "approve: the code had expired", ByMS: 3200, Machine: "timers fired 480 ms late"}}
	}
	for _, c := range []struct {
		name    string
		id      string
		verdict rules.Verdict
		late    []transcript.Late
		want    rules.Verdict
	}{
		{"in time", "POLL-13", rules.Fail, nil, rules.Fail},
		{"missing evidence in time", "POLL-13", rules.Inconclusive, nil, rules.Inconclusive},
		{"a code had expired", "POLL-13", rules.Fail, late(transcript.LateCode), rules.Inconclusive},
		{"a warning about an expired code", "VERIFY-07", rules.Warn, late(transcript.LateCode), rules.Inconclusive},
		{"missing evidence", "VERIFY-01", rules.Inconclusive, late(transcript.LatePage), rules.Inconclusive},
		{"a poll missed its moment", "POLL-10", rules.Warn, late(transcript.LateMoment), rules.Inconclusive},
		{"a poll missed its moment, and the check is not about pace", "RESP-01", rules.Fail, late(transcript.LateMoment), rules.Fail},
		{"accepted, but later than it might have been", "POLL-02", rules.Pass, late(transcript.LatePace), rules.Inconclusive},
		{"refused although it was later than it might have been", "POLL-02", rules.Fail, late(transcript.LatePace), rules.Fail},
		{"what was seen all the same", "POLL-13", rules.Pass, late(transcript.LateCode), rules.Pass},
		{"does not apply", "POLL-13", rules.NA, late(transcript.LateCode), rules.NA},
	} {
		requirement, _ := rules.Find(c.id)
		rule, _ := rules.ForID(c.id)
		evidence := rules.Evidence{Transcripts: map[string]transcript.Transcript{rule.Scenarios[0]: {Late: c.late}}}
		seen := rules.Judgement{Verdict: c.verdict, Reason: "error page", Findings: []rules.Finding{{Code: "x", Severity: c.verdict, Strict: true}}}
		got := byOurFault(requirement, rule, evidence, seen)
		if got.Verdict != c.want {
			t.Errorf("%s: %s, want %s", c.name, got.Verdict, c.want)
		}
		named := strings.HasPrefix(got.Reason, "this machine was too slow: approve: the code had expired; 3.2s too late; timers fired 480 ms late; try --parallel 1") && strings.HasSuffix(got.Reason, "Observed: error page")
		if want := got.Verdict == rules.Inconclusive && c.late != nil; named != want {
			t.Errorf("%s: %q", c.name, got.Reason)
		}
		if named && (got.Findings[0].Severity != rules.Info || got.Findings[0].Strict || seen.Findings[0].Severity != c.verdict) {
			t.Errorf("%s: %+v", c.name, got.Findings)
		}
	}
}

// TestALimitOnCodesAccusesNobody: what the pages did not let anybody type is named
// as such, and is no sign of a slow machine.
func TestALimitOnCodesAccusesNobody(t *testing.T) {
	requirement, _ := rules.Find("POLL-11")
	rule, _ := rules.ForID("POLL-11")
	late := []transcript.Late{{Kind: transcript.LateLimited, What: "decided: the page refused to check more user codes (status 429)"}}
	evidence := rules.Evidence{Transcripts: map[string]transcript.Transcript{rule.Scenarios[0]: {Late: late}}}
	got := byOurFault(requirement, rule, evidence, rules.Judgement{Verdict: rules.Fail, Reason: "error page"})
	if got.Verdict != rules.Inconclusive || !strings.HasPrefix(got.Reason, "the server limits how many user codes are typed a minute: decided:") {
		t.Errorf("%+v", got)
	}
	if m := machine(lateness.Figures{}, []report.Scenario{{Transcript: transcript.Transcript{Scenario: "expiry", Late: late}}}); len(m.Late) > 0 {
		t.Errorf("%+v", m.Late)
	}
}

// TestALostAnswerAccusesNobody: only a token that came all the same, or an answer that
// is no lost one, still accuses.
func TestALostAnswerAccusesNobody(t *testing.T) {
	requirement, _ := rules.Find("POLL-11")
	rule, _ := rules.ForID("POLL-11")
	name := rule.Scenarios[0]
	late := []transcript.Late{{Kind: transcript.LateStray, What: "poll/2 (POST /token: reset) may have used the code up"}}
	exchange := func(n, status int, body string) wire.Exchange {
		return wire.Exchange{N: n, Status: status, Response: &wire.Message{Body: []byte(body)}}
	}
	overdue := func(n int, body string) wire.Exchange {
		x := exchange(n, 200, body)
		x.Truncated, x.Failure = true, &wire.Failure{Kind: wire.FailReset}
		return x
	}
	evidence := rules.Evidence{Transcripts: map[string]transcript.Transcript{name: {Late: late, Exchanges: []wire.Exchange{
		exchange(2, 400, `{"error":"invalid_grant"}`), exchange(3, 200, `{"access_token":"t"}`), exchange(4, 503, "busy"),
		overdue(5, `{"access_token":"t"}`), overdue(6, `{"error":"invalid_grant"}`),
	}}}}
	for _, c := range []struct {
		verdict rules.Verdict
		rests   int
		want    rules.Verdict
	}{
		{rules.Fail, 2, rules.Inconclusive},
		{rules.Warn, 2, rules.Inconclusive},
		{rules.Fail, 3, rules.Fail},
		{rules.Fail, 4, rules.Fail},
		{rules.Fail, 5, rules.Fail},
		{rules.Fail, 6, rules.Inconclusive},
		{rules.Pass, 2, rules.Pass},
		{rules.Inconclusive, 2, rules.Inconclusive},
	} {
		seen := rules.Judgement{Verdict: c.verdict, Reason: "invalid_grant", Findings: []rules.Finding{{Severity: c.verdict, Exchanges: []rules.Ref{{Scenario: name, N: c.rests}}}}}
		got := byOurFault(requirement, rule, evidence, seen)
		if got.Verdict != c.want {
			t.Errorf("%s on exchange %d: %s, want %s", c.verdict, c.rests, got.Verdict, c.want)
		}
		if taken := got.Verdict != c.verdict; taken != strings.HasPrefix(got.Reason, "an answer was lost, also when this scenario ran alone or could not be repeated: poll/2 ") {
			t.Errorf("%s on exchange %d: %q", c.verdict, c.rests, got.Reason)
		}
	}
	if m := machine(lateness.Figures{}, []report.Scenario{{Transcript: transcript.Transcript{Scenario: name, Late: late}}}); len(m.Late) > 0 {
		t.Errorf("%+v", m.Late)
	}
}

// TestMachineIsInTheResult: what had to be repeated, and whether that helped.
func TestMachineIsInTheResult(t *testing.T) {
	scenarios := []report.Scenario{
		{Transcript: transcript.Transcript{Scenario: "quick"}},
		{Transcript: transcript.Transcript{Scenario: "repeated", Again: []transcript.Late{{What: "a"}}}},
		{Transcript: transcript.Transcript{Scenario: "hopeless", Again: []transcript.Late{{What: "b"}}, Late: []transcript.Late{{What: "c"}}}},
		{Transcript: transcript.Transcript{Scenario: "not repeated", Late: []transcript.Late{{What: "d"}}}},
	}
	m := machine(lateness.Figures{TimerP99: time.Second, Pressure: -1}, scenarios)
	want := []report.LateScenario{
		{Scenario: "repeated", Why: "a", Again: true, Helped: true},
		{Scenario: "hopeless", Why: "b", Again: true},
		{Scenario: "not repeated", Why: "d"},
	}
	if len(m.Late) != len(want) {
		t.Fatalf("%+v", m.Late)
	}
	for i := range want {
		if m.Late[i] != want[i] {
			t.Errorf("%+v, want %+v", m.Late[i], want[i])
		}
	}
	if !m.Strained || m.Pressure != nil || m.Timers.P99 != 1000 {
		t.Errorf("%+v", m)
	}
	if got := m.Summary(); got != "this machine was too slow for repeated, but in time when retried alone; too slow for hopeless, not repeated, even when run alone" {
		t.Errorf("%q", got)
	}
	if got := machine(lateness.Figures{}, scenarios[:1]).Summary(); got != "" {
		t.Errorf("where it did not matter: %q", got)
	}
}
