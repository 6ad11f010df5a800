package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

func newProfileTryCommand() *cobra.Command {
	var (
		f    targetFlags
		kind string
	)
	cmd := &cobra.Command{
		Use:   "try [NAME|FILE]",
		Short: "Walk through the pages of a server once, and show each",
		Long: `Walk through the pages of a server once, and show each page: what it was taken
for and why, what was done on it, and a picture. Entries for verification.pages
are printed for what the heuristics recognised, to be pasted into the profile:
with them, and auto: false, nothing is guessed any more.

Cases: approve, deny, wrong_code, login_failed, complete_uri. Without a profile
the built-in server is visited. Exit status 1 when the visit did not end as its
case has to.`,
		Example: `  devicegrant profile try my-server.yaml
  devicegrant profile try my-server.yaml --case deny --headed`,
		Args: oneProfile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(scenario.TrialCases, kind) {
				return usageError{fmt.Errorf("--case is one of %s, not %q", strings.Join(scenario.TrialCases, ", "), kind)}
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
			t, err := suites.Try(cmd.Context(), o, kind, f.out)
			if err != nil {
				return err
			}
			if err := printTrial(report.InertWriter{Writer: cmd.OutOrStdout()}, look.paint, t); err != nil {
				return err
			}
			if !t.Ended {
				return exitStatus(report.ExitFailed)
			}
			return nil
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().StringVar(&kind, "case", "approve", strings.Join(scenario.TrialCases, ", "))
	cmd.Flags().BoolVar(&f.headed, "headed", false, "show the browser's window")
	return cmd
}

// printTrial prints the film strip, how it ended, and the entries to paste.
func printTrial(w io.Writer, paint paint, t suites.Trial) error {
	line := func(what, text string) {
		for i, part := range wrap(printable(text), 68) {
			if i > 0 {
				what = ""
			}
			fmt.Fprintf(w, "     %-6s %s\n", what, part)
		}
	}
	fmt.Fprintf(w, "%s at %s, by the %s driver\n", paint.bold(t.Case), printable(t.Target), t.Journey.Driver)
	for i, step := range t.Journey.Steps {
		fmt.Fprintf(w, "\n%3d  %s  %.0f ms\n", step.N, paint.bold(step.Page), step.TookMS)
		line("at", place(step.URL))
		line("title", step.Title)
		line("alert", step.Alert)
		line("why", step.Reason)
		line("did", step.Action)
		line("shot", t.Screenshots[i])
	}
	mark := paint.good("ended as it has to")
	if !t.Ended {
		mark = paint.bad("did not end as it has to")
	}
	fmt.Fprintf(w, "\n%s: %s; %s\n", mark, t.Journey.Outcome, printable(t.Heard()))
	if trouble := t.Journey.Trouble; trouble != nil {
		line("cause", trouble.Cause)
		line("hint", trouble.Hint)
		line("fields", strings.Join(trouble.Fields, ", "))
		line("button", strings.Join(trouble.Buttons, ", "))
		for _, tried := range trouble.Tried {
			line("tried", tried)
		}
	}
	if len(t.Pages) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nWhat the heuristics recognised, for the profile:\n\nverification:\n  pages:\n%s", pagesYAML(t.Pages))
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

// pagesYAML writes entries of verification.pages. A string in JSON is one in YAML.
func pagesYAML(pages []profiles.Page) string {
	var b strings.Builder
	flow := func(pairs ...string) string {
		var parts []string
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				value, _ := json.Marshal(pairs[i+1]) // a string always marshals
				// A variable it is not.
				parts = append(parts, pairs[i]+": "+strings.ReplaceAll(string(value), "${", "$${"))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	locator := func(l *profiles.Locator) string {
		return flow("css", l.CSS, "id", l.ID, "name", l.Name, "label", l.Label, "button", l.Button)
	}
	for _, p := range pages {
		m := p.When[0]
		fmt.Fprintf(&b, "    - role: %s\n      when: %s\n", p.Role, flow("url", m.URL, "id", m.ID, "name", m.Name, "title", m.Title, "text", m.Text))
		for _, way := range []struct {
			name    string
			actions []profiles.Action
		}{{"do", p.Do}, {"approve", p.Approve}, {"deny", p.Deny}} {
			if len(way.actions) == 0 {
				continue
			}
			fmt.Fprintf(&b, "      %s:\n", way.name)
			for _, a := range way.actions {
				optional := ""
				if a.Optional {
					optional = ", optional: true"
				}
				if a.Fill != nil {
					fmt.Fprintf(&b, "        - {fill: %s, with: %s%s}\n", locator(a.Fill), a.With, optional)
				} else {
					fmt.Fprintf(&b, "        - {click: %s%s}\n", locator(a.Click), optional)
				}
			}
		}
		if p.NoDeny {
			b.WriteString("      no_deny: true\n")
		}
	}
	return b.String()
}
