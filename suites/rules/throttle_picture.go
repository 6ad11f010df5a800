package rules

import (
	"fmt"
	"strings"
)

// The picture's columns: a name, a gap, and the time axis.
const (
	pictureWidth = 80
	pictureName  = 12
	pictureAxis  = pictureWidth - pictureName - 3
)

// marks of the answers, the weightiest last: where two polls share a column
// the later in this list shows.
var throttleMarks = []struct {
	answer string
	mark   byte
}{{"pending", 'o'}, {"token", 'T'}, {"other", '?'}, {"limited", '!'}, {"slow_down", 'x'}}

// Picture draws the polls on a time axis of 80 columns: one row per device, one
// tick per interval.
//
//	             0    5    10   15 s
//	             |----|----|----|---
//	obedient     ox         o
func (r Throttle) Picture() string {
	end := r.IntervalMS
	for _, d := range r.Devices {
		for _, p := range d.Polls {
			end = max(end, p.AtMS)
		}
	}
	if !(end > 0) || !(r.IntervalMS > 0) {
		return ""
	}
	column := func(ms float64) int {
		return max(0, min(pictureAxis-1, int(ms/end*float64(pictureAxis-1)+0.5)))
	}
	var b strings.Builder
	labels, axis := blank(' '), blank('-')
	free := 0
	for i := 0; i < pictureAxis; i++ {
		at := float64(i) * r.IntervalMS
		if at > end {
			break
		}
		axis[column(at)] = '|'
		if label := fmt.Sprintf("%g", at/1000); column(at) >= free && column(at)+len(label)+2 <= pictureAxis {
			copy(labels[column(at):], label)
			free = column(at) + len(label) + 1
		}
	}
	copy(labels[min(free, pictureAxis-1):], "s")
	row := func(name string, cells []byte) {
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%-*.*s   %s", pictureName, pictureName, name, cells), " "))
	}
	row("", labels)
	row("", axis)
	for _, d := range r.Devices {
		cells := blank(' ')
		for _, m := range throttleMarks {
			for _, p := range d.Polls {
				if p.Answer == m.answer {
					cells[column(p.AtMS)] = m.mark
				}
			}
		}
		row(d.Name, cells)
	}
	b.WriteString("o authorization_pending   x slow_down   ! 429 or 503   ? another answer\n")
	return b.String()
}

func blank(c byte) []byte {
	return []byte(strings.Repeat(string(c), pictureAxis))
}
