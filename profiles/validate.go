package profiles

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/profiles/totp"
)

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// validate checks the rules that the types cannot express.
func (d *document) validate(p *Profile) {
	if d.given("name") && !plainName.MatchString(p.Name) {
		d.reportAt("name", clip(p.Name)+" is not a name", "use letters, digits, dots, - and _: it is used in file names")
	}
	d.checkTarget(p)
	d.checkClients(p)
	d.checkUsers(p)
	d.checkScopes("scopes", p.Scopes)
	if s := p.ForbiddenScope; s != "" && !scopeToken.MatchString(s) {
		d.reportAt("forbidden_scope", clip(s)+" is not a single scope", "write one that the public client may not have")
	}
	d.checkAddition("request.device_authorization", p.Request.DeviceAuthorization, "client_id", "client_secret", "scope")
	d.checkAddition("request.token", p.Request.Token,
		"client_id", "client_secret", "grant_type", "device_code", "refresh_token")
	d.checkResponses(&p.Responses)
	d.checkExpectations(&p.Expect)
	d.checkLimits(p)
	d.checkExpiry(p)
	d.checkTenant(p)
	d.checkBaseline(p.Baseline)
	d.checkVerification(&p.Verification)
	d.checkCapabilities(&p.Capabilities)
	d.checkPlan("load.plan", &p.Load.Plan)
}

func (d *document) checkTarget(p *Profile) {
	d.checkURL("base_url", p.BaseURL, p)
	if u := d.checkURL("issuer", p.Issuer, p); u != nil && (u.RawQuery != "" || u.ForceQuery) {
		d.reportAt("issuer", "an issuer has no query", "")
	}
	d.checkEndpoints("endpoints", p.Endpoints, p)
	d.oneOf("issuer_rule", p.IssuerRule, issuerRules...)

	switch p.Discovery {
	case "off":
		if p.Endpoints.DeviceAuthorization == "" {
			d.requireEndpoint("endpoints.device_authorization")
		}
		if p.Endpoints.Token == "" {
			d.requireEndpoint("endpoints.token")
		}
	case "auto":
		if p.Issuer == "" {
			d.require("issuer", "discovery: auto needs it")
		}
	default:
		if !strings.Contains(p.Discovery, "://") {
			d.oneOf("discovery", p.Discovery, "auto", "off", "the URL of a metadata document")
			return
		}
		d.checkURL("discovery", p.Discovery, p)
	}
}

// requireEndpoint is silent if the issuer is broken, because that is then the
// cause.
func (d *document) requireEndpoint(path string) {
	if !d.troubled("issuer") && !d.troubled("discovery") && !d.mistyped("") {
		d.require(path, "give it, or an issuer to discover it from")
	}
}

// checkURL checks an absolute URL of the target; "" is valid. It returns nil
// for anything but a good URL. A problem of base_url is reported there, and not
// again at every URL that starts with it.
func (d *document) checkURL(path, text string, p *Profile) *url.URL {
	if strings.HasPrefix(text, p.BaseURL) && d.troubled("base_url") {
		return nil
	}
	u := d.checkAnyURL(path, text)
	if u != nil && u.Scheme == "http" && !p.TLS.AllowHTTP {
		d.reportAt(path, clip(text)+" is not https", "for a loopback server set tls.allow_http: true")
	}
	return u
}

// checkAnyURL checks an absolute http or https URL.
func (d *document) checkAnyURL(path, text string) *url.URL {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	hint := "write it as https://host/path"
	switch {
	case err != nil:
		d.reportAt(path, clip(text)+" is not a URL", hint)
	case u.Scheme != "http" && u.Scheme != "https":
		d.reportAt(path, clip(text)+" is not an http or https URL", hint)
	case u.Hostname() == "":
		d.reportAt(path, clip(text)+" has no host", hint)
	case u.Fragment != "":
		d.reportAt(path, clip(text)+" has a fragment", "remove the # and what follows it")
	case u.User != nil:
		d.reportAt(path, "the URL contains a user name or password", "put credentials into clients and users")
	default:
		return u
	}
	return nil
}

func (d *document) checkEndpoints(path string, e Endpoints, p *Profile) {
	d.checkURL(join(path, "device_authorization"), e.DeviceAuthorization, p)
	d.checkURL(join(path, "token"), e.Token, p)
	d.checkURL(join(path, "introspection"), e.Introspection, p)
	d.checkURL(join(path, "revocation"), e.Revocation, p)
	d.checkURL(join(path, "userinfo"), e.UserInfo, p)
	d.checkURL(join(path, "jwks"), e.JWKS, p)
}

