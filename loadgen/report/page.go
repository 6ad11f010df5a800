package report

import (
	"bytes"
	"encoding/json"
	"html/template"
	"maps"
	"slices"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/suites/report"
)

// page is what the templates see: the result, and what follows from it.
type page struct {
	loadgen.Result
	Style template.CSS
	// Introduced says that the target is known, or when the run began.
	Introduced    bool
	Judgement     judgement
	Tiles         []tile
	Sections      []section
	Charts        []*chart
	CapacityChart *chart
	Window        string
	Failures      []failure
	Plan          string
}

// section is a part of the page with something in it.
type section struct{ ID, Title string }

// failure is a kind of broken exchange.
type failure struct {
	Kind  string
	Count int64
	First string
}

func newPage(r loadgen.Result) page {
	p := page{
		Result: r, Style: template.CSS(pageStyle), Introduced: r.Target != loadgen.Target{} || r.Started != "", Judgement: judge(r), Tiles: tiles(r),
		Charts: charts(r), CapacityChart: capacityChart(r.Capacity), Failures: failures(r.Transport), Plan: pretty(r.PlanText),
	}
	if from, to := window(r); to > from {
		p.Window = span(from) + " to " + span(to)
	}
	p.Sections = sections(p)
	return p
}

// sections are those that have something to say, in the order of the page.
func sections(p page) []section {
	t := p.Transport
	var out []section
	for _, s := range []struct {
		id, title string
		present   bool
	}{
		{"thresholds", "Thresholds", len(p.Thresholds) > 0},
		{"course", "Timeline", len(p.Charts) > 0},
		{"latency", "Latency", len(p.Latencies) > 0},
		{"answers", "Answers", len(p.Requests) > 0 || p.Devices.Started > 0},
		{"slow-down", "slow_down", hasSlowDown(p.SlowDown)},
		{"tokens", "Time to token", p.Tokens.TimeToToken.Count > 0 || p.Tokens.Excess.Count > 0},
		{"ledger", "Ledger", p.Ledger.Approved > 0 || p.Ledger.Tokens > 0 || len(p.Ledger.Violations) > 0},
		{"expiry", "Expiry", p.Expiry != loadgen.Expiry{}},
		{"fairness", "Fairness", p.Fairness.Devices > 0},
		{"approvals", "Approvals", p.Approvals.Asked > 0 || p.Approvals.Canary != nil},
		{"transport", "Transport", t.Dialled > 0 || len(t.Failures) > 0},
		{"generator", "The generator", p.Generator != loadgen.Generator{}},
		{"capacity", "Capacity", p.Capacity != nil},
		{"samples", "Exchanges", len(p.Samples) > 0},
		{"plan", "The plan", p.Plan != ""},
		{"notes", "Notes", len(p.Notes) > 0},
	} {
		if s.present {
			out = append(out, section{s.id, s.title})
		}
	}
	return out
}

func hasSlowDown(s loadgen.SlowDown) bool {
	return s.Obedient.Polls+s.Hurried.Polls+s.Forgetful.Polls+s.AfterGrowth.Polls+s.TooManyRequests+s.Unavailable > 0 ||
		s.AtRest != nil || s.Class != "" || s.Reading != ""
}

func failures(t loadgen.Transports) []failure {
	var out []failure
	for _, kind := range slices.Sorted(maps.Keys(t.Failures)) {
		out = append(out, failure{kind, t.Failures[kind], t.FirstFailures[kind]})
	}
	return out
}

// pretty is JSON with lines, or as it is where it is none.
func pretty(text json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, text, "", "  ") != nil {
		return report.Visible(string(text))
	}
	return report.Visible(out.String())
}
