package fakeidp

import (
	"net/http"
	"strings"
	"sync"
)

// attackFaults: what lets hostile pages and guessers have their way.
var attackFaults = []fault{
	{Fault{"F-SEC-05", "header-resets-the-limit", "X-Forwarded-For restarts the count of wrong codes", Defect},
		func() behaviour {
			return behaviour{request: func(x *exchange) (answered bool) {
				if x.post(pathDevice) && x.r.Header.Get("X-Forwarded-For") != "" {
					x.p.guesses.clear()
				}
				return false
			}}
		}},
	{Fault{"F-SEC-06", "one-wrong-code", "After one wrong code, the browser's next codes are rejected, right or wrong", Defect}, oneWrongCode},
	{Fault{"F-SEC-07b", "samesite-by-default", "The decision needs only the cookie, and the cookie has no SameSite", Defect},
		func() behaviour {
			return behaviour{request: vouched, response: func(x *exchange) { x.dropFromCookies("; SameSite=Lax") }}
		}},
	{Fault{"F-STR-20", "question-before-an-open-decision", "Stay signed in? comes before a decision that needs only the cookie, which has no SameSite", Defect}, unguardedQuestion},
	{Fault{"F-STR-21", "login-approves", "Logging in approves: no page asks for the decision", Defect}, loginApproves},
	{Fault{"F-SEC-07c", "a-link-decides", "A link can decide too, without a token", Defect},
		func() behaviour {
			return behaviour{request: func(x *exchange) (answered bool) {
				if x.r.Method != http.MethodGet || x.path != pathConsent || x.query.Get("decision") == "" {
					return false
				}
				x.r.Method, x.form = http.MethodPost, x.query
				x.r.Header.Set("Content-Type", formType)
				return vouched(x)
			}}
		}},
	{Fault{"F-SEC-08", "framed-by-policy", "frame-ancestors allows every origin, and the cookies have no SameSite", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) {
				policy := x.header.Get("Content-Security-Policy")
				x.header.Set("Content-Security-Policy", strings.ReplaceAll(policy, "frame-ancestors 'none'", "frame-ancestors *"))
				x.header.Del("X-Frame-Options")
				x.dropFromCookies("; SameSite=Lax")
			}}
		}},
	{Fault{"F-SEC-08b", "only-the-old-header", "Only X-Frame-Options forbids framing", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) {
				policy := x.header.Get("Content-Security-Policy")
				x.header.Set("Content-Security-Policy", strings.ReplaceAll(policy, "frame-ancestors 'none'; ", ""))
			}}
		}},
	{Fault{"F-SEC-09", "typing-is-enough", "A typed code is approved at once for a client that the end user approved before", Defect},
		func() behaviour { return behaviour{configure: func(c *Config) { c.Consent = SkipGranted }} }},
	{Fault{"B92", "decides-what-it-never-showed", "A decision counts for a code that the session never entered", Benign},
		func() behaviour {
			return behaviour{request: func(x *exchange) (answered bool) {
				if x.post(pathConsent) {
					x.enterUnseen()
				}
				return false
			}}
		}},
	{Fault{"F-SEC-09c", "a-link-decides-what-it-never-showed", "A link with the session's own token decides about a code that the session never entered", Defect},
		func() behaviour {
			return behaviour{request: func(x *exchange) (answered bool) {
				s := x.p.session(x.r)
				if x.r.Method != http.MethodGet || x.path != pathConsent || s == nil || x.query.Get("csrf") != s.csrf {
					return false
				}
				x.r.Method, x.form = http.MethodPost, x.query
				x.r.Header.Set("Content-Type", formType)
				x.enterUnseen()
				return vouched(x)
			}}
		}},
	{Fault{"B89", "shows-what-it-never-showed", "A decision about a code that the session never entered leads to the page that shows the code", Benign},
		func() behaviour {
			return behaviour{request: func(x *exchange) (answered bool) {
				if x.post(pathConsent) && x.enterUnseen() {
					x.setForm("decision", "")
				}
				return false
			}}
		}},
	{Fault{"F-SEC-12", "readable-from-anywhere", "Any origin may read the pages with the end user's cookies", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) {
				if origin := x.r.Header.Get("Origin"); origin != "" && x.isPage() {
					x.header.Set("Access-Control-Allow-Origin", origin)
					x.header.Set("Access-Control-Allow-Credentials", "true")
				}
			}}
		}},
	{Fault{"F-SEC-12b", "cookie-for-scripts", "Scripts can read the session cookie", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) { x.dropFromCookies("; HttpOnly") }}
		}},
	{Fault{"F-SEC-12c", "stored-decision", "The decision page may be stored", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) {
				if x.path == pathConsent {
					x.header.Set("Cache-Control", "private, max-age=600")
				}
			}}
		}},
}

// enterUnseen enters the code that a decision names, and says that this browser had
// not done so.
func (x *exchange) enterUnseen() bool {
	s := x.p.session(x.r)
	g, err := x.p.find(x.form.Get("user_code"))
	if s == nil || err != nil {
		return false
	}
	if _, entered := s.enteredCode(g.userCode); entered {
		return false
	}
	s.enter(g, true)
	return true
}

// isPage says that the request is for a page of the end user's.
func (x *exchange) isPage() bool {
	return x.path == pathDevice || x.path == pathLogin || x.path == pathConsent
}

// dropFromCookies takes an attribute off every cookie of the answer.
func (x *exchange) dropFromCookies(attribute string) {
	cookies := x.header.Values("Set-Cookie")
	for i := range cookies {
		cookies[i] = strings.ReplaceAll(cookies[i], attribute, "")
	}
}

// vouched makes every decision that comes with a cookie look as if it came
// from our own form.
func vouched(x *exchange) (answered bool) {
	s := x.p.session(x.r)
	if s == nil || !x.post(pathConsent) {
		return false
	}
	x.setForm("csrf", s.csrf)
	for _, name := range []string{"Origin", "Sec-Fetch-Site"} {
		x.r.Header.Del(name)
	}
	return false
}

// oneWrongCode remembers the browsers that typed a wrong code.
func oneWrongCode() behaviour {
	var (
		mu    sync.Mutex
		wrong = map[string]bool{}
	)
	browser := func(x *exchange) string {
		if s := x.p.session(x.r); s != nil {
			return s.id
		}
		return ""
	}
	return behaviour{
		request: func(x *exchange) (answered bool) {
			mu.Lock()
			defer mu.Unlock()
			if id := browser(x); x.post(pathDevice) && id != "" && wrong[id] {
				x.setForm("user_code", noCode)
			}
			return false
		},
		response: func(x *exchange) {
			mu.Lock()
			defer mu.Unlock()
			if id := browser(x); x.post(pathDevice) && id != "" && x.status == http.StatusBadRequest {
				wrong[id] = true
			}
		},
	}
}
