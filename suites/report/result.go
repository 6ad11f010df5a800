package report

import (
	"encoding/json"
	"time"

	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Schema is the value of Result.Schema.
const Schema = "devicegrant/result/1"

// The verdicts that a baseline adds to those of the rules.
const (
	// Known is an expected deviation that happened.
	Known rules.Verdict = "known"
	// Fixed is an expected deviation that did not happen: the baseline is stale.
	Fixed rules.Verdict = "fixed"
)

// Result is one conformance run.
type Result struct {
	Schema     string    `json:"schema"`
	Tool       Tool      `json:"tool"`
	Target     Target    `json:"target"`
	Started    time.Time `json:"started"`
	Finished   time.Time `json:"finished"`
	DurationMS int64     `json:"duration_ms"`
	ExitCode   int       `json:"exit_code"`
	// Policy is what decided ExitCode.
	Policy    Policy     `json:"policy"`
	Counts    Counts     `json:"counts"`
	Checks    []Check    `json:"checks"`
	Scenarios []Scenario `json:"scenarios"`
	// Throttle is how the target slows devices down, as far as it was measured.
	Throttle *rules.Throttle `json:"throttle,omitempty"`
	// Recorded is what the rules knew besides the scenarios, so that they can
	// be applied again.
	Recorded *Recorded `json:"recorded,omitempty"`

	// Machine says how well the machine that ran the suite kept up.
	Machine *Machine `json:"machine,omitempty"`

	// Lost says why the target could not be reached, or no longer; "" in any
	// other run.
	Lost string `json:"lost,omitempty"`
	// Interrupted says that the run was ended early.
	Interrupted bool `json:"interrupted,omitempty"`
	// Notes are facts that every reader of the result needs: no browser,
	// certificates not verified, clients left out.
	Notes []string `json:"notes,omitempty"`
}

// LostNote is the note about a target that was lost; "" for any other run.
func (r Result) LostNote() string {
	if r.Lost == "" {
		return ""
	}
	return "the run ended early: " + r.Lost
}

// Recorded is the evidence of a run that is not in a scenario.
type Recorded struct {
	// Profile is the resolved profile, without the values of secrets; Endpoints
	// are those in use. See profiles.FromRecord.
	Profile   json.RawMessage `json:"profile"`
	Endpoints json.RawMessage `json:"endpoints"`
	// Facts are facts about values that were recorded before the values were
	// redacted.
	Facts rules.Facts `json:"facts"`
	// Browser is the option of that name, as far as it affected the verdicts.
	Browser string `json:"browser,omitempty"`
	// Unredacted says that the scenarios contain every secret as it was sent.
	Unredacted bool `json:"unredacted,omitempty"`
}

// Tool is the program that made the result.
type Tool struct {
	Version string `json:"version"`
}

// Target is the tested server.
type Target struct {
	Name string `json:"name"`
	// Kind is real or simulated; Fidelity says how faithful a simulation is.
	Kind     string `json:"kind"`
	Version  string `json:"version,omitempty"`
	Fidelity string `json:"fidelity,omitempty"`
	Profile  string `json:"profile"`
	// ProfileFile is the profile as given to the run: a file, or builtin:NAME.
	ProfileFile string `json:"profile_file,omitempty"`
	Issuer      string `json:"issuer,omitempty"`
	// Driver acted as the end user; ClockRate is above 1 if a test made the
	// target's seconds pass faster.
	Driver    string  `json:"driver,omitempty"`
	ClockRate float64 `json:"clock_rate,omitempty"`
}

// Counts is how many checks have each verdict.
type Counts struct {
	Pass         int `json:"pass"`
	Fail         int `json:"fail"`
	Warn         int `json:"warn"`
	Info         int `json:"info"`
	NA           int `json:"na"`
	Skip         int `json:"skip"`
	Inconclusive int `json:"inconclusive"`
	Error        int `json:"error"`
	Known        int `json:"known"`
	Fixed        int `json:"fixed"`
}

// Check is one requirement's verdict.
type Check struct {
	ID      string        `json:"id"`
	Section string        `json:"section"`
	Source  string        `json:"source"`
	Level   rules.Level   `json:"level"`
	Title   string        `json:"title"`
	Verdict rules.Verdict `json:"verdict"`
	Reason  string        `json:"reason"`
	// Scenario is the conversation that the check reads.
	Scenario   string          `json:"scenario,omitempty"`
	DurationMS int64           `json:"duration_ms"`
	Findings   []rules.Finding `json:"findings,omitempty"`
	// Deviation is the baseline entry that made the verdict known or fixed.
	Deviation *Deviation `json:"deviation,omitempty"`
	// Stale are the baseline entries to delete.
	Stale []Stale `json:"stale,omitempty"`
}

// Stale is a baseline entry that no longer applies, and why.
type Stale struct {
	Deviation
	Why string `json:"why"`
}

// Deviation is a baseline entry as shown in reports.
type Deviation struct {
	Code   string `json:"code,omitempty"`
	Expect string `json:"expect"`
	Reason string `json:"reason"`
	Link   string `json:"link,omitempty"`
	// Until is the entry's last day; File and Line are its position.
	Until string `json:"until,omitempty"`
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
}

// Scenario is a transcript with its times in milliseconds of target time.
type Scenario struct {
	transcript.Transcript
	StartedMS  int64 `json:"started_ms"`
	DurationMS int64 `json:"duration_ms"`
}

// NewScenario wraps a transcript.
func NewScenario(t transcript.Transcript) Scenario {
	return Scenario{t, t.Started.Milliseconds(), (t.Ended - t.Started).Milliseconds()}
}

// Count counts the checks by verdict.
func Count(checks []Check) Counts {
	var c Counts
	for _, check := range checks {
		switch check.Verdict {
		case rules.Pass:
			c.Pass++
		case rules.Fail:
			c.Fail++
		case rules.Warn:
			c.Warn++
		case rules.Info:
			c.Info++
		case rules.NA:
			c.NA++
		case rules.Skip:
			c.Skip++
		case rules.Inconclusive:
			c.Inconclusive++
		case rules.Broken:
			c.Error++
		case Known:
			c.Known++
		case Fixed:
			c.Fixed++
		}
	}
	return c
}

// The exit codes of a conformance run.
const (
	ExitConforming  = 0   // conforming, or every deviation is in the baseline
	ExitFailed      = 1   // failures, a stale baseline, or warnings with --strict
	ExitUsage       = 2   // bad usage, profile or baseline
	ExitUnknown     = 3   // inconclusive, nothing evaluated, or our own error
	ExitInterrupted = 130 // interrupted; partial results were written
)

// Policy says how strictly the exit status is decided.
type Policy struct {
	// Strict counts warnings for SHOULD requirements, and findings marked as
	// strict, as failures.
	Strict bool `json:"strict"`
	// AllowInconclusive lets a run with inconclusive checks exit with status 0.
	AllowInconclusive bool `json:"allow_inconclusive"`
}

// ExitCode returns the exit status of a run. Failures take precedence over
// inconclusive checks, a lost target over both, and an interruption over
// everything.
func ExitCode(r Result, p Policy) int {
	c := Count(r.Checks)
	if r.Interrupted {
		return ExitInterrupted
	}
	if r.Lost != "" {
		return ExitUnknown
	}
	if c.Fail+c.Fixed > 0 || p.Strict && strictWarnings(r.Checks) > 0 {
		return ExitFailed
	}
	evaluated := c.Pass + c.Warn + c.Info + c.Known
	if c.Error > 0 || evaluated == 0 || c.Inconclusive > 0 && !p.AllowInconclusive {
		return ExitUnknown
	}
	return ExitConforming
}

func strictWarnings(checks []Check) int {
	n := 0
	for _, check := range checks {
		if check.Verdict == rules.Warn && CountsStrictly(check) {
			n++
		}
	}
	return n
}

// CountsStrictly reports whether --strict counts this warning as a failure.
func CountsStrictly(check Check) bool {
	for _, f := range check.Findings {
		if f.Severity == rules.Warn && (check.Level == rules.Should || f.Strict) {
			return true
		}
	}
	return false
}
