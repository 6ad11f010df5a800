package main

import (
	"os"
	"strconv"
	"testing"

	"github.com/devicegrant/devicegrant/suites/mutation"
)

// Whole runs in a browser cost minutes. make test makes some of them, others
// with each commit, and make matrix makes them all: DEVICEGRANT_TEST_SAMPLE is
// "all", or a number, such as how many commits there are.
const sampleVariable = "DEVICEGRANT_TEST_SAMPLE"

// ofEach says which of n turns has come; all: every one.
func ofEach(t *testing.T, n int) mutation.Sample {
	t.Helper()
	text := os.Getenv(sampleVariable)
	if text == "all" {
		return mutation.Sample{}
	}
	turn := 0
	if text != "" {
		var err error
		if turn, err = strconv.Atoi(text); err != nil || turn < 0 {
			t.Fatalf(`%s is %q: give "all", or a number`, sampleVariable, text)
		}
	}
	return mutation.Sample{First: turn % n, N: n}
}
