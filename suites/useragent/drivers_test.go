package useragent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
)

// The drivers are shared by all tests: one browser serves them all.
var shared struct {
	sync.Mutex
	drivers map[string]useragent.Driver
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, d := range shared.drivers {
		_ = d.Close()
	}
	os.Exit(code)
}

// newDriver makes a driver of any kind.
func newDriver(kind string, o useragent.Options) (useragent.Driver, error) {
	if kind == "browser" {
		return chromium.New(o)
	}
	return useragent.New(kind, o)
}

// notInCheck skips what make check has no time for.
func notInCheck(t *testing.T, kind string) {
	t.Helper()
	if testing.Short() && kind == "browser" {
		t.Skip("not in make check: it starts a browser")
	}
}

// drive gives a driver for a consent setting, and skips without a browser.
func drive(t *testing.T, kind string, v profiles.Verification) useragent.Driver {
	t.Helper()
	notInCheck(t, kind)
	shared.Lock()
	defer shared.Unlock()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	key := kind
	if kind != "browser" {
		key += string(raw)
	}
	d := shared.drivers[key]
	if d == nil {
		if d, err = newDriver(kind, useragent.Options{Verification: v}); err != nil {
			if _, none := err.(*chromium.NotFoundError); none {
				t.Skip("skipped: ", err)
			}
			t.Fatal(err)
		}
		if shared.drivers == nil {
			shared.drivers = map[string]useragent.Driver{}
		}
		shared.drivers[key] = d
	}
	return d
}

func open(t *testing.T, kind, consent string) useragent.Agent {
	t.Helper()
	// The browser is shared, whatever the consent: it is a matter of the agent.
	d := drive(t, kind, profiles.Verification{Consent: consent})
	s, err := d.NewAgent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.(interface{ SetConsent(string) }).SetConsent(consent)
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *server) task(goal transcript.Goal, code string) useragent.Task {
	return useragent.Task{Name: "test", Goal: goal, Start: s.URL + "/start", UserCode: code, TypeCode: true,
		Account: &useragent.Account{Username: fixtureUser, Password: fixturePassword}}
}

// check fails with the whole journey when the outcome is another.
func check(t *testing.T, j transcript.Journey, want transcript.Outcome) {
	t.Helper()
	raw, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), fixturePassword) || j.Trouble != nil && strings.Contains(j.Trouble.Error(), fixturePassword) {
		t.Errorf("the journey holds the password: %s", raw)
	}
	if j.Outcome != want {
		t.Errorf("outcome %q, want %q: %s", j.Outcome, want, raw)
		if j.Trouble != nil {
			t.Log(j.Trouble.Error())
		}
	}
}

// eachDialect runs a test on every dialect that a driver can do.
func eachDialect(t *testing.T, test func(t *testing.T, kind string, s *server)) {
	for _, kind := range []string{"forms", "browser"} {
		for _, d := range dialects() {
			if d.scripted && kind == "forms" {
				continue
			}
			t.Run(kind+"/"+d.name, func(t *testing.T) {
				t.Parallel()
				test(t, kind, serve(t, d))
			})
		}
	}
}

// lookOn has the owner of a task look on at the decision: the page that asks is
// there and nothing is decided yet, also when the decision leaves, and the journey
// goes on when the call returns, however long that took. It returns what to ask after the journey.
func (s *server) lookOn(t *testing.T, task *useragent.Task) (after func()) {
	t.Helper()
	code, calls, requests := task.UserCode, 0, 0
	task.AtDecision = func(context.Context) error {
		if calls++; s.decision(code) != "" {
			t.Errorf("%s: at the decision the server says %q already", task.Goal, s.decision(code))
		}
		return nil
	}
	task.AtRequest = func() {
		if requests++; calls != 1 || s.decision(code) != "" {
			t.Errorf("%s: when the decision leaves, after %d calls before, the server says %q already", task.Goal, calls, s.decision(code))
		}
	}
	return func() {
		t.Helper()
		want := 1
		if s.noDeny {
			want = 0 // this dialect never asks
		}
		if calls != want || requests != want {
			t.Errorf("%s: called %d times at the decision and %d times when it left, want %d", task.Goal, calls, requests, want)
		}
	}
}

