package loadgen

import (
	"fmt"
	"math"
	"regexp"
	"slices"
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

// metric is what thresholds can be about: a distribution of times, or a count
// with its rate, which is a share of something or else per second.
type metric struct {
	name  string
	times func(*measurement) *hdrhistogram.Histogram
	count func(*measurement) int64
	of    func(*measurement) int64
}

// measurement is what thresholds are held against: all shards together.
type measurement struct {
	*tally
	seconds    float64 // of the measured window
	violations int
	failed     int // approvals
}

// requests sums up those of the measured window, of both kinds.
func (m *measurement) requests(want func(outcome) bool) int64 {
	return m.measured(kindIssue, want) + m.measured(kindPoll, want)
}

func anyOutcome(outcome) bool { return true }

var metrics = []metric{
	{name: "poll_latency", times: func(m *measurement) *hdrhistogram.Histogram { return m.all(kindPoll) }},
	{name: "issue_latency", times: func(m *measurement) *hdrhistogram.Histogram { return m.all(kindIssue) }},
	{name: "time_to_token", times: func(m *measurement) *hdrhistogram.Histogram { return m.TimeToToken }},
	{name: "token_excess", times: func(m *measurement) *hdrhistogram.Histogram { return m.Excess }},
	{name: "errors", count: func(m *measurement) int64 { return m.requests(outcome.failed) },
		of: func(m *measurement) int64 { return m.requests(anyOutcome) }},
	{name: "timeouts", count: func(m *measurement) int64 { return m.requests(func(o outcome) bool { return o == outcomeTimedOut }) },
		of: func(m *measurement) int64 { return m.requests(anyOutcome) }},
	{name: "slow_down", count: func(m *measurement) int64 { return m.Measured[kindPoll][outcomeSlowDown] },
		of: func(m *measurement) int64 { return m.measured(kindPoll, outcome.answered) }},
	{name: "slow_down_obedient", count: func(m *measurement) int64 { return m.SlowDown.Obedient.SlowDowns },
		of: func(m *measurement) int64 { return m.SlowDown.Obedient.Polls }},
	{name: "grants_forgotten", count: func(m *measurement) int64 { return int64(m.Devices.Forgotten) },
		of: func(m *measurement) int64 { return int64(m.Devices.Issued) }},
	{name: "polls", count: func(m *measurement) int64 { return m.measured(kindPoll, outcome.answered) }},
	{name: "issued", count: func(m *measurement) int64 { return m.Measured[kindIssue][outcomeCodes] }},
	{name: "tokens", count: func(m *measurement) int64 { return m.Measured[kindPoll][outcomeToken] }},
	{name: "ledger_violations", count: func(m *measurement) int64 { return int64(m.violations) }},
	{name: "approvals_failed", count: func(m *measurement) int64 { return int64(m.failed) }},
}

// metricNamed is nil for an unknown one.
func metricNamed(name string) *metric {
	if i := slices.IndexFunc(metrics, func(m metric) bool { return m.name == name }); i >= 0 {
		return &metrics[i]
	}
	return nil
}

var thresholdForm = regexp.MustCompile(`^([a-z_]+) *(p\(([0-9.]+)\)|avg|med|max|min|rate|count) *(<=|>=|==|!=|<|>) *([0-9.]+) *(us|µs|ms|s|m)?( +abort)?$`)

// parseThreshold reads a line of a plan.
func parseThreshold(text string) (t threshold, err error) {
	m := thresholdForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return t, fmt.Errorf("the threshold %q is not valid; examples are %q, %q and %q", text,
			"poll_latency p(99)<250ms", "errors rate<0.001 abort", "polls rate>1000")
	}
	t = threshold{text: strings.TrimSpace(text), metric: m[1], aggregate: m[2], operator: m[4], abort: m[7] != ""}
	if m[3] != "" {
		t.aggregate = "p"
		if t.quantile, err = strconv.ParseFloat(m[3], 64); err != nil || t.quantile > 100 {
			return t, fmt.Errorf("the threshold %q has an invalid percentile %s", text, m[3])
		}
	}
	if t.limit, err = strconv.ParseFloat(m[5], 64); err != nil {
		return t, fmt.Errorf("the threshold %q has no number: %w", text, err)
	}
	allowed, unit := "", ""
	switch about := metricNamed(t.metric); {
	case about == nil:
		var names []string
		for _, m := range metrics {
			names = append(names, m.name)
		}
		return t, fmt.Errorf("the threshold %q has an unknown metric; expected one of %s", text, strings.Join(names, ", "))
	case about.times != nil:
		allowed, unit = "p avg med max min count", m[6]
		if t.aggregate != "count" && unit == "" {
			return t, fmt.Errorf("the threshold %q has no unit: write, for example, %s%s%s%sms", text, t.metric+" ", m[2], t.operator, m[5])
		}
	default:
		allowed = "rate count"
		if m[6] != "" {
			return t, fmt.Errorf("the threshold %q: %s has no unit of time", text, t.metric)
		}
	}
	if !slices.Contains(strings.Fields(allowed), t.aggregate) {
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

// value is what was measured, with its unit; not ok: there was nothing.
func (t *threshold) value(m *measurement) (value float64, unit string, ok bool) {
	about := metricNamed(t.metric)
	if about.times != nil {
		return t.time(about.times(m))
	}
	count := float64(about.count(m))
	switch {
	case t.aggregate == "count":
		return count, "", true
	case about.of != nil:
		of := about.of(m)
		return count / float64(max(1, of)), "", of > 0
	}
	return count / max(m.seconds, 1e-9), "/s", m.seconds > 0
}

func (t *threshold) time(h *hdrhistogram.Histogram) (value float64, unit string, ok bool) {
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
