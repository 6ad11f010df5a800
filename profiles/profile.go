package profiles

import "time"

// Profile describes one target: where it is, who may talk to it, how its
// verification pages look, and what it is known to do differently. It is the
// resolved form: variables are expanded and secrets are read.
type Profile struct {
	// Name stands in file names and tables. Default: the shipped name, or the
	// file's name without its extension.
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	// BaseURL is the variable ${base_url}, usually all that a user has to set.
	// One slash at its end is removed, so that "${base_url}/token" is right
	// for either spelling.
	BaseURL string `yaml:"base_url"`
	// Vars are further variables for ${name} in any string of the profile. A
	// string that names an empty variable is empty as a whole.
	Vars map[string]string `yaml:"vars"`

	// Issuer is the issuer identifier that metadata must carry byte for byte
	// (RFC 8414 section 3.3). Empty: the target promises none.
	Issuer string `yaml:"issuer"`
	// IssuerRule is exact, or ignore where the metadata is known to carry
	// something else. Default exact.
	IssuerRule string `yaml:"issuer_rule"`
	// Discovery is "auto" (both well-known forms of the issuer), "off", or the
	// URL of the metadata document. Default: auto with an issuer, else off.
	Discovery string    `yaml:"discovery"`
	Endpoints Endpoints `yaml:"endpoints"`
	Clients   Clients   `yaml:"clients"`
	Users     Users     `yaml:"users"`
	// Scopes are requested by every flow that is not about scopes.
	Scopes []string `yaml:"scopes"`
	// ForbiddenScope exists, and Clients.Public may not have it.
	ForbiddenScope string `yaml:"forbidden_scope"`

	Request      Requests     `yaml:"request"`
	Responses    Responses    `yaml:"responses"`
	Expect       Expectations `yaml:"expect"`
	Verification Verification `yaml:"verification"`
	TLS          TLS          `yaml:"tls"`
	Limits       Limits       `yaml:"limits"`
	Capabilities Capabilities `yaml:"capabilities"`
	// Load is about load tests only.
	Load LoadTest `yaml:"load"`
	// Expiry is where the checks that wait for expiry go; nil: the same place
	// as everything else.
	Expiry *Expiry `yaml:"expiry"`
	// Tenant is a second tenant of the same server; nil: none is known.
	Tenant   *Tenant     `yaml:"tenant"`
	Baseline []Deviation `yaml:"baseline"`

	// Source is the file the profile was read from, or "builtin:NAME".
	Source string `yaml:"-"`
	// Dropped says which optional clients and users are not in this run, and
	// why: "clients.confidential: DEVICEGRANT_CLIENT_SECRET is not set".
	Dropped []string `yaml:"-"`

	// origins says where each key that is given stands, by its path.
	origins map[string]string
}

// Endpoints are absolute URLs. An empty one is looked up by discovery.
type Endpoints struct {
	DeviceAuthorization string `yaml:"device_authorization"`
	Token               string `yaml:"token"`
	Introspection       string `yaml:"introspection"`
	Revocation          string `yaml:"revocation"`
	UserInfo            string `yaml:"userinfo"`
	JWKS                string `yaml:"jwks"`
}

// Clients are the registered clients that a run uses.
type Clients struct {
	// Public polls in most scenarios. Required.
	Public *Client `yaml:"public"`
	// Second is another client that may use the grant.
	Second *Client `yaml:"second"`
	// Confidential has a secret.
	Confidential *Client `yaml:"confidential"`
	// NotAllowed is registered but not for the device grant.
	NotAllowed *Client `yaml:"not_allowed"`
	// Reserved has a secret, and reserved characters such as % or : in its id
	// or secret.
	Reserved *Client `yaml:"reserved"`
}

// Client is one registration.
type Client struct {
	ID string `yaml:"id"`
	// Name is what the decision page must call the client. Empty: not known,
	// and not looked for.
	Name   string  `yaml:"name"`
	Secret *Secret `yaml:"secret"`
	// Auth is how the client authenticates at the token endpoint. Default:
	// none without a secret, client_secret_basic with one.
	Auth ClientAuth `yaml:"auth"`
	// DeviceAuth is the same for the device authorization endpoint. Default: Auth.
	DeviceAuth ClientAuth `yaml:"device_auth"`
	// Scopes replace Profile.Scopes for this client.
	Scopes []string `yaml:"scopes"`
	// Optional leaves the client out of the run, instead of refusing the
	// profile, when its secret is not there.
	Optional bool `yaml:"optional"`
}

