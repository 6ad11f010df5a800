package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Trial is one journey that somebody wants to see, and what the device heard.
type Trial struct {
	Journey transcript.Journey
	// Answer is that of the last poll; none was sent where nothing could have
	// come of it.
	Answer wire.Exchange
	Polls  int
}

// TrialCases are what a person can be told to try.
var TrialCases = []string{"approve", "deny", "wrong_code", "login_failed", "complete_uri"}

// Try lets a person do one errand, outside any run.
func Try(ctx context.Context, e *Environment, kind string) (trial Trial, err error) {
	if e.limiter == nil {
		e.setPace()
	}
	c := &conversation{Environment: e, ctx: ctx, random: newRandom(e.Seed, "try"), wait: func(string, time.Duration) {}, leavePages: func() {}}
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return trial, err
	}
	task, err := d.trial(kind)
	if err != nil {
		return trial, err
	}
	if trial.Journey, err = c.visitOnce(task); err != nil {
		return trial, err
	}
	if outcome := trial.Journey.Outcome; outcome != transcript.Approved && outcome != transcript.Denied {
		return trial, nil
	}
	for trial.Polls < patience {
		trial.Polls++
		if trial.Answer, err = d.poll(labels.Nth(labels.Poll, trial.Polls)); err != nil {
			return trial, err
		}
		if e := trial.Answer.OAuthError(); e != "authorization_pending" && e != "slow_down" {
			break
		}
	}
	return trial, nil
}

// trial is the errand of a case.
func (d *device) trial(kind string) (useragent.Task, error) {
	task := d.task(strings.ReplaceAll(kind, "_", " "), transcript.Approve)
	switch kind {
	case "approve":
	case "deny":
		task.Goal = transcript.Deny
	case "wrong_code":
		task.UserCode = d.c.random.like(d.userCode)
	case "login_failed":
		if d.c.Profile.Users.Wrong == nil {
			return task, fmt.Errorf("the profile has no user who is to be refused (users.wrong)")
		}
		task.Account = account(d.c.Profile.Users.Wrong)
	case "complete_uri":
		if d.complete == "" {
			return task, &Absent{"the server sends no verification_uri_complete"}
		}
		task.Start, task.TypeCode = d.complete, false
	default:
		return task, fmt.Errorf("there is no case %q; known are %s", kind, strings.Join(TrialCases, ", "))
	}
	return task, nil
}

// GrantProbe is one device authorization request and one poll, to see whether
// a profile fits its server.
type GrantProbe struct {
	Codes, Poll               wire.Exchange
	UserCode, VerificationURI string
	// Summary says in a line what was issued.
	Summary string
}

// ProbeGrant asks for codes and polls once, at once: that a first poll is not
// too early is the matter of a run. The error says why there are no codes.
func ProbeGrant(ctx context.Context, p *profiles.Profile, at Target, client *wire.Client) (probe GrantProbe, err error) {
	e := &Environment{Profile: p, Target: at, Wire: client, Clock: NewClock(1)}
	e.setPace()
	e.dialect = wire.DialectOf(p.Responses.Format, p.Responses.Members, p.Responses.Errors)
	c := &conversation{Environment: e, ctx: ctx, random: newRandom(0, "probe"), wait: func(string, time.Duration) {}}
	public := p.Clients.Public
	probe.Codes = c.send(c.deviceRequest(labels.Device, public, c.deviceForm(public)))
	d, err := c.deviceFrom(probe.Codes, public)
	if err != nil {
		return probe, err
	}
	probe.UserCode, probe.VerificationURI = d.userCode, d.verificationURI
	probe.Summary = fmt.Sprintf("code %s at %s, for %s, to be polled every %s", d.userCode, d.verificationURI, d.lifetime, d.interval)
	probe.Poll = d.pollNow(labels.Poll)
	return probe, nil
}
