package fakeidp

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// TestAssertions: an assertion authenticates its own client, for us, in its time, and
// once.
func TestAssertions(t *testing.T) {
	own, other := newProver(t), newProver(t)
	p, clock := newTestIdP(t, func(c *Config) {
		for i := range c.Clients {
			if c.Clients[i].ID == "device-confidential" {
				c.Clients[i].Secret = "a secret as long as HS256 needs it"
			}
		}
		c.Clients = append(c.Clients, Client{ID: "lock", Keys: []crypto.PublicKey{own.key.Public()}})
	})
	secret := ""
	for _, c := range p.Config().Clients {
		if c.ID == "device-confidential" {
			secret = c.Secret
		}
	}
	claims := func(id string, change func(map[string]any)) map[string]any {
		c := map[string]any{"iss": id, "sub": id, "aud": testIssuer, "jti": time.Now().String(), "iat": clock.Now().Unix(), "exp": clock.Now().Add(time.Minute).Unix()}
		if change != nil {
			change(c)
		}
		return c
	}
	signed := func(key any, alg jose.SignatureAlgorithm, c map[string]any) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := jwt.Signed(signer).Claims(c).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := signed(own.key, jose.ES256, claims("lock", nil))
	for _, c := range []struct{ name, id, assertion, want string }{
		{"its own", "lock", good, ""},
		{"the same again", "lock", good, "invalid_client"},
		{"without client_id", "", signed(own.key, jose.ES256, claims("lock", nil)), ""},
		{"for the token endpoint, among others", "lock", signed(own.key, jose.ES256, claims("lock", func(c map[string]any) { c["aud"] = []string{"x", testIssuer + "/token"} })), ""},
		{"another key", "lock", signed(other.key, jose.ES256, claims("lock", nil)), "invalid_client"},
		{"another audience", "lock", signed(own.key, jose.ES256, claims("lock", func(c map[string]any) { c["aud"] = "https://other.example" })), "invalid_client"},
		{"another client's name", "device-public", signed(own.key, jose.ES256, claims("lock", nil)), "invalid_client"},
		{"another issuer", "lock", signed(own.key, jose.ES256, claims("lock", func(c map[string]any) { c["iss"] = "device-public" })), "invalid_client"},
		{"too late", "lock", signed(own.key, jose.ES256, claims("lock", func(c map[string]any) { c["exp"] = clock.Now().Add(-2 * time.Minute).Unix() })), "invalid_client"},
		{"too early", "lock", signed(own.key, jose.ES256, claims("lock", func(c map[string]any) { c["nbf"] = clock.Now().Add(2 * time.Minute).Unix() })), "invalid_client"},
		{"good for ever", "lock", signed(own.key, jose.ES256, claims("lock", func(c map[string]any) { c["exp"] = clock.Now().Add(48 * time.Hour).Unix() })), "invalid_client"},
		{"without jti", "lock", signed(own.key, jose.ES256, claims("lock", func(c map[string]any) { delete(c, "jti") })), "invalid_client"},
		{"without exp", "lock", signed(own.key, jose.ES256, claims("lock", func(c map[string]any) { delete(c, "exp") })), "invalid_client"},
		{"a MAC with the public key's client", "lock", signed([]byte(secret+secret), jose.HS256, claims("lock", nil)), "invalid_client"},
		{"client_secret_jwt", "device-confidential", signed([]byte(secret), jose.HS256, claims("device-confidential", nil)), ""},
		{"no JWT", "lock", "e30.e30.", "invalid_client"},
	} {
		form := url.Values{"client_assertion_type": {assertionType}, "client_assertion": {c.assertion}}
		if c.id != "" {
			form.Set("client_id", c.id)
		}
		w := post(p, "/device_authorization", form.Encode())
		got, _ := members(t, w)["error"].(string)
		if got != c.want || (w.Code == http.StatusOK) != (c.want == "") {
			t.Errorf("%s: %d %q, want %q", c.name, w.Code, got, c.want)
		}
	}
	for name, body := range map[string]string{
		"a key, and no assertion": "client_id=lock",
		"a key, and a secret":     "client_id=lock&client_secret=x",
	} {
		if got := members(t, post(p, "/device_authorization", body))["error"]; got != "invalid_client" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestCertificates: a certificate authenticates its own client, and binds the tokens.
func TestCertificates(t *testing.T) {
	issued := func() *x509.Certificate {
		key := newProver(t).key
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "camera"}}
		der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	own, like := issued(), issued()
	p, _ := newTestIdP(t, func(c *Config) {
		c.Clients = append(c.Clients, Client{ID: "camera", Certificates: []*x509.Certificate{own}})
	})
	showing := func(c *x509.Certificate) func(*http.Request) {
		return func(r *http.Request) { r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}} }
	}
	for name, c := range map[string]struct {
		edit []func(*http.Request)
		want string
	}{
		"its own":                           {[]func(*http.Request){showing(own)}, ""},
		"another one with the same subject": {[]func(*http.Request){showing(like)}, "invalid_client"},
		"none":                              {nil, "invalid_client"},
	} {
		if got, _ := members(t, post(p, "/device_authorization", "client_id=camera", c.edit...))["error"].(string); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
