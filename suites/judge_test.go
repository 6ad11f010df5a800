package suites

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// TestJudgeAgrees: rules that are applied again to what a run wrote say what
// they said in the run, also where what they need was redacted: the run noted
// it before.
func TestJudgeAgrees(t *testing.T) {
	t.Parallel()
	run := wholeRun(t)
	for name, live := range map[string]report.Result{"redacted": run.redacted, "unredacted": run.unredacted} {
		t.Run(name, func(t *testing.T) {
			written, err := json.Marshal(live)
			if err != nil {
				t.Fatal(err)
			}
			var read report.Result
			if err := json.Unmarshal(written, &read); err != nil {
				t.Fatal(err)
			}
			again, err := Judge(read, report.Policy{}, false)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range live.Checks {
				got := again.Checks[i]
				if got.Verdict == want.Verdict && got.ID == want.ID {
					continue
				}
				t.Errorf("%s: %s (%s), in the run it was %s (%s)", want.ID, got.Verdict, got.Reason, want.Verdict, want.Reason)
			}
		})
	}
}

// TestJudgeWithoutFacts: what was redacted and not noted is inconclusive, and
// never anything else.
func TestJudgeWithoutFacts(t *testing.T) {
	t.Parallel()
	live := wholeRun(t).redacted
	recorded := *live.Recorded
	recorded.Facts = rules.Facts{}
	live.Recorded = &recorded
	again, err := Judge(live, report.Policy{}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range again.Checks {
		if (c.ID == "SEC-02" || c.ID == "TOKEN-15") && c.Verdict != rules.Inconclusive {
			t.Errorf("%s: %s (%s)", c.ID, c.Verdict, c.Reason)
		}
	}
}

func TestJudgeNeedsARecording(t *testing.T) {
	if _, err := Judge(report.Result{}, report.Policy{}, false); err == nil {
		t.Error("a result without a recording is judged")
	}
}

// TestNobodyOpensABrowser: without a browser, a profile whose pages are opened by
// hand is judged by what needs no person.
func TestNobodyOpensABrowser(t *testing.T) {
	t.Parallel()
	profile := startBuiltin(t, fastClock)
	profile.Verification.Drivers = []string{"manual"}
	result, err := Run(context.Background(), Options{Profile: profile, ClockRate: fastClock, Browser: "none", Seed: 1, Select: []string{"DA-01", "VERIFY-01"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range result.Checks {
		if want := map[string]rules.Verdict{"DA-01": rules.Pass, "VERIFY-01": rules.Skip}[check.ID]; want != "" && check.Verdict != want {
			t.Errorf("%s: %s (%s)", check.ID, check.Verdict, check.Reason)
		}
	}
}
