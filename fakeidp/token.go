package fakeidp

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The grant types of the token endpoint.
const (
	grantTypeDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantTypeRefresh = "refresh_token"
)

// tokenResponse is RFC 6749 section 5.1.
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
	// Details are RFC 9396 section 7.
	Details json.RawMessage `json:"authorization_details,omitempty"`
	IDToken string          `json:"id_token,omitempty"`
}

// token is the token endpoint (RFC 6749 section 3.2).
func (p *IdP) token(w http.ResponseWriter, r *http.Request) {
	// Stamped before the body is read: the poll oracle counts from arrival.
	arrival := p.clock.Now()
	f, e := readForm(r)
	if e != nil {
		p.refuse(w, e)
		return
	}
	client, e := p.authenticate(r, f)
	if e != nil {
		p.refuse(w, e)
		return
	}
	// A proof that fails leaves the code as it was.
	key, e := p.proof(r, p.url(pathToken), "")
	if e != nil {
		w.Header().Set("DPoP-Nonce", p.proofs.nonce(p.clock.Now()))
		p.refuse(w, e)
		return
	}
	binding := binding{key: key}
	if len(client.Certificates) > 0 {
		binding.certificate = thumbprintOf(r)
	}
	var response *tokenResponse
	switch f.get("grant_type") {
	case grantTypeDevice:
		response, e = p.deviceAccessToken(arrival, client, binding, f)
	case grantTypeRefresh:
		response, e = p.refresh(arrival, client, binding, f)
	case "":
		e = errNoGrantType
	default:
		e = errGrantType
	}
	if e != nil {
		p.refuse(w, e)
		return
	}
	writeJSON(w, response)
}

// deviceAccessToken answers a poll (RFC 8628 sections 3.4 and 3.5). A scope
// parameter is unknown here, and so ignored: the end user decided what is granted.
func (p *IdP) deviceAccessToken(arrival time.Time, client *Client, to binding, f form) (*tokenResponse, *oauthError) {
	if client.NoDeviceGrant {
		return nil, errNotAllowed
	}
	code := f.get("device_code")
	if code == "" {
		return nil, errNoDeviceCode
	}
	g, ok := p.grants.get(code, arrival)
	// A code of another client is as unknown as any other, and its owner must
	// not notice that somebody tried it.
	if !ok || g.client != client && !g.taken(client) {
		return nil, errUnknownCode
	}
	// Before the poll counts, so that somebody without the verifier neither
	// learns the state of the code nor uses it up or slows it down.
	if !g.proves(f.get("code_verifier")) {
		return nil, errVerifier
	}
	resource, e := p.resource(f)
	if e != nil || resource != "" && g.resource != "" && resource != g.resource {
		return nil, errTarget
	}
	a, family := g.poll(arrival)
	switch a {
	case answerPending:
		return nil, errPending
	case answerSlowDown:
		return nil, errSlowDown
	case answerDenied:
		return nil, errDenied
	case answerExpired:
		return nil, errExpired
	case answerTokens:
		if resource != "" {
			family.asked.resource = resource
		}
		return p.issueTokens(arrival, family, family.scopes, to), nil
	default:
		return nil, errInvalid
	}
}

// refresh is RFC 6749 section 6. A scope parameter may narrow the access token;
// the new refresh token keeps what was granted.
func (p *IdP) refresh(now time.Time, client *Client, to binding, f form) (*tokenResponse, *oauthError) {
	value := f.get("refresh_token")
	if value == "" {
		return nil, errNoRefreshToken
	}
	t, ok := p.refreshTokens.get(value, now)
	if !ok || t.family.client != client {
		return nil, errInvalid
	}
	scopes := t.family.scopes
	if value := f.get("scope"); value != "" {
		if scopes, ok = parseScope(value); !ok || !subset(scopes, t.family.scopes) {
			return nil, errScope
		}
	}
	if t.key != "" && t.key != to.key {
		return nil, errInvalid
	}
	if !t.use(now) {
		return nil, errInvalid
	}
	return p.issueTokens(now, t.family, scopes, to), nil
}

// issueTokens adds an access token to the family, a refresh token where
// offline_access was granted, and an ID token where openid was.
func (p *IdP) issueTokens(now time.Time, family *family, scopes []string, to binding) *tokenResponse {
	response := &tokenResponse{
		AccessToken: p.drawAccessToken(now, family, scopes),
		TokenType:   tokenType(to.key),
		Details:     family.asked.details,
		ExpiresIn:   int64(p.config.AccessTokenLifetime / time.Second),
		Scope:       strings.Join(scopes, " "),
	}
	p.accessTokens.put(response.AccessToken, &accessToken{
		family:  family,
		scopes:  scopes,
		binding: to,
		issued:  now,
		expires: now.Add(p.config.AccessTokenLifetime),
	}, now)
	if p.ways.refreshAlways || slices.Contains(family.scopes, "offline_access") {
		response.RefreshToken = p.drawRefreshToken()
		bound := ""
		if family.client.Public {
			bound = to.key
		}
		p.refreshTokens.put(response.RefreshToken, &refreshToken{
			family:  family,
			key:     bound,
			issued:  now,
			expires: now.Add(p.config.RefreshTokenLifetime),
		}, now)
	}
	if slices.Contains(scopes, "openid") {
		claims := p.idClaims(now, family, scopes)
		if odd := p.odd(family.client.ID); odd.claims != nil {
			odd.claims(&claims)
		}
		response.IDToken = p.signer.idToken(claims)
	}
	return response
}

func (p *IdP) drawAccessToken(now time.Time, family *family, scopes []string) string {
	if p.ways.accessToken != nil {
		return p.ways.accessToken(p, now, family, scopes)
	}
	return randomToken()
}

func (p *IdP) drawRefreshToken() string {
	if p.ways.refreshToken != nil {
		return p.ways.refreshToken()
	}
	return randomToken()
}
