package fakeidp

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"sync"
)

// pathStay takes the answer to "Stay signed in?".
const pathStay = "/stay"

// staySignedIn asks a question with yes and no after the login, before the page
// that asks for the decision.
func staySignedIn() behaviour {
	var answered sync.Map // sessions
	return behaviour{request: func(x *exchange) bool {
		s := x.p.session(x.r)
		if s == nil || s.user == nil {
			return false
		}
		code := x.query.Get("user_code") + x.form.Get("user_code")
		switch _, known := answered.Load(s); {
		case x.post(pathStay):
			answered.Store(s, true)
			x.status, x.header = http.StatusSeeOther, http.Header{"Location": {x.p.basePath + pathConsent + "?user_code=" + url.QueryEscape(code)}}
			return true
		case x.path == pathConsent && x.r.Method == http.MethodGet && !known:
			x.header.Set("Content-Type", "text/html; charset=utf-8")
			x.header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			x.header.Set("Cache-Control", "no-store")
			x.status = http.StatusOK
			fmt.Fprintf(x, `<!DOCTYPE html><html lang="en"><title>Stay signed in?</title><h1>Stay signed in?</h1><p>You have to sign in less often then.</p>
<form method="post" action="%s"><input type="hidden" name="user_code" value="%s"><button name="stay" value="no">No</button> <button name="stay" value="yes">Yes</button></form></html>`,
				x.p.basePath+pathStay, html.EscapeString(code))
			return true
		}
		return false
	}}
}

// resumesCode goes on with the code that a session holds, until it is decided.
func resumesCode() behaviour {
	var held sync.Map // by session, the code that was typed last
	return behaviour{request: func(x *exchange) bool {
		s := x.p.session(x.r)
		if s == nil || s.user == nil {
			return false
		}
		if x.path == pathConsent && x.r.Method == http.MethodGet {
			held.Store(s, x.query.Get("user_code"))
		}
		code, holds := held.Load(s)
		if x.path != pathDevice || x.r.Method != http.MethodGet || !holds {
			return false
		}
		if g, err := x.p.find(code.(string)); err != nil || g.undecidable(x.p.clock.Now()) != nil {
			return false
		}
		x.status, x.header = http.StatusSeeOther, http.Header{"Location": {x.p.basePath + pathConsent + "?user_code=" + url.QueryEscape(code.(string))}}
		return true
	}}
}

// unguardedQuestion is staySignedIn before a decision that needs only the cookie,
// from any site.
func unguardedQuestion() behaviour {
	question := staySignedIn()
	return behaviour{
		request:  func(x *exchange) bool { return question.request(x) || vouched(x) },
		response: func(x *exchange) { x.dropFromCookies("; SameSite=Lax") },
	}
}

// loginApproves asks for no decision: whoever enters a code and logs in has approved.
func loginApproves() behaviour {
	return behaviour{request: func(x *exchange) bool {
		s := x.p.session(x.r)
		if s == nil || x.path != pathConsent || x.r.Method != http.MethodGet {
			return false
		}
		if g, ok := x.p.undecided(x, x.r, s, x.query.Get("user_code")); ok {
			x.p.finish(x, x.r, s, g, g.requested)
		}
		return true
	}}
}
