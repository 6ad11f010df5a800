package profiles

import (
	"crypto/tls"
	"time"

	"github.com/devicegrant/devicegrant/profiles/clientkey"
)

// Profile describes one target: where it is, which clients and users may use
// it, how its verification pages work, and its known deviations. It is the
// resolved form: variables are expanded and secrets are read.
type Profile struct {
	// Name is used in file names and tables. Default: the name of the shipped
	// profile, or the file's name without its extension.
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	// BaseURL is the variable ${base_url}, usually the only one that you need
	// to set. One trailing slash is removed, so "${base_url}/token" is right
	// for either spelling.
	BaseURL string `yaml:"base_url"`
	// Vars are more variables for ${name} in any string of the profile. A
	// string that uses an empty variable is empty as a whole.
	Vars map[string]string `yaml:"vars"`

	// Issuer is the issuer identifier that the metadata must contain, byte for
	// byte (RFC 8414 section 3.3). Empty: the target has none.
	Issuer string `yaml:"issuer"`
	// IssuerRule is exact, or ignore if the metadata is known to state another
	// issuer. Default exact.
	IssuerRule string `yaml:"issuer_rule"`
	// Discovery is "auto" (both well-known locations of the issuer), "off", or
	// the URL of the metadata document. Default: auto with an issuer, otherwise
	// off.
	Discovery string    `yaml:"discovery"`
	Endpoints Endpoints `yaml:"endpoints"`
	Clients   Clients   `yaml:"clients"`
	Users     Users     `yaml:"users"`
	// Scopes are requested by every flow that does not test scopes.
	Scopes []string `yaml:"scopes"`
	// ForbiddenScope exists, but Clients.Public may not have it.
	ForbiddenScope string `yaml:"forbidden_scope"`

	Request      Requests     `yaml:"request"`
	Responses    Responses    `yaml:"responses"`
	Expect       Expectations `yaml:"expect"`
	Verification Verification `yaml:"verification"`
	TLS          TLS          `yaml:"tls"`
	Limits       Limits       `yaml:"limits"`
	Capabilities Capabilities `yaml:"capabilities"`
	// Load is used by load tests only.
	Load LoadTest `yaml:"load"`
	// Expiry is the target of the checks that wait until a code expires; nil:
	// the same as for all other checks.
	Expiry *Expiry `yaml:"expiry"`
	// Tenant is a second tenant of the same server; nil: none is known.
	Tenant   *Tenant     `yaml:"tenant"`
	Baseline []Deviation `yaml:"baseline"`

	// Source is the file that the profile was read from, or "builtin:NAME".
	Source string `yaml:"-"`
	// Dropped lists the optional clients and users that are not in this run,
	// each with the reason: "clients.confidential: DEVICEGRANT_CLIENT_SECRET is
	// not set".
	Dropped []string `yaml:"-"`

	// origins maps the path of each given key to the place where it was set.
	origins map[string]string
}

// Endpoints are absolute URLs. Discovery looks up the empty ones.
type Endpoints struct {
	DeviceAuthorization string `yaml:"device_authorization"`
	Token               string `yaml:"token"`
	Introspection       string `yaml:"introspection"`
	Revocation          string `yaml:"revocation"`
	UserInfo            string `yaml:"userinfo"`
	JWKS                string `yaml:"jwks"`
	// The endpoints with MTLS are where clients go that authenticate with a
	// certificate (mtls_endpoint_aliases of RFC 8705 section 5). Default: those of the
	// metadata, or else the endpoints above.
	MTLSDeviceAuthorization string `yaml:"mtls_device_authorization"`
	MTLSToken               string `yaml:"mtls_token"`
	MTLSIntrospection       string `yaml:"mtls_introspection"`
	MTLSRevocation          string `yaml:"mtls_revocation"`
}

// Clients are the registered clients that a run uses.
type Clients struct {
	// Public polls in most scenarios. Required.
	Public *Client `yaml:"public"`
	// Second is another client that may use the device grant.
	Second *Client `yaml:"second"`
	// Confidential has a secret.
	Confidential *Client `yaml:"confidential"`
	// NotAllowed is registered but may not use the device grant.
	NotAllowed *Client `yaml:"not_allowed"`
	// Reserved has a secret, and reserved characters such as % or : in its id
	// or secret.
	Reserved *Client `yaml:"reserved"`
	// Keyed authenticates with an assertion or a certificate, for the checks of
	// these. Default: confidential, if it does so.
	Keyed *Client `yaml:"keyed"`
}

