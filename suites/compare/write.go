package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
)

// WriteJSON writes the matrix as in matrix.json.
func WriteJSON(w io.Writer, m Matrix) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", " ")
	if err := enc.Encode(m); err != nil {
		return err
	}
	_, err := w.Write(report.InertJSON(b.Bytes()))
	return err
}

// WriteMarkdown writes the complete matrix as tables.
func WriteMarkdown(w io.Writer, m Matrix) error {
	var b strings.Builder
	b.WriteString("# Comparison\n\n| | name | server | verdicts |\n|---|---|---|---|\n")
	letters, rule := "", ""
	for _, c := range m.Columns {
		tally := ""
		if c.Lost == "" {
			tally = c.Tally()
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.Letter, report.Markdown(c.Name), report.Markdown(c.Describe()), tally)
		letters += " " + c.Letter + " |"
		rule += "---|"
	}
	fmt.Fprintf(&b, "\n%d rows differ; in %d, only one server fails; in %d, all fail (suspect the check).\n", m.Count(Differs), m.Count(OnlyFails), m.Count(Unanimous))
	fmt.Fprintf(&b, "\n## Requirements\n\n| id | level | title |%s note |\n|---|---|---|%s---|\n", letters, rule)
	for _, r := range m.Rows {
		fmt.Fprintf(&b, "| %s | %s | %s |", r.ID, r.Level, report.Markdown(r.Title))
		for _, c := range r.Cells {
			fmt.Fprintf(&b, " %s |", report.Markdown(string(c.Verdict)))
		}
		fmt.Fprintf(&b, " %s |\n", report.Markdown(r.Note()))
	}
	fmt.Fprintf(&b, "\n## Measured\n\n| what |%s\n|---|%s\n", letters, rule)
	for _, r := range m.Measured {
		fmt.Fprintf(&b, "| %s |", report.Markdown(r.Name))
		for _, v := range r.Values {
			fmt.Fprintf(&b, " %s |", report.Markdown(v))
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Note describes the class of a row.
func (r Row) Note() string {
	switch r.Class {
	case OnlyFails:
		return "only " + r.Only + " fails"
	case Unanimous:
		return "all fail: suspect the check"
	}
	return string(r.Class)
}
