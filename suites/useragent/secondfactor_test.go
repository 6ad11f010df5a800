package useragent_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles/totp"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// factorSite asks for the user code, the password, a one-time code and the decision.
type factorSite struct {
	*httptest.Server
	key totp.Key
	// ahead is how many time steps its clock is ahead; it takes no other step.
	ahead int64

	mu       sync.Mutex
	taken    []string
	tries    int
	decision string
}

func serveFactor(t *testing.T, key string, ahead int64) *factorSite {
	t.Helper()
	k, err := totp.Parse(key)
	if err != nil {
		t.Fatal(err)
	}
	s := &factorSite{key: k, ahead: ahead}
	const second = `<title>Sign in</title><h1>Two-step verification</h1>%s<form method=post action=/second><label>Code <input name=code autocomplete=one-time-code></label><label><input type=checkbox name=trust>Trust this browser</label><button>Verify</button></form>`
	pages := map[string]string{
		"/":       `<title>Device</title><form method=post action=/login><label>Enter the code shown on your device <input name=code autocomplete=one-time-code></label><button>Next</button></form>`,
		"/login":  `<title>Sign in</title><form method=post action=/factor><input name=username><input type=password name=password><button>Sign in</button></form>`,
		"/factor": fmt.Sprintf(second, ""),
		"/ask":    `<title>Television</title><p>It wants access to your account.</p><form method=post action=/end><button name=d value=allow>Allow</button><button name=d value=deny>Deny</button></form>`,
		"/end":    `<title>Television</title><p>You may close this window.</p>`,
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		page := pages[r.URL.Path]
		switch r.URL.Path {
		case "/second":
			s.tries++
			right, _ := s.key.Code(s.key.Step(time.Now()) + s.ahead)
			switch code := r.FormValue("code"); {
			case r.FormValue("trust") != "" || code != right || slices.Contains(s.taken, code):
				page = fmt.Sprintf(second, "<p role=alert>That code is wrong: "+code+"</p>")
			default:
				s.taken = append(s.taken, code)
				page = pages["/ask"]
			}
		case "/end":
			s.decision = r.FormValue("d")
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html>"+page)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *factorSite) visit(t *testing.T, kind, key string) transcript.Journey {
	t.Helper()
	return open(t, kind, "always").Journey(t.Context(), useragent.Task{Name: "test", Goal: transcript.Approve, Start: s.URL + "/", UserCode: "ABCD-EFGH", TypeCode: true,
		Account: &useragent.Account{Username: fixtureUser, Password: fixturePassword, TOTP: key}})
}

// factorKey is another account's for each test: codes are used once in a process.
func factorKey(n int, period string) string {
	return fmt.Sprintf("otpauth://totp/a?period=%s&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQO%c%c", period, 'A'+n, 'A')
}

// TestSecondFactor: each login types a code of its own, which no journey keeps, and
// trusts no browser.
func TestSecondFactor(t *testing.T) {
	for n, kind := range []string{"forms", "browser"} {
		t.Run(kind, func(t *testing.T) {
			key := factorKey(n, "4")
			s := serveFactor(t, key, 0)
			for range 2 {
				j := s.visit(t, kind, key)
				check(t, j, transcript.Approved)
				raw, _ := json.Marshal(j)
				for _, code := range s.taken {
					if strings.Contains(string(raw), code) {
						t.Errorf("the journey holds the code: %s", raw)
					}
				}
			}
			if len(s.taken) != 2 || s.decision != "allow" {
				t.Errorf("%d codes were taken, decision %q", len(s.taken), s.decision)
			}
		})
	}
}

// TestSecondFactorSkew: a server whose clock is one step off takes the second code.
func TestSecondFactorSkew(t *testing.T) {
	key := factorKey(2, "30")
	s := serveFactor(t, key, 1)
	check(t, s.visit(t, "forms", key), transcript.Approved)
	if s.tries > 2 {
		t.Errorf("%d codes", s.tries)
	}
}

// TestSecondFactorRefused: two codes at most, and what to check.
func TestSecondFactorRefused(t *testing.T) {
	key := factorKey(3, "30")
	s := serveFactor(t, key, 9)
	j := s.visit(t, "forms", key)
	check(t, j, transcript.LoginFailed)
	if s.tries != 2 || j.Trouble == nil || !strings.Contains(j.Trouble.Hint, "clock") {
		t.Errorf("%d codes, %+v", s.tries, j.Trouble)
	}
}

// TestNoSecondFactor: without the key, the hint says where it goes.
func TestNoSecondFactor(t *testing.T) {
	s := serveFactor(t, factorKey(4, "30"), 0)
	j := s.visit(t, "forms", "")
	check(t, j, transcript.Unfinished)
	if s.tries != 0 || j.Trouble == nil || !strings.Contains(j.Trouble.Hint, "users.first.totp") {
		t.Errorf("%d codes, %+v", s.tries, j.Trouble)
	}
}

// TestSentCode: a code that comes by message is none of the app's.
func TestSentCode(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>Two-step verification</title><p>We sent a message to +1 *** 17.</p><form method=post><label>Code <input name=otp></label><button>Verify</button></form>`)
	}))
	defer s.Close()
	j := (&factorSite{Server: s}).visit(t, "forms", factorKey(5, "30"))
	check(t, j, transcript.Unfinished)
	if len(j.Steps) != 1 || !strings.Contains(j.Trouble.Cause, "sent") {
		t.Errorf("%d pages, %+v", len(j.Steps), j.Trouble)
	}
}
