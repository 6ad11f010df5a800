package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// ApplyBaseline applies known deviations to the verdicts. An expected deviation
// that occurred becomes known. One that did not occur becomes fixed, which
// fails the run because the baseline is stale; the same goes for an entry whose
// last day has passed. Entries for skipped checks have no effect. A check is
// known only if each of its findings with the verdict's severity is expected.
func ApplyBaseline(checks []Check, baseline []profiles.Deviation, now time.Time) []Check {
	out := slices.Clone(checks)
	for i := range out {
		var entries []profiles.Deviation
		for _, d := range baseline {
			if d.Check == out[i].ID {
				entries = append(entries, d)
			}
		}
		if len(entries) > 0 && out[i].Verdict != rules.Skip {
			out[i] = overlay(out[i], entries, now)
		}
	}
	return out
}

func overlay(check Check, entries []profiles.Deviation, now time.Time) Check {
	var holding []profiles.Deviation
	for _, d := range entries {
		switch {
		case d.Expired(now):
			check.Stale = append(check.Stale, Stale{*shown(d), fmt.Sprintf("its last day was %s", d.Until)})
		case !happened(check, d) && judged(check):
			check.Stale = append(check.Stale, Stale{*shown(d), fmt.Sprintf("the expected %s no longer occurs", expectation(d))})
		default:
			holding = append(holding, d)
		}
	}
	if len(check.Stale) > 0 {
		first := check.Stale[0]
		check.Deviation = &first.Deviation
		check.Reason = fmt.Sprintf("a baseline entry is stale (%s): remove it (%s); now: %s", first.Why, first.Reason, check.Reason)
		// A failure that no entry explains stays a failure.
		if check.Verdict != rules.Fail || explained(check, holding) {
			check.Verdict = Fixed
		}
		return check
	}
	if check.Verdict == rules.Pass || !explained(check, holding) {
		return check
	}
	for _, d := range holding {
		if happened(check, d) {
			check.Verdict, check.Deviation = Known, shown(d)
			return check
		}
	}
	return check
}

// happened says that the check shows what the entry expects.
func happened(check Check, d profiles.Deviation) bool {
	switch expectation(d) {
	case rules.Inconclusive, rules.NA:
		return check.Verdict == expectation(d)
	}
	return slices.ContainsFunc(check.Findings, func(f rules.Finding) bool {
		return f.Severity == expectation(d) && (d.Code == "" || d.Code == f.Code)
	})
}

// judged says that the verdict was reached, on all that the check tries: one that
// is inconclusive, not applicable for want of a client, or was not allowed a part
// cannot show that a deviation is gone.
func judged(check Check) bool {
	switch check.Verdict {
	case rules.Inconclusive, rules.NA, rules.Broken, rules.Skip:
		return false
	}
	return !slices.ContainsFunc(check.Findings, func(f rules.Finding) bool { return f.Untried })
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
	return &Deviation{Code: d.Code, Expect: string(expectation(d)), Reason: d.Reason, Link: d.Link, Until: d.Until, File: d.File, Line: d.Line}
}

// TODO is the reason of an entry that still needs one.
const TODO = "TODO: why this is accepted"

// Proposed returns the entries with which the run would exit with status 0: one
// for each finding that fails it and that no entry covers, and one for each
// inconclusive check. Entries that already apply are not included.
func Proposed(r Result) (list []profiles.Deviation) {
	add := func(check, code, expect string) {
		d := profiles.Deviation{Check: check, Code: code, Expect: expect, Reason: TODO}
		if !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	for _, c := range r.Checks {
		severity := c.Verdict
		switch {
		case c.Verdict == rules.Inconclusive && !r.Policy.AllowInconclusive:
			add(c.ID, "", "inconclusive")
			continue
		case c.Verdict == rules.Fail, c.Verdict == rules.Warn && r.Policy.Strict && CountsStrictly(c):
		default:
			continue
		}
		for _, f := range c.Findings {
			if f.Severity == severity {
				add(c.ID, f.Code, string(severity))
			}
		}
	}
	return list
}
