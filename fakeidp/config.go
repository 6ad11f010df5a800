package fakeidp

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config configures the server, its clients and its users. A zero field means
// the default, so Config{} is a complete server for [NewServer].
type Config struct {
	// Issuer is the base of every URL in responses, for example
	// "https://127.0.0.1:8628" or, with a path, "https://host/orgs/acme". It is
	// never taken from the Host header of a request. [NewServer] and [Start]
	// fill it in; [New] requires it.
	Issuer string

	// Personality is the vendor's server to resemble, see [Personalities]. It
	// provides defaults for the other fields. Default [Strict].
	Personality string

	// Clients default to those of [DefaultConfig].
	Clients []Client
	// Users default to alice, bob and carol.
	Users []User
	// Tenants are more issuers below this one. Default: none.
	Tenants []Tenant
	// Scopes are all scopes of the server.
	Scopes []Scope
	// DefaultScopes are used if a request has no scope (RFC 6749 section 3.3).
	// Default: the first of Scopes that is not an OpenID Connect scope.
	DefaultScopes []string

	// DeviceCodeLifetime is expires_in of the device authorization response,
	// in whole seconds. Default 10 minutes.
	DeviceCodeLifetime time.Duration
	// Interval is the minimum time between two polls, in whole seconds. Default
	// 5 s.
	Interval time.Duration
	// ThrottleFirstPoll applies the interval to the first poll too, counted
	// from when the code was issued. Default: the first poll is never too
	// early.
	ThrottleFirstPoll bool
	// Tombstone is how long a code is remembered after its lifetime and gets
	// expired_token. Default 10 minutes.
	Tombstone time.Duration
	// AccessTokenLifetime defaults to 1 hour.
	AccessTokenLifetime time.Duration
	// RefreshTokenLifetime defaults to 24 hours from each rotation.
	RefreshTokenLifetime time.Duration
	// OmitInterval omits interval from the device authorization response, which
	// means 5 s to the device. It requires an Interval of at most 5 s.
	OmitInterval bool
	// OmitVerificationURIComplete omits verification_uri_complete.
	OmitVerificationURIComplete bool

	// UserCodeAlphabet are the characters of a user code, ASCII letters and
	// digits. Default "BCDFGHJKLMNPQRSTVWXZ" (RFC 8628 section 6.1).
	UserCodeAlphabet string
	// UserCodeLength does not count dashes. Default 8: 34.6 bits.
	UserCodeLength int

	// Consent says when the consent page is shown. Default [AskAlways].
	Consent Consent
	// LoginFirst asks for the login before the code. Default: the code first.
	LoginFirst bool
	// GuessesPerUser is how many wrong user codes one user, or one browser
	// session before the login, may enter per minute (RFC 8628 section 5.1).
	// Default 20, negative: no limit. Entries that cannot be a code, such as
	// ones that are too short, do not count.
	GuessesPerUser int
	// GuessesPerAddress is the same for one network address. Default 100.
	GuessesPerAddress int

	// TokenRequestsPerMinute is how many requests one client may send to the
	// token endpoint. Default: no limit, unless the personality has one.
	// Negative: no limit.
	TokenRequestsPerMinute int

	// Resources are the resource indicators that a device may name (RFC 8707).
	Resources []string
	// AuthorizationDetailTypes are the known types of rich authorization
	// requests (RFC 9396).
	AuthorizationDetailTypes []string

	// PollHistory is how many polls are remembered per code. Default 64,
	// negative: none.
	PollHistory int

	// Clock defaults to a [RateClock] that runs at ClockRate.
	Clock Clock
	// ClockRate is how many target seconds pass per real second. Default 1.
	ClockRate float64

	// TLS serves HTTPS with a self-signed certificate, valid for loopback names
	// and the host of the issuer.
	TLS bool
	// CertFile and KeyFile serve HTTPS with this PEM certificate and key.
	CertFile, KeyFile string

	// Faults are switched on at start, for all clients, by ID or name. See
	// [Faults].
	Faults []string
}

