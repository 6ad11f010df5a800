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
	// simulation is; Version is the target's version, if it is known.
	Kind, Fidelity, Version string

	// Select are selectors: 3.5, POLL-05, POLL-*, @must, @person, !@slow.
	// None selects everything.
	Select []string
	// Level is must (MUST, defined and implied), should (those and SHOULD), or
	// all (default).
	Level string
	// Policy decides the exit code.
	Policy report.Policy
	// Unredacted leaves tokens, codes and passwords in the result as they were
	// sent, so that it can be judged again in full. For throw-away servers.
	Unredacted bool
	// NoBaseline judges as if the profile had no baseline.
	NoBaseline bool

	// Wait is how long a target that does not answer yet is waited for.
	Wait time.Duration
	// TimeBudget is the longest single wait, in target time, that a scenario
	// may take. Default 5 minutes.
	TimeBudget time.Duration
	// InFlight bounds the exchanges that are under way at once. Default 8.
	InFlight int
	// Parallel is how many journeys of persons in a browser are under way at once
	// at most. How many there are follows from how this machine keeps up. Default:
	// one for each core, or for each two where the browser has windows.
	Parallel int
	// ClockRate is how many of the target's seconds pass in one of ours.
	// Above 1 only for a fake whose clock has the same rate. Default 1.
	ClockRate float64
	// Seed repeats the invented values of an earlier run. 0: from the clock.
	Seed uint64

	// Browser is auto (default), none, manual, a path, or a ws:// or http://
	// address of a running browser. With none, nobody opens one by hand either.
	// Headed shows its window.
	Browser string
	Headed  bool
	// Getenv reads the environment for the browser's path. Default os.Getenv.
	Getenv func(string) string
	// In and Out are where the manual driver talks to a person.
	In  io.Reader
	Out io.Writer

	// Tool is the version of the program that runs the suite.
	Tool string
	// Observer is told how the run goes on. It may be nil.
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

// Outline is what a run is going to do.
type Outline struct {
	Target    report.Target
	Checks    []string // the ids, in order
	Scenarios []string
	Notes     []string
	// Progress tells at any time how many scenarios have ended, how many
	// there are, and what the others wait for.
	Progress func() (ended, started int, waiting []scenario.Status)
	// Now is the target's time, to which the waits of Progress refer.
	Now func() time.Duration
}
