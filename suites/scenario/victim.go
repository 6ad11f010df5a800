package scenario

import (
	"fmt"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// victim opens a fresh user agent that hostile pages can get at.
func (c *conversation) victim() (useragent.Attacker, error) {
	s, err := c.person()
	if err != nil {
		return nil, err
	}
	if a, ok := s.(useragent.Attacker); ok {
		return a, nil
	}
	_ = s.Close() // what matters is that it is of no use here
	return nil, fmt.Errorf("hostile pages need a real browser, but the driver is %s", c.Driver.Name())
}

// attacked records an attack.
func (c *conversation) attacked(a transcript.Attack) transcript.Attack {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said.Attacks = append(c.said.Attacks, a)
	return a
}

// bait returns the client whose codes the attacks use: the second one, which
// no other person approves, so that nothing they do is remembered for it.
// Where there is none they come last.
func (c *conversation) bait() (*profiles.Client, error) {
	if second := c.Profile.Clients.Second; second != nil {
		return second, nil
	}
	return c.Profile.Clients.Public, c.afterPages(transcript.Denial, transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI, transcript.WrongUserCodes)
}

// lure lets an end user go to the decision about a fresh code of the client, and
// not decide.
func (c *conversation) lure(s useragent.Agent, client *profiles.Client, name string) (*device, transcript.Journey, error) {
	if err := c.takeTurn(s); err != nil {
		return nil, transcript.Journey{}, err
	}
	d, err := c.issue(labels.Join(labels.Device, name), client)
	if err != nil {
		return nil, transcript.Journey{}, err
	}
	j := c.visit(s, d.task(name, transcript.ReachDecision))
	return d, j, unfinished(j)
}
