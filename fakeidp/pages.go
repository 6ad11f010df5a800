package fakeidp

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
)

//go:embed pages
var pageFiles embed.FS

var (
	pageStyle     = mustRead("pages/style.css")
	pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))
	pagePolicy    = "default-src 'none'; style-src '" + hashSource(pageStyle) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

func mustRead(name string) string {
	content, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(content)
}

// hashSource is the source expression that allows exactly this inline style.
func hashSource(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// view is what the templates see.
type view struct {
	Style template.CSS
	Base  string
	// EntryPath, LoginPath and ConsentPath are where the pages are.
	EntryPath, LoginPath, ConsentPath string
	CSRF                              string
	User                              *User
	// Alert is an error that the end user can mend on this page.
	Alert string

	Code     string // as shown
	Prefill  bool   // Code came with verification_uri_complete
	Username string // as entered
	Client   string // display name
	Scopes   []scopeChoice
	// Details and Resource are what extensions let the device ask for.
	Details, Resource string

	// Query is that of the page, for personalities that tell things in it.
	Query url.Values

	Heading, Text string // result pages
	Failed        bool
}

type scopeChoice struct {
	Scope
	Ticked bool
}

func (p *IdP) view(s *session) view {
	v := view{Style: template.CSS(pageStyle), Base: p.basePath,
		EntryPath: p.basePath + p.at(pathDevice), LoginPath: p.basePath + p.at(pathLogin), ConsentPath: p.basePath + p.at(pathConsent)}
	if s != nil {
		v.CSRF, v.User = s.csrf, s.user
	}
	return v
}

func (p *IdP) render(w http.ResponseWriter, status int, name string, v view) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.ways.policy())
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// What can fail here is only the connection.
	_ = p.templates.ExecuteTemplate(w, name, v)
}

type pageHandler func(w http.ResponseWriter, r *http.Request, s *session)

// page serves one page: show answers GET and changes no grant, submit answers
// POST after the request proved to come from a form of ours.
func (p *IdP) page(show, submit pageHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		s := p.session(r)
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			if s == nil {
				s = p.startSession(w, nil)
			}
			show(w, r, s)
		case http.MethodPost:
			if !p.genuine(w, r, s) {
				p.renderResult(w, http.StatusForbidden, s, "This form is no longer valid",
					"Nothing was changed. Please start again with the code on your device.")
				return
			}
			submit(w, r, s)
		default:
			h.Set("Allow", "GET, HEAD, POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}
}

// genuine says whether a POST comes from a form that this session was shown
// (RFC 6749 section 10.12). Afterwards r.PostForm is there.
func (p *IdP) genuine(w http.ResponseWriter, r *http.Request, s *session) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if s == nil || p.csrf.Check(r) != nil || r.ParseForm() != nil {
		return false
	}
	return equalSecrets(r.PostForm.Get("csrf"), s.csrf)
}

