package scenario

import (
	"maps"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

func tokenAuth(c *profiles.Client) profiles.ClientAuth {
	switch {
	case c.Auth != "":
		return c.Auth
	case c.Secret != nil:
		return profiles.AuthBasic
	}
	return profiles.AuthNone
}

func deviceAuth(c *profiles.Client) profiles.ClientAuth {
	if c.DeviceAuth != "" {
		return c.DeviceAuth
	}
	return tokenAuth(c)
}

// identifying is a form as the client sends it. One that authenticates with HTTP Basic
// names itself there: RFC 8628 section 3.1 asks for client_id only where a client
// does not authenticate, and some servers refuse both. A form with another id, or
// with two, is a probe and stays.
func identifying(form wire.Form, c *profiles.Client, method profiles.ClientAuth) wire.Form {
	if c.Secret == nil || method != profiles.AuthBasic || c.ClientIDInBody {
		return form
	}
	alone := form.Without("client_id")
	if len(form)-len(alone) != 1 || form.Get("client_id") != c.ID {
		return form
	}
	return alone
}

// authenticate adds a client's authentication to a form POST: a secret (RFC 6749
// section 2.3.1), an assertion (RFC 7523 section 2.2) or a certificate (RFC 8705
// section 2).
func (c *conversation) authenticate(r wire.Request, client *profiles.Client, method profiles.ClientAuth) wire.Request {
	switch {
	case method.Signs() && client.SigningKey() != nil:
		r.Complete = func(r wire.Request) wire.Request { return c.asserting(r, client, nil) }
	case method.IsTLS():
		r.Certificate = client.TLSCertificate()
	default:
		return withSecret(r, client, method)
	}
	return r
}

// withSecret adds a secret to a form POST.
func withSecret(r wire.Request, client *profiles.Client, method profiles.ClientAuth) wire.Request {
	if client.Secret == nil {
		return r
	}
	switch method {
	case profiles.AuthBasic:
		r.Header.Set("Authorization", wire.BasicAuth(client.ID, client.Secret.Reveal()))
	case profiles.AuthPost:
		r = appending(r, wire.Form{{Name: "client_secret", Value: client.Secret.Reveal()}})
	}
	return r
}

// appending adds parameters to the body.
func appending(r wire.Request, form wire.Form) wire.Request {
	more := form.Encode()
	if len(r.Body) > 0 {
		more = "&" + more
	}
	r.Body = append(r.Body[:len(r.Body):len(r.Body)], more...)
	return r
}

// tokenClient is the client of a scenario that needs tokens: the confidential one,
// since an introspection endpoint may keep silent about the tokens of others. Where
// the token endpoint refuses that client, the public one stands in.
//
// Labels: served/device, served/poll.
func (c *conversation) tokenClient() *profiles.Client {
	confidential, public := c.Profile.Clients.Confidential, c.Profile.Clients.Public
	if confidential == nil {
		return public
	}
	if public == nil || public.ID == confidential.ID {
		return confidential
	}
	d, err := c.issue(labels.Join(labels.Served, labels.Device), confidential)
	if err != nil || refusesClient(d.pollNow(labels.Join(labels.Served, labels.Poll))) {
		return public
	}
	return confidential
}

// refusesClient says that a token endpoint does not serve the client at all.
func refusesClient(x wire.Exchange) bool {
	return x.OAuthError() == "invalid_client" || x.OAuthError() == "unauthorized_client"
}

// otherClient is a client that may use the grant and is not the given one; nil
// when the profile has none.
func (c *conversation) otherClient(than *profiles.Client) *profiles.Client {
	for _, other := range []*profiles.Client{c.Profile.Clients.Second, c.Profile.Clients.Public, c.Profile.Clients.Confidential} {
		if other != nil && other.ID != than.ID {
			return other
		}
	}
	return nil
}

// scopesOf is what a client usually asks for.
func (c *conversation) scopesOf(client *profiles.Client) []string {
	if client.Scopes != nil {
		return client.Scopes
	}
	return c.Profile.Scopes
}

func joinScopes(scopes []string) string { return strings.Join(scopes, " ") }

func addParams(form wire.Form, extra map[string]profiles.Secret) wire.Form {
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		form = form.Set(name, extra[name].Reveal())
	}
	return form
}

func addHeaders(r wire.Request, extra map[string]profiles.Secret) {
	for name, value := range extra {
		r.Header.Set(name, value.Reveal())
	}
}
