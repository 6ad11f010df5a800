package main

import (
	"os"
	"strconv"
	"testing"
)

// Whole runs in a browser cost minutes. make test makes some of them, others
// with each commit, and make matrix makes them all: DEVICEGRANT_TEST_SAMPLE is
// "all", or a number, such as how many commits there are.
const sampleVariable = "DEVICEGRANT_TEST_SAMPLE"

// ofEach says which of n turns has come; all: every one.
func ofEach(t *testing.T, n int) nth {
	t.Helper()
	text := os.Getenv(sampleVariable)
	if text == "all" {
		return nth{}
	}
	turn := 0
	if text != "" {
		var err error
		if turn, err = strconv.Atoi(text); err != nil || turn < 0 {
			t.Fatalf(`%s is %q: give "all", or a number`, sampleVariable, text)
		}
	}
	return nth{first: turn % n, n: n}
}

func TestNth(t *testing.T) {
	for _, c := range []struct {
		sample nth
		want   []int
	}{
		{nth{}, []int{0, 1, 2, 3, 4, 5, 6}},
		{nth{0, 3}, []int{0, 3, 6}},
		{nth{2, 3}, []int{2, 5}},
		{nth{7, 3}, []int{1, 4}},
	} {
		var got []int
		for i := range 7 {
			if c.sample.has(i) {
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
		if _, err := parseNth(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	list := []mutant{{ID: "a"}, {ID: "b", Run: mutantRun{Driver: "browser"}}, {ID: "c", Run: mutantRun{Dear: true}}, {ID: "d", Run: mutantRun{Driver: "browser"}}}
	taken := ""
	for _, m := range (nth{1, 2}).take(list) {
		taken += m.ID
	}
	if taken != "ac" {
		t.Errorf("taken: %s", taken)
	}
}
