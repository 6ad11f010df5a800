package scenario

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// TestWalk: what a person is told in each case, and what the device hears.
func TestWalk(t *testing.T) {
	for _, test := range []struct {
		name    string
		at      *idp
		profile func(*profiles.Profile)
		outcome transcript.Outcome
		answer  string // of the last poll
		polls   int
		err     string
	}{
		{name: "approve", outcome: transcript.Approved, answer: "token", polls: 1},
		{name: "approve", at: &idp{polls: func(int) []string { return []string{"authorization_pending", "slow_down"} }}, outcome: transcript.Approved, answer: "token", polls: 3},
		{name: "deny", outcome: transcript.Denied, answer: "access_denied", polls: 1},
		{name: "wrong_code", outcome: transcript.CodeRejected},
		{name: "login_failed", outcome: transcript.LoginFailed},
		{name: "login_failed", profile: alone, err: "the profile has no user with a wrong password (users.wrong)"},
		{name: "complete_uri", outcome: transcript.Approved, answer: "token", polls: 1},
		{name: "complete_uri", at: &idp{plain: true}, err: "the server sends no verification_uri_complete"},
		{name: "dance", err: `unknown case "dance"; the cases are approve, deny, wrong_code, login_failed, complete_uri`},
	} {
		g := &telling{at: test.at, profile: test.profile}
		g.act = func(c *conversation) error {
			walk, err := Walk(c.ctx, c.Environment, test.name)
			answer := walk.Answer.OAuthError()
			if gaveToken(walk.Answer) {
				answer = "token"
			}
			if (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
				t.Errorf("%s: %v", test.name, err)
			}
			if walk.Journey.Outcome != test.outcome || answer != test.answer || walk.Polls != test.polls {
				t.Errorf("%s: %s, then %q after %d polls", test.name, walk.Journey.Outcome, answer, walk.Polls)
			}
			return nil
		}
		g.one(t, transcript.Approval)
		if test.name == "complete_uri" && len(g.by.done) > 0 && (g.by.done[0].task.TypeCode || !strings.Contains(g.by.done[0].task.Start, "user_code=")) {
			t.Errorf("%+v", g.by.done[0].task)
		}
	}
	if !slices.Equal(WalkthroughCases(), []string{"approve", "deny", "wrong_code", "login_failed", "complete_uri"}) {
		t.Error(WalkthroughCases())
	}
	g := &telling{at: &idp{}, environment: func(e *Environment) { e.Driver, e.NoDriver = nil, "none here" }}
	g.act = func(c *conversation) error { _, err := Walk(c.ctx, c.Environment, "approve"); return err }
	if said := g.one(t, transcript.Approval); said.Aborted != "no user agent: none here" {
		t.Error(said.Aborted)
	}
}

// TestProbeGrant: one request for codes and one poll, at once.
func TestProbeGrant(t *testing.T) {
	for _, test := range []struct{ name, refusal, err, poll string }{
		{"a good profile", "", "", "authorization_pending"},
		{"a client that is unknown", "invalid_client", `no codes: the device authorization response (status 401) has no device_code, error is "invalid_client"`, ""},
	} {
		g := &telling{at: &idp{meddle: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if test.refusal != "" {
				refuse(w, 401, test.refusal)
			}
			return test.refusal != ""
		}}}
		g.act = func(c *conversation) error {
			probe, err := ProbeGrant(c.ctx, c.Profile, c.Target, c.Wire)
			if (err == nil) != (test.err == "") || err != nil && err.Error() != test.err || probe.Poll.OAuthError() != test.poll {
				t.Errorf("%s: %v, %q", test.name, err, probe.Poll.OAuthError())
			}
			if want := "code " + probe.UserCode + " at http://scripted/activate, for 10m0s, to be polled every 5s"; err == nil && (probe.Summary != want || probe.UserCode == "" || probe.Poll.Sent < probe.Codes.Received) {
				t.Errorf("%s: %q, want %q", test.name, probe.Summary, want)
			}
			return nil
		}
		if g.one(t, transcript.Approval); test.err == "" && g.at.heard != 2 {
			t.Errorf("%s: %d requests", test.name, g.at.heard)
		}
	}
}

