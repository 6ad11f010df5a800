package scenario

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// evilOrigin is the origin that forged requests claim to come from.
const evilOrigin = "https://evil.example"

// forgery is one way to make a victim's browser, or something with its
// cookies, send a decision that the victim did not make.
type forgery struct {
	name string
	// make turns the request that approve would send into the forged one; nil
	// when there is nothing to forge.
	make func(own, other useragent.Request, code, otherCode string) (r useragent.Request, what string)
	// raw requests are sent outside of the browser, with its cookies.
	raw    bool
	origin string // of a raw one; "": the page's own
}

// forgeries, with the positive control at the end: the request that approve
// sends, sent unchanged.
var forgeries = []forgery{
	{name: labels.CrossSiteNoCSRFToken, make: withoutToken},
	{name: labels.CrossSiteOtherCSRFToken, make: withOtherToken},
	{name: labels.CrossSiteQuery, make: asQuery},
	{name: labels.Join(labels.Raw, labels.NoCSRFToken), make: withoutToken, raw: true},
	{name: labels.Join(labels.Raw, labels.OtherCSRFToken), make: withOtherToken, raw: true},
	{name: labels.Join(labels.Raw, "foreign origin"), make: unchanged, raw: true, origin: evilOrigin},
	{name: labels.RawControl, make: unchanged, raw: true},
}

