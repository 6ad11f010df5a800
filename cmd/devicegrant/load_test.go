package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/testdata/targets"
)

// loadRun carries out `devicegrant load` and reads its load.json.
func loadRun(t *testing.T, args ...string) (status int, output string, r loadgen.Result) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(binary(t), append([]string{"load", "--out", dir, "--no-progress"}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), readLoad(t, dir)
}

func readLoad(t *testing.T, dir string) (r loadgen.Result) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "load.json"))
	if errors.Is(err, os.ErrNotExist) {
		return r
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLoadBuiltin: the verb with the built-in server, which is a process of its
// own. Whether the generator was in time depends on the machine; the ledger and
// the counts do not.
func TestLoadBuiltin(t *testing.T) {
	notShort(t, "fourteen seconds of load")
	t.Parallel()
	status, output, r := loadRun(t, "--devices", "60", "--duration", "14s", "--warm-up", "0s", "--threshold", "tokens count>0", "--threshold", "slow_down_obedient count==0")
	if status != loadgen.ExitHeld && r.Verdict != loadgen.Invalid {
		t.Errorf("status %d\n%s", status, output)
	}
	if !r.Ledger.Clean || r.Ledger.Tokens == 0 || r.Approvals.Failed > 0 || r.SlowDown.Obedient.SlowDowns > 0 || r.Target.Kind != "simulated" {
		t.Errorf("%+v\n%s", r, output)
	}
	if !strings.Contains(output, "ledger        clean") {
		t.Error(output)
	}
}

// TestLoadCatches: codes that are redeemed twice are found by greedy devices,
// with what the device saw, and nothing that was secret.
func TestLoadCatches(t *testing.T) {
	notShort(t, "half a minute of load")
	t.Parallel()
	status, output, r := loadRun(t, "--workload", "greedy", "--fault", "M01", "--devices", "30", "--duration", "25s", "--drain", "5s")
	if status != loadgen.ExitMissed || r.Ledger.Clean || r.Ledger.Violations[0].Code != "two-tokens" {
		t.Fatalf("status %d, %+v\n%s", status, r.Ledger, output)
	}
	e := r.Ledger.Violations[0].Examples[0]
	if len(e.Exchanges) < 2 || len(e.History) < 3 || !strings.Contains(e.Exchanges[0].Response, "[redacted:") || !strings.Contains(e.Exchanges[0].Request, "device_code=[redacted:") {
		t.Errorf("%+v", e)
	}
}

// TestLoadInterrupted: an interrupt ends a run in order, with its report; a
// generator that was stopped says that it was.
func TestLoadInterrupted(t *testing.T) {
	notShort(t, "eight seconds of load")
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(binary(t), "load", "--devices", "50", "--duration", "5m", "--warm-up", "0s", "--out", dir, "--no-progress", "--metrics", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The first line of figures says that it is under way.
	var said strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(said.String(), "polls/s") {
		n, err := out.Read(buffer)
		said.Write(buffer[:n])
		if err != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
	}
	_, rest, _ := strings.Cut(said.String(), "metrics  ")
	address, _, _ := strings.Cut(rest, "\n")
	figures := func() string {
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if !eventually(func() bool {
		return strings.Contains(figures(), `devicegrant_requests_total{answer="codes",kind="issue"} 50`)
	}) {
		t.Errorf("fifty codes were not issued:\n%s", figures())
	}
	signal := func(s os.Signal) {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	time.Sleep(time.Second)
	signal(syscall.SIGCONT)
	// It counts the second when it looks at the clock again, as its figures do.
	elapsed := regexp.MustCompile(`(?m)^devicegrant_elapsed_seconds .*`)
	for range 2 {
		before := elapsed.FindString(figures())
		if !eventually(func() bool { return elapsed.FindString(figures()) != before }) {
			t.Errorf("it did not go on:\n%s", figures())
		}
	}
	signal(os.Interrupt)
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // its status is looked at below
	r := readLoad(t, dir)
	if cmd.ProcessState.ExitCode() != loadgen.ExitInterrupted || !r.Interrupted || r.Verdict != loadgen.Stopped {
		t.Errorf("status %d, %s", cmd.ProcessState.ExitCode(), r.Verdict)
	}
	if r.Validity.Valid || r.Generator.LongestGapMS < 900 {
		t.Errorf("the generator stood still for a second: %+v, gap %g ms", r.Validity, r.Generator.LongestGapMS)
	}
}

// TestLoadRefuses: mistakes show before anything is sent.
func TestLoadRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"unknown workload":      {"--workload", "stedy"},
		"i-may-load":            {"--profile", "custom", "--set", "base_url=https://idp.example.com"},
		"is not valid":          {"--threshold", "fast"},
		"open files":            {"--connections", "100000000"},
		"not on loopback":       {"--metrics", "0.0.0.0:9464"},
		"for the built-in":      {"--profile", "custom", "--fault", "M01"},
		"there is no fault":     {"--fault", "M99"},
		"leaves nothing of":     {"--warm-up", "2h"},
		"no-such.yaml":          {"--profile", "no-such.yaml"},
		"the plan: open no-suc": {"--plan", "no-such.yaml"},
	} {
		if want == "i-may-load" {
			continue // it would have to be found first: see loadgen.TestWhereLoadMayGo
		}
		status, output, _ := loadRun(t, args...)
		if status != 2 || !strings.Contains(output, want) {
			t.Errorf("%v: status %d, %q is not in\n%s", args, status, want, output)
		}
	}
}

// TestLoadRealServers: two servers that nobody here wrote, with a load that
// they bear. Their ledgers are clean, and nobody who obeys is slowed down.
func TestLoadRealServers(t *testing.T) {
	notShort(t, "servers of somebody else's")
	t.Parallel()
	for _, test := range []struct {
		name  string
		start func(testing.TB, targets.Options) *targets.Server
		args  []string
	}{
		{"oidc-provider", targets.OIDCProvider, []string{"--approver", "forms", "--approve", "0.5"}},
		// Its pages are a script application, and forms run no scripts.
		{"glewlwyd", targets.Glewlwyd, []string{"--approve", "0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := test.start(t, targets.Options{})
			args := append([]string{"load", "--out", t.TempDir(), "--no-progress", "--profile", server.Profile, "--set", "base_url=" + server.BaseURL,
				"--devices", "40", "--duration", "20s", "--warm-up", "0s", "--threshold", "slow_down_obedient count==0"}, test.args...)
			cmd := exec.Command(binary(t), args...)
			cmd.Env = os.Environ()
			for name, value := range server.Env {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			output, _ := cmd.CombinedOutput() // the status is looked at below
			r := readLoad(t, args[2])
			if r.Verdict != loadgen.Held && r.Verdict != loadgen.Invalid {
				t.Errorf("status %d\n%s", cmd.ProcessState.ExitCode(), output)
			}
			if !r.Ledger.Clean || r.Devices.Issued < 40 || r.SlowDown.Obedient.SlowDowns > 0 || r.Approvals.Failed > r.Approvals.Done {
				t.Errorf("%+v %+v\n%s", r.Devices, r.Approvals, output)
			}
			if test.name == "oidc-provider" && r.Ledger.Tokens == 0 {
				t.Errorf("no token\n%s", output)
			}
		})
	}
}
