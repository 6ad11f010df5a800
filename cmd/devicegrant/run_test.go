package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// TestBuiltinInABrowser is the program's main job: no arguments, a real
// browser, everything passes.
func TestBuiltinInABrowser(t *testing.T) {
	notShort(t, "a whole run in a browser")
	needBrowser(t)
	t.Parallel()
	out := t.TempDir()
	printed, err := exec.Command(binary(t), "run", "--out", out).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, printed)
	}
	result := readResult(t, out)
	if c := result.Counts; c.Pass+c.NA+c.Info != len(rules.Catalogue()) || result.Target.Driver != "browser" || result.Target.Kind != "simulated" {
		t.Errorf("%+v, %+v\n%s", result.Counts, result.Target, printed)
	}
	if lines := strings.Count(string(printed), "\npass "); lines != result.Counts.Pass {
		t.Errorf("%d plain lines for %d checks:\n%s", lines, result.Counts.Pass, printed)
	}
}

// TestNoBrowser: the forms driver takes over, and says what it cannot see. The
// checks are one that needs a person and one that needs a browser, neither of
// which polls.
func TestNoBrowser(t *testing.T) {
	t.Setenv("DEVICEGRANT_BROWSER", "")
	t.Setenv("CHROME_PATH", "")
	t.Setenv("CHROME_BIN", "")
	t.Setenv("PATH", t.TempDir())
	run := func(browser string) report.Result {
		out := t.TempDir()
		status, stdout, stderr := devicegrant("run", "--out", out, "--browser", browser, "VERIFY-05", "SEC-11")
		result := readResult(t, out)
		if status != result.ExitCode {
			t.Errorf("status %d, and %d in the result\n%s%s", status, result.ExitCode, stdout, stderr)
		}
		if result.Target.Driver != "forms" {
			t.Errorf("the driver is %q", result.Target.Driver)
		}
		return result
	}
	if _, err := os.Stat("/usr/local/bin/chrome"); err == nil {
		t.Skip("a browser is installed where the search always looks")
	}
	verdict := func(r report.Result, id string) rules.Verdict {
		for _, c := range r.Checks {
			if c.ID == id {
				return c.Verdict
			}
		}
		return ""
	}
	auto := run("auto")
	if verdict(auto, "VERIFY-05") != rules.Pass || verdict(auto, "SEC-11") != rules.Inconclusive || auto.ExitCode != 3 {
		t.Errorf("auto: %+v", auto.Counts)
	}
	if len(auto.Notes) != 1 {
		t.Fatalf("said %d times: %q", len(auto.Notes), auto.Notes)
	}
	for _, part := range []string{"chromium-headless-shell (Debian)", "chromium (Alpine)", "container image", "--browser none", "root"} {
		if !strings.Contains(auto.Notes[0], part) {
			t.Errorf("%q is not in the note: %s", part, auto.Notes[0])
		}
	}
	none := run("none")
	if verdict(none, "VERIFY-05") != rules.Pass || verdict(none, "SEC-11") != rules.Skip || none.ExitCode != 0 {
		t.Errorf("none: %+v", none.Counts)
	}
}

