package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/testdata/targets"
)

// recordedRuns are whole runs with a real browser, and recordedLoads what a
// load of 200 devices came to: TestRealServers writes them anew.
var (
	recordedRuns  = filepath.Join("..", "..", "testdata", "recordings", "runs")
	recordedLoads = filepath.Join("..", "..", "testdata", "recordings", "loads")
)

// TestRecordedRuns: the rules judge a recorded run as they did when it ran, and
// as it is argued in verdicts.yaml. The wording of a reason may change; verdicts,
// failures and warnings may not. With -update the verdicts of now are kept: they
// have to be argued, and `go run ./testdata/realservers` shows them in the table.
func TestRecordedRuns(t *testing.T) {
	if *update {
		out := t.TempDir()
		if printed, err := exec.Command(binary(t), "run", "--quiet", "--out", out).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		record(t, "builtin", readResult(t, out))
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
		again, err := suites.Judge(live, report.Policy{}, true)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(again.Checks) != len(live.Checks) {
			t.Fatalf("%s: %d checks are judged, %d were recorded", file, len(again.Checks), len(live.Checks))
		}
		for i, was := range live.Checks {
			if is := again.Checks[i]; is.Verdict != was.Verdict || !slices.Equal(faultsOf(is), faultsOf(was)) {
				change := fmt.Sprintf("%s: %s: %s %v (%s), in the run it was %s %v (%s)", filepath.Base(file), was.ID, is.Verdict, faultsOf(is), is.Reason, was.Verdict, faultsOf(was), was.Reason)
				if *update {
					t.Log(change)
				} else {
					t.Error(change)
				}
			}
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		if name == "builtin" {
			continue
		}
		for _, fault := range verdictsOf(t, name).Compare(again.Checks) {
			t.Errorf("%s: %s", name, fault)
		}
		if *update {
			record(t, name, again)
		}
	}
}

// TestBaselineOfGlewlwyd: the shipped profile's baseline is what the recorded run
// shows, and nothing of it is gone.
func TestBaselineOfGlewlwyd(t *testing.T) {
	run, err := report.Read(filepath.Join(recordedRuns, "glewlwyd.json.gz"), nil)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := profiles.Load("glewlwyd", profiles.Options{NoSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.ApplyBaseline(run.Checks, profile.Baseline, run.Started) {
		if slices.Contains([]rules.Verdict{rules.Fail, rules.Inconclusive, report.Fixed}, c.Verdict) || len(c.Stale) > 0 {
			t.Errorf("%s: %s %v %v", c.ID, c.Verdict, faultsOf(c), c.Stale)
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

// record replaces a run's recording.
func record(t *testing.T, name string, result report.Result) {
	t.Helper()
	packed, err := pack(t, result)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(recordedRuns, name+".json.gz"), packed, 0o644); err != nil {
		t.Fatal(err)
	}
}

// pack is a value as JSON, compressed, without a time of compression, and without
// the paths of this machine.
func pack(t *testing.T, value any) ([]byte, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{root, filepath.Dir(t.TempDir())} {
		plain = bytes.ReplaceAll(plain, []byte(folder+string(filepath.Separator)), nil)
	}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is a valid one
	_, _ = w.Write(plain)                                      // into memory
	_ = w.Close()
	return packed.Bytes(), nil
}

// loadServer puts a small load on the server, and keeps what the run measured.
func loadServer(t *testing.T, name string, server *targets.Server) {
	t.Helper()
	out := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	args := append([]string{"load", "--out", out, "--no-progress", "--devices", "200", "--duration", "30s"}, server.Args...)
	cmd := exec.CommandContext(ctx, binary(t), append(args, targets.Named(t, name).Load...)...)
	cmd.Env = server.Environ()
	printed, _ := cmd.CombinedOutput() // a missed threshold is a figure, and no fault of the test
	result := readLoad(t, out)
	t.Logf("load: %s, %d devices with codes, %d tokens, ledger clean: %v", result.Verdict, result.Devices.Issued, result.Ledger.Tokens, result.Ledger.Clean)
	if result.Approvals.Failed > 0 || result.Verdict == loadgen.Invalid {
		t.Logf("%s", printed)
	}
	packed, err := pack(t, result)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(recordedLoads, name+".json.gz"), packed, 0o644); err != nil {
		t.Fatal(err)
	}
}

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
