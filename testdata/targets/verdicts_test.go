package targets

import (
	"fmt"
	"slices"
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

func check(id string, verdict rules.Verdict, codes ...string) report.Check {
	c := report.Check{ID: id, Verdict: verdict}
	for _, code := range codes {
		c.Findings = append(c.Findings, rules.Finding{Severity: rules.Verdict(verdict), Code: code})
	}
	return c
}

// TestCompare: what is not argued and what no longer holds is named, and
// nothing else.
func TestCompare(t *testing.T) {
	v := Verdicts{
		Argued: []Argued{
			{Check: "A-01", Verdict: rules.Fail, Codes: []string{"x", "y"}, May: []string{"z", "inconclusive"}},
			{Check: "A-02", Verdict: rules.Inconclusive},
		},
		Evidence: map[string]string{"SEC-01": "seen"},
	}
	for _, test := range []struct {
		checks []report.Check
		want   []string
	}{
		{[]report.Check{check("A-01", rules.Fail, "y", "x"), check("A-02", rules.Inconclusive), check("SEC-01", rules.Pass), check("B", rules.Info, "any"), check("C", rules.NA)}, nil},
		{[]report.Check{check("A-01", rules.Fail, "x", "y", "z"), check("A-02", rules.Inconclusive)}, nil},
		{[]report.Check{check("A-01", rules.Inconclusive), check("A-02", rules.Inconclusive)}, nil},
		{[]report.Check{check("A-01", rules.Inconclusive, "new"), check("A-02", rules.Inconclusive)}, []string{"A-01"}},
		{[]report.Check{check("A-01", rules.Fail, "x"), check("A-02", rules.Inconclusive)}, []string{"A-01"}},
		{[]report.Check{check("A-01", rules.Fail, "x", "y", "new"), check("A-02", rules.Inconclusive)}, []string{"A-01"}},
		{[]report.Check{check("A-01", rules.Warn, "x", "y"), check("A-02", rules.Pass)}, []string{"A-01", "A-02"}},
		{[]report.Check{check("A-01", rules.Fail, "x", "y")}, []string{"A-02"}},
		{[]report.Check{check("A-01", rules.Fail, "x", "y"), check("A-02", rules.Inconclusive), check("D", rules.Warn, "w"), check("E", rules.Skip)}, []string{"D", "E"}},
		{[]report.Check{check("A-01", rules.Fail, "x", "y"), check("A-02", rules.Inconclusive), check("SEC-02", rules.Pass), check("SEC-01", rules.Info)}, []string{"SEC-02", "SEC-01"}},
	} {
		var got []string
		for _, fault := range v.Compare(test.checks) {
			var id string
			if _, err := fmt.Sscanf(fault, "%s", &id); err != nil {
				t.Fatal(err)
			}
			got = append(got, id[:len(id)-1])
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%v: %q, want %q", test.checks, got, test.want)
		}
	}
}
