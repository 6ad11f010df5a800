package report

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// TestJUnitSaysWhoIsToBlame: a server fails, a run that cannot tell is an error.
func TestJUnitSaysWhoIsToBlame(t *testing.T) {
	for name, want := range map[string]struct{ tests, failures, errors, skipped int }{
		"held":        {tests: 3},
		"rich":        {tests: 7, failures: 4, skipped: 1},
		"invalid":     {tests: 7, failures: 1, errors: 1, skipped: 5},
		"interrupted": {tests: 8, failures: 1, errors: 1, skipped: 5},
		"minimal":     {tests: 2, errors: 1, skipped: 1},
	} {
		suite := suiteOf(t, name)
		if suite.Tests != want.tests || suite.Failures != want.failures || suite.Errors != want.errors || suite.Skipped != want.skipped {
			t.Errorf("%s: %d tests, %d failures, %d errors, %d skipped; want %+v", name, suite.Tests, suite.Failures, suite.Errors, suite.Skipped, want)
		}
	}
}

func TestJUnitIsXML(t *testing.T) {
	for name := range variants() {
		for _, c := range suiteOf(t, name).Testcases {
			if strings.ContainsAny(c.Name, "\n\x1b") || len(c.Name) > 4*maxLine {
				t.Errorf("%s: a name %q", name, c.Name)
			}
		}
	}
}

func suiteOf(t *testing.T, name string) junit.Testsuite {
	t.Helper()
	var out bytes.Buffer
	if err := JUnit(&out, variants()[name]); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexAny(out.String(), "\x00\x1b\u202e"); i >= 0 {
		t.Errorf("%s: a control character, at %d", name, i)
	}
	var all junit.Testsuites
	if err := xml.Unmarshal(out.Bytes(), &all); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return all.Suites[0]
}
