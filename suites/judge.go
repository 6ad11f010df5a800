package suites

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// The reasons of checks that the run did not get to.
const (
	notSelected = "not selected"
	interrupted = "the run was interrupted"
)

// Judge applies the rules again to the evidence in a result, without the
// server. The verdicts equal those of the live run if the rules are the same
// and nothing that they need was redacted. Checks that the run did not reach
// stay unjudged.
func Judge(r report.Result, policy report.Policy, noBaseline bool) (report.Result, error) {
	if r.Recorded == nil {
		return r, fmt.Errorf("the result has no %q part: an older version wrote it, so it cannot be judged again", "recorded")
	}
	profile, err := profiles.FromRecord(r.Recorded.Profile)
	if err != nil {
		return r, err
	}
	endpoints, err := profiles.EndpointsFromRecord(r.Recorded.Endpoints)
	if err != nil {
		return r, err
	}
	all := map[string]transcript.Transcript{}
	for _, s := range r.Scenarios {
		t := s.Transcript
		t.Started = time.Duration(s.StartedMS) * time.Millisecond
		t.Began = r.Started.Add(t.Started)
		t.Ended = t.Started + time.Duration(s.DurationMS)*time.Millisecond
		all[t.Scenario] = t
	}
	r.Throttle = throttleOf(all[transcript.Throttle])
	by := judgedBy{option: r.Recorded.Browser, driver: r.Target.Driver, noBaseline: noBaseline, now: r.Started}
	var checks []report.Check
	for _, c := range r.Checks {
		rule, ok := rules.ForID(c.ID)
		if !ok {
			return r, fmt.Errorf("the result has the unknown check %s", c.ID)
		}
		if c.Verdict != rules.Skip || c.Reason != notSelected && c.Reason != interrupted {
			evidence := rules.Evidence{Profile: profile, Issuer: r.Target.Issuer, Endpoints: endpoints, Facts: r.Recorded.Facts, Redacted: !r.Recorded.Unredacted, Transcripts: map[string]transcript.Transcript{}}
			for _, name := range rule.Reads() {
				if t, ran := all[name]; ran {
					evidence.Transcripts[name] = t
				}
			}
			c = by.judge(rule, evidence)
		}
		checks = append(checks, c)
	}
	r.Checks = checks
	r.Counts = report.Count(checks)
	r.Policy, r.ExitCode = policy, report.ExitCode(r, policy)
	return r, nil
}

// throttleOf is what a transcript tells of the throttle, nil for all but one.
func throttleOf(t transcript.Transcript) *rules.Throttle {
	if t.Scenario != transcript.Throttle {
		return nil
	}
	if throttle, ok := rules.MeasureThrottle(t); ok {
		return &throttle
	}
	return nil
}

// judgedBy is what stands between a rule's judgement and the check.
type judgedBy struct {
	option     string // Options.Browser
	driver     string // who played the person, "" nobody
	noBaseline bool
	now        time.Time // for entries of the baseline that have a last day
}

// judge applies a rule to its evidence.
func (b judgedBy) judge(rule rules.Rule, evidence rules.Evidence) report.Check {
	requirement, _ := rules.Find(rule.ID)
	check := newCheck(requirement)
	check.Scenario = rule.Scenarios[0]
	about := evidence.Transcripts[check.Scenario]
	check.DurationMS = (about.Ended - about.Started).Milliseconds()
	judgement := b.needsBrowser(requirement, byOurFault(requirement, rule, evidence, apply(rule, evidence)))
	check.Verdict, check.Reason, check.Findings = judgement.Verdict, judgement.Reason, judgement.Findings
	if !b.noBaseline {
		check = report.ApplyBaseline([]report.Check{check}, slices.Concat(evidence.Profile.Baseline, declared(check, evidence.Profile)), b.now)[0]
	}
	return check
}

// declared are the deviations that the profile's other keys tell and that the
// check found: one that does not happen leaves no stale entry anywhere.
func declared(check report.Check, p *profiles.Profile) []profiles.Deviation {
	return slices.DeleteFunc(rules.Declared(p), func(d profiles.Deviation) bool {
		return d.Check != check.ID || !slices.ContainsFunc(check.Findings, func(f rules.Finding) bool {
			return f.Code == d.Code && string(f.Severity) == d.Expect
		})
	})
}

// apply judges, and takes a rule that panics for what it is: our fault, which
// must not cost the other verdicts.
func apply(rule rules.Rule, evidence rules.Evidence) (j rules.Judgement) {
	defer func() {
		if p := recover(); p != nil {
			j = rules.Judgement{Verdict: rules.Broken, Reason: fmt.Sprintf("a bug in devicegrant: the rule %s: %v\n%s", rule.ID, p, debug.Stack())}
		}
	}()
	return rule.Judge(evidence)
}

func newCheck(r rules.Requirement) report.Check {
	return report.Check{ID: r.ID, Section: r.Section, Source: r.Source, Level: r.Level, Title: r.Title}
}

// needsBrowser withholds a pass that only a real browser could have earned, and
// what only a driver that sees pages can judge.
// A failure stands: what the server did wrong without scripts it did wrong.
func (b judgedBy) needsBrowser(r rules.Requirement, j rules.Judgement) rules.Judgement {
	person := r.Wants("browser") || r.Wants("person")
	switch {
	case j.Verdict == rules.Fail || !person:
		return j
	case b.driver == "hook" && (r.Wants("pages") || r.Wants("browser")) && j.Verdict != rules.NA && j.Verdict != rules.Broken:
		return rules.Judgement{Verdict: rules.Skip, Reason: "the hook sees no pages: a run with the browser driver judges this"}
	case b.option == "none" && (b.driver == "" || r.Wants("browser")):
		return rules.Judgement{Verdict: rules.Skip, Reason: "--browser none"}
	case r.Wants("browser") && j.Verdict != rules.NA && b.driver != "browser":
		return rules.Judgement{Verdict: rules.Inconclusive, Reason: "the page's scripts matter, but no browser was used"}
	}
	return j
}
