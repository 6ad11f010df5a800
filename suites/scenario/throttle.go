package scenario

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// provoke polls too fast until n slow_downs came, some other answer than
// authorization_pending, or too many polls. It returns the slow_downs.
//
// Labels: label/1, label/2, ...
func (d *device) provoke(label string, n int) (slowed int, err error) {
	for i := 1; slowed < n && i < burstPolls+n; i++ {
		if i > burstPolls && slowed == 0 {
			break
		}
		if i > 1 {
			if err := d.sleepBurst(label); err != nil {
				return slowed, err
			}
		}
		switch x := d.hasty(labels.Nth(label, i)); {
		case x.OAuthError() == "slow_down":
			slowed++
		case x.OAuthError() == "authorization_pending", oddity(x) != "":
		default:
			return slowed, nil
		}
	}
	return slowed, nil
}

// noSlowDown is why a scenario about slow_down has nothing to tell.
const noSlowDown = "the server sends no slow_down (see POLL-03)"

// slowedApproval lets an end user approve a device that was told to slow down and
// obeyed.
//
// Labels: device, burst/1 ..., pending, token/1 ... Journey: approve.
func slowedApproval(c *conversation) error {
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	slowed, err := d.provoke(labels.Burst, 1)
	if err != nil {
		return err
	}
	if slowed == 0 {
		return absent(noSlowDown)
	}
	x, err := d.poll(labels.Pending)
	if err != nil {
		return err
	}
	if e := x.OAuthError(); e != "authorization_pending" && e != "slow_down" {
		return nil // nothing is left to approve
	}
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	if err := c.errand(d, transcript.Approve); err != nil {
		return err
	}
	c.leavePages()
	_, err = d.collect(labels.Token, patience)
	return err
}

const (
	// clear is the distance, in target time, that a poll keeps from a boundary
	// which it must not be about: servers that count whole seconds err by one.
	clear = time.Second
	// oldPace is how much longer than the interval the poll is that finds out
	// whether a slow_down is remembered: within the three seconds in which one
	// pace is too fast and the other is not, and early, since polls come late.
	oldPace = slowDownStep * 2 / 5
	// oldPaceTries bounds how often a poll that left too late is repeated.
	oldPaceTries = 3
	// lastSlowDowns is how many slow_downs in a row show that obedience does
	// not help.
	lastSlowDowns = 3
	manySlowDowns = 3
)

// margins are how much earlier or later than the interval a second poll comes,
// in our own time: they are about the clocks and the network between us.
var margins = []time.Duration{-500 * time.Millisecond, -200 * time.Millisecond, -50 * time.Millisecond,
	50 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond}

// throttle measures how the target slows devices down. Each question has a
// device of its own, and all of them poll side by side, so that the answer to
// one does not depend on how the others were asked.
//
// Labels, below the name of the device: obedient/burst/1 ..., obedient/1 ...
// obeys one slow_down; patient the same after three. grown/N and summed/N
// (burst/1 ..., probe) wait for other times after one and after three. sticky
// (burst/1 ..., compliant/1, old/1, ...) recovers, and then polls at the old
// pace. margin/N (base, probe) come a little before and after the interval.
// early (base, early, probe) and counted (burst/1 ..., the same) show from
// which poll the interval counts. Each begins with NAME/device.
func throttle(c *conversation) error {
	p := &throttleProbe{c: c}
	p.device(labels.Obedient, p.obey(1, lastSlowDowns))
	p.device(labels.Patient, p.obey(manySlowDowns, 2))
	p.device(labels.Sticky, p.sticky)
	for i, wait := range []time.Duration{oldPace, slowDownStep - clear, slowDownStep + clear, slowDownStep + oldPace, 2*slowDownStep + clear} {
		p.device(labels.Nth(labels.Grown, i+1), p.probeAfter(1, wait))
	}
	for i, wait := range []time.Duration{slowDownStep + clear, manySlowDowns*slowDownStep - oldPace} {
		p.device(labels.Nth(labels.Summed, i+1), p.probeAfter(manySlowDowns, wait))
	}
	for i, margin := range margins {
		p.device(labels.Nth(labels.Margin, i+1), p.margin(time.Duration(float64(margin)*c.Clock.rate)))
	}
	p.device(labels.Early, p.early)
	p.device(labels.Counted, p.counted)
	p.all.Wait()
	return p.err
}

