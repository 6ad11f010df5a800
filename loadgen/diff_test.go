package loadgen

import (
	"encoding/json"
	"fmt"
	"testing"
)

// loaded is a run with the figures that matter here.
func loaded(p99, polls float64, slowed int) Result {
	r := Result{Verdict: Held, PlanText: json.RawMessage(`{}`)}
	r.Validity.Valid = true
	r.Latencies = []Latency{{Kind: "poll", Answer: "pending"}, {Kind: "poll", Quantiles: Quantiles{Count: 1, P50MS: 1, P99MS: p99}}}
	r.Rates.PollsIntended, r.Rates.PollsAnswered = polls, polls
	r.SlowDown.ObedientDevices = slowed
	return r
}

func TestDiffRuns(t *testing.T) {
	worse := func(d RunDifference) (names []string) {
		for _, f := range d.Figures {
			if f.Worse {
				names = append(names, f.Name)
			}
		}
		return names
	}
	was := loaded(100, 1000, 0)
	for _, x := range []struct {
		is         Result
		tolerances map[string]float64
		want       string
	}{
		{loaded(100, 1000, 0), nil, "[]"},
		{loaded(124, 901, 0), nil, "[]"},
		{loaded(126, 1000, 0), nil, "[poll_latency_p99]"},
		{loaded(100, 899, 0), nil, "[polls_answered]"},
		{loaded(10, 9000, 0), nil, "[]"},
		{loaded(100, 1000, 1), nil, "[obedient_devices_slowed_down]"},
		{loaded(111, 1000, 0), map[string]float64{"poll_latency_p99": 0.1}, "[poll_latency_p99]"},
	} {
		d := DiffRuns(was, x.is, x.tolerances)
		if got := fmt.Sprint(worse(d)); got != x.want || d.Worse() != (x.want != "[]") {
			t.Errorf("%+v: %s, want %s", x.is.Rates, got, x.want)
		}
	}
	// A small figure may grow by its least, whatever its share is.
	if d := DiffRuns(loaded(2, 1000, 0), loaded(6.9, 1000, 0), nil); d.Worse() {
		t.Errorf("%+v", d.Figures)
	}
	other := loaded(100, 1000, 0)
	other.PlanText, other.Verdict, other.Validity.Valid = json.RawMessage(`{"devices":2}`), Invalid, false
	if d := DiffRuns(was, other, nil); len(d.Notes) != 1 || d.Invalid == "" {
		t.Errorf("%+v", d)
	}
	was.Thresholds, other.Thresholds = []ThresholdResult{{Text: "a", OK: true}, {Text: "b"}}, []ThresholdResult{{Text: "a"}, {Text: "b"}}
	if d := DiffRuns(was, other, nil); fmt.Sprint(d.Broken) != "[a]" {
		t.Errorf("%+v", d)
	}
}

func TestParseTolerances(t *testing.T) {
	got, err := ParseTolerances([]string{"poll_latency_p99=10%", "issued=0.5"})
	if err != nil || got["poll_latency_p99"] != 0.1 || got["issued"] != 0.5 {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "poll_latency_p99", "issued=-1", "issued=NaN", "p99=1"} {
		if _, err := ParseTolerances([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
