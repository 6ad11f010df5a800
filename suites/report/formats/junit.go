package formats

import (
	"fmt"
	"io"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// JUnit writes a test suite for each section of the RFC and a test case for
// each check. A warning or a known deviation is a passed case, and a property
// of its suite; its evidence is the case's output.
func JUnit(w io.Writer, r report.Result) error {
	all := junit.Testsuites{Name: "devicegrant: " + titleOf(r.Target), Time: seconds(r.DurationMS)}
	for _, section := range rules.Sections() {
		suite := junit.Testsuite{Name: strings.TrimSpace(section.Number + " " + section.Title)}
		var took int64
		suite.SetTimestamp(r.Started)
		for _, p := range []junit.Property{
			{Name: "target", Value: titleOf(r.Target)}, {Name: "kind", Value: line(r.Target.Kind)}, {Name: "version", Value: line(r.Target.Version)},
			{Name: "fidelity", Value: line(r.Target.Fidelity)}, {Name: "profile", Value: line(r.Target.Profile)}, {Name: "devicegrant", Value: line(r.Tool.Version)},
		} {
			if p.Value != "" {
				suite.AddProperty(p.Name, p.Value)
			}
		}
		for _, c := range r.Checks {
			if c.Section == section.Number {
				addCase(&suite, c, r)
				took += c.DurationMS
			}
		}
		suite.Time = seconds(took)
		if len(suite.Testcases) > 0 {
			all.AddSuite(suite)
		}
	}
	if _, err := io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"); err != nil {
		return err
	}
	return all.WriteXML(w)
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }

func addCase(suite *junit.Testsuite, c report.Check, r report.Result) {
	t := junit.Testcase{
		Name: line(c.ID) + " " + line(c.Title), Classname: "devicegrant." + strings.ReplaceAll(line(c.Section), ".", "_"),
		Time: seconds(c.DurationMS),
	}
	problem := &junit.Result{Message: inShort(c), Type: verdictWord(c.Verdict), Data: details(c, r)}
	switch outcomeOf(c, r.Policy) {
	case failed:
		t.Failure = problem
	case errored:
		t.Error = problem
	case skipped:
		t.Skipped = &junit.Result{Message: verdictWord(c.Verdict) + ": " + line(c.Reason)}
	case noted:
		suite.AddProperty(verdictWord(c.Verdict)+"."+line(c.ID), line(c.Reason))
		if d := c.Deviation; d != nil {
			suite.AddProperty("baseline."+line(c.ID), line(strings.TrimSpace(d.Reason+" "+d.Link)))
		}
		t.SystemOut = &junit.Output{Data: details(c, r)}
	}
	suite.AddTestcase(t)
}
