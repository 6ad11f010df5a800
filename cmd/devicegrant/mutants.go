package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
		n                  mutation
	)
	cmd := &cobra.Command{
		Use:   "mutants [ID...]",
		Short: "Test the suite itself: does it see every fault, and accuse no innocent?",
		Long: `Run the suite against the reference server with one fault at a time, and
against benign variants of it, and print the kill matrix.

A fault is killed when every check that its entry names leaves the verdict which
the clean server gets. Whatever else trips must be listed with its cause, or the
suite is at fault. A benign variant must trip nothing beyond its list.

An ID may be a pattern: 'M*', 'F-POLL-*'. devicegrant idp --list-faults tells
what each of them is, and devicegrant idp --fault ID serves it.

Exit status: 0 all killed and all clean, 1 otherwise, 3 a run did not work.`,
		Example: "  devicegrant mutants\n  devicegrant mutants M05 'B*'",
		RunE: func(cmd *cobra.Command, ids []string) error {
			list, err := chooseMutants(ids)
			if err != nil {
				return err
			}
			if n.sample, err = parseNth(part); err != nil {
				return usageError{err}
			}
			list = n.sample.take(list)
			out := cmd.OutOrStdout()
			m := matrix{Mutants: []mutantResult{}}
			begun := time.Now()
			n.run(cmd.Context(), list, func(r mutantResult) {
				m.add(r)
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
				m.markdown(out)
			default:
				fmt.Fprintf(out, "\n%s in %s\n", m.summary(), time.Since(begun).Round(time.Second))
			}
			if status := m.exitCode(); status != report.ExitConforming {
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
	flags.IntVar(&n.parallel, "parallel", 16*runtime.NumCPU(), "runs that are under way at once")
	flags.Float64Var(&n.clockRate, "clock-rate", mutantsClockRate, "the server's seconds in one of ours")
	flags.StringVar(&n.browser, "browser", "auto", "browser for the mutants of the pages: auto, a path, or ws://HOST:PORT")
	flags.StringVar(&part, "sample", "", "I/N: of the mutants that need a browser or two minutes only every Nth, from the Ith on")
	flags.DurationVar(&n.limit, "limit", 20*time.Minute, "when a run is taken to hang; the longest takes two minutes on a machine at rest")
	return cmd
}

// parseNth reads I/N.
func parseNth(text string) (s nth, err error) {
	if text == "" {
		return s, nil
	}
	first, n, _ := strings.Cut(text, "/")
	s.first, err = strconv.Atoi(first)
	if err == nil {
		s.n, err = strconv.Atoi(n)
	}
	if err != nil || s.first < 0 || s.n < 1 {
		return nth{}, fmt.Errorf("--sample %q: give two numbers, such as 2/5", text)
	}
	return s, nil
}

// chooseMutants returns the entries whose ids match one of the patterns, in the
// order of the list; all without patterns.
func chooseMutants(patterns []string) ([]mutant, error) {
	all, err := readMutants(testdata.Mutants)
	if err != nil || len(patterns) == 0 {
		return all, err
	}
	hit := make([]bool, len(patterns))
	var chosen []mutant
	for _, m := range all {
		wanted := false
		for i, p := range patterns {
			if ok, err := path.Match(strings.ToUpper(p), strings.ToUpper(m.ID)); ok && err == nil {
				wanted, hit[i] = true, true
			}
		}
		if wanted {
			chosen = append(chosen, m)
		}
	}
	for i, p := range patterns {
		if !hit[i] {
			return nil, usageError{fmt.Errorf("no mutant is called %q; devicegrant idp --list-faults lists them", p)}
		}
	}
	return chosen, nil
}

// matrix is the answer of mutants --json.
type matrix struct {
	Mutants []mutantResult `json:"mutants"`
	Killed  int            `json:"killed"`
	Faults  int            `json:"faults"`
	Clean   int            `json:"clean"`
	Benign  int            `json:"benign"`
	// Unexpected counts the trips that nobody listed, Broken the runs that did
	// not work.
	Unexpected int `json:"unexpected"`
	Broken     int `json:"broken"`
}

func (m *matrix) add(r mutantResult) {
	m.Mutants = append(m.Mutants, r)
	m.Unexpected += len(r.Unexpected)
	count := func(when bool, n *int) {
		if when {
			*n++
		}
	}
	count(r.Kind == "fault", &m.Faults)
	count(r.Killed, &m.Killed)
	count(r.Kind == "benign", &m.Benign)
	count(r.Clean, &m.Clean)
	count(r.Error != "", &m.Broken)
}

func (m *matrix) exitCode() int {
	switch {
	case m.Broken > 0:
		return report.ExitUnknown
	case m.Killed < m.Faults || m.Clean < m.Benign || m.Unexpected > 0:
		return report.ExitFailed
	}
	return report.ExitConforming
}

func (m *matrix) summary() string {
	s := fmt.Sprintf("%d of %d faults killed, %d of %d benign variants clean, %d unexpected trips", m.Killed, m.Faults, m.Clean, m.Benign, m.Unexpected)
	if m.Broken > 0 {
		s += fmt.Sprintf(", %d runs did not work", m.Broken)
	}
	return s
}

// word is what became of a mutant.
func (r mutantResult) word() string {
	switch {
	case r.Error != "":
		return "broken"
	case r.Killed && len(r.Unexpected) > 0, r.Kind == "benign" && !r.Clean:
		return "TRIPPED"
	case r.Killed:
		return "killed"
	case r.Clean:
		return "clean"
	}
	return "SURVIVED"
}

// printMutant prints one row of the matrix for a terminal.
func printMutant(w io.Writer, r mutantResult) {
	const indent = "                      "
	fmt.Fprintf(w, "%-12s %-8s %s\n", r.ID, r.word(), hanging(r.Title, indent))
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

// markdown prints the matrix as a table.
func (m *matrix) markdown(w io.Writer) {
	fmt.Fprintf(w, "# Kill matrix\n\n%s.\n\n| mutant | what is wrong, or merely unusual | seen by | follows | result |\n|---|---|---|---|---|\n", m.summary())
	for _, r := range m.Mutants {
		var seen, follows []string
		for _, t := range r.Trips {
			switch {
			case t.Because != "":
				follows = append(follows, t.ID)
			default:
				seen = append(seen, fmt.Sprintf("%s %s", t.ID, t.Verdict))
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.ID, r.Title, strings.Join(seen, ", "), strings.Join(follows, ", "), r.word())
	}
}

// hanging wraps a text whose first line stands behind the indent already.
func hanging(text, indent string) string {
	return strings.Join(wrap(text, 80-len(indent)), "\n"+indent)
}
