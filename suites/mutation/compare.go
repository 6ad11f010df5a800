package mutation

import (
	"slices"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// Trip is a check with another verdict than for the clean server.
type Trip struct {
	ID      string        `json:"id"`
	Clean   rules.Verdict `json:"clean"`
	Verdict rules.Verdict `json:"verdict"`
	// Because says why the trip is allowed although it is not expected.
	Because string `json:"because,omitempty"`
	Reason  string `json:"reason"`
}

// Result is the outcome of one mutant.
type Result struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Kind  string `json:"kind"`
	// Expected are the checks that must trip; Tripped those that did, including
	// the allowed ones; Unexpected those that are not listed.
	Expected   []string `json:"expected"`
	Tripped    []string `json:"tripped"`
	Unexpected []string `json:"unexpected"`
	// Killed: a fault of which all Expected tripped. Clean: a benign variant
	// that tripped nothing that is not listed.
	Killed bool   `json:"killed"`
	Clean  bool   `json:"clean,omitempty"`
	Trips  []Trip `json:"trips"`
	// Unjudged are checks that the fault made inconclusive, skipped or not
	// applicable: neither an accusation nor a proof.
	Unjudged   []string `json:"unjudged,omitempty"`
	DurationMS int64    `json:"duration_ms"`
	Error      string   `json:"error,omitempty"`
}

// compare says what became of a mutant, from the verdicts on the clean server
// and on the mutant.
func compare(m Mutant, clean, seen map[string]report.Check) Result {
	r := Result{ID: m.ID, Title: m.Title, Kind: m.Kind, Expected: []string{}, Tripped: []string{}, Unexpected: []string{}, Trips: []Trip{}}
	missing := 0
	expected := map[string]bool{}
	for _, e := range m.Expected {
		r.Expected = append(r.Expected, e.ID)
		expected[e.ID] = true
		if !reached(clean[e.ID], seen[e.ID], e.Verdict) {
			missing++
		}
	}
	for _, requirement := range rules.Catalogue() {
		before, ran := clean[requirement.ID]
		after := seen[requirement.ID]
		if !ran || class(before) == class(after) {
			continue
		}
		t := Trip{ID: after.ID, Clean: before.Verdict, Verdict: after.Verdict, Reason: after.Reason}
		i := slices.IndexFunc(m.Allowed, func(a Allowance) bool { return a.ID == after.ID })
		switch {
		case expected[after.ID]:
		case i >= 0:
			t.Because = m.Allowed[i].Because
		case before.Verdict == rules.Inconclusive && after.Verdict == rules.Pass:
			continue // the run of the clean server lacks something, and not the mutant
		case !Accuses(before, after) && (m.Kind == "fault" || after.Verdict == rules.Info || after.Verdict == rules.NA):
			if after.Verdict != rules.Info {
				r.Unjudged = append(r.Unjudged, after.ID)
			}
			continue
		default:
			r.Unexpected = append(r.Unexpected, after.ID)
		}
		r.Tripped = append(r.Tripped, after.ID)
		r.Trips = append(r.Trips, t)
	}
	r.Killed = m.Kind == "fault" && missing == 0
	r.Clean = m.Kind == "benign" && len(r.Unexpected) == 0 && missing == 0
	return r
}

// class is what a change of shows: the verdict, and of a measurement the
// findings by their codes.
func class(c report.Check) string {
	if c.Verdict != rules.Info {
		return string(c.Verdict)
	}
	codes := ""
	for _, f := range c.Findings {
		codes += " " + f.Code
	}
	return string(c.Verdict) + codes
}

// Accuses reports whether the mutant was judged worse than the clean server, or
// the suite itself failed.
func Accuses(before, after report.Check) bool {
	rank := map[rules.Verdict]int{rules.Warn: 1, rules.Fail: 2, rules.Broken: 3}
	return rank[after.Verdict] > rank[before.Verdict]
}

// reached says that a check left its clean verdict with at least the severity.
func reached(before, after report.Check, least rules.Verdict) bool {
	if class(before) == class(after) {
		return false
	}
	switch least {
	case rules.Fail:
		return after.Verdict == rules.Fail
	case rules.Warn:
		return after.Verdict == rules.Fail || after.Verdict == rules.Warn
	}
	return slices.Contains(severities, after.Verdict) || after.Verdict == rules.Pass
}

// Word returns the outcome: killed, clean, SURVIVED, TRIPPED or broken.
func (r Result) Word() string {
	switch {
	case r.Error != "":
		return "broken"
	case r.Killed && len(r.Unexpected) > 0, r.Kind == "benign" && !r.Clean:
		return "TRIPPED"
	case r.Killed:
		return "killed"
	case r.Clean:
		return "clean"
	}
	return "SURVIVED"
}
