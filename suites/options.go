package suites

import (
	"io"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

// Options describe a run. Only Profile is required.
type Options struct {
	Profile *profiles.Profile
	// Kind is "real" (default) or "simulated"; Fidelity says how faithful a
	// simulation is; Version is the target's version, if known.
	Kind, Fidelity, Version string

	// Select are selectors: 3.5, POLL-05, POLL-*, @must, @person, !@slow.
	// Without any, all checks are selected.
	Select []string
	// Level is must (MUST, defined and implied), should (those and SHOULD), or
	// all (default).
	Level string
	// Policy decides the exit status.
	Policy report.Policy
	// Unredacted leaves tokens, codes and passwords in the result, so that it
	// can be judged again in full. For throw-away servers.
	Unredacted bool
	// NoBaseline judges as if the profile had no baseline.
	NoBaseline bool

	// Wait is how long to wait for a target that does not answer yet.
	Wait time.Duration
	// TimeBudget is the longest single wait of a scenario, in target time.
	// Default 5 minutes.
	TimeBudget time.Duration
	// InFlight is the maximum number of concurrent exchanges. Default 8.
	InFlight int
	// Parallel is the maximum number of concurrent browser journeys. How many
	// really run depends on how well this machine keeps up. Default: one per
	// core, or one per two cores if the browser has windows.
	Parallel int
	// ClockRate is how many target seconds pass per real second. Above 1 only
	// for a reference server whose clock has the same rate. Default 1.
	ClockRate float64
	// Seed repeats the random values of an earlier run. 0: from the clock.
	Seed uint64

	// Browser is auto (default), none, manual, a path, or a ws:// or http://
	// address of a running browser. With none, the manual driver is not used
	// either. Headed shows the browser's window.
	Browser string
	Headed  bool
	// Getenv reads the environment for the browser's path. Default os.Getenv.
	Getenv func(string) string
	// In and Out are the terminal of the manual driver.
	In  io.Reader
	Out io.Writer

	// Tool is the version of the program that runs the suite.
	Tool string
	// Observer follows the progress of the run. It may be nil.
	Observer Observer
}

// Defaults of [Options].
const (
	DefaultTimeBudget = 5 * time.Minute
	DefaultInFlight   = 8
)

// Observer follows a run. Its methods are called one at a time.
type Observer interface {
	// Started is called once, when the target has answered and before the
	// first scenario starts.
	Started(Outline)
	// Checked is called for each check, in the order of the sections.
	Checked(report.Check)
}

// Outline is the plan of a run.
type Outline struct {
	Target    report.Target
	Checks    []string // the ids, in order
	Scenarios []string
	Notes     []string
	// Progress returns how many scenarios have ended, how many were started,
	// and what the others are waiting for.
	Progress func() (ended, started int, waiting []scenario.Status)
	// Now returns the target's time, which the waits in Progress refer to.
	Now func() time.Duration
}
