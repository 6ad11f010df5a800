package main

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/scenario"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a result with one check of each verdict, from a target that tries
// to write to the terminal on its own account.
func sample() report.Result {
	const escape = "\x1b]0;owned\x07\x1b[2J\u202e"
	said := transcript.Transcript{Scenario: "device authorization errors", Exchanges: []wire.Exchange{{
		N: 2, Method: "POST", URL: "https://idp.example.com/device", Status: 403,
		Request:  wire.Message{Header: http.Header{"Content-Type": {wire.FormType}}, Body: wire.Bytes("client_id=it's&scope=")},
		Response: &wire.Message{Header: http.Header{"Content-Type": {"application/json"}}, Body: wire.Bytes(`{"error":"` + "nope" + `"}`)},
	}}}
	check := func(id string, v rules.Verdict, reason string, findings ...rules.Finding) report.Check {
		r, _ := rules.Find(id)
		return report.Check{ID: id, Section: r.Section, Title: r.Title, Level: r.Level, Source: r.Source, Verdict: v, Reason: reason, Findings: findings}
	}
	at := []rules.Ref{{Scenario: said.Scenario, N: 2}}
	r := report.Result{
		DurationMS: 37_040, ExitCode: 1,
		Checks: []report.Check{
			check("DA-01", rules.Pass, "codes for the public client"),
			check("DA-02", rules.Warn, "status 500 for GET", rules.Finding{Code: "server-error", Severity: rules.Warn, Expected: "an error below 500, or 501", Observed: "status 500 for GET", Exchanges: at}),
			check("DA-04", rules.Fail, "status 403, error "+escape, rules.Finding{Code: "other-error", Severity: rules.Fail, Expected: `"invalid_request" or "invalid_client"`, Observed: `status 403, error "` + escape + `nope"`, Exchanges: at}),
			check("DA-05", report.Known, "codes for a repeated parameter"),
			check("DA-06", report.Fixed, "the expected fail no longer occurs"),
			check("RESP-09", rules.NA, "the response has no verification_uri_complete"),
			check("VERIFY-01", rules.Inconclusive, "step 1: not_recognised\n  at       https://idp.example.com/ (title \"x\")\n  hint     add a page"),
			check("POLL-03", rules.Info, "no slow_down in 5 polls, the closest 300ms apart"),
			check("POLL-10", rules.Skip, "the codes live 30m0s and the time budget is 5m0s"),
			check("META-01", rules.Skip, "not selected"),
			check("META-05", rules.Broken, "a bug in devicegrant: panic: boom"),
		},
		Scenarios: []report.Scenario{report.NewScenario(said)},
		Throttle: &rules.Throttle{
			Class: rules.ThrottleAny, IntervalMS: 5000, CountedFrom: "any poll", Polls: 6, SlowDowns: 2,
			Boundary: &rules.ThrottleRange{RefusedMS: new(-49.7), AcceptedMS: new(51.2), UncertaintyMS: 1.3},
			Devices: []rules.ThrottleDevice{
				{Name: "early" + escape, Polls: []rules.ThrottlePoll{{AtMS: 6000, Answer: "pending"}, {AtMS: 9000, Answer: "slow_down"}, {AtMS: 12500, Answer: "slow_down"}}},
				{Name: "patient", Polls: []rules.ThrottlePoll{{AtMS: 2, Answer: "pending"}, {AtMS: 302, Answer: "slow_down"}, {AtMS: 21_400, Answer: "token"}}},
			},
		},
	}
	r.Counts = report.Count(r.Checks)
	return r
}

func TestScreen(t *testing.T) {
	plan := suites.Outline{
		Target: report.Target{Name: "A server\x1b[31m", Issuer: "https://idp.example.com", Kind: "simulated", Driver: "browser"},
		Checks: make([]string, 11), Scenarios: make([]string, 1), Notes: []string{"no browser found: tried a, b"},
		Progress: func() (int, int, []scenario.Status) { return 0, 1, nil }, Now: func() time.Duration { return 0 },
	}
	for name, s := range map[string]*screen{
		"pipe":          {},
		"terminal":      {tty: true},
		"pipe-verbose":  {look: look{verbose: true}},
		"terminal-mute": {tty: true, look: look{quiet: true}},
	} {
		var out bytes.Buffer
		s.out, s.err = &out, &out
		s.look.paint = newPaint(false)
		r := sample()
		s.Started(plan)
		for _, c := range r.Checks {
			s.Checked(c)
		}
		s.results(r, "out/result.json", "")
		golden(t, "screen-"+name+".txt", out.Bytes())
		if i := strings.IndexAny(out.String(), "\x1b\x07\u202e"); i >= 0 {
			t.Errorf("%s: a control character of the target reached the terminal", name)
		}
	}
}

// A target's words must not order anything of a GitHub job's runner, which
// reads the log.
func TestScreenOrdersNothing(t *testing.T) {
	const order = "::stop-commands::x"
	c := report.Check{ID: "VERIFY-01", Title: "t", Section: "3.3", Verdict: rules.Fail, Reason: "said\n" + order, Findings: []rules.Finding{{
		Code: "c", Severity: rules.Fail, Expected: "##[error]no", Observed: strings.Repeat("word ", 30) + order + " \n\t" + order + " " + strings.Repeat("w", 90) + " " + order,
	}}}
	r := report.Result{Checks: []report.Check{c, c}}
	r.Checks[1].Findings = nil
	r.Counts = report.Count(r.Checks)
	var out bytes.Buffer
	s := screen{out: &out, err: &out, look: look{paint: newPaint(false)}}
	s.Checked(c)
	s.results(r, "out/result.json", "")
	if !strings.Contains(out.String(), ": :stop-commands") {
		t.Errorf("the words are not there:\n%s", &out)
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			t.Errorf("an order: %q", line)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("..", "..", "testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, got)
	}
}

func TestWaitingFor(t *testing.T) {
	const s = time.Second
	for want, waiting := range map[string][]scenario.Status{
		"judging":                       nil,
		"approval":                      {{Scenario: "approval"}},
		"expiry: a code to expire, 12s": {{Scenario: "approval"}, {Scenario: "expiry", Waiting: "a code to expire", Until: 21*s + s/2}},
		"approval: a free user agent":   {{Scenario: "approval", Waiting: "a free user agent"}},
	} {
		if got := waitingFor(waiting, 10*s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
