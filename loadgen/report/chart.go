package report

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A chart is small in its own units and stretched to the width of the page, so
// that its figures are still legible on a phone.
const (
	chartWidth  = 400
	chartHeight = 230
	chartText   = 11.5
)

// chart is one plot, ready for the page.
type chart struct {
	Title string
	// Note says how to read it, Label tells its content to who cannot see it.
	Note, Label   string
	Legend        []legendLine
	Width, Height int
	// Drawing is the inside of the svg element: figures and our own words.
	Drawing template.HTML
}

// legendLine is a sample of a line and its name. A legend in the page, instead
// of the plot, covers no data and wraps on a phone.
type legendLine struct {
	Name, Ink, Dash string
}

// series is one line of a chart.
type series struct {
	name   string
	points plotter.XYs // NaN: nothing was measured there
	tell   func(float64) string
}

// axes is how a chart is scaled. The scales come from the caller, not from what
// is drawn: a logarithmic axis must not meet a zero.
type axes struct {
	x, y scale
	// from and to bound the measured window on the x axis, if it is marked.
	from, to float64
}

// newChart draws lines, and marks over them, or returns nil where there are none.
func newChart(title, note string, a axes, lines []series, marks ...plot.Plotter) *chart {
	c := &chart{Title: title, Note: note, Width: chartWidth, Height: chartHeight}
	p := blank(a)
	told := []string{}
	for i, s := range lines {
		runs := unbroken(s.points)
		if len(runs) == 0 {
			continue
		}
		for _, run := range runs {
			p.Add(&plotter.Line{XYs: run, LineStyle: lineStyle(i)})
		}
		c.Legend = append(c.Legend, legendLine{Name: s.name, Ink: lineInk[i].css, Dash: dashes(i)})
		low, high := extremes(runs)
		told = append(told, fmt.Sprintf("%s from %s to %s", s.name, s.tell(low), s.tell(high)))
	}
	if len(c.Legend) == 0 {
		return nil
	}
	p.Add(marks...)
	c.Label = title + ", a line chart: " + strings.Join(told, "; ") + "."
	c.draw(p, a)
	return c
}

// blank is a plot with a grid, and nothing else, in our style.
func blank(a axes) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // that of the page
	p.Title.Text = ""
	if a.to > a.from {
		band, err := plotter.NewPolygon(plotter.XYs{{X: a.from, Y: a.y.low}, {X: a.to, Y: a.y.low}, {X: a.to, Y: a.y.high}, {X: a.from, Y: a.y.high}})
		if err == nil { // a corner that is no number
			band.Color, band.LineStyle.Width = bandInk, 0
			p.Add(band)
		}
	}
	grid := plotter.NewGrid()
	for _, style := range []*draw.LineStyle{&grid.Horizontal, &grid.Vertical} {
		style.Color, style.Width, style.Dashes = gridInk, vg.Points(0.6), nil
	}
	p.Add(grid)
	return p
}

// draw puts the scales on the plot, after its plotters were added: those
// stretch the axes to their data.
func (c *chart) draw(p *plot.Plot, a axes) {
	for _, side := range []struct {
		axis *plot.Axis
		scale
	}{{&p.X, a.x}, {&p.Y, a.y}} {
		axis := side.axis
		axis.Min, axis.Max, axis.Scale = side.low, side.high, side.spacing
		axis.Tick.Marker = plot.ConstantTicks(side.ticks)
		axis.Padding = 0
		axis.LineStyle = draw.LineStyle{Color: textInk, Width: vg.Points(0.6)}
		axis.Tick.LineStyle = axis.LineStyle
		axis.Tick.Length = vg.Points(4)
		axis.Tick.Label.Color = textInk
		axis.Tick.Label.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, chartText)
	}
	canvas := vgsvg.NewWith(vgsvg.UseWH(chartWidth, chartHeight))
	p.Draw(draw.New(canvas))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return // a buffer takes everything
	}
	c.Drawing = template.HTML(inCSS.Replace(inside(svg.String())))
}

// inside is what an SVG document has in its svg element: the page has its own,
// with a name and without a fixed size.
func inside(svg string) string {
	_, svg, _ = strings.Cut(svg, "<svg")
	_, svg, _ = strings.Cut(svg, ">")
	return strings.TrimSpace(svg[:max(0, strings.LastIndex(svg, "</svg>"))])
}
