package mutation

import (
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/testdata"
)

func verdicts(pairs ...string) map[string]report.Check {
	checks := map[string]report.Check{}
	for i := 0; i < len(pairs); i += 2 {
		verdict, code, _ := strings.Cut(pairs[i+1], " ")
		c := report.Check{ID: pairs[i], Verdict: rules.Verdict(verdict)}
		if code != "" {
			c.Findings = []rules.Finding{{Code: code, Severity: c.Verdict}}
		}
		checks[pairs[i]] = c
	}
	return checks
}

func TestCompare(t *testing.T) {
	clean := verdicts("DA-01", "pass", "DA-02", "pass", "POLL-03", "info escalating", "POLL-05", "pass", "POLL-18", "inconclusive")
	fault := func(expected ...Expectation) Mutant {
		return Mutant{ID: "M", Kind: "fault", Expected: expected, Allowed: []Allowance{{"DA-02", "follows"}}}
	}
	benign := Mutant{ID: "B", Kind: "benign", Allowed: []Allowance{{"DA-02", "listed"}}}
	for _, c := range []struct {
		name       string
		m          Mutant
		seen       map[string]report.Check
		word       string
		unexpected int
	}{
		{"killed", fault(Expectation{"DA-01", rules.Fail}), verdicts("DA-01", "fail", "DA-02", "warn"), "killed", 0},
		{"too mild", fault(Expectation{"DA-01", rules.Fail}), verdicts("DA-01", "warn"), "SURVIVED", 0},
		{"worse than wanted", fault(Expectation{"DA-01", rules.Warn}), verdicts("DA-01", "fail"), "killed", 0},
		{"one of two", fault(Expectation{"DA-01", rules.Fail}, Expectation{"POLL-05", rules.Fail}), verdicts("DA-01", "fail"), "SURVIVED", 0},
		{"another class", fault(Expectation{"POLL-03", rules.Info}), verdicts("POLL-03", "info none"), "killed", 0},
		{"the same class", fault(Expectation{"POLL-03", rules.Info}), verdicts("POLL-03", "info escalating"), "SURVIVED", 0},
		{"not applicable any more", fault(Expectation{"POLL-05", rules.NA}), verdicts("POLL-05", "na"), "killed", 0},
		{"inconclusive is no kill", fault(Expectation{"POLL-05", rules.NA}), verdicts("POLL-05", "inconclusive"), "SURVIVED", 0},
		{"an innocent accused", fault(Expectation{"DA-01", rules.Fail}), verdicts("DA-01", "fail", "POLL-05", "warn"), "TRIPPED", 1},
		{"the suite broke", fault(Expectation{"DA-01", rules.Fail}), verdicts("DA-01", "fail", "POLL-05", "error"), "TRIPPED", 1},
		{"not judged is no accusation", fault(Expectation{"DA-01", rules.Fail}), verdicts("DA-01", "fail", "POLL-05", "inconclusive"), "killed", 0},
		{"clean", benign, verdicts("POLL-03", "info none", "DA-02", "warn"), "clean", 0},
		{"the clean run was not judged", benign, verdicts("POLL-18", "pass"), "clean", 0},
		{"accused where the clean run was not judged", benign, verdicts("POLL-18", "warn"), "TRIPPED", 1},
		{"a benign variant accused", benign, verdicts("DA-01", "warn"), "TRIPPED", 1},
		{"a benign variant not judged", benign, verdicts("DA-01", "inconclusive"), "TRIPPED", 1},
	} {
		seen := verdicts("DA-01", "pass", "DA-02", "pass", "POLL-03", "info escalating", "POLL-05", "pass", "POLL-18", "inconclusive")
		for id, check := range c.seen {
			seen[id] = check
		}
		r := compare(c.m, clean, seen)
		if r.Word() != c.word || len(r.Unexpected) != c.unexpected {
			t.Errorf("%s: %s, unexpected %v; want %s, %d", c.name, r.Word(), r.Unexpected, c.word, c.unexpected)
		}
	}
}

// TestMutantsAndFaultsHoldEachOther: each fault of the server has an entry that
// says what the suite must see, under the same kind.
func TestMutantsAndFaultsHoldEachOther(t *testing.T) {
	list, err := Read(testdata.Mutants)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, m := range list {
		kinds[m.ID] = m.Kind
	}
	for _, f := range fakeidp.Faults() {
		switch kind, ok := kinds[f.ID]; {
		case !ok:
			t.Errorf("the fault %s (%s) has no entry in mutants.yaml", f.ID, f.Title)
		case kind != string(f.Kind):
			t.Errorf("%s is %s in mutants.yaml and %s in the server", f.ID, kind, f.Kind)
		}
		delete(kinds, f.ID)
	}
	for id := range kinds {
		t.Errorf("the server has no fault %s", id)
	}
}

func TestBadMutantsAreRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"- id: X\n  title: t\n  kind: odd", "the kind must be"},
		{"- id: X\n  kind: fault", "a title"},
		{"- id: X\n  title: t\n  kind: fault", "must trip a check"},
		{"- id: X\n  title: t\n  kind: fault\n  expected: [{id: DA-01, verdict: bad}]", "the verdict must be"},
		{"- id: X\n  title: t\n  kind: fault\n  expected: [{id: DA-01, verdict: fail}]\n  allowed: [{id: DA-02}]", "a reason"},
		{"- id: X\n  title: t\n  kind: fault\n  expekted: []", "not found"},
	} {
		if _, err := Read([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestSample(t *testing.T) {
	for _, c := range []struct {
		sample Sample
		want   []int
	}{
		{Sample{}, []int{0, 1, 2, 3, 4, 5, 6}},
		{Sample{0, 3}, []int{0, 3, 6}},
		{Sample{2, 3}, []int{2, 5}},
		{Sample{7, 3}, []int{1, 4}},
	} {
		var got []int
		for i := range 7 {
			if c.sample.Has(i) {
				got = append(got, i)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%+v: %v, want %v", c.sample, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%+v: %v, want %v", c.sample, got, c.want)
			}
		}
	}
	for _, text := range []string{"1", "a/3", "1/0", "-1/3", "1/x", "/"} {
		if _, err := ParseSample(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	list := []Mutant{{ID: "a"}, {ID: "b", Run: Conditions{Driver: "browser"}}, {ID: "c", Run: Conditions{Dear: true}}, {ID: "d", Run: Conditions{Driver: "browser"}}}
	taken := ""
	for _, m := range (Sample{1, 2}).Take(list) {
		taken += m.ID
	}
	if taken != "ac" {
		t.Errorf("taken: %s", taken)
	}
}

// TestEveryRuleHasAMutant: a rule that nobody can trip does not exist.
func TestEveryRuleHasAMutant(t *testing.T) {
	list, err := Read(testdata.Mutants)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Catalogue() {
		if !slices.ContainsFunc(list, func(m Mutant) bool {
			return slices.ContainsFunc(m.Expected, func(e Expectation) bool { return e.ID == r.ID })
		}) {
			t.Errorf("no mutant is there to trip %s", r.ID)
		}
	}
	for _, m := range list {
		for _, e := range m.Expected {
			if _, ok := rules.Find(e.ID); !ok {
				t.Errorf("%s expects %s, which is no requirement", m.ID, e.ID)
			}
		}
		for _, a := range m.Allowed {
			if _, ok := rules.Find(a.ID); !ok {
				t.Errorf("%s allows %s, which is no requirement", m.ID, a.ID)
			}
		}
	}
}
