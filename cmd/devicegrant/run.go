package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/report"
)

// runFlags are the flags of the verb run.
type runFlags struct {
	profile           string
	set               []string
	level             string
	out               string
	browser           string
	headed            bool
	wait              time.Duration
	timeBudget        time.Duration
	inFlight          int
	parallel          int
	repeat            int
	seed              uint64
	clockRate         float64
	allowLockouts     bool
	strict            bool
	allowInconclusive bool
	noBaseline        bool
	baseline          string
	writeBaseline     string
	unredacted        bool
	json              bool
	formats           []string
	look              lookFlags
}

func newRunCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [SELECTOR...]",
		Short: "Test one server",
		Long: `Test one server against RFC 8628.

Without --profile, run starts the built-in reference server on loopback and
tests it. A selector is an id (POLL-05), a pattern ('POLL-*'), an RFC section
(3.5) or a label (@must, @person, @slow, ...; see list --help); ! excludes.

Exit status: see devicegrant --help.`,
		Example: `  devicegrant run
  devicegrant run --profile my-server.yaml --set base_url=https://idp.example.com
  devicegrant run --profile my-server.yaml 3.5 '!@slow'`,
		RunE: func(cmd *cobra.Command, selectors []string) error {
			return f.run(cmd, selectors)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.profile, "profile", "p", "builtin", "shipped profile or YAML file")
	flags.StringArrayVar(&f.set, "set", nil, "override a profile key: base_url=https://...")
	flags.StringVar(&f.level, "level", "all", "must (MUST, defined, implied), should (these and SHOULD) or all")
	flags.BoolVar(&f.strict, "strict", false, "warnings for SHOULDs and certain others fail the run")
	flags.BoolVar(&f.allowInconclusive, "allow-inconclusive", false, "inconclusive checks do not fail the run")
	flags.BoolVar(&f.noBaseline, "no-baseline", false, "ignore the profile's known deviations")
	flags.StringVar(&f.baseline, "baseline", "", "YAML file with known deviations, in addition to the profile's")
	flags.StringVar(&f.writeBaseline, "write-baseline", "", "write this run's deviations to a file for --baseline, and exit with status 0")
	flags.BoolVar(&f.allowLockouts, "allow-lockouts", false, "allow checks that might lock an account or a client")
	flags.DurationVar(&f.wait, "wait", 0, "wait up to this long for a server that is still starting")
	flags.DurationVar(&f.timeBudget, "time-budget", suites.DefaultTimeBudget, "longest single wait, for example until a code expires")
	flags.IntVar(&f.inFlight, "concurrency", suites.DefaultInFlight, "maximum concurrent requests")
	flags.IntVar(&f.parallel, "parallel", 0, "maximum concurrent browser journeys (0: as many as this machine carries)")
	flags.IntVar(&f.repeat, "repeat", 4, "ordinary grants, for the rate of what goes wrong now and then (at most 1000)")
	flags.StringVar(&f.browser, "browser", "auto", "auto, none, manual, a path, or ws://HOST:PORT")
	flags.BoolVar(&f.headed, "headed", false, "show the browser's window")
	flags.Uint64Var(&f.seed, "seed", 0, "seed for generated values, to repeat an earlier run")
	flags.Float64Var(&f.clockRate, "clock-rate", 1, "built-in server only: server seconds per real second")
	flags.StringVarP(&f.out, "out", "o", "out", "folder for result.json and the reports")
	flags.StringSliceVarP(&f.formats, "format", "f", nil, "additional reports in --out: "+strings.Join(formatNames()[1:], ", "))
	flags.BoolVar(&f.unredacted, "unredacted", false, "keep secrets in result.json; for a throwaway server only")
	flags.BoolVar(&f.json, "json", false, "print result.json on standard output")
	f.look.register(flags)
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, selectors []string) (err error) {
	ctx := cmd.Context()
	look, err := f.look.resolve(cmd.ErrOrStderr())
	if err != nil {
		return usageError{err}
	}
	// Mistakes in the command line and the profile show before anything starts.
	if err := checkFormats(f.formats, f.json); err != nil {
		return err
	}
	if _, err := suites.Select(selectors, f.level); err != nil {
		return usageError{err}
	}
	if err := outFlag(f.out); err != nil {
		return err
	}
	if f.writeBaseline != "" {
		if err := tryBaseline(f.writeBaseline); err != nil {
			return err
		}
	}
	if f.parallel < 0 {
		return usageError{fmt.Errorf("--parallel %d: give the maximum number of concurrent journeys, or 0 for as many as this machine carries", f.parallel)}
	}
	if f.repeat < 0 || f.repeat > profiles.MaxRepeat {
		return usageError{fmt.Errorf("--repeat %d: give a number of grants from 0 to %d", f.repeat, profiles.MaxRepeat)}
	}
	o := suites.Options{
		Select: selectors, Level: f.level, Wait: f.wait, TimeBudget: f.timeBudget, InFlight: f.inFlight, Parallel: f.parallel,
		ClockRate: f.clockRate, Seed: f.seed, Browser: f.browser, Headed: f.headed, NoBaseline: f.noBaseline, Unredacted: f.unredacted,
		Policy: report.Policy{Strict: f.strict, AllowInconclusive: f.allowInconclusive},
		In:     cmd.InOrStdin(), Out: cmd.ErrOrStderr(), Tool: toolVersion(),
	}
	if f.startsBuiltin() {
		server, err := builtin.StartDefault(f.clockRate)
		if err != nil {
			return err
		}
		defer server.Close()
		o.Kind, o.Fidelity = "simulated", "a test double"
		o.Profile, err = profiles.Load("builtin", profiles.Options{
			Set: append([]string{"base_url=" + server.URL}, f.set...), Getenv: server.Getenv,
		})
		if err != nil {
			return err
		}
	} else {
		if f.clockRate != 1 {
			return usageError{fmt.Errorf("--clock-rate works only with the built-in server, because it changes the clock of the server too")}
		}
		if o.Profile, err = profiles.Load(f.profile, profiles.Options{Set: f.set}); err != nil {
			return err
		}
	}
	if f.allowLockouts {
		o.Profile.Limits.AllowLockouts = true
	}
	if cmd.Flags().Changed("repeat") {
		o.Profile.Limits.Repeat = f.repeat
	}
	known, err := f.readBaseline()
	if err != nil {
		return err
	}
	o.Profile.Baseline = profiles.Over(o.Profile.Baseline, known)

	screen := newScreen(cmd.OutOrStdout(), cmd.ErrOrStderr(), look, f.json)
	o.Observer = screen
	result, err := suites.RunSpecs(ctx, o)
	screen.finish()
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted before the first check: %w", context.Canceled)
		}
		return f.unreached(o, err)
	}
	return f.deliver(cmd.OutOrStdout(), screen, result, known)
}

