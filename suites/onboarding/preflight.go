package onboarding

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/scenario"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Standing is the result of a step of the preflight.
type Standing string

// The standings.
const (
	Good    Standing = "ok"
	Caution Standing = "caution" // a run is possible, and will miss something
	Bad     Standing = "bad"     // a run is pointless before this is mended
	Untried Standing = "untried" // because of a step before it, or since it takes a login
)

// Precheck is one step of the preflight.
type Precheck struct {
	Step     string   `json:"step"`
	Standing Standing `json:"standing"`
	// Found is what was seen, Fix how to correct it.
	Found string `json:"found"`
	Fix   string `json:"fix,omitempty"`
	// File is a screenshot.
	File string `json:"file,omitempty"`
}

// skew is how far two clocks may be apart before times cannot be compared.
const skew = 30 * time.Second

// expirySoon is when the end of a certificate is worth a word.
const expirySoon = 14 * 24 * time.Hour

// Preflight checks everything that a run depends on, one thing after the other,
// with one device authorization request and one poll: where the server is,
// whether it is trusted, whether the client may use it, whether there is a
// browser and whether it recognizes the page. It does not judge the server.
func Preflight(ctx context.Context, o suites.Options, dir string) []Precheck {
	f := &preflight{options: o, profile: o.Profile, dir: dir}
	if o.Profile == nil {
		return []Precheck{{"profile", Bad, "there is no profile", "", ""}}
	}
	trusted, err := scenario.Trust(o.Profile.TLS)
	if err != nil {
		return []Precheck{{"tls", Bad, err.Error(), "correct tls.ca_file", ""}}
	}
	f.client = wire.New(wire.Options{Timeout: o.Profile.Limits.Timeout, TLS: trusted})
	defer f.client.Close()
	f.people()
	f.driver(ctx)
	if f.endpoints(ctx) {
		f.certificates(ctx, trusted)
		f.grant(ctx)
	} else {
		for _, step := range []string{"tls", "clock", "device authorization", "poll", "page"} {
			f.add(step, Untried, "the server could not be reached", "")
		}
	}
	order := []string{"profile", "metadata", "endpoints", "tls", "clock", "device authorization", "poll", "users", "browser", "page"}
	slices.SortStableFunc(f.found, func(a, b Precheck) int { return slices.Index(order, a.Step) - slices.Index(order, b.Step) })
	return f.found
}

type preflight struct {
	options suites.Options
	profile *profiles.Profile
	dir     string
	client  *wire.Client
	target  scenario.Target
	browser string // its path, "" for none
	found   []Precheck
}

func (f *preflight) add(step string, s Standing, found, fix string) {
	if more := len(found) - maxSaid; more > 0 {
		found = fmt.Sprintf("%s … (cut: %d bytes more)", strings.ToValidUTF8(found[:maxSaid], ""), more)
	}
	f.found = append(f.found, Precheck{Step: step, Standing: s, Found: found, Fix: fix})
}

// maxSaid bounds what one step quotes of a target.
const maxSaid = 1000

// people are the accounts and clients that are left out for want of a variable.
func (f *preflight) people() {
	switch {
	case f.profile.Users.First == nil && len(f.profile.Dropped) > 0:
		f.add("users", Caution, "no end user can log in: "+strings.Join(f.profile.Dropped, "; "), "export the variables, or add users.first")
	case f.profile.Users.First == nil:
		f.add("users", Caution, "no end user can log in", "add users.first, a test account: without it, checks that need an end user are not judged")
	case len(f.profile.Dropped) > 0:
		f.add("users", Caution, "dropped: "+strings.Join(f.profile.Dropped, "; "), "export the variables that these checks need")
	default:
		f.add("users", Untried, "users.first has a user name and a password; whether they log in is not tried here", "")
	}
}

