package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/suites"
	comparison "github.com/devicegrant/devicegrant/suites/compare"
	"github.com/devicegrant/devicegrant/suites/report"
)

// compareFlags are the flags of the verb compare.
type compareFlags struct {
	set, selectors []string
	level, browser string
	allowLockouts  bool
	timeBudget     time.Duration
	parallel       int
	limit          time.Duration
	out, gate      string
	only           string
	json           bool
	look           lookFlags
}

// mostParallel bounds the runs that are under way at once.
const mostParallel = 16

// defaultParallel is as many runs as keep the cores busy: a run with a browser
// uses about half of one, and more of them make each other's pages slow.
func defaultParallel() int { return min(2*runtime.NumCPU(), mostParallel) }

func newCompareCommand() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare [NAME=]TARGET...",
		Short: "Compare several servers in one matrix",
		Long: `Compare several servers in one matrix. A TARGET is one of

  FILE or FOLDER      an existing result.json
  PROFILE             a shipped profile or a YAML file: the server is tested now
  PROFILE@simulated   a vendor's profile, run against the simulation of that vendor
  builtin@FAULT       the reference server with a fault, see idp --list-faults

Each live target runs in its own process, several at a time. A crash loses only
that column. matrix.json, matrix.md and matrix.html go to --out, with a folder
containing result.json for each live column.

Exit status: 0 every column is present, whatever its verdicts; with --gate NAME,
that column's status; 3 a column was lost; 130 interrupted.`,
		Example: `  devicegrant compare wso2@simulated oracle@simulated builtin
  devicegrant compare old=out/monday new=my-server.yaml --gate new`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.set, "set", nil, "override a profile key of one column: NAME:key=value")
	flags.StringSliceVar(&f.selectors, "select", nil, "selectors, as for run")
	flags.StringVar(&f.level, "level", "all", "must, should or all")
	flags.StringVar(&f.browser, "browser", "auto", "auto, none, a path, or ws://HOST:PORT")
	flags.BoolVar(&f.allowLockouts, "allow-lockouts", false, "allow checks that might lock an account or a client")
	flags.DurationVar(&f.timeBudget, "time-budget", suites.DefaultTimeBudget, "longest single wait in a run")
	flags.IntVar(&f.parallel, "parallel", defaultParallel(), "concurrent runs; the default is two per core")
	flags.DurationVar(&f.limit, "limit", 30*time.Minute, "time limit for the run of one target")
	flags.StringVar(&f.gate, "gate", "", "use the exit status of this column")
	flags.StringVar(&f.only, "only", "differs", "rows to print: differs or fails")
	flags.StringVarP(&f.out, "out", "o", filepath.Join("out", "compare"), "folder for the matrix and the runs")
	flags.BoolVar(&f.json, "json", false, "print matrix.json on standard output")
	f.look.register(flags)
	return cmd
}

func (f *compareFlags) run(cmd *cobra.Command, args []string) error {
	look, err := f.look.resolve(cmd.ErrOrStderr())
	if err != nil {
		return usageError{err}
	}
	targets, err := f.check(args)
	if err != nil {
		return err
	}
	if err := outFlag(f.out); err != nil {
		return err
	}
	m := comparison.New(report.Tool{Version: toolVersion()}, f.columns(cmd.Context(), targets))
	out := &delivery{dir: f.out, stdout: cmd.OutOrStdout()}
	f.write(out, m)
	if f.json {
		out.print(func(w io.Writer) error { return comparison.WriteJSON(w, m) })
	} else {
		s := newScreen(cmd.OutOrStdout(), cmd.ErrOrStderr(), look, false)
		s.matrix(m, f.only)
		s.printf("matrix  %s\n", filepath.Join(f.out, "matrix.html"))
	}
	return out.status(f.exitCode(cmd.Context(), m))
}

// check finds mistakes before anything starts.
func (f *compareFlags) check(args []string) ([]compared, error) {
	if len(args) < 2 {
		return nil, usageError{fmt.Errorf("compare needs at least two targets: profiles, results or PROFILE@simulated")}
	}
	if f.only != "differs" && f.only != "fails" {
		return nil, usageError{fmt.Errorf("--only must be differs or fails, not %q", f.only)}
	}
	if f.parallel < 1 {
		return nil, usageError{fmt.Errorf("--parallel must be 1 or more")}
	}
	if f.browser == "manual" {
		return nil, usageError{fmt.Errorf("manual approval works for one server at a time: run the servers one by one, then compare the results")}
	}
	if _, err := suites.Select(f.selectors, f.level); err != nil {
		return nil, usageError{err}
	}
	targets, err := parseCompared(args, f.set)
	if err != nil {
		return nil, err
	}
	if f.gate != "" && !slices.ContainsFunc(targets, func(t compared) bool { return t.name == f.gate }) {
		return nil, usageError{fmt.Errorf("--gate %q: there is no such column", f.gate)}
	}
	return targets, nil
}

// columns runs all targets beside each other.
func (f *compareFlags) columns(ctx context.Context, targets []compared) []comparison.Column {
	args := []string{"--level", f.level, "--browser", f.browser, "--time-budget", f.timeBudget.String()}
	if f.allowLockouts {
		args = append(args, "--allow-lockouts")
	}
	args = append(args, f.selectors...)
	list := make([]comparison.Column, len(targets))
	slots := make(chan struct{}, min(f.parallel, mostParallel))
	var all sync.WaitGroup
	for i, t := range targets {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			list[i] = t.column(ctx, f.out, args, f.limit)
		})
	}
	all.Wait()
	return list
}

// write writes the matrix in its three forms, that for programs first.
func (f *compareFlags) write(out *delivery, m comparison.Matrix) {
	for _, form := range []struct {
		name  string
		write func(io.Writer, comparison.Matrix) error
	}{{"matrix.json", comparison.WriteJSON}, {"matrix.md", comparison.WriteMarkdown}, {"matrix.html", comparison.WriteHTML}} {
		out.file(form.name, func(w io.Writer) error { return form.write(w, m) })
	}
}

func (f *compareFlags) exitCode(ctx context.Context, m comparison.Matrix) int {
	if ctx.Err() != nil {
		return report.ExitInterrupted
	}
	status := report.ExitConforming
	for _, c := range m.Columns {
		switch {
		case f.gate != "" && c.Name != f.gate:
		case c.Lost != "":
			return report.ExitUnknown
		case f.gate != "":
			status = c.ExitCode
		}
	}
	return status
}
