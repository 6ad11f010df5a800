package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
)

// TestOutIsTriedFirst: a folder that cannot be written ends a run before it
// begins, with the flag and the reason.
func TestOutIsTriedFirst(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{
		{"run", "--out", file}, {"run", "--out", filepath.Join(file, "below")}, {"run", "--write-baseline", dir},
		{"run", "--write-baseline", filepath.Join(file, "known.yaml")}, {"compare", "builtin", "b=builtin", "--out", file}, {"load", "--out", file},
	} {
		status, stdout, stderr := devicegrant(append(line, "--set", "base_url=http://127.0.0.1:1")...)
		if line[0] == "compare" {
			status, stdout, stderr = devicegrant(line...)
		}
		if status != report.ExitUsage || !strings.Contains(stderr, "--"+strings.TrimPrefix(line[len(line)-2], "--")) || stdout != "" {
			t.Errorf("%v: status %d, %q %q", line, status, stdout, stderr)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file became %q (%v)", text, err)
	}
}

// TestDeliveryGoesOn: one form that cannot be written stops no other, and is
// named; the exit status says that something is missing.
func TestDeliveryGoesOn(t *testing.T) {
	dir := t.TempDir()
	for _, taken := range []string{"report.html", "junit.xml"} {
		if err := os.MkdirAll(filepath.Join(dir, taken, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out := &delivery{dir: dir, stdout: io.Discard}
	text := func(w io.Writer) error { _, err := io.WriteString(w, "text"); return err }
	if out.file("report.html", text) != "" || out.file("b.txt", text) == "" || out.file("c.txt", func(io.Writer) error { return errors.New("no words") }) != "" {
		t.Error("what was written and what was not")
	}
	err := out.status(report.ExitFailed)
	var unwritten *unwrittenError
	if !errors.As(err, &unwritten) || exitCode(err) != report.ExitUnknown || !strings.Contains(err.Error(), "report.html") || !strings.Contains(err.Error(), "no words") || !strings.Contains(err.Error(), "status 1") {
		t.Errorf("%v", err)
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "c.txt" {
			t.Errorf("%s is left", e.Name())
		}
	}
	if path := out.rescue("result.json", text); path == "" {
		t.Error("nothing was rescued")
	} else {
		os.RemoveAll(filepath.Dir(path))
	}
}

// TestUnreachedTarget: also a run that could not begin leaves a result, which
// says why.
func TestUnreachedTarget(t *testing.T) {
	dir := t.TempDir()
	status, _, stderr := devicegrant("run", "--set", "base_url=http://127.0.0.1:1", "--browser", "none", "--out", dir, "3.1")
	if status != report.ExitUnknown || !strings.Contains(stderr, "cannot be reached") {
		t.Fatalf("status %d: %s", status, stderr)
	}
	r, err := report.Read(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost == "" || r.Counts.Inconclusive == 0 || r.Counts.Pass != 0 || r.ExitCode != report.ExitUnknown {
		t.Errorf("lost %q, %+v", r.Lost, r.Counts)
	}
	if _, err := os.Stat(filepath.Join(dir, "report.html")); err != nil {
		t.Error(err)
	}
}
