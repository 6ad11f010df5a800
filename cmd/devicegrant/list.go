package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/rules"
)

func newListCommand() *cobra.Command {
	var (
		level  string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "list [SELECTOR...]",
		Short: "List the requirements",
		Long: `List the requirements.

A selector is an id (POLL-05), a pattern ('POLL-*'), an RFC section (3.5) or a
label (@must, @should, @person, @browser, @slow, @fast, @d2); ! excludes.`,
		Example: "  devicegrant list 3.5 '!@slow'",
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen, err := suites.Select(args, level)
			if err != nil {
				return usageError{err}
			}
			out := cmd.OutOrStdout()
			if asJSON {
				enc := json.NewEncoder(out)
				enc.SetIndent("", " ")
				return enc.Encode(chosen)
			}
			for _, section := range rules.Sections() {
				heading := false
				for _, r := range chosen {
					if r.Section != section.Number {
						continue
					}
					if !heading {
						fmt.Fprintf(out, "\n%s %s\n", section.Number, section.Title)
						heading = true
					}
					fmt.Fprintf(out, "  %-10s %-8s %s\n", r.ID, r.Level, r.Title)
				}
			}
			count := fmt.Sprintf("%d requirements", len(chosen))
			if len(chosen) == 1 {
				count = "1 requirement"
			}
			fmt.Fprintf(out, "\n%s; devicegrant explain ID explains one and its level.\n", count)
			return nil
		},
	}
	cmd.Flags().StringVar(&level, "level", "all", "must, should or all")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "explain ID...",
		Short:   "Explain requirements: level, scenarios, control and reason",
		Example: "  devicegrant explain POLL-05",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("explain needs an id, for example POLL-05; devicegrant list shows all ids")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen, err := suites.Select(args, "all")
			if err != nil {
				return usageError{err}
			}
			out := cmd.OutOrStdout()
			for i, r := range chosen {
				if i > 0 {
					fmt.Fprintln(out)
				}
				rule, _ := rules.ForID(r.ID)
				fmt.Fprintf(out, "%s  %s\n\n", r.ID, r.Title)
				fmt.Fprintf(out, "  source    %s\n", r.Source)
				fmt.Fprintf(out, "  level     %s (%s)\n", r.Level, levelMeaning[r.Level])
				fmt.Fprintf(out, "  impact    %s (%s)\n", r.Impact, impactMeaning[r.Impact])
				if len(r.Needs) > 0 {
					fmt.Fprintf(out, "  needs     %s\n", strings.Join(r.Needs, ", "))
				}
				fmt.Fprintf(out, "  scenario  %s\n", strings.Join(rule.Scenarios, ", "))
				field := "control"
				for _, line := range wrap(r.Control, 64) {
					fmt.Fprintf(out, "  %-9s %s\n", field, line)
					field = ""
				}
				fmt.Fprintln(out)
				for _, line := range wrap(r.Why, 74) {
					fmt.Fprintf(out, "  %s\n", line)
				}
			}
			return nil
		},
	}
}

var levelMeaning = map[rules.Level]string{
	rules.Must:    "a violation is at worst a failure",
	rules.Defined: "the specification states it as a fact; a violation is at worst a failure",
	rules.Implied: "no sentence demands it, but the protocol or its security needs it; a failure if clearly broken",
	rules.Should:  "a violation is a warning, which --strict counts; findings policy-* are limits set by this suite and fail",
	rules.May:     "an optional feature, judged if it is used",
	rules.NonNorm: "non-normative in the specification; at most a warning",
	rules.Hygiene: "not required by OAuth; a warning, except findings policy-*, which fail by limits set by this suite",
}

var impactMeaning = map[string]string{
	"D0": "changes nothing on the server",
	"D1": "uses only codes and tokens of its own",
	"D2": "might lock an account or a client; needs --allow-lockouts",
}

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
