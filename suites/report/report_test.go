package report

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

func check(verdict rules.Verdict, findings ...rules.Finding) Check {
	return Check{ID: "ERR-01", Level: rules.Must, Verdict: verdict, Findings: findings}
}

func finding(severity rules.Verdict, code string) rules.Finding {
	return rules.Finding{Severity: severity, Code: code}
}

func TestExitCode(t *testing.T) {
	should := check(rules.Warn, finding(rules.Warn, "x"))
	should.Level = rules.Should
	strictWarning := finding(rules.Warn, "x")
	strictWarning.Strict = true
	for _, test := range []struct {
		name   string
		checks []Check
		policy Policy
		want   int
	}{
		{"all pass", []Check{check(rules.Pass)}, Policy{}, ExitConforming},
		{"a failure", []Check{check(rules.Pass), check(rules.Fail)}, Policy{}, ExitFailed},
		{"a failure decides over inconclusive", []Check{check(rules.Inconclusive), check(rules.Fail)}, Policy{}, ExitFailed},
		{"known is green", []Check{check(Known)}, Policy{}, ExitConforming},
		{"a stale baseline", []Check{check(rules.Pass), check(Fixed)}, Policy{}, ExitFailed},
		{"inconclusive is never green", []Check{check(rules.Pass), check(rules.Inconclusive)}, Policy{}, ExitUnknown},
		{"unless allowed", []Check{check(rules.Pass), check(rules.Inconclusive)}, Policy{AllowInconclusive: true}, ExitConforming},
		{"nothing evaluated", []Check{check(rules.Skip), check(rules.NA)}, Policy{}, ExitUnknown},
		{"nothing at all", nil, Policy{AllowInconclusive: true}, ExitUnknown},
		{"our error", []Check{check(rules.Pass), check(rules.Broken)}, Policy{AllowInconclusive: true}, ExitUnknown},
		{"a warning", []Check{check(rules.Warn, finding(rules.Warn, "x"))}, Policy{}, ExitConforming},
		{"a MUST's warning with --strict", []Check{check(rules.Warn, finding(rules.Warn, "x"))}, Policy{Strict: true}, ExitConforming},
		{"a SHOULD's warning with --strict", []Check{should}, Policy{Strict: true}, ExitFailed},
		{"a strict warning", []Check{check(rules.Warn, strictWarning)}, Policy{Strict: true}, ExitFailed},
	} {
		if got := ExitCode(Result{Checks: test.checks}, test.policy); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	if got := ExitCode(Result{Checks: []Check{check(rules.Fail)}, Interrupted: true}, Policy{}); got != ExitInterrupted {
		t.Errorf("interrupted: %d", got)
	}
}

func TestBaseline(t *testing.T) {
	entry := func(code, expect string) profiles.Deviation {
		return profiles.Deviation{Check: "ERR-01", Code: code, Expect: expect, Reason: "because"}
	}
	for _, test := range []struct {
		name     string
		check    Check
		baseline []profiles.Deviation
		want     rules.Verdict
	}{
		{"no entry", check(rules.Fail, finding(rules.Fail, "a")), nil, rules.Fail},
		{"expected", check(rules.Fail, finding(rules.Fail, "a")), []profiles.Deviation{entry("a", "")}, Known},
		{"expected whole", check(rules.Fail, finding(rules.Fail, "a")), []profiles.Deviation{entry("", "fail")}, Known},
		{"one more failure", check(rules.Fail, finding(rules.Fail, "a"), finding(rules.Fail, "b")), []profiles.Deviation{entry("a", "")}, rules.Fail},
		{"another failure", check(rules.Fail, finding(rules.Fail, "b")), []profiles.Deviation{entry("a", "")}, rules.Fail},
		{"gone", check(rules.Pass), []profiles.Deviation{entry("a", "")}, Fixed},
		{"gone, but inconclusive", check(rules.Inconclusive), []profiles.Deviation{entry("a", "")}, rules.Inconclusive},
		{"gone, but not applicable", check(rules.NA), []profiles.Deviation{entry("a", "")}, rules.NA},
		{"skipped", check(rules.Skip), []profiles.Deviation{entry("a", "")}, rules.Skip},
		{"expected warning", check(rules.Warn, finding(rules.Warn, "a")), []profiles.Deviation{entry("a", "warn")}, Known},
		{"worse than expected", check(rules.Fail, finding(rules.Fail, "a")), []profiles.Deviation{entry("a", "warn")}, rules.Fail},
		{"expected n/a", check(rules.NA), []profiles.Deviation{entry("", "n/a")}, Known},
		{"gone, but not all was tried", check(rules.Pass, rules.Finding{Code: "b", Severity: rules.Info, Untried: true}), []profiles.Deviation{entry("", "inconclusive")}, rules.Pass},
		{"expected inconclusive", check(rules.Inconclusive), []profiles.Deviation{entry("", "inconclusive")}, Known},
	} {
		if got := ApplyBaseline([]Check{test.check}, test.baseline, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))[0]; got.Verdict != test.want {
			t.Errorf("%s: %s (%s), want %s", test.name, got.Verdict, got.Reason, test.want)
		}
	}
}

