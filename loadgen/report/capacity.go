package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/devicegrant/devicegrant/loadgen"
)

// capacityChart is what a search is about: how the latency grows with the load,
// and from where on it does not hold.
func capacityChart(found *loadgen.Capacity) *chart {
	if found == nil {
		return nil
	}
	var held, broke []point
	for _, s := range found.Steps {
		p := point{s.Polls, drawnMS(s.P99MS, s.P99MS > 0)}
		switch {
		case !finite(p.x) || !finite(p.y) || p.x < 0:
		case s.Held:
			held = append(held, p)
		default:
			broke = append(broke, p)
		}
	}
	steps := slices.Concat(held, broke)
	slices.SortStableFunc(steps, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	lines := []series{{"p99 of each step", steps, millis}}
	a := axes{y: millisScale(least(lines), largest(lines))}
	for _, p := range steps {
		a.x.high = math.Max(a.x.high, p.x)
	}
	a.x = linearScale(a.x.high)
	c, on := newChart("Polls per second and latency", "One point per step of the search: ● held, × did not hold.", a, lines)
	if c == nil {
		return nil
	}
	for _, p := range held {
		c.Marks = append(c.Marks, stroke{"held", on.disc(p)})
	}
	for _, p := range broke {
		c.Marks = append(c.Marks, stroke{"broke", on.cross(p)})
	}
	return c
}