// crossSite leads a logged-in person to the decision about one code after
// another, and then sends the decision for them: from a hostile page in their
// browser, and outside of it with their cookies. The session is seconds old,
// so browsers still send a cookie that names no SameSite with a cross-site
// POST: the case in which such a cookie protects least. Where the decision
// comes before the login the end user has approved another code before.
//
// Journeys: another session, logging in, and one for each forgery. Attacks: one for each.
// Labels: device/NAME, poll/NAME; device/logging
// in.
func crossSite(c *conversation) error {
	client, err := c.bait()
	if err != nil {
		return err
	}
	other, otherCode, stranger, err := c.otherDecision(client)
	if err != nil {
		return err
	}
	s, err := c.victim()
	if err != nil {
		return err
	}
	devices := map[string]*device{}
	if stranger {
		err = c.logIn(s, client)
	}
	if err == nil {
		err = c.forgeAll(s, client, other, otherCode, devices)
	}
	if closed := s.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	c.leavePages()
	for _, f := range forgeries {
		if d := devices[f.name]; d != nil {
			if _, err := d.poll(labels.Join(labels.Poll, f.name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// logIn has the end user approve a code. There the login comes after the
// decision, and nobody can decide in the name of an end user without a session.
func (c *conversation) logIn(s useragent.Agent, client *profiles.Client) error {
	// They meet over a client that nobody approved, and wait for us otherwise.
	c.leavePages()
	if err := c.afterPages(transcript.TwoPeople); err != nil {
		return err
	}
	d, err := c.issue(labels.Join(labels.Device, "logging in"), client)
	if err != nil {
		return err
	}
	j := c.visit(s, d.task("logging in", transcript.Approve))
	if err := unfinished(j); err != nil {
		return err
	}
	if j.Outcome != transcript.Approved {
		return fmt.Errorf("the end user could not log in (%s: %s)", j.Name, j.Outcome)
	}
	return nil
}

// otherDecision is what another person's approval would send, and whether that
// person was not asked to log in before.
func (c *conversation) otherDecision(client *profiles.Client) (r useragent.Request, code string, stranger bool, err error) {
	s, err := c.victim()
	if err != nil {
		return r, "", false, err
	}
	defer s.Close()
	d, err := c.issue(labels.Join(labels.Device, "another session"), client)
	if err != nil {
		return r, "", false, err
	}
	task := d.task("another session", transcript.ReachDecision)
	if second := c.Profile.Users.Second; second != nil {
		task.Account = account(second)
	}
	j := c.visit(s, task)
	if err := atDecision(j); err != nil {
		return r, "", false, err
	}
	r, err = s.Hold(c.ctx)
	if err != nil {
		return r, "", false, fmt.Errorf("could not intercept the approve request: %w", err)
	}
	return r, d.userCode, !j.LoggedIn, nil
}

func atDecision(j transcript.Journey) error {
	if err := unfinished(j); err != nil {
		return err
	}
	if j.Outcome != transcript.AtDecision {
		return fmt.Errorf("no decision page appeared (%s: %s)", j.Name, j.Outcome)
	}
	return nil
}

func (c *conversation) forgeAll(s useragent.Attacker, client *profiles.Client, other useragent.Request, otherCode string, devices map[string]*device) error {
	for _, f := range forgeries {
		d, j, err := c.lure(s, client, f.name)
		if err != nil {
			return err
		}
		if err := atDecision(j); err != nil {
			return err
		}
		own, err := s.Hold(c.ctx)
		if err != nil {
			return fmt.Errorf("could not intercept the approve request: %w", err)
		}
		r, what := f.make(own, other, d.userCode, otherCode)
		if r.URL == "" {
			continue
		}
		var done transcript.Attack
		if f.raw {
			origin := f.origin
			if origin == "" {
				origin = originOf(own.URL)
			}
			done = s.Replay(c.ctx, f.name, r, origin)
		} else {
			done = s.CrossSite(c.ctx, f.name, r)
		}
		done.Forged = what
		c.attacked(done)
		devices[f.name] = d
	}
	return nil
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// unchanged is the request itself.
func unchanged(own, _ useragent.Request, _, _ string) (useragent.Request, string) {
	return own, "nothing"
}

// withoutToken leaves out what differs from session to session, which somebody
// else cannot know. The attacker's own user code stays: that is known to them.
func withoutToken(own, other useragent.Request, code, otherCode string) (useragent.Request, string) {
	r, left := forge(own, other, code, otherCode, func(string) (string, bool) { return "", false })
	return r, "without " + orNothing(left)
}

// withOtherToken puts in the tokens of a session of the attacker's own.
func withOtherToken(own, other useragent.Request, code, otherCode string) (useragent.Request, string) {
	r, left := forge(own, other, code, otherCode, func(theirs string) (string, bool) { return theirs, true })
	if len(left) == 0 {
		return useragent.Request{}, "" // the same as without
	}
	return r, "another session's " + orNothing(left)
}

// asQuery sends the forged form as a link, with which Lax cookies travel.
func asQuery(own, other useragent.Request, code, otherCode string) (useragent.Request, string) {
	r, what := withoutToken(own, other, code, otherCode)
	if !r.Form() {
		return useragent.Request{}, ""
	}
	address := r.URL
	if !strings.Contains(address, "?") {
		address += "?"
	} else {
		address += "&"
	}
	return useragent.Request{Method: http.MethodGet, URL: address + r.Body}, "as a link, " + what
}

func orNothing(left []string) string {
	if len(left) == 0 {
		return "anything, since it has no token"
	}
	return strings.Join(left, ", ")
}

// forge builds what an attacker can: fields that are the same in both
// sessions, the code, and for the rest what secret makes of the attacker's own
// value. It lists the secrets by name.
func forge(own, other useragent.Request, code, otherCode string, secret func(theirs string) (string, bool)) (useragent.Request, []string) {
	swap := codeSwap(otherCode, code)
	r := useragent.Request{Method: own.Method, URL: own.URL, ContentType: own.ContentType, Body: own.Body}
	var left []string
	if theirs := swap.Replace(other.URL); theirs != own.URL {
		// An address that differs is a secret like any other.
		r.URL, left = theirs, append(left, "the address")
	}
	for name := range own.Header {
		left = append(left, "the header "+name)
	}
	if !own.Form() {
		if theirs := swap.Replace(other.Body); theirs != own.Body {
			r.Body, left = theirs, append(left, "the body")
		}
		return r, left
	}
	known := parsePairs(swap.Replace(other.Body))
	var form wire.Form
	for _, pair := range parsePairs(own.Body) {
		if slices.Contains(known, pair) {
			form = form.Add(pair.Name, pair.Value)
			continue
		}
		left = append(left, pair.Name)
		if value, keep := secret(known.Get(pair.Name)); keep {
			form = form.Add(pair.Name, value)
		}
	}
	r.Body = form.Encode()
	return r, left
}

// codeSwap turns the one user code into the other, in the forms that pages
// give it.
func codeSwap(from, to string) *strings.Replacer {
	var pairs []string
	for _, shape := range []func(string) string{
		func(s string) string { return s }, url.QueryEscape, bareCode,
		func(s string) string { return strings.ToLower(bareCode(s)) },
	} {
		if old := shape(from); old != "" {
			pairs = append(pairs, old, shape(to))
		}
	}
	return strings.NewReplacer(pairs...)
}

// parsePairs reads a form body, in order.
func parsePairs(body string) (form wire.Form) {
	for pair := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		// What does not decode is taken as it stands.
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		if name != "" {
			form = form.Add(name, value)
		}
	}
	return form
}