// TestNothingSecretIsWritten seeds every kind of secret in every place from
// which it could reach a report, and looks for it in every written byte.
func TestNothingSecretIsWritten(t *testing.T) {
	secret := profiles.NewSecret("client-s3cr3t/+")
	profile := &profiles.Profile{
		Clients: profiles.Clients{Confidential: &profiles.Client{ID: "c", Secret: &secret}},
		Users:   profiles.Users{First: &profiles.User{Username: profiles.NewSecret("alice"), Password: profiles.NewSecret("pass\"word")}},
	}
	const device, access, refresh, cookie = "d3v1c3C0deAbCdEf", "acc3ssT0k3nAbCdEf", "r3fr3shT0k3nAbCd", "c00k13ValueAb1Cd2"
	secrets := []string{"client-s3cr3t/+", "pass\"word", `pass\"word`, device, access, refresh, "id.TOKEN.sig", cookie, "client-s3cr3t%2F%2B"}
	// A value that does not look drawn by chance is hidden in its own place only.
	everything := strings.ReplaceAll(strings.Join(secrets, " "), "id.TOKEN.sig", "")
	said := transcript.Transcript{
		Scenario: "s",
		Aborted:  everything,
		Exchanges: []wire.Exchange{{
			N: 1, Method: "POST", URL: "http://h/?x=" + access,
			Request: wire.Message{
				Header: http.Header{"Authorization": {wire.BasicAuth("c", secret.Reveal())}, "Cookie": {"sid=" + cookie + "; lang=en"}},
				Body:   wire.Bytes("device_code=" + device + "&client_secret=client-s3cr3t%2F%2B"),
			},
			Response: &wire.Message{
				Header: http.Header{"Set-Cookie": {"sid=" + cookie + "; Path=/; HttpOnly"}},
				Body:   wire.Bytes(`{"access_token":"` + access + `","refresh_token":"` + refresh + `","id_token":"id.TOKEN.sig","note":"` + device + `"}`),
			},
		}},
		Journeys: []transcript.Journey{{
			Name: "j", Start: everything,
			Steps:   []transcript.Step{{N: 1, URL: everything, Title: everything, Alert: everything, Action: everything}},
			Trouble: &transcript.Trouble{Cause: everything, URL: everything, HTML: everything, Title: everything, Alert: everything, Hint: everything, Fields: []string{everything}, Buttons: []string{everything}, Tried: []string{everything}, Selector: everything, Action: everything},
		}},
	}
	r := redact.New(profile)
	Learn(r, said)
	result := Result{
		Notes:     []string{r.Text(everything)},
		Checks:    []Check{RedactCheck(r, Check{ID: "X-01", Reason: everything, Findings: []rules.Finding{{Observed: everything, Expected: everything}}})},
		Scenarios: []Scenario{NewScenario(RedactTranscript(r, said))},
	}
	dir := t.TempDir()
	if _, err := WriteDir(dir, result); err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		written.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	written.WriteString(Curl(result.Scenarios[0].Exchanges[0]))
	secrets = append(secrets, strings.TrimPrefix(wire.BasicAuth("c", secret.Reveal()), "Basic "))
	for _, s := range secrets {
		if strings.Contains(written.String(), s) {
			t.Errorf("%q is written", s)
		}
	}
	// Equality survives: the device code has one mark in request and response.
	x := result.Scenarios[0].Exchanges[0]
	mark := x.Form().Get("device_code")
	if !strings.HasPrefix(mark, "[redacted:") || !strings.Contains(string(x.Response.Body), mark) {
		t.Errorf("the device code became %q in the request, and the response is %s", mark, x.Response.Body)
	}
	if got := x.Request.Header.Get("Cookie"); !strings.HasPrefix(got, "sid=[redacted:") || !strings.Contains(got, "; lang=[redacted:") {
		t.Errorf("the cookies became %q", got)
	}
	// The original is untouched: rules may still read it.
	if got := said.Exchanges[0].Form().Get("device_code"); got != device {
		t.Errorf("the transcript itself was changed: %q", got)
	}
}

func TestCurlCannotRunCommands(t *testing.T) {
	x := wire.Exchange{Method: "POST", URL: "http://h/$(touch x)';touch y;'",
		Request: wire.Message{Header: http.Header{"A": {"`id`"}}, Body: wire.Bytes("a=\x00'\n")}}
	want := `curl -i -X POST -H 'A: ` + "`id`" + `' --data-binary $'a=\000\'\012' 'http://h/$(touch x)'\'';touch y;'\'''`
	if got := Curl(x); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestResultSurvivesJSON(t *testing.T) {
	r := Result{Schema: Schema, Checks: []Check{check(rules.Fail, finding(rules.Fail, "a"))},
		Scenarios: []Scenario{NewScenario(transcript.Transcript{Scenario: "s", Exchanges: []wire.Exchange{{N: 1, Status: 200}}})}}
	var b bytes.Buffer
	if err := WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Scenarios[0].Transcript.Scenario != "s" || back.Scenarios[0].Exchanges[0].Status != 200 || back.Checks[0].Findings[0].Code != "a" {
		t.Errorf("came back as %+v", back)
	}
}