func (d *document) checkClients(p *Profile) {
	ids := map[string]string{}
	for _, c := range p.Clients.all() {
		client := *c.entry
		if client == nil {
			continue
		}
		d.checkClient(c.path, client)
		if other := ids[client.ID]; other != "" && client.ID != "" {
			d.reportAt(join(c.path, "id"), fmt.Sprintf("%s is also %s", clip(client.ID), other), "the checks need two different clients")
		}
		ids[client.ID] = c.path
	}
	switch {
	case p.Clients.Public == nil:
		d.require("clients.public", "every run polls with this client")
	case p.Clients.Public.Optional:
		d.reportAt("clients.public.optional", "every run polls with this client: it cannot be optional", "")
	}
	for _, c := range p.Clients.all() {
		if client := *c.entry; client != nil && !client.Authenticates() && client.Auth == AuthNone && slices.Contains(withSecret, c.path) {
			d.require(join(c.path, "secret"), "write {env: DEVICEGRANT_CLIENT_SECRET}")
		}
	}
}

// withSecret are the clients whose purpose is their secret.
var withSecret = []string{"clients.confidential", "clients.reserved"}

func (d *document) checkClient(path string, c *Client) {
	if c.ID == "" {
		d.require(join(path, "id"), "")
	}
	d.checkScopes(join(path, "scopes"), c.Scopes)
	switch c.Audience {
	case "", "issuer", "token_endpoint", "endpoint":
	default:
		if u, err := url.Parse(c.Audience); err != nil || u.Scheme == "" {
			d.reportAt(join(path, "audience"), clip(c.Audience)+" is not a URL", "expected issuer, token_endpoint, endpoint or a URL")
		}
	}
	if c.Certificate != nil && c.Auth == AuthNone && c.DeviceAuth == AuthNone {
		d.reportAt(join(path, "certificate"), "no method of the client shows it", "write auth: tls_client_auth or self_signed_tls_client_auth")
	}
	authPath := join(path, "auth")
	d.checkAuth(authPath, c.Auth, c)
	if c.DeviceAuth != c.Auth {
		d.checkAuth(join(path, "device_auth"), c.DeviceAuth, c)
	}
}

func (d *document) checkAuth(path string, auth ClientAuth, c *Client) {
	d.oneOf(path, string(auth), string(AuthNone), string(AuthBasic), string(AuthPost), string(AuthSecretJWT), string(AuthPrivateKeyJWT), string(AuthTLS), string(AuthSelfSignedTLS))
	switch {
	case (auth == AuthBasic || auth == AuthPost || auth == AuthSecretJWT) && c.Secret == nil:
		d.reportAt(path, string(auth)+" needs a secret", "write secret: {env: DEVICEGRANT_CLIENT_SECRET}")
	case auth == AuthPrivateKeyJWT && c.Key == nil:
		d.reportAt(path, string(auth)+" needs a key", "write key: {file: key.pem}")
	case auth.IsTLS() && (c.Key == nil || c.Certificate == nil):
		d.reportAt(path, string(auth)+" needs a certificate and its key", "write certificate: {file: client.pem} and key: {file: client.key}")
	}
}

func (d *document) checkUsers(p *Profile) {
	for _, u := range p.Users.all() {
		user := *u.entry
		if user == nil {
			continue
		}
		d.checkUser(u.path, user)
	}
}

func (d *document) checkUser(path string, user *User) {
	if user.Username.IsZero() || user.Username.plain && user.Username.Reveal() == "" {
		d.require(join(path, "username"), "")
	}
	if user.Password.IsZero() {
		d.require(join(path, "password"), "write {env: DEVICEGRANT_PASSWORD}")
	}
}

// checkTOTP looks at a key, once it is read.
func (d *document) checkTOTP(path string, user *User) {
	if user.TOTP.Generate {
		d.reportAt(join(path, "totp"), "a random key makes no code that the server knows", "write {env: DEVICEGRANT_TOTP}")
		return
	}
	if key := user.TOTP.Reveal(); key != "" {
		if _, err := totp.Parse(key); err != nil {
			d.reportAt(join(path, "totp"), err.Error(), "give the key that the server shows when an authenticator app is set up")
		}
	}
}

// checkAccounts compares values that are only known after secrets are read.
func (d *document) checkAccounts(p *Profile) {
	first, second := p.Users.First, p.Users.Second
	if first != nil && second != nil && first.Username.Reveal() != "" && first.Username.Reveal() == second.Username.Reveal() {
		d.reportAt("users.second.username", "the same as users.first.username", "the checks need two different accounts")
	}
	for _, other := range []*User{first, second} {
		if third := p.Users.Third; third != nil && other != nil && third.Username.Reveal() != "" && third.Username.Reveal() == other.Username.Reveal() {
			d.reportAt("users.third.username", "the same as another user's", "this account may be locked for a while: leave it out, or use a separate account")
		}
	}
	wrong := p.Users.Wrong
	if first != nil && wrong != nil && first.Password.Reveal() != "" &&
		first.Username.Reveal() == wrong.Username.Reveal() && first.Password.Reveal() == wrong.Password.Reveal() {
		d.reportAt("users.wrong.password", "the same as users.first.password", "this login must be rejected: write {generate: true}")
	}
}

