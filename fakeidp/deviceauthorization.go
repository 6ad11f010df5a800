package fakeidp

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"
)

// deviceAuthorizationResponse is RFC 8628 section 3.2.
type deviceAuthorizationResponse struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval,omitempty"`
}

// deviceAuthorization is the device authorization endpoint (RFC 8628 sections
// 3.1 and 3.2).
func (p *IdP) deviceAuthorization(w http.ResponseWriter, r *http.Request) {
	f, e := readForm(r)
	if e != nil {
		p.refuse(w, e)
		return
	}
	client, e := p.deviceClient(r, f)
	if e != nil {
		p.refuse(w, e)
		return
	}
	if client.NoDeviceGrant && !p.ways.grantSeenLate {
		p.refuse(w, errNotAllowed)
		return
	}
	scopes, e := p.requestedScopes(client, f.get("scope"))
	if e != nil {
		p.refuse(w, e)
		return
	}
	extra, e := p.askedFor(f)
	if e != nil {
		p.refuse(w, e)
		return
	}
	g, ok := p.issue(client, scopes, extra)
	if !ok {
		p.refuse(w, errNoUserCode)
		return
	}

	shown := p.userCodes.display(g.userCode)
	response := deviceAuthorizationResponse{
		DeviceCode:      g.deviceCode,
		UserCode:        shown,
		VerificationURI: p.url(pathDevice),
		ExpiresIn:       int64(client.DeviceCodeLifetime / time.Second),
	}
	if !p.config.OmitVerificationURIComplete {
		response.VerificationURIComplete = response.VerificationURI + "?" + p.completeParam() + "=" + url.QueryEscape(shown)
	}
	if !p.config.OmitInterval {
		response.Interval = int64(p.config.Interval / time.Second)
	}
	writeJSON(w, response)
}

// deviceClient finds out who asks for codes. Some vendors take anybody's word.
func (p *IdP) deviceClient(r *http.Request, f form) (*Client, *oauthError) {
	if client, known := p.clients[f.get("client_id")]; known && p.ways.trustingDevices {
		return client, nil
	}
	return p.authenticate(r, f)
}

// askedFor reads the parameters of extensions.
func (p *IdP) askedFor(f form) (a asked, e *oauthError) {
	if a.challenge, e = codeChallenge(f); e != nil {
		return a, e
	}
	if a.resource, e = p.resource(f); e != nil {
		return a, e
	}
	a.details, e = p.authorizationDetails(f)
	return a, e
}

// requestedScopes reads a scope parameter; without one, the default is asked
// for.
func (p *IdP) requestedScopes(client *Client, value string) ([]string, *oauthError) {
	scopes := p.config.DefaultScopes
	if value != "" {
		var ok bool
		if scopes, ok = parseScope(value); !ok {
			return nil, errScope
		}
	}
	if !subset(scopes, client.Scopes) {
		return nil, errScope
	}
	return scopes, nil
}

// userCodeTries bounds the search for a free user code. With the default
// alphabet and length the first try all but always succeeds.
const userCodeTries = 100

// issue starts a grant. It fails only when user codes are so short that the
// live ones crowd the space.
func (p *IdP) issue(client *Client, scopes []string, extra asked) (*grant, bool) {
	now := p.clock.Now()
	expires := now.Add(client.DeviceCodeLifetime)
	g := &grant{
		deviceCode: p.drawDeviceCode(),
		ways:       p.ways,
		client:     client,
		requested:  scopes,
		asked:      extra,
		issued:     now,
		expires:    expires,
		forgotten:  expires.Add(p.config.Tombstone),
		interval:   p.config.Interval,
		polls:      history{limit: max(0, p.config.PollHistory)},
	}
	if p.config.ThrottleFirstPoll {
		g.lastPoll = now
	}
	g.odd = p.odd(client.ID)
	if g.odd.issue != nil {
		g.odd.issue(g)
	}
	// A user code may be drawn again once nobody can decide about it (RFC 8628
	// asks for uniqueness among the live ones only).
	decided := func(old *grant) bool { return old.decidable(now) != nil }
	for range userCodeTries {
		g.userCode = p.drawUserCode(g)
		if p.byUserCode.claim(g.userCode, g, now, decided) {
			p.grants.put(g.deviceCode, g, now)
			return g, true
		}
	}
	return nil, false
}

func (p *IdP) drawDeviceCode() string {
	if p.ways.deviceCode != nil {
		return p.ways.deviceCode()
	}
	return randomToken()
}

func (p *IdP) drawUserCode(g *grant) string {
	if g.odd.userCode != nil {
		return g.odd.userCode(p.userCodes, g)
	}
	return p.userCodes.draw()
}

// randomToken returns 256 random bits, twice what RFC 6749 section 10.10 asks
// of a credential that no person handles.
func randomToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
