package loadgen

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// grantType is that of a device access token request (section 3.4).
const grantType = "urn:ietf:params:oauth:grant-type:device_code"

// Site is the target of a run: its two endpoints and the form of their
// requests. [NewSite] returns one.
type Site struct {
	target                     Target
	deviceAuthorization, token *transport.Endpoint
	dialect                    *wire.Dialect // nil: as the RFCs spell their answers
	tls                        *tls.Config   // nil: verifies as usual
	redactor                   *redact.Redactor
}

// SiteOptions are optional facts about a target that are not in its profile.
type SiteOptions struct {
	// Issuer is the discovered one; "": the profile's.
	Issuer string
	// Simulated describes a target that is a simulation, for people; "": it is
	// real.
	Simulated string
	// TLS is used for HTTPS; nil verifies with the system's CA certificates.
	TLS *tls.Config
}

// NewSite prepares the requests of a profile's public client to the given
// endpoints. It fails without a public client, and for endpoints or headers
// that cannot be sent.
func NewSite(p *profiles.Profile, found profiles.Endpoints, o SiteOptions) (*Site, error) {
	client := p.Clients.Public
	if client == nil {
		return nil, errors.New("the profile has no clients.public, the client that the devices use")
	}
	for _, method := range []profiles.ClientAuth{client.Auth, client.DeviceAuth} {
		if method.Proves() {
			return nil, fmt.Errorf("load does not authenticate with %s: let clients.public be a public client or one with a secret", method)
		}
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
	s := &Site{tls: o.TLS, redactor: redact.New(p), dialect: wire.DialectOf(p.Responses.Format, p.Responses.Members, p.Responses.Errors)}
	var err error
	if s.deviceAuthorization, err = endpoint(found.DeviceAuthorization, ask, p.Request.DeviceAuthorization, client, client.DeviceAuth); err != nil {
		return nil, fmt.Errorf("endpoints.device_authorization: %w", err)
	}
	if s.token, err = endpoint(found.Token, poll, p.Request.Token, client, client.Auth); err != nil {
		return nil, fmt.Errorf("endpoints.token: %w", err)
	}
	s.target = Target{Name: p.Title, Profile: p.Name, Issuer: cmp.Or(o.Issuer, p.Issuer), Kind: "real", Token: found.Token, DeviceAuthorization: found.DeviceAuthorization}
	if o.Simulated != "" {
		s.target.Kind, s.target.Fidelity = "simulated", o.Simulated
	}
	return s, nil
}

// Target returns the site as named in results.
func (s *Site) Target() Target { return s.target }

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
			if !client.ClientIDInBody {
				form = form.Without("client_id")
			}
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

// loopback says that both endpoints are on this machine: by their address, or by
// all addresses that their name resolves to.
func (s *Site) loopback(resolve func(host string) []net.IPAddr) bool {
	for _, e := range []*transport.Endpoint{s.deviceAuthorization, s.token} {
		host := e.URL.Hostname()
		if host == "localhost" {
			continue
		}
		var addresses []net.IPAddr
		if ip := net.ParseIP(host); ip != nil {
			addresses = []net.IPAddr{{IP: ip}}
		} else {
			addresses = resolve(host)
		}
		if len(addresses) == 0 || slices.ContainsFunc(addresses, func(a net.IPAddr) bool { return !a.IP.IsLoopback() }) {
			return false
		}
	}
	return true
}

// lookUp resolves a name; nil: it does not resolve.
func lookUp(host string) []net.IPAddr {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil
	}
	return addresses
}
