package main

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/testdata/targets"
)

// TestStress makes one run each of the built-in server and of two real ones, all
// at the same time, in a browser each, and all on one core. The verdicts have to
// be those of a machine at rest. make stress runs it beside busy loops, too.
func TestStress(t *testing.T) {
	if os.Getenv("DEVICEGRANT_TEST_STRESS") == "" {
		t.Skip("make stress runs this")
	}
	needBrowser(t)
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		t.Skip(err)
	}
	onOneCore := []string{taskset, "-c", "0", binary(t)}
	t.Run("all at once", func(t *testing.T) {
		t.Run("builtin", func(t *testing.T) {
			t.Parallel()
			out := t.ArtifactDir()
			ctx, cancel := context.WithTimeout(context.Background(), runLimit)
			defer cancel()
			printed, err := exec.CommandContext(ctx, onOneCore[0], append(onOneCore[1:len(onOneCore):len(onOneCore)], "run", "--out", out, "-v")...).CombinedOutput()
			result := readResult(t, out)
			want := map[string]rules.Verdict{"POLL-19": rules.Info, "LOAD-02": rules.Info, "SEC-01": rules.NA, "EXT-08": rules.NA}
			for _, c := range result.Checks {
				if w, listed := want[c.ID]; listed && c.Verdict != w || !listed && c.Verdict != rules.Pass {
					t.Errorf("%s: %s (%s)", c.ID, c.Verdict, c.Reason)
				}
			}
			if err != nil {
				t.Errorf("%v\n%s", err, printed)
			}
			t.Log(machineOf(result))
		})
		for _, name := range []string{"oidc-provider", "glewlwyd"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				t.Log(machineOf(judgeServer(t, name, targets.Named(t, name).Start(t), onOneCore...)))
			})
		}
	})
}
