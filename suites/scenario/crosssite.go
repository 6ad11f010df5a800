package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
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
	// apart: first the devices before it ask, since this request may decide about
	// an earlier code that the session still holds.
	apart bool
}

// forgeries, with the positive control at the end: the request that approve
// sends, sent unchanged.
var forgeries = []forgery{
	{name: labels.CrossSiteNoCSRFToken, make: withoutToken},
	{name: labels.CrossSiteOtherCSRFToken, make: withOtherToken},
	{name: labels.CrossSiteQuery, make: asQuery},
	{name: labels.Join(labels.Raw, labels.NoCSRFToken), make: withoutToken, raw: true, apart: true},
	{name: labels.Join(labels.Raw, labels.OtherCSRFToken), make: withOtherToken, raw: true},
	{name: labels.Join(labels.Raw, "foreign origin"), make: unchanged, raw: true, origin: evilOrigin, apart: true},
	{name: labels.RawControl, make: unchanged, raw: true, apart: true},
}

// crossSite leads a logged-in person to the decision about one code after
// another, and then sends the decision for them: from a hostile page in their
// browser, and outside of it with their cookies. The session is seconds old,
// so browsers still send a cookie that names no SameSite with a cross-site
// POST: the case in which such a cookie protects least. Where the decision
// comes before the login the end user has approved another code before.
//
// A first code, untouched, comes to the decision and nothing is sent: it shows
// that coming there decides nothing. What a forgery did is asked before a request
// that may be legitimate follows. A session that comes back to an earlier code is
// given up for a fresh one.
//
// Right after raw/control, its session decides about codes that it never
// saw, with a form and with a link.
//
// Journeys: another session, logging in, untouched, and one for each forgery, or
// NAME/again in a fresh session. Attacks: one for each; unseen/form, unseen/link.
// Labels: device/NAME, poll/NAME; device/logging in.
func crossSite(c *conversation) error {
	client, err := c.bait()
	if err != nil {
		return err
	}
	// An approval shows which questions are not the decision.
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	v := &victimised{conversation: c, client: client}
	if v.other, v.otherCode, v.stranger, err = c.otherDecision(client); err != nil {
		return err
	}
	err = v.forgeAll()
	if v.session != nil {
		if closed := v.session.Close(); err == nil {
			err = closed
		}
	}
	return err
}

// victimised is an end user in whose name decisions are forged.
type victimised struct {
	*conversation
	client *profiles.Client
	// other is what the attacker's own approval would send, for otherCode.
	other     useragent.Request
	otherCode string
	// stranger: the login comes after the decision.
	stranger bool
	session  useragent.Attacker
	// resumes: a session goes on with the code that it had before.
	resumes bool
	// devices have come to the decision, and asked are those that have asked since.
	devices []lured
	asked   int
}

type lured struct {
	*device
	name string
}

// renew opens a session, in which the end user is logged in if they are at all
// before the decision.
func (v *victimised) renew() (err error) {
	if v.session != nil {
		if err := v.session.Close(); err != nil {
			return err
		}
	}
	if v.session, err = v.victim(); err != nil || !v.stranger {
		return err
	}
	return v.logIn(v.session, v.client)
}

// lead brings the end user to the decision about a code of its own.
func (v *victimised) lead(name string) (*device, error) {
	if v.session == nil || v.resumes {
		if err := v.renew(); err != nil {
			return nil, err
		}
	}
	d, j, err := v.lure(v.session, v.client, name)
	if err == nil && v.isAboutEarlier(j, d) {
		v.resumes = true
		if err := v.renew(); err != nil {
			return nil, err
		}
		d, j, err = v.lure(v.session, v.client, name+again)
	}
	if err != nil {
		return nil, err
	}
	if err := atDecision(j); err != nil {
		return nil, err
	}
	v.devices = append(v.devices, lured{d, name})
	return d, nil
}

// isAboutEarlier says that the decision page shows an earlier code, and not the
// device's own.
func (v *victimised) isAboutEarlier(j transcript.Journey, d *device) bool {
	if len(j.Steps) == 0 {
		return false
	}
	last := j.Steps[len(j.Steps)-1]
	shown := strings.ToUpper(bareCode(last.Text + strings.Join(last.Fields, "")))
	shows := func(code string) bool {
		code = strings.ToUpper(bareCode(code))
		return code != "" && strings.Contains(shown, code)
	}
	return !shows(d.userCode) && slices.ContainsFunc(v.devices, func(earlier lured) bool { return shows(earlier.userCode) })
}

