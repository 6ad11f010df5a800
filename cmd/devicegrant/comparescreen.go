package main

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	comparison "github.com/devicegrant/devicegrant/suites/compare"
)

// matrix prints a comparison in 80 columns: what the letters stand for, the
// rows that are not the same everywhere, and the measured values that differ.
func (s *screen) matrix(m comparison.Matrix, only string) {
	p := s.look.paint
	letters := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		letters[i] = c.Letter
		s.wrapped("  "+c.Letter+" ", clean(c.Name)+": "+clean(c.Describe()), p.bold, nil)
		if c.Lost == "" {
			s.printf("    %s\n", p.dim(c.Tally()))
		}
	}
	s.printf("\nrows: %d differ; only one server fails in %d; all fail in %d (suspect the check)\n",
		m.Count(comparison.Differs), m.Count(comparison.OnlyFails), m.Count(comparison.Unanimous))
	s.printf("✓ pass  ✗ fail  ! warn  ~ known  i info  ? inconclusive  - n/a, skip  × lost\n\n")
	s.printf("%s\n", p.bold("  "+strings.Join(letters, " ")))
	for _, r := range m.Rows {
		fails := false
		for _, c := range r.Cells {
			fails = fails || c.Fails()
		}
		if r.Class == "" && !fails || only == "fails" && !fails {
			continue
		}
		marks := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			_, brush := s.mark(c.Verdict)
			marks[i] = brush(comparison.Mark(c.Verdict))
		}
		note := ""
		if r.Class == comparison.OnlyFails || r.Class == comparison.Unanimous {
			note = "(" + clean(r.Note()) + ") "
		}
		room := max(20, 79-3-2*len(r.Cells)-10)
		s.printf("  %s %-9s %s\n", strings.Join(marks, " "), r.ID, runewidth.Truncate(note+r.Title, room, "…"))
	}
	s.measuredValues(m)
}

// measuredValues prints each value with the columns that have it.
func (s *screen) measuredValues(m comparison.Matrix) {
	s.printf("\n%s\n", s.look.paint.bold("measurements that differ"))
	for _, r := range m.Measured {
		if !r.Differs {
			continue
		}
		var order []string
		who := map[string]string{}
		for i, v := range r.Values {
			if who[v] == "" {
				order = append(order, v)
			}
			who[v] += m.Columns[i].Letter
		}
		parts := make([]string, len(order))
		for i, v := range order {
			parts[i] = fmt.Sprintf("%s: %s", who[v], clean(v))
		}
		s.wrapped("  ", r.Name+"  "+strings.Join(parts, ";  "), nil, nil)
	}
	s.printf("\n")
}
