package main

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/onboarding"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

func newProfileTryCommand() *cobra.Command {
	var (
		f      targetFlags
		kind   string
		driver string
	)
	cmd := &cobra.Command{
		Use:   "try [NAME|FILE]",
		Short: "Visit the pages of a server once, and show each page",
		Long: `Log in and decide one code on the pages of a server, and show for each page how
it was recognized, what was done on it, and a screenshot. For what the heuristics recognized, try
prints entries for verification.pages. Paste them into the profile and set
auto: false, and devicegrant no longer guesses.

Cases: approve, deny, wrong_code, login_failed, complete_uri. A hook sees no pages:
without --case, it approves, denies, and gets a code that was never issued, and try
prints what the hook answered and what the device heard. Without a profile try
visits the built-in server. Exit status 1 if a visit did not end as its case
requires.`,
		Example: `  devicegrant profile try my-server.yaml
  devicegrant profile try my-server.yaml --case deny --headed
  devicegrant profile try my-server.yaml --driver hook`,
		Args: oneProfile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if kind != "" && !slices.Contains(scenario.WalkthroughCases(), kind) {
				return usageError{fmt.Errorf("--case must be one of %s, not %q", strings.Join(scenario.WalkthroughCases(), ", "), kind)}
			}
			if driver != "" && !slices.Contains(profiles.Drivers(), driver) {
				return usageError{fmt.Errorf("--driver must be one of %s, not %q", strings.Join(profiles.Drivers(), ", "), driver)}
			}
			look, err := f.look.resolve(cmd.ErrOrStderr())
			if err != nil {
				return usageError{err}
			}
			o, done, err := f.open(cmd, args)
			if err != nil {
				return err
			}
			defer done()
			if driver != "" {
				o.Profile.Verification.Drivers = []string{driver}
			}
			ended := true
			for i, kind := range casesToTry(kind, o.Profile.Verification.Drivers) {
				t, err := onboarding.Walk(cmd.Context(), o, kind, f.out)
				if err != nil {
					return err
				}
				w := report.InertWriter{Writer: cmd.OutOrStdout()}
				if i > 0 {
					fmt.Fprintln(w)
				}
				if err := printWalkthrough(w, look.paint, t); err != nil {
					return err
				}
				ended = ended && t.Ended
			}
			if !ended {
				return exitStatus(report.ExitFailed)
			}
			return nil
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().StringVar(&kind, "case", "", "what to do: "+strings.Join(scenario.WalkthroughCases(), ", ")+" (default approve; for a hook approve, deny, wrong_code)")
	cmd.Flags().StringVar(&driver, "driver", "", "who acts: "+strings.Join(profiles.Drivers(), ", ")+" (default: the profile's verification.drivers)")
	cmd.MarkFlagsMutuallyExclusive("driver", "browser")
	cmd.Flags().BoolVar(&f.headed, "headed", false, "show the browser's window")
	return cmd
}

// casesToTry are the case that was asked for, or else those that the driver needs to
// be trusted: nobody sees what a hook does.
func casesToTry(kind string, drivers []string) []string {
	switch {
	case kind != "":
		return []string{kind}
	case slices.Equal(drivers, []string{"hook"}):
		return []string{"approve", "deny", "wrong_code"}
	}
	return []string{"approve"}
}

// printWalkthrough prints the film strip, how it ended, and the entries to paste.
func printWalkthrough(w io.Writer, paint paint, t onboarding.Walkthrough) error {
	line := func(what, text string) {
		for i, part := range wrap(report.OneLine(text), 68) {
			if i > 0 {
				what = ""
			}
			fmt.Fprintf(w, "     %-6s %s\n", what, part)
		}
	}
	fmt.Fprintf(w, "%s at %s, by the %s driver\n", paint.bold(t.Case), report.OneLine(t.Target), t.Journey.Driver)
	for i, step := range t.Journey.Steps {
		fmt.Fprintf(w, "\n%3d  %s  %.0f ms\n", step.N, paint.bold(step.Page), step.TookMS)
		line("at", place(step.URL))
		line("title", step.Title)
		line("alert", step.Alert)
		line(map[bool]string{true: "answer", false: "why"}[step.Page == "hook"], step.Reason)
		line("did", step.Action)
		line("shot", t.Screenshots[i])
	}
	mark := paint.good("ended as it has to")
	if !t.Ended {
		mark = paint.bad("did not end as it has to")
	}
	fmt.Fprintf(w, "\n%s: %s; %s\n", mark, t.Journey.Outcome, report.OneLine(t.Heard()))
	if trouble := t.Journey.Trouble; trouble != nil {
		line("cause", trouble.Cause)
		line("hint", trouble.Hint)
		line("fields", strings.Join(trouble.Fields, ", "))
		line("button", strings.Join(trouble.Buttons, ", "))
		for _, tried := range trouble.Tried {
			line("tried", tried)
		}
	}
	line("hint", t.Hint())
	if t.Limited != "" {
		line("limit", "the page refused to check more user codes ("+t.Limited+"): if the server limits how many are typed a minute, set limits.user_codes_per_minute in the profile; a run finds the number, too")
	}
	if len(t.Alike) > 0 {
		fmt.Fprintf(w, "\nNo entry tells these pages from others of this visit: %s. Write one by hand.\n", strings.Join(t.Alike, ", "))
	}
	if len(t.Pages) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nWhat the heuristics recognised, for the profile:\n\nverification:\n  pages:\n%s", onboarding.PagesYAML(t.Pages))
	return err
}

// place is an address without its query, which may hold codes and tokens.
func place(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that is no URL"
	}
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	u.Fragment, u.User = "", nil
	return u.String()
}
