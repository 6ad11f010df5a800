package fakeidp

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The paths of the server, below the path of the issuer.
const (
	pathDeviceAuthorization = "/device_authorization"
	pathToken               = "/token"
	pathDevice              = "/device"
	pathLogin               = "/login"
	pathConsent             = "/consent"
	pathIntrospection       = "/introspect"
	pathRevocation          = "/revoke"
	pathUserInfo            = "/userinfo"
	pathJWKS                = "/jwks"

	wellKnownOAuth  = "/.well-known/oauth-authorization-server"
	wellKnownOpenID = "/.well-known/openid-configuration"
)

// IdP is an authorization server in memory. It is an [http.Handler] for the
// public endpoints and pages; [IdP.Control] is the handler for tests. It starts
// no goroutines. It is safe for concurrent use.
type IdP struct {
	config    Config
	clock     Clock
	basePath  string
	mux       *http.ServeMux
	signer    *signer
	userCodes userCodes
	// ways are those of the personality.
	ways      *personality
	templates *template.Template
	clients   map[string]*Client
	users     map[string]*User
	// tenants are servers of their own, mounted below this one.
	tenants []*IdP

	grants        *store[*grant] // by device code
	byUserCode    *store[*grant] // by user code in its normal form
	accessTokens  *store[*accessToken]
	refreshTokens *store[*refreshToken]
	sessions      *store[*session]
	guesses       *guessLimiter
	consents      consents
	csrf          *http.CrossOriginProtection
	proofs        *proofs

	// faults is nil as long as no fault is switched on.
	faults   atomic.Pointer[active]
	faultsMu sync.Mutex
	// assertions are the client assertions that were used, by client and jti, with
	// the time until which they matter.
	assertions *store[time.Time]
	// plays are the scripts that run, by client; nil as long as none was given.
	plays atomic.Pointer[map[string]*play]
}

// New returns a server for the configuration, after [Config.Normalize].
func New(config Config) (*IdP, error) {
	odd, names, err := startFaults(&config)
	if err != nil {
		return nil, err
	}
	if config, err = config.Normalize(); err != nil {
		return nil, err
	}
	issuer, err := url.Parse(config.Issuer)
	if err != nil {
		return nil, err
	}
	ways, err := findPersonality(config.Personality)
	if err != nil {
		return nil, err
	}
	p := &IdP{
		ways:      ways,
		templates: templatesOf(ways),
		config:    config,
		clock:     config.Clock,
		basePath:  strings.TrimSuffix(issuer.EscapedPath(), "/"),
		clients:   make(map[string]*Client, len(config.Clients)),
		users:     make(map[string]*User, len(config.Users)),
		grants:    newStore(grantForgotten), byUserCode: newStore(grantForgotten),
		accessTokens:  newStore((*accessToken).dead),
		refreshTokens: newStore((*refreshToken).dead),
		sessions:      newStore((*session).dead),
		csrf:          http.NewCrossOriginProtection(),
	}
	p.assertions = newStore(func(until, now time.Time) bool { return now.After(until) })
	if p.clock == nil {
		p.clock = NewRateClock(config.ClockRate)
	}
	if p.signer, err = newSigner(); err != nil {
		return nil, fmt.Errorf("fakeidp: %w", err)
	}
	if p.userCodes, err = newUserCodes(config.UserCodeAlphabet, config.UserCodeLength); err != nil {
		return nil, fmt.Errorf("fakeidp: %w", err)
	}
	p.userCodes.plain, p.userCodes.exact = ways.plainCodes, ways.exactCodes
	for i := range config.Clients {
		p.clients[config.Clients[i].ID] = &config.Clients[i]
	}
	for i := range config.Users {
		p.users[config.Users[i].Name] = &config.Users[i]
	}
	// A proxy may have changed the Host that an Origin is compared with.
	if err := p.csrf.AddTrustedOrigin(issuer.Scheme + "://" + issuer.Host); err != nil {
		return nil, fmt.Errorf("fakeidp: %w", err)
	}
	p.guesses = newGuessLimiter(p.clock)
	p.proofs = newProofs()
	if len(odd) > 0 {
		p.faults.Store(&active{names: map[string][]string{"": names}, sum: map[string]behaviour{"": sum(odd)}})
	}
	if err := p.addTenants(); err != nil {
		return nil, err
	}
	p.routes()
	return p, nil
}

