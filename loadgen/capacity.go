package loadgen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Search looks for the maximum number of devices that a target can carry.
type Search struct {
	// SLO are thresholds, all of which must hold.
	SLO []string
	// From and Most bound the number of devices, Within bounds the time of the
	// whole search, and Step is the measured time of one run.
	From, Most   int
	Within, Step time.Duration
	// Stepped is called after each run; it may be nil.
	Stepped func(Step)
}

// defaultSLO holds beside the one that is given: a server that refuses quickly
// is not fast, and one that forgets the codes of half its devices carries half.
var defaultSLO = []string{"errors rate<0.001", "slow_down_obedient rate<0.01", "grants_forgotten rate<0.001"}

// precision is how close the largest load that held and the smallest that did
// not have to be.
const precision = 1.05

// What bounds a search, beside the most devices and the time: its target does not
// bear a single device, somebody ended it, or the generator was late, and why.
const (
	fewerThanOne      = "fewer than one device"
	interruptedSearch = "interrupted"
	lateGenerator     = "the generator: "
)

// FindCapacity raises the number of devices until the SLO breaks, narrows the
// gap, and confirms the answer with another run. Each run first issues its
// codes, as fast as the server responds, and only then measures polls. The
// result is that of the last run that held. The error is that of [Run].
func FindCapacity(ctx context.Context, o Options, q Search) (Result, error) {
	s := &capacitySearch{o: o, q: q, began: time.Now(), answer: Capacity{SLO: slices.Concat(q.SLO, defaultSLO)}}
	for n := max(1, q.From); s.answer.Bound == ""; {
		step, err := s.run(ctx, n, false)
		if plan := (*PlanError)(nil); errors.As(err, &plan) && s.held > 0 {
			s.answer.Bound = err.Error() // a limit of the profile, or of this machine
			break
		}
		if err != nil {
			return s.best, err
		}
		s.learn(n, step)
		switch {
		case s.broken == 0 && s.held >= q.Most:
			s.answer.Bound = fmt.Sprintf("the maximum number of devices (%d)", q.Most)
		case s.broken == 0:
			n = min(2*n, q.Most)
		case s.held == 0 && n == 1:
			s.answer.Bound = cmp.Or(s.answer.Bound, fewerThanOne)
		case !s.narrow():
			n = (s.held + s.broken) / 2
		case s.answer.Bound == "":
			held, err := s.confirm(ctx)
			if err != nil {
				return s.best, err
			}
			if held {
				return s.conclude(), nil
			}
			n = max(1, int(float64(s.broken)/precision/precision))
		}
	}
	return s.conclude(), nil
}

// capacitySearch is a search under way.
type capacitySearch struct {
	o     Options
	q     Search
	began time.Time
	// held is the largest number of devices that held, broken the smallest that did
	// not; 0: none so far.
	held, broken int
	answer       Capacity
	best         Result
}

// run tries a number of devices, and says what bounds the search with it.
func (s *capacitySearch) run(ctx context.Context, devices int, confirms bool) (Step, error) {
	result, step, err := trial(ctx, s.o, devices, s.answer.SLO, s.q.Step)
	if err != nil {
		return step, err
	}
	step.Confirms = confirms
	s.answer.Steps = append(s.answer.Steps, step)
	if s.q.Stepped != nil {
		s.q.Stepped(step)
	}
	if step.Held || s.best.Schema == "" {
		s.best = result
	}
	switch {
	case result.Interrupted:
		s.answer.Bound = interruptedSearch
	case result.Verdict == Invalid && !step.Held:
		s.answer.Bound = lateGenerator + strings.Join(result.Validity.Reasons, "; ")
	case time.Since(s.began) > s.q.Within:
		s.answer.Bound = "the time limit of the search (" + s.q.Within.String() + ")"
	}
	return step, nil
}

// learn takes the step as a bound from below or from above. A step that did not
// hold and broke nothing says nothing.
func (s *capacitySearch) learn(devices int, step Step) {
	switch {
	case step.Held:
		s.held = devices
	case s.answer.Bound == "" || step.Broke != "":
		s.broken, s.answer.Broke, s.answer.BrokeDevices = devices, step.Broke, devices
	}
}

// narrow says that the two bounds are close enough.
func (s *capacitySearch) narrow() bool {
	return s.held > 0 && float64(s.broken) <= precision*float64(s.held) || s.broken-s.held <= 1
}

// confirm tries the answer once more. Where it does not hold every time it is a
// bound from above, and the search goes on below it.
func (s *capacitySearch) confirm(ctx context.Context) (held bool, err error) {
	again, err := s.run(ctx, s.held, true)
	if err != nil || again.Held {
		return again.Held, err
	}
	s.broken, s.answer.Broke, s.answer.BrokeDevices = s.held, again.Broke, s.held
	s.held = proven(s.answer.Steps, s.broken)
	if s.broken == 1 {
		s.answer.Bound = fewerThanOne
	}
	return false, nil
}

// proven is the largest number of devices below one that held: a guess is none.
func proven(steps []Step, below int) (held int) {
	for _, s := range steps {
		if s.Held && s.Devices < below {
			held = max(held, s.Devices)
		}
	}
	return held
}

// conclude puts the answer into the result.
func (s *capacitySearch) conclude() Result {
	r, c := s.best, s.answer
	c.Devices = s.held
	for _, step := range c.Steps {
		if step.Devices == s.held && step.Held {
			c.Polls = step.Polls
		}
	}
	r.Capacity = &c
	r.Verdict, r.ExitCode = Held, ExitHeld
	switch {
	case c.Bound == interruptedSearch:
		r.Verdict, r.ExitCode = Stopped, ExitInterrupted
	case s.held == 0 && strings.HasPrefix(c.Bound, lateGenerator):
		r.Verdict, r.ExitCode = Invalid, ExitInvalid
	case s.held == 0:
		r.Verdict, r.ExitCode = Missed, ExitMissed
	}
	return r
}
