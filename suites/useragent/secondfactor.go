package useragent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/profiles/totp"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// secondFactor is what a visit has done about the second factor.
type secondFactor struct {
	typed []string // the codes
	step  int64    // of the last code
	at    time.Time
}

// The most codes that a visit types: one, and after a refusal one of a neighbouring
// time step. More could lock the account.
const mostCodes = 2

// longestWait bounds the wait for a code that was not used yet.
const longestWait = 5 * time.Minute

// atSecondFactor decides whether a one-time code can be typed.
func (v *visit) atSecondFactor(p *pages.Sighting) choice {
	account := v.task.Account
	unsupported := func(cause, hint string) choice {
		t := p.Trouble(transcript.Unsupported, cause)
		t.Hint = hint
		return choice{trouble: t}
	}
	const otherwise = ", or use an account without a second factor"
	switch {
	case account == nil, v.forgotten:
		return choice{end: transcript.AtLogin}
	case v.task.Goal == transcript.Deny && v.consent != "always" && v.holdsCode():
		return v.noWayToDeny(p, "no page offered a way to deny before the login, and if the server never asks, the login alone approves")
	case p.SentCode() && p.Entry == nil:
		return unsupported("the page asks for a second factor: a code that the server sent to the account's owner", "use an account whose second factor is an authenticator app (users.first.totp)"+otherwise)
	case account.TOTP == "":
		return unsupported("the page asks for a second factor", "give the key of the account's authenticator app: users.first.totp: {env: DEVICEGRANT_TOTP}"+otherwise)
	case len(v.second.typed) >= mostCodes:
		t := p.Trouble(transcript.Unsupported, "the page took neither the one-time code nor one of a neighbouring time step")
		t.Hint = "check users.first.totp and this machine's clock"
		return choice{end: transcript.LoginFailed, trouble: t}
	}
	return choice{way: pages.Onward}
}

// oneTimeCode gets the code to type on a page that asks for the second factor, and
// waits until its time has come.
func (v *visit) oneTimeCode(ctx context.Context, p *pages.Sighting) *transcript.Trouble {
	if p.Role != pages.RoleMFA {
		return nil
	}
	account := v.task.Account
	key, err := totp.Parse(account.TOTP)
	if err != nil {
		return p.Trouble(transcript.Unsupported, "users.first.totp: "+err.Error())
	}
	longest := longestWait
	if until := time.Until(v.task.Deadline); !v.task.Deadline.IsZero() {
		longest = min(longest, max(until, 0))
	}
	now := time.Now()
	retry := len(v.second.typed) > 0
	step, wait := oneTime.take(account, key, now, longest, retry, v.second.step)
	if wait > longest {
		t := p.Trouble(transcript.Unsupported, fmt.Sprintf("each one-time code is used once in a run, and the account's next one comes in %s, which is too late", wait.Round(time.Second)))
		t.Hint = "run fewer checks, or use an account without a second factor"
		return t
	}
	if wait > 0 {
		resume := v.pause()
		sleep(ctx, wait)
		resume()
		if ctx.Err() != nil {
			return p.Trouble(classOf(context.Cause(ctx)))
		}
	}
	code, err := key.Code(step)
	if err != nil {
		return p.Trouble(transcript.Unsupported, "users.first.totp: "+err.Error())
	}
	v.values["totp"] = code
	v.second = secondFactor{typed: append(v.second.typed, code), step: step, at: now.Add(wait)}
	return nil
}

// noteSecondFactor remembers what a refused or accepted code says about the server's
// clock.
func (v *visit) noteSecondFactor(p *pages.Sighting) {
	n := len(v.second.typed)
	if n == 0 || v.second.at.IsZero() {
		return
	}
	switch p.Role {
	case pages.RoleMFA:
		if n == mostCodes {
			oneTime.refused(v.task.Account)
		}
	case pages.RoleError, "":
	default:
		if key, err := totp.Parse(v.task.Account.TOTP); err == nil {
			oneTime.accepted(v.task.Account, v.second.step-key.Step(v.second.at))
		}
		v.second.at = time.Time{}
	}
}

// oneTime are the one-time codes of all drivers of this process: a server takes a
// code once, whoever it comes from.
var oneTime = oneTimeCodes{accounts: map[Account]*usedCodes{}}

type oneTimeCodes struct {
	mu       sync.Mutex
	accounts map[Account]*usedCodes
}

// usedCodes are those of one account.
type usedCodes struct {
	steps  map[int64]bool
	newest int64
	// skew is how many steps the server's clock is ahead.
	skew int64
	// neighbour is the step to try after a refusal: the next, or the one before.
	neighbour int64
}

func (o *oneTimeCodes) of(a *Account) *usedCodes {
	u := o.accounts[*a]
	if u == nil {
		u = &usedCodes{steps: map[int64]bool{}, neighbour: 1}
		o.accounts[*a] = u
	}
	return u
}

// take returns a time step whose code nobody has used, and how long it is until its
// time comes. It is taken unless that is longer than the longest wait. After the
// refusal of a step, it is a neighbouring one at once, if that is unused.
func (o *oneTimeCodes) take(a *Account, key totp.Key, now time.Time, longest time.Duration, retry bool, refused int64) (step int64, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	u := o.of(a)
	step = max(key.Step(now)+u.skew, u.newest+1)
	wait = max(0, key.Begins(step-u.skew).Sub(now))
	if retry {
		for _, near := range []int64{-u.neighbour, u.neighbour} {
			if !u.steps[refused+near] {
				step, wait = refused+near, 0
			}
		}
	}
	if wait <= longest {
		u.steps[step] = true
		u.newest = max(u.newest, step)
	}
	return step, wait
}

// refused: the neighbour was none, either. The next visit tries the other one.
func (o *oneTimeCodes) refused(a *Account) {
	o.mu.Lock()
	defer o.mu.Unlock()
	u := o.of(a)
	u.neighbour = -u.neighbour
}

// accepted: the server took a code that is so many steps ahead.
func (o *oneTimeCodes) accepted(a *Account, skew int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.of(a).skew = skew
}
