package rules

import (
	"slices"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// TestCodesBoundToNobody: VERIFY-13 notes where one end user decides a code while
// another is at its decision page, and only there.
func TestCodesBoundToNobody(t *testing.T) {
	rule, _ := ForID("VERIFY-13")
	noted := func(change edit) bool {
		e := clone(recorded(t))
		change(e)
		return slices.ContainsFunc(rule.Judge(e).Findings, func(f Finding) bool { return f.Code == "not-bound" && f.Severity == Info })
	}
	if !noted(all()) {
		t.Error("both were there, and it is not noted")
	}
	away := func(j *transcript.Journey) { j.ApproveOffered = false }
	if noted(all(visit(twoPeople, "collected b", away), visit(twoPeople, "uncollected b", away))) {
		t.Error("noted, although b was not at the decision")
	}
}
