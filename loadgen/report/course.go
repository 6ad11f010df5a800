package report

import (
	"math"

	"github.com/devicegrant/devicegrant/loadgen"
)

// charts are the plots of the course of a run; those without data are left out.
func charts(r loadgen.Result) []*chart {
	all := []*chart{spectrum(r)}
	if moments := thinned(r.Timeline); len(moments) > 1 {
		from, to := window(r)
		end := math.Max(0, moments[len(moments)-1].AtS)
		a := axes{x: timeScale(end), from: math.Max(0, from), to: math.Min(to, end)}
		all = append(all,
			latencyOverTime(moments, a),
			lateness(moments, a),
			devices(moments, a),
			rates(moments, a),
			trouble(moments, a))
	}
	var out []*chart
	for _, c := range all {
		if c != nil {
			out = append(out, c)
		}
	}
	return out
}

func latencyOverTime(moments []loadgen.Moment, a axes) *chart {
	latency := func(figure func(loadgen.Moment) float64) func(loadgen.Moment) float64 {
		return func(m loadgen.Moment) float64 { return drawnMS(figure(m), m.Polls > 0) }
	}
	lines := []series{
		{"p50", over(moments, latency(func(m loadgen.Moment) float64 { return m.P50MS })), millis},
		{"p99", over(moments, latency(func(m loadgen.Moment) float64 { return m.P99MS })), millis},
		{"longest", over(moments, latency(func(m loadgen.Moment) float64 { return m.MaxMS })), millis},
	}
	a.y = millisScale(least(lines), largest(lines))
	c, _ := newChart("Latency over time", "Counted from the intended send time. A gap means that no poll was answered.", a, lines)
	return c
}

// lateness stands beside the latency on one scale: where the two meet, the
// generator measured itself.
func lateness(moments []loadgen.Moment, a axes) *chart {
	lines := []series{
		{"latency, p99", over(moments, func(m loadgen.Moment) float64 { return drawnMS(m.P99MS, m.Polls > 0) }), millis},
		{"generator lateness, p99", over(moments, func(m loadgen.Moment) float64 { return drawnMS(m.LatenessP99MS, true) }), millis},
	}
	a.y = millisScale(least(lines), largest(lines))
	c, _ := newChart("Generator and server", "Where the two lines approach each other, the figures describe the generator, not the server.", a, lines)
	return c
}

func devices(moments []loadgen.Moment, a axes) *chart {
	lines := []series{
		{"waiting", over(moments, func(m loadgen.Moment) float64 { return float64(m.Waiting) }), round},
		{"ended, since the start", over(moments, func(m loadgen.Moment) float64 { return float64(m.Ended) }), round},
	}
	a.y = linearScale(largest(lines))
	c, _ := newChart("Devices", "How many devices are polling, and how many have ended.", a, lines)
	return c
}

func rates(moments []loadgen.Moment, a axes) *chart {
	lines := []series{
		{"polls/s", over(moments, func(m loadgen.Moment) float64 { return perSecond(m.Polls, m) }), rate},
		{"issued/s", over(moments, func(m loadgen.Moment) float64 { return perSecond(m.Issued, m) }), rate},
		{"tokens/s", over(moments, func(m loadgen.Moment) float64 { return perSecond(m.Tokens, m) }), rate},
	}
	a.y = growthScale(largest(lines))
	c, _ := newChart("Responses per second", "Polls, codes and tokens. The scale is logarithmic above 1.", a, lines)
	return c
}

func trouble(moments []loadgen.Moment, a axes) *chart {
	lines := []series{
		{"slow_down/s", over(moments, func(m loadgen.Moment) float64 { return perSecond(m.SlowDowns, m) }), rate},
		{"errors/s", over(moments, func(m loadgen.Moment) float64 { return perSecond(m.Errors, m) }), rate},
	}
	a.y = growthScale(largest(lines))
	c, _ := newChart("slow_down and errors per second", "The scale is logarithmic above 1.", a, lines)
	return c
}

// round is a number of things.
func round(v float64) string { return count(int64(math.Round(v))) }