// Client is one registered client.
type Client struct {
	ID string `yaml:"id"`
	// Name is the client's name on the consent page. Empty: not known, and not
	// checked.
	Name   string  `yaml:"name"`
	Secret *Secret `yaml:"secret"`
	// Auth is how the client authenticates at the token endpoint. Default:
	// private_key_jwt with a key, client_secret_basic with a secret, else none.
	Auth ClientAuth `yaml:"auth"`
	// DeviceAuth is the same for the device authorization endpoint. Default: Auth.
	DeviceAuth ClientAuth `yaml:"device_auth"`
	// Key is a private key of the client, as PEM or JWK, for private_key_jwt or
	// with Certificate. KeyID is the kid of its assertions (default: that of the JWK,
	// or none), and Alg their algorithm (default: the usual one for the key; with
	// client_secret_jwt HS256).
	Key   *Secret `yaml:"key"`
	KeyID string  `yaml:"key_id"`
	Alg   string  `yaml:"alg"`
	// Audience is the aud of assertions: issuer (default), token_endpoint, endpoint
	// (the one that the request goes to) or a URL. Servers differ.
	Audience string `yaml:"audience"`
	// Certificate is the PEM certificate of Key, with its chain, for tls_client_auth
	// and self_signed_tls_client_auth.
	Certificate *Secret `yaml:"certificate"`
	// ClientIDInBody repeats the client's id in the body beside HTTP Basic, for a
	// server that needs it. Default: a client names itself in the header only.
	ClientIDInBody bool `yaml:"client_id_in_body"`
	// Scopes replace Profile.Scopes for this client.
	Scopes []string `yaml:"scopes"`
	// Optional leaves the client out of the run if its secret is missing.
	// Otherwise a missing secret is an error.
	Optional bool `yaml:"optional"`

	// signing and certificate are what Key, Secret and Certificate come to.
	signing     *clientkey.Key
	certificate *tls.Certificate
}

// ClientAuth is a client authentication method, by its registered name
// (RFC 7591 section 2).
type ClientAuth string

// The methods that devicegrant can use: of RFC 6749 section 2.3.1, of OpenID Connect
// Core section 9 with RFC 7523, and of RFC 8705 section 2.
const (
	AuthNone          ClientAuth = "none"
	AuthBasic         ClientAuth = "client_secret_basic"
	AuthPost          ClientAuth = "client_secret_post"
	AuthSecretJWT     ClientAuth = "client_secret_jwt"
	AuthPrivateKeyJWT ClientAuth = "private_key_jwt"
	AuthTLS           ClientAuth = "tls_client_auth"
	AuthSelfSignedTLS ClientAuth = "self_signed_tls_client_auth"
)

// Signs says that the client authenticates with a signed assertion.
func (a ClientAuth) Signs() bool { return a == AuthSecretJWT || a == AuthPrivateKeyJWT }

// Proves says that the client authenticates with more than a secret in the request.
func (a ClientAuth) Proves() bool { return a.Signs() || a.IsTLS() }

// IsTLS says that the client authenticates with its certificate.
func (a ClientAuth) IsTLS() bool { return a == AuthTLS || a == AuthSelfSignedTLS }

// Users are the test accounts of end users.
type Users struct {
	First  *User `yaml:"first"`
	Second *User `yaml:"second"`
	// Third guesses user codes until the server limits it. Absent: First
	// guesses, after all other checks.
	Third *User `yaml:"third"`
	// Wrong must be rejected by the login page. Absent: the target accepts any
	// password, and the failed-login checks are not applicable.
	Wrong *User `yaml:"wrong"`
}

// User is one account.
type User struct {
	Username Secret `yaml:"username" profile:"plain"`
	Password Secret `yaml:"password"`
	// TOTP makes the codes of the account's authenticator app, where the login asks
	// for one: the base32 secret, or the otpauth:// URL of the QR code.
	TOTP Secret `yaml:"totp"`
	// Optional leaves the user out of the run if one of these is missing. Otherwise that is an error.
	Optional bool `yaml:"optional"`
}

// Requests are additions to the requests that every scenario sends.
type Requests struct {
	DeviceAuthorization Addition `yaml:"device_authorization"`
	Token               Addition `yaml:"token"`
}