func TestApprove(t *testing.T) {
	eachDialect(t, func(t *testing.T, kind string, s *server) {
		u := open(t, kind, "always")
		for i := range 2 { // the second time the person is logged in already
			code := s.issue()
			task := s.task(transcript.Approve, strings.ToLower(code))
			after := func() {}
			if i == 0 {
				after = s.lookOn(t, &task)
			}
			j := u.Journey(t.Context(), task)
			check(t, j, transcript.Approved)
			after()
			if got := s.decision(code); got != "approved" {
				t.Errorf("the server says %q", got)
			}
			if !j.CodeTyped || j.Decided == s.noDeny {
				t.Errorf("code typed %t, decided %t", j.CodeTyped, j.Decided)
			}
		}
	})
}

func TestDeny(t *testing.T) {
	eachDialect(t, func(t *testing.T, kind string, s *server) {
		consent, want, decision := "always", transcript.Denied, "denied"
		if s.noDeny {
			consent, want, decision = "unknown", transcript.NoWayToDeny, ""
		}
		code := s.issue()
		task := s.task(transcript.Deny, code)
		after := s.lookOn(t, &task)
		j := open(t, kind, consent).Journey(t.Context(), task)
		check(t, j, want)
		after()
		if got := s.decision(code); got != decision {
			t.Errorf("the server says %q, want %q", got, decision)
		}
		if j.DenyOffered == s.noDeny {
			t.Errorf("deny offered: %t", j.DenyOffered)
		}
	})
}

func TestWrongCode(t *testing.T) {
	eachDialect(t, func(t *testing.T, kind string, s *server) {
		j := open(t, kind, "always").Journey(t.Context(), s.task(transcript.ReachDecision, "WRNG-CODE"))
		check(t, j, transcript.CodeRejected)
	})
}

func TestFailedLogin(t *testing.T) {
	eachDialect(t, func(t *testing.T, kind string, s *server) {
		task := s.task(transcript.Approve, s.issue())
		task.Account = &useragent.Account{Username: fixtureUser, Password: "not the password"}
		j := open(t, kind, "always").Journey(t.Context(), task)
		check(t, j, transcript.LoginFailed)
		if j.LoggedIn {
			t.Error("logged in")
		}
	})
}

func TestReachDecision(t *testing.T) {
	eachDialect(t, func(t *testing.T, kind string, s *server) {
		if s.noDeny {
			t.Skip("this dialect never asks")
		}
		code := s.issue()
		j := open(t, kind, "always").Journey(t.Context(), s.task(transcript.ReachDecision, code))
		check(t, j, transcript.AtDecision)
		if got := s.decision(code); got != "" || j.Decided {
			t.Errorf("the server says %q, decided %t", got, j.Decided)
		}
	})
}

// pipes accepts connections of net.Pipe, which virtual time can see.
type pipes chan net.Conn

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestAtDecisionDoesNotCount: what the owner of the task does at the decision
// takes nothing from the journey's time.
func TestAtDecisionDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(dialects()[0])
		s.Server = &httptest.Server{URL: "http://idp.test"}
		listener := make(pipes)
		serving := &http.Server{Handler: s}
		go serving.Serve(listener)
		defer serving.Close()
		d, err := useragent.New("forms", useragent.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		defer d.(*useragent.Forms).Dial(listener.dial)()
		u, err := d.NewAgent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		task := s.task(transcript.Approve, s.issue())
		task.AtDecision = func(context.Context) error { time.Sleep(2 * u.(*useragent.TabAgent).Limits().Journey); return nil }
		check(t, u.Journey(t.Context(), task), transcript.Approved)
	})
}

func TestAtDecisionEndsTheJourney(t *testing.T) {
	each(t, "plain", func(t *testing.T, kind string, s *server) {
		code := s.issue()
		task := s.task(transcript.Approve, code)
		task.AtDecision = func(context.Context) error { return errors.New("the other one came first") }
		j := open(t, kind, "always").Journey(t.Context(), task)
		check(t, j, transcript.Unfinished)
		if j.Decided || s.decision(code) != "" || j.Trouble == nil || j.Trouble.Cause != "the other one came first" {
			t.Errorf("decided %t, the server says %q, trouble %+v", j.Decided, s.decision(code), j.Trouble)
		}
	})
}

