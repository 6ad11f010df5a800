package loadgen

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Search looks for the largest number of devices that a target bears.
type Search struct {
	// SLO are thresholds, all of which have to hold.
	SLO []string
	// From and Most bound the number of devices, Within the time of the whole
	// search, Step is the measured time of one run.
	From, Most   int
	Within, Step time.Duration
	// Stepped is told of each run; nil: nobody.
	Stepped func(Step)
}

// defaultSLO holds beside the one that is given: a server that refuses quickly
// is not fast, and one that forgets the codes of half its devices carries half.
var defaultSLO = []string{"errors rate<0.001", "slow_down_obedient rate<0.01", "grants_forgotten rate<0.001"}

// precision is how close the largest load that held and the smallest that did
// not have to be.
const precision = 1.05

// fewerThanOne ends a search whose target does not bear a single device.
const fewerThanOne = "fewer than one device"

// FindCapacity raises the devices until the SLO breaks, narrows the gap, and
// confirms the answer with another run. Each run issues its codes first, as fast
// as answers come, and measures polls only then. The result is that of the last
// run that held.
func FindCapacity(ctx context.Context, o Options, q Search) (Result, error) {
	began := time.Now()
	answer := Capacity{SLO: append(append([]string{}, q.SLO...), defaultSLO...)}
	var best Result
	held, broken, n := 0, 0, max(1, q.From)
	run := func(devices int, confirms bool) (Step, error) {
		result, step, err := o.try(ctx, devices, answer.SLO, q.Step)
		if err != nil {
			return step, err
		}
		step.Confirms = confirms
		answer.Steps = append(answer.Steps, step)
		if q.Stepped != nil {
			q.Stepped(step)
		}
		if step.Held || best.Schema == "" {
			best = result
		}
		switch {
		case result.Interrupted:
			answer.Bound = "interrupted"
		case result.Verdict == Invalid && !step.Held:
			answer.Bound = "the generator: " + strings.Join(result.Validity.Reasons, "; ")
		case time.Since(began) > q.Within:
			answer.Bound = "the time for the search (" + q.Within.String() + ")"
		}
		return step, nil
	}
	for answer.Bound == "" {
		step, err := run(n, false)
		if plan := (*PlanError)(nil); errors.As(err, &plan) && held > 0 {
			answer.Bound = err.Error() // a limit of the profile, or of this machine
			break
		}
		if err != nil {
			return best, err
		}
		switch {
		case step.Held:
			held = n
		case answer.Bound == "" || step.Broke != "":
			broken = n
			answer.Broke, answer.BrokeDevices = step.Broke, n
		}
		switch {
		case broken == 0 && held >= q.Most:
			answer.Bound = fmt.Sprintf("the most devices that were allowed (%d)", q.Most)
		case broken == 0:
			n = min(2*n, q.Most)
		case held == 0 && n == 1:
			if answer.Bound == "" {
				answer.Bound = fewerThanOne
			}
		case held > 0 && float64(broken) <= precision*float64(held), broken-held <= 1:
			if answer.Bound != "" {
				return conclude(best, answer, held), nil
			}
			again, err := run(held, true)
			if err != nil {
				return best, err
			}
			if again.Held {
				return conclude(best, answer, held), nil
			}
			// Not every time: a little less.
			broken, answer.Broke, answer.BrokeDevices = held, again.Broke, held
			if broken == 1 {
				held, answer.Bound = 0, fewerThanOne
				break
			}
			n = max(1, int(float64(broken)/precision/precision))
			held = proven(answer.Steps, broken)
		default:
			n = (held + broken) / 2
		}
	}
	return conclude(best, answer, held), nil
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
func conclude(r Result, c Capacity, held int) Result {
	c.Devices = held
	for _, s := range c.Steps {
		if s.Devices == held && s.Held {
			c.Polls = s.Polls
		}
	}
	r.Capacity = &c
	r.Verdict, r.ExitCode = Held, ExitHeld
	switch {
	case c.Bound == "interrupted":
		r.Verdict, r.ExitCode = Stopped, ExitInterrupted
	case held == 0 && strings.HasPrefix(c.Bound, "the generator"):
		r.Verdict, r.ExitCode = Invalid, ExitInvalid
	case held == 0:
		r.Verdict, r.ExitCode = Missed, ExitMissed
	}
	return r
}

// try is one run of a search.
func (o Options) try(ctx context.Context, devices int, slo []string, step time.Duration) (Result, Step, error) {
	began := time.Now()
	p := &o.Plan
	p.Devices, p.Thresholds = devices, slo
	p.Arrival.Curve, p.Arrival.Width = "closed", 16
	p.Replace, p.AtRest, p.Canary = new(false), new(false), new(false)
	p.Mix.Approve, p.Mix.Deny, p.Mix.Expire = new(0.0), new(0.0), new(1.0)
	p.Impatient.Share, p.Greedy.Share = new(0.0), new(0.0)
	p.Connections.Max = 0
	o.Decider, o.Canary = nil, nil
	o.measureFor = step
	// As long as the codes take, and then the step.
	p.Duration, p.WarmUp = step+10*time.Minute, new(step+9*time.Minute)
	result, err := Run(ctx, o)
	s := Step{Devices: devices, Polls: result.Rates.PollsAnswered, TookS: seconds(int64(time.Since(began)))}
	if err != nil {
		return result, s, err
	}
	for _, l := range result.Latencies {
		if l.Kind == kindPoll.String() && l.Answer == "" {
			s.P50MS, s.P99MS = l.P50MS, l.P99MS
		}
	}
	s.Held = result.Verdict == Held
	for _, t := range result.Thresholds {
		if strings.HasPrefix(t.Text, "errors ") {
			s.Errors = t.Value
		}
		if !t.OK && t.Measured && s.Broke == "" {
			s.Broke = t.Text + ": " + t.Observed
		}
	}
	if !s.Held && s.Broke == "" && result.Verdict != Invalid {
		s.Broke = result.Aborted
	}
	return result, s, nil
}
