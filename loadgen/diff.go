package loadgen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Figure is one figure in two load runs.
type Figure struct {
	Name string  `json:"name"`
	Unit string  `json:"unit,omitempty"`
	Old  float64 `json:"old"`
	New  float64 `json:"new"`
	// Tolerance is how much worse it may get, as a share of the old figure, and
	// Least the minimum difference that counts, in the figure's unit.
	Tolerance float64 `json:"tolerance"`
	Least     float64 `json:"least,omitempty"`
	// Worse says that it is worse by more than that; Better that it is better
	// by as much.
	Worse  bool `json:"worse,omitempty"`
	Better bool `json:"better,omitempty"`
}

// RunDifference is what changed between two load runs.
type RunDifference struct {
	// Notes say what makes the two runs hard to compare.
	Notes []string `json:"notes,omitempty"`
	// Invalid says that one of the runs says nothing about the server.
	Invalid string   `json:"invalid,omitempty"`
	Figures []Figure `json:"figures"`
	// Broken are thresholds that held before and are missed now.
	Broken []string `json:"broken,omitempty"`
}

// Worse reports whether anything is worse than tolerated.
func (d RunDifference) Worse() bool {
	return len(d.Broken) > 0 || slices.ContainsFunc(d.Figures, func(f Figure) bool { return f.Worse })
}

// figure is how a figure is read and judged.
type figure struct {
	name, unit string
	higher     bool // more is better
	tolerance  float64
	least      float64
	value      func(Result) (float64, bool)
}

// figures are those that are compared. Latencies and rates vary from run to run
// by about as much as their tolerances; what may not happen at all has none.
var figures = []figure{
	{"poll_latency_p50", "ms", false, 0.25, 2, latency("poll", func(q Quantiles) float64 { return q.P50MS })},
	{"poll_latency_p99", "ms", false, 0.25, 5, latency("poll", func(q Quantiles) float64 { return q.P99MS })},
	{"issue_latency_p99", "ms", false, 0.25, 5, latency("issue", func(q Quantiles) float64 { return q.P99MS })},
	{"polls_answered", "/s", true, 0.1, 0, func(r Result) (float64, bool) { return r.Rates.PollsAnswered, r.Rates.PollsIntended > 0 }},
	{"issued", "/s", true, 0.1, 0, func(r Result) (float64, bool) { return r.Rates.Issued, r.Rates.Issued > 0 }},
	{"capacity", "devices", true, 0.15, 0, func(r Result) (float64, bool) {
		if r.Capacity == nil {
			return 0, false
		}
		return float64(r.Capacity.Devices), true
	}},
	{"obedient_devices_slowed_down", "", false, 0, 0, func(r Result) (float64, bool) { return float64(r.SlowDown.ObedientDevices), true }},
	{"grants_forgotten", "", false, 0, 0, func(r Result) (float64, bool) { return float64(r.Devices.Forgotten), true }},
	{"ledger_violations", "", false, 0, 0, func(r Result) (n float64, known bool) {
		for _, v := range r.Ledger.Violations {
			n += float64(v.Count)
		}
		return n, true
	}},
	{"status_429", "", false, 0, 0, func(r Result) (float64, bool) { return float64(r.SlowDown.TooManyRequests), true }},
	{"status_503", "", false, 0, 0, func(r Result) (float64, bool) { return float64(r.SlowDown.Unavailable), true }},
	{"failures", "", false, 0, 0, func(r Result) (n float64, known bool) {
		for _, count := range r.Transport.Failures {
			n += float64(count)
		}
		return n, true
	}},
}

// FigureNames returns the figures that DiffRuns compares.
func FigureNames() (names []string) {
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

func latency(kind string, of func(Quantiles) float64) func(Result) (float64, bool) {
	return func(r Result) (float64, bool) {
		for _, l := range r.Latencies {
			if l.Kind == kind && l.Answer == "" {
				return of(l.Quantiles), l.Count > 0
			}
		}
		return 0, false
	}
}

// DiffRuns compares the figures of two runs. tolerances override the defaults
// of the figures, by name.
func DiffRuns(was, is Result, tolerances map[string]float64) RunDifference {
	d := RunDifference{Figures: []Figure{}}
	for _, x := range []struct{ what, old, new string }{
		{"the target", was.Target.Name, is.Target.Name},
		{"its kind", was.Target.Kind, is.Target.Kind},
		{"the plan", string(was.PlanText), string(is.PlanText)},
		{"devicegrant", was.Tool, is.Tool},
	} {
		switch {
		case x.old == x.new:
		case x.what == "the plan":
			d.Notes = append(d.Notes, "the plans differ, so the figures may describe different loads")
		default:
			d.Notes = append(d.Notes, fmt.Sprintf("%s: was %s, is %s", x.what, x.old, x.new))
		}
	}
	for _, r := range []struct {
		name string
		Result
	}{{"old", was}, {"new", is}} {
		if !r.Validity.Valid || r.Verdict == Stopped {
			d.Invalid = "the " + r.name + " run is " + string(r.Verdict) + ": it says nothing about the server"
		}
	}
	for _, f := range figures {
		old, known := f.value(was)
		now, still := f.value(is)
		if !known || !still || old == 0 && now == 0 {
			continue
		}
		tolerance, least := f.tolerance, f.least
		if given, ok := tolerances[f.name]; ok {
			tolerance, least = given, 0
		}
		worse := now - old
		if f.higher {
			worse = -worse
		}
		allowed := max(least, tolerance*old)
		d.Figures = append(d.Figures, Figure{f.name, f.unit, old, now, tolerance, least, worse > allowed, -worse > allowed})
	}
	for _, t := range is.Thresholds {
		if !t.OK && slices.ContainsFunc(was.Thresholds, func(w ThresholdResult) bool { return w.Text == t.Text && w.OK }) {
			d.Broken = append(d.Broken, t.Text)
		}
	}
	return d
}

// ParseTolerances parses entries such as "poll_latency_p99=10%" or
// "poll_latency_p99=0.1".
func ParseTolerances(list []string) (map[string]float64, error) {
	all := map[string]float64{}
	for _, s := range list {
		name, text, ok := strings.Cut(s, "=")
		number, percent := strings.CutSuffix(text, "%")
		v, err := strconv.ParseFloat(number, 64)
		if percent {
			v /= 100
		}
		switch {
		case !ok || err != nil || !(v >= 0) || v > 1e6:
			return nil, fmt.Errorf("%q is not FIGURE=SHARE, such as poll_latency_p99=10%%", s)
		case !slices.Contains(FigureNames(), name):
			return nil, fmt.Errorf("there is no figure %s; expected one of %s", name, strings.Join(FigureNames(), ", "))
		}
		all[name] = v
	}
	return all, nil
}
