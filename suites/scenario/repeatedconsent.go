package scenario

import "github.com/devicegrant/devicegrant/suites/transcript"

// repeatedConsent has a person approve a client, and then type another code of
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
	before, err := c.issue("before/device", c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	if err := unfinished(c.visit(s, before.task("approve before", transcript.Approve))); err != nil {
		return err
	}
	d, err := c.issue("device", c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	if err := unfinished(c.visit(s, d.task("type again", transcript.ReachDecision))); err != nil {
		return err
	}
	c.leavePages()
	if _, err := before.collect("before/token", patience); err != nil {
		return err
	}
	_, err = d.poll("after typing")
	return err
}