// throttleProbe is the devices of the throttle scenario.
type throttleProbe struct {
	c   *conversation
	all sync.WaitGroup
	// slows is set by the first slow_down: without one the rest need not ask.
	slows atomic.Bool
	// limited is set when the target answers that it has enough.
	limited atomic.Bool

	mu  sync.Mutex
	err error
}

// device lets one device do its part beside the others.
func (p *throttleProbe) device(name string, part func(*device, string) error) {
	p.all.Go(func() {
		d, err := p.c.issue(labels.Join(name, labels.Device), p.c.Profile.Clients.Public)
		if err == nil {
			err = part(d, name)
		}
		if err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.err == nil {
				p.err = fmt.Errorf("%s: %w", name, err)
			}
		}
	})
}

// burst provokes n slow_downs and says whether it is worth going on.
func (p *throttleProbe) burst(d *device, name string, n int) (bool, error) {
	slowed, err := d.provoke(labels.Join(name, labels.Burst), n)
	if slowed > 0 {
		p.slows.Store(true)
	}
	if last := d.answer; last.Overloaded() {
		p.limited.Store(true)
	}
	return err == nil && slowed > 0 && !p.limited.Load(), err
}

// at polls when the target's clock shows t, but not before anything else it owes.
func (p *throttleProbe) at(d *device, label string, t time.Duration) (wire.Exchange, error) {
	x, err := d.pollAfter(label, t-d.last)
	by := d.overslept
	// What this machine takes for the answer moves the poll as well.
	if answered := p.c.real(x.Received - t); err == nil && p.c.strained(time.Now().Add(-answered-time.Second)) {
		by = max(by, answered)
	}
	p.c.missed(label, by)
	if x.Overloaded() {
		p.limited.Store(true)
	}
	return x, err
}

// obey provokes n slow_downs and then obeys for as long as more of them come.
func (p *throttleProbe) obey(n, polls int) func(*device, string) error {
	return func(d *device, name string) error {
		on, err := p.burst(d, name, n)
		for i := 1; on && i <= polls; i++ {
			var x wire.Exchange
			x, err = d.pollInPace(labels.Nth(name, i), 1)
			on = err == nil && x.OAuthError() == "slow_down"
		}
		return err
	}
}

// probeAfter provokes n slow_downs and polls once when the advertised interval
// and some more have passed.
func (p *throttleProbe) probeAfter(n int, more time.Duration) func(*device, string) error {
	return func(d *device, name string) error {
		advertised := d.interval
		on, err := p.burst(d, name, n)
		if on {
			_, err = p.at(d, labels.Join(name, labels.Probe), d.heardAt()+advertised+more)
		}
		return err
	}
}

// sticky obeys one slow_down, and then polls as if it had never come.
func (p *throttleProbe) sticky(d *device, name string) error {
	advertised := d.interval
	on, err := p.burst(d, name, 1)
	for i := 1; on && i <= oldPaceTries; i++ {
		x, err := d.poll(labels.Nth(labels.Join(name, labels.Compliant), i))
		if err != nil || x.OAuthError() != "authorization_pending" {
			return err
		}
		before := d.heardAt()
		if x, err = p.at(d, labels.Nth(labels.Join(name, labels.Old), i), before+advertised+oldPace); err != nil {
			return err
		}
		if x.Received-before < advertised+slowDownStep-clear || x.OAuthError() != "authorization_pending" {
			break
		}
	}
	return err
}

// margin polls once in time, and again when the interval and the margin have passed.
func (p *throttleProbe) margin(margin time.Duration) func(*device, string) error {
	return func(d *device, name string) error {
		advertised := d.interval
		x, err := d.poll(labels.Join(name, labels.Base))
		if err != nil || x.OAuthError() != "authorization_pending" || p.pointless() || advertised+margin <= advertised/2 {
			return err
		}
		_, err = p.at(d, labels.Join(name, labels.Probe), d.heardAt()+advertised+margin)
		return err
	}
}

// pointless says that there is no throttle to measure, or that it is a hard limit.
func (p *throttleProbe) pointless() bool { return !p.slows.Load() || p.limited.Load() }

// early polls in time, too early, and again so that the interval has passed
// since the first of the two and not since the second.
func (p *throttleProbe) early(d *device, name string) error {
	return p.lastOrAccepted(d, name, d.interval)
}

