package scenario

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// raceTime is how long the requests of all races may take at the profile's rate.
const raceTime = 20 * time.Second

// raceRounds is how many codes are raced for: fewer where the profile's rate
// would stretch the run, and one where a real person has to approve them.
func (c *conversation) raceRounds() int {
	if c.Driver != nil && c.Driver.Name() == "manual" {
		return 1
	}
	perRound := 2 * float64(max(1, c.Profile.Limits.RaceWidth)) // with the warm-ups
	affordable := raceTime.Seconds() * c.Profile.Limits.Rate / perRound
	return max(1, int(min(float64(c.Profile.Limits.RaceRounds), affordable)))
}

// racingPolls redeems each of several approved codes with many polls at the
// same moment. All are approved by one person, one after the other; the races
// begin as soon as their interval has passed. When no poll of
// a race gets the token the device asks again at a compliant pace. A target
// that calls itself overloaded is not raced again.
//
// Labels, for each round K from 1: device/K; race/K/1 ... race/K/N; after/K/1
// ... Journeys: approve K.
func racingPolls(c *conversation) error {
	var overloaded atomic.Bool
	return c.approveInTurn(c.raceRounds(), func(k int, d *device) error {
		if err := d.rest(d.interval + d.guard()); err != nil || overloaded.Load() {
			return err
		}
		requests := make([]wire.Request, c.Profile.Limits.RaceWidth)
		for i := range requests {
			requests[i] = d.request(labels.Nth(labels.Nth(labels.Race, k), i+1))
		}
		redeemed := false
		for _, x := range c.together(requests) {
			d.heard(x)
			redeemed = redeemed || gaveToken(x)
			if x.Overloaded() {
				overloaded.Store(true)
			}
		}
		if redeemed {
			return nil
		}
		_, err := d.collect(labels.Nth(labels.After, k), patience)
		return err
	})
}

// lostAnswerTries is how many codes have their first answer lost.
const lostAnswerTries = 2

// lostAnswers closes the connection right after the poll that would bring the
// token, as a device does whose network went away, and polls again. The wait is
// doubled first, as RFC 8628 section 3.5 asks of a device after a time-out.
//
// Labels, for each K from 1: device/K; lost/K; again/K/1 ... Journeys: approve K.
func lostAnswers(c *conversation) error {
	return c.approveInTurn(lostAnswerTries, func(k int, d *device) error {
		if err := d.rest(d.interval + d.guard()); err != nil {
			return err
		}
		if err := c.turn(c.ctx, d.tokenEndpoint); err != nil {
			return errInterrupted
		}
		d.heard(c.record(c.Wire.SendAndHangUp(c.ctx, d.request(labels.Nth(labels.Lost, k)))))
		d.interval *= 2
		_, err := d.collect(labels.Nth(labels.Again, k), patience)
		return err
	})
}

// approveInTurn issues n codes and has one person approve them, each in a user
// agent of its own: a server may keep one grant for a session, and revoke it
// with all its codes when one of them is replayed. What follows each approval
// goes on meanwhile.
func (c *conversation) approveInTurn(n int, then func(k int, d *device) error) error {
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	var (
		following sync.WaitGroup
		errs      = make([]error, n+1)
		err       error
	)
	for k := 1; k <= n; k++ {
		var d *device
		var j transcript.Journey
		if d, j, err = c.approveOne(k); err != nil {
			break
		}
		if j.Outcome != transcript.Approved {
			continue
		}
		d.last = c.Clock.Now()
		following.Go(func() { errs[k] = then(k, d) })
	}
	c.leavePages()
	following.Wait()
	errs[0] = err
	return firstError(errs)
}

// approveOne issues one code and has it approved in a user agent of its own.
func (c *conversation) approveOne(k int) (*device, transcript.Journey, error) {
	s, err := c.errander()
	if err != nil {
		return nil, transcript.Journey{}, err
	}
	defer s.Close()
	d, err := c.issue(labels.Nth(labels.Device, k), c.Profile.Clients.Public)
	if err != nil {
		return nil, transcript.Journey{}, err
	}
	j := c.visit(s, d.task(labels.Round(labels.Approve, k), transcript.Approve))
	return d, j, unfinished(j)
}

