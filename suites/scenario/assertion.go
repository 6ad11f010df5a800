package scenario

import (
	"cmp"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
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