// Addition is what one endpoint requires beyond RFC 8628.
type Addition struct {
	// ParamsIn is where the parameters go: body (default) or query. A client
	// secret never goes in a query.
	ParamsIn string `yaml:"params_in"`
	// Params and Headers are plain values, or secrets: {env: ...}. A secret
	// parameter cannot go in a query.
	Params  map[string]Secret `yaml:"params" profile:"plain"`
	Headers map[string]Secret `yaml:"headers" profile:"plain"`
}

// Responses says where the target's responses differ from RFC 8628 and RFC
// 6749. devicegrant then understands them, so that one deviation does not hide
// the rest. The deviation itself is still reported, as known.
type Responses struct {
	// Format of the responses of both endpoints: json (default) or form.
	Format string `yaml:"format"`
	// Members maps standard member names to the target's.
	Members map[string]string `yaml:"members"`
	// Errors maps standard error codes to the target's.
	Errors map[string]string `yaml:"errors"`
	// Statuses maps error codes to the HTTP statuses of their responses, where
	// these differ from RFC 6749 section 5.2.
	Statuses map[string]int `yaml:"statuses"`
}

// Expectations are values from the target's documentation. A difference is
// reported but fails nothing.
type Expectations struct {
	// ExpiresIn and Interval are those of the device authorization response.
	ExpiresIn time.Duration `yaml:"expires_in"`
	Interval  time.Duration `yaml:"interval"`
	// UserCode is a regular expression that matches the whole user code.
	UserCode string `yaml:"user_code"`
}

// TLS says how much the target's transport is trusted.
type TLS struct {
	// CAFile is a PEM file of CA certificates to trust in addition to the
	// system's. In the file, the path is relative to the profile; Load makes it
	// relative to the working directory.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are PEM files of a certificate with its key, for a target or
	// a gate in front of it that lets nobody in without one. Clients with a
	// certificate of their own show that one. Paths are as in CAFile. Chromium shows
	// none: the forms driver does.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// Insecure accepts any certificate. Reports say so.
	Insecure bool `yaml:"insecure"`
	// AllowHTTP accepts http URLs, for servers on loopback; the HTTPS checks
	// are then not applicable.
	AllowHTTP bool `yaml:"allow_http"`
}

// Limits bound what a run does to the target.
type Limits struct {
	// Timeout of one HTTP exchange. Default 15s.
	Timeout time.Duration `yaml:"timeout"`
	// Rate is the maximum number of requests per second to the endpoints.
	// Default 50.
	Rate float64 `yaml:"rate"`
	// DeviceAuthorizationPerMinute and TokenPerMinute are the target's own
	// limits for one endpoint. Checks that need more are skipped. Default 0: no
	// known limit.
	DeviceAuthorizationPerMinute int `yaml:"device_authorization_per_minute"`
	TokenPerMinute               int `yaml:"token_per_minute"`
	// UserCodesPerMinute is how many user codes the target lets its end users
	// type, from one address or account. Default 0: no known limit. A run that
	// meets one finds its pace.
	UserCodesPerMinute int `yaml:"user_codes_per_minute"`
	// Codes is how many codes to obtain when looking for repeated and weak
	// ones. Default 100.
	Codes int `yaml:"codes"`
	// RefreshGrace is how long a refresh token may still work after it was
	// replaced. Default 65s.
	RefreshGrace time.Duration `yaml:"refresh_grace"`
	// Guesses is how many wrong user codes to enter in a row before reporting
	// that there is no limit. Default 30.
	Guesses int `yaml:"guesses"`
	// GuessesStrict goes on to this number of wrong codes; if there is still no
	// limit and the codes are short, the check fails. Default 0: the checks
	// stop at Guesses.
	GuessesStrict int `yaml:"guesses_strict"`
	// RaceWidth is how many requests a race sends at once; RaceRounds is how
	// many rounds it has, each with a fresh code. Defaults 20 and 10.
	RaceWidth  int `yaml:"race_width"`
	RaceRounds int `yaml:"race_rounds"`
	// LoadDevices is how many devices poll at once in the load checks. Default
	// 24.
	LoadDevices int `yaml:"load_devices"`
	// Repeat is how many ordinary grants are made, ten at a time, for the rate of
	// what goes wrong only now and then, at most [MaxRepeat]. Default 4.
	Repeat int `yaml:"repeat"`
	// AllowLockouts allows checks that may lock an account or a client, such as
	// wrong client secrets.
	AllowLockouts bool `yaml:"allow_lockouts"`
}

