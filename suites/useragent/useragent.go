// Package useragent acts as the end user.
//
// RFC 8628 section 3.3 sends the end user to the verification URI with a user
// code. This package does what the end user does there: it opens the page,
// recognizes what the page asks for, types the code, logs in, and approves or
// denies. There are four drivers:
//
//   - browser drives real Chromium; see package chromium;
//   - forms submits the HTML forms directly, with a cookie jar and an HTML parser;
//   - hook calls a command or an HTTP endpoint that decides in the end user's
//     place;
//   - manual shows the code to a real person and waits.
//
// The first two open pages. The [Engine] walks through these pages and sees a
// user agent as a [Tab]. Package pages recognizes what a tab shows, with one
// page schema (profiles.Verification). Because pages are recognized and not
// expected in a fixed order, a login before the code, a skipped consent and a
// prefilled code need no configuration. A journey that cannot finish says
// nothing about the server: its outcome is Unfinished.
package useragent

import (
	"context"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Driver opens user agents. It is safe for concurrent use and limits how many
// journeys run at once.
type Driver interface {
	// Name is one of browser, forms, hook, manual.
	Name() string
	// NewAgent opens a fresh user agent: no cookies, no login. The manual
	// driver waits until its end user is free.
	NewAgent(ctx context.Context) (Agent, error)
	// Close ends the driver and everything that it started.
	Close() error
}

// Agent is the user agent of one end user. It keeps its cookies between
// journeys, so the user is still logged in for the second one. Only one
// goroutine may use an Agent at a time.
type Agent interface {
	// Journey does one task and returns how it ended. It never returns an
	// error: what went wrong is in Journey.Trouble.
	Journey(ctx context.Context, task Task) transcript.Journey
	Close() error
}

// Preparer is an Agent that can wait for its turn before there is a task, so
// that no code ages meanwhile. Prepare returns when the next journey can start
// at once; closing the agent gives up the turn.
type Preparer interface {
	Prepare(ctx context.Context) error
}

// Errander is a Driver that can run some tasks with less: those whose pages no
// check reads.
type Errander interface {
	// NewErrand opens a user agent for tasks of which only the outcome counts.
	NewErrand(ctx context.Context) (Agent, error)
}

// Task is one task for the end user.
type Task struct {
	Name string
	Goal transcript.Goal
	// Start is the verification_uri or verification_uri_complete.
	Start string
	// UserCode is the code on the device's screen, which the end user may type
	// or compare.
	UserCode string
	// TypeCode says that UserCode may be typed into an empty code field. A code
	// field that the server prefilled is submitted unchanged either way.
	TypeCode bool
	// Account logs in; nil never logs in (outcome AtLogin).
	Account *Account
	// Dwell is how long Look lets the page's scripts run, in real time.
	Dwell time.Duration
	// Deadline, when set, is when the code expires; the manual driver shows it.
	Deadline time.Time
	// Complete is the verification_uri_complete, for the manual driver's QR code.
	Complete string
	// Unpictured says that no screenshots are needed.
	Unpictured bool
	// Watch are values that must not pass through the user agent.
	Watch []Needle
	// OnTheWay, if set, says that a decision page with this question (see
	// transcript.Step) is known to decide nothing about the code: the end user
	// answers it and goes on. Where the goal is not to approve, the answer is no
	// if the page offers that.
	OnTheWay func(question string) bool
	// Clear is a checkbox to clear before approving; nil: none. The journey
	// says whether it was found.
	Clear *profiles.Locator
	// AtDecision, if set, is called once, when the decision page is shown and
	// nothing on it has been pressed yet. Its waiting time does not count
	// toward the journey's time. Its error ends the journey. On a server that
	// never asks, it is not called.
	AtDecision func(context.Context) error
	// AtRequest, if set, is called once, after AtDecision: when the request with
	// the decision is about to leave, which then waits for it, as far as the user
	// agent can tell. Where no such request is seen, it is called a moment after
	// the press at the latest. It counts toward the journey's time, and must be
	// quick. Journey does not return before it has.
	AtRequest func()
}

// Needle is a value to search for on the pages, with the name under which the
// journey reports it.
type Needle struct {
	Name, Value string
}

// Account is the end user's credentials. It never appears in a journey.
type Account struct {
	Username string
	Password string
	// TOTP is the key of the authenticator app, as in a profile; "" for none.
	TOTP string
}

// AccountOf returns the credentials of a profile's user; nil for none.
func AccountOf(u *profiles.User) *Account {
	if u == nil {
		return nil
	}
	return &Account{Username: u.Username.Reveal(), Password: u.Password.Reveal(), TOTP: u.TOTP.Reveal()}
}
