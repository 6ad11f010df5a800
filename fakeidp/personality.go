package fakeidp

import (
	"crypto/rand"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fidelity says how closely a personality follows the vendor's server.
type Fidelity string

// The degrees of [Fidelity].
const (
	High   Fidelity = "high"
	Medium Fidelity = "medium"
	Low    Fidelity = "low"
	None   Fidelity = "none"
)

// Strict is the name of the default personality, which follows only the RFCs.
const Strict = "strict"

// PersonalityHeader names the personality in each of its responses, so that the
// simulation is not mistaken for the vendor's server.
const PersonalityHeader = "X-Devicegrant-Personality"

// Personality is a vendor's server that this one can resemble.
type Personality struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	// Wire rates the endpoints, Pages what the end user sees.
	Wire  Fidelity `json:"wire"`
	Pages Fidelity `json:"pages"`
	// Guesses are details without a source.
	Guesses []string `json:"guesses,omitempty"`
}

// Fidelity says in a few words how much a run against the simulation means.
func (p Personality) Fidelity() string {
	return fmt.Sprintf("%s: wire %s, pages %s", p.Title, p.Wire, p.Pages)
}

// Personalities returns all personalities, the default first.
func Personalities() []Personality {
	list := make([]Personality, len(personalities))
	for i, p := range personalities {
		list[i] = p.Personality
	}
	return list
}

// personality is an entry of the list: data, and small overrides of the one
// server. Every part may be missing: the server then behaves as usual.
type personality struct {
	Personality
	// configure provides settings that were not configured. It may be called
	// twice.
	configure func(*Config)
	// paths are the vendor's paths of our endpoints and pages, below the
	// issuer's path: pathToken -> "/oauth2/token". "-": the vendor has none.
	// aliases are the vendor's additional paths, and what answers there.
	paths   map[string]string
	aliases map[string]string
	// more are pages without a counterpart here, by the vendor's path.
	more map[string]func(p *IdP, w http.ResponseWriter, r *http.Request, s *session)
	// issuer is the vendor's issuer if it differs from its address: a path
	// below it, or a whole URL.
	issuer string
	// metadata changes the metadata document.
	metadata func(o map[string]any)

	// deviceCode generates a device code.
	deviceCode func() string
	// plainCodes are shown without dashes. exactCodes must be typed as shown.
	plainCodes, exactCodes bool
	// completeParam is the parameter of verification_uri_complete with the
	// code; default user_code.
	completeParam string

	// poll is the vendor's state machine, if it differs; g.mu is held.
	poll func(g *grant, arrival time.Time) (answer, *family)
	// entersOnce: a user code is used up when it is submitted.
	entersOnce bool
	// refreshAlways: a refresh token is issued even without offline_access.
	refreshAlways bool
	// accessToken and refreshToken generate tokens.
	accessToken  func(p *IdP, now time.Time, f *family, scopes []string) string
	refreshToken func() string
	// trustingDevices: the device authorization endpoint requires no client
	// secret.
	trustingDevices bool
	// grantSeenLate: a client that may not use the grant gets an error only at
	// its first poll.
	grantSeenLate bool
	// errors maps our errors to the vendor's.
	errors map[*oauthError]*oauthError
	// spellings maps standard error codes to the vendor's status and code.
	// Applied after errors, and after any fault.
	spellings map[string]spelling
	// request sees a request before faults and endpoints, after its path and
	// fields were translated; it may answer. response sees the response last.
	request  func(x *exchange) (answered bool)
	response func(x *exchange)

	// pages is the directory of its templates below pages; missing ones are the
	// server's own. fields maps the names of its form fields to ours.
	pages  string
	fields map[string]string
	// wholeConsent: the end user grants all scopes or none.
	wholeConsent bool
	// softPages answer mistakes of the end user with status 200.
	softPages bool
	// wrongCode, approved and denied replace our pages.
	wrongCode        func(p *IdP, w http.ResponseWriter, r *http.Request)
	approved, denied func(p *IdP, w http.ResponseWriter, r *http.Request, g *grant)
}

// spelling is how a vendor says a standard error. Zero: as the standard has it.
type spelling struct {
	status int
	code   string
}

// personalities is the list. Each vendor has a file of its own.
var personalities = slices.Concat(
	[]personality{{Personality: Personality{Name: Strict, Title: "RFC 8628 to the letter", Wire: High, Pages: High}}},
	wso2Personalities,
	hostedPersonalities,
	servicePersonalities,
)

// strict is what a server without personality has.
var strict = &personalities[0]

