package scenario

import (
	"context"
	"sync"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// errNoSecondUser ends a scenario for which one person is not enough.
func errNoSecondUser() error { return absent("the profile has no second user (users.second)") }

// decidedCodes enters codes again that somebody has decided already: the same
// person, then another one, and both try to approve.
//
// Labels: uncollected/device, uncollected/token/1 ...; collected/device,
// collected/token/1 ..., collected/after; denied/device, denied/after; and
// below PART/whose what [conversation.whose] asks. Journeys, in each part:
// PART first, PART same, PART other.
func decidedCodes(c *conversation) error {
	second := c.Profile.Users.Second
	if second == nil {
		return errNoSecondUser()
	}
	parts := []string{labels.Denied, labels.Uncollected, labels.Collected}
	devices, err := c.issueOrDefer(c.Profile.Clients.Public, parts)
	if err != nil {
		return err
	}
	if err := c.afterPages(transcript.Denial, transcript.Approval, transcript.EarlyApproval); err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, len(parts))
	for i, name := range parts {
		all.Go(func() { errs[i] = c.decideAgain(name, devices[i], second) })
	}
	all.Wait()
	return firstError(errs)
}

// issueEach asks for a code for each part, before anybody visits the pages: by
// the time of the first poll the interval is over.
func (c *conversation) issueEach(client *profiles.Client, parts []string) ([]*device, error) {
	devices := make([]*device, len(parts))
	for i, name := range parts {
		var err error
		if devices[i], err = c.issue(labels.Join(name, labels.Device), client); err != nil {
			return nil, err
		}
	}
	return devices, nil
}

// issueOrDefer is issueEach, but where the target limits how many codes are typed
// a minute: most codes would expire before their turn, so that each part asks for
// its own then, which is nil here.
func (c *conversation) issueOrDefer(client *profiles.Client, parts []string) ([]*device, error) {
	if c.typing != nil && c.typing.paced() {
		return make([]*device, len(parts)), nil
	}
	return c.issueEach(client, parts)
}

// issuedFor is the device of a part, which asks for its code now if it has none.
func (c *conversation) issuedFor(part string, d *device, client *profiles.Client) (*device, error) {
	if d != nil {
		return d, nil
	}
	return c.issue(labels.Join(part, labels.Device), client)
}

func (c *conversation) decideAgain(part string, d *device, second *profiles.User) error {
	goal, want := transcript.Approve, transcript.Approved
	if part == labels.Denied {
		goal, want = transcript.Deny, transcript.Denied
	}
	s, err := c.personInTurn()
	if err != nil {
		return err
	}
	defer s.Close()
	if d, err = c.issuedFor(part, d, c.Profile.Clients.Public); err != nil {
		return err
	}
	first := d.task(labels.Of(part, labels.First), goal)
	first.Account = account(second)
	// After a denial an error page may come: the device will tell.
	if j := c.visit(s, first); j.Outcome != want && !(goal == transcript.Deny && j.Decided && j.Outcome == transcript.ErrorPage) {
		return unfinished(j)
	}
	if part == labels.Collected {
		x, err := d.collect(labels.CollectedToken, patience)
		if err != nil {
			return err
		}
		c.whose(labels.CollectedWhose, x)
	}
	same := d.task(labels.Of(part, labels.Same), transcript.Approve)
	same.Account = account(second)
	c.visit(s, same)
	if _, err := c.visitOnce(d.task(labels.Of(part, labels.Other), transcript.Approve)); err != nil {
		return err
	}
	if part == labels.Uncollected {
		x, err := d.collect(labels.UncollectedToken, patience)
		c.whose(labels.UncollectedWhose, x)
		return err
	}
	_, err = d.poll(labels.Join(part, labels.After))
	return err
}

// atOnce is how often two people press approve at the same moment.
const atOnce = 3

// twoPeople lets two end users, a and b, come to the decision page for one code
// before either of them decides.
//
// Parts: denied (a denies, then b approves), collected (a approves, the device
// collects its token, then b approves), uncollected (a approves, then b), and
// at once 1 ... (both press approve at the same moment). Journeys: PART a,
// PART b. Labels: PART/device; denied/after; PART/token/1 ..., PART/after for
// the others; and below PART/whose and PART/after whose what
// [conversation.whose] asks.
func twoPeople(c *conversation) error {
	if c.Profile.Users.Second == nil {
		return errNoSecondUser()
	}
	parts := []string{labels.Denied, labels.Collected, labels.Uncollected}
	for round := range atOnce {
		parts = append(parts, labels.Round(labels.AtOnce, round+1))
	}
	// A client that nobody approved elsewhere: a remembered consent would spare
	// them the page at which they are to meet.
	client := c.Profile.Clients.Second
	if client == nil {
		client = c.Profile.Clients.Public
	}
	devices, err := c.issueOrDefer(client, parts)
	if err != nil {
		return err
	}
	deferred := devices[0] == nil
	if err := c.afterPages(transcript.Denial, transcript.Approval, transcript.EarlyApproval, transcript.Framing, transcript.CrossSite); err != nil {
		return err
	}
	if err := c.meetAll(client, parts, devices); err != nil {
		return err
	}
	c.leavePages()
	// First every token, then every code again: a server may answer a replay by
	// revoking all that the same browser session granted to the client.
	questions := []func(string, *device) error{c.tokenOf, c.afterwards}
	if deferred {
		questions = questions[1:]
	}
	for _, ask := range questions {
		var all sync.WaitGroup
		errs := make([]error, len(parts))
		for i, name := range parts {
			all.Go(func() { errs[i] = ask(name, devices[i]) })
		}
		all.Wait()
		if err := firstError(errs); err != nil {
			return err
		}
	}
	return nil
}

