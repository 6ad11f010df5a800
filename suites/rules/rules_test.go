package rules

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// edit changes the recording of a conforming server into that of another one.
type edit func(Evidence)

// in changes every exchange of a scenario below a label.
func in(scenario, label string, change func(*wire.Exchange)) edit {
	return func(e Evidence) {
		t, hit := e.Transcripts[scenario], false
		for i := range t.Exchanges {
			if l := t.Exchanges[i].Label; l == label || strings.HasPrefix(l, label+"/") {
				change(&t.Exchanges[i])
				hit = true
			}
		}
		if !hit {
			panic(fmt.Sprintf("the recording has no %s in %s", label, scenario))
		}
		e.Transcripts[scenario] = t
	}
}

// visit changes a journey.
func visit(scenario, name string, change func(*transcript.Journey)) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		for i := range t.Journeys {
			if t.Journeys[i].Name == name {
				change(&t.Journeys[i])
				return
			}
		}
		panic(fmt.Sprintf("the recording has no journey %s in %s", name, scenario))
	}
}

func answer(status int, body string) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		x.Status, x.Failure = status, nil
		x.Response = &wire.Message{Header: http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Pragma": {"no-cache"}}, Body: wire.Bytes(body)}
	}
}

func oauthError(code string) func(*wire.Exchange) {
	return answer(400, fmt.Sprintf(`{"error":%q}`, code))
}

func header(name, value string) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		x.Response.Header = x.Response.Header.Clone() // that of the recording is shared
		x.Response.Header.Del(name)
		if value != "" {
			x.Response.Header.Set(name, value)
		}
	}
}

// member replaces a JSON member, or removes it when value is "".
func member(name, value string) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		o, err := wire.ParseObject(x.Response.Body)
		if err != nil {
			panic(err)
		}
		var parts []string
		done := false
		for _, m := range o.Members {
			v := string(m.Value)
			if m.Name == name {
				if value == "" {
					continue
				}
				v, done = value, true
			}
			parts = append(parts, fmt.Sprintf("%q:%s", m.Name, v))
		}
		if !done && value != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", name, value))
		}
		x.Response.Body = wire.Bytes("{" + strings.Join(parts, ",") + "}")
	}
}

func body(change func(string) string) func(*wire.Exchange) {
	return func(x *wire.Exchange) { x.Response.Body = wire.Bytes(change(string(x.Response.Body))) }
}

func lost(kind wire.FailureKind) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		x.Status, x.Response, x.Failure = 0, nil, &wire.Failure{Kind: kind, Text: "lost"}
	}
}

func all(edits ...edit) edit {
	return func(e Evidence) {
		for _, change := range edits {
			change(e)
		}
	}
}

const codes = `{"device_code":"dc","user_code":"UC-1","verification_uri":"https://h/d","expires_in":600}`
const token = `{"access_token":"another","token_type":"Bearer","expires_in":60}`

const (
	authorization = transcript.DeviceAuthorization
	tokenErr      = transcript.TokenErrors
	deviceErr     = transcript.DeviceErrors
)

// ruleCase is a server that differs from the reference in one thing, and what a
// rule says of it.
type ruleCase struct {
	id      string
	name    string
	edit    edit
	verdict Verdict
	code    string // of a finding with the verdict's severity; "": not looked at
}

// cases are those of every theme. No rule is left without a case in which it
// does not pass.
var cases = slices.Concat(
	flowCases,
	clientCases,
	strengthCases,
	pollingCases,
	tokenCases,
	tenantCases,
	extCases,
	proofCases,
	personCases,
	pageCases,
	raceCases,
)

func all2(changes ...func(*wire.Exchange)) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		for _, change := range changes {
			change(x)
		}
	}
}

func request(form string) func(*wire.Exchange) {
	return func(x *wire.Exchange) { x.Request.Body = wire.Bytes(form) }
}

func outcome(o transcript.Outcome) func(*transcript.Journey) {
	return func(j *transcript.Journey) { j.Outcome = o }
}

// late moves each exchange further from the one before.
func late(gap time.Duration) func(*wire.Exchange) {
	return func(x *wire.Exchange) { x.Sent = gap * time.Duration(x.N) }
}

func missing(scenario, why string) edit {
	return func(e Evidence) {
		e.Transcripts[scenario] = transcript.Transcript{Scenario: scenario, Absent: why}
	}
}

func sameToken() edit {
	return func(e Evidence) {
		first, _ := e.Transcripts[transcript.Approval].First("token/1")
		in(transcript.Approval, "reuse", answer(200, string(first.Response.Body)))(e)
	}
}