// MaxRepeat bounds Limits.Repeat.
const MaxRepeat = 1000

// Capabilities say what cannot be seen from outside. Nil means unknown: the run
// finds out, or says that it could not.
type Capabilities struct {
	// Deny: the pages have a way to deny.
	Deny *bool `yaml:"deny"`
	// ScopeRequired: the server rejects a device authorization request without
	// a scope.
	ScopeRequired *bool `yaml:"scope_required"`
	// PKCE: the server enforces a code_challenge in the device authorization
	// request.
	PKCE *bool `yaml:"pkce"`
	// DPoP: the token endpoint accepts DPoP proofs (RFC 9449). Unknown:
	// dpop_signing_alg_values_supported in the metadata decides.
	DPoP *bool `yaml:"dpop"`
	// Resource is a resource indicator (RFC 8707) that Clients.Public may use
	// in the device authorization request. Empty: none is known.
	Resource string `yaml:"resource"`
	// AuthorizationDetails is the JSON text of a rich authorization request
	// (RFC 9396) that the target grants. Empty: none is known.
	AuthorizationDetails string `yaml:"authorization_details"`
}

// Expiry is a substitute target with short-lived codes: another client, because
// many servers set the lifetime per client, or other endpoints. An entry
// without a client and without endpoints counts as absent. The users are the
// same: some codes are approved there.
type Expiry struct {
	// Client requests the codes. Default: Clients.Public.
	Client *Client `yaml:"client"`
	// Endpoints replace Profile.Endpoints as a whole. All empty: the same
	// endpoints.
	Endpoints Endpoints `yaml:"endpoints"`
}

// Tenant is another tenant of the same server (an organization, a realm, a
// workspace). It must not know the clients, users and codes of the first.
type Tenant struct {
	// Issuer is the issuer of its metadata, which provides the endpoints that
	// Endpoints omits.
	Issuer    string        `yaml:"issuer"`
	Endpoints Endpoints     `yaml:"endpoints"`
	Clients   TenantClients `yaml:"clients"`
	Users     TenantUsers   `yaml:"users"`
	// Guests says whether users of this tenant may decide in the first one.
	Guests *bool `yaml:"guests"`
}

// TenantClients are the clients of a second tenant.
type TenantClients struct {
	Public *Client `yaml:"public"`
}

// TenantUsers are the users of a second tenant.
type TenantUsers struct {
	First *User `yaml:"first"`
}

// Deviation is one entry of the baseline: a known deviation of the target.
type Deviation struct {
	// Check is the requirement's id, for example ERR-01.
	Check string `yaml:"check"`
	// Code is the finding's code; empty: all findings of the check.
	Code string `yaml:"code"`
	// Expect is fail (default), warn, inconclusive or n/a.
	Expect string `yaml:"expect"`
	Reason string `yaml:"reason"`
	Link   string `yaml:"link"`
	// Until is the entry's last day, in UTC: 2027-01-31. Empty: no last day.
	Until string `yaml:"until"`

	// Line is the position of the entry in File: the profile, or the file given
	// to LoadBaseline.
	Line int    `yaml:"-"`
	File string `yaml:"-"`
}

// Verification says how the end user decides at this target.
type Verification struct {
	// Drivers are tried in order: browser, forms, hook, manual. Default:
	// browser, forms.
	Drivers []string `yaml:"drivers"`
	// Auto uses heuristics for pages that match no entry of Pages. Default
	// true.
	Auto   *bool  `yaml:"auto"`
	Locale string `yaml:"locale"` // default en-US
	// CompleteParam is the query parameter of verification_uri_complete that
	// contains the user code. Default user_code.
	CompleteParam string `yaml:"complete_param"`
	// Consent says when the consent page is shown: always, first-time, never,
	// unknown (default). With never or unknown, a journey that denies submits
	// no login, because logging in might approve.
	Consent string `yaml:"consent"`
	// Narrow is a scope that the end user can deselect; nil: not known.
	Narrow *Narrow       `yaml:"narrow"`
	Limits JourneyLimits `yaml:"limits"`
	// ScopeLabels is what the consent page shows instead of a scope's name.
	ScopeLabels map[string]string `yaml:"scope_labels"`
	Pages       []Page            `yaml:"pages"`
	Hook        *Hook             `yaml:"hook"`
}

