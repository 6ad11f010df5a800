package fakeidp

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// browser is a person at the second screen: it keeps cookies, follows
// redirects and submits the form of the page it is on.
type browser struct {
	t       testing.TB
	p       *IdP
	cookies map[string]*http.Cookie
	// page and status are of the page it is on, path is where that is.
	page   string
	path   string
	status int
	header http.Header
}

func newBrowser(t testing.TB, p *IdP) *browser {
	return &browser{t: t, p: p, cookies: map[string]*http.Cookie{}}
}

func (b *browser) open(path string) { b.do(httptest.NewRequest(http.MethodGet, testIssuer+path, nil)) }

// submit sends the form of the page with some fields changed. A value of "-"
// removes the field.
func (b *browser) submit(change url.Values, edit ...func(*http.Request)) {
	b.t.Helper()
	action := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(b.page)
	if action == nil {
		b.t.Fatalf("no form on the page at %s:\n%s", b.path, b.page)
	}
	form := url.Values{}
	for _, input := range regexp.MustCompile(`(?s)<input[^>]*>`).FindAllString(b.page, -1) {
		name, value := attribute(input, "name"), attribute(input, "value")
		if attribute(input, "type") == "checkbox" && !strings.Contains(input, " checked") {
			continue
		}
		form.Add(name, value)
	}
	for name, values := range change {
		form[name] = values
		if values[0] == "-" {
			form.Del(name)
		}
	}
	r := httptest.NewRequest(http.MethodPost, testIssuer+action[1], strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	for _, e := range edit {
		e(r)
	}
	b.do(r)
}

func attribute(tag, name string) string {
	m := regexp.MustCompile(`\s` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

func (b *browser) do(r *http.Request) {
	for range 10 {
		for _, c := range b.cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		b.p.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			b.cookies[c.Name] = c
		}
		b.page, b.status, b.header, b.path = w.Body.String(), w.Code, w.Header(), r.URL.Path
		location := w.Header().Get("Location")
		if location == "" {
			return
		}
		if !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") {
			b.t.Fatalf("redirected away to %q", location)
		}
		r = httptest.NewRequest(http.MethodGet, testIssuer+location, nil)
	}
	b.t.Fatal("too many redirects")
}

func (b *browser) shows(text string) bool { return strings.Contains(b.page, text) }

func (b *browser) want(status int, text string) {
	b.t.Helper()
	if b.status != status || !b.shows(text) {
		b.t.Fatalf("at %s: status %d, want %d and %q on the page:\n%s", b.path, b.status, status, text, b.page)
	}
}

func (b *browser) enter(code string) {
	b.t.Helper()
	b.submit(url.Values{"user_code": {code}})
}

func (b *browser) login(user string) {
	b.t.Helper()
	b.submit(url.Values{"username": {user}, "password": {"pw-" + user}})
}

// consenting returns a browser on the consent page for a new grant.
func consenting(t *testing.T, p *IdP, user string) (*browser, deviceAuthorizationResponse) {
	t.Helper()
	a := authorize(t, p, "device-public", "openid profile demo:read")
	b := newBrowser(t, p)
	b.open("/device")
	b.enter(a.UserCode)
	b.login(user)
	b.want(200, "Connect Living Room TV?")
	return b, a
}

func stateOf(t *testing.T, p *IdP, code string) string {
	t.Helper()
	c, err := p.Code(code)
	if err != nil {
		t.Fatal(err)
	}
	return c.State
}

func TestJourneyToApproval(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	b, a := consenting(t, p, "alice")
	for _, text := range []string{a.UserCode, "Know who you are", "demo:read", `value="approve"`, `value="deny"`} {
		if !b.shows(text) {
			t.Errorf("the consent page does not show %q", text)
		}
	}
	b.submit(url.Values{"decision": {"approve"}, "scope": {"openid", "demo:read", "demo:admin"}})
	b.want(200, "Device approved")
	m := members(t, poll(p, "device-public", a.DeviceCode))
	if m["scope"] != "openid demo:read" {
		t.Errorf("granted %v: unticked scopes count, and scopes nobody asked for", m["scope"])
	}
}

func TestJourneyToDenial(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	b, a := consenting(t, p, "alice")
	b.submit(url.Values{"decision": {"deny"}})
	b.want(200, "Device denied")
	wantAnswer(t, poll(p, "device-public", a.DeviceCode), 400, "access_denied")
}

func TestLoginFirst(t *testing.T) {
	p, _ := newTestIdP(t, func(c *Config) { c.LoginFirst = true })
	a := authorize(t, p, "device-public", "")
	b := newBrowser(t, p)
	b.open("/device?user_code=" + a.UserCode)
	b.want(200, "Sign in")
	b.login("bob")
	b.want(200, `value="`+a.UserCode+`"`)
	b.submit(nil)
	b.submit(url.Values{"decision": {"approve"}})
	b.want(200, "Device approved")
	if c, _ := p.Code(a.UserCode); c.User != "bob" {
		t.Errorf("approved by %q", c.User)
	}
}

func TestWrongPassword(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	a := authorize(t, p, "device-public", "")
	b := newBrowser(t, p)
	b.open("/device")
	b.enter(a.UserCode)
	for _, try := range []url.Values{
		{"username": {"alice"}, "password": {"pw-bob"}},
		{"username": {"alice"}, "password": {""}},
		{"username": {"nobody"}, "password": {""}},
	} {
		b.submit(try)
		b.want(400, `role="alert"`)
	}
	b.open("/consent?user_code=" + a.UserCode)
	b.want(200, "Sign in")
	b.login("alice")
	b.want(200, "Connect Living Room TV?")
}

func TestApproveNothing(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	b, a := consenting(t, p, "alice")
	b.submit(url.Values{"decision": {"approve"}, "scope": {"-"}})
	b.want(400, "at least one permission")
	if s := stateOf(t, p, a.UserCode); s != "pending" {
		t.Errorf("the grant is %s", s)
	}
}

// TestCompleteURIOnlyIdentifies opens verification_uri_complete with a browser
// that is logged in and consented before.
func TestCompleteURIOnlyIdentifies(t *testing.T) {
	p, _ := newTestIdP(t, func(c *Config) { c.Consent = SkipGranted })
	b, _ := consenting(t, p, "alice")
	b.submit(url.Values{"decision": {"approve"}})

	a := authorize(t, p, "device-public", "openid profile demo:read")
	for _, path := range []string{"/device", "/login", "/consent"} {
		b.open(path + "?user_code=" + a.UserCode + "&decision=approve")
		if s := stateOf(t, p, a.UserCode); s != "pending" {
			t.Fatalf("opening %s left the grant %s", path, s)
		}
	}
	b.want(200, `value="`+a.UserCode+`"`)
	b.submit(nil)
	b.want(200, "Connect Living Room TV?")

	typed := authorize(t, p, "device-public", "openid demo:read")
	b.open("/device")
	b.enter(typed.UserCode)
	b.want(200, "Device approved")

	more := authorize(t, p, "device-public", "openid demo:write")
	b.open("/device")
	b.enter(more.UserCode)
	b.want(200, "Connect Living Room TV?")
}

func TestDecisionNeedsTheCodeInThisSession(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	b, _ := consenting(t, p, "alice")
	other := authorize(t, p, "device-public", "")
	b.submit(url.Values{"decision": {"approve"}, "user_code": {other.UserCode}})
	if s := stateOf(t, p, other.UserCode); s != "pending" {
		t.Errorf("a code that was never entered is %s", s)
	}
}

func TestForgedDecisions(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	stranger, _ := consenting(t, p, "bob")
	foreign := attribute(regexp.MustCompile(`<input[^>]*name="csrf"[^>]*>`).FindString(stranger.page), "value")
	approve := func(more url.Values) url.Values {
		v := url.Values{"decision": {"approve"}}
		for name, values := range more {
			v[name] = values
		}
		return v
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, forge := range map[string]func(*browser){
		"no token":      func(b *browser) { b.submit(approve(url.Values{"csrf": {"-"}})) },
		"foreign token": func(b *browser) { b.submit(approve(url.Values{"csrf": {foreign}})) },
		"foreign origin": func(b *browser) {
			b.submit(approve(nil), header("Origin", "https://evil.example"))
		},
		"cross-site": func(b *browser) { b.submit(approve(nil), header("Sec-Fetch-Site", "cross-site")) },
		"no cookie": func(b *browser) {
			clear(b.cookies)
			b.submit(approve(nil))
		},
	} {
		b, a := consenting(t, p, "alice")
		forge(b)
		if s := stateOf(t, p, a.UserCode); b.status != http.StatusForbidden || s != "pending" {
			t.Errorf("%s: status %d, and the grant is %s", name, b.status, s)
		}
	}
	b, a := consenting(t, p, "alice")
	b.submit(approve(nil), header("Origin", testIssuer))
	b.want(200, "Device approved")
	if s := stateOf(t, p, a.UserCode); s != "approved" {
		t.Errorf("with our own origin: the grant is %s", s)
	}
}

func TestLoginChangesTheSession(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	a := authorize(t, p, "device-public", "")
	b := newBrowser(t, p)
	b.open("/device")
	before := *b.cookies["__Host-devicegrant"]
	b.enter(a.UserCode)
	b.login("alice")
	after := b.cookies["__Host-devicegrant"]
	if before.Value == after.Value {
		t.Fatal("the session id survived the login")
	}
	if !after.Secure || !after.HttpOnly || after.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie is %v", after)
	}
	b.cookies["__Host-devicegrant"] = &before
	b.open("/consent?user_code=" + a.UserCode)
	if b.shows("Approve") {
		t.Error("the old session id is logged in")
	}
}

// TestDecidedCodeIsDead lets a second person decide after the first did.
func TestDecidedCodeIsDead(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	for _, decision := range []string{"approve", "deny"} {
		first, a := consenting(t, p, "alice")
		second := newBrowser(t, p)
		second.open("/device")
		second.enter(a.UserCode)
		second.login("bob")
		second.want(200, "Connect Living Room TV?")

		first.submit(url.Values{"decision": {decision}})
		first.want(200, "Device ")
		was, _ := p.Code(a.UserCode)
		second.submit(url.Values{"decision": {"approve"}})
		second.want(400, "already used")
		if now, _ := p.Code(a.UserCode); now.State != was.State || now.User != was.User {
			t.Errorf("after a second decision: %s by %q, before %s by %q", now.State, now.User, was.State, was.User)
		}
		second.open("/device")
		second.enter(a.UserCode)
		second.want(400, "not valid")
	}
}

func TestExpiredCodeOnThePages(t *testing.T) {
	p, clock := newTestIdP(t, nil)
	b, a := consenting(t, p, "alice")
	clock.advance(10 * time.Minute)
	b.submit(url.Values{"decision": {"approve"}})
	b.want(400, "expired")
	b.open("/device")
	b.enter(a.UserCode)
	b.want(400, "not valid")
}

func TestWrongCodes(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	b, a := consenting(t, p, "alice")
	b.open("/device")
	for _, code := range []string{"", "B", strings.Repeat("B", 500), "\x00", "😀", "ＢＣＤＦＧＨＪＫ", `' OR 1=1 --`,
		`"><script>alert(1)</script>`, a.DeviceCode, "BBBB-BBBB"} {
		b.enter(code)
		b.want(400, `role="alert"`)
		if b.shows("<script>") {
			t.Errorf("%q came back unescaped", code)
		}
	}
	b.enter(" " + strings.ToLower(strings.ReplaceAll(a.UserCode, "-", " ")) + ".")
	b.want(200, "Connect Living Room TV?")
}

// TestGuessLimit uses the defaults: it holds for a user across browsers, does
// not hit others at the same address, and a right code does not reset it.
func TestGuessLimit(t *testing.T) {
	p, clock := newTestIdP(t, nil)
	b, a := consenting(t, p, "alice")
	b.open("/device")
	for i := range p.config.GuessesPerUser {
		b.enter(fmt.Sprintf("BBBB-%s", []string{"BBBB", "CCCC", "DDDD"}[i%3]))
		b.want(400, "not valid")
		if i == 10 {
			b.enter(a.UserCode)
			b.want(200, "Connect Living Room TV?")
			b.open("/device")
		}
	}
	b.enter(a.UserCode)
	b.want(429, "Too many")

	again := newBrowser(t, p)
	again.open("/login")
	again.login("alice")
	again.enter(a.UserCode)
	again.want(429, "Too many")

	consenting(t, p, "bob")

	clock.advance(time.Minute)
	b.enter(a.UserCode)
	b.want(200, "Connect Living Room TV?")
}

func TestGuessLimitPerAddress(t *testing.T) {
	p, _ := newTestIdP(t, func(c *Config) { c.GuessesPerUser, c.GuessesPerAddress = -1, 3 })
	for range 3 {
		b := newBrowser(t, p)
		b.open("/device")
		b.enter("BBBB-BBBB")
		b.want(400, "not valid")
	}
	b := newBrowser(t, p)
	b.open("/device")
	b.submit(url.Values{"user_code": {"BBBB-BBBB"}}, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") })
	b.want(429, "Too many")
}

func TestPageHeaders(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	consent, _ := consenting(t, p, "alice")
	pages := map[string]*browser{"consent": consent}
	for name, path := range map[string]string{"entry": "/device", "login": "/login"} {
		pages[name] = newBrowser(t, p)
		pages[name].open(path)
	}
	pages["error"] = newBrowser(t, p)
	pages["error"].open("/device")
	pages["error"].submit(url.Values{"csrf": {"-"}})
	for name, b := range pages {
		for header, part := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'",
			"X-Frame-Options":         "DENY",
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           "no-store",
			"Content-Type":            "text/html; charset=utf-8",
		} {
			if !strings.Contains(b.header.Get(header), part) {
				t.Errorf("%s: %s is %q", name, header, b.header.Get(header))
			}
		}
		if !b.shows(`<html lang="en">`) || !b.shows(`name="viewport"`) || b.shows("<script") {
			t.Errorf("the %s page lacks a language or a viewport, or has a script", name)
		}
		// The policy allows the style by its hash: both must be the same bytes.
		if style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(b.page); style == nil ||
			!strings.Contains(b.header.Get("Content-Security-Policy"), hashSource(style[1])) {
			t.Errorf("the policy of the %s page forbids its own style", name)
		}
	}
}

func TestDeviceCodeStaysOffThePages(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	b, a := consenting(t, p, "alice")
	if b.shows(a.DeviceCode) {
		t.Error("the consent page has the device code")
	}
}

func TestPageMethods(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/consent", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("DELETE: %d %v", w.Code, w.Header())
	}
}
