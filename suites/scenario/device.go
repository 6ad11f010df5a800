package scenario

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// device is one device in the middle of a grant: the codes it holds and the
// pace it owes the server.
type device struct {
	c             *conversation
	client        *profiles.Client
	tokenEndpoint string

	deviceCode      string
	userCode        string
	verificationURI string
	complete        string // verification_uri_complete, "" when absent
	lifetime        time.Duration
	mayExpire       bool // polls after the end of the lifetime are meant

	// interval is the current polling interval: as advertised, plus five
	// seconds for each slow_down (RFC 8628 section 3.5).
	interval, advertised time.Duration
	// issued is when the codes arrived, last when the last answer did.
	issued, last time.Duration
	roundTrip    time.Duration
	// visited is how long the conversation's journeys had taken at the issue.
	visited time.Duration
	// overslept is how late the last rest ended, in real time.
	overslept time.Duration
	// answer is the last exchange: the codes, or a poll.
	answer wire.Exchange
	// redeemed says that a token came for the code, pending that a poll found it
	// undecided, ended that a final answer came.
	redeemed, pending, ended bool
	// othersBefore is how many codes other conversations had been given by then.
	othersBefore int64
}

const (
	// defaultInterval holds when the response names none (RFC 8628 section 3.2).
	defaultInterval = 5 * time.Second
	// slowDownStep is what each slow_down adds (RFC 8628 section 3.5).
	slowDownStep = 5 * time.Second
	// maxInterval bounds what a hostile interval can make us wait.
	maxInterval = 10 * time.Minute
)

// issue asks for codes and returns the device that holds them. It needs a
// response that a device can work with, and no more than that.
func (c *conversation) issue(label string, client *profiles.Client) (*device, error) {
	return c.issueAt(label, client, c.Target.Endpoints)
}

// issueAt is issue at other endpoints than the target's own.
func (c *conversation) issueAt(label string, client *profiles.Client, at profiles.Endpoints) (*device, error) {
	d, err := c.deviceFrom(c.send(c.deviceRequestAt(label, at.DeviceAuthorizationOf(deviceAuth(client)), client, c.deviceForm(client))), client)
	if err != nil {
		return nil, err
	}
	d.tokenEndpoint = at.TokenOf(tokenAuth(client))
	return d, nil
}

// issueFor is issue with another request than the client's usual one.
func (c *conversation) issueFor(label string, client *profiles.Client, form wire.Form) (*device, error) {
	return c.deviceFrom(c.send(c.deviceRequest(label, client, form)), client)
}

// deviceFrom reads the codes out of a device authorization response.
func (c *conversation) deviceFrom(x wire.Exchange, client *profiles.Client) (*device, error) {
	if x.Failure != nil {
		return nil, fmt.Errorf("no codes: the device authorization request failed (%s)", x.Failure)
	}
	if x.Overloaded() {
		return nil, fmt.Errorf("no codes: the server answered %d (overloaded or rate limited)%s", x.Status, inItsWords(x))
	}
	o, err := x.Object()
	if kind := x.Header("Content-Type"); err != nil && !strings.Contains(kind, "json") {
		return nil, fmt.Errorf("no codes: the device authorization response (status %d, %s) is no JSON object%s", x.Status, cmp.Or(kind, "no media type"), inItsWords(x))
	}
	if err != nil {
		return nil, fmt.Errorf("no codes: the device authorization response (status %d) is unusable: %w%s", x.Status, err, inItsWords(x))
	}
	d := &device{
		c: c, client: client, tokenEndpoint: c.Target.Endpoints.TokenOf(tokenAuth(client)), interval: defaultInterval,
		issued: x.Received, last: x.Received, roundTrip: x.Received - x.Sent, answer: x,
	}
	d.deviceCode, _ = o.String("device_code")
	d.userCode, _ = o.String("user_code")
	uri, _ := o.String("verification_uri")
	complete, _ := o.String("verification_uri_complete")
	d.verificationURI, d.complete = resolved(x.URL, uri), resolved(x.URL, complete)
	if d.deviceCode == "" {
		return nil, fmt.Errorf("no codes: the device authorization response (status %d) has no device_code%s%s", x.Status, errorNote(x), inItsWords(x))
	}
	if n, ok := o.Number("interval"); ok && n > 0 {
		d.interval = seconds(n, maxInterval)
	}
	d.advertised = d.interval
	c.issuedCodes.Add(1)
	c.issuedOwn.Add(1)
	d.othersBefore = c.issuedElsewhere()
	if n, ok := o.Number("expires_in"); ok && n > 0 {
		d.lifetime = seconds(n, 365*24*time.Hour)
	}
	c.mu.Lock()
	d.visited = c.visited
	if c.userCodes == nil {
		c.userCodes = map[string]bool{}
	}
	c.userCodes[strings.ToUpper(bareCode(d.userCode))] = true
	c.mu.Unlock()
	return d, nil
}

// resolved is a URI that may be relative, as seen from the endpoint that gave it:
// RESP-05 fails it, and the pages behind it can be judged all the same.
func resolved(endpoint, uri string) string {
	base, err := url.Parse(endpoint)
	if err != nil || uri == "" {
		return uri
	}
	u, err := base.Parse(uri)
	if err != nil || !strings.HasPrefix(uri, "/") {
		return uri
	}
	return u.String()
}

// inItsWords is the server's own explanation of an answer, marked as such.
func inItsWords(x wire.Exchange) string {
	if said := x.Says(); said != "" {
		return "; the server says: " + said
	}
	return ""
}

