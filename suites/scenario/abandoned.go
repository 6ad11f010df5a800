package scenario

import (
	"sync"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// abandoned lets an end user enter a code and close the browser: at the login, and
// at the decision. Later somebody enters the code again, and stops again.
//
// Nothing is decided, so that this runs beside the other end users, and before
// any of them approves: a remembered consent could decide by itself.
//
// Journeys: stop at login, stop at decision, and again at each. Labels, for
// login and decision: PART/device, PART/before, PART/poll/1, PART/poll/2.
func abandoned(c *conversation) error {
	user := account(c.secondUser())
	parts := []struct {
		name    string
		goal    transcript.Goal
		account *useragent.Account
	}{
		{labels.Login, transcript.Approve, nil},
		{labels.Decision, transcript.ReachDecision, user},
	}
	var (
		both sync.WaitGroup
		errs = make([]error, len(parts))
		part = func(i int) error {
			p := parts[i]
			d, err := c.issue(labels.Join(p.name, labels.Device), c.Profile.Clients.Public)
			if err != nil {
				return err
			}
			if _, err := d.poll(labels.Join(p.name, labels.Before)); err != nil {
				return err
			}
			stop := d.task(labels.Of(labels.StopAt, p.name), p.goal)
			stop.Account = p.account
			if j, err := c.visitOnce(stop); err != nil || j.Outcome == transcript.Unfinished {
				return err
			}
			if _, err := d.poll(labels.Join(p.name, labels.Poll, "1")); err != nil {
				return err
			}
			again := d.task(labels.Of(labels.AgainAt, p.name), transcript.ReachDecision)
			again.Account = user
			if _, err := c.visitOnce(again); err != nil {
				return err
			}
			_, err = d.poll(labels.Join(p.name, labels.Poll, "2"))
			return err
		}
	)
	for i := range parts {
		both.Go(func() { errs[i] = part(i) })
	}
	both.Wait()
	return firstError(errs)
}

func firstError(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
