package report

import (
	"math"
	"testing"
)

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(int64(1_000)), "1,000"}, {count(-1_234_567), "-1,234,567"},
		{millis(0), "0 ms"}, {millis(0.042), "0.04 ms"}, {millis(9.996), "10.0 ms"}, {millis(99.96), "100 ms"},
		{millis(999.6), "1.00 s"}, {millis(12_345), "12.3 s"}, {millis(200_000), "3 min 20 s"}, {millis(math.NaN()), nothing},
		{span(0), "0 s"}, {span(0.5), "0.5 s"}, {span(59.7), "1 min"}, {span(3_661), "1 h 1 min 1 s"}, {span(math.Inf(1)), nothing},
		{rate(0), "0"}, {rate(0.0123), "0.0123"}, {rate(19_998.7), "19,999"}, {rate(math.Inf(-1)), nothing},
		{share(0), "0%"}, {share(1), "100%"}, {share(0.00001), "<0.01%"}, {share(0.99999), ">99.99%"}, {share(0.25), "25.0%"}, {share(0.9993), "99.93%"},
		{size(512), "512 B"}, {size(int64(412 << 20)), "412.0 MiB"}, {size(3_995.0), "3.9 KiB"}, {size(math.NaN()), nothing},
		{clockLabel(90, 30), "90 s"}, {clockLabel(120, 60), "2 min"}, {short(20_000), "20k"}, {shortMillis(0.1), "100 µs"}, {shortMillis(10_000), "10 s"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// TestScales draws nothing outside, and labels few enough to be read.
func TestScales(t *testing.T) {
	for _, v := range []float64{0, 0.003, 0.7, 1, 3, 10, 59, 600, 99_999, 100_000, 3_600, 86_400, 2e6, 5e9, math.NaN(), math.Inf(1)} {
		for name, s := range map[string]scale{
			"time": timeScale(v), "linear": linearScale(v), "millis": millisScale(v/100, v), "growth": growthScale(v), "quantile": quantileScale(v),
		} {
			labels := 0
			for _, tick := range s.ticks {
				if tick.label != "" {
					labels++
				}
				if at := s.place(tick.at); !finite(at) || at < 0 || at > 1 {
					t.Errorf("%s to %v: the tick %v is at %v", name, v, tick, at)
				}
			}
			if labels < 2 || labels > 13 {
				t.Errorf("%s to %v: %d labels", name, v, labels)
			}
		}
	}
}
