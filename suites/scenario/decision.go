package scenario

import (
	"fmt"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// patience is how many compliant polls may pass until a decision is seen.
const patience = 3

// approval is the whole story of RFC 8628 section 1, with a bystander: two
// devices of one client ask for codes, an end user approves the first, it
// collects its token and then tries its used code again.
//
// Labels: device, bystander/device, pending, bystander/before, token/1 ...,
// bystander/poll, reuse/1, reuse/2. Journey: approve.
func approval(c *conversation) error {
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	bystander, err := c.issue(labels.Join(labels.Bystander, labels.Device), c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	interval := d.interval
	if _, err := d.poll(labels.Pending); err != nil {
		return err
	}
	if _, err := bystander.poll(labels.BystanderBefore); err != nil {
		return err
	}
	if err := c.afterPages(transcript.Denial); err != nil {
		return err
	}
	j, err := c.visitOnce(d.task(string(transcript.Approve), transcript.Approve))
	if err != nil {
		return err
	}
	if err := unfinished(j); err != nil && !j.Decided {
		return err
	}
	c.onTheWay.learn(j)
	c.leavePages()
	x, err := d.collectAfter(j)
	if err != nil || x.Status != 200 {
		return err
	}
	collected := d.last
	if _, err := bystander.poll(labels.BystanderPoll); err != nil {
		return err
	}
	if _, err := d.poll(labels.Join(labels.Reuse, "1")); err != nil {
		return err
	}
	_, err = d.pollAfter(labels.Join(labels.Reuse, "2"), max(collected+5*interval-d.last, d.interval+d.guard()))
	return err
}

// collectAfter collects the token after a visit that decided, and that may have come
// to an end which nobody recognized: the device knows. Where it hears of no decision
// either, the visit's trouble is the error.
func (d *device) collectAfter(j transcript.Journey) (wire.Exchange, error) {
	x, err := d.collect(labels.Token, patience)
	if lost := unfinished(j); lost != nil && (err != nil || x.Status != 200) {
		return x, lost
	}
	return x, err
}

// decide sends an end user with a fresh user agent to approve or deny. The
// journey has the goal's name. An unfinished journey is an error: what follows
// would judge a decision that was never made.
func (c *conversation) decide(d *device, goal transcript.Goal) error {
	j, err := c.visitOnce(d.task(string(goal), goal))
	if err != nil {
		return err
	}
	return unfinished(j)
}

// errand is decide where no rule looks at the pages.
func (c *conversation) errand(d *device, goal transcript.Goal) error {
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	return unfinished(c.visit(s, d.task(string(goal), goal)))
}

// approve lets the end user in a user agent approve one of several devices.
func (c *conversation) approve(s useragent.Agent, name string, d *device) error {
	return unfinished(c.visit(s, d.task(name, transcript.Approve)))
}

func unfinished(j transcript.Journey) error {
	if j.Outcome != transcript.Unfinished {
		return nil
	}
	if j.Trouble == nil {
		return fmt.Errorf("the end user could not finish (%s)", j.Name)
	}
	return fmt.Errorf("the end user could not finish (%s): %w", j.Name, j.Trouble)
}

// earlyApproval lets the end user be quicker than the device: the first poll
// comes after the approval. The client is that of tokenClient.
//
// Labels: served/..., device, token/1 ... Journey: approve.
func earlyApproval(c *conversation) error {
	client := c.tokenClient()
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	s, err := c.personInTurn()
	if err != nil {
		return err
	}
	defer s.Close()
	d, err := c.issue(labels.Device, client)
	if err != nil {
		return err
	}
	j := c.visit(s, d.task(string(transcript.Approve), transcript.Approve))
	if err := unfinished(j); err != nil && !j.Decided {
		return err
	}
	c.leavePages()
	_, err = d.collectAfter(j)
	return err
}

// denialPolls is how often a refused device asks: once for the news, and
// again to see that the refusal is final.
const denialPolls = 3

// denial lets the end user refuse.
//
// Labels: device, pending, denied/1 ... denied/3. Journey: deny.
func denial(c *conversation) error {
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	if _, err := d.poll(labels.Pending); err != nil {
		return err
	}
	j, err := c.visitOnce(d.task(string(transcript.Deny), transcript.Deny))
	if err != nil {
		return err
	}
	c.leavePages()
	switch j.Outcome {
	case transcript.NoWayToDeny:
		return absent("the pages offer no way to deny")
	case transcript.Unfinished:
		return unfinished(j)
	}
	for i := range denialPolls {
		if _, err := d.poll(labels.Nth(labels.Denied, i+1)); err != nil {
			return err
		}
	}
	return nil
}