// Client is one registered client.
type Client struct {
	ID string
	// Name is the client's name on the consent page. Default: the ID.
	Name string
	// Public clients have no secret. The others authenticate at every endpoint,
	// with client_secret_basic or client_secret_post.
	Public bool
	// Secret of a confidential client. Default: a random one, shared by all
	// clients without one that have no keys and no certificates.
	Secret string
	// Keys are public keys: the client authenticates with private_key_jwt and in no
	// other way.
	Keys []crypto.PublicKey
	// Certificates are the client's own: it authenticates with
	// self_signed_tls_client_auth and in no other way, which needs TLS. Its access
	// tokens are bound to the certificate (RFC 8705 section 3).
	Certificates []*x509.Certificate
	// Scopes are those that it may request. Default: all.
	Scopes []string
	// NoDeviceGrant registers the client without the device grant.
	NoDeviceGrant bool
	// DeviceCodeLifetime replaces [Config.DeviceCodeLifetime] for this client.
	DeviceCodeLifetime time.Duration
}

// hasKeys says that the client authenticates without a secret.
func (c *Client) hasKeys() bool { return len(c.Keys)+len(c.Certificates) > 0 }

// User is one account. Name is the user name and the subject of tokens.
type User struct {
	Name string
	// Password defaults to a random one.
	Password string
	// DisplayName is the name claim. Default: the Name.
	DisplayName string
	// Email is the email claim. Default: Name@example.test.
	Email string
}

// Scope is one scope value and its text on the consent page.
type Scope struct {
	Name        string
	Description string
}

// Consent says whether a user who already granted the same scopes to the same
// client is asked again.
type Consent string

const (
	// AskAlways asks for every code.
	AskAlways Consent = "always"
	// SkipGranted treats a typed code as consent if the user granted all the
	// scopes to that client before. A code from verification_uri_complete
	// always needs consent, because nobody typed it.
	SkipGranted Consent = "skip-granted"
)

// DefaultConfig returns the configuration of the built-in server, without
// secrets: [Config.Normalize] generates them.
//
//   - device-public, device-second: public clients.
//   - device-confidential: Basic or post; only it may request demo:admin.
//   - device-expiring: public, with a code lifetime of 20 seconds.
//   - no-device: confidential, not allowed to use the device grant.
//   - "device:100% a+b": confidential, with an id that HTTP Basic must encode.
//
// A second tenant at /orgs/beta has the public client beta-device and the user
// dora.
func DefaultConfig() Config {
	ordinary := []string{"openid", "profile", "email", "offline_access", "demo:read", "demo:write"}
	return Config{
		Clients: []Client{
			{ID: "device-public", Name: "Living Room TV", Public: true, Scopes: ordinary},
			{ID: "device-second", Name: "Kitchen Display", Public: true, Scopes: ordinary},
			{ID: "device-confidential", Name: "Meeting Room Screen"},
			{ID: "device-expiring", Name: "Impatient Printer", Public: true, Scopes: ordinary,
				DeviceCodeLifetime: 20 * time.Second},
			{ID: "no-device", Name: "Batch Job", Scopes: ordinary, NoDeviceGrant: true},
			{ID: "device:100% a+b", Name: "Oddly Named Screen", Scopes: ordinary},
		},
		Users: []User{
			{Name: "alice", DisplayName: "Alice Adams"},
			{Name: "bob", DisplayName: "Bob Brown"},
			{Name: "carol", DisplayName: "Carol Clark"},
		},
		Tenants: []Tenant{{
			Path:    "/orgs/beta",
			Clients: []Client{{ID: "beta-device", Name: "Lobby Screen", Public: true, Scopes: ordinary}},
			Users:   []User{{Name: "dora", DisplayName: "Dora Dean"}},
		}},
		Scopes: []Scope{
			{"openid", "Know who you are"},
			{"profile", "See your name"},
			{"email", "See your email address"},
			{"offline_access", "Stay connected while you are away"},
			{"demo:read", "Read your demo data"},
			{"demo:write", "Change your demo data"},
			{"demo:admin", "Administer the demo service"},
		},
		DefaultScopes:            []string{"demo:read"},
		Resources:                []string{"https://api.demo.test/"},
		AuthorizationDetailTypes: []string{"demo_access"},
		DeviceCodeLifetime:       10 * time.Minute,
		Interval:                 5 * time.Second,
		Tombstone:                10 * time.Minute,
		AccessTokenLifetime:      time.Hour,
		RefreshTokenLifetime:     24 * time.Hour,
		UserCodeAlphabet:         "BCDFGHJKLMNPQRSTVWXZ",
		UserCodeLength:           8,
		Consent:                  AskAlways,
		GuessesPerUser:           20,
		GuessesPerAddress:        100,
		PollHistory:              64,
		ClockRate:                1,
	}
}