// ask polls for every device that has not asked since it came to the decision.
func (v *victimised) ask() error {
	for ; v.asked < len(v.devices); v.asked++ {
		d := v.devices[v.asked]
		if _, err := d.poll(labels.Join(labels.Poll, d.name)); err != nil {
			return err
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

func (v *victimised) forgeAll() error {
	if _, err := v.lead(labels.Untouched); err != nil {
		return err
	}
	for _, f := range forgeries {
		if f.apart {
			if err := v.ask(); err != nil {
				return err
			}
		}
		if err := v.forge(f); err != nil {
			return err
		}
	}
	v.leavePages()
	return v.ask()
}

// forge tries one forgery on a code of its own.
func (v *victimised) forge(f forgery) error {
	d, err := v.lead(f.name)
	if err != nil {
		return err
	}
	own, err := v.session.Hold(v.ctx)
	if err != nil {
		return fmt.Errorf("could not intercept the approve request: %w", err)
	}
	r, what := f.make(own, v.other, d.userCode, v.otherCode)
	if r.URL == "" {
		v.devices = v.devices[:len(v.devices)-1]
		return nil
	}
	var done transcript.Attack
	if f.raw {
		origin := f.origin
		if origin == "" {
			origin = originOf(own.URL)
		}
		done = v.session.Replay(v.ctx, f.name, r, origin)
	} else {
		done = v.session.CrossSite(v.ctx, f.name, r)
	}
	done.Forged, done.Form = what, formOf(own, d.userCode)
	v.attacked(done)
	if f.name == labels.RawControl {
		return v.decideUnseen(own, d.userCode)
	}
	return nil
}

// decideUnseen sends the decision that has just approved a code for others, which
// nobody entered: with the session's own cookies and its own tokens, so that only
// the page that shows the code is left out. Where a token serves once, or the
// decision names no code, there is nothing to send.
func (v *victimised) decideUnseen(own useragent.Request, code string) error {
	for _, name := range []string{labels.UnseenForm, labels.UnseenLink} {
		if named := own.URL + " " + own.Body; codeSwap(code, "-").Replace(named) == named || name == labels.UnseenLink && !own.Form() {
			continue
		}
		d, err := v.issue(labels.Join(labels.Device, name), v.client)
		if err != nil {
			return err
		}
		swap := codeSwap(code, d.userCode)
		probe := useragent.Request{Method: own.Method, URL: swap.Replace(own.URL), ContentType: own.ContentType, Body: swap.Replace(own.Body), Header: own.Header}
		if name == labels.UnseenLink {
			probe = asLink(probe)
		}
		done := v.session.Replay(v.ctx, name, probe, originOf(own.URL))
		done.Forged, done.Form = "the code of another device", formOf(own, code)
		if name == labels.UnseenLink {
			done.URL = swap.Replace(own.URL) // the link holds the session's token
		}
		v.attacked(done)
		v.devices = append(v.devices, lured{d, name})
	}
	return nil
}

// formOf identifies a request that a page makes, whatever the code and the
// session: its method, its path without identifiers, the names of its fields.
func formOf(r useragent.Request, code string) string {
	swap := codeSwap(code, "CODE")
	path := ""
	if u, err := url.Parse(swap.Replace(r.URL)); err == nil {
		for segment := range strings.SplitSeq(strings.Trim(u.Path, "/"), "/") {
			if strings.ContainsAny(segment, "0123456789") || len(segment) > 20 {
				segment = "*"
			}
			path += "/" + segment
		}
	}
	var names []string
	if r.Form() {
		for _, pair := range parsePairs(r.Body) {
			names = append(names, pair.Name)
		}
	} else {
		var members map[string]any
		_ = json.Unmarshal([]byte(r.Body), &members) // another body has no names
		names = slices.Collect(maps.Keys(members))
	}
	slices.Sort(names)
	return r.Method + " " + path + " " + strings.Join(slices.Compact(names), " ")
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
	return asLink(r), "as a link, " + what
}

// asLink is a form as an address.
func asLink(r useragent.Request) useragent.Request {
	separator := "?"
	if strings.Contains(r.URL, "?") {
		separator = "&"
	}
	return useragent.Request{Method: http.MethodGet, URL: r.URL + separator + r.Body}
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
