package report

import (
	"math"
	"strconv"
)

// scale is one axis of a chart: how a value between low and high comes to a place
// on it.
type scale struct {
	low, high float64
	bend      func(float64) float64 // nil: linear
	ticks     []tick
}

// tick is a mark on an axis; a minor one has no label.
type tick struct {
	at    float64
	label string
}

func (t tick) length() float64 {
	if t.label == "" {
		return tickLength / 2
	}
	return tickLength
}

// place is where a value stands, from 0 to 1. What is beyond the scale stands at
// its end, and what is no number at its beginning.
func (s *scale) place(v float64) float64 {
	bend := s.bend
	if bend == nil {
		bend = func(v float64) float64 { return v }
	}
	if at := (bend(v) - bend(s.low)) / (bend(s.high) - bend(s.low)); at > 0 {
		return math.Min(at, 1)
	}
	return 0
}

// leastMS is the bottom of a logarithmic scale: what is quicker than ten
// microseconds is drawn as that.
const leastMS = 0.01

// mostFigure is the end of every scale: labels have room for a quadrillion.
const mostFigure = 1e15

// figure is v, or 0 where that is no number: a scale has an end.
func figure(v float64) float64 {
	if finite(v) {
		return math.Min(v, mostFigure)
	}
	return 0
}

// timeScale is the time of a run, from its start.
func timeScale(to float64) scale {
	if to = figure(to); to <= 0 {
		to = 1
	}
	step := to / 5 // of runs that are longer or shorter than any here
	for _, s := range []float64{0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400} {
		if n := to / s; n >= 1 && n <= 6 {
			step = s
			break
		}
	}
	out := scale{high: to}
	for i := 0.0; i*step <= to*(1+1e-9); i++ {
		out.ticks = append(out.ticks, tick{i * step, clockLabel(i*step, step)})
	}
	return out
}

// clockLabel is a time in the unit that its axis counts in.
func clockLabel(s, step float64) string {
	switch {
	case s == 0:
		return "0"
	case step >= 3600:
		return shortest(s/3600) + " h"
	case step >= 60:
		return shortest(s/60) + " min"
	}
	return shortest(s) + " s"
}

// linearScale is a figure from 0 to a round number above the largest.
func linearScale(largest float64) scale {
	if largest = figure(largest); largest <= 0 {
		largest = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(largest)))
	for _, part := range []float64{5, 2} {
		if largest/(step/part) <= 6 {
			step /= part
			break
		}
	}
	steps := math.Ceil(largest/step - 1e-9)
	out := scale{high: steps * step}
	for i := 0.0; i <= steps; i++ {
		if steps <= 6 || math.Mod(i, 2) == 0 {
			out.ticks = append(out.ticks, tick{i * step, short(i * step)})
		}
	}
	return out
}

// millisScale is the logarithm of milliseconds, over whole decades.
func millisScale(least, largest float64) scale {
	least, largest = figure(least), figure(largest)
	low := math.Floor(math.Log10(math.Max(least, leastMS)) + 1e-9)
	high := math.Max(low+1, math.Ceil(math.Log10(math.Max(largest, leastMS))-1e-9))
	out := scale{low: math.Pow(10, low), high: math.Pow(10, high), bend: math.Log10}
	for d := low; d <= high; d++ {
		v := math.Pow(10, d)
		out.ticks = append(out.ticks, tick{v, shortMillis(v)})
		for m := 2.0; m < 10 && d < high; m++ {
			out.ticks = append(out.ticks, tick{at: m * v})
		}
	}
	return out
}

// growthScale is linear about 0 and logarithmic from 1 on, so that a hundred
// tokens are seen beside twenty thousand polls, and no token at all, too.
func growthScale(largest float64) scale {
	largest = figure(largest)
	decades := math.Max(1, math.Ceil(math.Log10(math.Max(largest, 1))-1e-9))
	out := scale{high: math.Pow(10, decades), bend: math.Log1p, ticks: []tick{{0, "0"}}}
	for d := 0.0; d <= decades; d++ {
		out.ticks = append(out.ticks, tick{math.Pow(10, d), short(math.Pow(10, d))})
	}
	return out
}

// mostQuantile ends a spectrum at 99.999%: more nines have no room below it.
const mostQuantile = 1e5

// quantileScale is stretched towards 1: it is as far from 90% to 99% as from
// there to 99.9%. Its values are 1/(1-q), up to mostQuantile.
func quantileScale(largest float64) scale {
	largest = figure(largest)
	decades := math.Max(2, math.Ceil(math.Log10(math.Min(math.Max(largest, 1), mostQuantile))-1e-9))
	out := scale{low: 1, high: math.Pow(10, decades), bend: math.Log10,
		ticks: []tick{{2, "50%"}}}
	for d := 1.0; d <= decades; d++ {
		label := strconv.FormatFloat(100*(1-math.Pow(10, -d)), 'f', int(math.Max(0, d-2)), 64) + "%"
		out.ticks = append(out.ticks, tick{math.Pow(10, d), label})
	}
	return out
}

// short is a number for an axis: 50k.
func short(v float64) string {
	switch {
	case v >= 1e9:
		return shortest(v/1e9) + "G"
	case v >= 1e6:
		return shortest(v/1e6) + "M"
	case v >= 1e4:
		return shortest(v/1e3) + "k"
	}
	return shortest(v)
}

// shortMillis is a round number of milliseconds for an axis: 10 s.
func shortMillis(ms float64) string {
	switch {
	case ms >= 1000:
		return short(ms/1e3) + " s"
	case ms >= 1:
		return short(ms) + " ms"
	}
	return short(ms*1e3) + " µs"
}

// shortest writes as few digits as it can, without the dust of floating point.
func shortest(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}