func errorNote(x wire.Exchange) string {
	if e := x.OAuthError(); e != "" {
		return fmt.Sprintf(", error is %q", e)
	}
	return ""
}

// seconds turns a number of seconds from the wire into a bounded duration.
func seconds(n float64, limit time.Duration) time.Duration {
	if n >= limit.Seconds() {
		return limit
	}
	return time.Duration(n * float64(time.Second))
}

// guard is the distance that this device's compliant polls keep.
func (d *device) guard() time.Duration { return d.c.Clock.Guard(d.roundTrip) }

// request is the device access token request of this device.
func (d *device) request(label string) wire.Request {
	return d.c.tokenRequestAt(label, d.tokenEndpoint, d.client, d.c.tokenForm(d.client, d.deviceCode))
}

// pollNow sends a device access token request without waiting.
func (d *device) pollNow(label string) wire.Exchange { return d.known(d.ask(d.request(label))) }

// pollRaw is pollNow for one of many polls: an odd answer stands.
func (d *device) pollRaw(label string) wire.Exchange { return d.known(d.askOnce(d.request(label))) }

// heard notes an answer: when it came, and whether it asks for a slower pace.
func (d *device) heard(x wire.Exchange) wire.Exchange {
	// Some were sent at once.
	d.last, d.answer = max(d.last, x.Received), x
	d.redeemed = d.redeemed || gaveToken(x)
	d.roundTrip = max(d.roundTrip, x.Received-x.Sent)
	if x.OAuthError() == "slow_down" {
		d.interval = min(d.interval+slowDownStep, maxInterval)
	}
	return x
}

// heardAt is when the server got the last request, as well as we can tell.
func (d *device) heardAt() time.Duration { return (d.answer.Sent + d.answer.Received) / 2 }

// poll waits until a poll is surely compliant, then polls.
func (d *device) poll(label string) (wire.Exchange, error) {
	return d.pollAfter(label, d.interval+d.guard())
}

// pollAfter waits for the given time from the receipt of the previous answer,
// then polls.
func (d *device) pollAfter(label string, after time.Duration) (wire.Exchange, error) {
	x, err := d.askAfter(d.request(label), after)
	if err != nil {
		return x, err
	}
	return d.known(x), nil
}

// askPaced waits as poll does, then sends a request that is unlike a usual poll.
func (d *device) askPaced(r wire.Request) (wire.Exchange, error) {
	return d.askAfter(r, d.interval+d.guard())
}

// askAfter is pollAfter with any request.
func (d *device) askAfter(r wire.Request, after time.Duration) (wire.Exchange, error) {
	if err := d.rest(after); err != nil {
		return wire.Exchange{}, err
	}
	return d.ask(r), nil
}

// rest waits for the given time from the receipt of the previous answer. It
// refuses to where the code may have expired by then: an answer would say
// nothing about its theme.
func (d *device) rest(after time.Duration) error {
	if next := d.last + after; !d.mayExpire && d.lifetime > 0 && next > d.issued+d.lifetime-d.guard() {
		return d.tooShort()
	}
	if err := d.beyondBudget(after); err != nil {
		return err
	}
	due := d.last + after
	err := d.c.sleep("the polling interval", due-d.c.Clock.Now())
	d.overslept = d.c.real(d.c.Clock.Now() - due)
	return err
}

// beyondBudget is the error for a wait that is longer than the time budget.
func (d *device) beyondBudget(after time.Duration) error {
	if d.c.TimeBudget <= 0 || after <= d.c.TimeBudget {
		return nil
	}
	return &Skipped{fmt.Sprintf("the polling interval is %s and the time budget is %s: use a longer --time-budget", d.interval, d.c.TimeBudget)}
}

// tooShort ends a conversation that the code would not live to see the end of.
// Where journeys took a good part of the code's life, that is our own fault.
func (d *device) tooShort() error {
	c := d.c
	c.mu.Lock()
	away := c.visited - d.visited
	c.mu.Unlock()
	if away > d.lifetime/4 && c.ownPace() {
		c.late(c.lateCode(), 0, c.Clock.Until(d.issued), "the code lifetime is %s, and the visits to the pages before its next poll took %s", d.lifetime, away.Round(100*time.Millisecond))
	}
	return fmt.Errorf("the code lifetime of %s is too short for this scenario at an interval of %s", d.lifetime, d.interval)
}

// collect polls compliantly until something other than authorization_pending
// or slow_down comes, at most n times. The polls are labelled label/1, ...
func (d *device) collect(label string, n int) (wire.Exchange, error) {
	var x wire.Exchange
	for i := 1; i <= n; i++ {
		var err error
		if x, err = d.poll(labels.Nth(label, i)); err != nil {
			return x, err
		}
		lost := !x.Answered() || x.Overloaded()
		if e := x.OAuthError(); !lost && e != "authorization_pending" && e != "slow_down" {
			break
		}
	}
	return x, nil
}

// task is an errand for the end user who reads this device's screen.
func (d *device) task(name string, goal transcript.Goal) useragent.Task {
	t := useragent.Task{
		Name: name, Goal: goal,
		Start: d.verificationURI, UserCode: d.userCode, TypeCode: true,
		Account:  account(d.c.Profile.Users.First),
		Complete: d.complete,
		Watch:    d.watch(),
		OnTheWay: d.c.onTheWay.has,
	}
	if d.lifetime > 0 {
		t.Deadline = d.c.Clock.Until(d.issued + d.lifetime)
	}
	return t
}

func account(u *profiles.User) *useragent.Account { return useragent.AccountOf(u) }
