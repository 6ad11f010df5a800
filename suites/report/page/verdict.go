package page

import (
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// Sign is how a verdict is shown: color is never the only sign.
type Sign struct {
	Mark, Word string
	// Tone is good, bad, doubt or quiet.
	Tone string
}

func signOf(v rules.Verdict) Sign {
	switch v {
	case rules.Pass:
		return Sign{"✓", "pass", "good"}
	case rules.Fail:
		return Sign{"✗", "fail", "bad"}
	case rules.Broken:
		return Sign{"✗", "error", "bad"}
	case report.Fixed:
		return Sign{"✗", "fixed", "bad"}
	case rules.Warn:
		return Sign{"!", "warn", "doubt"}
	case rules.Inconclusive:
		return Sign{"?", "inconclusive", "doubt"}
	case report.Known:
		return Sign{"~", "known", "doubt"}
	case rules.Info:
		return Sign{"i", "info", "quiet"}
	case rules.NA:
		return Sign{"–", "n/a", "quiet"}
	case rules.Skip:
		return Sign{"–", "skip", "quiet"}
	}
	return Sign{"·", clip(string(v), 20), "quiet"}
}

// count is how many checks have a verdict.
type count struct {
	Sign
	N       int
	Meaning string
}

// counts are the verdicts that there are, the grave ones first.
func counts(c report.Counts) (list []count) {
	for _, x := range []count{
		{signOf(rules.Fail), c.Fail, "required, not met"},
		{signOf(rules.Broken), c.Error, "a bug in devicegrant"},
		{signOf(report.Fixed), c.Fixed, "in the baseline, but fixed"},
		{signOf(rules.Inconclusive), c.Inconclusive, "evidence is missing"},
		{signOf(rules.Warn), c.Warn, "worth fixing"},
		{signOf(report.Known), c.Known, "expected by the baseline"},
		{signOf(rules.Pass), c.Pass, "as required"},
		{signOf(rules.Info), c.Info, "measured, not judged"},
		{signOf(rules.NA), c.NA, "does not apply"},
		{signOf(rules.Skip), c.Skip, "not tried"},
	} {
		if x.N > 0 {
			list = append(list, x)
		}
	}
	return list
}

// ending is the run's verdict in words.
func ending(r report.Result) (l Sign, meaning string) {
	c := r.Counts
	evaluated := c.Pass + c.Warn + c.Info + c.Known
	switch r.ExitCode {
	case report.ExitConforming:
		l = Sign{"✓", "Conforming", "good"}
		var but []string
		if c.Known > 0 {
			l.Word = "As expected"
			but = append(but, number(c.Known, "known deviation is", "known deviations are")+" listed below")
		}
		if c.Inconclusive > 0 {
			but = append(but, number(c.Inconclusive, "check is", "checks are")+" inconclusive, which this run allows")
		}
		if c.Warn > 0 {
			but = append(but, number(c.Warn, "warning is", "warnings are")+" worth fixing")
		}
		meaning = fmt.Sprintf("No failures in %s.", number(evaluated, "check", "checks"))
		if c.Known > 0 {
			meaning = fmt.Sprintf("No failures except those in the baseline, in %s.", number(evaluated, "check", "checks"))
		}
		if len(but) > 0 {
			meaning += " " + strings.ToUpper(but[0][:1]) + strings.Join(but, "; ")[1:] + "."
		}
	case report.ExitFailed:
		l = Sign{"✗", "Not conforming", "bad"}
		var why []string
		if c.Fail > 0 {
			why = append(why, number(c.Fail, "check failed", "checks failed"))
		}
		if c.Fixed > 0 {
			why = append(why, number(c.Fixed, "baseline entry is stale", "baseline entries are stale"))
			if c.Fail == 0 {
				l.Word = "Stale baseline"
			}
		}
		if len(why) == 0 {
			l.Word = "Warnings"
			why = append(why, "this run counts warnings as failures (--strict)")
		}
		meaning = sentence(strings.Join(why, "; "))
	case report.ExitInterrupted:
		l, meaning = Sign{"?", "Interrupted", "doubt"}, "The run stopped early; the remaining checks are skipped."
	default:
		l, meaning = Sign{"?", "Inconclusive", "doubt"}, "The evidence is not sufficient for a verdict."
		switch {
		case r.Lost != "":
			l.Word, meaning = "Server lost", sentence(r.Lost)
		case c.Error > 0:
			meaning = sentence(number(c.Error, "check", "checks") + " hit a bug in devicegrant")
		case c.Inconclusive > 0:
			meaning = sentence(number(c.Inconclusive, "check is", "checks are") + " inconclusive")
		case evaluated == 0:
			meaning = "The run judged no checks."
		}
	}
	return l, meaning
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