func TestRulesTellServersApart(t *testing.T) {
	clean := recorded(t)
	unchanged(t)
	tripped, innocent := map[string]bool{}, map[string]bool{}
	for _, c := range cases {
		t.Run(c.id+" "+c.name, func(t *testing.T) {
			rule, ok := ForID(c.id)
			if !ok {
				t.Fatal("no such rule")
			}
			e := clone(clean)
			e.Redacted = strings.Contains(c.name, "redacted")
			c.edit(e)
			j := rule.Judge(e)
			if j.Verdict != c.verdict {
				t.Fatalf("%s (%s), want %s\n%+v", j.Verdict, j.Reason, c.verdict, j.Findings)
			}
			if c.verdict != Pass {
				tripped[c.id] = true
			}
			if c.verdict != Fail && c.verdict != Warn {
				innocent[c.id] = true
			}
			if c.code == "" {
				return
			}
			for _, f := range j.Findings {
				if f.Code == c.code && (f.Severity == c.verdict) {
					if f.Severity != Info && (f.Expected == "" || f.Observed == "") {
						t.Errorf("the finding does not say what was expected and observed: %+v", f)
					}
					return
				}
			}
			t.Errorf("no finding %s: %+v", c.code, j.Findings)
		})
	}
	for _, r := range registry {
		if !tripped[r.ID] {
			t.Errorf("%s passes in every case of cases_*_test.go: it was never seen to trip", r.ID)
		}
		if !innocent[r.ID] {
			t.Errorf("%s accuses in every case of cases_*_test.go: none is unusual and innocent", r.ID)
		}
	}
}

// cleanVerdicts are those of the reference server where they are not pass.
var cleanVerdicts = map[string]Verdict{
	"POLL-19": Info, // what becomes of a lost answer is measured
	"LOAD-02": Info, // figures
	"SEC-01":  NA,   // it listens on http, which the profile allows on loopback
	"EXT-08":  NA,   // and nobody shows a certificate there
}

// TestCleanRecordingPasses is the other half: the unchanged recording trips no rule.
func TestCleanRecordingPasses(t *testing.T) {
	for _, r := range registry {
		want := Pass
		if v, ok := cleanVerdicts[r.ID]; ok {
			want = v
		}
		if j := r.Judge(recorded(t)); j.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", r.ID, j.Verdict, j.Reason, want)
		}
	}
}

// TestRulesWithoutEvidence: with nothing to go on no rule passes or fails.
func TestRulesWithoutEvidence(t *testing.T) {
	e := recorded(t)
	e.Transcripts = nil
	for _, r := range registry {
		if j := r.Judge(e); j.Verdict != Inconclusive || j.Reason == "" {
			t.Errorf("%s: %s (%s)", r.ID, j.Verdict, j.Reason)
		}
	}
}

// TestRulesSurviveAnything: every answer of the recording is replaced by
// garbage in turn; no rule may panic.
func TestRulesSurviveAnything(t *testing.T) {
	clean := recorded(t)
	for _, garbage := range []func(*wire.Exchange){
		lost(wire.FailTimeout), answer(200, ""), answer(200, "{}"), answer(200, "null"), answer(999, `{"error":null}`),
		answer(200, `{"device_code":1,"error":[],"access_token":{},"interval":"x","expires_in":null,"user_code":[]}`),
	} {
		e := clone(clean)
		for name, said := range e.Transcripts {
			for i := range said.Exchanges {
				garbage(&said.Exchanges[i])
			}
			e.Transcripts[name] = said
		}
		for _, r := range registry {
			if j := r.Judge(e); j.Verdict == "" {
				t.Errorf("%s has no verdict", r.ID)
			}
		}
		Derive(e, func(value string) string { return value })
	}
}

func FuzzRules(f *testing.F) {
	f.Add(400, "application/json", []byte(`{"error":"slow_down"}`))
	f.Add(200, "text/html", []byte(`{"access_token":"a","token_type":7}`))
	f.Add(200, "", []byte(`{"device_code":"a","user_code":"a","verification_uri":"::","expires_in":-0.5,"interval":1e308}`))
	clean := recorded(f)
	f.Fuzz(func(t *testing.T, status int, mediaType string, body []byte) {
		e := clean
		e.Transcripts = map[string]transcript.Transcript{}
		for name, said := range clean.Transcripts {
			said.Exchanges = append([]wire.Exchange(nil), said.Exchanges...)
			for i := range said.Exchanges {
				said.Exchanges[i].Status = status
				said.Exchanges[i].Response = &wire.Message{Header: http.Header{"Content-Type": {mediaType}}, Body: body}
			}
			e.Transcripts[name] = said
		}
		for _, r := range registry {
			if _, err := json.Marshal(r.Judge(e)); err != nil {
				t.Errorf("%s: %v", r.ID, err)
			}
		}
	})
}
