package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
	"github.com/devicegrant/devicegrant/testdata/targets"
)

// runLimit is when a run of the program is taken to hang. One takes less than a
// minute on a machine at rest.
const runLimit = 30 * time.Minute

// targetsFolder is where the real servers are described.
var targetsFolder = filepath.Join("..", "..", "testdata", "targets")

// losesScopes is what Glewlwyd prints when a person confirms a code whose scopes
// it has stored with another: it asks its database for the last row's number
// after the row is in, and a login at that moment has put in one of its own. One
// code in ten is lost where logins never pause. The page says "error", and that
// the suite finds out nothing from it is right.
const losesScopes = "callback_oidc_device_verification - Error validate_device_auth_user_code"

// serversVariable names the servers that are judged, separated by blanks. make
// test names one more each time, make servers all.
const serversVariable = "DEVICEGRANT_TEST_SERVERS"

// mostWrong is how many verdicts of ours on the real servers are known to be
// wrong, see the entries "wrong" in their verdicts.yaml. It only ever falls.
const mostWrong = 0

// TestRealServers judges servers that nobody here wrote, in a real browser. A
// change of the suite that accuses them of more, or of less, has to be argued in
// a verdicts.yaml.
//
// With -update each whose verdicts are as argued is also put under a small load,
// and its recordings are replaced.
func TestRealServers(t *testing.T) {
	if raceEnabled {
		t.Skip("the runs are processes of their own, which the race detector does not see; make test has them without it")
	}
	notShort(t, "whole runs in a browser")
	needBrowser(t)
	t.Parallel()
	for _, name := range strings.Fields(cmp.Or(os.Getenv(serversVariable), "oidc-provider glewlwyd")) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			server := targets.Named(t, name).Start(t)
			started := time.Since(began)
			result := judgeServer(t, name, server, binary(t))
			counts := map[rules.Verdict]int{}
			for _, c := range result.Checks {
				counts[c.Verdict]++
			}
			t.Logf("ready after %.1f s, %d MB; %v; %s", started.Seconds(), server.Memory()>>20, counts, machineOf(result))
			if *update && !t.Failed() {
				record(t, name, result)
				loadServer(t, name, server)
			}
		})
	}
}

// judgeServer runs the program against the server, and looks at every verdict.
func judgeServer(t *testing.T, name string, server *targets.Server, program ...string) report.Result {
	t.Helper()
	out := t.ArtifactDir()
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	// What a profile's baseline knows is argued here like the rest.
	args := append(program[1:len(program):len(program)], "run", "--no-baseline", "--allow-lockouts", "--out", out)
	cmd := exec.CommandContext(ctx, program[0], append(args, server.Args...)...)
	cmd.Env = server.Environ()
	printed, _ := cmd.CombinedOutput() // the exit status follows from the verdicts
	if _, err := os.Stat(filepath.Join(out, "result.json")); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	result := readResult(t, out)
	// Chance decides which checks Glewlwyd's fault meets.
	met := map[string]bool{}
	for _, c := range result.Checks {
		if c.Verdict == rules.Inconclusive && strings.Contains(c.Reason, string(transcript.ErrorPage)) && strings.Contains(server.Log(), losesScopes) {
			t.Logf("%s: %s, and the server says why: %s", c.ID, c.Reason, losesScopes)
			met[c.ID] = true
		}
	}
	for _, fault := range verdictsOf(t, name).Compare(result.Checks) {
		if id, _, _ := strings.Cut(fault, ":"); !met[id] {
			t.Error(fault)
		}
	}
	if got, want := cmd.ProcessState.ExitCode(), report.ExitCode(result, report.Policy{}); got != want {
		t.Errorf("exit status %d, want %d\n%s", got, want, printed)
	}
	if !*update {
		sameAsRecorded(t, name, result, met)
	}
	for _, secret := range server.Env {
		if strings.Contains(string(printed), secret) {
			t.Error("a secret was printed")
		}
	}
	return result
}

// sameAsRecorded: the driver, and the verdicts of what needs no argument, are
// those of the recorded run, but for what chance met.
func sameAsRecorded(t *testing.T, name string, result report.Result, met map[string]bool) {
	t.Helper()
	recorded, err := report.Read(filepath.Join(recordedRuns, name+".json.gz"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if result.Target.Driver != recorded.Target.Driver {
		t.Errorf("the driver was %s, and not %s", result.Target.Driver, recorded.Target.Driver)
	}
	was := map[string]rules.Verdict{}
	for _, c := range recorded.Checks {
		was[c.ID] = c.Verdict
	}
	verdicts := verdictsOf(t, name)
	for _, c := range result.Checks {
		// A requirement that is younger than the recording has to be argued only.
		_, known := was[c.ID]
		if _, argued := verdicts.Of(c.ID); known && !argued && !met[c.ID] && c.Verdict != was[c.ID] {
			t.Errorf("%s: %s (%s), in the recorded run %s", c.ID, c.Verdict, c.Reason, was[c.ID])
		}
	}
}

func verdictsOf(t *testing.T, name string) targets.Verdicts {
	t.Helper()
	verdicts, err := targets.ReadVerdicts(targetsFolder, name)
	if err != nil {
		t.Fatal(err)
	}
	return verdicts
}

// TestWrongVerdicts counts the verdicts of ours that are known to be wrong.
func TestWrongVerdicts(t *testing.T) {
	all, err := targets.All(targetsFolder)
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, target := range all {
		for _, a := range verdictsOf(t, target.Name).Argued {
			if a.Wrong != "" {
				t.Logf("%s: %s %s: %s", target.Name, a.Check, a.Verdict, a.Wrong)
				wrong++
			}
		}
	}
	switch {
	case wrong > mostWrong:
		t.Errorf("%d verdicts are wrong, more than %d", wrong, mostWrong)
	case wrong < mostWrong:
		t.Errorf("%d verdicts are wrong: lower mostWrong from %d", wrong, mostWrong)
	}
}

// machineOf says how long a run took, how the machine kept up, and what was late.
func machineOf(r report.Result) string {
	machine, _ := json.Marshal(r.Machine) // of numbers and strings
	return fmt.Sprintf("%.1f s; %s", float64(r.DurationMS)/1000, machine)
}

// needBrowser skips a test where there is no browser, but not in CI.
func needBrowser(t *testing.T) {
	t.Helper()
	if _, err := chromium.Find("", os.Getenv); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("make setup installs what is missing: %v", err)
	}
}
