package report

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/devicegrant/devicegrant/loadgen"
)

// capacityChart is what a search is about: how the latency grows with the load,
// and from where on it does not hold.
func capacityChart(c *loadgen.Capacity) *chart {
	if c == nil {
		return nil
	}
	var held, broke plotter.XYs
	for _, s := range c.Steps {
		p := plotter.XY{X: s.Polls, Y: drawnMS(s.P99MS, s.P99MS > 0)}
		switch {
		case !finite(p.X) || !finite(p.Y) || p.X < 0:
		case s.Held:
			held = append(held, p)
		default:
			broke = append(broke, p)
		}
	}
	steps := slices.Concat(held, broke)
	slices.SortStableFunc(steps, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	lines := []series{{"p99 of each step", steps, millis}}
	a := axes{y: millisScale(least(lines), largest(lines))}
	for _, p := range steps {
		a.x.high = math.Max(a.x.high, p.X)
	}
	a.x = linearScale(a.x.high)
	return newChart("Polls a second and latency", "One point for each step of the search: ● held, × did not.", a, lines,
		&plotter.Scatter{XYs: held, GlyphStyle: draw.GlyphStyle{Color: goodInk, Radius: vg.Points(4), Shape: draw.CircleGlyph{}}},
		&plotter.Scatter{XYs: broke, GlyphStyle: draw.GlyphStyle{Color: badInk, Radius: vg.Points(5), Shape: cross{}}})
}

// cross is one that is seen on a line; that of the library is a hair.
type cross struct{}

func (cross) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	line, r := draw.LineStyle{Color: style.Color, Width: vg.Points(2)}, style.Radius
	c.StrokeLine2(line, at.X-r, at.Y-r, at.X+r, at.Y+r)
	c.StrokeLine2(line, at.X-r, at.Y+r, at.X+r, at.Y-r)
}
