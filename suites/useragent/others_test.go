package useragent_test

import (
	"bytes"
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
	"github.com/devicegrant/devicegrant/suites/useragent"
)

func writePEM(file string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

func journey(t *testing.T, d useragent.Driver, task useragent.Task) transcript.Journey {
	t.Helper()
	u, err := d.NewAgent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	return u.Journey(t.Context(), task)
}

func TestHookCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "said")
	h := &profiles.Hook{Command: []string{"/bin/sh", "-c", `printf '%s|' "$@" >` + out, "sh", "{user_code}", "{username}", "{decision}"}}
	d, err := useragent.New("hook", useragent.Options{Verification: profiles.Verification{Hook: h}})
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
	if d, err = useragent.New("hook", useragent.Options{Verification: profiles.Verification{Hook: h}}); err != nil {
		t.Fatal(err)
	}
	check(t, journey(t, d, task), transcript.Unfinished)
	task.Goal = transcript.Look
	if j := journey(t, d, task); j.Trouble == nil || j.Trouble.Class != transcript.Unsupported {
		t.Errorf("%+v", j.Trouble)
	}
}

// TestNoPauseWithoutAPage: a person at the terminal cannot be held before the decision.
func TestNoPauseWithoutAPage(t *testing.T) {
	d, err := useragent.New("manual", useragent.Options{In: strings.NewReader("\n"), Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	task := errand("https://idp.test/")
	task.AtDecision = func(context.Context) error { t.Error("called"); return nil }
	if j := journey(t, d, task); j.Outcome != transcript.Unfinished || j.Decided || j.Trouble == nil || j.Trouble.Class != transcript.Unsupported {
		t.Errorf("%s, %+v", j.Outcome, j.Trouble)
	}
}

// TestHookPauses: what waits for the decision happens right before the hook.
func TestHookPauses(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	d, err := useragent.New("hook", useragent.Options{Verification: profiles.Verification{Hook: &profiles.Hook{Command: []string{"/bin/mkdir", mark}}}})
	if err != nil {
		t.Fatal(err)
	}
	task := errand("https://idp.test/")
	task.AtDecision = func(context.Context) error {
		if _, err := os.Stat(mark); err == nil {
			t.Error("the hook ran before")
		}
		return nil
	}
	task.AtRequest = func() { _ = task.AtDecision(t.Context()) }
	check(t, journey(t, d, task), transcript.Approved)
	task.AtDecision = func(context.Context) error { return errors.New("not now") }
	if j := journey(t, d, task); j.Outcome != transcript.Unfinished || j.Decided || len(j.Steps) > 0 {
		t.Errorf("%+v", j)
	}
}

// TestHookRefusals: a hook tells what the server refused, in the statuses of the
// README; any other is a failure of the hook.
func TestHookRefusals(t *testing.T) {
	for status, want := range map[int]transcript.Outcome{0: transcript.Approved, 117: transcript.CodeRejected, 118: transcript.LoginFailed, 1: transcript.Unfinished, 127: transcript.Unfinished} {
		h := profiles.Hook{Command: []string{"/bin/sh", "-c", fmt.Sprintf("echo no such code; exit %d", status)}}
		refusedBy(t, h, want)
	}
	for status, want := range map[int]transcript.Outcome{204: transcript.Approved, 477: transcript.CodeRejected, 478: transcript.LoginFailed, 404: transcript.Unfinished, 401: transcript.Unfinished} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "no such code")
		}))
		refusedBy(t, profiles.Hook{URL: s.URL}, want)
		s.Close()
	}
}

func refusedBy(t *testing.T, h profiles.Hook, want transcript.Outcome) {
	t.Helper()
	d, err := useragent.New("hook", useragent.Options{Verification: profiles.Verification{Hook: &h}})
	if err != nil {
		t.Fatal(err)
	}
	j := journey(t, d, errand("https://idp.test/"))
	check(t, j, want)
	refused := want == transcript.CodeRejected || want == transcript.LoginFailed
	if refused && (j.Decided || j.Trouble != nil || j.Steps[0].Alert != "no such code") {
		t.Errorf("%v: %+v", h, j)
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
	d, err := useragent.New("hook", useragent.Options{Verification: profiles.Verification{Hook: &profiles.Hook{
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
		d, err := useragent.New("manual", useragent.Options{In: strings.NewReader(answer), Out: &out})
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
	d, err := useragent.New("manual", useragent.Options{In: silent, Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	task := errand("https://idp.test/device")
	task.Deadline = time.Now().Add(10 * time.Millisecond)
	if j := journey(t, d, task); j.Trouble == nil || j.Trouble.Class != transcript.JourneyTimeout {
		t.Errorf("%+v", j.Trouble)
	}
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
		d, err := useragent.New("hook", useragent.Options{Verification: profiles.Verification{Hook: &test.hook}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.NewAgent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		j := s.Journey(t.Context(), useragent.Task{Goal: transcript.Deny, Start: "https://idp.test/", UserCode: test.code})
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
	d, err := useragent.New("forms", useragent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s, err := d.NewAgent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for goal, want := range map[transcript.Goal]transcript.Outcome{
		transcript.Approve:       transcript.Unfinished,
		transcript.ReachDecision: transcript.CodeRejected,
	} {
		j := s.Journey(t.Context(), useragent.Task{Goal: goal, Start: server.URL, UserCode: "ABCD-EFGH", TypeCode: true, Account: &useragent.Account{Username: "u", Password: "p"}})
		if j.Outcome != want {
			t.Errorf("%s: %s, want %s (%v)", goal, j.Outcome, want, j.Trouble)
		}
	}
}
