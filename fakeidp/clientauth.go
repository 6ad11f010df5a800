package fakeidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// authenticate finds out which client sent the request (RFC 6749 sections 2.3
// and 3.2.1): a public client by client_id, a confidential one by HTTP Basic, by
// client_secret in the body, by an assertion or by its certificate.
func (p *IdP) authenticate(r *http.Request, f form) (*Client, *oauthError) {
	id, secret := f.get("client_id"), f.get("client_secret")
	if f.get("client_assertion") != "" || f.get("client_assertion_type") != "" {
		if secret != "" || len(r.Header["Authorization"]) > 0 {
			return nil, errTwoMethods
		}
		return p.asserted(r, f)
	}
	if header := r.Header["Authorization"]; len(header) > 0 {
		if len(header) > 1 || secret != "" {
			return nil, errTwoMethods
		}
		user, password, ok := basicCredentials(header[0])
		if !ok {
			return nil, errClient
		}
		if id != "" && id != user {
			return nil, errTwoClients
		}
		client, known := p.clients[user]
		if !known || client.Public || client.hasKeys() || !equalSecrets(password, client.Secret) {
			return nil, errClient
		}
		return client, nil
	}
	if id == "" {
		return nil, errNoClient
	}
	client, known := p.clients[id]
	switch {
	case !known:
		return nil, errUnregistered
	case client.Public && secret == "":
		return client, nil
	case len(client.Certificates) > 0 && secret == "" && client.shows(r, p.odd(id).unchecked == checkCertificate):
		return client, nil
	case client.hasKeys():
		return nil, errClient
	case client.Public, !equalSecrets(secret, client.Secret):
		return nil, errClient
	}
	return client, nil
}

// basicCredentials decodes an Authorization header. Unlike
// http.Request.BasicAuth it undoes the form encoding of both halves (RFC 6749
// section 2.3.1).
func basicCredentials(header string) (id, secret string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	id, secret, ok = strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", false
	}
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	return id, secret, idErr == nil && secretErr == nil
}

// equalSecrets compares in a time that depends on neither string.
func equalSecrets(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
