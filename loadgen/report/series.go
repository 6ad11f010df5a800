package report

import (
	"math"

	"github.com/devicegrant/devicegrant/loadgen"
)

// unbroken cuts a line where nothing was measured: a line drawn across a stall
// would hide it.
func unbroken(points []point) [][]point {
	var out [][]point
	from := 0
	for i := range len(points) + 1 {
		if i < len(points) && finite(points[i].x) && finite(points[i].y) {
			continue
		}
		if i > from {
			out = append(out, points[from:i])
		}
		from = i + 1
	}
	return out
}

// extremes are the smallest and the largest value of a line.
func extremes(runs [][]point) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, run := range runs {
		for _, p := range run {
			low, high = math.Min(low, p.y), math.Max(high, p.y)
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
func over(moments []loadgen.Moment, figure func(loadgen.Moment) float64) []point {
	out := make([]point, len(moments))
	for i, m := range moments {
		out[i] = point{m.AtS, figure(m)}
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