// Normalize returns the configuration with defaults filled in and with random
// values for missing secrets and passwords, or an error if it is invalid. It
// does not change the receiver.
func (c Config) Normalize() (Config, error) {
	c.fillDefaults()
	for _, check := range []func() error{
		c.checkIssuer, c.checkScopes, c.checkClients, c.checkUsers, c.checkTenants, c.checkTimes, c.checkRest,
	} {
		if err := check(); err != nil {
			return Config{}, fmt.Errorf("fakeidp: %w", err)
		}
	}
	return c, nil
}

func (c *Config) fillDefaults() {
	d := DefaultConfig()
	if w, err := findPersonality(c.Personality); err == nil && w.configure != nil {
		w.configure(c)
	}
	c.Clients = orDefault(c.Clients, d.Clients)
	c.Users = orDefault(c.Users, d.Users)
	c.Resources = orDefault(c.Resources, d.Resources)
	c.AuthorizationDetailTypes = orDefault(c.AuthorizationDetailTypes, d.AuthorizationDetailTypes)
	if len(c.Scopes) == 0 {
		c.DefaultScopes = orDefault(c.DefaultScopes, d.DefaultScopes)
	}
	c.Scopes = orDefault(c.Scopes, d.Scopes)
	if len(c.DefaultScopes) == 0 {
		c.DefaultScopes = []string{firstOwnScope(c.Scopes)}
	}
	setDefault(&c.DeviceCodeLifetime, d.DeviceCodeLifetime)
	setDefault(&c.Interval, d.Interval)
	setDefault(&c.Tombstone, d.Tombstone)
	setDefault(&c.AccessTokenLifetime, d.AccessTokenLifetime)
	setDefault(&c.RefreshTokenLifetime, d.RefreshTokenLifetime)
	setDefault(&c.UserCodeAlphabet, d.UserCodeAlphabet)
	setDefault(&c.UserCodeLength, d.UserCodeLength)
	setDefault(&c.Consent, d.Consent)
	setDefault(&c.GuessesPerUser, d.GuessesPerUser)
	setDefault(&c.GuessesPerAddress, d.GuessesPerAddress)
	setDefault(&c.PollHistory, d.PollHistory)
	setDefault(&c.ClockRate, d.ClockRate)
	secret := rand.Text() + rand.Text() // long enough for client_secret_jwt
	for i := range c.Clients {
		client := &c.Clients[i]
		setDefault(&client.Name, client.ID)
		setDefault(&client.DeviceCodeLifetime, c.DeviceCodeLifetime)
		if len(client.Scopes) == 0 {
			for _, s := range c.Scopes {
				client.Scopes = append(client.Scopes, s.Name)
			}
		}
		if !client.Public && !client.hasKeys() {
			setDefault(&client.Secret, secret)
		}
	}
	for i := range c.Users {
		user := &c.Users[i]
		setDefault(&user.Password, rand.Text())
		setDefault(&user.DisplayName, user.Name)
		setDefault(&user.Email, user.Name+"@example.test")
	}
}

// orDefault copies, so that filling in secrets does not reach the caller.
func orDefault[T any](given, otherwise []T) []T {
	if len(given) == 0 {
		return slices.Clone(otherwise)
	}
	return slices.Clone(given)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// firstOwnScope returns the first scope without a meaning in OpenID Connect.
func firstOwnScope(scopes []Scope) string {
	for _, s := range scopes {
		if !slices.Contains([]string{"openid", "profile", "email", "offline_access"}, s.Name) {
			return s.Name
		}
	}
	return scopes[0].Name
}

func (c *Config) checkIssuer() error {
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" ||
		u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("issuer %q is not an absolute http or https URL without query and fragment", c.Issuer)
	}
	if strings.HasSuffix(c.Issuer, "/") {
		return fmt.Errorf("issuer %q must not end in a slash", c.Issuer)
	}
	if strings.ContainsAny(u.Path, "{}") {
		return fmt.Errorf("issuer %q must not contain braces", c.Issuer)
	}
	return nil
}

