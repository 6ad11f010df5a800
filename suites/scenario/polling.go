package scenario

import (
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// steadyPolls is how many compliant polls show that obedience is not punished.
const steadyPolls = 6

// steadyPolling polls at the advertised interval. When a slow_down comes
// nevertheless, a second device repeats the polls with twice the guard band,
// because one answer could be jitter.
//
// Labels: device, poll/1 ... poll/6; again/device, again/poll/1 ...
func steadyPolling(c *conversation) error {
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	slowed := false
	for i := range steadyPolls {
		d.interval = d.advertised
		x, err := d.pollInPace(labels.Nth(labels.Poll, i+1), 1)
		if err != nil {
			return err
		}
		slowed = slowed || x.OAuthError() == "slow_down"
		if i == 1 {
			c.leavePages() // rough scenarios may begin
		}
	}
	if !slowed {
		return nil
	}
	// The bursts of others may be why.
	if err := c.after(transcript.Throttle, transcript.ImpatientPolling, transcript.HastyNeighbour, transcript.RacingPolls, transcript.Fleet); err != nil {
		return err
	}
	if d, err = c.issue(labels.Join(labels.Again, labels.Device), c.Profile.Clients.Public); err != nil {
		return err
	}
	for i := range steadyPolls {
		d.interval = d.advertised
		if _, err := d.pollInPace(labels.Nth(labels.Join(labels.Again, labels.Poll), i+1), 2); err != nil {
			return err
		}
	}
	return nil
}

const (
	burstPolls = 5
	// burstGap is our own time between the polls of a burst: it shall be too
	// fast for any interval, at any clock rate.
	burstGap = 300 * time.Millisecond
	// obedientPolls is how many polls show that the slower pace is accepted.
	obedientPolls = 3
)

// impatientPolling polls too fast until slow_down comes, then keeps the pace
// that RFC 8628 section 3.5 asks for: five seconds more for each slow_down.
//
// Labels: device, burst/1 ... burst/5, obedient/1 ... obedient/3.
func impatientPolling(c *conversation) error {
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	burst := d.burst
	if d.roundTrip > d.interval/4 {
		burst = d.overlappingBurst
	}
	if err := burst(); err != nil {
		return err
	}
	for i := range obedientPolls {
		if _, err := d.pollInPace(labels.Nth(labels.Obedient, i+1), 1); err != nil {
			return err
		}
	}
	return nil
}

// burst polls too fast until the answer is something else than pending.
func (d *device) burst() error {
	for i := range burstPolls {
		if i > 0 {
			if err := d.sleepBurst(labels.Nth(labels.Burst, i+1)); err != nil {
				return err
			}
		}
		x := d.hasty(labels.Nth(labels.Burst, i+1))
		if x.OAuthError() != "authorization_pending" && oddity(x) == "" {
			break
		}
	}
	return nil
}

// hasty is one poll of a burst. An odd answer is followed by the next poll anyway;
// where that gets another, the odd one said nothing about the pace.
func (d *device) hasty(label string) wire.Exchange {
	before := d.answer
	x := d.pollRaw(label)
	if strange := oddity(before); strange != "" && oddity(x) == "" && !before.Overloaded() && before.Label != labels.Device {
		d.c.supersede(before)
	}
	return x
}

// overlappingBurst does not wait for the answers: where each takes as long as the
// interval, polls in turn are never too fast.
func (d *device) overlappingBurst() (err error) {
	var (
		all     sync.WaitGroup
		answers [burstPolls]wire.Exchange
	)
	for i := range burstPolls {
		if i > 0 {
			if err = d.sleepBurst(labels.Nth(labels.Burst, i+1)); err != nil {
				break
			}
		}
		all.Go(func() { answers[i] = d.c.once(d.c.Wire, d.request(labels.Nth(labels.Burst, i+1))) })
	}
	all.Wait()
	for _, x := range answers {
		if x.N > 0 {
			d.heard(x)
		}
	}
	return err
}
