package profiles

import (
	"cmp"
	"crypto/tls"
	"fmt"

	"github.com/devicegrant/devicegrant/profiles/clientkey"
)

// DeviceAuthorizationOf is the device authorization endpoint of a client that
// authenticates by a method.
func (e Endpoints) DeviceAuthorizationOf(method ClientAuth) string {
	if method.IsTLS() {
		return cmp.Or(e.MTLSDeviceAuthorization, e.DeviceAuthorization)
	}
	return e.DeviceAuthorization
}

// TokenOf is the token endpoint; see DeviceAuthorizationOf.
func (e Endpoints) TokenOf(method ClientAuth) string {
	if method.IsTLS() {
		return cmp.Or(e.MTLSToken, e.Token)
	}
	return e.Token
}

// AboutTokensOf is where a client that authenticates by a method asks about a token,
// or revokes it: at Introspection or Revocation, or their alias.
func (e Endpoints) AboutTokensOf(method ClientAuth, endpoint string) string {
	switch {
	case !method.IsTLS():
	case endpoint == e.Introspection:
		return cmp.Or(e.MTLSIntrospection, endpoint)
	case endpoint == e.Revocation:
		return cmp.Or(e.MTLSRevocation, endpoint)
	}
	return endpoint
}

// Proving is the client that authenticates with an assertion or a certificate; nil for
// none.
func (c *Clients) Proving() *Client {
	for _, client := range []*Client{c.Keyed, c.Confidential} {
		if client != nil && client.Authenticates() && client.uses(ClientAuth.Proves) {
			return client
		}
	}
	return nil
}

// Authenticates says that the client can prove who it is: with a secret or a key.
func (c *Client) Authenticates() bool { return c.Secret != nil || c.Key != nil }

// SendsSecret says that the client's secret is in its requests.
func (c *Client) SendsSecret() bool {
	return c.Secret != nil && (c.Auth == "" || c.uses(func(a ClientAuth) bool { return a == AuthBasic || a == AuthPost }))
}

// SigningKey signs the client's assertions; nil where its methods need none. It is
// there after Load.
func (c *Client) SigningKey() *clientkey.Key { return c.signing }

// TLSCertificate is what the client shows in a TLS handshake; nil for none. It is
// there after Load.
func (c *Client) TLSCertificate() *tls.Certificate { return c.certificate }

// WithKey is a copy of the client that signs with another key.
func (c *Client) WithKey(k *clientkey.Key) *Client {
	other := *c
	other.signing = k
	return &other
}

// WithCertificate is a copy of the client that shows another certificate.
func (c *Client) WithCertificate(certificate *tls.Certificate) *Client {
	other := *c
	other.certificate = certificate
	return &other
}

// uses says that the client authenticates in some way at one of the endpoints.
func (c *Client) uses(way func(ClientAuth) bool) bool { return way(c.Auth) || way(c.DeviceAuth) }

// readKeys makes the client's keys of what was read for them.
func (d *document) readKeys(path string, c *Client) {
	if c == nil {
		return
	}
	var err error
	switch {
	case c.uses(func(a ClientAuth) bool { return a == AuthPrivateKeyJWT }) && c.Key != nil && c.Key.Reveal() != "":
		c.signing, err = clientkey.Parse(c.Key.Reveal(), c.Alg, c.KeyID)
		if err != nil {
			d.reportAt(join(path, "key"), err.Error(), "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 makes one")
		}
	case c.uses(func(a ClientAuth) bool { return a == AuthSecretJWT }) && c.Secret != nil && c.Secret.Reveal() != "":
		if c.signing, err = clientkey.FromSecret(c.Secret.Reveal(), c.Alg); err != nil {
			d.reportAt(join(path, "alg"), err.Error(), "")
		}
	}
	if c.uses(ClientAuth.IsTLS) && c.Key != nil && c.Certificate != nil && c.Key.Reveal() != "" && c.Certificate.Reveal() != "" {
		pair, err := tls.X509KeyPair([]byte(c.Certificate.Reveal()), []byte(c.Key.Reveal()))
		if err != nil {
			d.reportAt(join(path, "certificate"), err.Error(), "certificate and key are PEM files that belong together")
			return
		}
		c.certificate = &pair
	}
}

// secrets are those of the client that have to be read.
func (c *Client) secrets(prefix string) (list []secretAt) {
	for _, s := range []secretAt{{"secret", c.Secret}, {"key", c.Key}, {"certificate", c.Certificate}} {
		if s.secret != nil {
			list = append(list, secretAt{prefix + s.key, s.secret})
		}
	}
	return list
}

// ClientCertificate is what every client shows that has no certificate of its own: a
// list for [tls.Config], empty for none.
func (t TLS) ClientCertificate() ([]tls.Certificate, error) {
	if t.CertFile == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file: %w", err)
	}
	return []tls.Certificate{pair}, nil
}
