package fakeidp

import (
	"errors"
	"html"
	"net/http"
	"strings"
	"time"
)

// page says that the answer is a page of a path.
func (x *exchange) page(path string) bool {
	return x.path == path && strings.HasPrefix(x.header.Get("Content-Type"), "text/html")
}

// trusted makes a request look like one that a form of ours sent.
func (x *exchange) trusted() {
	if s := x.p.session(x.r); s != nil {
		x.setForm("csrf", s.csrf)
	}
	for name := range x.r.Header {
		if name == "Origin" || name == "Referer" || strings.HasPrefix(name, "Sec-Fetch-") {
			x.r.Header.Del(name)
		}
	}
}

// pageFaults: what the end user meets at the verification URI (RFC 8628 section 3.3).
var pageFaults = []fault{
	{Fault{"M15", "no-csrf-token", "The forms have no CSRF token, and the cookie is SameSite=None", Defect},
		func() behaviour { return forgeable("SameSite=None; Secure") }},
	{Fault{"F-SEC-07", "only-samesite", "The forms have no CSRF token; the cookie is SameSite=Lax", Defect},
		func() behaviour { return forgeable("SameSite=Lax") }},
	{Fault{"M16", "link-approves", "Opening verification_uri_complete approves if the user is logged in", Defect},
		meet(func(x *exchange) bool {
			s := x.p.session(x.r)
			if x.path != pathDevice || x.r.Method != http.MethodGet || s == nil || s.user == nil {
				return false
			}
			if g, err := x.p.find(x.query.Get("user_code")); err == nil {
				_ = x.p.approve(g, s.user, g.requested) // it may have been decided before
			}
			return false
		})},
	{Fault{"M20", "decided-again", "A decided user code can be decided again, and the last decision counts", Defect},
		func() behaviour {
			return behaviour{refusal: func(g *grant, now time.Time) error {
				err := g.undecidable(now)
				if errors.Is(err, ErrDecided) {
					return nil
				}
				return err
			}}
		}},
	{Fault{"R06", "any-number-of-guesses", "Wrong user codes are not counted", Defect},
		func() behaviour {
			return behaviour{configure: func(c *Config) { c.GuessesPerUser, c.GuessesPerAddress = -1, -1 }}
		}},
	{Fault{"R07", "may-be-framed", "Any site may frame the pages", Defect},
		see(func(x *exchange) {
			x.header.Del("X-Frame-Options")
			if policy := x.header.Get("Content-Security-Policy"); policy != "" {
				x.header.Set("Content-Security-Policy", strings.ReplaceAll(policy, "frame-ancestors 'none'; ", ""))
			}
		})},
	{Fault{"R13", "expired-user-code", "The page accepts an expired user code", Defect},
		func() behaviour {
			return behaviour{refusal: func(g *grant, now time.Time) error {
				err := g.undecidable(now)
				if errors.Is(err, ErrExpired) {
					g.expires = now.Add(time.Minute)
					return nil
				}
				return err
			}}
		}},
	{Fault{"R14", "exact-case", "A user code must be typed in the case in which it was shown", Defect},
		meet(func(x *exchange) bool {
			if code := x.form.Get("user_code"); x.post(pathDevice) && code != strings.ToUpper(code) {
				x.setForm("user_code", "-")
			}
			return false
		})},
	{Fault{"R20", "code-not-escaped", "The page shows the user_code from its URL unescaped, and allows scripts", Defect},
		see(func(x *exchange) {
			if code := x.query.Get("user_code"); x.page(pathDevice) && code != "" {
				x.header.Del("Content-Security-Policy")
				x.replace("<h1>", "<p>Code: "+code+"</p><h1>")
			}
		})},
	{Fault{"R21", "open-next", "The page's parameter next leads to any address", Defect},
		meet(func(x *exchange) bool {
			if next := x.query.Get("next"); x.path == pathDevice && x.r.Method == http.MethodGet && next != "" {
				x.status = http.StatusSeeOther
				x.header.Set("Location", next)
				return true
			}
			return false
		})},
	{Fault{"R23", "success-resets-the-limit", "A correct user code resets the address's count of wrong ones", Defect},
		see(func(x *exchange) {
			if x.post(pathDevice) && x.status == http.StatusSeeOther {
				x.p.guesses.clear()
			}
		})},
	{Fault{"R24", "device-code-in-the-page", "The decision page contains the device code in a hidden field", Defect},
		see(func(x *exchange) {
			if g, err := x.p.find(x.query.Get("user_code")); err == nil && x.page(pathConsent) {
				x.replace("<fieldset>", `<input type="hidden" name="handle" value="`+html.EscapeString(g.deviceCode)+`"><fieldset>`)
			}
		})},
	{Fault{"F-SEC-12d", "session-in-the-form", "The forms' CSRF token is the id of the session", Defect},
		func() behaviour {
			return behaviour{
				request: func(x *exchange) bool {
					if s := x.p.session(x.r); s != nil && x.form.Get("csrf") == s.id {
						x.setForm("csrf", s.csrf)
					}
					return false
				},
				response: func(x *exchange) {
					if s := x.p.session(x.r); s != nil && x.isPage() {
						x.replace(s.csrf, s.id)
					}
				},
			}
		}},
	{Fault{"B93", "token-in-a-cookie", "The forms' CSRF token is in a cookie as well", Benign},
		see(func(x *exchange) {
			if s := x.p.session(x.r); s != nil && x.isPage() {
				x.header.Add("Set-Cookie", (&http.Cookie{Name: "form", Value: s.csrf, Path: "/", HttpOnly: true, Secure: x.p.config.secure(), SameSite: http.SameSiteLaxMode}).String())
			}
		})},
	{Fault{"F-VERIFY-01", "approval-is-lost", "The page says that the device is approved, but nothing is stored", Defect},
		meet(func(x *exchange) bool {
			if !x.post(pathConsent) || x.form.Get("decision") != "approve" {
				return false
			}
			x.p.renderResult(x, http.StatusOK, x.p.session(x.r), "Device approved", "You can go back to your device.")
			return true
		})},
	{Fault{"F-VERIFY-02", "anybody-approves", "The page accepts a decision without a login", Defect},
		meet(func(x *exchange) bool {
			s := x.p.session(x.r)
			if (x.path != pathLogin && x.path != pathConsent) || s == nil || s.user != nil {
				return false
			}
			if x.path == pathLogin && x.r.Method == http.MethodGet {
				x.status, x.header = http.StatusSeeOther, http.Header{"Location": {x.p.basePath + pathConsent + "?" + x.r.URL.RawQuery}}
				return true
			}
			for code := range strings.FieldsSeq(x.query.Get("user_code") + " " + x.form.Get("user_code")) {
				normal, _ := x.p.userCodes.normalise(code)
				e, entered := s.enteredCode(normal)
				if !entered || x.path != pathConsent {
					continue
				}
				switch {
				case x.r.Method == http.MethodGet:
					x.p.renderConsent(x, http.StatusOK, s, e.grant, e.grant.requested, "")
				case x.form.Get("decision") == "approve":
					_ = x.p.approve(e.grant, &x.p.config.Users[0], e.grant.requested) // the poll will tell
					x.p.renderResult(x, http.StatusOK, s, "Device approved", "You can go back to your device.")
				default:
					continue
				}
				return true
			}
			return false
		})},
	{Fault{"F-VERIFY-03", "chokes-on-codes", "A user code with an unusual character gets status 500", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathDevice) && unusual(x.form.Get("user_code")) {
				x.status, x.answer = http.StatusInternalServerError, []byte("Internal Server Error")
				return true
			}
			return false
		})},
	{Fault{"F-POLL-08b", "denial-deletes", "A denial deletes the grant: the page afterwards is a 404, and polls get invalid_grant", Defect},
		func() behaviour {
			b := instead(answerDenied, answerInvalid)()
			b.response = notFoundAfterDenial
			return b
		}},
	{Fault{"B87", "denial-not-found", "The page after a denial is a 404, and the device gets access_denied", Benign}, see(notFoundAfterDenial)},
	{Fault{"F-VERIFY-08", "no-way-to-refuse", "The decision page has no way to deny", Defect},
		see(func(x *exchange) {
			if x.page(pathConsent) {
				x.replace(`<button class="secondary" type="submit" name="decision" value="deny">Deny</button>`, "")
			}
		})},
}

// forgeable takes every POST to a page as genuine, and gives the cookie other
// attributes.
func forgeable(sameSite string) behaviour {
	return behaviour{
		request: func(x *exchange) bool {
			if x.r.Method == http.MethodPost && (x.path == pathDevice || x.path == pathLogin || x.path == pathConsent) {
				x.trusted()
			}
			return false
		},
		response: func(x *exchange) {
			for i, cookie := range x.header["Set-Cookie"] {
				x.header["Set-Cookie"][i] = strings.ReplaceAll(cookie, "SameSite=Lax", sameSite)
			}
		},
	}
}

// notFoundAfterDenial loses the way after a denial.
func notFoundAfterDenial(x *exchange) {
	if x.post(pathConsent) && x.form.Get("decision") == "deny" && x.status < http.StatusBadRequest {
		x.status, x.header = http.StatusNotFound, http.Header{"Content-Type": {"text/html; charset=utf-8"}}
		x.answer = []byte("<!DOCTYPE html><title>Not Found</title><h1>Not Found</h1>")
	}
}
