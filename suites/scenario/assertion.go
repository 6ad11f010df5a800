package scenario

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/profiles/clientkey"
	"github.com/devicegrant/devicegrant/suites/wire"
)

const (
	// assertionType is of RFC 7523 section 2.2.
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// assertionLife is short: some servers refuse more than a minute.
	assertionLife = 50 * time.Second
)

// asserting adds a fresh client assertion to a form POST. change bends its claims.
func (c *conversation) asserting(r wire.Request, client *profiles.Client, change func(claims map[string]any)) wire.Request {
	claims := c.assertionClaims(client, r.URL)
	if change != nil {
		change(claims)
	}
	signed, err := client.SigningKey().Sign(claims)
	if err != nil {
		// The key was read and tried; a request without the assertion says the rest.
		return r
	}
	return withAssertion(r, signed)
}

// withAssertion adds a client assertion to a form POST.
func withAssertion(r wire.Request, signed string) wire.Request {
	return appending(r, wire.Form{{Name: "client_assertion_type", Value: assertionType}, {Name: "client_assertion", Value: signed}})
}

// assertionClaims are RFC 7523 section 3, for a request to an endpoint.
func (c *conversation) assertionClaims(client *profiles.Client, endpoint string) map[string]any {
	now := c.Clock.Wall()
	return map[string]any{
		"iss": client.ID, "sub": client.ID, "aud": c.audience(client, endpoint), "jti": c.random.word(24),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	}
}

// audience names the server to itself: the text leaves open how (RFC 7523 section 3),
// so the profile says it.
func (c *conversation) audience(client *profiles.Client, endpoint string) string {
	switch client.Audience {
	case "", "issuer":
		return cmp.Or(c.Target.Issuer, c.Profile.Issuer, c.Target.Endpoints.Token)
	case "token_endpoint":
		return c.Target.Endpoints.Token
	case "endpoint":
		return withoutQuery(endpoint)
	}
	return client.Audience
}

// likeKey is another key of the same kind.
func likeKey(k *clientkey.Key) (*clientkey.Key, error) {
	switch private := k.Private().(type) {
	case []byte:
		other := make([]byte, len(private))
		_, _ = rand.Read(other) // never fails (crypto/rand)
		return k.Like(other), nil
	case *rsa.PrivateKey:
		other, err := rsa.GenerateKey(rand.Reader, private.N.BitLen())
		return k.Like(other), err
	case *ecdsa.PrivateKey:
		other, err := ecdsa.GenerateKey(private.Curve, rand.Reader)
		return k.Like(other), err
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	return k.Like(other), err
}

// likeCertificate is another certificate with the same subject and names, which nobody
// but its own key vouches for.
func likeCertificate(of *tls.Certificate) (*tls.Certificate, error) {
	leaf, err := x509.ParseCertificate(of.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("the client's certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	forged := &x509.Certificate{
		SerialNumber: leaf.SerialNumber, RawSubject: leaf.RawSubject, NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
		DNSNames: leaf.DNSNames, EmailAddresses: leaf.EmailAddresses, IPAddresses: leaf.IPAddresses, URIs: leaf.URIs,
		KeyUsage: leaf.KeyUsage, ExtKeyUsage: leaf.ExtKeyUsage,
	}
	der, err := x509.CreateCertificate(rand.Reader, forged, forged, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
