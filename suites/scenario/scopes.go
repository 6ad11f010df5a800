package scenario

import (
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// scopes asks for scopes that no client, or not this one, may have. A server may
// leave the decision to the consent page, so where codes come back an end user
// approves once, and the token shows what was granted: for the forbidden scope,
// or else for the unknown one.
//
// Labels: control; unknown, forbidden (with forbidden_scope in the profile),
// malformed/quotes, malformed/spaces, malformed/case. With a follow-up:
// token/1 ..., introspection; journey: approve forbidden or approve unknown.
func scopes(c *conversation) error {
	public := c.Profile.Clients.Public
	form := c.deviceForm(public)
	if _, err := c.issue(labels.Control, public); err != nil {
		return err
	}
	own := form.Get("scope")
	ask := func(label, scope string) wire.Exchange {
		return c.send(c.deviceRequest(label, public, form.Set("scope", scope)))
	}
	// Beside the valid ones, so that nothing else is wrong with the request.
	decide, granted := labels.Unknown, ask(labels.Unknown, strings.TrimSpace(own+" zz_"+c.random.word(12)))
	if forbidden := c.Profile.ForbiddenScope; forbidden != "" {
		if x := ask(labels.Forbidden, strings.TrimSpace(own+" "+forbidden)); gaveCodes(x) {
			decide, granted = labels.Forbidden, x
		}
	}
	ask(labels.MalformedQuotes, `"x\y`)
	if own != "" {
		ask(labels.MalformedSpaces, "  "+strings.ReplaceAll(own, " ", "  "))
		if upper := strings.ToUpper(own); upper != own {
			ask(labels.MalformedCase, upper)
		}
	}
	if !gaveCodes(granted) {
		return nil
	}
	d, err := c.deviceFrom(granted, public)
	if err != nil {
		return err
	}
	return c.seeGrant(d, labels.Of(labels.Approve, decide))
}

func gaveCodes(x wire.Exchange) bool {
	o, err := x.Object()
	return err == nil && o.Has("device_code")
}

// gaveToken looks at the body: some servers answer errors with 200.
func gaveToken(x wire.Exchange) bool { return stringIn(x, "access_token") != "" }

// seeGrant lets an end user approve and looks at what the token may do.
func (c *conversation) seeGrant(d *device, journey string) error {
	if err := c.afterPages(transcript.Denial, transcript.Approval, transcript.EarlyApproval); err != nil {
		return err
	}
	j, err := c.visitOnce(d.task(journey, transcript.Approve))
	if err != nil {
		return err
	}
	c.leavePages()
	if err := unfinished(j); err != nil {
		return err
	}
	x, err := d.collect(labels.Token, patience)
	if err != nil {
		return err
	}
	c.introspect(labels.Introspection, x)
	return nil
}

// introspect asks about the token of a response.
func (c *conversation) introspect(label string, token wire.Exchange) {
	c.introspectToken(label, stringIn(token, "access_token"))
}

// clientIdentity is about who the client is: one that does not authenticate
// although it has a secret, one that authenticates twice, two in one request,
// and one that may not use the grant.
//
// Labels: control/public; control/confidential, control/body (the right secret
// by the other method), basic/other form (with client_id in the body beside HTTP
// Basic, or without it where the profile has it), unauthenticated (DA-11); both/methods,
// two/clients (DA-14), and where that gives codes, two/as body, two/as header (polls on
// codes of their own, two/clients again), two/control (a code of the header's
// client, polled as the body's); basic/token, and where that is refused basic/token
// body (the same secret in the body), or where the codes have ended basic/token again
// (DA-13); reserved/encoded, reserved/body (DA-13); not allowed/device (DA-10), and
// where that gives codes not allowed/poll, token/1 ... and the journey approve not
// allowed.
func clientIdentity(c *conversation) error {
	if _, err := c.issue(labels.ControlPublic, c.Profile.Clients.Public); err != nil {
		return err
	}
	if client := c.Profile.Clients.Confidential; client != nil && client.SendsSecret() {
		c.asConfidential(client)
	} else if client != nil && client.Authenticates() {
		c.send(c.deviceRequest(labels.ControlConfidential, client, c.deviceForm(client)))
		c.send(c.bareDeviceRequest(labels.Unauthenticated, c.deviceForm(client)))
	}
	if client := c.Profile.Clients.Reserved; client != nil && client.Secret != nil {
		c.asReserved(client)
	}
	if client := c.Profile.Clients.NotAllowed; client != nil {
		return c.asNotAllowed(client)
	}
	return nil
}

func (c *conversation) asConfidential(client *profiles.Client) {
	form, secret := c.deviceForm(client), client.Secret.Reveal()
	right := c.send(c.deviceRequest(labels.ControlConfidential, client, form))
	if deviceAuth(client) == profiles.AuthBasic && !gaveCodes(right) {
		c.send(c.bareDeviceRequest(labels.ControlBody, form.Set("client_secret", secret)))
	}
	if deviceAuth(client) == profiles.AuthBasic {
		// Measured: whether client_id may, or has to, stand in the body as well.
		other := *client
		other.ClientIDInBody = !client.ClientIDInBody
		c.send(c.deviceRequest(labels.BasicOtherForm, &other, form))
	}
	c.send(c.bareDeviceRequest(labels.Unauthenticated, form))
	if d, err := c.deviceFrom(right, client); err == nil {
		poll := d.pollNow(labels.BasicToken)
		switch basic, code := tokenAuth(client) == profiles.AuthBasic, poll.OAuthError(); {
		case basic && refusesClient(poll):
			d.ask(c.bareTokenRequest(labels.BasicTokenBody, c.tokenForm(client, d.deviceCode).Set("client_secret", secret)))
		case basic && code != "" && code != "authorization_pending" && code != "slow_down":
			d.pollNow(labels.BasicTokenAgain)
		}
	}

	both := c.bareDeviceRequest(labels.BothMethods, form.Set("client_secret", secret))
	both.Header.Set("Authorization", wire.BasicAuth(client.ID, secret))
	c.send(both)

	public := c.Profile.Clients.Public
	if public.Authenticates() {
		return // the body's client has to be one that needs no authentication
	}
	c.send(c.failedBasic(c.bareDeviceRequest(labels.BothFailedBasic, c.deviceForm(public))))
	two := func(label string) wire.Exchange {
		r := c.bareDeviceRequest(label, c.deviceForm(public))
		r.Header.Set("Authorization", wire.BasicAuth(client.ID, secret))
		return c.send(r)
	}
	first := two(labels.TwoClients)
	if !gaveCodes(first) {
		return
	}
	// Whose code is it? Each question uses a code of its own.
	ask := func(label string, x wire.Exchange, as *profiles.Client) {
		if d, err := c.deviceFrom(x, as); err == nil {
			d.pollNow(label)
		}
	}
	ask(labels.TwoAsBody, first, public)
	ask(labels.TwoAsHeader, two(labels.Join(labels.Two, "clients again")), client)
	ask(labels.TwoControl, c.send(c.deviceRequest(labels.Join(labels.Two, "own code"), client, form)), public)
}

func (c *conversation) asReserved(client *profiles.Client) {
	form := c.deviceForm(client)
	r := c.bareDeviceRequest(labels.ReservedEncoded, identifying(form, client, profiles.AuthBasic))
	r.Header.Set("Authorization", wire.BasicAuth(client.ID, client.Secret.Reveal()))
	if x := c.send(r); !gaveCodes(x) {
		c.send(c.bareDeviceRequest(labels.ReservedBody, form.Set("client_secret", client.Secret.Reveal())))
	}
}

func (c *conversation) asNotAllowed(client *profiles.Client) error {
	x := c.send(c.deviceRequest(labels.NotAllowedDevice, client, c.deviceForm(client)))
	if !gaveCodes(x) {
		return nil
	}
	d, err := c.deviceFrom(x, client)
	if err != nil {
		return err
	}
	if answer, err := d.poll(labels.NotAllowedPoll); err != nil || answer.OAuthError() != "authorization_pending" {
		return err
	}
	return c.seeGrant(d, labels.Of(labels.Approve, labels.NotAllowed))
}

// foreignHost is a name that nobody can own (RFC 2606 section 2).
func (c *conversation) foreignHost() string {
	return fmt.Sprintf("x%s.devicegrant.invalid", c.random.word(8))
}

// hostHeaders sends valid requests that claim to be for another host. The
// connection, and with it the TLS server name, stays that of the target.
//
// Labels: control; host/Host, host/X-Forwarded-Host, host/Forwarded,
// host/X-Forwarded-Proto (only where the target is reached over https).
func hostHeaders(c *conversation) error {
	public := c.Profile.Clients.Public
	if _, err := c.issue(labels.Control, public); err != nil {
		return err
	}
	foreign := c.foreignHost()
	for _, h := range []struct{ name, value string }{
		{"Host", foreign},
		{"X-Forwarded-Host", foreign},
		{"Forwarded", "host=" + foreign},
		{"X-Forwarded-Proto", "http"},
	} {
		if h.name == "X-Forwarded-Proto" && !strings.HasPrefix(c.Target.Endpoints.DeviceAuthorization, "https:") {
			continue
		}
		r := c.deviceRequest(labels.Join(labels.Host, h.name), public, c.deviceForm(public))
		r.Header.Set(h.name, h.value)
		c.send(r)
	}
	return nil
}
