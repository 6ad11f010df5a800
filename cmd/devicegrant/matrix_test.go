package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/devicegrant/devicegrant/suites/mutation"
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
	if turn := ofEach(t, 12); turn.N > 0 {
		args = append(args, "--sample", fmt.Sprintf("%d/%d", turn.First, turn.N))
	}
	m := judgeMutants(t, args...)
	for _, r := range m.Mutants {
		if r.Word() == "SURVIVED" {
			// Hundreds of runs beside each other hide a race: it is looked for once
			// more, alone. An accusation stands.
			t.Logf("%s survived; once more, alone", r.ID)
			r = judgeMutants(t, "mutants", "--json", r.ID).Mutants[0]
		}
		if word := r.Word(); word != "killed" && word != "clean" {
			t.Errorf("%s %s: %s\nexpected %v, tripped %v, unexpected %v\n%+v", r.ID, word, r.Error, r.Expected, r.Tripped, r.Unexpected, r.Trips)
		}
	}
	if len(m.Mutants) < 150 {
		t.Errorf("%d mutants were judged", len(m.Mutants))
	}
	t.Log(m.Summary())
}

// judgeMutants runs the program, and returns the matrix that it prints.
func judgeMutants(t *testing.T, args ...string) (m mutation.Matrix) {
	t.Helper()
	printed, err := exec.Command(binary(t), args...).Output()
	if json.Unmarshal(printed, &m) != nil || len(m.Mutants) == 0 {
		t.Fatalf("%v\n%s", err, printed)
	}
	return m
}
