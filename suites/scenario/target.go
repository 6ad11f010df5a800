package scenario

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Target is where the conversations go: the profile's endpoints, completed from
// the target's metadata.
type Target struct {
	Issuer    string
	Endpoints profiles.Endpoints
	// Expiry is where the expiry scenario goes: the same endpoints, unless the
	// profile names an instance with short-lived codes.
	Expiry profiles.Endpoints
	// Refused are optional endpoints in the metadata whose origin the profile
	// does not know: a document must not choose who gets tokens.
	Refused []string
	// Metadata says which document completed the endpoints; "" if none.
	Metadata string
	// Simulation is the reference server's own statement of which server it
	// resembles, and how closely; "" for any other server.
	Simulation string
}

// simulationHeader is in every answer of the fake IdP's personalities.
const simulationHeader = "X-Devicegrant-Personality"

// maxSimulation bounds what a target says about itself.
const maxSimulation = 120

// TargetError says why no conversation is possible. It is reported once for the
// run and not once per check.
type TargetError struct {
	Cause string
	Hint  string
	// Failure is the transport failure behind it, if there was one.
	Failure *wire.Failure
}

func (e *TargetError) Error() string {
	if e.Hint == "" {
		return e.Cause
	}
	return e.Cause + "\n  hint: " + e.Hint
}

// MetadataURLs returns where an issuer's metadata may be: the form of RFC 8414
// section 3.1 (inserted before the issuer's path), the OpenID Connect form
// (appended), and the form of RFC 8414 section 5 for OpenID servers. For an
// issuer without a path there are two.
func MetadataURLs(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return nil
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	urls := []string{
		origin + "/.well-known/oauth-authorization-server" + path,
		origin + path + "/.well-known/openid-configuration",
	}
	if path != "" {
		urls = append(urls, origin+"/.well-known/openid-configuration"+path)
	}
	return urls
}

// metadataURLs is where this profile's metadata is looked for; none when
// discovery is off.
func metadataURLs(p *profiles.Profile) []string {
	switch p.Discovery {
	case "off":
		return nil
	case "auto", "":
		return MetadataURLs(p.Issuer)
	}
	return []string{p.Discovery}
}

// Resolve finds the target's endpoints and checks that something answers there.
// The error is a *[TargetError].
func Resolve(ctx context.Context, p *profiles.Profile, client *wire.Client) (Target, error) {
	t := Target{Issuer: p.Issuer, Endpoints: p.Endpoints}
	if t.Endpoints.DeviceAuthorization == "" || t.Endpoints.Token == "" {
		if err := t.discover(ctx, p, client); err != nil {
			return t, err
		}
	} else {
		t.lookFurther(ctx, p, client)
	}
	t.refuseForeign(p)
	t.Expiry = t.Endpoints
	if p.Expiry != nil {
		if e := p.Expiry.Endpoints; e.DeviceAuthorization != "" && e.Token != "" {
			t.Expiry = e
		}
	}
	// A GET without parameters changes nothing, and any HTTP answer will do.
	for _, endpoint := range []string{t.Endpoints.DeviceAuthorization, t.Endpoints.Token} {
		if x := client.Do(ctx, wire.Get("reachable", endpoint)); x.Failure != nil {
			return t, unreachable(endpoint, x.Failure)
		} else if said := x.Response.Header.Get(simulationHeader); said != "" {
			t.Simulation = said[:min(len(said), maxSimulation)]
		}
	}
	return t, nil
}

// discover fills in the endpoints that the profile leaves out.
func (t *Target) discover(ctx context.Context, p *profiles.Profile, client *wire.Client) error {
	var tried []string
	for _, address := range metadataURLs(p) {
		x := client.Do(ctx, wire.Get("metadata", address))
		if x.Failure != nil {
			return unreachable(address, x.Failure)
		}
		document, err := x.Object()
		switch {
		case x.Status != 200:
			tried = append(tried, fmt.Sprintf("%s answered %d", address, x.Status))
			continue
		case err != nil:
			tried = append(tried, fmt.Sprintf("%s: %v", address, err))
			continue
		}
		t.fill(document)
		if t.Endpoints.DeviceAuthorization != "" && t.Endpoints.Token != "" {
			t.Metadata = address
			t.lookFurther(ctx, p, client)
			return t.checkDiscovered(p)
		}
		tried = append(tried, fmt.Sprintf("%s names no device_authorization_endpoint or no token_endpoint", address))
	}
	return &TargetError{
		Cause: "discovery found no endpoints: " + strings.Join(tried, "; "),
		Hint:  "check issuer and base_url, or set endpoints.device_authorization and endpoints.token in the profile",
	}
}

