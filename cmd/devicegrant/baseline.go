package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// readBaseline reads the file of --baseline, and that of --write-baseline if
// there is one already: what holds in it is kept.
func (f *runFlags) readBaseline() ([]profiles.Deviation, error) {
	if f.noBaseline && (f.baseline != "" || f.writeBaseline != "") {
		return nil, usageError{fmt.Errorf("--no-baseline cannot be combined with --baseline or --write-baseline")}
	}
	var known []profiles.Deviation
	if f.writeBaseline != "" && f.writeBaseline != f.baseline {
		old, err := profiles.LoadBaseline(f.writeBaseline)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		known = old
	}
	if f.baseline == "" {
		return known, nil
	}
	added, err := profiles.LoadBaseline(f.baseline)
	if errors.Is(err, fs.ErrNotExist) {
		if f.writeBaseline == f.baseline {
			return known, nil
		}
		return nil, usageError{fmt.Errorf("--baseline: %w\n  --write-baseline %s creates one", err, f.baseline)}
	}
	return profiles.Over(known, added), err
}

// tryBaseline makes sure, before a run begins, that its baseline can be written.
func tryBaseline(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return usageError{fmt.Errorf("--write-baseline: %s is not a file", path)}
	}
	if err := report.TryFolder(filepath.Dir(path)); err != nil {
		return usageError{fmt.Errorf("--write-baseline: %w", err)}
	}
	return nil
}

// saveBaseline writes the entries of the files that hold and those that the run
// calls for, and returns how the run ends with them: a baseline file covers no
// error of ours, and no stale entry of the profile.
func saveBaseline(screen *screen, path string, r report.Result, known []profiles.Deviation) (status int, err error) {
	same := func(d profiles.Deviation, s report.Stale) bool {
		return s.Code == d.Code && s.File == d.File && s.Line == d.Line
	}
	kept := slices.DeleteFunc(slices.Clone(known), func(d profiles.Deviation) bool {
		return slices.ContainsFunc(r.Checks, func(c report.Check) bool {
			return c.ID == d.Check && slices.ContainsFunc(c.Stale, func(s report.Stale) bool { return same(d, s) })
		})
	})
	added := report.Proposed(r)
	all := profiles.Over(added, kept)
	slices.SortStableFunc(all, func(a, b profiles.Deviation) int {
		return cmp.Or(cmp.Compare(a.Check, b.Check), cmp.Compare(a.Code, b.Code))
	})
	text, err := profiles.FormatBaseline(all)
	if err != nil {
		return 0, err
	}
	head := fmt.Sprintf(`# Known deviations of the server, for run --baseline.
# Written by a run on %s. Say in each reason why the deviation is accepted.
# link says where it is tracked; until: 2027-01-31 sets its last day.
`, r.Started.UTC().Format(time.DateOnly))
	if err := report.WriteFile(path, func(w io.Writer) error { _, err := w.Write(append([]byte(head), text...)); return err }); err != nil {
		return 0, fmt.Errorf("the baseline: %w", err)
	}
	screen.printf("wrote   %s: entries: %d kept, %d new, %d dropped\n", path, len(kept), len(all)-len(kept), len(known)-len(kept))
	covered := r
	covered.Checks = slices.Clone(r.Checks)
	for i, c := range covered.Checks {
		if c.Verdict != rules.Broken && !slices.ContainsFunc(c.Stale, func(s report.Stale) bool {
			return !slices.ContainsFunc(known, func(d profiles.Deviation) bool { return same(d, s) })
		}) && report.ExitCode(report.Result{Checks: []report.Check{c}}, r.Policy) != report.ExitConforming && c.Verdict != rules.Skip && c.Verdict != rules.NA {
			covered.Checks[i].Verdict = report.Known
		}
	}
	return report.ExitCode(covered, r.Policy), nil
}

// baselineAdvice says which lines of a baseline have to go, and what to paste
// for what is new.
func (s *screen) baselineAdvice(r report.Result) {
	for _, c := range r.Checks {
		for _, stale := range c.Stale {
			name := c.ID
			if stale.Code != "" {
				name += " " + stale.Code
			}
			s.printf("%s:%d: delete this entry: %s: %s\n", clean(stale.File), stale.Line, clean(name), clean(stale.Why))
		}
	}
	proposed := report.Proposed(r)
	if len(proposed) == 0 || r.Interrupted || r.Lost != "" || s.look.quiet {
		return
	}
	const most = 8
	text, err := profiles.FormatBaseline(proposed[:min(len(proposed), most)])
	if err != nil {
		return
	}
	s.printf("\nto accept these, add them to a file for --baseline or to the profile:\n%s", clean(string(text)))
	if more := len(proposed) - most; more > 0 {
		s.printf("  # and %d more: run --write-baseline FILE writes all of them\n", more)
	}
}
