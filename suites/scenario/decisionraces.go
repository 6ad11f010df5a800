package scenario

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

const (
	// pollsAtDecision is how many polls go out around one decision: more would
	// only lengthen the wait that follows, by five seconds for each slow_down.
	pollsAtDecision = 2
	// denialTime and decisionTime are for how long, in real time, the end user
	// starts to deny, and to deny and approve, when every goal has had its least
	// number of rounds.
	denialTime   = 5 * time.Second
	decisionTime = 15 * time.Second
)

// decisionRounds is how many codes are decided for a goal: at least, and at most
// when there is time. An approval that is lost is the dearer one. A target that
// limits codes is asked for no more than the least.
func (c *conversation) decisionRounds(goal transcript.Goal) (least, most int) {
	rounds, limits := c.raceRounds(), c.Profile.Limits
	least = max(1, rounds/2)
	switch {
	case c.Driver.Name() == "manual", limits.DeviceAuthorizationPerMinute > 0, limits.UserCodesPerMinute > 0:
		return least, least
	case goal == transcript.Deny:
		return least, rounds
	}
	return least, 2 * rounds
}

// decisionRaces polls while the end user presses deny, and on other codes
// approve: at the moment at which the decision takes effect, as the polls before
// found it, and around it (see aim). Then the device polls at a compliant pace.
//
// The budget: each goal has half the profile's race_rounds. Further rounds, up to
// race_rounds denials and twice as many approvals, begin within decisionTime.
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
	start := time.Now()
	var oldest *device
	at := newAim(c.random.Float64)
	for _, goal := range []transcript.Goal{transcript.Deny, transcript.Approve} {
		least, most := c.decisionRounds(goal)
		ends := start.Add(map[transcript.Goal]time.Duration{transcript.Deny: denialTime, transcript.Approve: decisionTime}[goal])
		for k := 1; k <= least || k <= most && time.Now().Before(ends); k++ {
			d, err := c.issue(labels.Nth(labels.Join(string(goal), labels.Device), k), c.Profile.Clients.Public)
			if err != nil {
				note(err)
				break
			}
			r := race{device: d, label: labels.Nth(labels.Join(string(goal), labels.Race), k), aim: at}
			task := d.task(labels.Round(string(goal), k), goal)
			task.AtDecision, task.AtRequest = r.ready, r.begin
			j := c.visit(s, task)
			if !r.pressed.IsZero() {
				at.reacted(time.Since(r.pressed))
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
			if oldest == nil {
				oldest = d
			}
			if k >= least && oldest.lifetime > 0 && c.Clock.Now() > oldest.issued+oldest.lifetime/2 {
				break // they are collected at the end, and the first ones grow old
			}
			if r.pressed.IsZero() && k >= least {
				break // no page asks: more rounds would be none
			}
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
	device *device
	label  string
	aim    *aim

	pressed time.Time // when the decision left; zero: it was never made
	polls   sync.WaitGroup
	shots   [pollsAtDecision]shot
}

// shot is one of them.
type shot struct {
	sent   time.Time
	took   time.Duration
	answer wire.Exchange
}

// ready pays for the polls, so that the rate does not move them.
func (r *race) ready(ctx context.Context) error {
	for range pollsAtDecision {
		if err := r.device.c.limiter.Wait(ctx); err != nil {
			return errInterrupted
		}
	}
	return nil
}

// begin sends the polls in the background. When it returns the decision leaves.
func (r *race) begin() {
	c := r.device.c
	var at [pollsAtDecision]time.Duration
	at[0], at[1] = r.aim.next()
	press := time.Now().Add(max(-at[0], 0) + minPoll)
	for i := range at {
		r.polls.Go(func() {
			if c.Clock.SleepReal(c.ctx, time.Until(press.Add(at[i]))) != nil {
				return
			}
			s := &r.shots[i]
			s.sent = time.Now()
			x := c.Wire.Do(c.ctx, r.device.request(labels.Nth(r.label, i+1)))
			s.took = time.Since(s.sent)
			s.answer = c.record(x)
		})
	}
	if c.Clock.SleepReal(c.ctx, time.Until(press)) == nil {
		r.pressed = time.Now()
	}
}

// end waits for the answers, which the device hears in the order they came. The
// aim learns from those to a decision that was made.
func (r *race) end() {
	r.polls.Wait()
	slices.SortFunc(r.shots[:], func(a, b shot) int { return int(a.answer.Received - b.answer.Received) })
	for _, s := range r.shots {
		if s.answer.N == 0 {
			continue
		}
		r.device.heard(s.answer)
		if !r.pressed.IsZero() {
			r.aim.heard(s.sent.Sub(r.pressed), s.took, s.answer)
		}
	}
}
