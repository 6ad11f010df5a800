package scenario

import (
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

const (
	// approvedEach is how many devices of the fleet each person approves, and
	// deniedInFleet how many the first one refuses afterwards.
	approvedEach  = 2
	deniedInFleet = 2
	// fleetRounds bounds how often the fleet polls, where the end users are slow.
	fleetRounds = 40
)

// fleet lets many devices poll, all in the same moments and each at a compliant
// pace, while two end users approve some of them and refuse others. Every second
// device asks for the first scope only. Each token is shown to what can say
// whose it is.
//
// So small a fleet asks no more of the target than an office on a Monday: it is
// the state machine under load, and no load test.
//
// Labels, for each device K from 1: device/K; poll/K/1 ...; below owner/K what
// [conversation.whose] asks. Journeys: first approves K, second approves K,
// first denies K.
func fleet(c *conversation) error {
	if c.Driver != nil && c.Driver.Name() == "manual" {
		return &Skipped{"the manual driver would ask for six more decisions"}
	}
	// First of all, so that no device polls long before an end user comes.
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	members, err := c.issueFleet()
	if err != nil {
		return err
	}
	// The first polls come before any decision.
	if err := c.pollFleet(members); err != nil {
		return err
	}
	decisions := make(chan error, 1)
	go func() { decisions <- c.decideFleet(members) }()
	deciding, after := true, 0
	for round := 1; round < fleetRounds && after < patience; round++ {
		if err := c.pollFleet(members); err != nil {
			if deciding {
				<-decisions // whatever it says: nobody may visit on after the end
			}
			return err
		}
		switch {
		case !deciding:
			after++
		case len(decisions) > 0:
			err, deciding = <-decisions, false
		}
		if after > 0 && allHeard(members) {
			break
		}
	}
	if deciding {
		err = <-decisions
		if c.typing != nil && c.typing.paced() {
			c.late(transcript.LateLimited, 0, time.Now(), "the end users waited for their turn longer than the devices polled")
		}
	}
	return err
}

// member is one device of the fleet.
type member struct {
	*device
	k     int
	polls int
	// notBefore is when an overloaded target wants to be asked again.
	notBefore time.Duration
	// heard says that the device got its final answer.
	heard bool
	// decided is read when the end users have ended.
	decided bool
}

// issueFleet asks for the codes of all devices at once.
func (c *conversation) issueFleet() ([]*member, error) {
	members := make([]*member, c.Profile.Limits.LoadDevices)
	errs := make([]error, len(members))
	var all sync.WaitGroup
	for i := range members {
		client := c.Profile.Clients.Public
		if i%2 == 1 {
			client = c.withFirstScope(client)
		}
		all.Go(func() {
			var d *device
			d, errs[i] = c.issue(labels.Nth(labels.Device, i+1), client)
			members[i] = &member{device: d, k: i + 1}
		})
	}
	all.Wait()
	return members, firstError(errs)
}

// withFirstScope is a client that asks for the first of its scopes only.
func (c *conversation) withFirstScope(client *profiles.Client) *profiles.Client {
	narrow := *client
	if narrow.Scopes == nil {
		narrow.Scopes = c.Profile.Scopes
	}
	narrow.Scopes = narrow.Scopes[:min(1, len(narrow.Scopes))]
	return &narrow
}

// pollFleet lets every device that still waits poll, all at once, as soon as
// the last of them may.
func (c *conversation) pollFleet(members []*member) error {
	var waiting []*member
	var start time.Duration
	for _, m := range members {
		if !m.heard {
			if err := m.beyondBudget(m.interval + m.guard()); err != nil {
				return err
			}
			waiting = append(waiting, m)
			start = max(start, m.last+m.interval+m.guard(), m.notBefore)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	if first := waiting[0]; first.lifetime > 0 && start > first.issued+first.lifetime-first.guard() {
		return first.tooShort()
	}
	if err := c.sleep("the polling interval", start-c.Clock.Now()); err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, m := range waiting {
		all.Go(m.pollOnce)
	}
	all.Wait()
	return nil
}

// pollOnce is one poll of one device.
func (m *member) pollOnce() {
	m.polls++
	x := m.pollRaw(labels.Nth(labels.Nth(labels.Poll, m.k), m.polls))
	switch {
	case x.Overloaded():
		wanted, _ := retryAfter(x)
		m.notBefore = x.Received + wanted
	case oddity(x) != "":
		// Whoever answered so knows nothing of the grant: it polls again.
	case x.Answered() && x.OAuthError() != "authorization_pending" && x.OAuthError() != "slow_down":
		m.heard = true
		m.c.whose(labels.Nth(labels.Owner, m.k), x)
	}
}

// decideFleet sends the end users, each with one user agent for everything. The
// rest of the fleet is left alone.
func (c *conversation) decideFleet(members []*member) error {
	defer c.leavePages()
	var first, second []decision
	for i, m := range members[:2*approvedEach+deniedInFleet] {
		switch {
		case i >= 2*approvedEach:
			first = append(first, decision{m, labels.First, transcript.Deny})
		case i >= approvedEach && c.Profile.Users.Second != nil:
			second = append(second, decision{m, labels.Second, transcript.Approve})
		default:
			first = append(first, decision{m, labels.First, transcript.Approve})
		}
	}
	var both sync.WaitGroup
	errs := make([]error, 2)
	both.Go(func() { errs[0] = c.sendPerson(c.Profile.Users.First, first) })
	both.Go(func() { errs[1] = c.sendPerson(c.Profile.Users.Second, second) })
	both.Wait()
	return firstError(errs)
}

// decision is one decision that an end user is to make.
type decision struct {
	*member
	who  string
	goal transcript.Goal
}

func (c *conversation) sendPerson(who *profiles.User, list []decision) error {
	if len(list) == 0 {
		return nil
	}
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	verb := map[transcript.Goal]string{transcript.Approve: labels.Approves, transcript.Deny: labels.Denies}
	for _, e := range list {
		task := e.task(labels.Round(labels.Of(e.who, verb[e.goal]), e.k), e.goal)
		task.Account = account(who)
		j := c.visit(s, task)
		if err := unfinished(j); err != nil {
			return err
		}
		e.decided = j.Decided
	}
	return nil
}

// allHeard says that every device about which somebody decided knows.
func allHeard(members []*member) bool {
	for _, m := range members {
		if m.decided && !m.heard {
			return false
		}
	}
	return true
}
