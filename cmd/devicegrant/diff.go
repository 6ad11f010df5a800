package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// exitRegression is the exit status of diff when something got worse.
const exitRegression = 4

func newDiffCommand() *cobra.Command {
	var (
		allowLost, asJSON bool
		tolerances        []string
		flags             lookFlags
	)
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show what changed between two runs",
		Long: `Compare two results of run, or two of load. OLD and NEW are a result.json or a
load.json, compressed (.gz) or not, their folder, or - for standard input.

For two conformance runs, it lists the checks that are
  new       passing or not tried before, failing or undecided now; or failing in
            an additional way: a regression
  lost      judged before, not tried now: a regression, unless --allow-lost
  changed   another verdict or other findings, neither better nor worse
  fixed     failing or undecided before, passing now
  appeared  not tried before, passing now

For two load runs, it lists the figures and which of them are worse by more than
their tolerance: ` + "\n  " + strings.Join(loadgen.FigureNames()[:6], ", ") + ",\n  " + strings.Join(loadgen.FigureNames()[6:9], ", ") + ",\n  " + strings.Join(loadgen.FigureNames()[9:], ", ") + `

Exit status: 0 nothing got worse, 2 a file cannot be read, 3 a load run is
invalid, 4 regression.`,
		Example: `  devicegrant diff out/monday out/tuesday
  devicegrant diff old/load.json new/load.json --tolerance poll_latency_p99=10%`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{fmt.Errorf("diff needs two results, the old and the new one")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			look, err := flags.resolve(cmd.ErrOrStderr())
			if err != nil {
				return usageError{err}
			}
			allowed, err := loadgen.ParseTolerances(tolerances)
			if err != nil {
				return usageError{fmt.Errorf("--tolerance: %w", err)}
			}
			s := newScreen(cmd.OutOrStdout(), cmd.ErrOrStderr(), look, asJSON)
			was, is := &eitherResult{}, &eitherResult{}
			for i, r := range []*eitherResult{was, is} {
				if err := r.read(args[i], cmd.InOrStdin()); err != nil {
					return usageError{err}
				}
			}
			if (was.load == nil) != (is.load == nil) {
				return usageError{fmt.Errorf("one result is from run and the other from load; they cannot be compared")}
			}
			var difference any
			status := report.ExitConforming
			if was.load != nil {
				d := loadgen.DiffRuns(*was.load, *is.load, allowed)
				s.loadDifference(d)
				difference = d
				switch {
				case d.Invalid != "":
					status = report.ExitUnknown
				case d.Worse():
					status = exitRegression
				}
			} else {
				d := report.Diff(*was.run, *is.run)
				s.difference(d, *is.run)
				difference = d
				if d.Count(report.New) > 0 || d.Count(report.Lost) > 0 && !allowLost {
					status = exitRegression
				}
			}
			if asJSON {
				if err := printJSON(cmd.OutOrStdout(), difference); err != nil {
					return fmt.Errorf("writing the difference: %w", err)
				}
			}
			if status != report.ExitConforming {
				return exitStatus(status)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&allowLost, "allow-lost", false, "do not count a check that was not tried as a regression")
	f.StringSliceVar(&tolerances, "tolerance", nil, "how much worse a load figure may be: poll_latency_p99=10%")
	f.BoolVar(&asJSON, "json", false, "print the difference as JSON on standard output")
	flags.register(f)
	return cmd
}

// eitherResult is a result of run or of load.
type eitherResult struct {
	run  *report.Result
	load *loadgen.Result
}

// maxLoadResult bounds a load.json, whose timeline has a point a second.
const maxLoadResult = 256 << 20

func (e *eitherResult) read(path string, stdin io.Reader) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		for _, name := range []string{"result.json", "load.json"} {
			if _, err := os.Stat(filepath.Join(path, name)); err == nil {
				path = filepath.Join(path, name)
				break
			}
		}
	}
	if path != "-" && strings.HasSuffix(path, ".gz") {
		r, err := report.Read(path, nil)
		e.run = &r
		return err
	}
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("the result: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxLoadResult))
	if err != nil {
		return fmt.Errorf("the result %s: %w", path, err)
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if json.Unmarshal(text, &head) == nil && head.Schema == loadgen.Schema {
		var r loadgen.Result
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("%s is not a load.json: %w", path, err)
		}
		e.load = &r
		return nil
	}
	r, err := report.Decode(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s is neither a result.json nor a load.json: %w", path, err)
	}
	e.run = &r
	return nil
}

// difference prints what changed from one conformance run to another.
func (s *screen) difference(d report.Difference, is report.Result) {
	for _, note := range d.Notes {
		s.wrapped("note      ", clean(note), nil, nil)
	}
	for _, class := range report.Classes() {
		for _, c := range d.Changes {
			if c.Class != class {
				continue
			}
			_, brush := s.mark(map[report.Class]rules.Verdict{report.New: "fail", report.Lost: "warn", report.Mended: "pass"}[class])
			was, now := string(c.Old.Verdict), string(c.New.Verdict)
			if was == "" {
				was = "absent"
			}
			if now == "" {
				now = "absent"
			}
			s.wrapped(fmt.Sprintf("%-9s %-10s ", class, clean(c.ID)), clean(c.Title), brush, nil)
			s.wrapped("          ", fmt.Sprintf("%s -> %s: %s", was, now, firstLine(clean(c.New.Reason))), nil, s.look.paint.dim)
			if class == report.New && !s.look.quiet {
				shown := c.New
				shown.Findings = slices.DeleteFunc(slices.Clone(shown.Findings), func(f rules.Finding) bool {
					return len(c.Codes) > 0 && !slices.Contains(c.Codes, string(f.Severity)+" "+f.Code)
				})
				s.details(shown, is)
			}
		}
	}
	var parts []string
	for _, class := range report.Classes() {
		if n := d.Count(class); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, class))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing changed"}
	}
	s.printf("%s\n", strings.Join(parts, ", "))
}

// loadDifference prints the figures of two load runs.
func (s *screen) loadDifference(d loadgen.RunDifference) {
	for _, note := range d.Notes {
		s.wrapped("note      ", clean(note), nil, nil)
	}
	s.printf("%-30s %12s %12s %9s\n", "figure", "old", "new", "tolerance")
	for _, f := range d.Figures {
		word, brush := "", fmt.Sprint
		switch {
		case f.Worse:
			word, brush = "worse", s.look.paint.bad
		case f.Better:
			word, brush = "better", s.look.paint.good
		}
		allowed := fmt.Sprintf("%.0f %%", f.Tolerance*100)
		if f.Tolerance == 0 {
			allowed = "no worse"
		}
		line := fmt.Sprintf("%-30s %12.2f %12.2f %9s", strings.TrimSpace(f.Name+" "+f.Unit), f.Old, f.New, allowed)
		if word != "" {
			line += "  " + brush(word)
		}
		s.printf("%s\n", line)
	}
	for _, text := range d.Broken {
		s.printf("%s\n", s.look.paint.bad("missed in the new run: "+clean(text)))
	}
	if d.Invalid != "" {
		s.printf("%s\n", d.Invalid)
	}
}