func (p *IdP) routes() {
	p.mux = http.NewServeMux()
	handle := func(path string, h http.HandlerFunc) { p.mux.HandleFunc(p.basePath+path, h) }
	handle(pathDeviceAuthorization, p.deviceAuthorization)
	handle(pathToken, p.token)
	handle(pathIntrospection, p.introspection)
	handle(pathRevocation, p.revocation)
	handle(pathUserInfo, p.userInfo)
	handle(pathDevice, p.page(p.showEntry, p.enterCode))
	handle(pathLogin, p.page(p.showLogin, p.login))
	handle(pathConsent, p.page(p.showConsent, p.decide))

	p.mountTenants()

	handle(pathJWKS, document(p.signer.public))
	metadata := document(p.metadataDocument())
	handle(wellKnownOpenID, metadata)
	handle(wellKnownOAuth, metadata)
	if p.basePath != "" {
		// RFC 8414 section 3.1 inserts the well-known part before the path of
		// the issuer, OpenID Connect appends it.
		p.mux.HandleFunc(wellKnownOAuth+p.basePath, metadata)
		p.mux.HandleFunc(wellKnownOpenID+p.basePath, metadata)
	}
}

// ServeHTTP serves the public endpoints and pages.
func (p *IdP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a := p.faults.Load(); a != nil || p.ways != strict || p.plays.Load() != nil {
		p.serveOddly(a, w, r)
		return
	}
	p.mux.ServeHTTP(w, r)
}

// Config returns the effective configuration, with its defaults and with the
// generated secrets and passwords. Do not change it.
func (p *IdP) Config() Config { return p.config }

// Personality returns the vendor's server that this one resembles.
func (p *IdP) Personality() Personality { return p.ways.Personality }

// Issuer returns the issuer in metadata and ID tokens.
func (p *IdP) Issuer() string { return p.issuer() }

// VerificationURI returns where the end user enters a code.
func (p *IdP) VerificationURI() string { return p.url(pathDevice) }

// Clock returns the server's clock. Unless the configuration has one, it is a
// [*RateClock].
func (p *IdP) Clock() Clock { return p.clock }

// Approve grants the scopes to the device for the user, as if the user had gone
// through the pages. The code is the user code, in any spelling that the page
// accepts, or the device code. Without scopes, all requested ones are granted.
func (p *IdP) Approve(code, user string, scopes ...string) error {
	g, err := p.find(code)
	if err != nil {
		return err
	}
	u, ok := p.users[user]
	if !ok {
		return fmt.Errorf("fakeidp: unknown user %q", user)
	}
	if len(scopes) == 0 {
		scopes = g.requested
	}
	if !subset(scopes, g.requested) {
		return fmt.Errorf("fakeidp: the device did not request all of the scopes %q", scopes)
	}
	return p.approve(g, u, scopes)
}

func (p *IdP) approve(g *grant, u *User, scopes []string) error {
	if err := g.approve(p.clock.Now(), u, scopes); err != nil {
		return err
	}
	p.consents.remember(u, g.client, scopes)
	return nil
}

// Deny denies the device, as if the end user had pressed Deny.
func (p *IdP) Deny(code string) error {
	g, err := p.find(code)
	if err != nil {
		return err
	}
	return g.deny(p.clock.Now())
}

// Expire ends the lifetime of the code now. It fails with [ErrDecided] for a
// code that was denied or redeemed.
func (p *IdP) Expire(code string) error {
	g, err := p.find(code)
	if err != nil {
		return err
	}
	return g.expire(p.clock.Now())
}

// Reset forgets every code, token, session and consent, including those of the
// tenants. Clients, users, keys and the clock stay.
func (p *IdP) Reset() {
	p.grants.clear()
	p.byUserCode.clear()
	p.accessTokens.clear()
	p.refreshTokens.clear()
	p.sessions.clear()
	p.guesses.clear()
	p.proofs.used.clear()
	p.consents.clear()
	for _, t := range p.tenants {
		t.Reset()
	}
}

// Tenant returns the server of another issuer, by its path below this one, for
// example to approve its codes. Nil: there is none.
func (p *IdP) Tenant(path string) *IdP {
	for _, t := range p.tenants {
		if t.basePath == p.basePath+path {
			return t
		}
	}
	return nil
}

// find looks a grant up by either of its codes.
func (p *IdP) find(code string) (*grant, error) {
	now := p.clock.Now()
	if g, ok := p.grants.get(code, now); ok {
		return g, nil
	}
	if normal, ok := p.userCodes.normalise(code); ok {
		if g, ok := p.byUserCode.get(normal, now); ok {
			return g, nil
		}
	}
	return nil, ErrUnknownCode
}

// consents remembers who granted what to which client.
type consents struct {
	mu      sync.Mutex
	granted map[consentKey][]string
}

type consentKey struct {
	user   *User
	client *Client
}

func (c *consents) remember(u *User, client *Client, scopes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.granted == nil {
		c.granted = make(map[consentKey][]string)
	}
	key := consentKey{u, client}
	for _, s := range scopes {
		if !subset([]string{s}, c.granted[key]) {
			c.granted[key] = append(c.granted[key], s)
		}
	}
}

func (c *consents) cover(u *User, client *Client, scopes []string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return subset(scopes, c.granted[consentKey{u, client}])
}

func (c *consents) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.granted = nil
}
