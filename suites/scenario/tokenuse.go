package scenario

import (
	"context"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// tokenUse collects tokens in several ways and then uses them. The client is that
// of tokenClient.
//
// Every device has NAME/device, NAME/token/1 ... and, where the target can be
// asked, NAME/introspection and NAME/userinfo. The devices are
//
//	full     asks for the usual scopes; while the end user decides, another one
//	         logs in elsewhere and approves the device "other"
//	partial  asks for less; its first poll is partial/widened, which names more
//	unwidened asks for the same as partial, and for nothing in its poll (if
//	         partial seems to have got more)
//	narrowed one scope is refused by the end user (if the profile says how)
//	default  names no scope (if the target lets it)
//	empty    names an empty one (if the target lets it)
//	unknown  names one that does not exist (if the target lets it)
//	mixed    approved, then its device code is presented as other credentials:
//	         mixed/as code, mixed/as refresh token
//
// Further labels: served/...; jwks; bare userinfo; user code as device code/device, /poll
// and /control; pending introspection/device code, /user code; access token as device code; unknown revocation; foreign
// revocation, revocation, refresh revocation, and "after" each of them, and
// "before revocation", /introspection and /userinfo; revoked refresh;
// typed/device.
// Journeys: approve NAME; device code typed.
func tokenUse(c *conversation) error {
	client := c.tokenClient()
	if err := c.userCodeAsDeviceCode(client); err != nil {
		return err
	}
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	t := &tokenUser{conversation: c, client: client}
	if err := t.issueAll(); err != nil {
		return err
	}
	failed := c.approveAll(s, []*errand{&t.partial, &t.narrowed, &t.unscoped, &t.empty, &t.unknown, &t.mixed, &t.full})
	if !c.hooked() { // it may decide by device code, past the page
		t.typeDeviceCode(s)
	}
	c.leavePages()
	if err := together(t.collectFull, t.collectPartial,
		func() error { return t.look(&t.narrowed) },
		func() error { return t.look(&t.unscoped) },
		func() error { return t.look(&t.empty) },
		func() error { return t.look(&t.unknown) },
	); err != nil {
		return err
	}
	// One after the other from here: some servers end all that an end user gave to
	// a client when one of its codes or tokens is misused or revoked.
	if err := t.useMixed(); err != nil {
		return err
	}
	t.revokeFull()
	t.revokeRefresh()
	return failed
}

// tokenUser is the conversation of tokenUse, with its devices.
type tokenUser struct {
	*conversation
	client *profiles.Client
	less   []string // what partial asks for
	more   []string // what its poll asks for

	full, other, partial, narrowed, unscoped, empty, unknown, mixed errand
}

func (t *tokenUser) issueAll() error {
	usual := t.scopesOf(t.client)
	less, more := t.lessScope(t.client)
	t.less, t.more = less, more
	t.full, t.partial, t.mixed = errand{name: labels.Full}, errand{name: labels.Partial}, errand{name: labels.Mixed}
	t.other, t.narrowed = errand{name: labels.Other}, errand{name: labels.Narrowed}
	for _, must := range []struct {
		e      *errand
		scopes []string
	}{{&t.full, usual}, {&t.partial, less}, {&t.mixed, usual}, {&t.other, usual}, {&t.narrowed, usual}} {
		d, err := t.issueFor(labels.Join(must.e.name, labels.Device), t.client, t.scopedForm(t.client, must.scopes))
		if err != nil {
			return err
		}
		must.e.device = d
	}
	if n := t.Profile.Verification.Narrow; n != nil && strings.Contains(" "+joinScopes(usual)+" ", " "+n.Scope+" ") {
		t.narrowed.change = func(task *useragent.Task) { task.Clear = n.Box }
	} else {
		t.narrowed.device = nil
	}
	t.full.change = t.tempt
	// A target may refuse these.
	t.unscoped = errand{name: labels.Default}
	t.unscoped.device, _ = t.issueFor(labels.Join(labels.Default, labels.Device), t.client, t.scopedForm(t.client, nil))
	t.empty = errand{name: labels.Empty}
	if t.unscoped.device != nil {
		t.empty.device, _ = t.issueFor(labels.Join(labels.Empty, labels.Device), t.client, t.deviceForm(t.client).Set("scope", ""))
	}
	t.unknown = errand{name: labels.Unknown}
	t.unknown.device, _ = t.issueFor(labels.Join(labels.Unknown, labels.Device), t.client, t.scopedForm(t.client, append(usual[:len(usual):len(usual)], "x-devicegrant-"+t.random.word(8))))
	return t.ctx.Err()
}

// tempt lets the second person log in and approve another device just before
// the first one's decision.
func (t *tokenUser) tempt(task *useragent.Task) {
	second := account(t.Profile.Users.Second)
	if second == nil {
		t.other.device = nil
		return
	}
	elsewhere := t.other.device
	t.other.device = nil // until it is approved
	task.AtDecision = func(context.Context) error {
		theirs := elsewhere.task(labels.Of(labels.Approve, labels.Other), transcript.Approve)
		theirs.Account = second
		s, err := t.errander()
		if err != nil {
			return nil // what the other person meets does not concern this one
		}
		defer s.Close()
		if t.visit(s, theirs).Outcome == transcript.Approved {
			t.other.device = elsewhere
		}
		return nil
	}
}

// look collects a device's token and asks what it is.
func (t *tokenUser) look(e *errand) error {
	if e.device == nil {
		return nil
	}
	x, err := e.device.collect(labels.Join(e.name, labels.Token), patience)
	if err != nil {
		return err
	}
	t.ask(e.name, stringIn(x, "access_token"))
	return nil
}

// ask shows a token to whoever can tell something about it.
func (c *conversation) ask(label, accessToken string) {
	c.introspectToken(labels.Join(label, labels.Introspection), accessToken)
	if accessToken != "" && c.Target.Endpoints.UserInfo != "" {
		r := wire.Get(label+"/userinfo", c.Target.Endpoints.UserInfo)
		r.Header.Set("Authorization", "Bearer "+accessToken)
		if client := c.Profile.Clients.Confidential; client != nil && tokenAuth(client).IsTLS() {
			r.Certificate = client.TLSCertificate() // the token may be bound to it (RFC 8705 section 3)
		}
		c.send(r)
	}
}

// aboutToken is a client's request about a token to the introspection or the
// revocation endpoint.
func (c *conversation) aboutToken(label, endpoint string, client *profiles.Client, token string) wire.Request {
	form := wire.Form{{Name: "token", Value: token}, {Name: "client_id", Value: client.ID}}
	method := tokenAuth(client)
	return c.authenticate(wire.Post(label, c.Target.Endpoints.AboutTokensOf(method, endpoint), identifying(form, client, method)), client, method)
}

// introspectToken is RFC 7662 section 2.1, which is for clients that
// authenticate: nothing is sent where there is none, or no endpoint.
func (c *conversation) introspectToken(label, token string) {
	client := c.Profile.Clients.Confidential
	if token == "" || client == nil || !client.Authenticates() || c.Target.Endpoints.Introspection == "" {
		return
	}
	c.send(c.aboutToken(label, c.Target.Endpoints.Introspection, client, token))
}

// collectFull gets both end users' tokens.
func (t *tokenUser) collectFull() error {
	if t.full.device == nil {
		return nil
	}
	// At the same time: a server that mixes its users up gives both the same.
	err := together(
		func() error {
			_, err := t.full.device.collect(labels.Join(labels.Full, labels.Token), patience)
			return err
		},
		func() error { return t.look(&t.other) },
	)
	if err != nil {
		return err
	}
	t.ask(labels.Full, t.collected(labels.Full, "access_token"))
	if e := t.Target.Endpoints.UserInfo; e != "" {
		t.send(wire.Get(labels.BareUserinfo, e))
	}
	if e := t.Target.Endpoints.JWKS; e != "" {
		t.send(wire.Get(labels.JWKS, e))
	}
	return nil
}

// revokeFull lets another client try it first. What the token is worth is seen
// right before and right after.
func (t *tokenUser) revokeFull() {
	token := t.collected(labels.Full, "access_token")
	if token == "" {
		return
	}
	t.send(t.tokenRequest(labels.AccessTokenAsDeviceCode, t.client, t.tokenForm(t.client, token)))
	if t.Target.Endpoints.Revocation == "" {
		return
	}
	t.ask(labels.BeforeRevocation, token)
	if other := t.otherClient(t.client); other != nil {
		t.revoke(labels.ForeignRevocation, other, token)
		t.ask(labels.AfterForeignRevocation, token)
	}
	t.revoke(labels.UnknownRevocation, t.client, "x"+t.random.word(42))
	t.revoke(labels.Revocation, t.client, token)
	t.ask(labels.AfterRevocation, token)
}

// collected is a member of the token response that a device got.
func (t *tokenUser) collected(name, member string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, label := range []string{labels.Join(name, labels.Widened), labels.Join(name, labels.Token)} {
		for _, x := range t.said.Labelled(label) {
			if stringIn(x, "access_token") != "" {
				return stringIn(x, member)
			}
		}
	}
	return ""
}

// revoke is RFC 7009 section 2.1.
func (c *conversation) revoke(label string, client *profiles.Client, token string) {
	c.send(c.aboutToken(label, c.Target.Endpoints.Revocation, client, token))
}

// collectPartial asks for more than the end user saw, and if that is refused, for
// what the end user approved.
func (t *tokenUser) collectPartial() error {
	d := t.partial.device
	if d == nil {
		return nil
	}
	form := t.tokenForm(t.client, d.deviceCode).Set("scope", joinScopes(t.more))
	x, err := d.askPaced(t.tokenRequest(labels.PartialWidened, t.client, form))
	if err != nil {
		return err
	}
	if stringIn(x, "access_token") == "" {
		if x, err = d.collect(labels.PartialToken, patience); err != nil {
			return err
		}
	}
	t.ask(labels.Partial, stringIn(x, "access_token"))
	if t.seemsWidened() {
		return t.collectUnwidened()
	}
	return nil
}

// seemsWidened says that the partial token may have more than was approved. What
// stands in the token itself is the rule's to read.
func (t *tokenUser) seemsWidened() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range t.said.Labelled(labels.Partial) {
		if strings.Count(stringIn(x, "access_token"), ".") == 2 {
			return true
		}
		for _, scope := range strings.Fields(stringIn(x, "scope")) {
			if slices.Contains(t.more, scope) && !slices.Contains(t.less, scope) {
				return true
			}
		}
	}
	return false
}

