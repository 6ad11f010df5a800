package useragent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

func writePEM(file string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

func journey(t *testing.T, d Driver, task Task) transcript.Journey {
	t.Helper()
	u, err := d.NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	return u.Journey(t.Context(), task)
}

func TestHookCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "said")
	h := &profiles.Hook{Command: []string{"/bin/sh", "-c", `printf '%s|' "$@" >` + out, "sh", "{user_code}", "{username}", "{decision}"}}
	d, err := New("hook", Options{Verification: profiles.Verification{Hook: h}})
	if err != nil {
		t.Fatal(err)
	}
	task := errand("https://idp.test/")
	task.UserCode = "$(id); A B"
	task.Goal = transcript.Deny
	check(t, journey(t, d, task), transcript.Denied)
	if raw, _ := os.ReadFile(out); string(raw) != "$(id); A B|alice|deny|" {
		t.Errorf("the command saw %q", raw)
	}
	h.Command = []string{"/bin/false"}
	if d, err = New("hook", Options{Verification: profiles.Verification{Hook: h}}); err != nil {
		t.Fatal(err)
	}
	check(t, journey(t, d, task), transcript.Unfinished)
	task.Goal = transcript.Look
	if j := journey(t, d, task); j.Trouble == nil || j.Trouble.Class != transcript.Unsupported {
		t.Errorf("%+v", j.Trouble)
	}
}

// TestNoPauseWithoutAPage: these drivers see no decision page to pause at.
func TestNoPauseWithoutAPage(t *testing.T) {
	for kind, o := range map[string]Options{
		"hook":   {Verification: profiles.Verification{Hook: &profiles.Hook{Command: []string{"/bin/false"}}}},
		"manual": {In: strings.NewReader("\n"), Out: io.Discard},
	} {
		d, err := New(kind, o)
		if err != nil {
			t.Fatal(err)
		}
		task := errand("https://idp.test/")
		task.AtDecision = func(context.Context) error { t.Errorf("%s: called", kind); return nil }
		if j := journey(t, d, task); j.Outcome != transcript.Unfinished || j.Decided || j.Trouble == nil || j.Trouble.Class != transcript.Unsupported {
			t.Errorf("%s: %s, %+v", kind, j.Outcome, j.Trouble)
		}
	}
}

func TestHookURL(t *testing.T) {
	var got string
	status := http.StatusNoContent
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Who") + " " + string(raw)
		w.WriteHeader(status)
	}))
	defer s.Close()
	d, err := New("hook", Options{Verification: profiles.Verification{Hook: &profiles.Hook{
		URL: s.URL + "/{decision}", Headers: map[string]profiles.Secret{"X-Who": profiles.NewSecret("{username}")}, Body: `{"code":"{user_code}"}`}}})
	if err != nil {
		t.Fatal(err)
	}
	check(t, journey(t, d, errand("https://idp.test/")), transcript.Approved)
	if want := `POST /approve alice {"code":"ABCD-EFGH"}`; got != want {
		t.Errorf("the hook saw %q, want %q", got, want)
	}
	status = http.StatusTeapot
	check(t, journey(t, d, errand("https://idp.test/")), transcript.Unfinished)
}

func TestManual(t *testing.T) {
	for answer, want := range map[string]transcript.Outcome{"\n": transcript.Approved, "x\n": transcript.Unfinished, "": transcript.Unfinished} {
		var out bytes.Buffer
		d, err := New("manual", Options{In: strings.NewReader(answer), Out: &out})
		if err != nil {
			t.Fatal(err)
		}
		task := errand("https://idp.test/device")
		task.Deadline = time.Now().Add(time.Hour)
		task.Complete = "https://idp.test/device?user_code=ABCD-EFGH"
		check(t, journey(t, d, task), want)
		for _, shown := range []string{"https://idp.test/device", "ABCD-EFGH", "APPROVE", "█", "left", fixtureUser} {
			if !strings.Contains(out.String(), shown) {
				t.Errorf("%q is not shown:\n%s", shown, out.String())
			}
		}
		if strings.Contains(out.String(), fixturePassword) {
			t.Error("the password is shown")
		}
	}
}

