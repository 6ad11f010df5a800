package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
	"github.com/devicegrant/devicegrant/testdata/targets"
)

// runLimit is when a run of the program is taken to hang. One takes less than a
// minute on a machine at rest.
const runLimit = 30 * time.Minute

// losesScopes is what Glewlwyd prints when a person confirms a code whose scopes
// it has stored with another: it asks its database for the last row's number
// after the row is in, and a login at that moment has put in one of its own. One
// code in ten is lost where logins never pause. The page says "error", and that
// the suite finds out nothing from it is right.
const losesScopes = "callback_oidc_device_verification - Error validate_device_auth_user_code"

// realServer is a server that nobody here wrote, and what a run has to find.
// Each verdict that is not a pass is listed with the reading of the RFC behind
// it: a change in the suite that accuses them of more, or of less, has to be
// argued here.
type realServer struct {
	name  string
	start func(testing.TB, targets.Options) *targets.Server
	// expires is the lifetime, in seconds, at the server for the checks of expiry.
	expires int
	want    map[string]string
}

func realServers() []realServer {
	return []realServer{
		{"oidc-provider", targets.OIDCProvider, 24, map[string]string{
			"DA-02":    "warn server-error",      // GET and HEAD of /device/auth are answered 500; RFC 6749 defines no error for them, so no failure
			"DA-10":    "warn other-error",       // invalid_request for a client without the grant, where RFC 6749 section 5.2 has unauthorized_client
			"SEC-01":   "na",                     // loopback http
			"SEC-13":   "na",                     // one issuer, so the profile names no second tenant
			"SEC-14":   "warn host-header",       // it builds its URLs from the Host header, and wants a proxy in front
			"TOKEN-10": "warn pragma",            // no Pragma: the letter of RFC 6749 section 5.1, obsolete in HTTP
			"ERR-02":   "warn body-before-oauth", // the same GET in plain text
			"ERR-04":   "warn bare-401",          // 401 for body credentials without WWW-Authenticate, against RFC 9110 section 15.5.2
			"POLL-03":  "info none",              // it never sends slow_down, which RFC 8628 section 3.5 leaves open
			"POLL-04":  "na",                     // and so there is nothing to obey,
			"POLL-05":  "na",
			"POLL-06":  "na",                 // to remember,
			"POLL-07":  "na",                 // to add up,
			"POLL-18":  "na",                 // or to share
			"POLL-19":  "info consumed",      // measured
			"SEC-04":   "warn no-limit",      // it leaves the limit to whoever runs it; RFC 8628 section 5.1 recommends one, and a black box cannot prove that there is none
			"SEC-05":   "na",                 // so there is nothing to side-step
			"SEC-08":   "warn only-samesite", // no header forbids framing; RFC 9700 section 4.16 has clickjacking prevented, which its SameSite=Lax does: in a frame nobody is logged in
			"SEC-12":   "warn stored",        // the decision page has no Cache-Control, and loads a font without a Referrer-Policy: hygiene
			"LOAD-02":  "info steady",        // figures
			"EXT-04":   "na",                 // it wants no nonce in a DPoP proof
		}},
		{"glewlwyd", targets.Glewlwyd, 30, map[string]string{
			"DA-04":     "warn other-error", // 403 unauthorized_client for a missing client_id, where RFC 6749 section 5.2 has invalid_request
			"DA-05":     "warn other-error", // the same for a repeated client_id; a repeated scope is accepted
			"DA-09":     "warn other-error", // the same for an unknown client, where it has invalid_client
			"DA-11":     "warn other-error", // 403 unauthorized_client for a client that does not authenticate, where it has invalid_client
			"DA-12":     "known status",
			"DA-14":     "warn two-methods-accepted", // and a second client in the body is ignored
			"SEC-01":    "na",                        // loopback http
			"SEC-04":    "known",                     // guesses are typed with the forms driver, which runs no scripts
			"SEC-05":    "known",                     // the same
			"SEC-06":    "known",                     // the same
			"SEC-08":    "warn only-x-frame-options", // DENY, which every browser keeps; RFC 9700 section 4.16 recommends the policy
			"SEC-11":    "known redirected",          // login.html?callback_url=//another.example sends a person there after the login; RFC 9700 section 2.1: MUST NOT
			"SEC-12":    "warn any-origin",           // Access-Control-Allow-Origin: * on the page that verification_uri redirects from, against RFC 9700 section 2.6
			"SEC-13":    "na",                        // as set up it serves one issuer: the profile names no second tenant
			"VERIFY-06": "warn confusable",           // 0 and O, 1 and I
			"VERIFY-08": "warn no-deny",              // the grant page has no way to refuse
			"VERIFY-09": "warn code-not-shown",       // the pages after verification_uri_complete show the code nowhere but in their URL; RFC 8628 section 3.3.1 recommends to show it and to ask
			"POLL-06":   "warn forgotten",            // a fixed window of whole seconds: section 3.5 binds the device, so a warning
			"POLL-08":   "na",                        // so no refusal can be reported
			"POLL-09":   "na",                        // or be final
			"POLL-15":   "known second-token",        // up to all of twenty polls in one moment get a token each; RFC 8628 implies single use, and no second session was approved
			"POLL-19":   "info consumed",             // measured
			"LOAD-02":   "info steady",               // figures
			"EXT-05":    "na",                        // resource is no parameter of its device request, and RFC 8707 defines none there
			"TOKEN-01":  "warn other-error",          // an unknown grant_type: 400 without a body (ERR-02)
			"TOKEN-02":  "warn other-error",          // a missing device_code: access_denied, where it has invalid_request
			"TOKEN-03":  "warn other-error",          // an unknown device_code: access_denied, where it has invalid_grant; a device stops either way
			"TOKEN-04":  "warn other-error",          // the same for a code of another client
			"TOKEN-05":  "warn other-error",          // 403 unauthorized_client without client_id or secret, where it has invalid_client
			"TOKEN-08":  "warn other-error",          // repetition: whatever the above says
			"TOKEN-13":  "warn other-error",          // another client's refresh token: 400 without a body, where it has invalid_grant
			// "rolling" moves the end of a refresh token's life; RFC 9700 section 4.14.2
			// asks for a new token, or one bound to a key. Two tokens that are issued in
			// the same moment can swap their scopes in its database, and then one of them
			// is answered 200 without a body.
			"TOKEN-14": "warn replay-accepted|inconclusive",
			"TOKEN-16": "warn userinfo-challenge", // 401 without WWW-Authenticate, which RFC 6750 section 3 requires
			"TOKEN-17": "na",                      // as set up it has no revocation endpoint
			"ERR-01":   "known 403-unauthorized_client",
			"ERR-02":   "known body",
			"ERR-04":   "known status",
			"ERR-05":   "warn unregistered",    // "resource not found" for PUT
			"META-05":  "warn none-not-listed", // public clients work, and "none" is not listed
		}},
	}
}