// collectUnwidened is the control: the same request, and a poll that asks for
// nothing. Some servers grant more by their own policy.
func (t *tokenUser) collectUnwidened() error {
	e := errand{name: labels.Unwidened}
	var err error
	if e.device, err = t.issueFor(labels.Join(e.name, labels.Device), t.client, t.scopedForm(t.client, t.less)); err != nil {
		return err
	}
	s, err := t.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := t.approveAll(s, []*errand{&e}); err != nil {
		return err
	}
	return t.look(&e)
}

// revokeRefresh gives a refresh token back: that of the first device which has
// one, but for the device whose access token was revoked.
func (t *tokenUser) revokeRefresh() {
	var access, refresh string
	for _, name := range []string{labels.Partial, labels.Narrowed, labels.Default, labels.Unknown, labels.Mixed} {
		if refresh = t.collected(name, "refresh_token"); refresh != "" {
			access = t.collected(name, "access_token")
			break
		}
	}
	if refresh == "" || t.Target.Endpoints.Revocation == "" {
		return
	}
	t.revoke(labels.RefreshRevocation, t.client, refresh)
	t.send(t.refreshRequest(labels.RevokedRefresh, t.client, refresh, nil))
	t.introspectToken(labels.AfterRefreshRevocationIntrospection, access)
}

