package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Walkthrough is one trial journey, and what the device got.
type Walkthrough struct {
	Journey transcript.Journey
	// Answer is the response to the last poll; no poll is sent if it would be
	// pointless.
	Answer wire.Exchange
	Polls  int
	// Limited is what a page said that refused to check more user codes; "" for none.
	Limited string
}

// WalkthroughCases returns the cases of trial journeys.
func WalkthroughCases() []string {
	return []string{"approve", "deny", "wrong_code", "login_failed", "complete_uri"}
}

// Walk makes one trial journey, outside any run.
func Walk(ctx context.Context, e *Environment, name string) (walk Walkthrough, err error) {
	if e.limiter == nil {
		e.setPace()
	}
	e.typing = nil // nobody waits a minute for a single visit
	c := &conversation{Environment: e, ctx: ctx, random: newRandom(e.Seed, "try"), wait: func(string, time.Duration) {}, leavePages: func() {}}
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return walk, err
	}
	task, err := d.walkthrough(name)
	if err != nil {
		return walk, err
	}
	if walk.Journey, err = c.visitOnce(task); err != nil {
		return walk, err
	}
	if step, enough := refusedToCheck(walk.Journey); enough {
		walk.Limited = describeRefusal(step)
	}
	// A login alone may approve, a page that nobody knows may be a success, and a hook
	// may err: the device knows.
	switch j := walk.Journey; {
	case j.Outcome == transcript.Approved, j.Outcome == transcript.Denied:
	case j.Decided, j.LoggedIn, c.hooked():
		walk.Polls++
		walk.Answer, err = d.poll(labels.Nth(labels.Poll, walk.Polls))
		return walk, err
	default:
		return walk, nil
	}
	for walk.Polls < patience {
		walk.Polls++
		if walk.Answer, err = d.poll(labels.Nth(labels.Poll, walk.Polls)); err != nil {
			return walk, err
		}
		if e := walk.Answer.OAuthError(); e != "authorization_pending" && e != "slow_down" {
			break
		}
	}
	return walk, nil
}

// walkthrough is the errand of a case.
func (d *device) walkthrough(name string) (useragent.Task, error) {
	task := d.task(strings.ReplaceAll(name, "_", " "), transcript.Approve)
	switch name {
	case "approve":
	case "deny":
		task.Goal = transcript.Deny
	case "wrong_code":
		task.UserCode = d.c.random.like(d.userCode)
	case "login_failed":
		if d.c.Profile.Users.Wrong == nil {
			return task, fmt.Errorf("the profile has no user with a wrong password (users.wrong)")
		}
		task.Account = account(d.c.Profile.Users.Wrong)
	case "complete_uri":
		if d.complete == "" {
			return task, &Absent{"the server sends no verification_uri_complete"}
		}
		task.Start, task.TypeCode = d.complete, false
	default:
		return task, fmt.Errorf("unknown case %q; the cases are %s", name, strings.Join(WalkthroughCases(), ", "))
	}
	return task, nil
}
