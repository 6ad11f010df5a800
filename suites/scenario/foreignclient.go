package scenario

import (
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// foreignClient lets another client present the first one's device codes: one
// that is pending, one that was approved and one that was refused. Both clients
// are valid, which the other's own code shows. Then the owner asks.
//
// Labels: other/device, control (the other client and a code of its own);
// pending, approved, denied, each with /device (the codes), /foreign and
// /owner below it. Journeys: deny, approve.
func foreignClient(c *conversation) error {
	owner := c.Profile.Clients.Public
	other := c.otherClient(owner)
	if other == nil {
		return absent("the profile has no second client")
	}
	control, err := c.issue("other/device", other)
	if err != nil {
		return err
	}
	control.pollNow("control")
	steal := func(state string, d *device) wire.Exchange {
		return d.ask(c.tokenRequest(state+"/foreign", other, c.tokenForm(other, d.deviceCode)))
	}
	pending, err := c.issue("pending/device", owner)
	if err != nil {
		return err
	}
	steal("pending", pending)
	if _, err := pending.poll("pending/owner"); err != nil {
		return err
	}

	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	denied, err := c.issue("denied/device", owner)
	if err != nil {
		return err
	}
	approved, err := c.issue("approved/device", owner)
	if err != nil {
		return err
	}
	refusal := c.visit(s, denied.task(string(transcript.Deny), transcript.Deny))
	if err := c.approve(s, "approve", approved); err != nil {
		return err
	}
	c.leavePages()
	if steal("approved", approved); refusal.Outcome == transcript.Denied {
		steal("denied", denied)
		if _, err := denied.poll("denied/owner"); err != nil {
			return err
		}
	}
	_, err = approved.collect("approved/owner", patience)
	return err
}
