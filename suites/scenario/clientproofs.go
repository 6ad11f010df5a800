package scenario

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// clientProofs presents assertions (RFC 7523 section 3) that a server must refuse, or
// another certificate than the client's (RFC 8705 section 2), at each endpoint where
// the client proves itself so. What is the client's own comes first.
//
// Labels: control/keyed; token/control, token/first and token/again (the same
// assertion); proof/first, proof/again; proof/NAME, control/after; token/NAME.
func clientProofs(c *conversation) error {
	client := c.Profile.Clients.Proving()
	if client == nil {
		return absent("the profile has no client that authenticates with an assertion or a certificate")
	}
	d, err := c.issue(labels.ControlKeyed, client)
	if err != nil {
		return err
	}
	atDevice := func(label string) wire.Request {
		return post(label, c.Target.Endpoints.DeviceAuthorizationOf(deviceAuth(client)), c.deviceForm(client), c.Profile.Request.DeviceAuthorization)
	}
	atToken := func(label string) wire.Request {
		return post(label, d.tokenEndpoint, c.tokenForm(client, d.deviceCode), c.Profile.Request.Token)
	}
	if deviceAuth(client).Signs() {
		first := c.asserting(atDevice(labels.Join(labels.Proof, labels.First)), client, nil)
		c.send(first)
		first.Label = labels.Join(labels.Proof, labels.Again)
		c.send(first)
	}
	if tokenAuth(client).Proves() {
		if _, err := d.poll(labels.TokenControl); err != nil {
			return err
		}
	}
	if tokenAuth(client).Signs() {
		first := c.asserting(atToken(labels.Join(labels.Token, labels.First)), client, nil)
		if _, err := d.askPaced(first); err != nil {
			return err
		}
		first.Label = labels.Join(labels.Token, labels.Again)
		d.question(first)
	}
	// A server may lock a client that somebody else tries to be.
	if err := c.last(); err != nil {
		return err
	}
	if method := deviceAuth(client); method.Proves() {
		if err := c.misprove(labels.Proof, method, client, atDevice, c.send); err != nil {
			return err
		}
		c.send(c.deviceRequest(labels.ControlAfter, client, c.deviceForm(client)))
	}
	if method := tokenAuth(client); method.Proves() {
		return c.misprove(labels.Token, method, client, atToken, d.question)
	}
	return nil
}

// misprove sends a request that the client has not authenticated with each proof that
// is not good for it.
func (c *conversation) misprove(prefix string, method profiles.ClientAuth, client *profiles.Client, request func(label string) wire.Request, send func(wire.Request) wire.Exchange) error {
	imposter, err := c.imposterFor(client, method)
	if err != nil {
		return err
	}
	if method.IsTLS() {
		r := request(labels.Join(prefix, labels.OtherCertificate))
		r.Certificate = imposter.TLSCertificate()
		send(r)
		return nil
	}
	bent := func(name string, as *profiles.Client, change func(claims map[string]any)) {
		r := request(labels.Join(prefix, name))
		r.Complete = func(r wire.Request) wire.Request { return c.asserting(r, as, change) }
		send(r)
	}
	now := c.Clock.Wall()
	bent(labels.WrongKey, imposter, nil)
	unsigned := request(labels.Join(prefix, labels.NoSignature))
	unsigned.Complete = func(r wire.Request) wire.Request {
		return withAssertion(r, withoutSignature(c.assertionClaims(client, r.URL)))
	}
	send(unsigned)
	bent(labels.Expired, client, func(claims map[string]any) {
		claims["iat"], claims["exp"] = now.Add(-25*time.Hour).Unix(), now.Add(-24*time.Hour).Unix()
	})
	bent(labels.NotYet, client, func(claims map[string]any) { claims["nbf"] = now.Add(24 * time.Hour).Unix() })
	bent(labels.OtherAudience, client, func(claims map[string]any) {
		claims["aud"] = "https://" + c.random.word(12) + ".example.org/"
	})
	if other := c.otherClient(client); other != nil {
		bent(labels.OtherClient, client, func(claims map[string]any) { claims["iss"], claims["sub"] = other.ID, other.ID })
	}
	return nil
}

// withoutSignature is an unsecured JWT (RFC 7519 section 6).
func withoutSignature(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		return ""
	}
	return strings.Join([]string{base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)), base64.RawURLEncoding.EncodeToString(payload), ""}, ".")
}
