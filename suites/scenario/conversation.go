package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/lateness"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// GrantType is the value of grant_type (RFC 8628 section 3.4).
const GrantType = "urn:ietf:params:oauth:grant-type:device_code"

// Environment is what all conversations of a run share.
type Environment struct {
	Profile *profiles.Profile
	Target  Target
	Wire    *wire.Client
	Clock   *Clock
	// Driver acts as the end user; nil if there is none, and NoDriver says why.
	Driver   useragent.Driver
	NoDriver string
	// TimeBudget is the longest single wait of a scenario, in target time; a
	// scenario that needs more is skipped. 0: no limit.
	TimeBudget time.Duration
	// Seed makes the random names and values of a run reproducible.
	Seed uint64
	// Watch measures how well this machine keeps up; nil: it always does.
	Watch *lateness.Watch

	pulse  *pulse
	strays strays
	// issuedCodes counts the codes of the run, and lost those that were gone before
	// their time although few others had been issued. forgetful says that one was
	// gone after many others: until a scenario that runs alone loses one, too.
	issuedCodes, lost atomic.Int64
	forgetful         atomic.Bool
	limiter           *rate.Limiter
	// ceilings are those of single endpoints, by URL.
	ceilings map[string]*rate.Limiter
	// codes paces the device authorization requests.
	codes *codeLimit
	// typing paces the user codes that end users type.
	typing *typing
	// onTheWay are the questions after the login that are not the decision.
	onTheWay questions
	// dialect is how the target spells its answers.
	dialect *wire.Dialect
}

// nobody is why no person can log in, or "". A hook and a real person bring
// their own accounts.
func (e *Environment) nobody() string {
	if e.Driver == nil || e.Driver.Name() == "hook" || e.Driver.Name() == "manual" || e.Profile.Users.First != nil {
		return ""
	}
	for _, dropped := range e.Profile.Dropped {
		if why, ok := strings.CutPrefix(dropped, "users.first: "); ok {
			return "no end user can log in: " + why + " (users.first)"
		}
	}
	return "no end user can log in: the profile has no user (users.first)"
}

// hooked says that a hook decides: it sees no page and always decides, whoever
// is logged in.
func (e *Environment) hooked() bool { return e.Driver != nil && e.Driver.Name() == "hook" }

// conversation is one scenario's talk with the target, being recorded.
type conversation struct {
	*Environment
	ctx    context.Context
	random *random

	// issuedOwn counts the codes of this conversation.
	issuedOwn atomic.Int64

	mu      sync.Mutex // guards the next four: some scenarios send in parallel
	said    transcript.Transcript
	visited time.Duration // target time that journeys took, their turn included
	// userCodes are those that were issued here, bare and in capitals; turns are
	// those to type one that are not used yet.
	userCodes map[string]bool
	turns     []*entry
	wait      func(what string, until time.Duration)

	// leavePages says that no journey will follow; others gives the channels
	// on which other scenarios reach a stage. No names means all.
	leavePages func()
	others     func(names []string, s stage) []<-chan struct{}
}

// stage is how far another scenario has to be.
type stage int

const (
	leftPages stage = iota // no journey of it will follow
	ended                  // it has ended, and may be told again
	settled                // it will not be told again either
)

// afterPages waits until the end users of other scenarios have left the pages:
// what one does there (a first consent, a wrong code) can change what the next
// one meets. The order is: refuse, approve, approve early, follow the complete
// URI, type wrong codes, type a wrong password.
func (c *conversation) afterPages(names ...string) error {
	return c.await("the others to leave the pages", c.others(names, leftPages))
}

// after waits until other scenarios have ended.
func (c *conversation) after(names ...string) error {
	return c.await("the other scenarios", c.others(names, ended))
}

// most names the scenarios that are neither late nor last.
const most = "most"

// afterMost waits until all scenarios have ended that are neither late nor last.
func (c *conversation) afterMost() error { return c.after(most) }

// last waits until all other scenarios have ended for good, but for those that
// come as late or later.
func (c *conversation) last() error {
	return c.await("the other scenarios", c.others(nil, settled))
}

func (c *conversation) await(what string, ends []<-chan struct{}) error {
	c.wait(what, 0)
	for _, end := range ends {
		select {
		case <-end:
		case <-c.ctx.Done():
			return errInterrupted
		}
	}
	return nil
}

// Absent is the error of a scenario that does not apply to the target.
type Absent struct{ Reason string }

func (a *Absent) Error() string { return a.Reason }

func absent(format string, args ...any) error { return &Absent{fmt.Sprintf(format, args...)} }

// Skipped is the error of a scenario that would exceed the time budget.
type Skipped struct{ Reason string }

func (s *Skipped) Error() string { return s.Reason }

// send sends a request and records the exchange. Where the answer may be about
// something else than the request, it sends the same again, and returns what came
// last.
func (c *conversation) send(r wire.Request) wire.Exchange { return c.sendWith(c.Wire, r) }

// once does one exchange and records it.
func (c *conversation) once(client *wire.Client, r wire.Request) wire.Exchange {
	if err := c.turn(c.ctx, r.URL); err != nil {
		return c.record(wire.Exchange{Label: r.Label, Method: r.Method, URL: r.URL,
			Failure: &wire.Failure{Kind: wire.FailCanceled, Text: "the run was interrupted"}})
	}
	return c.record(client.Do(c.ctx, r))
}