// TestFind: what an issuer says of itself is taken from the first place that has
// a document, and bounded.
func TestFind(t *testing.T) {
	many := make([]string, 3*maxFound)
	for _, test := range []struct {
		name   string
		answer func(w http.ResponseWriter, path string)
		found  string
		tried  []string
	}{
		{"at the first place", func(w http.ResponseWriter, _ string) {
			say(w, 200, map[string]any{"issuer": "i", "token_endpoint": "http://scripted/t", "scopes_supported": many, "grant_types_supported": []string{GrantType}})
		}, "http://scripted/.well-known/oauth-authorization-server", nil},
		{"at the second", func(w http.ResponseWriter, path string) {
			if strings.HasSuffix(path, "oauth-authorization-server") {
				w.WriteHeader(404)
				return
			}
			say(w, 200, map[string]any{"issuer": "i", "token_endpoint": "http://scripted/t", "scopes_supported": many, "grant_types_supported": []string{GrantType}})
		}, "http://scripted/.well-known/openid-configuration", []string{"answered 404"}},
		{"nowhere", func(w http.ResponseWriter, path string) {
			if strings.HasSuffix(path, "openid-configuration") {
				panic(http.ErrAbortHandler)
			}
			_, _ = w.Write([]byte("<html>"))
		}, "", []string{"not JSON", "reset"}},
	} {
		g := &telling{at: &idp{meddle: func(_ int, w http.ResponseWriter, r *http.Request) bool { test.answer(w, r.URL.Path); return true }}}
		g.act = func(c *conversation) error {
			f := Find(c.ctx, "http://scripted", c.Wire)
			if f.Metadata != test.found || len(f.Tried) != len(test.tried) {
				t.Errorf("%s: %q after %q", test.name, f.Metadata, f.Tried)
				return nil
			}
			for i, why := range test.tried {
				if !strings.Contains(f.Tried[i], why) && why != "reset" {
					t.Errorf("%s: %q, want %q", test.name, f.Tried[i], why)
				}
			}
			if f.Metadata != "" && (f.Issuer != "i" || f.Endpoints.Token != "http://scripted/t" || len(f.Scopes) != maxFound || len(f.GrantTypes) != 1 || f.ClientAuth != nil) {
				t.Errorf("%s: %+v", test.name, f)
			}
			return nil
		}
		g.one(t, transcript.Metadata)
	}
}

// TestTrust: an error names the key of the profile.
func TestTrust(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.pem")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		tls  profiles.TLS
		want string
	}{
		{profiles.TLS{}, ""},
		{profiles.TLS{Insecure: true}, ""},
		{profiles.TLS{CAFile: text}, "tls.ca_file " + text},
		{profiles.TLS{CAFile: filepath.Join(t.TempDir(), "gone.pem")}, "tls.ca_file: "},
	} {
		config, err := Trust(test.tls)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: %v", test.tls, err)
		}
		if err == nil && config.InsecureSkipVerify != test.tls.Insecure {
			t.Errorf("%+v: verification is %t", test.tls, !config.InsecureSkipVerify)
		}
		if err != nil {
			if _, _, err := Locate(t.Context(), &profiles.Profile{TLS: test.tls}, 0); err == nil {
				t.Error("located all the same")
			}
		}
	}
}

// TestAwait: a target that is not there is said to be so, with a hint; one that
// is still starting is waited for.
func TestAwait(t *testing.T) {
	profile := func(e profiles.Endpoints) *profiles.Profile {
		return &profiles.Profile{Discovery: "off", Endpoints: e, TLS: profiles.TLS{AllowHTTP: true},
			Expiry: &profiles.Expiry{Endpoints: profiles.Endpoints{DeviceAuthorization: "http://scripted/quick/device", Token: "http://scripted/quick/token"}}}
	}
	there := profiles.Endpoints{DeviceAuthorization: "http://scripted/device", Token: "http://scripted/token", Introspection: "http://x/i"}
	starts := 3 * time.Second
	for _, test := range []struct {
		name    string
		at      profiles.Endpoints
		answer  func(w http.ResponseWriter, r *http.Request)
		wait    time.Duration
		err     string
		failure bool
	}{
		{name: "there", at: there, answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(simulationHeader, strings.Repeat("x", 2*maxSimulation))
		}},
		{name: "silent", at: there, answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, failure: true,
			err: "http://scripted/device cannot be reached (timeout: no complete answer within the time limit)\n  hint: the server accepts connections but does not answer; limits.timeout in the profile sets the limit"},
		{name: "no endpoints", at: profiles.Endpoints{Token: there.Token}, err: "discovery found no endpoints: \n  hint: check issuer and base_url, or set endpoints.device_authorization and endpoints.token in the profile"},
		{name: "still starting", at: there, wait: 2 * starts, answer: func(http.ResponseWriter, *http.Request) {}},
	} {
		began := time.Time{}
		g := &telling{at: &idp{meddle: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if test.wait > 0 && time.Since(began) < starts {
				panic(http.ErrAbortHandler)
			}
			test.answer(w, r)
			return true
		}}}
		g.act = func(c *conversation) error {
			began = time.Now()
			target, err := Await(c.ctx, profile(test.at), c.Wire, test.wait)
			took := time.Since(began)
			known := (*TargetError)(nil)
			switch {
			case test.err != "":
				if !errors.As(err, &known) || err.Error() != test.err || (known.Failure != nil) != test.failure {
					t.Errorf("%s: %v", test.name, err)
				}
			case err != nil || target.Expiry.Token != "http://scripted/quick/token" || target.Endpoints != test.at:
				t.Errorf("%s: %+v, %v", test.name, target, err)
			case test.wait > 0 && (took < starts || took > starts+time.Second):
				t.Errorf("%s: it took %s", test.name, took)
			case test.wait == 0 && len(target.Simulation) != maxSimulation:
				t.Errorf("%s: %d characters about itself", test.name, len(target.Simulation))
			}
			return nil
		}
		g.one(t, transcript.Metadata)
	}
	if err := (&TargetError{Cause: "gone"}).Error(); err != "gone" {
		t.Error(err)
	}
}

