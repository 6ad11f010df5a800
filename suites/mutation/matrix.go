package mutation

import (
	"fmt"
	"io"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
)

// Matrix counts the outcomes of all mutants.
type Matrix struct {
	Mutants []Result `json:"mutants"`
	Killed  int      `json:"killed"`
	Faults  int      `json:"faults"`
	Clean   int      `json:"clean"`
	Benign  int      `json:"benign"`
	// Unexpected counts the trips that are not listed, Broken the runs that
	// failed.
	Unexpected int `json:"unexpected"`
	Broken     int `json:"broken"`
}

// Add adds a result.
func (m *Matrix) Add(r Result) {
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

// ExitCode returns the exit status of devicegrant mutants.
func (m *Matrix) ExitCode() int {
	switch {
	case m.Broken > 0:
		return report.ExitUnknown
	case m.Killed < m.Faults || m.Clean < m.Benign || m.Unexpected > 0:
		return report.ExitFailed
	}
	return report.ExitConforming
}

// Summary returns the counts in one line.
func (m *Matrix) Summary() string {
	s := fmt.Sprintf("%d of %d faults killed, %d of %d benign variants clean, %d unexpected trips", m.Killed, m.Faults, m.Clean, m.Benign, m.Unexpected)
	if m.Broken > 0 {
		s += fmt.Sprintf(", %d runs did not work", m.Broken)
	}
	return s
}

// Markdown prints the matrix as a table.
func (m *Matrix) Markdown(w io.Writer) {
	fmt.Fprintf(w, "# Kill matrix\n\n%s.\n\n| mutant | what is wrong, or merely unusual | seen by | follows | result |\n|---|---|---|---|---|\n", m.Summary())
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
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.ID, r.Title, strings.Join(seen, ", "), strings.Join(follows, ", "), r.Word())
	}
}
