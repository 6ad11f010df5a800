package report

import (
	"math"

	"github.com/devicegrant/devicegrant/loadgen"
)

// spectrum is the whole distribution of latencies, where a table has a few
// points of it: a server with two speeds has a step.
func spectrum(r loadgen.Result) *chart {
	var lines []series
	most := 1.0
	for _, kind := range []string{"poll", "issue"} {
		for _, l := range r.Latencies {
			if l.Kind != kind || l.Answer != "" {
				continue
			}
			points := spectrumPoints(l)
			for _, p := range points {
				most = math.Max(most, p.x)
			}
			lines = append(lines, series{kind, points, millis})
			break
		}
	}
	a := axes{x: quantileScale(most), y: millisScale(least(lines), largest(lines))}
	c, _ := newChart("Latency by percentile",
		"The share of requests answered within a time, counted from the intended send time. Each line ends at the maximum. The axis is stretched toward 100%.", a, lines)
	return c
}

// spectrumPoints are on a scale of 1/(1-q). The maximum, at q = 1, is put where
// the last of so many values belongs, or at the end of the scale.
func spectrumPoints(l loadgen.Latency) []point {
	last := math.Min(math.Max(2, float64(l.Count)), mostQuantile)
	var out []point
	for _, s := range l.Spectrum {
		x := last
		if s.Quantile < 1 {
			x = math.Min(last, 1/(1-s.Quantile))
		}
		if s.Quantile >= 0 && finite(s.MS) {
			out = append(out, point{x, drawnMS(s.MS, true)})
		}
	}
	return out
}