const (
	// pollsAtDecision is how many polls go out around one decision: more would
	// only lengthen the wait that follows, by five seconds for each slow_down.
	pollsAtDecision = 2
	// The polls are spread over the reaction, which is the time from the press
	// to the confirming page as the journey before measured it, and over half
	// as long before the press, but at least beforePress.
	firstReaction = 50 * time.Millisecond
	minReaction   = 2 * time.Millisecond
	maxReaction   = 200 * time.Millisecond
	beforePress   = 4 * time.Millisecond
)

// decisionRaces polls while the end user presses deny, and on other codes
// approve: some polls arrive before the decision, some after, some in the
// middle of it. Then the device polls at a compliant pace.
//
// Labels, for each goal and each code K from 1: GOAL/device/K; GOAL/race/K/1
// ...; GOAL/after/K/1 ... where GOAL is deny or approve. Journeys: deny K,
// approve K.
func decisionRaces(c *conversation) error {
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	var (
		decided   []func()
		following sync.WaitGroup
		mu        sync.Mutex
		failed    error
	)
	note := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if failed == nil {
			failed = err
		}
	}
	reaction := firstReaction
	for _, goal := range []transcript.Goal{transcript.Deny, transcript.Approve} {
		for k := 1; k <= max(1, c.raceRounds()/2); k++ {
			d, err := c.issue(labels.Nth(labels.Join(string(goal), labels.Device), k), c.Profile.Clients.Public)
			if err != nil {
				note(err)
				break
			}
			r := race{device: d, label: labels.Nth(labels.Join(string(goal), labels.Race), k), reaction: reaction}
			task := d.task(labels.Round(string(goal), k), goal)
			task.AtDecision = r.begin
			j := c.visit(s, task)
			if !r.pressed.IsZero() {
				reaction = min(max(time.Since(r.pressed), minReaction), maxReaction)
			}
			r.end()
			if j.Outcome == transcript.NoWayToDeny {
				break
			}
			if err := unfinished(j); err != nil {
				note(err)
				break
			}
			decided = append(decided, func() {
				if _, err := d.collect(labels.Nth(labels.Join(string(goal), labels.After), k), patience); err != nil {
					note(err)
				}
			})
		}
	}
	c.leavePages()
	// Only now: a poll after the token is a replay, for which a server may revoke
	// what this session approved.
	for _, collect := range decided {
		following.Go(collect)
	}
	following.Wait()
	return failed
}

// race is the polls around one decision.
type race struct {
	device   *device
	label    string
	reaction time.Duration

	pressed time.Time // zero: the decision page never came
	polls   sync.WaitGroup
	answers [pollsAtDecision]wire.Exchange
}

// begin sends the polls in the background. When it returns the end user presses.
func (r *race) begin(ctx context.Context) error {
	c := r.device.c
	for range pollsAtDecision {
		// Paid beforehand, so that the rate does not move the polls.
		if err := c.limiter.Wait(ctx); err != nil {
			return errInterrupted
		}
	}
	before := max(r.reaction/2, beforePress)
	for i := range pollsAtDecision {
		// One poll in each part of the time, anywhere in it.
		after := time.Duration((float64(i) + c.random.Float64()) / pollsAtDecision * float64(before+r.reaction))
		r.polls.Go(func() {
			if c.Clock.SleepReal(c.ctx, after) == nil {
				r.answers[i] = c.record(c.Wire.Do(c.ctx, r.device.request(labels.Nth(r.label, i+1))))
			}
		})
	}
	if err := c.Clock.SleepReal(ctx, before); err != nil {
		return errInterrupted
	}
	r.pressed = time.Now()
	return nil
}

// end waits for the answers, which the device hears in the order they came.
func (r *race) end() {
	r.polls.Wait()
	slices.SortFunc(r.answers[:], func(a, b wire.Exchange) int { return int(a.Received - b.Received) })
	for _, x := range r.answers {
		if x.N > 0 {
			r.device.heard(x)
		}
	}
}
