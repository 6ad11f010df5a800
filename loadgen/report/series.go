package report

import (
	"math"

	"gonum.org/v1/plot/plotter"

	"github.com/devicegrant/devicegrant/loadgen"
)

// unbroken cuts a line where nothing was measured: a line drawn across a stall
// would hide it.
func unbroken(points plotter.XYs) []plotter.XYs {
	var out []plotter.XYs
	var run plotter.XYs
	end := func() {
		if len(run) == 1 { // a line needs two points to be seen
			run = append(run, plotter.XY{X: run[0].X + 1e-3, Y: run[0].Y})
		}
		if len(run) > 0 {
			out = append(out, run)
		}
		run = nil
	}
	for _, p := range points {
		if finite(p.X) && finite(p.Y) {
			run = append(run, p)
		} else {
			end()
		}
	}
	end()
	return out
}

// extremes are the smallest and the largest value of a line.
func extremes(runs []plotter.XYs) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, run := range runs {
		for _, p := range run {
			low, high = math.Min(low, p.Y), math.Max(high, p.Y)
		}
	}
	return low, high
}

// largest is the highest value of all lines, and least the lowest; 0 where
// there is none.
func largest(lines []series) float64 {
	most := 0.0
	for _, s := range lines {
		if runs := unbroken(s.points); len(runs) > 0 {
			_, high := extremes(runs)
			most = math.Max(most, high)
		}
	}
	return most
}

func least(lines []series) float64 {
	fewest := math.Inf(1)
	for _, s := range lines {
		if runs := unbroken(s.points); len(runs) > 0 {
			low, _ := extremes(runs)
			fewest = math.Min(fewest, low)
		}
	}
	if math.IsInf(fewest, 1) {
		return 0
	}
	return fewest
}

// over is one figure of each moment.
func over(moments []loadgen.Moment, figure func(loadgen.Moment) float64) plotter.XYs {
	out := make(plotter.XYs, len(moments))
	for i, m := range moments {
		out[i] = plotter.XY{X: m.AtS, Y: figure(m)}
	}
	return out
}

// drawnMS is a latency as it is drawn: nothing where none was measured, and never
// below the bottom of the scale.
func drawnMS(ms float64, measured bool) float64 {
	if !measured || !finite(ms) || ms < 0 {
		return math.NaN()
	}
	return math.Max(ms, leastMS)
}

// perSecond is a count of a moment as a rate.
func perSecond(n int64, m loadgen.Moment) float64 {
	if m.SpanS > 0 {
		return float64(n) / m.SpanS
	}
	return float64(n)
}
