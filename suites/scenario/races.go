package scenario

import (
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
