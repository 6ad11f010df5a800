package page

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// small has one check of most kinds, and texts that try to be something else.
func small() report.Result {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := report.Result{
		Schema: report.Schema, Tool: report.Tool{Version: "v1.2.3"}, Started: at, Finished: at.Add(12 * time.Second), DurationMS: 12_345,
		Target: report.Target{Name: "A <server>\u202e", Kind: "simulated", Fidelity: "a personality", Version: "7.1", Profile: "mine", ProfileFile: "ci/mine.yaml", Issuer: "https://idp.example.com", Driver: "browser"},
		Notes:  []string{"certificates are not verified (tls.insecure)"},
		Checks: []report.Check{
			{ID: "DA-01", Section: "3.1", Source: "RFC 8628 section 3.1", Level: rules.Must, Title: "Codes are issued", Verdict: rules.Pass, Reason: "200 and codes", Scenario: "approval", DurationMS: 900},
			{ID: "POLL-05", Section: "3.5", Source: "RFC 8628 section 3.5", Level: rules.Must, Title: "slow_down adds 5 seconds", Verdict: rules.Fail, Reason: "the interval \x1b[31mdoubles", Scenario: "approval", Findings: []rules.Finding{
				{Code: "doubles", Severity: rules.Fail, Expected: "5 s more", Observed: "</dd><b>10 s</b>", Exchanges: []rules.Ref{{Scenario: "approval", N: 2}}},
			}},
			{ID: "SEC-01", Section: "5", Source: "RFC 8628 section 5.6", Level: rules.Must, Title: "TLS", Verdict: rules.NA, Reason: "the target is reached over http"},
			{ID: "VERIFY-08", Section: "3.3", Source: "RFC 8628 section 3.3", Level: rules.Should, Title: "Approve and deny", Verdict: report.Known, Reason: "no way to deny", Deviation: &report.Deviation{Expect: "warn", Reason: "ticket", Link: "javascript:alert(1)"}},
		},
		Scenarios: []report.Scenario{{DurationMS: 900, Transcript: transcript.Transcript{
			Scenario: "approval",
			Exchanges: []wire.Exchange{
				{N: 1, Label: "device authorization", Method: "POST", URL: "https://idp.example.com/device_authorization", Proto: "HTTP/1.1", Status: 200, Received: 4 * time.Millisecond,
					Request:  wire.Message{Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: wire.Bytes("client_id=tv&scope=a+b")},
					Response: &wire.Message{Header: http.Header{"Content-Type": {"application/json"}}, Body: wire.Bytes(`{"device_code":"‹secret 1›","interval":5}`)}},
				{N: 2, Label: "poll/1", Method: "POST", URL: "https://idp.example.com/token", Sent: time.Second, Failure: &wire.Failure{Kind: wire.FailTimeout, Text: "no answer within 10 s"}},
			},
			Journeys: []transcript.Journey{{Name: "approve", Goal: transcript.Approve, Driver: "browser", Outcome: transcript.Unfinished, Start: "https://idp.example.com/device",
				Steps:   []transcript.Step{{N: 1, Page: "code", Action: `click "Continue"`, URL: "https://idp.example.com/device", Status: 200, TookMS: 12}},
				Trouble: &transcript.Trouble{Class: transcript.NavTimeout, Step: 1, Cause: "no page"}}},
		}}},
		Throttle: &rules.Throttle{Class: "escalating", IntervalMS: 5000, Polls: 2, SlowDowns: 1, Devices: []rules.ThrottleDevice{{Name: "counted", Polls: []rules.ThrottlePoll{{AtMS: 5000, Answer: "pending"}, {AtMS: 7000, Answer: "slow_down"}}}}},
	}
	r.Counts = report.Count(r.Checks)
	r.ExitCode = report.ExitCode(r, r.Policy)
	return r
}

func TestGolden(t *testing.T) {
	got := render(t, small())
	path := filepath.Join("testdata", "small.html")
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
		t.Errorf("%s differs (-update writes it anew):\n%s", path, got)
	}
}
