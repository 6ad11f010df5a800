// Package compare puts the results of several servers side by side.
//
// [New] is a pure function of the results. It returns one row for each
// requirement, one cell for each server, and rows for measurements beyond the
// verdicts. It adds no judgement. Missing results keep their own words (skip,
// inconclusive, lost) and never count as a pass.
package compare

import (
	"fmt"
	"slices"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// Schema is the value of Matrix.Schema.
const Schema = "devicegrant/compare/1"

// Lost is the verdict word in the cells of a column without a result.
const Lost rules.Verdict = "lost"

// Column is one server.
type Column struct {
	// Letter stands for the column where there is little room: A, B, ...
	Letter string `json:"letter"`
	Name   string `json:"name"`
	// Lost says why there is no result; then the rest is empty.
	Lost       string        `json:"lost,omitempty"`
	Target     report.Target `json:"target"`
	Counts     report.Counts `json:"counts"`
	ExitCode   int           `json:"exit_code"`
	DurationMS int64         `json:"duration_ms"`
	// Link leads from the matrix to the column's result.json.
	Link string `json:"link,omitempty"`
	// Report leads to the column's report.html, where there is one.
	Report string `json:"report,omitempty"`
	// Result is the whole run, for the exchanges behind the findings.
	Result report.Result `json:"-"`
}

// Class summarizes a row.
type Class string

// The classes of rows. A row without one is the same everywhere, or has too
// few judged columns to say anything.
const (
	Differs   Class = "differs"
	OnlyFails Class = "only one fails"
	// Unanimous: every judged column fails, so the check itself is suspect.
	Unanimous Class = "unanimous failure"
)

// Row is one requirement.
type Row struct {
	ID      string      `json:"id"`
	Section string      `json:"section"`
	Level   rules.Level `json:"level"`
	Title   string      `json:"title"`
	Class   Class       `json:"class,omitempty"`
	// Only is the name of the only column that fails.
	Only  string `json:"only,omitempty"`
	Cells []Cell `json:"cells"`
}

// Cell is what one server got for one requirement.
type Cell struct {
	Verdict  rules.Verdict   `json:"verdict"`
	Reason   string          `json:"reason,omitempty"`
	Findings []rules.Finding `json:"findings,omitempty"`
	// expected is what a known deviation was expected to be.
	expected string
	// scenario is the conversation that the check is about.
	scenario string
}

// Measured is a value for each column that is not judged.
type Measured struct {
	Name    string   `json:"name"`
	Differs bool     `json:"differs"`
	Values  []string `json:"values"`
}

// Matrix is the whole comparison.
type Matrix struct {
	Schema   string      `json:"schema"`
	Tool     report.Tool `json:"tool"`
	Columns  []Column    `json:"columns"`
	Rows     []Row       `json:"rows"`
	Measured []Measured  `json:"measured"`
}

// New compares the columns. It reads their Name, Link, and Result or Lost.
func New(tool report.Tool, columns []Column) Matrix {
	m := Matrix{Schema: Schema, Tool: tool, Columns: slices.Clone(columns), Rows: []Row{}, Measured: measured(columns)}
	checks := make([]map[string]report.Check, len(columns))
	for i := range m.Columns {
		c := &m.Columns[i]
		c.Letter = letter(i)
		if c.Lost != "" {
			continue
		}
		c.Target, c.ExitCode, c.DurationMS = c.Result.Target, c.Result.ExitCode, c.Result.DurationMS
		c.Counts = report.Count(c.Result.Checks)
		checks[i] = map[string]report.Check{}
		for _, check := range c.Result.Checks {
			checks[i][check.ID] = check
		}
	}
	for _, requirement := range rules.Catalogue() {
		row := Row{ID: requirement.ID, Section: requirement.Section, Level: requirement.Level, Title: requirement.Title}
		for i, c := range m.Columns {
			row.Cells = append(row.Cells, cell(c, checks[i], requirement.ID))
		}
		row.Class, row.Only = classify(row.Cells, m.Columns)
		m.Rows = append(m.Rows, row)
	}
	return m
}

func letter(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return fmt.Sprint(i + 1)
}

func cell(c Column, checks map[string]report.Check, id string) Cell {
	if c.Lost != "" {
		return Cell{Verdict: Lost, Reason: c.Lost}
	}
	check, ok := checks[id]
	if !ok {
		return Cell{Verdict: rules.Skip, Reason: "the result lacks this check"}
	}
	x := Cell{Verdict: check.Verdict, Reason: check.Reason, Findings: check.Findings, scenario: check.Scenario}
	if check.Deviation != nil {
		x.expected = check.Deviation.Expect
	}
	return x
}

// Judged reports whether the server's behavior was seen and judged.
func (c Cell) Judged() bool {
	switch c.Verdict {
	case rules.Pass, rules.Fail, rules.Warn, rules.Info, report.Fixed:
		return true
	case report.Known:
		return c.expected != string(rules.Inconclusive) && c.expected != string(rules.NA)
	}
	return false
}

// Fails reports whether the server breaks the requirement. A known failure
// counts here too.
func (c Cell) Fails() bool {
	return c.Verdict == rules.Fail || c.Verdict == report.Known && (c.expected == "" || c.expected == string(rules.Fail))
}

// classify looks at the columns that were judged. Two that lack an optional
// feature and one that has it do differ.
func classify(cells []Cell, columns []Column) (Class, string) {
	var judged, failed, unknown, last int
	seen := map[rules.Verdict]bool{}
	for i, c := range cells {
		if c.Judged() {
			judged++
		}
		if c.Verdict == rules.Inconclusive || c.Verdict == report.Known && c.expected == string(rules.Inconclusive) {
			unknown++
		}
		if c.Judged() || c.Verdict == rules.NA {
			seen[c.Verdict] = true
		}
		if c.Fails() {
			failed++
			last = i
		}
	}
	switch {
	case judged > 1 && failed == judged && unknown == 0:
		return Unanimous, ""
	case failed == 1 && judged > 1:
		return OnlyFails, columns[last].Name
	case len(seen) > 1:
		return Differs, ""
	}
	return "", ""
}

// Count returns how many rows have a class.
func (m Matrix) Count(class Class) (n int) {
	for _, r := range m.Rows {
		if r.Class == class {
			n++
		}
	}
	return n
}

// Describe says in one line what a column is. It always marks a simulation as
// one.
func (c Column) Describe() string {
	if c.Lost != "" {
		return "LOST: " + c.Lost
	}
	text := c.Target.Name
	if c.Target.Version != "" {
		text += " " + c.Target.Version
	}
	switch {
	case c.Target.Kind != "simulated":
		text += ", " + c.Target.Kind
	case c.Target.Fidelity == "":
		text += ", SIMULATED, fidelity not stated"
	default:
		text += ", SIMULATED (" + c.Target.Fidelity + ")"
	}
	return text
}

// Tally summarizes the counts of a column.
func (c Column) Tally() string {
	n := c.Counts
	return fmt.Sprintf("%d pass, %d fail, %d warn, %d known, %d inconclusive, %d n/a, %d skip", n.Pass, n.Fail+n.Error+n.Fixed, n.Warn, n.Known, n.Inconclusive, n.NA, n.Skip)
}
