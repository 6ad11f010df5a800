package scenario

import (
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

// repeatedConsent has an end user approve a client, and then type another code of
// the same client, logged in and nothing more: the decision is not pressed.
//
// Journeys: approve before, type again. Labels: before/device,
// before/token/1 ...; device, after typing.
func repeatedConsent(c *conversation) error {
	if err := c.afterPages(transcript.Denial, transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI); err != nil {
		return err
	}
	s, err := c.personInTurn()
	if err != nil {
		return err
	}
	defer s.Close()
	before, err := c.issue(labels.Join(labels.Before, labels.Device), c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	if err := unfinished(c.visit(s, before.task(labels.Of(labels.Approve, labels.Before), transcript.Approve))); err != nil {
		return err
	}
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	if err := unfinished(c.visit(s, d.task(labels.TypeAgain, transcript.ReachDecision))); err != nil {
		return err
	}
	c.leavePages()
	if _, err := before.collect(labels.BeforeToken, patience); err != nil {
		return err
	}
	_, err = d.poll(labels.AfterTyping)
	return err
}