// TestRealServers judges them in a real browser, one after the other: each run
// uses all of a small machine.
func TestRealServers(t *testing.T) {
	if raceEnabled {
		t.Skip("the runs are processes of their own, which the race detector does not see; make test has them without it")
	}
	notShort(t, "whole runs in a browser")
	needBrowser(t)
	for _, server := range realServers() {
		t.Run(server.name, func(t *testing.T) { server.judge(t, binary(t)) })
	}
}

// judge runs the program against the server, and looks at every verdict.
func (r realServer) judge(t *testing.T, program ...string) {
	server := r.start(t, targets.Options{})
	brief := r.start(t, targets.Options{ExpiresIn: r.expires, Interval: 3, Secrets: server.Env})
	out := t.ArtifactDir()
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	args := append(program[1:len(program):len(program)], "run", "--profile", server.Profile, "--out", out, "-v",
		"--set", "base_url="+server.BaseURL, "--set", "vars.expiry_url="+brief.BaseURL)
	cmd := exec.CommandContext(ctx, program[0], args...)
	cmd.Env = os.Environ()
	for name, value := range server.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	printed, _ := cmd.CombinedOutput()
	result := readResult(t, out)
	exit := 0
	stumbled := strings.Contains(server.Log()+brief.Log(), losesScopes)
	for _, c := range result.Checks {
		if stumbled && c.Verdict == rules.Inconclusive && strings.Contains(c.Reason, string(transcript.ErrorPage)) {
			t.Logf("%s: %s, and the server says why: %s", c.ID, c.Reason, losesScopes)
			exit = 3
			continue
		}
		got, want := summary(c), r.want[c.ID]
		if want == "" {
			want = string(rules.Pass)
		}
		if !slices.ContainsFunc(strings.Split(want, "|"), func(one string) bool { return slices.Contains(got, one) }) {
			t.Errorf("%s: %s (%s), want %q", c.ID, strings.Join(got, "; "), c.Reason, want)
		}
		if c.Verdict == rules.Inconclusive {
			exit = 3
		}
	}
	if got := cmd.ProcessState.ExitCode(); got != exit {
		t.Errorf("exit status %d, want %d\n%s\n%s", got, exit, printed, server.Log())
	}
	if result.Target.Driver != "browser" {
		t.Errorf("the driver was %s", result.Target.Driver)
	}
	for _, secret := range server.Env {
		if strings.Contains(string(printed), secret) {
			t.Error("a secret was printed")
		}
	}
	t.Log(machineOf(result))
}

// machineOf says how long a run took, how the machine kept up, and what was late.
func machineOf(r report.Result) string {
	machine, _ := json.Marshal(r.Machine) // of numbers and strings
	return fmt.Sprintf("%.1f s; %s", float64(r.DurationMS)/1000, machine)
}

// summary is a check's verdict with the code of each finding that counts:
// "warn other-error".
func summary(c report.Check) []string {
	list := []string{string(c.Verdict)}
	for _, f := range c.Findings {
		list = append(list, string(c.Verdict)+" "+f.Code)
	}
	return list
}

// needBrowser skips a test where there is no browser, but not in CI.
func needBrowser(t *testing.T) {
	t.Helper()
	if _, err := chromium.Find("", os.Getenv); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("make setup installs what is missing: %v", err)
	}
}
