package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/devicegrant/devicegrant/loadgen"
)

// JUnit writes a run for a build server: a test case for each threshold, one
// for the ledger and one for the generator.
//
// Thresholds of an invalid or interrupted run are skipped, and the run is an
// error, because neither their success nor their failure is the server's.
func JUnit(w io.Writer, r loadgen.Result) error {
	r = cleaned(r)
	suite := junit.Testsuite{
		Name: "devicegrant load: " + oneLine(r.Target.Name),
		Time: decimal(r.EndedS),
	}
	if started, err := time.Parse(time.RFC3339, r.Started); err == nil {
		suite.SetTimestamp(started)
	}
	addProperties(&suite, r)

	suite.AddTestcase(validityCase(r))
	if r.Verdict == loadgen.Stopped {
		suite.AddTestcase(junit.Testcase{Name: "run completed", Error: &junit.Result{
			Message: "the run was interrupted", Type: "interrupted",
		}})
	}
	for _, t := range r.Thresholds {
		suite.AddTestcase(thresholdCase(r, t))
	}
	suite.AddTestcase(ledgerCase(r))
	for i := range suite.Testcases {
		suite.Testcases[i].Classname = "devicegrant.load"
	}

	all := junit.Testsuites{Name: suite.Name, Time: suite.Time}
	all.AddSuite(suite)
	if _, err := io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"); err != nil {
		return err
	}
	return all.WriteXML(w)
}

func validityCase(r loadgen.Result) junit.Testcase {
	c := junit.Testcase{Name: "generator on time"}
	if !invalid(r) {
		return c
	}
	c.Error = &junit.Result{
		Message: "the run is invalid: it says nothing about the server",
		Type:    "invalid-run",
		Data:    strings.Join(r.Validity.Reasons, "\n"),
	}
	return c
}

func thresholdCase(r loadgen.Result, t loadgen.ThresholdResult) junit.Testcase {
	expected := oneLine(t.Text)
	c := junit.Testcase{Name: expected}
	switch {
	case undecided(r) != "":
		c.Skipped = &junit.Result{Message: undecided(r) + "; " + oneLine(observed(t))}
	case !t.OK:
		c.Failure = &junit.Result{
			Message: oneLine(observed(t)) + ", expected " + expected,
			Type:    "threshold-missed",
			Data:    "observed: " + strings.TrimPrefix(observed(t), "observed ") + "\nexpected: " + t.Text + "\n",
		}
	case !t.Measured:
		c.Skipped = &junit.Result{Message: observed(t)}
	}
	return c
}

func ledgerCase(r loadgen.Result) junit.Testcase {
	c := junit.Testcase{Name: "LOAD-01 ledger"}
	l := r.Ledger
	if l.Clean {
		return c
	}
	if len(l.Violations) == 0 {
		c.Skipped = &junit.Result{Message: "the ledger was not judged"}
		return c
	}
	var lines []string
	broken := 0
	for _, v := range l.Violations {
		broken += v.Count
		lines = append(lines, fmt.Sprintf("%s (%s): %s", v.Code, count(v.Count), oneLine(v.Title)))
		for _, e := range v.Examples {
			lines = append(lines, fmt.Sprintf("  device %d: %s", e.Device, oneLine(e.What)))
		}
	}
	result := &junit.Result{
		Message: fmt.Sprintf("observed %s violations with %s approved devices and %s tokens; expected one token for each approved device, none for any other, and none issued twice",
			count(broken), count(l.Approved), count(l.Tokens)),
		Type: "ledger",
		Data: strings.Join(lines, "\n") + "\n",
	}
	// Two tokens for one code are two, however late the generator was.
	c.Failure = result
	return c
}

// invalid says that the generator's own time cannot be relied upon.
func invalid(r loadgen.Result) bool {
	return r.Verdict == loadgen.Invalid || !r.Validity.Valid && r.Verdict != loadgen.Stopped
}

// undecided says why the thresholds of a run say nothing about the server.
func undecided(r loadgen.Result) string {
	switch {
	case invalid(r):
		return "the run is invalid"
	case r.Verdict == loadgen.Stopped:
		return "the run was interrupted"
	}
	return ""
}

func addProperties(suite *junit.Testsuite, r loadgen.Result) {
	polls, lateness := "", ""
	if r.Rates.PollsIntended > 0 {
		polls = decimal(r.Rates.PollsAnswered)
	}
	if r.Generator.Lateness.Count > 0 {
		lateness = decimal(r.Generator.Lateness.P99MS)
	}
	for _, p := range []junit.Property{
		{Name: "verdict", Value: string(r.Verdict)},
		{Name: "tool", Value: r.Tool},
		{Name: "profile", Value: r.Target.Profile},
		{Name: "target", Value: r.Target.Kind},
		{Name: "token_endpoint", Value: r.Target.Token},
		{Name: "devices_peak", Value: fmt.Sprint(r.Devices.Peak)},
		{Name: "polls_answered_per_s", Value: polls},
		{Name: "generator_lateness_p99_ms", Value: lateness},
	} {
		if p.Value != "" {
			suite.AddProperty(p.Name, p.Value)
		}
	}
}

// decimal is a figure for machines.
func decimal(v float64) string {
	if !finite(v) {
		v = 0
	}
	return fmt.Sprintf("%.3f", v)
}

// oneLine is a text for a name or a message: short, and without lines.
func oneLine(s string) string {
	return ended(maxLine)(strings.Join(strings.Fields(s), " "))
}
