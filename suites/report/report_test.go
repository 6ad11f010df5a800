package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
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
	secrets := []string{"client-s3cr3t/+", "pass\"word", `pass\"word`, "DEVICE.code", "access-TOKEN", "refresh-TOKEN", "id.TOKEN.sig", "cookie-VALUE", "client-s3cr3t%2F%2B"}
	everything := strings.Join(secrets, " ")
	said := transcript.Transcript{
		Scenario: "s",
		Aborted:  everything,
		Exchanges: []wire.Exchange{{
			N: 1, Method: "POST", URL: "http://h/?x=access-TOKEN",
			Request: wire.Message{
				Header: http.Header{"Authorization": {wire.BasicAuth("c", secret.Reveal())}, "Cookie": {"sid=cookie-VALUE; lang=en"}},
				Body:   wire.Bytes("device_code=DEVICE.code&client_secret=client-s3cr3t%2F%2B"),
			},
			Response: &wire.Message{
				Header: http.Header{"Set-Cookie": {"sid=cookie-VALUE; Path=/; HttpOnly"}},
				Body:   wire.Bytes(`{"access_token":"access-TOKEN","refresh_token":"refresh-TOKEN","id_token":"id.TOKEN.sig","note":"DEVICE.code"}`),
			},
		}},
		Journeys: []transcript.Journey{{
			Name: "j", Start: everything,
			Steps:   []transcript.Step{{N: 1, URL: everything, Title: everything, Alert: everything, Action: everything}},
			Trouble: &transcript.Trouble{Cause: everything, URL: everything, HTML: everything, Title: everything, Alert: everything, Hint: everything, Fields: []string{everything}, Buttons: []string{everything}, Tried: []string{everything}, Selector: everything, Action: everything},
		}},
	}
	r := NewRedactor(profile)
	r.Learn(said)
	result := Result{
		Notes:     []string{r.Text(everything)},
		Checks:    []Check{r.Check(Check{ID: "X-01", Reason: everything, Findings: []rules.Finding{{Observed: everything, Expected: everything}}})},
		Scenarios: []Scenario{NewScenario(r.Transcript(said))},
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
	if !strings.Contains(x.Request.Header.Get("Cookie"), "lang=en") {
		t.Error("more than secrets was taken away")
	}
	// The original is untouched: rules may still read it.
	if got := said.Exchanges[0].Form().Get("device_code"); got != "DEVICE.code" {
		t.Errorf("the transcript itself was changed: %q", got)
	}
}

// TestRedactorFindsTokensAnywhere: not only as members of a proper object.
func TestRedactorFindsTokensAnywhere(t *testing.T) {
	secret := profiles.NewSecret("clientsecret<&>")
	for name, body := range map[string]string{
		"form-encoded":       "access_token=gho_SECRETVALUE&scope=",
		"broken JSON":        `{"access_token":"gho_SECRETVALUE"}}`,
		"nested":             `{"data":{"refresh_token":"gho_SECRETVALUE"}}`,
		"another case":       `{"Access_Token": "gho_SECRETVALUE"}`,
		"HTML":               `clientsecret&lt;&amp;&gt;`,
		"hexadecimal":        `636c69656e747365637265743c263e`,
		"base64":             `Y2xpZW50c2VjcmV0PCY-`,
		"lower-case percent": `clientsecret%3c%26%3e`,
	} {
		said := transcript.Transcript{Exchanges: []wire.Exchange{{N: 1, Response: &wire.Message{Body: wire.Bytes(body)}}}}
		r := NewRedactor(&profiles.Profile{Clients: profiles.Clients{Confidential: &profiles.Client{ID: "c", Secret: &secret}}})
		r.Learn(said)
		if got := string(r.Transcript(said).Exchanges[0].Response.Body); !strings.Contains(got, "[redacted:") || strings.Contains(got, "SECRETVALUE") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestRedactorIsBounded: a target that sends a thousand cookies with each
// answer costs neither minutes nor the values of the cookies.
func TestRedactorIsBounded(t *testing.T) {
	r := NewRedactor(&profiles.Profile{})
	var said transcript.Transcript
	for i := range 100 {
		h := http.Header{}
		for k := range 1000 {
			h.Add("Set-Cookie", fmt.Sprintf("c%d=value%06d", k, i*1000+k))
		}
		said.Exchanges = append(said.Exchanges, wire.Exchange{N: i, Response: &wire.Message{Header: h}})
	}
	r.Learn(said)
	if len(r.values) > maxValues+10 {
		t.Errorf("%d values are kept", len(r.values))
	}
	for _, x := range r.Transcript(said).Exchanges {
		for _, cookie := range x.Response.Header.Values("Set-Cookie") {
			if strings.Contains(cookie, "value") {
				t.Fatalf("%s is written", cookie)
			}
		}
	}
}

func TestMarksDifferBetweenRuns(t *testing.T) {
	mark := func() string {
		r := NewRedactor(&profiles.Profile{})
		r.learn("the same secret")
		return r.Text("the same secret")
	}
	if a, b := mark(), mark(); a == b {
		t.Errorf("%s twice: a guess could be checked against a report", a)
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
