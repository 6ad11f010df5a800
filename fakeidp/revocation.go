package fakeidp

import "net/http"

// revocation is RFC 7009. An unknown token counts as revoked; a token of
// another client is refused. Revoking a refresh token ends the family, revoking
// an access token ends only that. The hint is not needed and not read.
func (p *IdP) revocation(w http.ResponseWriter, r *http.Request) {
	f, e := readForm(r)
	if e != nil {
		p.refuse(w, e)
		return
	}
	client, e := p.authenticate(r, f)
	if e == nil {
		e = p.revoke(client, f.get("token"))
	}
	if e != nil {
		p.refuse(w, e)
		return
	}
	setHeaders(w.Header())
	w.Header().Del("Content-Type")
	w.WriteHeader(http.StatusOK)
}

func (p *IdP) revoke(client *Client, token string) *oauthError {
	if token == "" {
		return errNoToken
	}
	now := p.clock.Now()
	if t, ok := p.accessTokens.get(token, now); ok {
		if t.family.client != client {
			return errInvalid
		}
		t.revoked.Store(true)
	}
	if t, ok := p.refreshTokens.get(token, now); ok {
		if t.family.client != client {
			return errInvalid
		}
		t.family.revoke()
	}
	return nil
}
