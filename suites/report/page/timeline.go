package page

import (
	"fmt"
	"slices"

	"github.com/devicegrant/devicegrant/suites/rules"
)

// timeline is the polls behind the throttle's figures, as a drawing: a row for
// each device, a tick for each interval.
type timeline struct {
	Width, Height int
	Label         string
	Ticks         []tick
	Rows          []timelineRow
	Said          string
	// Answers are those that the legend has to explain.
	Answers []string
}

type tick struct {
	X, Bottom int
	Text      string
}

type timelineRow struct {
	Name  string
	Y     int
	Right int
	Polls []poll
}

// poll is a mark; its shape shows the answer, not only its color.
type poll struct {
	X, Y   float64
	Answer string
	Title  string
}

// The drawing's measures, in pixels at its full width.
const (
	lineWidth  = 760
	lineName   = 150
	lineHeight = 24
	lineTop    = 30
	maxRows    = 40
	maxMarks   = 64
)

// knownAnswers have marks of their own.
var knownAnswers = []string{"pending", "slow_down", "token", "limited"}

func newTimeline(r *rules.Throttle) *timeline {
	if r == nil || !(r.IntervalMS > 0) || len(r.Devices) == 0 {
		return nil
	}
	devices := r.Devices[:min(len(r.Devices), maxRows)]
	end := r.IntervalMS
	for _, d := range devices {
		for _, p := range d.Polls {
			end = max(end, p.AtMS)
		}
	}
	x := func(ms float64) float64 {
		return lineName + max(0, min(1, ms/end))*(lineWidth-lineName-20)
	}
	t := &timeline{Width: lineWidth, Height: lineTop + lineHeight*len(devices) + 8, Said: r.String()}
	every := 1
	for end/r.IntervalMS/float64(every) > 12 {
		every *= 2
	}
	for i := 0; float64(i)*r.IntervalMS <= end; i += every {
		at := float64(i) * r.IntervalMS
		t.Ticks = append(t.Ticks, tick{int(x(at)), t.Height - 4, fmt.Sprintf("%g s", at/1000)})
	}
	slow, all := 0, 0
	for i, d := range devices {
		row := timelineRow{Name: clip(d.Name, 22), Y: lineTop + lineHeight*i + lineHeight/2, Right: lineWidth - 10}
		for _, p := range d.Polls[:min(len(d.Polls), maxMarks)] {
			all++
			answer := p.Answer
			if !slices.Contains(knownAnswers, answer) {
				answer = "other"
			}
			if !slices.Contains(t.Answers, answer) {
				t.Answers = append(t.Answers, answer)
			}
			if p.Answer == "slow_down" {
				slow++
			}
			row.Polls = append(row.Polls, poll{x(p.AtMS), float64(row.Y), answer, fmt.Sprintf("%.3f s: %s", p.AtMS/1000, clip(p.Answer, 20))})
		}
		t.Rows = append(t.Rows, row)
	}
	who := fmt.Sprintf("%d devices", len(devices))
	if len(devices) == 1 {
		who = "1 device"
	}
	t.Label = fmt.Sprintf("Polls of %s over %.1f seconds; %d of %d got slow_down", who, end/1000, slow, all)
	return t
}
