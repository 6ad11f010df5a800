package suites

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

// Unreached returns the result of a run that [Run] could not start because the
// target could not be reached: every selected check is inconclusive, for that
// reason. ok is false if err has another cause.
func Unreached(o Options, err error) (r report.Result, ok bool) {
	var target *scenario.TargetError
	if !errors.As(err, &target) || o.Profile == nil {
		return r, false
	}
	selected, err := Select(o.Select, o.Level)
	if err != nil {
		return r, false
	}
	now := time.Now().UTC()
	lost := redact.New(o.Profile).Text(target.Cause)
	r = report.Result{
		Schema: report.Schema, Tool: report.Tool{Version: o.Tool}, Started: now, Finished: now, Policy: o.Policy, Lost: lost,
		Target: report.Target{
			Name: cmp.Or(o.Profile.Title, o.Profile.Name), Kind: cmp.Or(o.Kind, "real"), Version: o.Version, Fidelity: o.Fidelity,
			Profile: o.Profile.Name, ProfileFile: o.Profile.Source, ClockRate: o.ClockRate,
		},
		Notes: []string{"the run did not start: " + lost},
	}
	for _, requirement := range rules.Catalogue() {
		check := newCheck(requirement)
		check.Verdict, check.Reason = rules.Skip, notSelected
		if slices.ContainsFunc(selected, func(s rules.Requirement) bool { return s.ID == requirement.ID }) {
			check.Verdict, check.Reason = rules.Inconclusive, lost
		}
		r.Checks = append(r.Checks, check)
	}
	r.Counts, r.ExitCode = report.Count(r.Checks), report.ExitCode(r, o.Policy)
	return r, true
}