// meetAll lets the two meet over one code after the other. Where codes are typed
// slowly, each is asked for when its turn comes, and its token before it expires.
func (c *conversation) meetAll(client *profiles.Client, parts []string, devices []*device) error {
	a, err := c.person()
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := c.person()
	if err != nil {
		return err
	}
	defer b.Close()
	for i, name := range parts {
		deferred := devices[i] == nil
		if deferred {
			if err := c.takeTurn(b); err != nil {
				return err
			}
			if devices[i], err = c.issuedFor(name, nil, client); err != nil {
				return err
			}
		}
		if err := c.meet(a, b, name, devices[i]); err != nil {
			return err
		}
		if deferred {
			if err := c.tokenOf(name, devices[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *conversation) meet(a, b useragent.Agent, name string, d *device) error {
	m := meeting{c: c, d: d, name: name, a: a, b: b, goal: transcript.Approve}
	switch name {
	case labels.Denied:
		m.goal = transcript.Deny
	case labels.Collected:
		m.between = func() error {
			x, err := d.collect(labels.CollectedToken, patience)
			c.whose(labels.CollectedWhose, x)
			return err
		}
	case labels.Uncollected:
	default:
		m.together()
		return nil
	}
	return m.inTurn()
}

// tokenOf collects the token of a code that two people approved.
func (c *conversation) tokenOf(part string, d *device) error {
	if part == labels.Denied || part == labels.Collected {
		return nil
	}
	x, err := d.collect(labels.Join(part, labels.Token), patience)
	c.whose(labels.Join(part, labels.Whose), x)
	return err
}

// afterwards asks once more with a code whose story is over.
func (c *conversation) afterwards(part string, d *device) error {
	x, err := d.poll(labels.Join(part, labels.After))
	c.whose(labels.Join(part, labels.AfterWhose), x)
	return err
}

// meeting is two people at the decision page for one code.
type meeting struct {
	c       *conversation
	d       *device
	name    string
	a, b    useragent.Agent
	goal    transcript.Goal // of a; b approves
	between func() error    // after a's decision, before that of b
}

func (m *meeting) task(who string, goal transcript.Goal, u *profiles.User) useragent.Task {
	t := m.d.task(m.name+" "+who, goal)
	t.Account = account(u)
	return t
}

// inTurn: b waits at the decision page until a has decided.
func (m *meeting) inTurn() error {
	there, free, gone := make(chan struct{}), make(chan struct{}), make(chan struct{})
	b := m.task(labels.PersonB, transcript.Approve, m.c.Profile.Users.First)
	b.AtDecision = func(ctx context.Context) error {
		close(there)
		select {
		case <-free:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	go func() {
		defer close(gone)
		m.c.visit(m.b, b)
	}()
	select {
	case <-there:
	case <-gone: // the pages let b no further
	}
	var err error
	j := m.c.visit(m.a, m.task(labels.PersonA, m.goal, m.c.Profile.Users.Second))
	if m.between != nil && j.Outcome == transcript.Approved {
		err = m.between()
	}
	close(free)
	<-gone
	return err
}

// together: each waits at the decision page until the other is there, too.
func (m *meeting) together() {
	type side struct{ there, gone chan struct{} }
	a, b := side{make(chan struct{}), make(chan struct{})}, side{make(chan struct{}), make(chan struct{})}
	waitFor := func(me, other side) func(context.Context) error {
		return func(ctx context.Context) error {
			close(me.there)
			select {
			case <-other.there:
			case <-other.gone:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			return nil
		}
	}
	taskA := m.task(labels.PersonA, m.goal, m.c.Profile.Users.Second)
	taskB := m.task(labels.PersonB, transcript.Approve, m.c.Profile.Users.First)
	taskA.AtDecision, taskB.AtDecision = waitFor(a, b), waitFor(b, a)
	go func() {
		defer close(a.gone)
		m.c.visit(m.a, taskA)
	}()
	func() {
		defer close(b.gone)
		m.c.visit(m.b, taskB)
	}()
	<-a.gone
}