// unreached leaves a result also of a run that could not begin, so that nobody
// takes an older one for it. The error says the rest.
func (f *runFlags) unreached(o suites.Options, err error) error {
	if result, ok := suites.Unreached(o, err); ok {
		if _, failed := report.WriteDir(f.out, result); failed != nil {
			return errors.Join(err, failed)
		}
		if _, failed := writePage(f.out, result); failed != nil {
			return errors.Join(err, failed)
		}
	}
	return err
}

// deliver writes the result and says how the run ended. result.json comes first.
func (f *runFlags) deliver(stdout io.Writer, screen *screen, result report.Result, known []profiles.Deviation) error {
	out := &delivery{dir: f.out, stdout: stdout}
	path, err := report.WriteDir(f.out, result)
	out.try(err)
	if path == "" {
		path = out.rescue("result.json", func(w io.Writer) error { return report.WriteJSON(w, result) })
	}
	shown, err := writePage(f.out, result)
	out.try(err)
	screen.results(result, path, shown)
	further := slices.DeleteFunc(slices.Clone(f.formats), func(name string) bool { return name == "html" || name == "json" })
	paths := writeFormats(out, further, result)
	if f.json {
		out.print(func(w io.Writer) error { return report.WriteJSON(w, result) })
	}
	if f.unredacted {
		screen.unredacted(slices.Concat([]string{path, shown}, paths))
	}
	status := result.ExitCode
	if f.writeBaseline != "" && !result.Interrupted && result.Lost == "" {
		covered, err := saveBaseline(screen, f.writeBaseline, result, known)
		out.try(err)
		if err == nil {
			status = covered
		}
	}
	return out.status(status)
}

// startsBuiltin says that the target is the built-in server and nobody named a
// running one.
func (f *runFlags) startsBuiltin() bool {
	if f.profile != "builtin" {
		return false
	}
	for _, s := range f.set {
		if strings.HasPrefix(s, "base_url=") {
			return false
		}
	}
	return true
}
