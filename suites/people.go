package suites

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
)

// People decide about codes, one after the other or many at once, outside any
// scenario: for load tests. Each has a number and a user agent of their own,
// which stays logged in.
type People struct {
	driver  useragent.Driver
	account *useragent.Account

	mu       sync.Mutex
	sessions map[int]useragent.Agent
}

// NewPeople prepares people who act through a hook, through forms or in a
// browser (a path, or "" to look for one).
func NewPeople(p *profiles.Profile, kind, browser string) (*People, error) {
	o := useragent.Options{Verification: p.Verification, TLS: p.TLS}
	if kind == "browser" {
		found, err := chromium.Find(browser, os.Getenv)
		if err != nil {
			return nil, &BrowserError{err}
		}
		o.Browser = found.Path
	}
	driver, err := chromium.NewDriver(kind, o)
	if err != nil {
		return nil, fmt.Errorf("the %s driver: %w", kind, err)
	}
	people := &People{driver: driver, sessions: map[int]useragent.Agent{}}
	if u := p.Users.First; u != nil {
		people.account = &useragent.Account{Username: u.Username.Reveal(), Password: u.Password.Reveal()}
	} else if kind != "hook" {
		return nil, errors.New("the profile has no user (users.first) to approve devices")
	}
	return people, nil
}

// Name is the driver's.
func (p *People) Name() string { return p.driver.Name() }

// Visit lets a person approve or deny a code at a verification URI.
func (p *People) Visit(ctx context.Context, person int, approve bool, uri, code string) error {
	session, err := p.session(ctx, person)
	if err != nil {
		return err
	}
	goal, want := transcript.Approve, transcript.Approved
	if !approve {
		goal, want = transcript.Deny, transcript.Denied
	}
	j := session.Journey(ctx, useragent.Task{Name: "load", Goal: goal, Start: uri, UserCode: code, TypeCode: true, Account: p.account})
	switch {
	case j.Trouble != nil:
		return fmt.Errorf("%s: %s", j.Trouble.Class, j.Trouble.Cause)
	case j.Outcome != want:
		return fmt.Errorf("the journey ended: %s", j.Outcome)
	}
	return nil
}

// session is the user agent of one person.
func (p *People) session(ctx context.Context, person int) (useragent.Agent, error) {
	p.mu.Lock()
	s := p.sessions[person]
	p.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := p.driver.NewAgent(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.sessions[person] = s
	p.mu.Unlock()
	return s, nil
}

// Close ends their user agents.
func (p *People) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sessions {
		_ = s.Close()
	}
	return p.driver.Close()
}