func (c *conversation) record(x wire.Exchange) wire.Exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	x.N = len(c.said.Exchanges) + 1
	x.Dialect = c.dialect
	c.pulse.heard(c.ctx, x)
	if c.issues(x.URL) {
		c.codes.heard(x)
	}
	kept := x
	if c.Wire != nil {
		kept = c.Wire.Keep(x) // the conversation itself goes on with all of it
	}
	c.said.Exchanges = append(c.said.Exchanges, kept)
	return x
}

// together sends requests that reach the target at the same moment. That is
// faster than the profile's rate, and meant to be: the rate is kept on average,
// by waiting beforehand for as many turns as there will be requests, warm-ups
// included.
func (c *conversation) together(requests []wire.Request) []wire.Exchange {
	for i := range 2 * len(requests) {
		if c.turn(c.ctx, requests[i/2].URL) != nil {
			break // Together notices the same
		}
	}
	all := c.Wire.Together(c.ctx, requests)
	for i := range all {
		all[i] = c.record(all[i])
	}
	return all
}

// maxRetries is how often the same is asked again.
const maxRetries = 2

const defaultRetryAfter = 2 * time.Second

// retryAfter is how long an overloaded target wants us to wait, and whether it
// said so: in seconds, or by a date of its own clock (RFC 9110 section 10.2.3).
func retryAfter(x wire.Exchange) (wait time.Duration, asked bool) {
	return waitAsked(x.Header("Retry-After"), x.Header("Date"))
}

// waitAsked is what a Retry-After means, by the date of the same response.
func waitAsked(said, date string) (wait time.Duration, asked bool) {
	const most = 24 * time.Hour
	said = strings.TrimSpace(said)
	if n, err := strconv.ParseUint(said, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, most), true
	}
	at, err := http.ParseTime(said)
	if err != nil {
		return defaultRetryAfter, false
	}
	from, err := http.ParseTime(date)
	if err != nil {
		from = time.Now()
	}
	return min(max(at.Sub(from), 0), most), true
}

// sleep waits for d of target time and tells the progress display what for.
func (c *conversation) sleep(what string, d time.Duration) error {
	if d <= 0 {
		return c.ctx.Err()
	}
	c.wait(what, c.Clock.Now()+d)
	if err := c.Clock.Sleep(c.ctx, d); err != nil {
		return errInterrupted
	}
	return nil
}

var errInterrupted = errors.New("the run was interrupted")

// deviceForm is the valid device authorization request of a client, without
// its authentication.
func (c *conversation) deviceForm(client *profiles.Client) wire.Form {
	form := wire.Form{{Name: "client_id", Value: client.ID}}
	if scopes := c.scopesOf(client); len(scopes) > 0 {
		form = form.Add("scope", joinScopes(scopes))
	}
	return addParams(form, c.Profile.Request.DeviceAuthorization.Params)
}

// deviceRequest is a device authorization request (RFC 8628 section 3.1) with
// the client's authentication.
func (c *conversation) deviceRequest(label string, client *profiles.Client, form wire.Form) wire.Request {
	return c.deviceRequestAt(label, c.Target.Endpoints.DeviceAuthorizationOf(deviceAuth(client)), client, form)
}

// deviceRequestAt is deviceRequest to another endpoint than the target's own.
func (c *conversation) deviceRequestAt(label, endpoint string, client *profiles.Client, form wire.Form) wire.Request {
	return c.authenticate(post(label, endpoint, identifying(form, client, deviceAuth(client)), c.Profile.Request.DeviceAuthorization), client, deviceAuth(client))
}

// bareDeviceRequest is deviceRequest without any client authentication.
func (c *conversation) bareDeviceRequest(label string, form wire.Form) wire.Request {
	return post(label, c.Target.Endpoints.DeviceAuthorization, form, c.Profile.Request.DeviceAuthorization)
}

// tokenForm is the valid device access token request of a client, without its
// authentication.
func (c *conversation) tokenForm(client *profiles.Client, deviceCode string) wire.Form {
	form := wire.Form{{Name: "grant_type", Value: GrantType}, {Name: "device_code", Value: deviceCode}, {Name: "client_id", Value: client.ID}}
	return addParams(form, c.Profile.Request.Token.Params)
}

// tokenRequest is a device access token request (RFC 8628 section 3.4) with
// the client's authentication.
func (c *conversation) tokenRequest(label string, client *profiles.Client, form wire.Form) wire.Request {
	return c.tokenRequestAt(label, c.Target.Endpoints.TokenOf(tokenAuth(client)), client, form)
}

// tokenRequestAt is tokenRequest to another endpoint than the target's own.
func (c *conversation) tokenRequestAt(label, endpoint string, client *profiles.Client, form wire.Form) wire.Request {
	return c.authenticate(post(label, endpoint, identifying(form, client, tokenAuth(client)), c.Profile.Request.Token), client, tokenAuth(client))
}

// bareTokenRequest is tokenRequest without any client authentication.
func (c *conversation) bareTokenRequest(label string, form wire.Form) wire.Request {
	return post(label, c.Target.Endpoints.Token, form, c.Profile.Request.Token)
}

// post places parameters where the endpoint wants them. A secret stays in the
// body: queries are written to logs.
func post(label, endpoint string, form wire.Form, wants profiles.Addition) wire.Request {
	r := wire.Post(label, endpoint, form)
	if wants.ParamsIn == "query" && len(form) > 0 {
		r = wire.Post(label, withQuery(endpoint, form.Without("client_secret")), nil)
		if secret := form.Get("client_secret"); secret != "" {
			r.Body = []byte(wire.Form{{Name: "client_secret", Value: secret}}.Encode())
		}
	}
	addHeaders(r, wants.Headers)
	return r
}
