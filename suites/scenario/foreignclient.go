package scenario

import (
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// insistent is how often another client tries each code.
const insistent = 3

// foreignClient lets another client present the first one's device codes: one
// that is pending, one that was approved and one that was refused. Both clients
// are valid, which the other's own code shows. A client that does not exist tries
// the first two as well. Then the owner asks.
//
// Labels: other/device, control (the other client and a code of its own);
// pending, approved, denied, each with /device (the codes), /foreign,
// /foreign/2, /foreign/3, /stranger and /owner below it. Journeys: deny, approve.
func foreignClient(c *conversation) error {
	owner := c.Profile.Clients.Public
	other := c.otherClient(owner)
	if other == nil {
		return absent("the profile has no second client")
	}
	control, err := c.issue(labels.Join(labels.Other, labels.Device), other)
	if err != nil {
		return err
	}
	control.pollNow(labels.Control)
	// A server may refuse at first and not the next time. Where it minds the pace of
	// another client's polls, one is enough.
	steal := func(state string, d *device) (x wire.Exchange) {
		label := labels.Join(state, labels.Foreign)
		for n := 1; n <= insistent && !gaveToken(x) && x.OAuthError() != "slow_down"; n++ {
			x = d.question(c.tokenRequest(label, other, c.tokenForm(other, d.deviceCode)))
			label = labels.Nth(labels.Join(state, labels.Foreign), n+1)
		}
		return x
	}
	stranger := &profiles.Client{ID: "x-devicegrant-" + c.random.word(16)}
	guess := func(state string, d *device) {
		d.question(c.tokenRequest(labels.Join(state, labels.Stranger), stranger, c.tokenForm(stranger, d.deviceCode)))
	}
	pending, err := c.issue(labels.Join(labels.Pending, labels.Device), owner)
	if err != nil {
		return err
	}
	steal(labels.Pending, pending)
	guess(labels.Pending, pending)
	if _, err := pending.poll(labels.PendingOwner); err != nil {
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
	denied, err := c.issue(labels.Join(labels.Denied, labels.Device), owner)
	if err != nil {
		return err
	}
	approved, err := c.issue(labels.Join(labels.Approved, labels.Device), owner)
	if err != nil {
		return err
	}
	refusal := c.visit(s, denied.task(string(transcript.Deny), transcript.Deny))
	if err := c.approve(s, labels.Approve, approved); err != nil {
		return err
	}
	c.leavePages()
	if !gaveToken(steal(labels.Approved, approved)) {
		guess(labels.Approved, approved)
	}
	if refusal.Outcome == transcript.Denied {
		steal(labels.Denied, denied)
		if _, err := denied.poll(labels.Join(labels.Denied, labels.Owner)); err != nil {
			return err
		}
	}
	_, err = approved.collect(labels.ApprovedOwner, patience)
	return err
}
