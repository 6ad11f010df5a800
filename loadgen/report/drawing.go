package report

import (
	"math"
	"strconv"
)

// A chart is small in its own units and stretched to the width of the page, so
// that its figures are still legible on a phone. The style sheet has its colours,
// dashes and letters; what is here is only where everything goes.
const (
	chartWidth  = 400
	chartHeight = 230
	letterSize  = 11.5 // as in the style sheet
	tickLength  = 4
)

// drawing is a chart for the template: coordinates, and our own words.
type drawing struct {
	Width, Height int
	Band          *box // the measured window; nil: not marked
	Grid, Axes    string
	Labels        []label
	Lines         []stroke
	Marks         []stroke
}

type box struct{ X, Y, Width, Height float64 }

// label is a word at a tick. Class x stands below its place, y left of it.
type label struct {
	Class string
	X, Y  float64
	Text  string
}

// stroke is an SVG path with a class of the style sheet.
type stroke struct{ Class, Path string }

// plane is the part of a chart between its axes.
type plane struct {
	axes
	left, right, top, bottom float64
}

// newPlane leaves room for the labels.
func newPlane(a axes) plane {
	p := plane{axes: a, right: chartWidth - 2, top: letterSize / 2, bottom: chartHeight - tickLength - 1.3*letterSize}
	for _, t := range a.y.ticks {
		p.left = math.Max(p.left, textWidth(t.label)+tickLength+4)
	}
	for _, t := range a.x.ticks {
		if at := a.x.place(t.at); at > 0.5 {
			p.right = math.Min(p.right, p.left+(chartWidth-textWidth(t.label)/2-p.left)/at)
		}
	}
	return p
}

func (p *plane) x(v float64) float64 { return p.left + p.axes.x.place(v)*(p.right-p.left) }
func (p *plane) y(v float64) float64 { return p.bottom - p.axes.y.place(v)*(p.bottom-p.top) }

// drawing has the axes, their grid and labels, and no data yet.
func (p *plane) drawing() drawing {
	d := drawing{Width: chartWidth, Height: chartHeight}
	if p.to > p.from {
		from, to := p.x(p.from), p.x(p.to)
		d.Band = &box{rounded(from), rounded(p.top), rounded(to - from), rounded(p.bottom - p.top)}
	}
	var grid, axes path
	axes.move(p.left, p.top)
	axes.line(p.left, p.bottom)
	axes.line(p.right, p.bottom)
	for _, t := range p.axes.x.ticks {
		x, length := p.x(t.at), t.length()
		axes.move(x, p.bottom)
		axes.line(x, p.bottom+length)
		if t.label != "" {
			grid.move(x, p.top)
			grid.line(x, p.bottom)
			d.Labels = append(d.Labels, label{"x", rounded(x), rounded(p.bottom + tickLength + letterSize), t.label})
		}
	}
	for _, t := range p.axes.y.ticks {
		y, length := p.y(t.at), t.length()
		axes.move(p.left-length, y)
		axes.line(p.left, y)
		if t.label != "" {
			grid.move(p.left, y)
			grid.line(p.right, y)
			d.Labels = append(d.Labels, label{"y", rounded(p.left - tickLength - 3), rounded(y + 0.35*letterSize), t.label})
		}
	}
	d.Grid, d.Axes = grid.String(), axes.String()
	return d
}

// through is a line through the parts of a series. A single point is a dot.
func (p *plane) through(runs [][]point) string {
	var out path
	for _, run := range runs {
		if len(run) == 1 {
			out.move(p.x(run[0].x)-1, p.y(run[0].y))
			out.line(p.x(run[0].x)+1, p.y(run[0].y))
			continue
		}
		for i, at := range run {
			if i == 0 {
				out.move(p.x(at.x), p.y(at.y))
			} else {
				out.line(p.x(at.x), p.y(at.y))
			}
		}
	}
	return out.String()
}

// disc and cross are marks on a line: one can be told from the other without
// colours.
func (p *plane) disc(at point) string {
	return place(p.x(at.x)-4, p.y(at.y)) + "a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"
}

func (p *plane) cross(at point) string {
	return place(p.x(at.x)-5, p.y(at.y)-5) + "l10 10m0-10l-10 10"
}

// path is the data of an SVG path.
type path struct{ data []byte }

func (p *path) move(x, y float64) { p.add('M', x, y) }
func (p *path) line(x, y float64) { p.add('L', x, y) }
func (p *path) String() string    { return string(p.data) }

// A tenth of a unit is less than a pixel.
func (p *path) add(command byte, x, y float64) {
	p.data = append(p.data, command)
	p.data = strconv.AppendFloat(p.data, rounded(x), 'f', -1, 64)
	p.data = append(p.data, ' ')
	p.data = strconv.AppendFloat(p.data, rounded(y), 'f', -1, 64)
}

func place(x, y float64) string {
	var p path
	p.move(x, y)
	return p.String()
}

func rounded(v float64) float64 { return math.Round(v*10) / 10 }

// textWidth is about how wide a label is in the letters of the style sheet: those
// of Arial, in parts of their size.
func textWidth(s string) float64 {
	width := 0.0
	for _, r := range s {
		switch r {
		case ' ', '.', 'i':
			width += 0.28
		case 'm', 'M', '%':
			width += 0.87
		case 'G':
			width += 0.78
		default:
			width += 0.56
		}
	}
	return width * letterSize
}
