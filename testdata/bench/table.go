//go:build linux

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// results are the answers of all rounds.
type results struct {
	place  place
	rounds int
	closed []closedLoop
	steady [][]document // by population
	stalls [][]stall    // by connections
}

// table is the results as people read them.
func (r *results) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; ", r.place)
	if r.rounds == 1 {
		b.WriteString("one round\n\n")
	} else {
		fmt.Fprintf(&b, "medians of %d rounds (lowest to highest)\n\n", r.rounds)
	}
	b.WriteString(closedTable(r.closed))
	b.WriteString("\n")
	b.WriteString(steadyTable(r.steady))
	b.WriteString("\n")
	b.WriteString(stallTable(r.stalls))
	b.WriteString(r.doubts())
	return b.String()
}

func closedTable(rounds []closedLoop) string {
	g := grid{{fmt.Sprintf("closed loop, %d connections", loopConns), "polls/s", "polls per CPU-second", ""}}
	row := func(name string, of func(closedLoop) usage) {
		rates := each(rounds, func(c closedLoop) float64 { return of(c).rate() })
		costs := each(rounds, func(c closedLoop) float64 { return of(c).perCPU() })
		g = append(g, []string{name, thousands(median(rates)), thousands(median(costs)), spread(costs, thousands)})
	}
	ratio := func(name string, of func(closedLoop) usage) {
		ratios := each(rounds, func(c closedLoop) float64 { return c.devicegrant.usage().perCPU() / of(c).perCPU() })
		g = append(g, []string{name, "", decimals(2)(median(ratios)), spread(ratios, decimals(2))})
	}
	wrk := func(c closedLoop) usage { return *c.wrk }
	netHTTP := func(c closedLoop) usage { return c.netHTTP }
	compared := len(rounds) > 0 && rounds[0].wrk != nil
	if compared {
		row("wrk", wrk)
	} else {
		g = append(g, []string{"wrk", "", "not here (make setup)", ""})
	}
	row("net/http", netHTTP)
	row("devicegrant"+mark(each(rounds, func(c closedLoop) document { return c.devicegrant })), func(c closedLoop) usage { return c.devicegrant.usage() })
	if compared {
		ratio("devicegrant / wrk", wrk)
	}
	ratio("devicegrant / net/http", netHTTP)
	return g.String()
}

func steadyTable(steady [][]document) string {
	g := grid{{"devices, each every 5 s", "polls/s", "CPU ms per 1,000", "of a core", "late p50", "p99", "max (ms)", "bytes per device"}}
	for i, runs := range steady {
		of := func(value func(document) float64) float64 { return median(each(runs, value)) }
		g = append(g, []string{
			thousands(float64(populations[i])) + mark(runs),
			thousands(of(func(d document) float64 { return d.Rates.Polls })),
			decimals(2)(of(func(d document) float64 { return d.Generator.CPUPer1000 })),
			decimals(1)(100*of(func(d document) float64 { return d.Generator.CPUShare })) + " %",
			decimals(3)(of(func(d document) float64 { return d.Generator.Lateness.P50MS })),
			decimals(3)(of(func(d document) float64 { return d.Generator.Lateness.P99MS })),
			decimals(3)(of(func(d document) float64 { return d.Generator.Lateness.MaxMS })),
			thousands(of(func(d document) float64 { return d.Generator.BytesPerDevice })),
		})
	}
	return g.String()
}

func stallTable(stalls [][]stall) string {
	g := grid{{"server stopped", "for", "p99 reported", "p99 expected", "off by", ""}}
	for i, runs := range stalls {
		off := each(runs, func(s stall) float64 { return 100 * (s.p99MS/s.expectedP99MS() - 1) })
		g = append(g, []string{
			fmt.Sprintf("%d connections%s", stallConns[i], mark(each(runs, func(s stall) document { return s.document }))),
			decimals(3)(median(each(runs, func(s stall) float64 { return s.stall }))) + " s",
			decimals(0)(median(each(runs, func(s stall) float64 { return s.p99MS }))) + " ms",
			decimals(0)(median(each(runs, func(s stall) float64 { return s.expectedP99MS() }))) + " ms",
			signed(median(off)), spread(off, signed),
		})
	}
	return g.String()
}

// mark is behind the name of a row with runs that are not to be believed.
func mark(runs []document) string {
	if slices.ContainsFunc(runs, func(d document) bool { return !d.Validity.Valid }) {
		return " *"
	}
	return ""
}

// doubts says why rows are marked.
func (r *results) doubts() string {
	var b strings.Builder
	note := func(name string, d document) {
		if !d.Validity.Valid {
			fmt.Fprintf(&b, "* %s: %s\n", name, cmp.Or(strings.Join(d.Validity.Reasons, "; "), "no reason given"))
		}
	}
	for _, c := range r.closed {
		note("closed loop", c.devicegrant)
	}
	for i, runs := range r.steady {
		for _, d := range runs {
			note(thousands(float64(populations[i]))+" devices", d)
		}
	}
	for i, runs := range r.stalls {
		for _, s := range runs {
			note(fmt.Sprintf("%d connections", stallConns[i]), s.document)
		}
	}
	return b.String()
}

// grid is rows of cells: names on the left, numbers to the right.
type grid [][]string

func (g grid) String() string {
	var widths []int
	for _, row := range g {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range g {
		var line strings.Builder
		for i, cell := range row {
			if i == 0 {
				fmt.Fprintf(&line, "%-*s", widths[i], cell)
			} else {
				fmt.Fprintf(&line, "  %*s", widths[i], cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

func each[T, U any](list []T, of func(T) U) []U {
	values := make([]U, len(list))
	for i, v := range list {
		values[i] = of(v)
	}
	return values
}

// median is the middle one, or between the two middle ones.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// spread is the lowest and the highest, when there is more than one.
func spread(values []float64, text func(float64) string) string {
	if len(values) < 2 {
		return ""
	}
	return "(" + text(slices.Min(values)) + " to " + text(slices.Max(values)) + ")"
}

func decimals(n int) func(float64) string {
	return func(v float64) string { return strconv.FormatFloat(v, 'f', n, 64) }
}

func signed(percent float64) string { return fmt.Sprintf("%+.1f %%", percent) }

// thousands is a whole number, with commas.
func thousands(v float64) string {
	text := decimals(0)(v)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
