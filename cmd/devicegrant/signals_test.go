//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/report"
)

// TestSignals: SIGHUP ends a run in order, as two quick interrupts do, and what
// there is is written. Of a run that was killed nothing goes on.
func TestSignals(t *testing.T) {
	notShort(t, "it starts the program")
	verbs := map[string]struct {
		line []string
		// under way says that what is tested has begun, by the processes there are.
		underway func(processes string) bool
		result   string
	}{
		"run":     {[]string{"run", "--browser", "none", "--no-progress"}, func(p string) bool { return strings.Contains(p, " run ") }, "result.json"},
		"compare": {[]string{"compare", "builtin", "b=builtin", "--browser", "none"}, func(p string) bool { return strings.Count(p, "--profile builtin") >= 2 }, "matrix.json"},
		"load":    {[]string{"load", "--devices", "50", "--duration", "5m", "--no-progress"}, func(p string) bool { return strings.Contains(p, " idp ") }, "load.json"},
	}
	endings := map[string][]syscall.Signal{
		"HUP": {syscall.SIGHUP}, "TERM": {syscall.SIGTERM}, "INT INT": {syscall.SIGINT, syscall.SIGINT}, "KILL": {syscall.SIGKILL},
	}
	for verb, v := range verbs {
		for name, signals := range endings {
			t.Run(verb+" "+name, func(t *testing.T) {
				t.Parallel()
				temp, out := t.TempDir(), t.TempDir()
				cmd := exec.Command(binary(t), append(v.line, "--out", out)...)
				cmd.Env = append(os.Environ(), "TMPDIR="+temp)
				var printed bytes.Buffer
				cmd.Stdout, cmd.Stderr = &printed, &printed
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if !eventually(func() bool { return v.underway(strings.Join(processesWith(t, temp), "\n")) }) {
					_ = cmd.Process.Kill()
					t.Fatalf("it did not begin:\n%s\n%q", printed.String(), processesWith(t, temp))
				}
				time.Sleep(2 * time.Second) // in the middle of it: nothing tells from outside
				for i, s := range signals {
					if i > 0 {
						time.Sleep(100 * time.Millisecond)
					}
					if err := cmd.Process.Signal(s); err != nil {
						t.Fatal(err)
					}
				}
				_ = cmd.Wait()
				if !eventually(func() bool { return len(processesWith(t, temp)) == 0 }) {
					t.Errorf("still running: %q", processesWith(t, temp))
				}
				if name == "KILL" {
					return
				}
				if status := cmd.ProcessState.ExitCode(); status != report.ExitInterrupted {
					t.Errorf("status %d\n%s", status, printed.String())
				}
				if _, err := os.Stat(filepath.Join(out, v.result)); err != nil {
					t.Errorf("%v\n%s", err, printed.String())
				}
				if left, _ := os.ReadDir(temp); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

// processesWith lists the processes that have a folder in their command line, or
// for their temporary files, and have not ended.
func processesWith(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("no /proc to look for processes in")
	}
	for _, e := range entries {
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil || len(line) == 0 {
			continue
		}
		environment, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if bytes.Contains(line, []byte(dir)) || bytes.Contains(environment, []byte("TMPDIR="+dir)) {
			list = append(list, e.Name()+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}