// TestWithoutSession: the fixture forgets who the visitor was with the cookie,
// and begins anew.
func TestWithoutSession(t *testing.T) {
	eachDialect(t, func(t *testing.T, kind string, s *server) {
		if s.noDeny {
			t.Skip("this dialect never asks")
		}
		code := s.issue()
		j := open(t, kind, "always").Journey(t.Context(), s.task(transcript.ApproveWithoutSession, code))
		want := transcript.AtCode
		if s.order[0] == "login" {
			want = transcript.AtLogin
		}
		if j.Outcome == transcript.CodeRejected {
			want = j.Outcome // the page came back with an error
		}
		check(t, j, want)
		if got := s.decision(code); got != "" || !j.Decided {
			t.Errorf("the server says %q, decided %t", got, j.Decided)
		}
	})
}

// each runs a test with both drivers on the plain dialect.
func each(t *testing.T, name string, test func(t *testing.T, kind string, s *server)) {
	for _, kind := range []string{"forms", "browser"} {
		for _, d := range dialects() {
			if d.name == name {
				t.Run(kind, func(t *testing.T) {
					t.Parallel()
					test(t, kind, serve(t, d))
				})
			}
		}
	}
}

func TestWithoutAccount(t *testing.T) {
	each(t, "plain", func(t *testing.T, kind string, s *server) {
		task := s.task(transcript.Approve, s.issue())
		task.Account = nil
		check(t, open(t, kind, "always").Journey(t.Context(), task), transcript.AtLogin)
	})
}

func TestCodeNotToBeTyped(t *testing.T) {
	each(t, "plain", func(t *testing.T, kind string, s *server) {
		task := s.task(transcript.Approve, s.issue())
		task.TypeCode = false
		check(t, open(t, kind, "always").Journey(t.Context(), task), transcript.AtCode)
	})
}

func TestCompleteURI(t *testing.T) {
	each(t, "confirm", func(t *testing.T, kind string, s *server) {
		code := s.issue()
		task := s.task(transcript.Approve, code)
		task.Start += "?user_code=" + code
		task.TypeCode = false
		j := open(t, kind, "always").Journey(t.Context(), task)
		check(t, j, transcript.Approved)
		if j.CodeTyped || !j.DenyOffered || s.decision(code) != "approved" {
			t.Errorf("code typed %t, deny offered %t, the server says %q", j.CodeTyped, j.DenyOffered, s.decision(code))
		}
	})
}

func TestLook(t *testing.T) {
	each(t, "confirm", func(t *testing.T, kind string, s *server) {
		code := s.issue()
		task := s.task(transcript.Look, code)
		task.Start += "?user_code=" + code
		task.Dwell = 50 * time.Millisecond
		j := open(t, kind, "always").Journey(t.Context(), task)
		check(t, j, transcript.Looked)
		if len(j.Steps) != 3 {
			t.Fatalf("%d steps, want the page, HEAD and the prefetch", len(j.Steps))
		}
		for _, step := range j.Steps {
			if step.Status != 200 {
				t.Errorf("%s: HTTP %d %s", step.Action, step.Status, step.Reason)
			}
		}
		if s.posts != 0 || s.strangers != 1 {
			t.Errorf("%d forms were sent, %d requests had no cookie; want 0, and the first", s.posts, s.strangers)
		}
		if !slices.Contains(s.probes, "prefetch") {
			t.Error("no request said that it is a prefetch")
		}
	})
}

// TestHostileCodes: whatever is typed must reach the server or be held back by
// the page, and must not be mistaken for trouble.
func TestHostileCodes(t *testing.T) {
	each(t, "plain", func(t *testing.T, kind string, s *server) {
		u := open(t, kind, "always")
		for _, code := range []string{"", "X", strings.Repeat("A", 500), "A\x00B", "😀😀😀😀-😀😀😀😀", "ＡＢＣＤ-ＥＦＧＨ", `' OR '1'='1'--*)(uid=*`} {
			check(t, u.Journey(t.Context(), s.task(transcript.ReachDecision, code)), transcript.CodeRejected)
		}
	})
}

