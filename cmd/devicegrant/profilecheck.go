package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/suites/onboarding"
	"github.com/devicegrant/devicegrant/suites/report"
)

func newProfileCheckCommand() *cobra.Command {
	var (
		f      targetFlags
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "check [NAME|FILE]",
		Short: "Check a profile against its server, before a run",
		Long: `Check a profile against its server: whether the server can be reached, whether
its certificate and clock are fine, whether the client gets codes, and whether a
browser is available and recognizes the page. check sends one device
authorization request and one poll and opens the page; it enters nothing and
judges nothing. Without a profile it checks the built-in server.

Exit status 3 if something must be fixed first.`,
		Example: "  devicegrant profile check my-server.yaml",
		Args:    oneProfile,
		RunE: func(cmd *cobra.Command, args []string) error {
			look, err := f.look.resolve(cmd.ErrOrStderr())
			if err != nil {
				return usageError{err}
			}
			o, done, err := f.open(cmd, args)
			if err != nil {
				return err
			}
			defer done()
			found := onboarding.Preflight(cmd.Context(), o, f.out)
			if cmd.Context().Err() != nil {
				return fmt.Errorf("interrupted: %w", cmd.Context().Err())
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), map[string]any{"checks": found})
			} else {
				err = printPreflight(report.InertWriter{Writer: cmd.OutOrStdout()}, look.paint, found)
			}
			if err != nil {
				return err
			}
			for _, c := range found {
				if c.Standing == onboarding.Bad {
					return exitStatus(report.ExitUnknown)
				}
			}
			return nil
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

// printJSON prints what a target said among our own words.
func printJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(report.InertJSON(b.Bytes()))
	return err
}

// printPreflight prints a block for each step: what was found, and the fix.
func printPreflight(w io.Writer, paint paint, found []onboarding.Precheck) error {
	marks := map[onboarding.Standing]string{
		onboarding.Good: paint.good("ok     "), onboarding.Caution: paint.caution("caution"),
		onboarding.Bad: paint.bad("bad    "), onboarding.Untried: paint.dim("-      "),
	}
	const indent = "                               "
	bad := 0
	for _, c := range found {
		if c.Standing == onboarding.Bad {
			bad++
		}
		head := fmt.Sprintf("%s %-22s ", marks[c.Standing], c.Step)
		for i, line := range wrap(report.OneLine(c.Found), 80-len(indent)) {
			if i > 0 {
				head = indent
			}
			fmt.Fprintf(w, "%s%s\n", head, line)
		}
		for i, line := range wrap(report.OneLine(c.Fix), 80-len(indent)-5) {
			fmt.Fprintf(w, "%s%s%s\n", indent, [...]string{"fix: ", "     "}[min(i, 1)], line)
		}
		if c.File != "" {
			fmt.Fprintf(w, "%s%s\n", indent, c.File)
		}
	}
	next := "devicegrant profile try --case approve shows one journey; then run"
	if bad > 0 {
		next = fmt.Sprintf("%d to mend before a run", bad)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", next)
	return err
}
