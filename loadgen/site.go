package loadgen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// grantType is that of a device access token request (section 3.4).
const grantType = "urn:ietf:params:oauth:grant-type:device_code"

// Site is the target of a run: two endpoints, and how they want to be asked.
type Site struct {
	Target                     Target
	DeviceAuthorization, Token *transport.Endpoint
	// Dialect is how the target spells its answers; nil: as the RFCs do.
	Dialect *wire.Dialect
	// TLS is used for https; nil verifies as usual.
	TLS *tls.Config
	// Redactor knows the profile's secrets.
	Redactor *redact.Redactor
}

// NewSite prepares the requests of a profile's public client to endpoints that
// were found.
func NewSite(p *profiles.Profile, found profiles.Endpoints, t *tls.Config) (*Site, error) {
	client := p.Clients.Public
	if client == nil {
		return nil, errors.New("the profile has no clients.public, which the devices are")
	}
	scopes := client.Scopes
	if scopes == nil {
		scopes = p.Scopes
	}
	ask := wire.Form{{Name: "client_id", Value: client.ID}}
	if len(scopes) > 0 {
		ask = ask.Add("scope", strings.Join(scopes, " "))
	}
	poll := wire.Form{{Name: "grant_type", Value: grantType}, {Name: "device_code", Value: ""}, {Name: "client_id", Value: client.ID}}
	s := &Site{TLS: t, Redactor: redact.New(p), Dialect: wire.DialectOf(p.Responses.Format, p.Responses.Members, p.Responses.Errors)}
	var err error
	if s.DeviceAuthorization, err = endpoint(found.DeviceAuthorization, ask, p.Request.DeviceAuthorization, client, client.DeviceAuth); err != nil {
		return nil, fmt.Errorf("endpoints.device_authorization: %w", err)
	}
	if s.Token, err = endpoint(found.Token, poll, p.Request.Token, client, client.Auth); err != nil {
		return nil, fmt.Errorf("endpoints.token: %w", err)
	}
	s.Target = Target{Name: p.Title, Profile: p.Name, Issuer: p.Issuer, Kind: "real", Token: found.Token, DeviceAuthorization: found.DeviceAuthorization}
	return s, nil
}

// endpoint prepares one of them. The form's device_code, if it has one, is the
// place of the code.
func endpoint(address string, form wire.Form, wants profiles.Addition, client *profiles.Client, auth profiles.ClientAuth) (*transport.Endpoint, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(wants.Params)) {
		form = form.Set(name, wants.Params[name].Reveal())
	}
	e := &transport.Endpoint{URL: u, Query: wants.ParamsIn == "query"}
	header := map[string]string{"Content-Type": wire.FormType, "Accept": "application/json", "User-Agent": "devicegrant (load)"}
	secret := ""
	if client.Secret != nil {
		switch auth {
		case profiles.AuthBasic:
			header["Authorization"] = wire.BasicAuth(client.ID, client.Secret.Reveal())
		case profiles.AuthPost:
			secret = wire.Form{{Name: "client_secret", Value: client.Secret.Reveal()}}.Encode()
		}
	}
	for name, value := range wants.Headers {
		header[name] = value.Reveal()
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		e.Headers = append(e.Headers, transport.Header{Name: name, Value: header[name]})
	}
	// An empty code marks its place.
	before, after, found := form, wire.Form(nil), false
	for i, param := range form {
		if param.Name == "device_code" {
			before, after, found = form[:i], form[i+1:], true
		}
	}
	e.Form.Before = before.Encode()
	if found {
		e.Form.Before = strings.TrimPrefix(e.Form.Before+"&device_code=", "&")
		if len(after) > 0 {
			e.Form.After = "&" + after.Encode()
		}
	}
	switch {
	case secret == "":
	case e.Query:
		e.Body = secret // a secret never stands in a query
	case found:
		e.Form.After += "&" + secret
	default:
		e.Form.Before += "&" + secret
	}
	return e, e.Prepare()
}

// Loopback says that both endpoints are on this machine, whatever a name
// resolves to elsewhere.
func (s *Site) Loopback() bool {
	for _, e := range []*transport.Endpoint{s.DeviceAuthorization, s.Token} {
		host := e.URL.Hostname()
		ip := net.ParseIP(host)
		if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}
