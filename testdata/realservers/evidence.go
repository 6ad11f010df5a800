package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Bounds of an evidence page, which a person reads.
const (
	maxFindings  = 6
	maxExchanges = 3
	maxText      = 400
	maxBody      = 600
)

// evidence is the page of one server: each check of the table, each that is not
// pass, info or n/a, and each security check.
func evidence(s server) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s: the evidence\n\n", s.Title, s.Version)
	fmt.Fprintf(&b, "Measured on %s with the profile `%s` and the driver %s. [All servers](../real-servers.md) says how it was configured.\n", s.date(), s.profile(), report.Markdown(s.Run.Target.Driver))
	for _, c := range s.Run.Checks {
		if !shown(c) {
			continue
		}
		fmt.Fprintf(&b, "\n<a id=\"%s\"></a>\n\n## %s\n\n", strings.ToLower(c.ID), c.ID)
		if s.withheld(c.ID) {
			b.WriteString("A severe finding, not yet disclosed.\n")
			continue
		}
		s.writeCheck(&b, c)
	}
	return b.String()
}

// profile is the shipped one's name, or where the target's own is.
func (s server) profile() string {
	if s.Profile == s.Name {
		return s.Name
	}
	return "testdata/targets/" + s.Name + "/profile.yaml"
}

func shown(c report.Check) bool {
	if slices.ContainsFunc(questions, func(q question) bool { return q.check == c.ID }) || strings.HasPrefix(c.ID, "SEC-") {
		return true
	}
	return !slices.Contains([]rules.Verdict{rules.Pass, rules.Info, rules.NA}, c.Verdict)
}

func (s server) writeCheck(b *strings.Builder, c report.Check) {
	fmt.Fprintf(b, "%s **%s**: %s (%s, %s)\n\n", marks[c.Verdict], c.Verdict, report.Markdown(c.Title), c.Level, report.Markdown(c.Source))
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(b, "- %s: %s\n", name, report.Markdown(cut(text, maxText)))
		}
	}
	a, argued := s.Verdicts.Of(c.ID)
	line("observed", c.Reason)
	line("shown by", s.Verdicts.Evidence[c.ID])
	if argued {
		line("argued", a.Because)
		line("disputed by ourselves", a.Wrong)
	}
	for _, f := range c.Findings[:min(len(c.Findings), maxFindings)] {
		fmt.Fprintf(b, "\n`%s` (%s)", f.Code, f.Severity)
		if f.Expected != "" {
			fmt.Fprintf(b, ": expected %s", report.Markdown(cut(f.Expected, maxText)))
		}
		if f.Observed != "" {
			fmt.Fprintf(b, "; observed %s", report.Markdown(cut(f.Observed, maxText)))
		}
		b.WriteString("\n")
		for _, ref := range f.Exchanges[:min(len(f.Exchanges), maxExchanges)] {
			if x, ok := report.FindExchange(s.Run, ref); ok {
				writeExchange(b, x)
			}
		}
	}
	if more := len(c.Findings) - maxFindings; more > 0 {
		fmt.Fprintf(b, "\nand %d more findings.\n", more)
	}
}

// writeExchange writes an exchange in an indented block, in which no text of a
// server means anything.
func writeExchange(b *strings.Builder, x wire.Exchange) {
	text := x.Method + " " + x.URL + "\n"
	if len(x.Request.Body) > 0 {
		text += cut(string(x.Request.Body), maxBody) + "\n"
	}
	text += "-> " + report.Outcome(x) + "\n"
	if x.Response != nil && len(x.Response.Body) > 0 {
		text += cut(string(x.Response.Body), maxBody) + "\n"
	}
	b.WriteString("\n")
	for line := range strings.Lines(text) {
		b.WriteString("    " + report.Visible(strings.TrimRight(line, "\r\n")) + "\n")
	}
}

func cut(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + " …"
	}
	return s
}
