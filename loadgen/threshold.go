package loadgen

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// threshold is one line of a plan: METRIC AGGREGATE OPERATOR NUMBER [abort].
//
//	poll_latency p(99)<250ms
//	errors rate<0.001 abort
//	slow_down_obedient count==0
type threshold struct {
	text      string
	metric    string
	aggregate string
	quantile  float64 // of p(N), in percent
	operator  string
	limit     float64 // milliseconds for durations
	abort     bool
}

// The metrics, by what can be asked of them.
var (
	trends   = []string{"poll_latency", "issue_latency", "time_to_token", "token_excess"}
	shares   = []string{"errors", "timeouts", "slow_down", "slow_down_obedient", "grants_forgotten"}
	counters = []string{"polls", "issued", "tokens", "ledger_violations", "approvals_failed"}
)

var thresholdForm = regexp.MustCompile(`^([a-z_]+) *(p\(([0-9.]+)\)|avg|med|max|min|rate|count) *(<=|>=|==|!=|<|>) *([0-9.]+) *(us|µs|ms|s|m)?( +abort)?$`)

// parseThreshold reads a line of a plan.
func parseThreshold(text string) (t threshold, err error) {
	m := thresholdForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return t, fmt.Errorf("the threshold %q is not understood: write for example %q, %q or %q", text,
			"poll_latency p(99)<250ms", "errors rate<0.001 abort", "polls rate>1000")
	}
	t = threshold{text: strings.TrimSpace(text), metric: m[1], aggregate: m[2], operator: m[4], abort: m[7] != ""}
	if m[3] != "" {
		t.aggregate = "p"
		if t.quantile, err = strconv.ParseFloat(m[3], 64); err != nil || t.quantile > 100 {
			return t, fmt.Errorf("the threshold %q asks for the percentile %s", text, m[3])
		}
	}
	if t.limit, err = strconv.ParseFloat(m[5], 64); err != nil {
		return t, fmt.Errorf("the threshold %q has no number: %w", text, err)
	}
	allowed, unit := "", ""
	switch {
	case contains(trends, t.metric):
		allowed, unit = "p avg med max min count", m[6]
		if t.aggregate != "count" && unit == "" {
			return t, fmt.Errorf("the threshold %q has no unit: write %s%s%s%sms, say", text, t.metric+" ", m[2], t.operator, m[5])
		}
	case contains(shares, t.metric), contains(counters, t.metric):
		allowed = "rate count"
		if m[6] != "" {
			return t, fmt.Errorf("the threshold %q: %s has no unit of time", text, t.metric)
		}
	default:
		return t, fmt.Errorf("the threshold %q is about an unknown metric: there are %s", text,
			strings.Join(append(append(append([]string{}, trends...), shares...), counters...), ", "))
	}
	if !contains(strings.Fields(allowed), t.aggregate) {
		return t, fmt.Errorf("the threshold %q: %s has %s", text, t.metric, strings.ReplaceAll(allowed, "p ", "p(N) "))
	}
	if unit != "" {
		d, err := time.ParseDuration(m[5] + unit)
		if err != nil {
			return t, fmt.Errorf("the threshold %q: %w", text, err)
		}
		t.limit = float64(d) / 1e6
	}
	return t, nil
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

// judge compares what was measured with the threshold.
func (t *threshold) judge(m *measurement) ThresholdResult {
	r := ThresholdResult{Text: t.text}
	value, unit, measured := t.value(m)
	r.Measured = measured
	if !measured {
		r.Observed = "nothing was measured"
		return r
	}
	r.Value = math.Round(value*1e6) / 1e6
	r.Observed = strconv.FormatFloat(math.Round(value*1e4)/1e4, 'f', -1, 64) + unit
	switch t.operator {
	case "<":
		r.OK = value < t.limit
	case "<=":
		r.OK = value <= t.limit
	case ">":
		r.OK = value > t.limit
	case ">=":
		r.OK = value >= t.limit
	case "==":
		r.OK = value == t.limit
	case "!=":
		r.OK = value != t.limit
	}
	return r
}

// measurement is what thresholds are held against: all shards together.
type measurement struct {
	tally      *tally
	seconds    float64 // of the measured window
	violations int
	failed     int // approvals
}

func (t *threshold) value(m *measurement) (value float64, unit string, ok bool) {
	ty := m.tally
	var h *hdrhistogram.Histogram
	switch t.metric {
	case "poll_latency":
		h = ty.all(kindPoll)
	case "issue_latency":
		h = ty.all(kindIssue)
	case "time_to_token":
		h = ty.timeToToken
	case "token_excess":
		h = ty.excess
	}
	if h != nil {
		if t.aggregate == "count" {
			return float64(h.TotalCount()), "", true
		}
		if h.TotalCount() == 0 {
			return 0, "", false
		}
		switch t.aggregate {
		case "avg":
			value = h.Mean()
		case "med":
			value = float64(h.ValueAtQuantile(50))
		case "max":
			value = float64(h.Max())
		case "min":
			value = float64(h.Min())
		default:
			value = float64(h.ValueAtQuantile(t.quantile))
		}
		return value / 1000, "ms", true
	}
	count, of, share := t.count(m)
	switch {
	case t.aggregate == "count":
		return float64(count), "", true
	case share:
		return float64(count) / float64(max(1, of)), "", of > 0
	}
	return float64(count) / max(m.seconds, 1e-9), "/s", m.seconds > 0
}

// count is what is counted, and of how many if it is a share.
func (t *threshold) count(m *measurement) (count, of int64, share bool) {
	ty := m.tally
	all := func(k kind, want func(outcome) bool) (n int64) {
		for o := range outcomes {
			if want(o) {
				n += ty.measured[k][o]
			}
		}
		return n
	}
	any := func(outcome) bool { return true }
	both := func(want func(outcome) bool) int64 { return all(kindIssue, want) + all(kindPoll, want) }
	switch t.metric {
	case "errors":
		return both(outcome.failed), both(any), true
	case "timeouts":
		return both(func(o outcome) bool { return o == outcomeTimedOut }), both(any), true
	case "slow_down":
		return ty.measured[kindPoll][outcomeSlowDown], all(kindPoll, outcome.answered), true
	case "slow_down_obedient":
		return ty.paces[inTime].SlowDowns, ty.paces[inTime].Polls, true
	case "grants_forgotten":
		return int64(ty.census.Forgotten), int64(ty.census.Issued), true
	case "polls":
		return all(kindPoll, outcome.answered), 0, false
	case "issued":
		return ty.measured[kindIssue][outcomeCodes], 0, false
	case "tokens":
		return ty.measured[kindPoll][outcomeToken], 0, false
	case "approvals_failed":
		return int64(m.failed), 0, false
	}
	return int64(m.violations), 0, false
}
