package useragent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// TestUnmarkedErrors: the page's own words about a wrong code are kept, although no
// role or class marks them; words that nobody knows are no refusal, and are quoted.
func TestUnmarkedErrors(t *testing.T) {
	for _, c := range []struct {
		bad  string
		want transcript.Outcome
	}{
		{`<p>This code has already been used.</p>`, transcript.CodeRejected},
		{`<p>Nope, have another look.</p>`, transcript.Unfinished},
		{`<p role=alert>Nope, have another look.</p>`, transcript.Unfinished},
	} {
		for _, kind := range []string{"forms", "browser"} {
			t.Run(kind, func(t *testing.T) {
				d := dialects()[0]
				d.bad = c.bad
				s := serve(t, d)
				j := open(t, kind, "always").Journey(t.Context(), s.task(transcript.Approve, "WRNG-CODE"))
				check(t, j, c.want)
				said := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(c.bad, "<p role=alert>"), "<p>"), "</p>")
				last := j.Steps[len(j.Steps)-1]
				if c.want == transcript.CodeRejected && last.Alert != said {
					t.Errorf("alert %q, want %q", last.Alert, said)
				}
				if c.want == transcript.Unfinished && !strings.Contains(j.Trouble.Cause, said) {
					t.Errorf("the cause %q does not quote %q", j.Trouble.Cause, said)
				}
			})
		}
	}
}

// TestLoggedInAlready: who is asked whether to go on as themselves has decided
// nothing, and the refusal of that is none of the code.
func TestLoggedInAlready(t *testing.T) {
	for _, kind := range []string{"forms", "browser"} {
		for goal, want := range map[transcript.Goal]string{transcript.Approve: "allow", transcript.Deny: "deny", transcript.ReachDecision: ""} {
			t.Run(kind+"/"+string(goal), func(t *testing.T) {
				decision, wrong := "", ""
				pages := map[string]string{
					"/":     `<title>Device</title><form method=post action=/who><label>User code <input name=user_code></label><button>Next</button></form>`,
					"/who":  `<title>Welcome back</title><p>You are logged in as alice.</p><form method=post action=/ask><button>Continue as alice</button></form><form method=post action=/wrong><button>Not me</button></form>`,
					"/ask":  `<title>Television</title><p>It wants access to your account.</p><form method=post action=/end><button name=d value=allow>Allow</button><button name=d value=deny>Deny</button></form>`,
					"/end":  `<title>Television</title><p>Enjoy the show.</p>`,
					"/sign": `<title>Sign in</title><form method=post action=/who><input name=username><input type=password name=password><button>Sign in</button></form>`,
				}
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					page, ok := pages[r.URL.Path]
					switch {
					case r.URL.Path == "/end":
						decision = r.FormValue("d")
					case !ok:
						wrong, page = r.URL.Path, pages["/sign"]
					}
					w.Header().Set("Content-Type", "text/html")
					fmt.Fprint(w, "<!doctype html>"+page)
				}))
				defer s.Close()
				j := open(t, kind, "always").Journey(t.Context(), useragent.Task{Name: "test", Goal: goal, Start: s.URL + "/", UserCode: "ABCD-EFGH", TypeCode: true,
					Account: &useragent.Account{Username: fixtureUser, Password: fixturePassword}})
				check(t, j, map[transcript.Goal]transcript.Outcome{transcript.Approve: transcript.Approved, transcript.Deny: transcript.Denied, transcript.ReachDecision: transcript.AtDecision}[goal])
				if decision != want || wrong == "/wrong" {
					t.Errorf("decision %q, want %q; %q was opened", decision, want, wrong)
				}
			})
		}
	}
}
