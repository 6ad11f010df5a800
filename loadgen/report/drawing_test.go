package report

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestDrawingStaysInside: whatever is drawn, every coordinate is a number within
// the chart, and the labels have room.
func TestDrawingStaysInside(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	wild := []point{{0, 0}, {1, 5}, {nan, 1}, {2, nan}, {3, inf}, {-inf, 2}, {-7, -7}, {1e308, 1e308}, {4, math.MaxFloat64}, {5, 1e-300}, {6, -1e300}}
	for _, most := range []float64{0, 1, 99, 12_345, 1e9, 1e308, nan, inf, -1} {
		for name, x := range map[string]scale{"time": timeScale(most), "linear": linearScale(most), "quantile": quantileScale(most)} {
			for other, y := range map[string]scale{"linear": linearScale(most), "growth": growthScale(most), "millis": millisScale(1, most)} {
				for _, end := range []float64{most, nan, -inf} {
					c, on := newChart("A chart", "", axes{x: x, y: y, from: 0, to: end}, []series{{"wild", wild, millis}})
					if c == nil {
						t.Fatal("nothing is drawn")
					}
					paths := c.Grid + c.Axes + c.Lines[0].Path + place(on.x(wild[7].x), on.y(wild[7].y))
					if b := c.Band; b != nil {
						paths += place(b.X, b.Y) + place(b.X+b.Width, b.Y+b.Height)
					}
					for _, l := range c.Labels {
						paths += place(l.X, l.Y)
						left, right := l.X-textWidth(l.Text), l.X
						if l.Class == "x" {
							left, right = l.X-textWidth(l.Text)/2, l.X+textWidth(l.Text)/2
						}
						if left < 0 || right > chartWidth+0.1 {
							t.Errorf("%s, %s to %v: the label %q goes from %v to %v", name, other, most, l.Text, left, right)
						}
					}
					if found := outside(paths); found != "" {
						t.Errorf("%s, %s to %v: %s", name, other, most, found)
					}
				}
			}
		}
	}
}

var coordinates = regexp.MustCompile(`[ML]([^ ]+) ([^MLaz]+)`)

// outside is a part of a path that is not within the chart.
func outside(path string) string {
	if rest := coordinates.ReplaceAllString(path, ""); rest != "" {
		return fmt.Sprintf("%.40q is no path", rest)
	}
	for _, m := range coordinates.FindAllStringSubmatch(path, -1) {
		x, wrongX := strconv.ParseFloat(m[1], 64)
		y, wrongY := strconv.ParseFloat(m[2], 64)
		if wrongX != nil || wrongY != nil || !(x >= 0 && x <= chartWidth+1 && y >= 0 && y <= chartHeight) {
			return m[0]
		}
	}
	return ""
}

// TestDrawing: values stand where their scale has them, a gap is not bridged, and
// a single value between two gaps is a dot.
func TestDrawing(t *testing.T) {
	nan := math.NaN()
	a := axes{x: timeScale(10), y: linearScale(100), from: 2, to: 8}
	c, on := newChart("A chart", "", a, []series{
		{"none", []point{{0, nan}}, millis},
		{"some", []point{{0, 0}, {5, 50}, {6, nan}, {7, 70}, {8, nan}, {9, 100}, {10, 0}}, millis},
	})
	if want := "A chart, a line chart: some from 0 ms to 100 ms."; c.Label != want {
		t.Errorf("%q, want %q", c.Label, want)
	}
	if len(c.Legend) != 1 || c.Legend[0] != (legendLine{"some", "line-2"}) || c.Lines[0].Class != "line-2" {
		t.Errorf("a line has its own style, whatever the others have: %+v", c.Legend)
	}
	if n := strings.Count(c.Lines[0].Path, "M"); n != 3 {
		t.Errorf("%d parts: %s", n, c.Lines[0].Path)
	}
	if got, want := on.x(5), (on.x(0)+on.x(10))/2; math.Abs(got-want) > 1e-9 {
		t.Errorf("half of the time is at %v, not %v", got, want)
	}
	if on.y(0) != on.bottom || on.y(100) != on.top || on.x(10) != on.right {
		t.Errorf("the ends of the scales are at %v, %v and %v", on.y(0), on.y(100), on.x(10))
	}
	if b := c.Band; b == nil || math.Abs(b.X-on.x(2)) > 0.1 || math.Abs(b.X+b.Width-on.x(8)) > 0.2 {
		t.Errorf("the band is %+v", b)
	}
	if c, _ := newChart("A chart", "", a, []series{{"none", []point{{1, nan}}, millis}}); c != nil {
		t.Error("a chart of nothing")
	}
}