// scopeToken is RFC 6749 section 3.3.
var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`)

func (d *document) checkScopes(path string, scopes []string) {
	for i, scope := range scopes {
		at := fmt.Sprintf("%s.%d", path, i)
		if !scopeToken.MatchString(scope) && !d.troubled(at) {
			d.reportAt(at, clip(scope)+" is not a single scope", "write [one, two]")
		}
	}
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// ownHeaders are sent by devicegrant itself. Authorization is also where a
// literal secret might be.
var ownHeaders = []string{"authorization", "content-length", "content-type", "host"}

func (d *document) checkAddition(path string, a Addition, own ...string) {
	d.oneOf(join(path, "params_in"), a.ParamsIn, placements...)
	for name, value := range a.Params {
		if a.ParamsIn == "query" && !value.plain {
			d.reportAt(join(path, "params."+name), "a query cannot contain a secret", "leave params_in out, or send it as a header")
		}
		if slices.Contains(own, name) {
			d.reportAt(join(path, "params."+name), "devicegrant sends this parameter itself", "")
		}
	}
	for name, value := range a.Headers {
		at := join(path, "headers."+name)
		if slices.Contains(ownHeaders, strings.ToLower(name)) {
			d.reportAt(at, "devicegrant sends this header itself", "")
		}
		d.checkHeader(at, name, value)
	}
}

func (d *document) checkHeader(path, name string, value Secret) {
	if !headerName.MatchString(name) {
		d.reportAt(path, "not a header name", "")
	}
	if strings.ContainsAny(value.Reveal(), "\r\n\x00") {
		d.reportAt(path, "a header value must be one line", "")
	}
}

// maxGuesses is the upper limit for guesses.
const maxGuesses = 1000

func (d *document) checkLimits(p *Profile) {
	positive(d, "limits.timeout", p.Limits.Timeout)
	positive(d, "limits.rate", p.Limits.Rate)
	notNegative(d, "limits.device_authorization_per_minute", p.Limits.DeviceAuthorizationPerMinute)
	notNegative(d, "limits.token_per_minute", p.Limits.TokenPerMinute)
	notNegative(d, "limits.user_codes_per_minute", p.Limits.UserCodesPerMinute)
	positive(d, "limits.codes", p.Limits.Codes)
	positive(d, "limits.guesses", p.Limits.Guesses)
	if strict := p.Limits.GuessesStrict; strict < 0 || strict > 0 && strict < p.Limits.Guesses || strict > maxGuesses {
		d.reportAt("limits.guesses_strict", fmt.Sprintf("expected 0, or a number from limits.guesses to %d, found %d", maxGuesses, strict), "")
	}
	within(d, "limits.race_width", p.Limits.RaceWidth, 2, 64)
	within(d, "limits.race_rounds", p.Limits.RaceRounds, 1, 100)
	within(d, "limits.load_devices", p.Limits.LoadDevices, 8, 1000)
	within(d, "limits.repeat", p.Limits.Repeat, 0, MaxRepeat)
	positive(d, "limits.refresh_grace", p.Limits.RefreshGrace)
	v := p.Verification.Limits
	positive(d, "verification.limits.step", v.Step)
	positive(d, "verification.limits.journey", v.Journey)
	positive(d, "verification.limits.pages", v.Pages)
}

func (d *document) checkExpiry(p *Profile) {
	if p.Expiry == nil {
		return
	}
	if p.Expiry.Client != nil {
		d.checkClient("expiry.client", p.Expiry.Client)
	}
	e := p.Expiry.Endpoints
	d.checkEndpoints("expiry.endpoints", e, p)
	if e != (Endpoints{}) && e.DeviceAuthorization == "" {
		d.require("expiry.endpoints.device_authorization", "expiry.endpoints replace endpoints as a whole")
	}
	if e != (Endpoints{}) && e.Token == "" {
		d.require("expiry.endpoints.token", "expiry.endpoints replace endpoints as a whole")
	}
}

func (d *document) checkTenant(p *Profile) {
	t := p.Tenant
	if t == nil {
		return
	}
	if u := d.checkURL("tenant.issuer", t.Issuer, p); u != nil && (u.RawQuery != "" || u.ForceQuery) {
		d.reportAt("tenant.issuer", "an issuer has no query", "")
	}
	if t.Issuer != "" && t.Issuer == p.Issuer {
		d.reportAt("tenant.issuer", "the same as issuer", "the checks need two different tenants")
	}
	d.checkEndpoints("tenant.endpoints", t.Endpoints, p)
	if e := t.Endpoints; t.Issuer == "" && (e.DeviceAuthorization == "" || e.Token == "") {
		d.require("tenant.issuer", "give it, or device_authorization and token in tenant.endpoints")
	}
	if t.Clients.Public == nil {
		d.require("tenant.clients.public", "give a client of the second tenant")
	} else {
		d.checkClient("tenant.clients.public", t.Clients.Public)
	}
	if t.Users.First == nil {
		d.require("tenant.users.first", "give a user of the second tenant")
	} else {
		d.checkUser("tenant.users.first", t.Users.First)
	}
}

var checkID = regexp.MustCompile(`^[A-Z]+-\d\d$`)

func (d *document) checkBaseline(entries []Deviation) {
	type finding struct{ check, code string }
	first := map[finding]int{}
	for i, entry := range entries {
		path := fmt.Sprintf("baseline.%d", i)
		switch {
		case entry.Check == "":
			d.require(join(path, "check"), "")
		case !checkID.MatchString(entry.Check):
			d.reportAt(join(path, "check"), clip(entry.Check)+" is not a requirement id", "write an id such as ERR-01")
		}
		d.oneOf(join(path, "expect"), entry.Expect, "fail", "warn", "inconclusive", "n/a")
		if strings.TrimSpace(entry.Reason) == "" {
			d.require(join(path, "reason"), "say why the deviation is accepted")
		}
		if _, err := time.Parse(time.DateOnly, entry.Until); entry.Until != "" && err != nil {
			d.reportAt(join(path, "until"), clip(entry.Until)+" is not a date", "write it as 2027-01-31")
		}
		// A link may lead to a place in a page.
		page, _, _ := strings.Cut(entry.Link, "#")
		d.checkAnyURL(join(path, "link"), page)
		key := finding{entry.Check, entry.Code}
		if line, twice := first[key]; twice && entry.Check != "" {
			d.reportAt(path, fmt.Sprintf("duplicate entry for %s, first on line %d", entry.Check, line), "")
		}
		first[key] = entry.Line
	}
}

func (d *document) checkTLSFiles(p *Profile, readFile func(string) ([]byte, error)) {
	if p.TLS.CAFile != "" {
		text, err := readFile(p.TLS.CAFile)
		switch {
		case err != nil:
			d.reportAt("tls.ca_file", "cannot read it: "+err.Error(), "")
		case !x509.NewCertPool().AppendCertsFromPEM(text):
			d.reportAt("tls.ca_file", p.TLS.CAFile+" contains no PEM certificate", "")
		}
	}
	if p.TLS.CertFile == "" && p.TLS.KeyFile == "" {
		return
	}
	certificate, err := readFile(p.TLS.CertFile)
	if err != nil {
		d.reportAt("tls.cert_file", "cannot read it: "+err.Error(), "cert_file and key_file belong together")
		return
	}
	key, err := readFile(p.TLS.KeyFile)
	if err == nil {
		_, err = tls.X509KeyPair(certificate, key)
	}
	if err != nil {
		d.reportAt("tls.key_file", err.Error(), "cert_file and key_file belong together")
	}
}

// within reports a number out of range.
func within(d *document, path string, value, low, high int) {
	if (value < low || value > high) && !d.troubled(path) {
		d.reportAt(path, fmt.Sprintf("expected a number from %d to %d, found %d", low, high, value), "leave it out for the default")
	}
}

// notNegative reports a limit below zero, which means no limit.
func notNegative(d *document, path string, value int) {
	if value < 0 && !d.troubled(path) {
		d.reportAt(path, fmt.Sprintf("expected 0 or more, found %d", value), "leave it out if there is no limit")
	}
}

// positive reports a limit that is not above zero.
func positive[T int | float64 | time.Duration](d *document, path string, value T) {
	if value <= 0 && !d.troubled(path) {
		d.reportAt(path, fmt.Sprintf("expected more than zero, found %v", value), "leave it out for the default")
	}
}

// checkCapabilities rejects values that no target could accept.
func (d *document) checkCapabilities(c *Capabilities) {
	if u, err := url.Parse(c.Resource); c.Resource != "" && (err != nil || !u.IsAbs() || u.Fragment != "") {
		d.reportAt("capabilities.resource", clip(c.Resource)+" is not an absolute URI without a fragment", "RFC 8707 section 2 requires one")
	}
	var details []map[string]any
	if text := c.AuthorizationDetails; text != "" && json.Unmarshal([]byte(text), &details) != nil {
		d.reportAt("capabilities.authorization_details", "not a JSON array of objects", `write '[{"type": "..."}]'`)
	}
}
