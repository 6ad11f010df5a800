package formats

import (
	"bytes"
	"fmt"
	"io"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// Markdown writes the run as tables: first the checks that need attention with
// their evidence, then one line per check.
func Markdown(w io.Writer, r report.Result) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n", report.Markdown(titleOf(r.Target)))
	kind := line(r.Target.Kind)
	if kind == "" {
		kind = "real"
	}
	fmt.Fprintf(&b, "**%s** · exit %d · %s server · profile %s · %.1f s · devicegrant %s\n", summary(r.Counts), r.ExitCode, report.Markdown(kind), report.Markdown(line(r.Target.Profile)), float64(r.DurationMS)/1000, report.Markdown(line(r.Tool.Version)))
	if r.Interrupted {
		b.WriteString("\nThe run was interrupted: this report is incomplete.\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\n> %s\n", report.Markdown(line(n)))
	}
	for _, part := range []struct {
		title string
		has   func(report.Check) bool
	}{
		{"Failures", func(c report.Check) bool { return outcomeOf(c, r.Policy) == failed }},
		{"Undecided", func(c report.Check) bool { return c.Verdict == rules.Inconclusive || c.Verdict == rules.Broken }},
		{"Warnings", func(c report.Check) bool { return c.Verdict == rules.Warn && outcomeOf(c, r.Policy) != failed }},
		{"Known deviations", func(c report.Check) bool { return c.Verdict == report.Known }},
	} {
		heading := false
		for _, c := range r.Checks {
			if !part.has(c) {
				continue
			}
			if !heading {
				fmt.Fprintf(&b, "\n## %s\n\n| Check | Level | Expected | Observed |\n|---|---|---|---|\n", part.title)
				heading = true
			}
			markdownRows(&b, c)
		}
	}
	b.WriteString("\n## All checks\n\n| | Check | Level | Requirement | Verdict |\n|---|---|---|---|---|\n")
	skipped := 0
	for _, c := range r.Checks {
		if c.Verdict == rules.Skip {
			skipped++
			continue
		}
		said := verdictWord(c.Verdict)
		if c.Verdict != rules.Pass {
			said += ": " + line(c.Reason)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", mark(c.Verdict), report.Markdown(line(c.ID)), report.Markdown(line(string(c.Level))), report.Markdown(line(c.Title)), report.Markdown(said))
	}
	if skipped > 0 {
		fmt.Fprintf(&b, "\n%d skipped: not selected or not possible.\n", skipped)
	}
	_, err := b.WriteTo(w)
	return err
}

func markdownRows(b *bytes.Buffer, c report.Check) {
	name := fmt.Sprintf("%s %s", report.Markdown(line(c.ID)), report.Markdown(line(c.Title)))
	if address := report.SourceURL(c.Source); address != "" {
		name = fmt.Sprintf("%s ([%s](%s))", name, report.Markdown(line(c.Source)), address)
	}
	list := grave(c)
	if len(list) == 0 {
		list = []rules.Finding{{Observed: c.Reason}}
	}
	for i, f := range list[:min(len(list), maxRows)] {
		observed := report.Markdown(line(f.Observed))
		if d := c.Deviation; d != nil && i == 0 {
			observed += " — baseline: " + report.Markdown(line(d.Reason))
		}
		if more := len(list) - maxRows; i == maxRows-1 && more > 0 {
			observed += fmt.Sprintf(" (and %d more)", more)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, report.Markdown(line(string(c.Level))), report.Markdown(line(f.Expected)), observed)
		name = ""
	}
}

// maxRows bounds the findings of one check in a table.
const maxRows = 4

func mark(v rules.Verdict) string {
	switch v {
	case rules.Pass:
		return "✓"
	case rules.Fail, rules.Broken, report.Fixed:
		return "✗"
	case rules.Warn:
		return "!"
	case rules.Inconclusive:
		return "?"
	case report.Known:
		return "~"
	case rules.Info:
		return "i"
	}
	return "–"
}
