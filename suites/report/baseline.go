package report

import (
	"fmt"
	"slices"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// ApplyBaseline overlays a profile's known deviations on the verdicts: an
// expected deviation that happened becomes known, one that did not becomes
// fixed, which fails the run because the baseline is stale. Entries of checks
// that were skipped say nothing. A check is known only when each of its
// findings of the verdict's severity is expected.
func ApplyBaseline(checks []Check, baseline []profiles.Deviation) []Check {
	out := slices.Clone(checks)
	for i := range out {
		var entries []profiles.Deviation
		for _, d := range baseline {
			if d.Check == out[i].ID {
				entries = append(entries, d)
			}
		}
		if len(entries) > 0 && out[i].Verdict != rules.Skip {
			out[i] = overlay(out[i], entries)
		}
	}
	return out
}

func overlay(check Check, entries []profiles.Deviation) Check {
	happened := func(d profiles.Deviation) bool {
		switch expectation(d) {
		case rules.Inconclusive, rules.NA:
			return check.Verdict == expectation(d)
		}
		return slices.ContainsFunc(check.Findings, func(f rules.Finding) bool {
			return f.Severity == expectation(d) && (d.Code == "" || d.Code == f.Code)
		})
	}
	for _, d := range entries {
		if !happened(d) && judged(check.Verdict) {
			check.Reason = fmt.Sprintf("expected %s does not happen any more: remove the baseline entry (%s); now: %s", expectation(d), d.Reason, check.Reason)
			// A failure that no entry explains stays a failure.
			if check.Verdict != rules.Fail {
				check.Verdict = Fixed
			}
			check.Deviation = shown(d)
			return check
		}
	}
	if check.Verdict == rules.Pass || !explained(check, entries) {
		return check
	}
	for _, d := range entries {
		if happened(d) {
			check.Verdict, check.Deviation = Known, shown(d)
			return check
		}
	}
	return check
}

// judged says that the verdict was reached: a check that is inconclusive, or not
// applicable for want of a client, cannot show that a deviation is gone.
func judged(v rules.Verdict) bool {
	switch v {
	case rules.Inconclusive, rules.NA, rules.Broken, rules.Skip:
		return false
	}
	return true
}

// explained says that every finding of the verdict's severity has an entry.
func explained(check Check, entries []profiles.Deviation) bool {
	covers := func(severity rules.Verdict, code string) bool {
		return slices.ContainsFunc(entries, func(d profiles.Deviation) bool {
			return expectation(d) == severity && (d.Code == "" || d.Code == code)
		})
	}
	if check.Verdict != rules.Fail && check.Verdict != rules.Warn {
		return covers(check.Verdict, "")
	}
	for _, f := range check.Findings {
		if f.Severity == check.Verdict && !covers(f.Severity, f.Code) {
			return false
		}
	}
	return true
}

func expectation(d profiles.Deviation) rules.Verdict {
	switch d.Expect {
	case "":
		return rules.Fail
	case "n/a":
		return rules.NA
	}
	return rules.Verdict(d.Expect)
}

func shown(d profiles.Deviation) *Deviation {
	return &Deviation{Code: d.Code, Expect: string(expectation(d)), Reason: d.Reason, Link: d.Link, Line: d.Line}
}