// counted is early for a target that lengthens the interval: now it is the
// longer interval that has passed since the first and not since the second.
func (p *throttleProbe) counted(d *device, name string) error {
	return p.lastOrAccepted(d, name, d.interval+slowDownStep)
}

func (p *throttleProbe) lastOrAccepted(d *device, name string, window time.Duration) error {
	advertised := d.interval
	x, err := d.poll(labels.Join(name, labels.Base))
	if err != nil || x.OAuthError() != "authorization_pending" || p.pointless() {
		return err
	}
	base := d.heardAt()
	if x, err = p.at(d, labels.Join(name, labels.Early), base+advertised*3/5); err != nil || x.OAuthError() != "slow_down" {
		return err
	}
	_, err = p.at(d, labels.Join(name, labels.Probe), base+window+min(clear*3/2, advertised*3/10))
	return err
}

const (
	// hammerLead is when, before the other device's poll, the hammering begins.
	hammerLead  = 5 * burstGap
	hammerPolls = 8
	// aloneFirst is how often the device that obeys polls before the hammering:
	// only the second of two polls tells whether its pace is accepted. beside is
	// how often it polls meanwhile.
	aloneFirst = 2
	beside     = 2
)

// hastyNeighbour lets one device poll far too fast while another device of the
// same client obeys. A slow_down for the one that obeys is looked at again
// with fresh devices and twice the guard band.
//
// The second client does this, if there is one: the devices of the other
// scenarios would be neighbours, too.
//
// Labels: x/device, hammer/1/1 ...; y/device, alone/1, alone/2, beside/1,
// beside/2; the same below again, and below later when it is not accepted alone.
func hastyNeighbour(c *conversation) error {
	client := c.Profile.Clients.Second
	if client == nil {
		client = c.Profile.Clients.Public
	}
	// The scenarios whose devices are of the second client, too.
	others := []string{transcript.TwoPeople, transcript.ForeignClient, transcript.CrossSite, transcript.Redirection, transcript.Framing}
	alone, slowed, err := c.neighbours(client, "", 1)
	if err == nil && !alone {
		// It may have had neighbours all the same.
		if err = c.after(others...); err == nil {
			alone, slowed, err = c.neighbours(client, labels.Later+"/", 1)
		}
		if since := c.Clock.Until(c.said.Started); err == nil && !alone && c.strained(since) {
			c.late(transcript.LateMoment, 0, since, "the device never polled alone")
		}
	}
	if err != nil || !slowed {
		return err
	}
	// What is to confirm it must not be disturbed.
	if err := c.after(others...); err != nil {
		return err
	}
	_, _, err = c.neighbours(client, labels.Again+"/", 2)
	return err
}

// neighbours says whether the device that obeys was accepted when it was
// alone, and whether it was slowed down beside the other.
func (c *conversation) neighbours(client *profiles.Client, prefix string, guards int) (accepted, slowed bool, err error) {
	x, err := c.issue(prefix+"x/"+labels.Device, client)
	if err != nil {
		return accepted, false, err
	}
	y, err := c.issue(prefix+"y/"+labels.Device, client)
	if err != nil {
		return accepted, false, err
	}
	pace := func() time.Duration { return y.interval + time.Duration(guards)*y.guard() }
	for i := 1; i <= aloneFirst; i++ {
		alone, err := y.pollInPace(labels.Nth(prefix+labels.Alone, i), guards)
		if err != nil || alone.OAuthError() != "authorization_pending" {
			return alone.OAuthError() != "slow_down", false, err
		}
	}
	accepted = true
	for i := 1; i <= beside && !slowed; i++ {
		var (
			hammer sync.WaitGroup
			lead   = time.Duration(float64(hammerLead) * c.Clock.rate)
		)
		if err := c.sleep("the polling interval", y.last+pace()-lead-c.Clock.Now()); err != nil {
			return accepted, false, err
		}
		hammer.Go(func() {
			for k := 1; k <= hammerPolls; k++ {
				if said := x.pollRaw(labels.Nth(labels.Nth(prefix+labels.Hammer, i), k)); !said.Answered() || said.Overloaded() {
					return
				}
				if c.Clock.SleepReal(c.ctx, burstGap) != nil {
					return
				}
			}
		})
		said, err := y.pollInPace(labels.Nth(prefix+labels.Beside, i), guards)
		hammer.Wait()
		if err != nil {
			return accepted, false, err
		}
		slowed = said.OAuthError() == "slow_down"
	}
	return accepted, slowed, nil
}