// endpoints finds out where the server is. False: nothing more can be asked.
func (f *preflight) endpoints(ctx context.Context) bool {
	f.metadata(ctx)
	target, err := scenario.Resolve(ctx, f.profile, f.client)
	var broken *scenario.TargetError
	switch {
	case errors.As(err, &broken):
		fix := broken.Hint
		if fix == "" {
			fix = "correct base_url, issuer or endpoints; is the server running?"
		}
		f.add("endpoints", Bad, broken.Cause, fix)
		return false
	case err != nil:
		f.add("endpoints", Bad, err.Error(), "")
		return false
	}
	f.target = target
	f.add("endpoints", Good, target.Endpoints.DeviceAuthorization+" and "+target.Endpoints.Token, "")
	return true
}

func (f *preflight) metadata(ctx context.Context) {
	p := f.profile
	addresses := []string{p.Discovery}
	switch p.Discovery {
	case "off":
		f.add("metadata", Good, "turned off: the profile sets the endpoints", "")
		return
	case "auto":
		addresses = scenario.MetadataURLs(p.Issuer)
	}
	var tried []string
	for _, address := range addresses {
		x := f.client.Do(ctx, wire.Get("metadata", address))
		o, err := x.Object()
		switch {
		case x.Failure != nil:
			tried = append(tried, fmt.Sprintf("%s: %s", address, x.Failure.Kind))
			continue
		case x.Status != http.StatusOK:
			tried = append(tried, fmt.Sprintf("%s answered %d", address, x.Status))
			continue
		case err != nil:
			tried = append(tried, fmt.Sprintf("%s is not a JSON object", address))
			continue
		}
		issuer, _ := o.String("issuer")
		switch {
		case p.Issuer != "" && issuer != p.Issuer && p.IssuerRule != "ignore":
			f.add("metadata", Caution, fmt.Sprintf("%s says that the issuer is %q", address, issuer), "correct issuer, which must match exactly, or set issuer_rule: ignore")
		case !o.Has("device_authorization_endpoint"):
			f.add("metadata", Caution, address+" names no device_authorization_endpoint", "set endpoints.device_authorization")
		default:
			f.add("metadata", Good, address, "")
		}
		return
	}
	f.add("metadata", Caution, strings.Join(tried, "; "), "correct issuer, or set endpoints and discovery: off")
}

// certificates looks at the chain that a device would see.
func (f *preflight) certificates(ctx context.Context, trusted *tls.Config) {
	hosts := map[string]bool{}
	for _, address := range []string{f.target.Endpoints.DeviceAuthorization, f.target.Endpoints.Token} {
		if u, err := url.Parse(address); err == nil && u.Scheme == "https" {
			hosts[net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443"))] = true
		}
	}
	if len(hosts) == 0 {
		if u, err := url.Parse(f.target.Endpoints.Token); err == nil && loopback(u.Hostname()) {
			f.add("tls", Good, "plain http on loopback", "")
		} else {
			f.add("tls", Caution, "plain http, as the profile allows", "use https: others can read codes and tokens in transit")
		}
		return
	}
	for host := range hosts {
		dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: f.profile.Limits.Timeout}, Config: trusted.Clone()}
		conn, err := dialer.DialContext(ctx, "tcp", host)
		if err != nil {
			// A proxy may stand between; the requests went through.
			f.add("tls", Caution, fmt.Sprintf("no direct connection to %s: %v", host, err), "")
			continue
		}
		state := conn.(*tls.Conn).ConnectionState()
		_ = conn.Close() // only its certificates were asked for
		left := time.Until(state.PeerCertificates[0].NotAfter)
		switch {
		case f.profile.TLS.Insecure:
			f.add("tls", Caution, host+" is not verified (tls.insecure)", "better: set tls.ca_file to the CA")
		case left < expirySoon:
			f.add("tls", Caution, fmt.Sprintf("the certificate of %s expires in %s", host, left.Round(time.Hour)), "renew it")
		default:
			f.add("tls", Good, fmt.Sprintf("%s, %s, certificate valid for %d days", host, tls.VersionName(state.Version), int(left.Hours()/24)), "")
		}
	}
}