// TestInterrupt: Ctrl-C writes what there is, ends with 130, and leaves
// neither a browser nor its profile behind.
func TestInterrupt(t *testing.T) {
	notShort(t, "a run in a browser")
	needBrowser(t)
	temp, out := t.TempDir(), t.TempDir()
	cmd := exec.Command(binary(t), "run", "--out", out)
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return len(processesOf(t, temp)) > 0 }) {
		_ = cmd.Process.Kill()
		t.Fatalf("no browser was started:\n%s", printed.String())
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != report.ExitInterrupted {
		t.Errorf("ended with %v\n%s", err, printed.String())
	}
	result := readResult(t, out)
	if !result.Interrupted || result.ExitCode != report.ExitInterrupted || result.Counts.Skip+result.Counts.Inconclusive == 0 {
		t.Errorf("%+v", result.Counts)
	}
	if result.Counts.Fail+result.Counts.Error > 0 {
		t.Errorf("an interrupted run accuses the server: %+v\n%s", result.Counts, printed.String())
	}
	if !eventually(func() bool { return len(processesOf(t, temp)) == 0 }) {
		t.Errorf("still running: %v", processesOf(t, temp))
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// processesOf lists the processes whose command line names a folder.
func processesOf(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("no /proc to look for processes in")
	}
	for _, e := range entries {
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil && strings.Contains(string(line), dir) {
			list = append(list, e.Name()+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}

// eventually waits for a condition, generously: it is about what happens, not
// about when.
func eventually(condition func() bool) bool {
	for range 600 {
		if condition() {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

// TestWait: a target that is still booting is waited for. It breaks connections
// until somebody asks again for what was asked for before.
func TestWait(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	config := fakeidp.DefaultConfig()
	config.Issuer = "http://" + server.Listener.Addr().String()
	idp, err := fakeidp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	var booted atomic.Bool
	var asked sync.Map
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, again := asked.LoadOrStore(r.URL.Path, true); again {
			booted.Store(true)
		}
		if !booted.Load() {
			panic(http.ErrAbortHandler)
		}
		idp.ServeHTTP(w, r)
	})
	server.Start()
	defer server.Close()
	run := func(wait string) (int, string) {
		status, stdout, stderr := devicegrant("run", "--out", t.TempDir(), "--browser", "none", "--wait", wait, "--set", "base_url="+server.URL, "DA-01")
		return status, stdout + stderr
	}
	if status, printed := run("0s"); status != report.ExitUnknown || booted.Load() {
		t.Errorf("without patience: status %d\n%s", status, printed)
	}
	asked.Clear()
	if status, printed := run("60s"); status != 0 {
		t.Errorf("status %d\n%s", status, printed)
	}
}

// TestJSON: with --json standard output is the result and nothing else.
func TestJSON(t *testing.T) {
	status, stdout, _ := devicegrant("run", "--out", t.TempDir(), "--browser", "none", "--json", "RESP-01")
	if status != 0 || !strings.HasPrefix(stdout, "{") || !strings.HasSuffix(stdout, "}\n") {
		t.Errorf("status %d: %.200s", status, stdout)
	}
}

// TestStrictAndBaseline: a warning turns red with --strict, and a baseline
// entry for something that no longer happens is stale.
func TestStrictAndBaseline(t *testing.T) {
	server := fakeidp.NewServer(fakeidp.DefaultConfig())
	defer server.Close()
	// A proxy that drops Cache-Control: RESP-10 warns, and --strict counts it.
	proxy := httpProxy(t, server.URL, func(h http.Header) { h.Del("Cache-Control") })
	run := func(extra string, more ...string) (int, string) {
		status, stdout, stderr := devicegrant(append([]string{"run", "--out", t.TempDir(), "--browser", "none", "--profile", profileFile(t, proxy, extra), "RESP-10"}, more...)...)
		return status, stdout + stderr
	}
	known := "baseline: [{check: RESP-10, code: no-store, expect: warn, reason: the proxy drops it}]\n"
	stale := "baseline: [{check: RESP-10, code: something-else, expect: warn, reason: long gone}]\n"
	for _, test := range []struct {
		extra  string
		more   []string
		status int
		want   string
	}{
		{"", nil, 0, "warn         RESP-10"},
		{"", []string{"--strict"}, 1, "warn         RESP-10"},
		{known, []string{"--strict"}, 0, "known        RESP-10"},
		{known, []string{"--strict", "--no-baseline"}, 1, "warn         RESP-10"},
		{stale, nil, 1, "fixed        RESP-10"},
	} {
		if status, printed := run(test.extra, test.more...); status != test.status || !strings.Contains(printed, test.want) {
			t.Errorf("%q %v: status %d, want %d and %q\n%s", test.extra, test.more, status, test.status, test.want, printed)
		}
	}
}

// httpProxy stands before a server and changes the header of its answers.
func httpProxy(t *testing.T, target string, change func(http.Header)) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ModifyResponse = func(r *http.Response) error {
		change(r.Header)
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}