// redirect goes on to another page of ours, with the user code where there is
// one. No part of the target comes from a request, except a code that has the
// form of one.
func (p *IdP) redirect(w http.ResponseWriter, r *http.Request, path, code string) {
	target := p.basePath + p.at(path)
	if code != "" {
		target += "?user_code=" + url.QueryEscape(p.userCodes.display(code))
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (p *IdP) renderResult(w http.ResponseWriter, status int, s *session, heading, text string) {
	v := p.view(s)
	v.Heading, v.Text, v.Failed = heading, text, status != http.StatusOK
	if v.Failed {
		status = p.mistake(status)
	}
	p.render(w, status, "result.html", v)
}

// showEntry asks for the user code (RFC 8628 section 3.3). With
// verification_uri_complete the code is filled in, and still has to be
// submitted (section 3.3.1).
func (p *IdP) showEntry(w http.ResponseWriter, r *http.Request, s *session) {
	code, _ := p.userCodes.normalise(r.URL.Query().Get(p.completeParam()))
	if p.config.LoginFirst && s.user == nil {
		p.redirect(w, r, pathLogin, code)
		return
	}
	v := p.view(s)
	v.Query = r.URL.Query()
	if code != "" {
		v.Code, v.Prefill = p.userCodes.display(code), true
	}
	p.render(w, http.StatusOK, "entry.html", v)
}

// enterCode takes the user code. An unknown, an expired and a used code are
// answered alike.
func (p *IdP) enterCode(w http.ResponseWriter, r *http.Request, s *session) {
	if p.config.LoginFirst && s.user == nil {
		p.redirect(w, r, pathLogin, "")
		return
	}
	refuse := func(status int, why string) {
		if p.ways.wrongCode != nil && status != http.StatusTooManyRequests {
			p.ways.wrongCode(p, w, r)
			return
		}
		v := p.view(s)
		v.Alert, v.Query = why, r.URL.Query()
		status = p.mistake(status)
		p.render(w, status, "entry.html", v)
	}
	const wrong = "That code is not valid. Check the code on your device and try again."
	code, ok := p.userCodes.normalise(r.PostForm.Get("user_code"))
	if !ok {
		refuse(http.StatusBadRequest, wrong)
		return
	}
	who := guesser(s)
	address := "address " + remoteAddress(r)
	if !p.guesses.take(who, p.config.GuessesPerUser) || !p.guesses.take(address, p.config.GuessesPerAddress) {
		w.Header().Set("Retry-After", "60")
		refuse(http.StatusTooManyRequests, "Too many wrong codes. Wait a minute and try again.")
		return
	}
	g, ok := p.byUserCode.get(code, p.clock.Now())
	if !ok || g.decidable(p.clock.Now()) != nil || p.ways.entersOnce && !g.enter() {
		refuse(http.StatusBadRequest, wrong)
		return
	}
	p.guesses.giveBack(who)
	p.guesses.giveBack(address)
	s.enter(g, r.PostForm.Get("prefilled") == "")
	p.proceed(w, r, s, code)
}

// guesser is who is held to account for a wrong code: the user, so that another
// browser does not help them, and before login the browser.
func guesser(s *session) string {
	if s.user != nil {
		return "user " + s.user.Name
	}
	return "session " + s.id
}

// remoteAddress is the peer's. Forwarding headers are anybody's to set.
func remoteAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// completeParam is the parameter of verification_uri_complete.
func (p *IdP) completeParam() string {
	if p.ways.completeParam != "" {
		return p.ways.completeParam
	}
	return "user_code"
}

// proceed leads from an entered code to the login, to the decision, or past it.
func (p *IdP) proceed(w http.ResponseWriter, r *http.Request, s *session, code string) {
	e, ok := s.enteredCode(code)
	switch {
	case !ok:
		p.redirect(w, r, pathDevice, code)
	case s.user == nil:
		p.redirect(w, r, pathLogin, code)
	case p.config.Consent == SkipGranted && e.typed &&
		p.consents.cover(s.user, e.grant.client, e.grant.requested):
		p.finish(w, r, s, e.grant, e.grant.requested)
	default:
		p.redirect(w, r, pathConsent, code)
	}
}

func (p *IdP) showLogin(w http.ResponseWriter, r *http.Request, s *session) {
	code, _ := p.userCodes.normalise(r.URL.Query().Get("user_code"))
	if s.user != nil {
		if _, ok := s.enteredCode(code); ok {
			p.redirect(w, r, pathConsent, code)
		} else {
			p.redirect(w, r, pathDevice, code)
		}
		return
	}
	p.renderLogin(w, http.StatusOK, s, code, "", "")
}

func (p *IdP) renderLogin(w http.ResponseWriter, status int, s *session, code, username, alert string) {
	v := p.view(s)
	v.Username, v.Alert = username, alert
	if code != "" {
		v.Code = p.userCodes.display(code)
	}
	p.render(w, status, "login.html", v)
}

func (p *IdP) login(w http.ResponseWriter, r *http.Request, s *session) {
	code, _ := p.userCodes.normalise(r.PostForm.Get("user_code"))
	name := r.PostForm.Get("username")
	user, known := p.users[name]
	password := ""
	if known {
		password = user.Password
	}
	if !equalSecrets(r.PostForm.Get("password"), password) || !known {
		p.renderLogin(w, p.mistake(http.StatusBadRequest), s, code, name, "Wrong user name or password.")
		return
	}
	s = p.loginSession(w, s, user)
	p.proceed(w, r, s, code)
}

// undecided returns the grant that the code names, if this browser entered it,
// somebody is logged in, and it can still be decided. Otherwise it has
// answered the request.
func (p *IdP) undecided(w http.ResponseWriter, r *http.Request, s *session, typed string) (*grant, bool) {
	code, _ := p.userCodes.normalise(typed)
	e, ok := s.enteredCode(code)
	switch {
	case !ok:
		p.redirect(w, r, pathDevice, code)
		return nil, false
	case s.user == nil:
		p.redirect(w, r, pathLogin, code)
		return nil, false
	}
	if err := e.grant.decidable(p.clock.Now()); err != nil {
		p.renderRefusal(w, s, err)
		return nil, false
	}
	return e.grant, true
}

// renderRefusal says why a decision had no effect.
func (p *IdP) renderRefusal(w http.ResponseWriter, s *session, err error) {
	if errors.Is(err, ErrExpired) {
		p.renderResult(w, http.StatusBadRequest, s, "This code has expired",
			"Nothing was changed. Start again on your device to get a new code.")
		return
	}
	p.renderResult(w, http.StatusBadRequest, s, "This code was already used",
		"Nothing was changed. Start again on your device to get a new code.")
}

// showConsent asks for the decision (RFC 8628 sections 3.3 and 5.4): who asks,
// for what, and whether the code is the one on the device.
func (p *IdP) showConsent(w http.ResponseWriter, r *http.Request, s *session) {
	if g, ok := p.undecided(w, r, s, r.URL.Query().Get("user_code")); ok {
		p.renderConsent(w, http.StatusOK, s, g, g.requested, "")
	}
}

func (p *IdP) renderConsent(w http.ResponseWriter, status int, s *session, g *grant, ticked []string, alert string) {
	v := p.view(s)
	v.Alert = alert
	v.Code = p.userCodes.display(g.userCode)
	v.Client = g.client.Name
	v.Details, v.Resource = string(g.details), g.resource
	for _, scope := range p.config.Scopes {
		if slices.Contains(g.requested, scope.Name) {
			v.Scopes = append(v.Scopes, scopeChoice{scope, slices.Contains(ticked, scope.Name)})
		}
	}
	p.render(w, status, "consent.html", v)
}

// decide takes the decision. Unticked scopes are not granted.
func (p *IdP) decide(w http.ResponseWriter, r *http.Request, s *session) {
	g, ok := p.undecided(w, r, s, r.PostForm.Get("user_code"))
	if !ok {
		return
	}
	var ticked []string
	for _, scope := range g.requested {
		if p.ways.wholeConsent || slices.Contains(r.PostForm["scope"], scope) {
			ticked = append(ticked, scope)
		}
	}
	switch r.PostForm.Get("decision") {
	case "approve":
		if len(ticked) == 0 {
			p.renderConsent(w, http.StatusBadRequest, s, g, ticked, "Choose at least one permission, or deny the request.")
			return
		}
		p.finish(w, r, s, g, ticked)
	case "deny":
		if err := g.deny(p.clock.Now()); err != nil {
			p.renderRefusal(w, s, err)
			return
		}
		if p.ways.denied != nil {
			p.ways.denied(p, w, r, g)
			return
		}
		p.renderResult(w, http.StatusOK, s, "Device denied",
			g.client.Name+" was not connected. You can close this page.")
	default:
		p.renderConsent(w, http.StatusBadRequest, s, g, ticked, "Choose Approve or Deny.")
	}
}

// finish approves, and says so.
func (p *IdP) finish(w http.ResponseWriter, r *http.Request, s *session, g *grant, scopes []string) {
	if err := p.approve(g, s.user, scopes); err != nil {
		p.renderRefusal(w, s, err)
		return
	}
	if p.ways.approved != nil {
		p.ways.approved(p, w, r, g)
		return
	}
	p.renderResult(w, http.StatusOK, s, "Device approved",
		g.client.Name+" is connected. You can close this page and go back to your device.")
}