// grant asks for codes, polls once, and looks at the page.
func (f *preflight) grant(ctx context.Context) {
	began := time.Now()
	probe, err := scenario.ProbeGrant(ctx, f.profile, f.target, f.client)
	if date, failed := http.ParseTime(probe.Codes.Header("Date")); failed == nil {
		apart := began.Sub(date).Abs()
		if apart > skew {
			f.add("clock", Caution, fmt.Sprintf("the server's Date differs from this machine's clock by %s", apart.Round(time.Second)), "correct the clock of this machine, of the server, or of what stands in front of it and sets Date; TOKEN-15 says which one the ID token disagrees with")
		} else {
			f.add("clock", Good, "the server's clock agrees with this machine's", "")
		}
	} else {
		f.add("clock", Caution, "the server sends no Date", "")
	}
	if err != nil {
		f.add("device authorization", Bad, err.Error(), f.whyNoCodes(ctx, probe.Codes))
		f.add("poll", Untried, "there is no code to poll with", "")
		f.add("page", Untried, "there is no code to type", "")
		return
	}
	if probe.OnePoll {
		f.add("device authorization", Caution, probe.Summary+": a device can poll once at most", "make the interval shorter than expires_in on the server (RESP-08)")
	} else {
		f.add("device authorization", Good, probe.Summary, "")
	}
	switch e := probe.Poll.OAuthError(); {
	case e == "authorization_pending", e == "slow_down":
		f.add("poll", Good, "the device gets "+e, "")
	case e == "invalid_client":
		f.add("poll", Bad, "the token endpoint does not accept the client: invalid_client", "correct clients.public: its secret, or how it authenticates (auth)")
	case e == "unauthorized_client", e == "unsupported_grant_type":
		f.add("poll", Bad, "the token endpoint returns "+e, "allow the device grant for this client on the server")
	default:
		f.add("poll", Caution, fmt.Sprintf("a poll before the decision gets %d %s", probe.Poll.Status, e), "a run judges this (POLL-01); is endpoints.token right?")
	}
	f.page(ctx, probe)
}

// whyNoCodes names the key of the profile that is likely wrong.
func (f *preflight) whyNoCodes(ctx context.Context, x wire.Exchange) string {
	switch e := x.OAuthError(); {
	case x.Answered() && x.Status >= 400 && x.Status < 500 && !x.Overloaded() && f.wantsQuery(ctx):
		return "set request.device_authorization.params_in: query, with which the same request gets codes (DA-02 will say that parameters belong in the body)"
	case e == "invalid_client", x.Status == http.StatusUnauthorized:
		return fmt.Sprintf("correct clients.public.id (%s) and its secret, or how it authenticates (device_auth)", f.profile.Clients.Public.ID)
	case e == "unauthorized_client", e == "unsupported_grant_type":
		return "allow the device grant for this client on the server"
	case e == "invalid_scope":
		return "correct scopes"
	case e == "invalid_request":
		return "the server requires more than client_id and scope: set request.device_authorization.params, or scopes"
	case x.Failure != nil:
		return "is the server running, and is limits.timeout long enough?"
	case x.Overloaded():
		return "the server limits requests: retry later, and set limits.device_authorization_per_minute"
	case x.Status == http.StatusNotFound, x.Status == http.StatusMethodNotAllowed, e == "":
		return "correct endpoints.device_authorization: this does not look like one"
	}
	return "check the server's log"
}

// wantsQuery says that the request gets codes with its parameters in the query.
func (f *preflight) wantsQuery(ctx context.Context) bool {
	if f.profile.Request.DeviceAuthorization.ParamsIn == "query" {
		return false
	}
	other := *f.profile
	other.Request.DeviceAuthorization.ParamsIn = "query"
	_, err := scenario.ProbeGrant(ctx, &other, f.target, f.client)
	return err == nil
}

