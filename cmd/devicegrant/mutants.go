package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/suites/mutation"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/testdata"
)

// mutantsClockRate is how fast the server lives in a mutation run. The guard
// bands of the scenarios do not shrink, so more would not be quicker.
const mutantsClockRate = 5

func newMutantsCommand() *cobra.Command {
	var (
		asJSON, asMarkdown bool
		part               string
		n                  mutation.Engine
	)
	cmd := &cobra.Command{
		Use:   "mutants [ID...]",
		Short: "Test the suite itself: does it detect every fault and nothing else?",
		Long: `Run the suite against the reference server with one fault at a time and against
benign variants of it, and print the kill matrix.

A fault is killed if every check that its entry names changes its verdict. Any
other check that trips must be listed with its cause; otherwise the suite is
wrong. A benign variant must trip nothing beyond its list.

An ID may be a pattern: 'M*', 'F-POLL-*'. devicegrant idp --list-faults describes
each fault, and devicegrant idp --fault ID serves it.

Exit status: 0 all killed and all clean, 1 otherwise, 3 a run could not be made.`,
		Example: "  devicegrant mutants\n  devicegrant mutants M05 'B*'",
		RunE: func(cmd *cobra.Command, ids []string) error {
			all, err := mutation.Read(testdata.Mutants)
			if err != nil {
				return err
			}
			list, err := mutation.Choose(all, ids)
			if err != nil {
				return usageError{err}
			}
			sample, err := mutation.ParseSample(part)
			if err != nil {
				return usageError{fmt.Errorf("--sample: %w", err)}
			}
			list = sample.Take(list)
			out := cmd.OutOrStdout()
			m := mutation.Matrix{Mutants: []mutation.Result{}}
			begun := time.Now()
			n.Run(cmd.Context(), list, func(r mutation.Result) {
				m.Add(r)
				if !asJSON && !asMarkdown {
					printMutant(out, r)
				}
			})
			switch {
			case cmd.Context().Err() != nil:
				return fmt.Errorf("interrupted: %w", cmd.Context().Err())
			case asJSON:
				enc := json.NewEncoder(out)
				enc.SetIndent("", " ")
				if err := enc.Encode(m); err != nil {
					return fmt.Errorf("writing the matrix: %w", err)
				}
			case asMarkdown:
				m.Markdown(out)
			default:
				fmt.Fprintf(out, "\n%s in %s\n", m.Summary(), time.Since(begun).Round(time.Second))
			}
			if status := m.ExitCode(); status != report.ExitConforming {
				return exitStatus(status)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	flags.BoolVar(&asMarkdown, "markdown", false, "print the matrix as Markdown")
	// A run waits most of the time: it takes 13 s, and half a second of a processor.
	flags.IntVar(&n.Parallel, "parallel", 16*runtime.NumCPU(), "concurrent runs")
	flags.Float64Var(&n.ClockRate, "clock-rate", mutantsClockRate, "server seconds per real second")
	flags.StringVar(&n.Browser, "browser", "auto", "browser for mutants that need one: auto, a path, or ws://HOST:PORT")
	flags.StringVar(&part, "sample", "", "I/N: of the mutants that need a browser or two minutes, run only every Nth, starting with the Ith")
	flags.DurationVar(&n.Limit, "limit", 20*time.Minute, "time limit for one run; the longest takes two minutes on an idle machine")
	return cmd
}

// printMutant prints one row of the matrix for a terminal.
func printMutant(w io.Writer, r mutation.Result) {
	const indent = "                      "
	fmt.Fprintf(w, "%-12s %-8s %s\n", r.ID, r.Word(), hanging(r.Title, indent))
	if r.Error != "" {
		fmt.Fprintf(w, "%s%s\n", indent, r.Error)
		return
	}
	var tripped, missed []string
	for _, t := range r.Trips {
		mark := ""
		if t.Because != "" {
			mark = " (follows)"
		}
		if slices.Contains(r.Unexpected, t.ID) {
			mark = " (UNEXPECTED)"
		}
		tripped = append(tripped, fmt.Sprintf("%s %s%s", t.ID, t.Verdict, mark))
	}
	for _, id := range r.Expected {
		if !slices.Contains(r.Tripped, id) {
			missed = append(missed, id)
		}
	}
	if len(tripped) > 0 {
		fmt.Fprintln(w, indent+hanging(strings.Join(tripped, ", "), indent))
	}
	if len(missed) > 0 {
		fmt.Fprintln(w, indent+"missed: "+strings.Join(missed, ", "))
	}
}

// hanging wraps a text whose first line stands behind the indent already.
func hanging(text, indent string) string {
	return strings.Join(wrap(text, 80-len(indent)), "\n"+indent)
}