func (c *Config) checkScopes() error {
	known := map[string]bool{}
	for _, s := range c.Scopes {
		if !isScopeToken(s.Name) {
			return fmt.Errorf("scope %q is not a scope token (RFC 6749 section 3.3)", s.Name)
		}
		if known[s.Name] {
			return fmt.Errorf("scope %q is listed twice", s.Name)
		}
		known[s.Name] = true
	}
	for _, s := range c.DefaultScopes {
		if !known[s] {
			return fmt.Errorf("default scope %q is not among the scopes", s)
		}
	}
	for _, client := range c.Clients {
		for _, s := range client.Scopes {
			if !known[s] {
				return fmt.Errorf("scope %q of client %q is not among the scopes", s, client.ID)
			}
		}
	}
	return nil
}

func (c *Config) checkClients() error {
	known := map[string]bool{}
	for _, client := range c.Clients {
		switch {
		case client.ID == "" || !isVisible(client.ID):
			return fmt.Errorf("client id %q must consist of visible ASCII characters", client.ID)
		case known[client.ID]:
			return fmt.Errorf("client %q is listed twice", client.ID)
		case client.Public && (client.Secret != "" || client.hasKeys()):
			return fmt.Errorf("client %q is public but has a secret, keys or certificates", client.ID)
		case client.Secret != "" && client.hasKeys() || len(client.Keys) > 0 && len(client.Certificates) > 0:
			return fmt.Errorf("client %q has more than one of secret, keys and certificates", client.ID)
		case !isVisible(client.Secret):
			return fmt.Errorf("the secret of client %q must consist of visible ASCII characters", client.ID)
		}
		known[client.ID] = true
	}
	return nil
}

func (c *Config) checkUsers() error {
	known := map[string]bool{}
	for _, user := range c.Users {
		if user.Name == "" {
			return errors.New("a user needs a name")
		}
		if known[user.Name] {
			return fmt.Errorf("user %q is listed twice", user.Name)
		}
		known[user.Name] = true
	}
	return nil
}

func (c *Config) checkTimes() error {
	lifetimes := map[string]time.Duration{
		"device code lifetime":   c.DeviceCodeLifetime,
		"interval":               c.Interval,
		"access token lifetime":  c.AccessTokenLifetime,
		"refresh token lifetime": c.RefreshTokenLifetime,
		"tombstone":              c.Tombstone,
	}
	for _, client := range c.Clients {
		lifetimes["device code lifetime of "+client.ID] = client.DeviceCodeLifetime
	}
	for what, d := range lifetimes {
		if d <= 0 || d%time.Second != 0 {
			return fmt.Errorf("%s %v is not a positive number of whole seconds", what, d)
		}
	}
	if c.OmitInterval && c.Interval > 5*time.Second {
		return fmt.Errorf("interval %v cannot be omitted: a device would assume 5s", c.Interval)
	}
	if !(c.ClockRate > 0 && c.ClockRate <= maxRate) {
		return fmt.Errorf("clock rate %v is not between 0 and %d", c.ClockRate, maxRate)
	}
	return nil
}

func (c *Config) checkRest() error {
	if c.Consent != AskAlways && c.Consent != SkipGranted {
		return fmt.Errorf("consent %q is neither %q nor %q", c.Consent, AskAlways, SkipGranted)
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("a certificate file and a key file must be given together")
	}
	if c.TLS && c.CertFile != "" {
		return errors.New("a self-signed certificate and a certificate file cannot be combined")
	}
	_, err := newUserCodes(c.UserCodeAlphabet, c.UserCodeLength)
	return err
}

// Client returns the client with that ID.
func (c Config) Client(id string) (Client, bool) {
	i := slices.IndexFunc(c.Clients, func(client Client) bool { return client.ID == id })
	if i < 0 {
		return Client{}, false
	}
	return c.Clients[i], true
}

// User returns the user with that name.
func (c Config) User(name string) (User, bool) {
	i := slices.IndexFunc(c.Users, func(user User) bool { return user.Name == name })
	if i < 0 {
		return User{}, false
	}
	return c.Users[i], true
}

// secure reports whether browsers reach the server over HTTPS.
func (c *Config) secure() bool { return strings.HasPrefix(c.Issuer, "https:") }
