package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/testdata/targets"
)

// recordedRuns are whole runs with a real browser, unredacted: all three
// servers lived for one run, and nothing in the files is a secret any more.
var recordedRuns = filepath.Join("..", "..", "testdata", "recordings", "runs")

// TestRecordedRuns: the rules judge a recorded run as they did when it ran. The
// wording of a reason may change; verdicts, failures and warnings may not.
func TestRecordedRuns(t *testing.T) {
	if *update {
		recordRuns(t)
	}
	files, err := filepath.Glob(filepath.Join(recordedRuns, "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		live, err := report.Read(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := suites.Judge(live, report.Policy{}, false)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for i, was := range live.Checks {
			if is := again.Checks[i]; is.Verdict != was.Verdict || !slices.Equal(faultsOf(is), faultsOf(was)) {
				t.Errorf("%s: %s: %s %v (%s), in the run it was %s %v (%s)", filepath.Base(file), was.ID, is.Verdict, faultsOf(is), is.Reason, was.Verdict, faultsOf(was), was.Reason)
			}
		}
	}
}

func faultsOf(c report.Check) (codes []string) {
	for _, f := range c.Findings {
		if f.Severity != rules.Info {
			codes = append(codes, string(f.Severity)+" "+f.Code)
		}
	}
	return codes
}

// recordRuns writes the recordings anew.
func recordRuns(t *testing.T) {
	record := func(name string, env map[string]string, args ...string) {
		out := t.TempDir()
		ctx, cancel := context.WithTimeout(context.Background(), runLimit)
		defer cancel()
		cmd := exec.CommandContext(ctx, binary(t), append([]string{"run", "--unredacted", "--quiet", "--out", out}, args...)...)
		cmd.Env = os.Environ()
		for variable, value := range env {
			cmd.Env = append(cmd.Env, variable+"="+value)
		}
		if printed, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, printed)
		}
		plain, err := os.ReadFile(filepath.Join(out, "result.json"))
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is a valid one
		_, _ = w.Write(plain)                                      // into memory
		_ = w.Close()
		if err := os.MkdirAll(recordedRuns, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(recordedRuns, name+".json.gz"), packed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	record("builtin", nil)
	for name, start := range map[string]func(testing.TB, targets.Options) *targets.Server{"oidc-provider": targets.OIDCProvider, "glewlwyd": targets.Glewlwyd} {
		server := start(t, targets.Options{})
		brief := start(t, targets.Options{ExpiresIn: briefLifetime[name], Interval: 3, Secrets: server.Env})
		record(name, server.Env, "--profile", server.Profile, "--set", "base_url="+server.BaseURL, "--set", "vars.expiry_url="+brief.BaseURL)
	}
}

// briefLifetime is how many seconds the codes of a server live that stands in
// for it in the checks of expiry.
var briefLifetime = map[string]int{"oidc-provider": 24, "glewlwyd": 45}

func TestJudgeRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	for content, want := range map[string]string{
		"":                                   "is not a result.json",
		"[1]":                                "is not a result.json",
		`{"schema":"other/1"}`:               "its schema is",
		`{"schema":"` + report.Schema + `"}`: "cannot be judged again",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr strings.Builder
		if code := execute(context.Background(), []string{"judge", file}, &stdout, &stderr); code != report.ExitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("%q: exit %d, %s", content, code, stderr.String())
		}
	}
}
