package scenario

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// noSession tries approvals without a logged-in end user, each on a code of
// its own. The session is forgotten at the decision page, while the device is
// known to be pending. Where that page turns out to ask something else ("Stay
// signed in?"), it is forgotten once more, at the decision.
//
// Journeys: not logged in; wrong password (with a user "wrong"); session
// forgotten, session forgotten/again. Labels: device/NAME and poll/NAME for each,
// before/NAME for a forgotten session.
func noSession(c *conversation) error {
	attempts := []struct {
		name    string
		goal    transcript.Goal
		account *useragent.Account
	}{
		{labels.NotLoggedIn, transcript.Approve, nil},
		{labels.SessionForgotten, transcript.ApproveWithoutSession, account(c.Profile.Users.First)},
	}
	if wrong := c.Profile.Users.Wrong; wrong != nil {
		attempts = append(attempts, attempts[0])
		attempts[2].name, attempts[2].account = labels.WrongPassword, account(wrong)
	}
	var (
		all    sync.WaitGroup
		errs   = make([]error, len(attempts))
		decide func(i int) error
	)
	decide = func(i int) error {
		a := attempts[i]
		if i == 2 {
			// An account may be locked after it.
			if err := c.afterMost(); err != nil {
				return err
			}
		}
		s, err := c.personInTurn()
		if err != nil {
			return err
		}
		defer s.Close()
		d, err := c.issue(labels.Join(labels.Device, a.name), c.Profile.Clients.Public)
		if err != nil {
			return err
		}
		task := d.task(a.name, a.goal)
		task.Account = a.account
		if a.goal == transcript.ApproveWithoutSession {
			task.AtDecision = func(context.Context) error {
				_, err := d.poll(labels.Join(labels.Before, a.name))
				return err
			}
		}
		j := c.visit(s, task)
		if _, err = d.poll(labels.Join(labels.Poll, a.name)); err != nil || a.name != labels.SessionForgotten {
			return err
		}
		if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
			return err
		}
		if !c.onTheWay.has(forgottenAt(j)) {
			return nil
		}
		attempts[i].name = labels.SessionForgottenAgain
		return decide(i)
	}
	for i := range attempts {
		all.Go(func() { errs[i] = decide(i) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// forgottenAt is the question at which a session was forgotten; "" for none.
func forgottenAt(j transcript.Journey) string {
	for _, step := range j.Steps {
		if strings.HasPrefix(step.Action, transcript.Forgetting) {
			return step.Question
		}
	}
	return ""
}

// wrongUserCodes types codes that were never issued, then the right one: the
// device's own session must have come through unharmed.
//
// Journeys: one with the goal ReachDecision for each wrong code, then approve. A
// hook, which can only decide, denies instead.
// Labels: device, before, pending, token/1 ...
func wrongUserCodes(c *conversation) error {
	if err := c.afterPages(transcript.Denial, transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI); err != nil {
		return err
	}
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	if _, err := d.poll(labels.Before); err != nil {
		return err
	}
	if err := c.typeWrongCodes(d); err != nil {
		return err
	}
	if _, err := d.poll(labels.Pending); err != nil {
		return err
	}
	// A fresh user agent: the wrong codes may have used up the first one's tries.
	if err := c.decide(d, transcript.Approve); err != nil {
		return err
	}
	c.leavePages()
	_, err = d.collect(labels.Token, patience)
	return err
}

// typeWrongCodes types each of the wrong codes, all in one user agent.
func (c *conversation) typeWrongCodes(d *device) error {
	s, err := c.person()
	if err != nil {
		return err
	}
	defer s.Close()
	for _, wrong := range wrongCodes(c.random, d.userCode, c.Profile.Limits.AllowLockouts) {
		task := d.task(wrong.name, transcript.ReachDecision)
		task.UserCode = wrong.code
		if c.hooked() {
			if !wrong.plain {
				continue
			}
			task.Goal = transcript.Deny
		}
		j := c.visit(s, task)
		if t := j.Trouble; j.Outcome == transcript.Unfinished && t != nil && (t.Class == transcript.NavTimeout || t.Class == transcript.JourneyTimeout) {
			break // a page that hangs once hangs every time
		}
	}
	return nil
}

type wrongCode struct {
	name, code string
	// plain says that the code is harmless to a hook: a script may take the others
	// for no code at all, for several, or for a part of its own text.
	plain bool
}

// wrongCodes are user codes that no server issued: one of the right shape, and
// inputs that a page or a database could choke on. With nearly, two more are the right
// code but for one character, which a server may ignore.
func wrongCodes(r *random, sample string, nearly bool) []wrongCode {
	shaped := r.like(sample)
	list := []wrongCode{
		{name: labels.NeverIssued, code: shaped, plain: true},
		{name: "empty"},
		{name: "one character", code: shaped[:1]},
		{name: "500 characters", code: r.from(strings.ToUpper(lowerLetters), 500), plain: true},
		{name: "NUL", code: shaped[:1] + "\x00" + shaped[1:]},
		{name: "emoji", code: "😀😀😀😀-😀😀😀😀"},
		{name: "fullwidth letters", code: fullwidth(shaped)},
		{name: "SQL and LDAP metacharacters", code: `' OR '1'='1'--*)(uid=*`},
	}
	if nearly {
		list = append(list,
			wrongCode{name: labels.FirstChanged, code: r.otherAt(sample, strings.IndexFunc(sample, isAlphanumeric))},
			wrongCode{name: labels.LastChanged, code: r.otherAt(sample, strings.LastIndexFunc(sample, isAlphanumeric))})
	}
	return list
}

// fullwidth turns ASCII letters and digits into their fullwidth forms.
func fullwidth(s string) string {
	return strings.Map(func(c rune) rune {
		if isAlphanumeric(c) {
			return c - '!' + '！'
		}
		return c
	}, s)
}

// lookDwell is how long the scripts of a page that must not decide may run.
const lookDwell = 5 * time.Second

// completeURI follows verification_uri_complete in a user agent in which the
// same person has approved the same client before, so that nothing but the
// page itself stands between the link and an approval.
//
// Journeys: approve before, look, follow. Labels: before/device,
// before/token/1 ...; device, before look, after look; follow/device, token/1 ...
func completeURI(c *conversation) error {
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
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
	if before.complete == "" {
		return absent("the device authorization response has no verification_uri_complete")
	}
	if err := unfinished(c.visit(s, before.task(labels.Of(labels.Approve, labels.Before), transcript.Approve))); err != nil {
		return err
	}
	if _, err := before.collect(labels.BeforeToken, patience); err != nil {
		return err
	}

	if err := c.takeTurn(s); err != nil {
		return err
	}
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	d.pollNow(labels.BeforeLook) // at once: others wait for their turn at the pages
	look := d.task(labels.Look, transcript.Look)
	look.Start, look.TypeCode, look.Dwell = d.complete, false, lookDwell
	if err := unfinished(c.visit(s, look)); err != nil {
		return err
	}
	if _, err := d.poll(labels.AfterLook); err != nil {
		return err
	}
	// A code of its own: the first one's reference may be for one use.
	if err := c.takeTurn(s); err != nil {
		return err
	}
	if d, err = c.issue(labels.FollowDevice, c.Profile.Clients.Public); err != nil {
		return err
	}
	follow := d.task(labels.Follow, transcript.Approve)
	follow.Start, follow.TypeCode = d.complete, false
	if err := unfinished(c.visit(s, follow)); err != nil {
		return err
	}
	c.leavePages()
	_, err = d.collect(labels.Token, patience)
	return err
}
