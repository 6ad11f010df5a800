package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/report"
)

// TestBaselineStory is what happens in somebody's CI: a baseline is written and
// the build is green; a fault is switched on, and the build is red with an
// annotation that names it; the fault goes, and the entry for it is stale.
func TestBaselineStory(t *testing.T) {
	notShort(t, "seven runs, as a build makes them")
	t.Parallel()
	// Processes of their own, since each run has secrets in its environment.
	program := func(env []string, args ...string) (status int, stdout, stderr string) {
		var out, err strings.Builder
		cmd := exec.Command(binary(t), args...)
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), &out, &err
		if failed := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(failed)
		}
		return cmd.ProcessState.ExitCode(), out.String(), err.String()
	}
	dir := t.TempDir()
	known := filepath.Join(dir, "known.yaml")
	selected := []string{"DA-0*", "ERR-*", "TOKEN-03"}
	run := func(out string, faults []string, more ...string) (int, string) {
		flags := []string{"--interval", "1s"} // odd answers are asked for again at this pace
		for _, fault := range faults {
			flags = append(flags, "--fault", fault)
		}
		server, err := builtin.StartProcess(binary(t), flags...)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		var env []string
		for name, value := range server.Secrets {
			env = append(env, name+"="+value)
		}
		args := append([]string{"run", "--browser", "none", "--set", "base_url=" + server.Issuer, "--out", filepath.Join(dir, out)}, more...)
		status, stdout, stderr := program(env, append(args, selected...)...)
		return status, stdout + stderr
	}

	if status, said := run("first", []string{"F-ERR-02"}); status != report.ExitFailed || !strings.Contains(said, "  - check: ERR-02\n    code: body\n") {
		t.Fatalf("status %d: no entry to paste in\n%s", status, said)
	}
	if status, said := run("written", []string{"F-ERR-02"}, "--write-baseline", known); status != report.ExitConforming {
		t.Fatalf("status %d after writing\n%s", status, said)
	}
	if status, said := run("green", []string{"F-ERR-02"}, "--baseline", known); status != report.ExitConforming {
		t.Fatalf("status %d with the baseline\n%s", status, said)
	}
	status, said := run("red", []string{"F-ERR-02", "F-TOKEN-03"}, "--baseline", known, "--format", "github,junit,sarif")
	if status != report.ExitFailed || !strings.Contains(said, "\n::error file=builtin.yaml,line=1,title=TOKEN-03 fail%3A Unknown device codes get invalid_grant::expected ") {
		t.Errorf("status %d, and no annotation that names the cause\n%s", status, said)
	}
	status, said = run("stale", nil, "--baseline", known, "--format", "github")
	if status != report.ExitFailed || !strings.Contains(said, known+":5: delete this entry: ERR-02 body: the expected fail no longer occurs\n") || !strings.Contains(said, "line=5,title=ERR-02 fixed%3A") {
		t.Errorf("status %d, and no line to delete\n%s", status, said)
	}
	if status, said := run("cleaned", nil, "--write-baseline", known); status != report.ExitConforming {
		t.Errorf("status %d after the stale entry was dropped\n%s", status, said)
	}
	if text, err := os.ReadFile(known); err != nil || !strings.HasSuffix(string(text), "baseline: []\n") {
		t.Errorf("%s, %v", text, err)
	}

	// The same runs, compared: a failure is new, and a check that was left out is lost.
	status, stdout, _ := devicegrant("diff", filepath.Join(dir, "green"), filepath.Join(dir, "red"))
	if status != exitRegression || !strings.Contains(stdout, "new       TOKEN-03 ") {
		t.Errorf("status %d\n%s", status, stdout)
	}
	selected = append(selected, "!ERR-03")
	run("fewer", []string{"F-ERR-02"}, "--no-baseline")
	status, stdout, _ = devicegrant("diff", filepath.Join(dir, "first"), filepath.Join(dir, "fewer"))
	if status != exitRegression || !strings.Contains(stdout, "lost      ERR-03 ") || !strings.HasSuffix(stdout, "\n1 lost\n") {
		t.Errorf("status %d\n%s", status, stdout)
	}
	if status, stdout, _ := devicegrant("diff", "--allow-lost", "--json", filepath.Join(dir, "first"), filepath.Join(dir, "fewer")); status != report.ExitConforming || !json.Valid([]byte(stdout)) {
		t.Errorf("status %d\n%s", status, stdout)
	}
	if status, stdout, _ := devicegrant("diff", filepath.Join(dir, "green"), filepath.Join(dir, "green")); status != report.ExitConforming || stdout != "nothing changed\n" {
		t.Errorf("status %d\n%s", status, stdout)
	}
}

func TestBaselineFlags(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("baseline:\n  - {check: ERR-01, until: tomorrow, resaon: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unknown := filepath.Join(t.TempDir(), "unknown.yaml")
	if err := os.WriteFile(unknown, []byte("baseline:\n  - {check: ERR-99, reason: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{"--baseline", filepath.Join(t.TempDir(), "none.yaml")}, "--write-baseline"},
		{[]string{"--baseline", bad}, "bad.yaml:2:"},
		{[]string{"--baseline", unknown}, "unknown.yaml:2: baseline: there is no check ERR-99"},
		{[]string{"--no-baseline", "--baseline", bad}, "--no-baseline cannot be combined"},
	} {
		status, _, stderr := devicegrant(append([]string{"run", "--browser", "none", "--out", t.TempDir(), "DA-01"}, x.args...)...)
		if status != report.ExitUsage || !strings.Contains(stderr, x.want) {
			t.Errorf("%v: status %d: %s", x.args, status, stderr)
		}
	}
	for _, args := range [][]string{{"diff"}, {"diff", "a"}, {"diff", bad, bad}, {"diff", recordedRun, recordedRun, "--tolerance", "x=1"}, {"report", bad}, {"report", recordedRun, "--format", "pdf"}} {
		if status, _, stderr := devicegrant(args...); status != report.ExitUsage || stderr == "" {
			t.Errorf("%v: status %d: %s", args, status, stderr)
		}
	}
}

// TestReportVerb writes every format of a recorded run.
func TestReportVerb(t *testing.T) {
	out, summary := t.TempDir(), filepath.Join(t.TempDir(), "summary.md")
	t.Setenv("GITHUB_STEP_SUMMARY", summary)
	status, stdout, stderr := devicegrant("report", recordedRun, "--out", out, "--format", strings.Join(formatNames(), ","))
	if status != report.ExitConforming || !strings.Contains(stdout, "::warning ") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	for _, name := range []string{"report.html", "result.json", "junit.xml", "report.sarif", "gl-code-quality-report.json", "report.md", "har/approval.har"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := os.ReadFile(summary); err != nil || !strings.HasPrefix(string(text), "# Glewlwyd") {
		t.Errorf("the step's summary: %v\n%.200s", err, text)
	}
	if status, stdout, _ := devicegrant("report", filepath.Join(out), "--out", "-", "--format", "junit"); status != report.ExitConforming || !strings.HasPrefix(stdout, "<?xml") {
		t.Errorf("status %d\n%.200s", status, stdout)
	}
	if status, stdout, _ := devicegrant("report", "schema"); status != report.ExitConforming || !json.Valid([]byte(stdout)) {
		t.Errorf("status %d\n%.200s", status, stdout)
	}
}
