package useragent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// TestPagesBetween: pages between the code and the decision are answered so that
// nothing outlives the journey, and no answer to them is one to the device.
func TestPagesBetween(t *testing.T) {
	const stay = `<title>Sign in</title><h1>Stay signed in?</h1><p>You will be asked to sign in less often.</p><form method=post action=/stayed><label><input type=checkbox name=again>Don't show this again</label><button name=stay value=yes>Yes</button><button name=stay value=no>No</button></form>`
	for name, pages := range map[string]map[string]string{
		"stay": {"/after": stay},
		"skip": {"/after": `<title>Remember this browser?</title><form method=post action=/stayed><button name=stay value=yes>Yes</button></form><a href="/stayed?stay=no">Skip</a>`},
		"disclosed": {
			"/login": `<title>Sign in</title><button type=button>Sign in with Google</button><form method=post action=/form><button>Sign in with password</button></form>`,
			"/form":  `<title>Sign in</title><form method=post action=/after><input name=username><input type=password name=password><button>Sign in</button></form>`,
		},
		"account":         {"/login": `<title>Choose an account</title><a href=/wrong>bob@example.com</a><form method=post action=/after><button>Alice A. alice</button></form><a href=/wrong>Use another account</a>`},
		"another account": {"/login": `<title>Choose an account</title><a href=/wrong>bob@example.com</a><a href=/wrong>alice2</a><form method=post action=/after><button>Use another account</button></form>`},
	} {
		for _, kind := range []string{"forms", "browser"} {
			for goal, want := range map[transcript.Goal]string{transcript.Approve: "allow", transcript.Deny: "deny"} {
				t.Run(name+"/"+kind+"/"+string(goal), func(t *testing.T) {
					decision, stayed, wrong := "", "", false
					all := map[string]string{
						"/":      `<title>Device</title><form method=post action=/login><label>User code <input name=user_code></label><button>Next</button></form>`,
						"/login": `<title>Sign in</title><form method=post action=/after><input name=username><input type=password name=password><button>Sign in</button></form>`,
						"/end":   `<title>Television</title><p>Enjoy the show.</p>`,
					}
					ask := `<title>Television</title><p>It wants access to your account.</p><form method=post action=/end><button name=d value=allow>Allow</button><button name=d value=deny>Deny</button></form>`
					all["/after"], all["/stayed"] = ask, ask
					for path, page := range pages {
						all[path] = page
					}
					s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						switch r.URL.Path {
						case "/end":
							decision = r.FormValue("d")
						case "/stayed":
							stayed = r.FormValue("stay") + r.FormValue("again")
						case "/wrong":
							wrong = true
						}
						w.Header().Set("Content-Type", "text/html")
						fmt.Fprint(w, "<!doctype html>"+all[r.URL.Path])
					}))
					defer s.Close()
					j := open(t, kind, "always").Journey(t.Context(), useragent.Task{Name: "test", Goal: goal, Start: s.URL + "/", UserCode: "ABCD-EFGH", TypeCode: true,
						Account: &useragent.Account{Username: fixtureUser, Password: fixturePassword}})
					check(t, j, map[transcript.Goal]transcript.Outcome{transcript.Approve: transcript.Approved, transcript.Deny: transcript.Denied}[goal])
					if decision != want || stayed != "" && stayed != "no" || wrong {
						t.Errorf("decision %q, stay %q, the wrong account %t", decision, stayed, wrong)
					}
				})
			}
		}
	}
}