func findPersonality(name string) (*personality, error) {
	if name == "" {
		return strict, nil
	}
	for i := range personalities {
		if personalities[i].Name == name {
			return &personalities[i], nil
		}
	}
	return nil, &UnknownPersonalityError{Name: name}
}

// UnknownPersonalityError names a personality that does not exist.
type UnknownPersonalityError struct{ Name string }

func (e *UnknownPersonalityError) Error() string {
	return fmt.Sprintf("fakeidp: there is no personality %q; devicegrant idp --list-personalities lists them", e.Name)
}

// at is where an endpoint or a page of ours lives, below the issuer's path.
func (p *IdP) at(path string) string {
	if other, ok := p.ways.paths[path]; ok {
		return other
	}
	return path
}

// url is the whole URL of an endpoint or a page of ours.
func (p *IdP) url(path string) string { return p.config.Issuer + p.at(path) }

// issuer is what the server calls itself.
func (p *IdP) issuer() string {
	if strings.Contains(p.ways.issuer, "://") {
		return p.ways.issuer
	}
	return p.config.Issuer + p.ways.issuer
}

// arrive turns the vendor's request into one of ours. It answers those that the
// vendor's server does not have.
func (w *personality) arrive(x *exchange) (answered bool) {
	if slices.ContainsFunc(x.p.tenants, func(t *IdP) bool { return strings.HasPrefix(x.r.URL.Path, t.basePath+"/") }) {
		return false // a tenant has the same ways
	}
	path, known := w.ours(x.path)
	if more, ok := w.more[x.path]; ok {
		s := x.p.session(x.r)
		more(x.p, x, x.r, s)
		return true
	}
	if !known {
		x.status = http.StatusNotFound
		return true
	}
	x.path = path
	x.r.URL.Path, x.r.URL.RawPath = x.p.basePath+path, ""
	renamed := false
	for theirs, ours := range w.fields {
		if values, ok := x.form[theirs]; ok && theirs != ours {
			delete(x.form, theirs)
			x.form[ours], renamed = values, true
		}
	}
	if renamed {
		x.body = []byte(x.form.Encode())
	}
	return w.request != nil && w.request(x)
}

// ours finds what of ours the vendor has at a path. What the vendor has
// elsewhere, it does not have at our path too.
func (w *personality) ours(path string) (string, bool) {
	if ours, ok := w.aliases[path]; ok {
		return ours, true
	}
	for ours, theirs := range w.paths {
		if theirs == path {
			return ours, true
		}
	}
	_, moved := w.paths[path]
	return path, !moved
}

// leave makes our answer the vendor's.
func (w *personality) leave(x *exchange) {
	if code := x.oauthError(); code != "" {
		if s, ok := w.spellings[code]; ok {
			if s.status != 0 {
				x.status = s.status
			}
			if s.code != "" {
				x.edit(func(o map[string]any) { o["error"] = s.code })
			}
		}
	}
	if w.response != nil {
		w.response(x)
	}
	x.header.Set(PersonalityHeader, fmt.Sprintf("%s; wire=%s; pages=%s", w.Name, w.Wire, w.Pages))
}

// refuse answers with an error, in the vendor's words.
func (p *IdP) refuse(w http.ResponseWriter, e *oauthError) {
	if other, ok := p.ways.errors[e]; ok {
		e = other
	}
	e.write(w)
}

// limited counts a request to the token endpoint, and answers what is too much.
func (p *IdP) limited(x *exchange) bool {
	limit := p.config.TokenRequestsPerMinute
	if limit <= 0 || !x.post(pathToken) || p.guesses.take("token "+x.client(), limit) {
		return false
	}
	x.refuse(http.StatusTooManyRequests, "rate_limit_exceeded")
	x.header.Set("Retry-After", "60")
	x.header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	x.header.Set("X-RateLimit-Remaining", "0")
	return true
}

// templatesOf are the pages of a personality: its own, and ours for the rest.
func templatesOf(w *personality) *template.Template {
	if w.pages == "" {
		return pageTemplates
	}
	return template.Must(template.ParseFS(pageFiles, "pages/*.html", "pages/"+w.pages+"/*.html"))
}

// vendorPolicy lets the scripts run that vendors have in their pages, and a form
// end at another site.
const vendorPolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'"

// policy is the Content-Security-Policy of the pages.
func (w *personality) policy() string {
	if w.pages == "" {
		return pagePolicy
	}
	return vendorPolicy
}

// mistake is the status of a page that tells of a mistake.
func (p *IdP) mistake(status int) int {
	if p.ways.softPages {
		return http.StatusOK
	}
	return status
}

// randomUUID draws a UUID of version 4.
func randomUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
