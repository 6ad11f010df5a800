package loadgen

import (
	"strings"
	"testing"
)

func TestParseThreshold(t *testing.T) {
	for text, want := range map[string]threshold{
		"poll_latency p(99)<250ms":        {metric: "poll_latency", aggregate: "p", quantile: 99, operator: "<", limit: 250},
		"time_to_token p(99.9) <= 1.5s":   {metric: "time_to_token", aggregate: "p", quantile: 99.9, operator: "<=", limit: 1500},
		"errors rate<0.001 abort":         {metric: "errors", aggregate: "rate", operator: "<", limit: 0.001, abort: true},
		"ledger_violations count==0":      {metric: "ledger_violations", aggregate: "count", operator: "==", limit: 0},
		"polls rate>=1000":                {metric: "polls", aggregate: "rate", operator: ">=", limit: 1000},
		"issue_latency avg<2m":            {metric: "issue_latency", aggregate: "avg", operator: "<", limit: 120_000},
		"slow_down_obedient count!=1":     {metric: "slow_down_obedient", aggregate: "count", operator: "!=", limit: 1},
		"  poll_latency max>10us abort  ": {metric: "poll_latency", aggregate: "max", operator: ">", limit: 0.01, abort: true},
	} {
		got, err := parseThreshold(text)
		want.text = strings.TrimSpace(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "p(99)<250ms", "poll_latency p(99)<250", "poll_latency rate<1ms", "errors p(99)<1", "errors rate<1ms",
		"nothing rate<1", "poll_latency p(101)<1s", "poll_latency p(99)=1s", "errors rate<0.001 stop", "errors rate<0.0.1"} {
		if got, err := parseThreshold(text); err == nil {
			t.Errorf("%q is accepted: %+v", text, got)
		}
	}
}

// FuzzThreshold: a plan's text never panics, and what is accepted can be judged.
func FuzzThreshold(f *testing.F) {
	for _, text := range []string{"poll_latency p(99)<250ms", "errors rate<0.001 abort", "polls rate>1e3", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := parseThreshold(text); err == nil {
			got.judge(&measurement{tally: newTally(), seconds: 1})
		}
	})
}

// TestJudgeThreshold: what was not measured is neither met nor missed.
func TestJudgeThreshold(t *testing.T) {
	m := &measurement{tally: newTally(), seconds: 10, violations: 2}
	m.tally.Measured[kindPoll][outcomePending] = 990
	m.tally.Measured[kindPoll][outcomeTimedOut] = 10
	for i := range 1000 {
		observe(m.tally.histogram(kindPoll, outcomePending), int64(i)*1e6)
	}
	for text, want := range map[string]struct{ ok, measured bool }{
		"poll_latency p(99)<995ms":   {true, true},
		"poll_latency p(99)<980ms":   {false, true},
		"poll_latency count==1000":   {true, true},
		"issue_latency p(99)<1s":     {false, false},
		"errors rate<0.01":           {false, true},
		"errors rate<=0.01":          {true, true},
		"timeouts count==10":         {true, true},
		"polls rate==99":             {true, true},
		"slow_down_obedient rate==0": {false, false},
		"ledger_violations count==0": {false, true},
	} {
		threshold, err := parseThreshold(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := threshold.judge(m); got.OK != want.ok || got.Measured != want.measured {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
