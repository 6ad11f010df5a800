package scenario

import (
	"cmp"
	"sync"
	"sync/atomic"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// grantsAtOnce is how many of the repeated grants are under way at a time.
const grantsAtOnce = 10

// repeatedGrants goes the ordinary way again and again, so that what goes wrong only
// now and then gets a rate: one end user approves one device after another, and each
// device polls at its pace until it hears. Every second one has polled before its
// approval.
//
// Labels, for each grant K from 1: device/K; poll/K/1 ... before the end user has
// decided, approved/K/1 ... after. Journeys: approve K.
func repeatedGrants(c *conversation) error {
	most := c.Profile.Limits.Repeat
	if most == 0 {
		return &Skipped{"limits.repeat is 0: --repeat gives the number of grants"}
	}
	if c.Driver != nil && c.Driver.Name() == "manual" {
		return &Skipped{"the manual driver would ask for a decision about each grant"}
	}
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	for from := 1; from <= most; from += grantsAtOnce {
		if err := c.someGrants(s, from, min(from+grantsAtOnce-1, most)); err != nil {
			return err
		}
	}
	c.leavePages()
	return nil
}

// repeatedGrant is one of them.
type repeatedGrant struct {
	*device
	k       int
	polled  chan struct{} // closed after the first poll
	decided atomic.Bool
	undone  atomic.Bool // nobody will decide any more
	failed  error       // read when the device has ended
}

// someGrants are those that are under way at once: first those whose devices poll
// before the end user comes, then the others.
func (c *conversation) someGrants(s useragent.Agent, from, to int) error {
	var (
		devices sync.WaitGroup
		list    []*repeatedGrant
	)
	err := c.decideGrants(s, from, to, func(g *repeatedGrant) {
		list = append(list, g)
		devices.Go(func() { g.failed = g.pollUntilHeard() })
	})
	if err != nil {
		for _, g := range list {
			g.undone.Store(true)
		}
	}
	devices.Wait()
	for _, g := range list {
		err = cmp.Or(err, g.failed)
	}
	return err
}

// decideGrants begins them, each of which polls from then on, and sends the end user.
func (c *conversation) decideGrants(s useragent.Agent, from, to int, polls func(*repeatedGrant)) error {
	begin := func(k int) (*repeatedGrant, error) {
		if err := c.readyToType(); err != nil {
			return nil, err
		}
		d, err := c.issue(labels.Nth(labels.Device, k), c.Profile.Clients.Public)
		if err != nil {
			return nil, err
		}
		g := &repeatedGrant{device: d, k: k, polled: make(chan struct{})}
		polls(g)
		return g, nil
	}
	var waiting []*repeatedGrant
	for k := from + from%2; k <= to; k += 2 {
		g, err := begin(k)
		if err != nil {
			return err
		}
		waiting = append(waiting, g)
	}
	for k := from + 1 - from%2; k <= to; k += 2 {
		g, err := begin(k)
		if err != nil {
			return err
		}
		if err := g.approve(s); err != nil {
			return err
		}
	}
	for _, g := range waiting {
		<-g.polled
		if err := g.approve(s); err != nil {
			return err
		}
	}
	return nil
}

// approve sends the end user.
func (g *repeatedGrant) approve(s useragent.Agent) error {
	j := g.c.visit(s, g.task(labels.Round(labels.Approve, g.k), transcript.Approve))
	if j.Decided || j.Outcome == transcript.Approved {
		g.decided.Store(true)
		return nil
	}
	g.undone.Store(true)
	return unfinished(j)
}

// pollUntilHeard lets the device poll until it has its answer, or has asked in vain
// often enough.
func (g *repeatedGrant) pollUntilHeard() error {
	first := sync.OnceFunc(func() { close(g.polled) })
	defer first()
	before, after := 0, 0
	for !g.undone.Load() && after < patience {
		if err := g.rest(g.interval + g.guard()); err != nil {
			return err
		}
		when, n := labels.Poll, &before
		if g.decided.Load() {
			when, n = labels.Approved, &after
		}
		*n++
		x := g.pollNow(labels.Nth(labels.Nth(when, g.k), *n))
		first()
		if e := x.OAuthError(); x.Answered() && oddity(x) == "" && e != "authorization_pending" && e != "slow_down" {
			return nil
		}
	}
	return nil
}
