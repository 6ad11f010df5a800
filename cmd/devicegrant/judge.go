package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/report"
)

func newJudgeCommand() *cobra.Command {
	var (
		out                                   string
		strict, allowInconclusive, noBaseline bool
		asJSON                                bool
		flags                                 lookFlags
	)
	cmd := &cobra.Command{
		Use:   "judge RESULT",
		Short: "Judge a recorded run again, offline",
		Long: `Apply the rules of this version to the exchanges in a result.json, without the
server: after an update of devicegrant, or after a rule has changed.

A result is redacted. A check that needs the value of a secret (the strength of
device codes, the signature of an ID token) can be judged again only if the run
kept the fact in question; otherwise it is inconclusive. For a throwaway server,
run --unredacted keeps everything.

RESULT is a result.json, compressed (.gz) or not, its folder, or - for standard
input.`,
		Example: "  devicegrant run --unredacted --out out\n  devicegrant judge out/result.json",
		Args:    oneArg("a result.json, its folder, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			look, err := flags.resolve(cmd.ErrOrStderr())
			if err != nil {
				return usageError{err}
			}
			recorded, err := report.Read(args[0], cmd.InOrStdin())
			if err != nil {
				return usageError{err}
			}
			result, err := suites.Judge(recorded, report.Policy{Strict: strict, AllowInconclusive: allowInconclusive}, noBaseline)
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", args[0], err)}
			}
			path, shown := args[0], ""
			d := &delivery{dir: out, stdout: cmd.OutOrStdout()}
			if out != "" {
				if err := outFlag(out); err != nil {
					return err
				}
				path, err = report.WriteDir(out, result)
				d.try(err)
				shown, err = writePage(out, result)
				d.try(err)
			}
			screen := newScreen(cmd.OutOrStdout(), cmd.ErrOrStderr(), look, asJSON)
			if !look.quiet {
				screen.printf("target  %s\n        judged again from %s, recorded %s\n", describeTarget(result.Target), args[0], recorded.Started.Format("2006-01-02 15:04 MST"))
			}
			for _, c := range result.Checks {
				screen.Checked(c)
			}
			screen.results(result, path, shown)
			if asJSON {
				d.print(func(w io.Writer) error { return report.WriteJSON(w, result) })
			}
			return d.status(result.ExitCode)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&strict, "strict", false, "warnings for SHOULDs and certain others fail the run")
	f.BoolVar(&allowInconclusive, "allow-inconclusive", false, "inconclusive checks do not fail the run")
	f.BoolVar(&noBaseline, "no-baseline", false, "ignore the profile's known deviations")
	f.StringVarP(&out, "out", "o", "", "folder for the new result.json; without it nothing is written")
	f.BoolVar(&asJSON, "json", false, "print the new result.json on standard output")
	flags.register(f)
	return cmd
}
