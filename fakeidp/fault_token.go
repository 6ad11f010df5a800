package fakeidp

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// tokenFaults: the device access token request of RFC 8628 section 3.4, and
// the response of RFC 6749 section 5.1.
var tokenFaults = []fault{
	{Fault{"F-TOKEN-40", "wants-json", "The token endpoint takes JSON only: 415 for every form", Defect}, meet(func(x *exchange) bool {
		if !x.post(pathToken) || !strings.HasPrefix(x.r.Header.Get("Content-Type"), formType) {
			return false
		}
		x.reply(http.StatusUnsupportedMediaType, map[string]string{"message": "Unsupported Media Type"})
		return true
	})},
	{Fault{"F-TOKEN-41", "always-invalid-grant", "The token endpoint answers every known code with invalid_grant", Defect}, meet(func(x *exchange) bool {
		if !x.post(pathToken) || x.form.Get("grant_type") != grantTypeDevice {
			return false
		}
		if _, err := x.p.find(x.form.Get("device_code")); err != nil {
			return false
		}
		x.refuse(http.StatusBadRequest, "invalid_grant")
		return true
	})},
	{Fault{"M13", "codes-for-everybody", "A device code of another client is accepted", Defect},
		func() behaviour {
			return behaviour{foreign: func(*grant, *Client) bool { return true }}
		}},
	{Fault{"M14", "binding-checked-late", "The client that a code belongs to is checked only after the approval", Defect},
		func() behaviour {
			return behaviour{foreign: func(g *grant, _ *Client) bool {
				g.mu.Lock()
				defer g.mu.Unlock()
				return g.state.undecided()
			}}
		}},
	{Fault{"M21", "basic-answered-400", "Failed HTTP Basic gets status 400 without a challenge", Defect},
		see(func(x *exchange) {
			if x.failed() && x.oauthError() == "invalid_client" && x.r.Header.Get("Authorization") != "" {
				x.status = http.StatusBadRequest
				x.header.Del("WWW-Authenticate")
			}
		})},
	{Fault{"M23", "tokens-may-be-cached", "The token response has no Cache-Control", Defect},
		see(func(x *exchange) {
			if x.tokens() {
				x.header.Del("Cache-Control")
			}
		})},
	{Fault{"R08", "narrowed-without-a-word", "After the end user narrowed the scopes, the response omits scope", Defect},
		see(func(x *exchange) {
			if g, err := x.p.find(x.form.Get("device_code")); err == nil && x.tokens() && len(g.family.scopes) < len(g.requested) {
				x.edit(func(o map[string]any) { delete(o, "scope") })
			}
		})},
	{Fault{"R11", "token-of-the-last-login", "The subject of a token is the user who logged in last", Defect}, lastLogin},
	{Fault{"R16", "grant-type-by-suffix", "Only the end of grant_type is compared", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathToken) && len(x.form["grant_type"]) == 1 && strings.HasSuffix(x.form.Get("grant_type"), "device_code") {
				x.setForm("grant_type", grantTypeDevice)
			}
			return false
		})},
	{Fault{"F-TOKEN-02", "no-device-code-falls-over", "A request without device_code gets status 500", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathToken) && x.form.Get("grant_type") == grantTypeDevice && !x.form.Has("device_code") {
				x.refuse(http.StatusInternalServerError, "server_error")
				return true
			}
			return false
		})},
	{Fault{"F-TOKEN-03", "unknown-is-pending", "An unknown device code gets authorization_pending", Defect},
		see(func(x *exchange) {
			if _, err := x.p.find(x.form.Get("device_code")); x.post(pathToken) && err != nil && x.oauthError() == "invalid_grant" && x.form.Has("device_code") {
				x.refuse(http.StatusBadRequest, "authorization_pending")
			}
		})},
	{Fault{"F-TOKEN-03b", "unknown-is-denied", "A missing, an unknown or another client's device code gets access_denied", Defect},
		see(func(x *exchange) {
			g, known := x.named()
			own := known && g.client.ID == x.client()
			absent := x.oauthError() == "invalid_request" && x.form.Get("grant_type") == grantTypeDevice && x.form.Get("device_code") == ""
			if x.post(pathToken) && (absent || x.oauthError() == "invalid_grant" && x.form.Has("device_code") && !own) {
				x.refuse(http.StatusBadRequest, "access_denied")
			}
		})},
	{Fault{"F-TOKEN-01", "grant-type-is-denied", "Another grant_type gets access_denied", Defect},
		see(func(x *exchange) {
			if x.post(pathToken) && x.oauthError() == "unsupported_grant_type" {
				x.refuse(http.StatusBadRequest, "access_denied")
			}
		})},
	{Fault{"F-TOKEN-09", "no-token-type", "token_type is omitted", Defect},
		see(func(x *exchange) {
			if x.tokens() {
				x.edit(func(o map[string]any) { delete(o, "token_type") })
			}
		})},
}

// lastLogin gives a new token to whoever else logged in since the code was issued, as
// a server does that looks up the end user by the latest session. Each tenant has
// its own people.
func lastLogin() behaviour {
	type login struct {
		tenant *IdP
		at     time.Time
	}
	var (
		mu     sync.Mutex
		logins = map[*User]login{}
	)
	return behaviour{
		response: func(x *exchange) {
			if u, known := x.p.users[x.form.Get("username")]; known && x.post(pathLogin) && x.status == http.StatusSeeOther {
				mu.Lock()
				logins[u] = login{x.p, x.p.clock.Now()}
				mu.Unlock()
			}
		},
		poll: func(g *grant, arrival time.Time) (answer, *family) {
			a, f := g.answer(arrival)
			if f == nil {
				return a, f
			}
			mu.Lock()
			defer mu.Unlock()
			latest, approver := g.issued, f.user
			for u, l := range logins {
				if u != approver && l.tenant == logins[approver].tenant && l.at.After(latest) {
					f.user, latest = u, l.at
				}
			}
			return a, f
		},
	}
}