func TestManualEnds(t *testing.T) {
	silent, _ := io.Pipe()
	d, err := New("manual", Options{In: silent, Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	task := errand("https://idp.test/device")
	task.Deadline = time.Now().Add(10 * time.Millisecond)
	if j := journey(t, d, task); j.Trouble == nil || j.Trouble.Class != transcript.JourneyTimeout {
		t.Errorf("%+v", j.Trouble)
	}
}

func TestFindBrowser(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	for _, c := range []struct {
		flag string
		env  func(string) string
		path string
	}{
		{"ws://box:9222", env("DEVICEGRANT_BROWSER", "/bin/sh"), "ws://box:9222"},
		{"", env("DEVICEGRANT_BROWSER", "/bin/sh", "CHROME_PATH", "/bin/cat"), "/bin/sh"},
		{"", env("CHROME_BIN", "/bin/cat"), "/bin/cat"},
	} {
		if got, err := FindBrowser(c.flag, c.env); err != nil || got.Path != c.path {
			t.Errorf("found %+v, %v; want %s", got, err, c.path)
		}
	}
	t.Setenv("PATH", "")
	for _, flag := range []string{"/no/such/browser", ""} {
		b, err := FindBrowser(flag, env())
		if err == nil {
			t.Logf("found %+v outside of PATH", b)
			continue
		}
		said := err.Error()
		if !strings.Contains(said, cmp.Or(flag, "google-chrome")) {
			t.Errorf("what was tried is not in: %v", err)
		}
		var none *NoBrowserError
		if !errors.As(err, &none) {
			t.Fatalf("%T", err)
		}
		for _, part := range []string{"DEVICEGRANT_BROWSER", "chromium-headless-shell", "--browser none", "container"} {
			if !strings.Contains(none.Advice(), part) {
				t.Errorf("%q is not in: %s", part, none.Advice())
			}
		}
	}
}

// TestNoBrowser: a program that is no browser is reported as such.
func TestNoBrowser(t *testing.T) {
	d, err := New("browser", Options{Browser: "/bin/false", TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	j := journey(t, d, errand("http://127.0.0.1:9/"))
	if j.Trouble == nil || j.Trouble.Class != transcript.BrowserLost || !strings.Contains(j.Trouble.Cause, "/bin/false") {
		t.Errorf("%+v", j.Trouble)
	}
}

// TestNoSandbox: a browser that a container refuses its sandbox comes with what
// helps, in the first line.
func TestNoSandbox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chromium")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho 'ERROR: No usable sandbox! If this is' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := New("browser", Options{Browser: path, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	j := journey(t, d, errand("http://127.0.0.1:9/"))
	if j.Trouble == nil || !strings.Contains(j.Trouble.Cause, "--no-sandbox") || strings.Contains(j.Trouble.Cause, "\n") {
		t.Errorf("%+v", j.Trouble)
	}
}

func TestVersion(t *testing.T) {
	notInCheck(t, "browser")
	b, err := FindBrowser("", os.Getenv)
	if err != nil {
		t.Skip("skipped: ", err)
	}
	version, took, err := b.Version(t.Context())
	if err != nil || version == "" {
		t.Fatalf("%q, %v", version, err)
	}
	t.Logf("%s at %s, %s to start", version, b.Path, took)
}

// TestHookRefusesWhatCouldChangeItsMeaning: the user code comes from the
// target, and must not become an option or rewrite a decision.
func TestHookRefusesWhatCouldChangeItsMeaning(t *testing.T) {
	for name, test := range map[string]struct {
		hook profiles.Hook
		code string
	}{
		"an option": {profiles.Hook{Command: []string{"/bin/true", "{user_code}"}}, "--approve-all"},
		"JSON":      {profiles.Hook{URL: "http://127.0.0.1:1/", Body: `{"code":"{user_code}"}`}, `X","decision":"approve`},
		"a path":    {profiles.Hook{URL: "http://127.0.0.1:1/{user_code}"}, "a b"},
	} {
		d, err := New("hook", Options{Verification: profiles.Verification{Hook: &test.hook}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.NewSession(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		j := s.Journey(t.Context(), Task{Goal: transcript.Deny, Start: "https://idp.test/", UserCode: test.code})
		if j.Outcome != transcript.Unfinished || j.Trouble == nil || j.Trouble.Class != transcript.Unsupported {
			t.Errorf("%s: %s, %v", name, j.Outcome, j.Trouble)
		}
		d.Close()
	}
}

// TestACodePageThatComesBackSilentlyIsNoRefusal: a page may reload itself
// before anything was sent.
func TestACodePageThatComesBackSilentlyIsNoRefusal(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<title>Device</title><form method="post"><label>Code <input name="user_code"></label><button>Continue</button></form>`)
	}))
	defer server.Close()
	d, err := New("forms", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s, err := d.NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for goal, want := range map[transcript.Goal]transcript.Outcome{
		transcript.Approve:       transcript.Unfinished,
		transcript.ReachDecision: transcript.CodeRejected,
	} {
		j := s.Journey(t.Context(), Task{Goal: goal, Start: server.URL, UserCode: "ABCD-EFGH", TypeCode: true, Account: &Account{Username: "u", Password: "p"}})
		if j.Outcome != want {
			t.Errorf("%s: %s, want %s (%v)", goal, j.Outcome, want, j.Trouble)
		}
	}
}