// ClientAuth is a client authentication method, by its registered name
// (RFC 7591 section 2).
type ClientAuth string

// The methods that the harness can use.
const (
	AuthNone  ClientAuth = "none"
	AuthBasic ClientAuth = "client_secret_basic"
	AuthPost  ClientAuth = "client_secret_post"
)

// Users are the people at the second screen.
type Users struct {
	First  *User `yaml:"first"`
	Second *User `yaml:"second"`
	// Third guesses user codes until it is held back. Absent: First does, after
	// everybody else.
	Third *User `yaml:"third"`
	// Wrong is refused by the login page. Absent: the target accepts any
	// password, and the failed-login checks are not applicable.
	Wrong *User `yaml:"wrong"`
}

// User is one account.
type User struct {
	Username Secret `yaml:"username" profile:"plain"`
	Password Secret `yaml:"password"`
	// Optional leaves the user out of the run, instead of refusing the
	// profile, when the name or the password is not there.
	Optional bool `yaml:"optional"`
}

// Requests are additions to the requests that every scenario sends.
type Requests struct {
	DeviceAuthorization Addition `yaml:"device_authorization"`
	Token               Addition `yaml:"token"`
}

// Addition is what one endpoint wants beyond RFC 8628.
type Addition struct {
	// ParamsIn is where the parameters go: body (default) or query. A client
	// secret never stands in a query.
	ParamsIn string `yaml:"params_in"`
	// Params and Headers are plain values, or secrets: {env: ...}. A parameter
	// that is a secret stands in no query.
	Params  map[string]Secret `yaml:"params" profile:"plain"`
	Headers map[string]Secret `yaml:"headers" profile:"plain"`
}

// Responses is how the target spells what RFC 8628 and RFC 6749 spell
// otherwise. The harness then understands its answers, so that one deviation
// does not hide the rest; the deviation itself is still reported, as known.
type Responses struct {
	// Format of the answers of both endpoints: json (default) or form.
	Format string `yaml:"format"`
	// Members are member names of answers, standard to the target's.
	Members map[string]string `yaml:"members"`
	// Errors are error codes, standard to the target's.
	Errors map[string]string `yaml:"errors"`
	// Statuses are HTTP statuses of answers with a standard error code, where
	// they are not those of RFC 6749 section 5.2.
	Statuses map[string]int `yaml:"statuses"`
}

// Expectations are values that the target's documentation gives. A difference
// is reported and fails nothing.
type Expectations struct {
	// ExpiresIn and Interval are those of the device authorization response.
	ExpiresIn time.Duration `yaml:"expires_in"`
	Interval  time.Duration `yaml:"interval"`
	// UserCode is a regular expression that matches the whole user code.
	UserCode string `yaml:"user_code"`
}

// TLS says how far the target's transport is trusted.
type TLS struct {
	// CAFile is a PEM file of roots to trust beside the system's.
	// Relative to the profile; Load makes it usable from the working directory.
	CAFile string `yaml:"ca_file"`
	// Insecure accepts any certificate. Reports say so.
	Insecure bool `yaml:"insecure"`
	// AllowHTTP accepts http URLs, for loopback servers; the https parts of
	// the checks are then not applicable.
	AllowHTTP bool `yaml:"allow_http"`
}

// Limits bound what a run does to the target.
type Limits struct {
	// Timeout is for one HTTP exchange. Default 15s.
	Timeout time.Duration `yaml:"timeout"`
	// Rate is the most requests per second to the API endpoints. Default 50.
	Rate float64 `yaml:"rate"`
	// DeviceAuthorizationPerMinute and TokenPerMinute are ceilings that the
	// target sets for one endpoint. Checks that need more are skipped. Default
	// 0: none is known.
	DeviceAuthorizationPerMinute int `yaml:"device_authorization_per_minute"`
	TokenPerMinute               int `yaml:"token_per_minute"`
	// Codes is how many codes are issued to look for repeated and for weak
	// ones. Default 100.
	Codes int `yaml:"codes"`
	// RefreshGrace is how long a refresh token may still work after it was
	// replaced. Default 65s.
	RefreshGrace time.Duration `yaml:"refresh_grace"`
	// Guesses is how many wrong user codes are typed in a row before the
	// absence of a limit is reported. Default 30.
	Guesses int `yaml:"guesses"`
	// GuessesStrict goes on to so many, and makes their absence a failure where
	// the codes are short. Default 0: the checks stop at Guesses.
	GuessesStrict int `yaml:"guesses_strict"`
	// RaceWidth is how many requests a race sends at the same moment, RaceRounds
	// how many fresh codes are raced for. Defaults 20 and 10.
	RaceWidth  int `yaml:"race_width"`
	RaceRounds int `yaml:"race_rounds"`
	// LoadDevices is how many devices poll at once in the checks under load.
	// Default 24.
	LoadDevices int `yaml:"load_devices"`
	// AllowLockouts permits checks that may lock an account or a client, such as a
	// wrong client secret.
	AllowLockouts bool `yaml:"allow_lockouts"`
}