// driver finds out who plays the end user.
func (f *preflight) driver(ctx context.Context) {
	kinds := f.profile.Verification.Drivers
	if !slices.Contains(kinds, "browser") || f.options.Browser == "none" {
		f.add("browser", Good, "not used; end user drivers: "+strings.Join(kinds, ", "), "")
		return
	}
	wanted := f.options.Browser
	if wanted == "auto" {
		wanted = ""
	}
	b, err := chromium.Find(wanted, f.options.Getenv)
	if err == nil {
		var version string
		if version, _, err = b.Version(ctx); err == nil {
			f.browser = b.Path
			f.add("browser", Good, fmt.Sprintf("%s (%s)", version, b.Path), "")
			return
		}
	}
	standing, fix := Bad, "install chromium-headless-shell (Debian) or Chrome, or set DEVICEGRANT_BROWSER"
	if slices.Contains(kinds, "forms") {
		standing, fix = Caution, fix+"; without one, the forms driver visits the pages, and pages with scripts are not judged"
	}
	f.add("browser", standing, err.Error(), fix)
}

// page opens the verification URI, and looks whether the page is understood.
// Nothing is typed.
func (f *preflight) page(ctx context.Context, probe scenario.GrantProbe) {
	kind := "browser"
	if f.browser == "" {
		kind = "forms"
		if !slices.Contains(f.profile.Verification.Drivers, kind) {
			f.add("page", Untried, "no driver can open it: "+probe.VerificationURI, "")
			return
		}
	}
	driver, err := chromium.NewDriver(kind, useragent.Options{Verification: f.profile.Verification, TLS: f.profile.TLS, Browser: f.browser, Now: func() time.Duration { return 0 }})
	if err != nil {
		f.add("page", Caution, err.Error(), "")
		return
	}
	defer driver.Close()
	session, err := driver.NewAgent(ctx)
	if err != nil {
		f.add("page", Caution, err.Error(), "")
		return
	}
	defer session.Close()
	j := session.Journey(ctx, useragent.Task{Name: "look", Goal: transcript.ReachDecision, Start: probe.VerificationURI, UserCode: probe.UserCode})
	step := transcript.Step{Page: "unknown"}
	if len(j.Steps) > 0 {
		step = j.Steps[len(j.Steps)-1]
	}
	file, err := saveScreenshot(f.dir, "verification-page.jpg", step.Screenshot)
	if err != nil {
		file = err.Error()
	}
	next := Precheck{Step: "page", File: file}
	switch {
	case j.Outcome == transcript.AtCode:
		next.Standing, next.Found = Good, "asks for the code ("+step.Reason+")"
	case j.Outcome == transcript.AtLogin:
		next.Standing, next.Found = Good, "asks to log in first ("+step.Reason+")"
	case j.Trouble != nil && j.Trouble.Class == transcript.NeedsScript:
		next.Standing, next.Found, next.Fix = Caution, j.Trouble.Cause, "install a browser"
	case j.Trouble != nil:
		next.Standing, next.Found = Bad, j.Trouble.Cause
		next.Fix = "describe the page in verification.pages; see the screenshot"
		if j.Trouble.Class == transcript.Unreachable || len(j.Steps) == 0 {
			next.Found += " at " + probe.VerificationURI
			next.Fix = f.whyNoPage(probe.VerificationURI, j.Trouble.Cause)
		}
	default:
		next.Standing, next.Found = Caution, fmt.Sprintf("the page %q (%s)", step.Title, j.Outcome)
		next.Fix = "try it: devicegrant profile try --case approve"
	}
	f.found = append(f.found, next)
}

// whyNoPage says what to do about a verification URI that does not open.
func (f *preflight) whyNoPage(uri, cause string) string {
	if strings.Contains(cause, "ERR_CERT_AUTHORITY") || strings.Contains(cause, "unknown authority") {
		return "set tls.ca_file to the CA of that page's certificate"
	}
	if strings.HasPrefix(uri, "http:") && strings.HasPrefix(f.target.Endpoints.DeviceAuthorization, "https:") {
		return "the server names an http page although its endpoints are https: tell it its own address, or have the proxy in front of it send X-Forwarded-Proto (RESP-05)"
	}
	return "the verification URI comes from the server: does it name an address that this machine reaches?"
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
