package fakeidp

import (
	"cmp"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Clients that prove themselves with a key: by an assertion (RFC 7523) or by the
// certificate of their connection (RFC 8705).

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// assertionSlack is how far the client's clock may be from ours, and
	// assertionLife how long an assertion may be good: its jti is kept for that long.
	assertionSlack = time.Minute
	assertionLife  = time.Hour
	maxAssertion   = 8 << 10
)

var (
	keyAlgorithms    = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.PS256, jose.EdDSA}
	secretAlgorithms = []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512}

	errAssertionType = invalidRequest("client_assertion_type is not that of a JWT")
)

// assertionClaims are RFC 7523 section 3.
type assertionClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Expires   *float64 `json:"exp"`
	NotBefore *float64 `json:"nbf"`
	IssuedAt  *float64 `json:"iat"`
	ID        string   `json:"jti"`
}

// audience is one name or several (RFC 7519 section 4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// asserted authenticates a client by its assertion, which is good for one request.
func (p *IdP) asserted(r *http.Request, f form) (*Client, *oauthError) {
	if f.get("client_assertion_type") != assertionType {
		return nil, errAssertionType
	}
	text := f.get("client_assertion")
	if len(text) > maxAssertion {
		return nil, errClient
	}
	signed, err := jose.ParseSignedCompact(text, slices.Concat(keyAlgorithms, secretAlgorithms))
	if err != nil {
		return nil, errClient
	}
	var c assertionClaims
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &c) != nil || c.Subject == "" {
		return nil, errClient
	}
	named := cmp.Or(f.get("client_id"), c.Subject)
	client, known := p.clients[named]
	if !known {
		return nil, errClient
	}
	odd := p.odd(named)
	wrong := func(check proofCheck, found bool) bool { return found && odd.unchecked != check }
	now := p.clock.Now()
	at := func(claim *float64) time.Time { return time.Unix(int64(*claim), 0) }
	switch {
	case wrong(checkSignature, !client.signed(signed)),
		wrong(checkSubject, c.Issuer != named || c.Subject != named),
		c.ID == "", len(c.ID) > 256, c.Expires == nil,
		wrong(checkAudience, !slices.ContainsFunc(c.Audience, p.isOurName)),
		wrong(checkTimes, now.After(at(c.Expires).Add(assertionSlack)) || at(c.Expires).After(now.Add(assertionLife)) ||
			c.NotBefore != nil && at(c.NotBefore).After(now.Add(assertionSlack)) || c.IssuedAt != nil && at(c.IssuedAt).After(now.Add(assertionSlack))):
		return nil, errClient
	}
	until := now.Add(assertionLife + assertionSlack)
	if wrong(checkReplay, !p.assertions.claim(named+" "+c.ID, until, now, func(time.Time) bool { return false })) {
		return nil, errClient
	}
	return client, nil
}

// proofCheck is a part of the check of a client's proof, which a fault may leave out.
type proofCheck string

const (
	checkSignature   proofCheck = "signature"
	checkSubject     proofCheck = "subject"
	checkAudience    proofCheck = "audience"
	checkTimes       proofCheck = "times"
	checkReplay      proofCheck = "replay"
	checkCertificate proofCheck = "certificate"
)

// isOurName says that an assertion is meant for this server: by its issuer or by one
// of the endpoints that take assertions.
func (p *IdP) isOurName(name string) bool {
	return name == p.issuer() || name == p.url(pathToken) || name == p.url(pathDeviceAuthorization)
}

// signed says that the assertion has the client's signature.
func (c *Client) signed(assertion *jose.JSONWebSignature) bool {
	algorithm := jose.SignatureAlgorithm(assertion.Signatures[0].Protected.Algorithm)
	if slices.Contains(secretAlgorithms, algorithm) {
		if c.Public || c.Secret == "" {
			return false
		}
		_, err := assertion.Verify([]byte(c.Secret))
		return err == nil
	}
	return slices.ContainsFunc(c.Keys, func(k crypto.PublicKey) bool {
		_, err := assertion.Verify(k)
		return err == nil
	})
}

// shows says that the connection has the client's certificate; unchecked: any one with
// its subject.
func (c *Client) shows(r *http.Request, unchecked bool) bool {
	shown := thumbprintOf(r)
	return shown != "" && slices.ContainsFunc(c.Certificates, func(own *x509.Certificate) bool {
		return certificateThumbprint(own) == shown || unchecked && own.Subject.String() == r.TLS.PeerCertificates[0].Subject.String()
	})
}

// thumbprintOf is x5t#S256 of the certificate of the connection, "" for none.
func thumbprintOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return certificateThumbprint(r.TLS.PeerCertificates[0])
}

// certificateThumbprint is RFC 8705 section 3.1.
func certificateThumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