// Capabilities say what the target can do where it cannot be seen. Nil means
// unknown: the run finds out or says that it could not.
type Capabilities struct {
	// Deny: the pages offer a way to refuse.
	Deny *bool `yaml:"deny"`
	// ScopeRequired: a device authorization request without scope is refused.
	ScopeRequired *bool `yaml:"scope_required"`
	// PKCE: code_challenge in the device authorization request is enforced.
	PKCE *bool `yaml:"pkce"`
	// DPoP: the token endpoint takes proofs (RFC 9449). Unknown: what
	// dpop_signing_alg_values_supported in the metadata says.
	DPoP *bool `yaml:"dpop"`
	// Resource is a resource indicator (RFC 8707) that Clients.Public may name
	// in the device authorization request. Empty: none is known.
	Resource string `yaml:"resource"`
	// AuthorizationDetails is the JSON text of a rich authorization request
	// (RFC 9396) that the target grants. Empty: none is known.
	AuthorizationDetails string `yaml:"authorization_details"`
}

// Expiry is a stand-in target whose codes live shortly: another client, since
// many servers set the lifetime per client, or other endpoints. An entry with
// no client whose endpoints are all empty is the same as none. The users are
// the same: some codes are approved there.
type Expiry struct {
	// Client is who asks there. Default: Clients.Public.
	Client *Client `yaml:"client"`
	// Endpoints replace Profile.Endpoints as a whole. All empty: the same.
	Endpoints Endpoints `yaml:"endpoints"`
}

// Tenant is another tenant of the same server (an organisation, a realm, a
// workspace), which must know nothing of the first one's clients, users and codes.
type Tenant struct {
	// Issuer is that of its metadata, from which the endpoints are discovered
	// that Endpoints leaves out.
	Issuer    string        `yaml:"issuer"`
	Endpoints Endpoints     `yaml:"endpoints"`
	Clients   TenantClients `yaml:"clients"`
	Users     TenantUsers   `yaml:"users"`
	// Guests says whether people of this tenant may decide in the first one.
	Guests *bool `yaml:"guests"`
}

// TenantClients are the clients of a second tenant.
type TenantClients struct {
	Public *Client `yaml:"public"`
}

// TenantUsers are the people of a second tenant.
type TenantUsers struct {
	First *User `yaml:"first"`
}

// Deviation is one entry of the baseline: something the target is known to do.
type Deviation struct {
	// Check is the requirement's id, for example ERR-01.
	Check string `yaml:"check"`
	// Code is the finding's code; empty: every finding of the check.
	Code string `yaml:"code"`
	// Expect is fail (default), warn, inconclusive or n/a.
	Expect string `yaml:"expect"`
	Reason string `yaml:"reason"`
	Link   string `yaml:"link"`
	// Until is the last day, in UTC, on which the entry holds: 2027-01-31.
	// Empty: for ever.
	Until string `yaml:"until"`

	// Line is where the entry stands in File, which is the profile's own or
	// that of LoadBaseline.
	Line int    `yaml:"-"`
	File string `yaml:"-"`
}

// Verification says how a person decides at this target.
type Verification struct {
	// Drivers are tried in order: browser, forms, hook, manual. Default:
	// browser, forms.
	Drivers []string `yaml:"drivers"`
	// Auto recognises by heuristics what no entry of Pages matches. Default true.
	Auto   *bool  `yaml:"auto"`
	Locale string `yaml:"locale"` // default en-US
	// CompleteParam is the query member of verification_uri_complete that
	// carries the user code. Default user_code.
	CompleteParam string `yaml:"complete_param"`
	// Consent says when a decision page is shown: always, first-time, never,
	// unknown (default). With never or unknown a deny journey submits no login
	// that could approve by itself.
	Consent string `yaml:"consent"`
	// Narrow is a scope that the person can refuse alone; nil: not known.
	Narrow *Narrow       `yaml:"narrow"`
	Limits JourneyLimits `yaml:"limits"`
	// ScopeLabels is what the decision page says in place of a scope's name.
	ScopeLabels map[string]string `yaml:"scope_labels"`
	Pages       []Page            `yaml:"pages"`
	Hook        *Hook             `yaml:"hook"`
}

