package report

import (
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// An ink is a colour that the page decides, for a light screen, a dark one and
// paper. The SVG writer only knows fixed colours, so each ink has a number that
// nothing else in a drawing has, and inCSS puts the page's name in its place.
type ink struct {
	number uint8
	css    string
}

// RGBA makes an ink a color.Color.
func (i ink) RGBA() (r, g, b, a uint32) { return i.rgb().RGBA() }

func (i ink) rgb() color.RGBA { return color.RGBA{R: 0xfe, G: 0xdc, B: i.number, A: 0xff} }

var (
	textInk = ink{1, "currentColor"}
	gridInk = ink{2, "var(--grid)"}
	bandInk = ink{3, "var(--band)"}
	goodInk = ink{4, "var(--good)"}
	badInk  = ink{5, "var(--bad)"}
	// lineInk are those of the lines of a chart, in order.
	lineInk = []ink{{6, "var(--line-1)"}, {7, "var(--line-2)"}, {8, "var(--line-3)"}}

	inCSS = namer(append([]ink{textInk, gridInk, bandInk, goodInk, badInk}, lineInk...))
)

func namer(inks []ink) *strings.Replacer {
	var pairs []string
	for _, i := range inks {
		c := i.rgb()
		pairs = append(pairs, fmt.Sprintf(":#%02X%02X%02X", c.R, c.G, c.B), ":"+i.css)
	}
	return strings.NewReplacer(pairs...)
}

// lineDashes tell lines apart for who sees no colours, and on paper.
var lineDashes = [][]vg.Length{nil, {6, 3}, {1.5, 2.5}}

func lineStyle(i int) draw.LineStyle {
	return draw.LineStyle{Color: lineInk[i], Width: vg.Points(1.5), Dashes: lineDashes[i]}
}

// dashes is the same for the legend.
func dashes(i int) string {
	var parts []string
	for _, d := range lineDashes[i] {
		parts = append(parts, fmt.Sprintf("%g", d.Points()))
	}
	return strings.Join(parts, " ")
}