// fill takes from a metadata document what the profile leaves out.
func (t *Target) fill(document wire.Object) {
	for _, e := range []struct {
		endpoint *string
		member   string
	}{
		{&t.Endpoints.DeviceAuthorization, "device_authorization_endpoint"},
		{&t.Endpoints.Token, "token_endpoint"},
		{&t.Endpoints.Introspection, "introspection_endpoint"},
		{&t.Endpoints.Revocation, "revocation_endpoint"},
		{&t.Endpoints.UserInfo, "userinfo_endpoint"},
		{&t.Endpoints.JWKS, "jwks_uri"},
	} {
		if value, _ := document.String(e.member); *e.endpoint == "" {
			*e.endpoint = value
		}
	}
	var aliases struct {
		DeviceAuthorization string `json:"device_authorization_endpoint"`
		Token               string `json:"token_endpoint"`
		Introspection       string `json:"introspection_endpoint"`
		Revocation          string `json:"revocation_endpoint"`
	}
	if json.Unmarshal(document.Raw("mtls_endpoint_aliases"), &aliases) == nil {
		t.Endpoints.MTLSDeviceAuthorization = cmp.Or(t.Endpoints.MTLSDeviceAuthorization, aliases.DeviceAuthorization)
		t.Endpoints.MTLSToken = cmp.Or(t.Endpoints.MTLSToken, aliases.Token)
		t.Endpoints.MTLSIntrospection = cmp.Or(t.Endpoints.MTLSIntrospection, aliases.Introspection)
		t.Endpoints.MTLSRevocation = cmp.Or(t.Endpoints.MTLSRevocation, aliases.Revocation)
	}
}

// lookFurther asks all metadata for the optional endpoints of a target whose two
// necessary ones are known: an OAuth document may leave out what the OpenID
// document names. It is no loss when there is none.
func (t *Target) lookFurther(ctx context.Context, p *profiles.Profile, client *wire.Client) {
	for _, address := range metadataURLs(p) {
		if e := t.Endpoints; address == t.Metadata || e.Introspection != "" && e.Revocation != "" && e.UserInfo != "" && e.JWKS != "" {
			continue
		}
		x := client.Do(ctx, wire.Get("metadata", address))
		if x.Failure != nil {
			return
		}
		if document, err := x.Object(); err == nil && x.Status == 200 {
			t.fill(document)
		}
	}
}

// refuseForeign drops discovered endpoints to which tokens and secrets would go.
func (t *Target) refuseForeign(p *profiles.Profile) {
	for _, e := range []struct {
		name    string
		given   string
		address *string
	}{
		{"introspection", p.Endpoints.Introspection, &t.Endpoints.Introspection},
		{"revocation", p.Endpoints.Revocation, &t.Endpoints.Revocation},
		{"userinfo", p.Endpoints.UserInfo, &t.Endpoints.UserInfo},
	} {
		if e.given == "" && *e.address != "" && !t.ownOrigin(p, *e.address) {
			t.Refused = append(t.Refused, fmt.Sprintf("the metadata names %q for %s, at another origin: to use it, set endpoints.%s in the profile", *e.address, e.name, e.name))
			*e.address = ""
		}
	}
}

// ownOrigin says that a URL is at an origin which the profile names: that of
// the issuer, of base_url, or of an endpoint in use.
func (t *Target) ownOrigin(p *profiles.Profile, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	for _, known := range []string{t.Issuer, p.BaseURL, t.Endpoints.DeviceAuthorization, t.Endpoints.Token} {
		if k, err := url.Parse(known); err == nil && k.Scheme == u.Scheme && k.Host == u.Host {
			return true
		}
	}
	return false
}

// checkDiscovered refuses discovered endpoints that must not be contacted.
func (t *Target) checkDiscovered(p *profiles.Profile) error {
	for _, endpoint := range []string{t.Endpoints.DeviceAuthorization, t.Endpoints.Token, t.Endpoints.MTLSDeviceAuthorization, t.Endpoints.MTLSToken,
		t.Endpoints.MTLSIntrospection, t.Endpoints.MTLSRevocation} {
		if endpoint == "" {
			continue // only the aliases may be absent
		}
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || (u.Scheme != "https" && (u.Scheme != "http" || !p.TLS.AllowHTTP)) {
			return &TargetError{
				Cause: fmt.Sprintf("the metadata at %s names the endpoint %q, which is not an https URL", t.Metadata, endpoint),
				Hint:  "for a loopback server without TLS, set tls.allow_http: true in the profile",
			}
		}
	}
	return nil
}

// WantsCertificate says that a handshake failed for want of a client certificate.
func WantsCertificate(f *wire.Failure) bool {
	return f != nil && (strings.Contains(f.Text, "tls: certificate required") || strings.Contains(f.Text, "tls: handshake failure"))
}

func unreachable(address string, f *wire.Failure) *TargetError {
	hint := map[wire.FailureKind]string{
		wire.FailRefused: "is the server running? --wait 60s waits until it has started",
		wire.FailDNS:     "check the host name in base_url",
		wire.FailTLS:     "to trust a private CA, set tls.ca_file in the profile (or tls.insecure: true for a throwaway server)",
		wire.FailTimeout: "the server accepts connections but does not answer; limits.timeout in the profile sets the limit",
	}[f.Kind]
	if WantsCertificate(f) {
		hint = "the server wants a client certificate: set tls.cert_file and tls.key_file in the profile"
	}
	return &TargetError{Cause: fmt.Sprintf("%s cannot be reached (%s)", address, f), Hint: hint, Failure: f}
}

// Await tries to resolve the target until it answers or patience is over, for a
// server that is still starting.
func Await(ctx context.Context, p *profiles.Profile, client *wire.Client, patience time.Duration) (Target, error) {
	deadline := time.Now().Add(patience)
	for {
		t, err := Resolve(ctx, p, client)
		if err == nil || !time.Now().Before(deadline) || ctx.Err() != nil {
			return t, err
		}
		timer := time.NewTimer(500 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return t, err
		}
	}
}