// Narrow is how a person grants less than was asked for: the decision page has
// a box for this scope, ticked or to be ticked.
type Narrow struct {
	Scope string   `yaml:"scope"`
	Box   *Locator `yaml:"box"`
}

// JourneyLimits bound one journey.
type JourneyLimits struct {
	Step    time.Duration `yaml:"step"`    // one page to appear; default 10s
	Journey time.Duration `yaml:"journey"` // the whole journey; default 60s
	Pages   int           `yaml:"pages"`   // pages seen; default 12
}

// Page is how to recognise one page and what to do on it. Pages are tried in
// order; the first whose When matches wins.
type Page struct {
	// Role gives the page its meaning: code, code_confirm, identifier,
	// password, login, consent, interstitial, or an end: success, denied,
	// code_error, login_error, error.
	Role string `yaml:"role"`
	// When is a list of alternatives; within one, every key must hold.
	When []Match `yaml:"when" profile:"single"`
	// Do is for every page but consent and code_confirm, which have Approve
	// and Deny. A page without actions is driven by the heuristics of its role.
	Do      []Action `yaml:"do"`
	Approve []Action `yaml:"approve"`
	Deny    []Action `yaml:"deny" profile:"none=NoDeny"`
	// NoDeny says that this page offers no way to refuse; `deny: none` sets it too.
	NoDeny bool `yaml:"no_deny"`
	// HTTP corrects what the forms driver sends, where a script would fill
	// hidden fields: field name to value name or literal.
	HTTP *HTTPFill `yaml:"http"`

	Line int `yaml:"-"`
}

// Match is one set of conditions on a page.
type Match struct {
	CSS   string `yaml:"css"`   // a selector that matches an element
	ID    string `yaml:"id"`    // an element id, exact (it may hold a dot)
	Name  string `yaml:"name"`  // an element's name attribute
	URL   string `yaml:"url"`   // a glob with *
	Title string `yaml:"title"` // a regular expression
	Text  string `yaml:"text"`  // a regular expression on the visible text
	// Visible false allows the CSS, ID or Name element to be hidden. Default true.
	Visible *bool `yaml:"visible"`
}

// Locator names one element of a page. Exactly one of the first five is set.
type Locator struct {
	CSS    string `yaml:"css"`
	ID     string `yaml:"id"`
	Name   string `yaml:"name"`
	Label  string `yaml:"label"`  // the accessible name of a field, a regular expression
	Button string `yaml:"button"` // the accessible text of a button, a regular expression
	Nth    int    `yaml:"nth"`    // the n-th match, from 0
}

// Action is one act on a page: exactly one of Fill, Click, Check.
type Action struct {
	Fill  *Locator `yaml:"fill"`
	Click *Locator `yaml:"click"`
	Check *Locator `yaml:"check"`
	// With names the value of Fill: user_code, username, password. Values are
	// names, never literals, so no secret stands in a profile.
	With string `yaml:"with"`
	// All checks every match of Check instead of the first.
	All bool `yaml:"all"`
	// Optional goes on when the element is not there.
	Optional bool `yaml:"optional"`

	Line int `yaml:"-"`
}

// HTTPFill sets form fields in the forms driver.
type HTTPFill struct {
	Set     map[string]string `yaml:"set"`     // field: user_code | username | password | =literal
	Approve map[string]string `yaml:"approve"` // added when approving
	Deny    map[string]string `yaml:"deny"`    // added when denying
}

// Hook decides without pages: a command or an HTTP call. In every string
// {user_code}, {username}, {decision} (approve or deny) and
// {verification_uri} are replaced.
type Hook struct {
	// Command is run without a shell; exit status 0 means done. A program with
	// a slash in its name is relative to the profile.
	Command []string `yaml:"command"`
	// URL is called; any 2xx answer means done.
	URL    string `yaml:"url"`
	Method string `yaml:"method"` // default POST
	// Headers are plain values, or secrets: {env: ...}.
	Headers map[string]Secret `yaml:"headers" profile:"plain"`
	Body    string            `yaml:"body"`
}
