// Package approver decides about the codes of a load run in the end user's
// place: through the profile's hook, with the HTML forms of the verification
// pages, or in a real browser.
package approver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
)

// Approver is a [loadgen.Approver]: each end user has a number and a user
// agent, which stays logged in. It is safe for concurrent use.
type Approver struct {
	driver  useragent.Driver
	account *useragent.Account

	mu     sync.Mutex
	agents map[int]useragent.Agent
}

// New returns an approver with a driver: hook, forms or browser. An error is a
// *[chromium.WantedError], or about the profile.
func New(p *profiles.Profile, driver string) (*Approver, error) {
	o := useragent.Options{Verification: p.Verification, TLS: p.TLS}
	if driver == "browser" {
		found, err := chromium.Find("", os.Getenv)
		if err != nil {
			return nil, &chromium.WantedError{Err: err}
		}
		o.Browser = found.Path
	}
	d, err := chromium.NewDriver(driver, o)
	if err != nil {
		return nil, fmt.Errorf("the %s driver: %w", driver, err)
	}
	a := &Approver{driver: d, agents: map[int]useragent.Agent{}}
	if a.account = useragent.AccountOf(p.Users.First); a.account == nil && driver != "hook" {
		return nil, errors.New("the profile has no user (users.first) to approve devices")
	}
	return a, nil
}

// Name returns the name of the driver.
func (a *Approver) Name() string { return a.driver.Name() }

// Decide implements [loadgen.Approver].
func (a *Approver) Decide(ctx context.Context, person int, d loadgen.Decision) error {
	agent, err := a.agent(ctx, person)
	if err != nil {
		return err
	}
	goal, want := transcript.Approve, transcript.Approved
	if !d.Approve {
		goal, want = transcript.Deny, transcript.Denied
	}
	j := agent.Journey(ctx, useragent.Task{Name: "load", Goal: goal, Start: d.VerificationURI, UserCode: d.UserCode, TypeCode: true, Account: a.account})
	switch {
	case j.Trouble != nil:
		return fmt.Errorf("%s: %s", j.Trouble.Class, j.Trouble.Cause)
	case j.Outcome != want:
		return fmt.Errorf("the journey ended: %s", j.Outcome)
	}
	return nil
}

// agent is the user agent of one end user.
func (a *Approver) agent(ctx context.Context, person int) (useragent.Agent, error) {
	a.mu.Lock()
	agent := a.agents[person]
	a.mu.Unlock()
	if agent != nil {
		return agent, nil
	}
	agent, err := a.driver.NewAgent(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.agents[person] = agent
	a.mu.Unlock()
	return agent, nil
}

// Close closes the user agents.
func (a *Approver) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, agent := range a.agents {
		_ = agent.Close()
	}
	return a.driver.Close()
}