// TestProgress: how far a run is, and what it waits for.
func TestProgress(t *testing.T) {
	g := &telling{}
	g.act = func(c *conversation) error {
		r := NewRunner(c.Environment)
		if r.Started(transcript.Denial) || len(r.Transcripts()) > 0 {
			t.Error("it has begun by itself")
		}
		if said := r.Wait(transcript.Denial); said.Aborted != "the scenario did not start" {
			t.Errorf("%q", said.Aborted)
		}
		ctx, cancel := context.WithCancel(c.ctx)
		defer cancel()
		r.Start(ctx, transcript.SteadyPolling, transcript.EarlyApproval)
		r.Start(ctx, transcript.EarlyApproval) // is left alone
		time.Sleep(time.Second)
		ended, started, waiting := r.Progress()
		if ended != 0 || started != 2 || len(waiting) != 2 {
			t.Errorf("%d of %d ended, %v", ended, started, waiting)
		}
		for _, w := range waiting {
			if w.Waiting != "the polling interval" || w.Until-c.Clock.Now() != 5*time.Second {
				t.Errorf("%+v at %s", w, c.Clock.Now())
			}
		}
		time.Sleep(6 * time.Second)
		if ended, _, _ := r.Progress(); ended != 1 || len(r.Transcripts()) != 1 {
			t.Errorf("%d ended", ended)
		}
		r.Wait(transcript.SteadyPolling)
		if all := r.Transcripts(); len(all) != 2 || all[0].Scenario != transcript.EarlyApproval || !r.Started(transcript.SteadyPolling) {
			t.Errorf("%d transcripts", len(all))
		}
		return nil
	}
	g.one(t, transcript.Approval)
	defer func() {
		if recover() == nil {
			t.Error("a name that is unknown was started")
		}
	}()
	NewRunner(&Environment{Profile: &profiles.Profile{}, Clock: NewClock(0)}).Start(t.Context(), "no such scenario")
}

// TestBroken: a fault of ours is told as one, and ends nothing else.
func TestBroken(t *testing.T) {
	r := NewRunner(&Environment{Profile: &profiles.Profile{}, Clock: NewClock(1)})
	said := r.tell(t.Context(), Scenario{Name: "ours", run: func(*conversation) error { panic("a slip") }}, func() {}, nil)
	if !strings.HasPrefix(said.Broken, "panic: a slip\n") || !strings.Contains(said.Broken, "outside_test.go") {
		t.Error(said.Broken)
	}
}

// TestCatalogue: every scenario has a name of its own and a line about it, and
// the list that is given away is a copy.
func TestCatalogue(t *testing.T) {
	names := map[string]bool{}
	for _, s := range All() {
		if names[s.Name] || s.About == "" || s.run == nil || s.Login && !s.Browser {
			t.Errorf("%+v", s)
		}
		names[s.Name] = true
		if found, ok := ByName(s.Name); !ok || found.Name != s.Name {
			t.Errorf("%s is not found", s.Name)
		}
	}
	All()[0].Name = "changed"
	if _, ok := ByName("changed"); ok {
		t.Error("the catalogue can be changed from outside")
	}
}
