package chromium

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// One browser serves all tests that do no harm to it.
var shared struct {
	sync.Mutex
	driver *chrome
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.driver != nil {
		_ = shared.driver.Close()
	}
	os.Exit(code)
}

// notInCheck skips what make check has no time for.
func notInCheck(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("not in make check: it starts a browser")
	}
}

// drive gives the shared driver, and skips without a browser.
func drive(t *testing.T) *chrome {
	t.Helper()
	notInCheck(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.driver == nil {
		d, err := newChrome(useragent.Options{})
		if _, none := err.(*NotFoundError); none {
			t.Skip("skipped: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		shared.driver = d
	}
	return shared.driver
}

// open opens a tab of the shared browser for the journeys of a profile.
func open(t *testing.T, v profiles.Verification) *agent {
	t.Helper()
	d := drive(t)
	engine, err := useragent.NewEngine(d.Name(), useragent.Options{Verification: v}, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	page := &tab{driver: d}
	s := &agent{engine.NewAgent(page), page}
	t.Cleanup(func() { s.Close() })
	return s
}

const (
	user     = "alice"
	password = "correct-horse-7!"
)

// errand approves a code that no server knows.
func errand(start string) useragent.Task {
	return useragent.Task{Name: "test", Goal: transcript.Approve, Start: start, UserCode: "ABCD-EFGH", TypeCode: true,
		Account: &useragent.Account{Username: user, Password: password}}
}

// check fails with the whole journey when the outcome is another.
func check(t *testing.T, j transcript.Journey, want transcript.Outcome) {
	t.Helper()
	if j.Outcome == want {
		return
	}
	raw, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	t.Errorf("outcome %q, want %q: %s", j.Outcome, want, raw)
}

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

// TestBrowserOnly has what only a page with scripts can do.
func TestBrowserOnly(t *testing.T) {
	for name, c := range map[string]struct {
		page string
		want transcript.Outcome
	}{
		"dialogs":         {`<script>alert("hello"); onbeforeunload = () => "stay"</script><form method=post onsubmit="return confirm('sure?')"><input name=user_code><button>Go</button></form>`, transcript.Approved},
		"new window":      {`<form method=post target=_blank><input name=user_code><button>Go</button></form>`, transcript.Approved},
		"covered button":  {`<div style="position:fixed;inset:0;z-index:9"></div>` + askCode, transcript.Unfinished},
		"late value":      {askCode + `<script>setTimeout(() => document.forms[0].user_code.value = "", 5)</script>`, transcript.Approved},
		"refuses input":   {`<form method=post onsubmit="return false"><input name=user_code><button>Go</button></form>`, transcript.InputBlocked},
		"disabled button": {`<form method=post><input name=user_code><button disabled>Go</button></form>`, transcript.InputBlocked},
		"hanging script":  {askCode + `<script>document.forms[0].user_code.addEventListener("input", () => { for (;;); })</script>`, transcript.Unfinished},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := profiles.Verification{}
			if name == "hanging script" { // it keeps a processor busy until it is given up
				v.Limits.Step = time.Second
			}
			u := open(t, v)
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
	u := open(t, profiles.Verification{})
	s := onePage(t, askCode, says("<p>Success</p>"))
	task := errand(s.URL)
	task.Start = "http://127.0.0.1:0/"
	check(t, u.Journey(t.Context(), task), transcript.Unfinished) // opens the tab
	u.tab.net.crashNow()
	j := u.Journey(t.Context(), errand(s.URL))
	check(t, j, transcript.Unfinished)
	if j.Trouble == nil || j.Trouble.Class != transcript.BrowserLost {
		t.Errorf("%+v", j.Trouble)
	}
}

// TestHeavyPage: a page that takes all memory is given up, and no other page.
func TestHeavyPage(t *testing.T) {
	d := drive(t)
	u, err := d.NewAgent(t.Context())
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
	other, err := d.NewAgent(t.Context())
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
	d, err := New(useragent.Options{TempDir: temp})
	if _, none := err.(*NotFoundError); none {
		t.Skip("skipped: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	notInCheck(t)
	u, err := d.NewAgent(t.Context())
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
	notInCheck(t)
	temp := t.TempDir()
	var notes []string
	d, err := New(useragent.Options{TempDir: temp, Note: func(note string) { notes = append(notes, note) }})
	if _, none := err.(*NotFoundError); none {
		t.Skip("skipped: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := onePage(t, askCode, says("<p>Success</p>"))
	for _, want := range []transcript.Outcome{transcript.Approved, transcript.Approved, transcript.Unfinished} {
		u, err := d.NewAgent(t.Context())
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

// TestBentPage: a page may do to its own scripts what it likes.
func TestBentPage(t *testing.T) {
	s := onePage(t, `<p>Success: you may close this page</p><script>
		for (const f of ["map", "some", "push", "includes", "slice"]) Array.prototype[f] = () => { throw new Error("bent") };
		Object.defineProperty = Symbol.for = JSON.stringify = String = Map = () => { throw new Error("bent") };
		document.querySelectorAll = undefined;
	</script>`, nil)
	u := open(t, profiles.Verification{})
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
	u := open(t, profiles.Verification{})
	check(t, u.Journey(t.Context(), errand(s.URL)), transcript.Approved)
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
