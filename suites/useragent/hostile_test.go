package useragent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// onePage serves one page, and answers what is posted with another.
func onePage(t *testing.T, shown string, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.Method == http.MethodPost {
			answer(w, r)
			return
		}
		fmt.Fprint(w, "<!doctype html><title>Device</title>", shown)
	}))
	t.Cleanup(s.Close)
	return s
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

const askCode = `<form method=post><input name=user_code><button>Go</button></form>`

func both(t *testing.T, test func(t *testing.T, u useragent.Agent, kind string)) {
	for _, kind := range []string{"forms", "browser"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, kind, "always"), kind)
		})
	}
}

func errand(start string) useragent.Task {
	return useragent.Task{Name: "test", Goal: transcript.Approve, Start: start, UserCode: "ABCD-EFGH", TypeCode: true,
		Account: &useragent.Account{Username: fixtureUser, Password: fixturePassword}}
}

func TestServerErrorIsSeen(t *testing.T) {
	both(t, func(t *testing.T, u useragent.Agent, _ string) {
		s := onePage(t, askCode, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, "<p>panic: code</p>")
		})
		j := u.Journey(t.Context(), errand(s.URL))
		check(t, j, transcript.ErrorPage)
		if last := j.Steps[len(j.Steps)-1]; last.Status != 500 {
			t.Errorf("HTTP %d", last.Status)
		}
	})
}

// TestBehindHTTPAuthentication: a page that asks the browser for a password is no
// error page of the server, and the trouble says what helps.
func TestBehindHTTPAuthentication(t *testing.T) {
	both(t, func(t *testing.T, u useragent.Agent, _ string) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="staging"`)
			http.Error(w, "401 Authorization Required", http.StatusUnauthorized)
		}))
		t.Cleanup(s.Close)
		j := u.Journey(t.Context(), errand(s.URL))
		if j.Outcome != transcript.Unfinished || j.Trouble == nil || !strings.Contains(j.Trouble.Error(), "WWW-Authenticate: Basic") || !strings.Contains(j.Trouble.Error(), "verification.hook") {
			t.Errorf("%s, %v", j.Outcome, j.Trouble)
		}
	})
}

// TestPasswordInPage: a server that shows the password does not get it into
// the report.
func TestPasswordInPage(t *testing.T) {
	both(t, func(t *testing.T, u useragent.Agent, _ string) {
		s := onePage(t, `<form method=post><input name=username><input name=password type=password><button>Sign in</button></form>`,
			func(w http.ResponseWriter, r *http.Request) {
				pw := r.FormValue("password")
				fmt.Fprintf(w, `<title>%s</title><div role=alert>invalid %s</div><form method=post><input name=username value="%s"><input name=password type=password value="%s"><button>%s</button></form>`, pw, pw, pw, pw, pw)
			})
		check(t, u.Journey(t.Context(), errand(s.URL)), transcript.LoginFailed)
	})
}

func TestHostileText(t *testing.T) {
	both(t, func(t *testing.T, u useragent.Agent, _ string) {
		s := onePage(t, "<title>\x1b[31m\u202eT</title><p>"+strings.Repeat("x\u0007", 5000)+askCode+strings.Repeat("<input name=q>", 500),
			says("<p class=error>\x1b]0;\u202e "+strings.Repeat("invalid ", 5000)))
		j := u.Journey(t.Context(), errand(s.URL))
		for _, step := range j.Steps {
			if len(step.Title)+len(step.Alert) > 2*pages.MaxLabel || strings.ContainsAny(step.Title+step.Alert, "\x1b\x07\u202e") {
				t.Errorf("title %q, alert %q", step.Title, step.Alert)
			}
		}
	})
}

func TestEndlessPages(t *testing.T) {
	both(t, func(t *testing.T, u useragent.Agent, kind string) {
		n := 0
		s := onePage(t, "", nil)
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n++
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<p>The app wants access (%d)</p><form method=post><button>Allow</button><button>Deny</button></form>", n)
		})
		j := u.Journey(t.Context(), errand(s.URL))
		check(t, j, transcript.Unfinished)
		if j.Trouble == nil || j.Trouble.Class != transcript.Loop {
			t.Errorf("%+v", j.Trouble)
		}
	})
}

func TestHugePage(t *testing.T) {
	s := onePage(t, strings.Repeat("x", useragent.MaxBody), nil)
	j := open(t, "forms", "always").Journey(t.Context(), errand(s.URL))
	check(t, j, transcript.Unfinished)
}

// TestNotRecognised proposes an entry for the profile.
func TestNotRecognised(t *testing.T) {
	s := onePage(t, `<form><input type=range id=r><button id=b>Abrakadabra</button><button id=c>Hokuspokus</button></form>`, nil)
	off := false
	u, err := drive(t, "forms", profiles.Verification{Auto: &off}).NewAgent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j := u.Journey(t.Context(), errand(s.URL+"/odd"))
	check(t, j, transcript.Unfinished)
	if j.Trouble == nil || j.Trouble.Class != transcript.NotRecognised || !strings.Contains(j.Trouble.Hint, `url: "*/odd*"`) || !strings.Contains(j.Trouble.Hint, `{click: {id: "b"}}`) {
		t.Errorf("%v", j.Trouble)
	}
}

// TestCAFile trusts a server by its certificate alone.
func TestCAFile(t *testing.T) {
	for _, kind := range []string{"forms", "browser"} {
		t.Run(kind, func(t *testing.T) {
			notInCheck(t, kind)
			t.Parallel()
			s := httptest.NewTLSServer(says("<p>Success</p>"))
			defer s.Close()
			file := t.TempDir() + "/ca.pem"
			if err := writePEM(file, s.Certificate().Raw); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				tls  profiles.TLS
				want transcript.Outcome
			}{{profiles.TLS{}, transcript.Unfinished}, {profiles.TLS{CAFile: file}, transcript.Approved}, {profiles.TLS{Insecure: true}, transcript.Approved}} {
				d, err := newDriver(kind, useragent.Options{TLS: c.tls, TempDir: t.TempDir()})
				if _, none := err.(*chromium.NotFoundError); none {
					t.Skip("skipped: ", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				u, err := d.NewAgent(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				check(t, u.Journey(t.Context(), errand(s.URL)), c.want)
				if err := u.Close(); err != nil {
					t.Error(err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