// Narrow is how the end user grants less than was requested: the consent page
// has a checkbox for this scope.
type Narrow struct {
	Scope string   `yaml:"scope"`
	Box   *Locator `yaml:"box"`
}

// JourneyLimits bound one journey of the end user.
type JourneyLimits struct {
	Step    time.Duration `yaml:"step"`    // timeout for one page to appear; default 10s
	Journey time.Duration `yaml:"journey"` // timeout for the whole journey; default 60s
	Pages   int           `yaml:"pages"`   // maximum number of pages; default 12
}

// Page says how to recognize one page and what to do on it. Pages are tried in
// order; the first whose When matches is used.
type Page struct {
	// Role gives the page its meaning: code, code_confirm, identifier,
	// password, login, mfa, consent, interstitial, or an end: success, denied,
	// code_error, login_error, error.
	Role string `yaml:"role"`
	// When is a list of alternatives; within one, all conditions must hold.
	When []Match `yaml:"when" profile:"single"`
	// Do is for all roles except consent and code_confirm, which have Approve
	// and Deny. On a page without actions, the heuristics for its role decide.
	Do      []Action `yaml:"do"`
	Approve []Action `yaml:"approve"`
	Deny    []Action `yaml:"deny" profile:"none=NoDeny"`
	// NoDeny says that this page has no way to deny; `deny: none` means the
	// same.
	NoDeny bool `yaml:"no_deny"`
	// HTTP corrects what the forms driver sends where a script would fill
	// hidden fields: field name to value name or literal.
	HTTP *HTTPFill `yaml:"http"`

	Line int `yaml:"-"`
}

// Match is one set of conditions on a page.
type Match struct {
	CSS   string `yaml:"css"`   // a selector that matches an element
	ID    string `yaml:"id"`    // an element id, exact (it may contain a dot)
	Name  string `yaml:"name"`  // an element's name attribute
	URL   string `yaml:"url"`   // a glob with *
	Title string `yaml:"title"` // a regular expression
	Text  string `yaml:"text"`  // a regular expression on the visible text
	// Visible false allows the CSS, ID or Name element to be hidden. Default true.
	Visible *bool `yaml:"visible"`
}

// Locator finds one element of a page. Exactly one of the first five is set.
type Locator struct {
	CSS    string `yaml:"css"`
	ID     string `yaml:"id"`
	Name   string `yaml:"name"`
	Label  string `yaml:"label"`  // the accessible name of a field, a regular expression
	Button string `yaml:"button"` // the accessible text of a button, a regular expression
	Nth    int    `yaml:"nth"`    // the n-th match, from 0
}

// Action is one action on a page: exactly one of Fill, Click, Check.
type Action struct {
	Fill  *Locator `yaml:"fill"`
	Click *Locator `yaml:"click"`
	Check *Locator `yaml:"check"`
	// With names the value of Fill: user_code, username, password, totp. These are
	// names, never literals, so a profile contains no secret.
	With string `yaml:"with"`
	// All checks every match of Check instead of the first, or fills every match of
	// Fill with its part of the code.
	All bool `yaml:"all"`
	// Optional continues if the element is missing.
	Optional bool `yaml:"optional"`

	Line int `yaml:"-"`
}

// HTTPFill sets form fields in the forms driver.
type HTTPFill struct {
	Set     map[string]string `yaml:"set"`     // field: user_code | username | password | =literal
	Approve map[string]string `yaml:"approve"` // added when approving
	Deny    map[string]string `yaml:"deny"`    // added when denying
}

// Hook decides without pages: a command or an HTTP call. In every string,
// {user_code}, {username}, {decision} (approve or deny) and {verification_uri}
// are replaced.
type Hook struct {
	// Command runs without a shell. Exit status 0 means that the server accepted
	// the decision, 117 that it refused the code, 118 that it refused the login;
	// any other, that the hook failed. A program with a slash in its name is
	// relative to the profile.
	Command []string `yaml:"command"`
	// URL is called. A 2xx response means that the server accepted the decision,
	// 477 that it refused the code, 478 that it refused the login; any other, that
	// the hook failed.
	URL    string `yaml:"url"`
	Method string `yaml:"method"` // default POST
	// Headers are plain values, or secrets: {env: ...}.
	Headers map[string]Secret `yaml:"headers" profile:"plain"`
	Body    string            `yaml:"body"`
}
