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
	// Policy is what ExitCode was decided by.
	Policy    Policy     `json:"policy"`
	Counts    Counts     `json:"counts"`
	Checks    []Check    `json:"checks"`
	Scenarios []Scenario `json:"scenarios"`
	// Throttle is how the target slows devices down, as far as that was measured.
	Throttle *rules.Throttle `json:"throttle,omitempty"`
	// Recorded is what the rules knew beside the scenarios, so that they can be
	// applied again.
	Recorded *Recorded `json:"recorded,omitempty"`

	// Machine is how the machine that ran the suite kept up.
	Machine *Machine `json:"machine,omitempty"`

	// Lost says why the target could not be talked to, or not any more; "" in any
	// other run.
	Lost string `json:"lost,omitempty"`
	// Interrupted says that the run was ended before its time.
	Interrupted bool `json:"interrupted,omitempty"`
	// Notes say what a reader of the whole result has to know: no browser,
	// certificates not verified, clients that were left out.
	Notes []string `json:"notes,omitempty"`
}

// Recorded is the part of a run's evidence that no scenario holds.
type Recorded struct {
	// Profile is the resolved profile, without the values of secrets; Endpoints
	// are those in use. See profiles.FromRecord.
	Profile   json.RawMessage `json:"profile"`
	Endpoints json.RawMessage `json:"endpoints"`
	// Facts are what was noted of values before they were redacted.
	Facts rules.Facts `json:"facts"`
	// Browser is the option of that name, in so far as it shaped the verdicts.
	Browser string `json:"browser,omitempty"`
	// Unredacted says that the scenarios hold every secret as it was sent.
	Unredacted bool `json:"unredacted,omitempty"`
}

// Tool is the program that made the result.
type Tool struct {
	Version string `json:"version"`
}

// Target is what was judged.
type Target struct {
	Name string `json:"name"`
	// Kind is real or simulated; Fidelity says how faithful a simulation is.
	Kind     string `json:"kind"`
	Version  string `json:"version,omitempty"`
	Fidelity string `json:"fidelity,omitempty"`
	Profile  string `json:"profile"`
	// ProfileFile is the file of the profile as the run was given it, or
	// builtin:NAME.
	ProfileFile string `json:"profile_file,omitempty"`
	Issuer      string `json:"issuer,omitempty"`
	// Driver played the person; ClockRate is above 1 where a test lets the
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
	// Scenario is the conversation that the check is about.
	Scenario   string          `json:"scenario,omitempty"`
	DurationMS int64           `json:"duration_ms"`
	Findings   []rules.Finding `json:"findings,omitempty"`
	// Deviation is the baseline entry that made the verdict known or fixed.
	Deviation *Deviation `json:"deviation,omitempty"`
	// Stale are the baseline entries that have to go.
	Stale []Stale `json:"stale,omitempty"`
}

// Stale is a baseline entry that does not hold, and why.
type Stale struct {
	Deviation
	Why string `json:"why"`
}

// Deviation is a baseline entry as a report shows it.
type Deviation struct {
	Code   string `json:"code,omitempty"`
	Expect string `json:"expect"`
	Reason string `json:"reason"`
	Link   string `json:"link,omitempty"`
	// Until is the entry's last day; File and Line say where it stands.
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

// Count tallies the checks.
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

// Policy is how strictly an exit code is decided.
type Policy struct {
	// Strict counts warnings of SHOULD requirements, and those findings that
	// say so themselves, as failures.
	Strict bool `json:"strict"`
	// AllowInconclusive lets a run with inconclusive checks end 0.
	AllowInconclusive bool `json:"allow_inconclusive"`
}

// ExitCode decides how a run ends. Failures decide over inconclusive checks, a
// target that was lost over both, and an interruption over everything.
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

// CountsStrictly says that --strict takes this warning for a failure.
func CountsStrictly(check Check) bool {
	for _, f := range check.Findings {
		if f.Severity == rules.Warn && (check.Level == rules.Should || f.Strict) {
			return true
		}
	}
	return false
}