func TestInputBlocked(t *testing.T) {
	for name, field := range map[string]string{
		"required": `<input name=user_code required>`,
		"pattern":  `<input name=user_code pattern="[A-Z]{4}-[A-Z]{4}">`,
	} {
		for _, kind := range []string{"forms", "browser"} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				d := dialects()[0]
				d.pages = with(map[string]string{"code": `<p>Enter the code</p>` + form(field+`<button>Go</button>`)})
				s := serve(t, d)
				code := map[string]string{"required": "", "pattern": "?"}[name]
				check(t, open(t, kind, "always").Journey(t.Context(), s.task(transcript.ReachDecision, code)), transcript.InputBlocked)
				if s.posts != 0 {
					t.Errorf("%d forms were sent", s.posts)
				}
			})
		}
	}
}

// TestNeverAsks: on a server that never asks, a login after the code approves.
func TestNeverAsks(t *testing.T) {
	each(t, "never asks", func(t *testing.T, kind string, s *server) {
		for _, consent := range []string{"", "unknown", "never", "first-time"} {
			code := s.issue()
			u := open(t, kind, consent)
			j := u.Journey(t.Context(), s.task(transcript.Deny, code))
			u.Close()
			check(t, j, transcript.NoWayToDeny)
			if s.decision(code) != "" {
				t.Errorf("consent %q: the server says %q", consent, s.decision(code))
			}
			if j.Trouble == nil || !strings.Contains(j.Trouble.Hint, "consent: always") {
				t.Errorf("no hint: %+v", j.Trouble)
			}
		}
	})
}

func TestScriptedPagesNeedABrowser(t *testing.T) {
	for _, d := range dialects() {
		if !d.scripted || d.name == "iframe" {
			continue
		}
		s := serve(t, d)
		j := open(t, "forms", "always").Journey(t.Context(), s.task(transcript.Approve, s.issue()))
		check(t, j, transcript.Unfinished)
		if j.Trouble == nil || j.Trouble.Class != transcript.NeedsScript {
			t.Errorf("%s: %+v", d.name, j.Trouble)
		}
	}
}

func TestUnreachable(t *testing.T) {
	for _, kind := range []string{"forms", "browser"} {
		t.Run(kind, func(t *testing.T) {
			s := serve(t, dialects()[0])
			u := open(t, kind, "always")
			for _, start := range []string{"file:///etc/passwd", "http://127.0.0.1:9/", "not a url"} {
				task := s.task(transcript.Approve, "X")
				task.Start = start
				j := u.Journey(t.Context(), task)
				check(t, j, transcript.Unfinished)
				if j.Trouble == nil || j.Trouble.Class != transcript.Unreachable {
					t.Errorf("%s: %+v", start, j.Trouble)
				}
			}
		})
	}
}

func TestCanceled(t *testing.T) {
	each(t, "plain", func(t *testing.T, kind string, s *server) {
		ctx, cancel := context.WithCancel(t.Context())
		u := open(t, kind, "always")
		cancel()
		j := u.Journey(ctx, s.task(transcript.Approve, s.issue()))
		check(t, j, transcript.Unfinished)
		if j.Trouble == nil || j.Trouble.Class != transcript.JourneyCanceled {
			t.Errorf("%+v", j.Trouble)
		}
	})
}

// TestClear: a person can refuse one thing and approve the rest.
func TestClear(t *testing.T) {
	for _, kind := range []string{"forms", "browser"} {
		t.Run(kind, func(t *testing.T) {
			var granted []string
			page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				if r.Method == http.MethodPost {
					_ = r.ParseForm()
					granted = r.Form["scope"]
					fmt.Fprint(w, `<title>Device</title><p>Success! You may close this window.</p>`)
					return
				}
				fmt.Fprint(w, `<title>Allow access?</title><p>The television wants access to your account.</p><form method=post>
					<label><input type=checkbox name=scope value=read checked> read</label>
					<label><input type=checkbox name=scope value=write> write</label>
					<label><input type=checkbox name=scope value=email> email</label>
					<button>Allow</button></form>`)
			}))
			defer page.Close()
			for box, want := range map[string][]string{"write": {"read", "email"}, "read": {"write", "email"}, "nothing": {"read", "write", "email"}} {
				u := open(t, kind, "always")
				j := u.Journey(t.Context(), useragent.Task{Name: "clear", Goal: transcript.Approve, Start: page.URL, Clear: &profiles.Locator{Label: box}})
				check(t, j, transcript.Approved)
				if j.Cleared != (box != "nothing") || !slices.Equal(granted, want) {
					t.Errorf("without %s: granted %v, want %v; cleared: %t", box, granted, want, j.Cleared)
				}
			}
		})
	}
}
