package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"testing"

	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/testdata"
)

// TestMutants runs the whole matrix: every fault of the reference server is
// seen, for the reason that its entry names, and no benign variant is accused.
func TestMutants(t *testing.T) {
	if raceEnabled {
		t.Skip("some hundred and fifty runs take too long with the race detector; make test runs them without")
	}
	notShort(t, "some hundred and eighty runs")
	needBrowser(t)
	t.Parallel()
	args := []string{"mutants", "--json"}
	if turn := ofEach(t, 4); turn.n > 0 {
		args = append(args, "--sample", fmt.Sprintf("%d/%d", turn.first, turn.n))
	}
	printed, err := exec.Command(binary(t), args...).Output()
	var m matrix
	if json.Unmarshal(printed, &m) != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	for _, r := range m.Mutants {
		if word := r.word(); word != "killed" && word != "clean" {
			t.Errorf("%s %s: %s\nexpected %v, tripped %v, unexpected %v\n%+v", r.ID, word, r.Error, r.Expected, r.Tripped, r.Unexpected, r.Trips)
		}
	}
	if len(m.Mutants) < 150 {
		t.Errorf("%d mutants were judged", len(m.Mutants))
	}
	t.Log(m.summary())
}

// TestEveryRuleHasAMutant: a rule that nobody can trip does not exist.
func TestEveryRuleHasAMutant(t *testing.T) {
	list, err := readMutants(testdata.Mutants)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Catalogue() {
		if !slices.ContainsFunc(list, func(m mutant) bool {
			return slices.ContainsFunc(m.Expected, func(e expectation) bool { return e.ID == r.ID })
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