// useMixed presents an approved device code as what it is not.
func (t *tokenUser) useMixed() error {
	d := t.mixed.device
	if d == nil {
		return nil
	}
	d.ask(t.tokenRequest(labels.MixedAsCode, t.client, wire.Form{
		{Name: "grant_type", Value: "authorization_code"}, {Name: "code", Value: d.deviceCode}, {Name: "client_id", Value: t.client.ID}}))
	d.ask(t.refreshRequest(labels.MixedAsRefreshToken, t.client, d.deviceCode, nil))
	_, err := d.collect(labels.MixedToken, patience)
	return err
}

// userCodeAsDeviceCode polls with the code that everybody who looks at the
// screen can read.
func (c *conversation) userCodeAsDeviceCode(client *profiles.Client) error {
	d, err := c.issue(labels.Join(labels.UserCodeAsDeviceCode, labels.Device), client)
	if err != nil {
		return err
	}
	c.send(c.tokenRequest(labels.Join(labels.UserCodeAsDeviceCode, labels.Poll), client, c.tokenForm(client, d.userCode)))
	c.introspectToken(labels.Join(labels.PendingIntrospection, "device code"), d.deviceCode)
	c.introspectToken(labels.Join(labels.PendingIntrospection, "user code"), d.userCode)
	d.pollNow(labels.Join(labels.UserCodeAsDeviceCode, labels.Control))
	return nil
}

// typeDeviceCode types a device code into the page, at the end: it is a wrong
// user code, and some servers count those.
func (t *tokenUser) typeDeviceCode(s useragent.Agent) {
	d, err := t.issue(labels.TypedDevice, t.client)
	if err != nil {
		return
	}
	task := d.task(labels.DeviceCodeTyped, transcript.ReachDecision)
	task.UserCode = d.deviceCode
	t.visit(s, task)
}
