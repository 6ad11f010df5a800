package report

import (
	"fmt"
	"strings"
)

// chart is one plot, ready for the page.
type chart struct {
	Title string
	// Note says how to read it, Label tells its content to who cannot see it.
	Note, Label string
	Legend      []legendLine
	drawing
}

// legendLine is a line's class and its name. A legend in the page, instead of
// the plot, covers no data and wraps on a phone.
type legendLine struct{ Name, Class string }

// point is a value of a series; not finite: nothing was measured there.
type point struct{ x, y float64 }

// series is one line of a chart.
type series struct {
	name   string
	points []point
	tell   func(float64) string
}

// axes is how a chart is scaled. The scales come from the caller, not from what
// is drawn: a logarithmic axis must not meet a zero.
type axes struct {
	x, y scale
	// from and to bound the measured window on the x axis, if it is marked.
	from, to float64
}

// newChart draws lines, or returns nil where there are none, and the plane for
// marks over them.
func newChart(title, note string, a axes, lines []series) (*chart, plane) {
	p := newPlane(a)
	c := &chart{Title: title, Note: note, drawing: p.drawing()}
	told := []string{}
	for i, s := range lines {
		runs := unbroken(s.points)
		if len(runs) == 0 {
			continue
		}
		class := fmt.Sprintf("line-%d", i+1)
		c.Lines = append(c.Lines, stroke{class, p.through(runs)})
		c.Legend = append(c.Legend, legendLine{s.name, class})
		low, high := extremes(runs)
		told = append(told, fmt.Sprintf("%s from %s to %s", s.name, s.tell(low), s.tell(high)))
	}
	if len(c.Legend) == 0 {
		return nil, p
	}
	c.Label = title + ", a line chart: " + strings.Join(told, "; ") + "."
	return c, p
}
