package useragent

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
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

func both(t *testing.T, test func(t *testing.T, u Session, kind string)) {
	for _, kind := range []string{"forms", "browser"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, kind, "always"), kind)
		})
	}
}

func errand(start string) Task {
	return Task{Name: "test", Goal: transcript.Approve, Start: start, UserCode: "ABCD-EFGH", TypeCode: true,
		Account: &Account{Username: fixtureUser, Password: fixturePassword}}
}

func TestServerErrorIsSeen(t *testing.T) {
	both(t, func(t *testing.T, u Session, _ string) {
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

// TestPasswordInPage: a server that shows the password does not get it into
// the report.
func TestPasswordInPage(t *testing.T) {
	both(t, func(t *testing.T, u Session, _ string) {
		s := onePage(t, `<form method=post><input name=username><input name=password type=password><button>Sign in</button></form>`,
			func(w http.ResponseWriter, r *http.Request) {
				pw := r.FormValue("password")
				fmt.Fprintf(w, `<title>%s</title><div role=alert>invalid %s</div><form method=post><input name=username value="%s"><input name=password type=password value="%s"><button>%s</button></form>`, pw, pw, pw, pw, pw)
			})
		check(t, u.Journey(t.Context(), errand(s.URL)), transcript.LoginFailed)
	})
}

func TestHostileText(t *testing.T) {
	both(t, func(t *testing.T, u Session, _ string) {
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
	both(t, func(t *testing.T, u Session, kind string) {
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
	s := onePage(t, strings.Repeat("x", maxBody), nil)
	j := open(t, "forms", "always").Journey(t.Context(), errand(s.URL))
	check(t, j, transcript.Unfinished)
}

// TestBrowserOnly has what only a page with scripts can do.
func TestBrowserOnly(t *testing.T) {
	for name, c := range map[string]struct {
		page string
		want transcript.Outcome
	}{
		"dialogs":         {`<script>alert("hello"); onbeforeunload = () => "stay"</script><form method=post onsubmit="return confirm('sure?')"><input name=user_code><button>Go</button></form>`, transcript.Approved},
		"new window":      {`<form method=post target=_blank><input name=user_code><button>Go</button></form>`, transcript.Approved},
		"covered button":  {`<div style="position:fixed;inset:0;z-index:9"></div>` + askCode, transcript.Approved},
		"late value":      {askCode + `<script>setTimeout(() => document.forms[0].user_code.value = "", 5)</script>`, transcript.Approved},
		"refuses input":   {`<form method=post onsubmit="return false"><input name=user_code><button>Go</button></form>`, transcript.InputBlocked},
		"disabled button": {`<form method=post><input name=user_code><button disabled>Go</button></form>`, transcript.InputBlocked},
		"hanging script":  {askCode + `<script>document.forms[0].user_code.addEventListener("input", () => { for (;;); })</script>`, transcript.Unfinished},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := open(t, "browser", "always")
			if name == "hanging script" { // it keeps a processor busy until it is given up
				visiting(u).limits.Step = time.Second
			}
			s := onePage(t, c.page, func(w http.ResponseWriter, r *http.Request) {
				if r.FormValue("user_code") == "" {
					fmt.Fprint(w, "<p>error: no value</p>")
					return
				}
				fmt.Fprint(w, "<p>Success</p>")
			})
			check(t, u.Journey(t.Context(), errand(s.URL)), c.want)
		})
	}
}

func TestCrashedPage(t *testing.T) {
	u := open(t, "browser", "always")
	s := onePage(t, askCode, says("<p>Success</p>"))
	task := errand(s.URL)
	task.Start = "http://127.0.0.1:0/"
	check(t, u.Journey(t.Context(), task), transcript.Unfinished) // opens the tab
	visiting(u).tab.(*browserTab).net.crashNow()
	j := u.Journey(t.Context(), errand(s.URL))
	check(t, j, transcript.Unfinished)
	if j.Trouble == nil || j.Trouble.Class != transcript.BrowserLost {
		t.Errorf("%+v", j.Trouble)
	}
}

// TestHeavyPage: a page that takes all memory is given up, and no other page.
func TestHeavyPage(t *testing.T) {
	d := drive(t, "browser", profiles.Verification{})
	u, err := d.NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if ownerOf(os.Getpid()).World == "" {
		t.Skip("processes are not looked for here")
	}
	heavy := onePage(t, `<p>Wait</p><script>const all = []; for (;;) all.push(new Uint8Array(16 << 20).fill(1))</script>`, nil)
	j := u.Journey(t.Context(), errand(heavy.URL))
	check(t, j, transcript.Unfinished)
	if j.Trouble == nil || j.Trouble.Class != transcript.BrowserLost || !strings.Contains(j.Trouble.Cause, "MiB of memory") {
		t.Errorf("%v", j.Trouble)
	}
	other, err := d.NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	light := onePage(t, askCode, says("<p>Success</p>"))
	check(t, other.Journey(t.Context(), errand(light.URL)), transcript.Approved)
}

// TestFrozenBrowser: a browser that was stopped is ended with all its processes.
func TestFrozenBrowser(t *testing.T) {
	temp := t.TempDir()
	d, err := New("browser", Options{TempDir: temp})
	if _, none := err.(*NoBrowserError); none {
		t.Skip("skipped: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	notInCheck(t, "browser")
	u, err := d.NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := onePage(t, askCode, says("<p>Success</p>"))
	check(t, u.Journey(t.Context(), errand(s.URL)), transcript.Approved)
	dirs, err := filepath.Glob(filepath.Join(temp, runPrefix+"*"))
	if err != nil || len(dirs) != 1 {
		t.Fatal(dirs, err)
	}
	frozen := processesOf(dirs[0])
	if len(frozen) == 0 {
		t.Skip("processes are not looked for here")
	}
	freeze(t, frozen)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for _, p := range frozen {
		if lives(p) {
			t.Errorf("%+v of %d processes is left", p, len(frozen))
		}
	}
	if _, err := os.Stat(dirs[0]); !os.IsNotExist(err) {
		t.Error("the folder is left")
	}
}

// TestLostBrowser: a browser that dies is replaced once, and the run is told so;
// one that dies again is not started a third time.
func TestLostBrowser(t *testing.T) {
	notInCheck(t, "browser")
	temp := t.TempDir()
	var notes []string
	d, err := New("browser", Options{TempDir: temp, Note: func(note string) { notes = append(notes, note) }})
	if _, none := err.(*NoBrowserError); none {
		t.Skip("skipped: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := onePage(t, askCode, says("<p>Success</p>"))
	for _, want := range []transcript.Outcome{transcript.Approved, transcript.Approved, transcript.Unfinished} {
		u, err := d.NewSession(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		j := u.Journey(t.Context(), errand(s.URL))
		check(t, j, want)
		if want == transcript.Unfinished && (j.Trouble == nil || j.Trouble.Class != transcript.BrowserLost || !strings.Contains(j.Trouble.Cause, "not started again")) {
			t.Errorf("%v", j.Trouble)
		}
		_ = u.Close()
		dirs, _ := filepath.Glob(filepath.Join(temp, runPrefix+"*"))
		for _, dir := range dirs {
			all := processesOf(dir)
			if len(all) == 0 {
				t.Skip("processes are not looked for here")
			}
			running := d.(*chrome).running
			for _, one := range all {
				one.kill()
			}
			select {
			case <-running.ctx.Done():
			case <-time.After(time.Minute):
				t.Fatal("nobody noticed within a minute that the browser had gone")
			}
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "replaced once") {
		t.Errorf("notes %q", notes)
	}
}

// TestNotRecognised proposes an entry for the profile.
func TestNotRecognised(t *testing.T) {
	s := onePage(t, `<form><input type=range id=r><button id=b>Abrakadabra</button><button id=c>Hokuspokus</button></form>`, nil)
	off := false
	u, err := drive(t, "forms", profiles.Verification{Auto: &off}).NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j := u.Journey(t.Context(), errand(s.URL+"/odd"))
	check(t, j, transcript.Unfinished)
	if j.Trouble == nil || j.Trouble.Class != transcript.NotRecognised || !strings.Contains(j.Trouble.Hint, `url: "*/odd*"`) || !strings.Contains(j.Trouble.Hint, `{click: {id: "b"}}`) {
		t.Errorf("%v", j.Trouble)
	}
}

// TestBentPage: a page may do to its own scripts what it likes.
func TestBentPage(t *testing.T) {
	s := onePage(t, `<p>Success: you may close this page</p><script>
		for (const f of ["map", "some", "push", "includes", "slice"]) Array.prototype[f] = () => { throw new Error("bent") };
		Object.defineProperty = Symbol.for = JSON.stringify = String = Map = () => { throw new Error("bent") };
		document.querySelectorAll = undefined;
	</script>`, nil)
	u, err := drive(t, "browser", profiles.Verification{}).NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	check(t, u.Journey(t.Context(), errand(s.URL)), transcript.Approved)
}

// TestEmptyDocument: while one document takes the place of another there may be
// no element at all, and then the page comes.
func TestEmptyDocument(t *testing.T) {
	s := onePage(t, `<p>Success: you may close this page</p><script>
		const root = document.documentElement;
		root.remove();
		setTimeout(() => document.append(root), 700);
	</script>`, nil)
	u, err := drive(t, "browser", profiles.Verification{}).NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	check(t, u.Journey(t.Context(), errand(s.URL)), transcript.Approved)
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
				d, err := New(kind, Options{TLS: c.tls, TempDir: t.TempDir()})
				if _, none := err.(*NoBrowserError); none {
					t.Skip("skipped: ", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				u, err := d.NewSession(t.Context())
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

// TestRunDir: what a killed run left is swept, and nothing whose owner may live: a
// process of that number and start, or one in another container.
func TestRunDir(t *testing.T) {
	temp := t.TempDir()
	me := ownerOf(os.Getpid())
	if me.World == "" {
		t.Skip("nothing is swept here")
	}
	folder := func(o *owner) string {
		dir, err := os.MkdirTemp(temp, runPrefix)
		if err != nil {
			t.Fatal(err)
		}
		if o != nil {
			raw, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, ownerFile), raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	for dir, swept := range map[string]bool{
		// No process has this number: Linux ends at 2^22.
		folder(&owner{PID: 99999999, Started: "1", World: me.World}):            true,
		folder(&owner{PID: me.PID, Started: me.Started + "1", World: me.World}): true,
		folder(&me): false,
		folder(&owner{PID: 99999999, Started: "1", World: "another container"}): false,
		folder(&owner{PID: 99999999}):                                           false,
		folder(nil):                                                             false,
	} {
		mine, err := makeRunDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); os.IsNotExist(err) != swept {
			t.Errorf("%s: swept %t, want %t", dir, !swept, swept)
		}
		if _, err := os.Stat(mine); err != nil {
			t.Error(err)
		}
	}
}
