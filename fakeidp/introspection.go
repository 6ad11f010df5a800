package fakeidp

import (
	"encoding/json"
	"net/http"
	"strings"
)

// introspectionResponse is RFC 7662 section 2.2. Of a token that is not active
// it says nothing else.
type introspectionResponse struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Username  string `json:"username,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	Audience  string `json:"aud,omitempty"`
	// Confirmation is RFC 9449 section 6.2, Details RFC 9396 section 9.2.
	Confirmation *confirmation   `json:"cnf,omitempty"`
	Details      json.RawMessage `json:"authorization_details,omitempty"`
}

// confirmation names the key of a token that is bound to one.
type confirmation struct {
	Thumbprint string `json:"jkt,omitempty"`
	// Certificate is RFC 8705 section 3.1.
	Certificate string `json:"x5t#S256,omitempty"`
}

// introspection tells a confidential client about any token, so that one of
// them can stand in for a resource server (RFC 7662 section 2.1).
func (p *IdP) introspection(w http.ResponseWriter, r *http.Request) {
	f, e := readForm(r)
	if e != nil {
		p.refuse(w, e)
		return
	}
	client, e := p.authenticate(r, f)
	switch {
	case e != nil:
	case client.Public:
		e = errPublic
	case f.get("token") == "":
		e = errNoToken
	}
	if e != nil {
		p.refuse(w, e)
		return
	}
	writeJSON(w, p.introspect(f.get("token")))
}

func (p *IdP) introspect(token string) introspectionResponse {
	now := p.clock.Now()
	if t, ok := p.accessTokens.get(token, now); ok && t.active(now) {
		response := p.describe(t.family, t.scopes)
		response.TokenType = tokenType(t.key)
		if t.key != "" {
			response.Confirmation = &confirmation{Thumbprint: t.key}
		} else if t.certificate != "" {
			response.Confirmation = &confirmation{Certificate: t.certificate}
		}
		response.IssuedAt, response.Expires = t.issued.Unix(), t.expires.Unix()
		return response
	}
	if t, ok := p.refreshTokens.get(token, now); ok && t.active(now) {
		response := p.describe(t.family, t.family.scopes)
		response.IssuedAt, response.Expires = t.issued.Unix(), t.expires.Unix()
		return response
	}
	return introspectionResponse{}
}

func (p *IdP) describe(f *family, scopes []string) introspectionResponse {
	return introspectionResponse{
		Active:   true,
		Scope:    strings.Join(scopes, " "),
		ClientID: f.client.ID,
		Username: f.user.Name,
		Subject:  f.user.Name,
		Issuer:   p.issuer(),
		Audience: f.asked.resource,
		Details:  f.asked.details,
	}
}
