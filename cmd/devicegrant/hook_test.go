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
	"github.com/devicegrant/devicegrant/suites/rules"
)

// hookScript decides at the control plane of the built-in server, and says what the
// server refused.
const hookScript = `#!/bin/bash
# hook.sh CONTROL USER_CODE approve|deny USERNAME
status=$(curl -sS -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
    -d "{\"user_code\":\"$2\",\"user\":\"$4\"}" "$1/$3") || exit 1
case $status in
200) ;;
404 | 409) echo "status $status"; exit 117 ;;
*) echo "status $status"; exit 1 ;;
esac
`

// TestHookIsEnough runs every check with a hook, at a server without a fault and at
// one whose denials do not arrive.
func TestHookIsEnough(t *testing.T) {
	notShort(t, "a whole run with a hook, and a part of one")
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	hook := filepath.Join(dir, "hook.sh")
	if err := os.WriteFile(hook, []byte(hookScript), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(out string, flags []string, selected ...string) report.Result {
		server, err := builtin.StartProcess(binary(t), flags...)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		command, err := json.Marshal([]string{hook, server.Control, "{user_code}", "{decision}", "{username}"})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(binary(t), append([]string{"run", "--set", "base_url=" + server.Issuer, "--set", "verification.drivers=[hook]",
			"--set", "verification.hook={command: " + string(command) + "}", "--out", filepath.Join(dir, out)}, selected...)...)
		cmd.Env = os.Environ()
		for name, value := range server.Secrets {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		said, _ := cmd.CombinedOutput() // the verdicts are judged below
		raw, err := os.ReadFile(filepath.Join(dir, out, "result.json"))
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		var result report.Result
		if err := json.Unmarshal(raw, &result); err != nil {
			t.Fatal(err)
		}
		return result
	}

	inconclusive := 0
	for _, c := range run("clean", []string{"--interval", "1s"}).Checks {
		switch c.Verdict {
		case rules.Fail, rules.Warn, rules.Broken:
			t.Errorf("%s: %s: %s", c.ID, c.Verdict, c.Reason)
		case rules.Inconclusive, rules.Skip:
			if c.Verdict == rules.Inconclusive {
				inconclusive++
				t.Logf("%s: %s", c.ID, c.Reason)
			} else if !strings.Contains(c.Reason, "hook") {
				t.Errorf("%s: the reason does not name the hook: %s", c.ID, c.Reason)
			}
		}
		if strings.Contains(c.Reason, "no browser was used") {
			t.Errorf("%s: %s", c.ID, c.Reason)
		}
	}
	if inconclusive > 5 {
		t.Errorf("%d checks are inconclusive, want 5 at most", inconclusive)
	}
	for _, c := range run("denial", []string{"--interval", "1s", "--fault", "M17"}, "POLL-08", "VERIFY-01", "VERIFY-03").Checks {
		if want := map[string]rules.Verdict{"POLL-08": rules.Fail, "VERIFY-01": rules.Pass, "VERIFY-03": rules.Pass}[c.ID]; want != "" && c.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", c.ID, c.Verdict, c.Reason, want)
		}
	}
}

// TestHookIsTried approves, denies and mistypes through a hook that tells of
// refusals, and through one that takes every code for approved.
func TestHookIsTried(t *testing.T) {
	notShort(t, "some visits, at the pace of people")
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip(err)
	}
	server, err := builtin.StartProcess(binary(t), "--interval", "1s")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, test := range []struct {
		name, script string
		status       int
		want         []string
	}{
		{"good", hookScript, 0, []string{"answer exit status 0", "approved; the device got a token", `denied; the device got "access_denied"`,
			"answer exit status 117: status 404", `code rejected; the device got "authorization_pending"`}},
		{"silent", strings.ReplaceAll(hookScript, "exit 117", "exit 0"), 1, []string{
			"did not end as it has to: approved", "never issued: let it"}},
	} {
		hook := filepath.Join(t.TempDir(), "hook.sh")
		if err := os.WriteFile(hook, []byte(test.script), 0o755); err != nil {
			t.Fatal(err)
		}
		command, err := json.Marshal([]string{hook, server.Control, "{user_code}", "{decision}", "{username}"})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(binary(t), "profile", "try", "builtin", "--driver", "hook", "--set", "base_url="+server.Issuer,
			"--set", "verification.hook={command: "+string(command)+"}", "--out", t.TempDir())
		cmd.Env = os.Environ()
		for name, value := range server.Secrets {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		said, _ := cmd.CombinedOutput() // the status is judged below
		if got := cmd.ProcessState.ExitCode(); got != test.status {
			t.Errorf("%s: status %d, want %d", test.name, got, test.status)
		}
		for _, want := range test.want {
			if !strings.Contains(string(said), want) {
				t.Errorf("%s: no %q in\n%s", test.name, want, said)
			}
		}
	}
	if status, _, stderr := devicegrant("profile", "try", "--driver", "hooks"); status != 2 || !strings.Contains(stderr, "browser, forms, hook, manual") {
		t.Errorf("a driver that there is not: status %d, %s", status, stderr)
	}
}
