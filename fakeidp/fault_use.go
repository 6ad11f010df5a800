package fakeidp

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// useFaults: who gets a token, and what can be done with it.
var useFaults = []fault{
	{Fault{"F-TOKEN-05", "nobody-need-ask", "A poll without client_id counts as one by the code's public client", Defect},
		meet(func(x *exchange) bool {
			if g, ok := x.named(); ok && g.client.Public && !x.form.Has("client_id") {
				x.setForm("client_id", g.client.ID)
			}
			return false
		})},
	{Fault{"F-TOKEN-05b", "secret-is-not-checked", "At the token endpoint, client_id suffices without the secret", Defect},
		meet(func(x *exchange) bool {
			if g, ok := x.named(); ok && !g.client.Public {
				x.proveFor(g.client)
			}
			return false
		})},
	{Fault{"F-TOKEN-05c", "failed-try-burns-the-code", "A poll whose client fails to authenticate ends the code", Defect},
		see(func(x *exchange) {
			if g, ok := x.named(); ok && x.oauthError() == "invalid_client" {
				_ = g.expire(x.p.clock.Now()) // one that is used up has nothing to lose
			}
		})},
	{Fault{"F-TOKEN-06", "tokens-for-get", "The token endpoint accepts GET with the parameters in the query", Defect},
		meet(func(x *exchange) bool {
			if x.path == pathToken && x.r.Method == http.MethodGet && len(x.query) > 0 {
				x.r.Method = http.MethodPost
				x.r.Header.Set("Content-Type", formType)
				x.form, x.query = x.query, url.Values{}
				x.r.URL.RawQuery = ""
				x.body = []byte(x.form.Encode())
			}
			return false
		})},
	{Fault{"F-TOKEN-06b", "query-is-read", "The token endpoint reads parameters, and a secret, from the query of a POST", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathToken) && len(x.query) > 0 && x.r.Header.Get("Content-Type") == formType {
				maps.Copy(x.form, x.query)
				x.query, x.r.URL.RawQuery = url.Values{}, ""
				x.body = []byte(x.form.Encode())
			}
			return false
		})},
	{Fault{"F-TOKEN-04b", "client-need-not-exist", "A poll by a client that does not exist counts as one by the code's public client", Defect},
		meet(func(x *exchange) bool {
			_, known := x.p.clients[x.form.Get("client_id")]
			if g, ok := x.named(); ok && g.client.Public && !known && len(x.form["client_id"]) == 1 {
				x.setForm("client_id", g.client.ID)
			}
			return false
		})},
	{Fault{"F-TOKEN-04c", "public-client-redeems", "A public client may redeem a confidential client's code", Defect},
		func() behaviour {
			return behaviour{foreign: func(g *grant, presenter *Client) bool { return presenter.Public && !g.client.Public }}
		}},
	{Fault{"F-TOKEN-05d", "failed-basic-is-ignored", "HTTP Basic that fails is ignored where the body names a public client", Defect},
		ignoredBasic(func(x *exchange) bool {
			client, known := x.p.clients[x.form.Get("client_id")]
			return known && client.Public
		})},
	{Fault{"F-DA-14c", "body-beats-basic", "HTTP Basic that fails is ignored where the body has a secret", Defect},
		ignoredBasic(func(x *exchange) bool { return x.form.Has("client_secret") })},
	{Fault{"F-TOKEN-06c", "tokens-for-put", "The token endpoint accepts PUT", Defect},
		meet(func(x *exchange) bool {
			if x.path == pathToken && x.r.Method == http.MethodPut {
				x.r.Method = http.MethodPost
			}
			return false
		})},
	{Fault{"F-TOKEN-07", "json-falls-over", "A JSON poll gets status 500", Defect},
		meet(func(x *exchange) bool {
			if !x.post(pathToken) || !strings.Contains(x.r.Header.Get("Content-Type"), "json") {
				return false
			}
			x.refuse(http.StatusInternalServerError, "server_error")
			return true
		})},
	{Fault{"F-TOKEN-11", "scope-as-requested", "The scope in the response is the requested one, whatever the end user granted", Defect},
		see(func(x *exchange) {
			if g, ok := x.named(); ok && x.tokens() {
				x.edit(func(o map[string]any) { o["scope"] = strings.Join(g.requested, " ") })
			}
		})},
	{Fault{"F-TOKEN-12", "polls-widen", "A scope in the poll replaces what the end user granted", Defect},
		meet(func(x *exchange) bool {
			if g, ok := x.named(); ok && x.form.Has("scope") {
				if scopes, ok := parseScope(x.form.Get("scope")); ok {
					g.mu.Lock()
					if g.family != nil {
						g.family.scopes = scopes
					}
					g.mu.Unlock()
				}
			}
			return false
		})},
	{Fault{"F-TOKEN-12b", "scope-burns-the-code", "A poll with a scope gets invalid_scope and ends the code", Defect},
		meet(func(x *exchange) bool {
			g, ok := x.named()
			if !ok || !x.form.Has("scope") {
				return false
			}
			_ = g.expire(x.p.clock.Now()) // one that is used up has nothing to lose
			x.refuse(http.StatusBadRequest, "invalid_scope")
			return true
		})},
	{Fault{"F-TOKEN-13", "refresh-for-everybody", "Any client may use a refresh token", Defect},
		meet(func(x *exchange) bool {
			if t, ok := x.refreshing(); ok {
				x.proveFor(t.family.client)
			}
			return false
		})},
	{Fault{"F-TOKEN-13b", "refresh-widens", "A scope in the refresh request replaces what was granted", Defect},
		meet(func(x *exchange) bool {
			if t, ok := x.refreshing(); ok && x.form.Has("scope") {
				if scopes, ok := parseScope(x.form.Get("scope")); ok {
					t.family.scopes = scopes
				}
			}
			return false
		})},
	{Fault{"F-TOKEN-13c", "refresh-for-nobody", "Refresh tokens are issued, and no client may use one", Defect},
		meet(func(x *exchange) bool {
			if _, ok := x.refreshing(); !ok {
				return false
			}
			x.status, x.header = http.StatusBadRequest, http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Pragma": {"no-cache"}}
			x.answer = []byte(`{"error":"unauthorized_client"}`)
			return true
		})},
	{Fault{"F-TOKEN-14", "refresh-tokens-stay", "A replaced refresh token still works", Defect},
		meet(func(x *exchange) bool {
			if t, ok := x.refreshing(); ok {
				t.mu.Lock()
				t.used = false
				t.mu.Unlock()
			}
			return false
		})},
	{Fault{"F-TOKEN-14b", "family-survives", "A used refresh token is refused, and its family lives on", Defect},
		meet(func(x *exchange) bool {
			t, ok := x.refreshing()
			if !ok {
				return false
			}
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.used {
				x.refuse(http.StatusBadRequest, "invalid_grant")
			}
			return t.used
		})},
	{Fault{"B85", "second-try", "A refresh token works a second time within a second, for an answer that was lost", Benign}, secondTry},
	{Fault{"F-TOKEN-15j", "id-token-with-refresh", "There is no OpenID metadata and no ID token, and a refresh brings one", Defect},
		see(withoutOpenID)},
	{Fault{"F-TOKEN-15", "no-id-token", "There is no ID token although openid was granted", Defect},
		see(func(x *exchange) {
			if x.tokens() {
				x.edit(func(o map[string]any) { delete(o, "id_token") })
			}
		})},
	{Fault{"F-TOKEN-15b", "id-token-of-another-key", "The ID token is signed with a key that is not in jwks_uri", Defect},
		inIDToken(func(parts []string) {
			// The same kid, and not the signature of its key.
			parts[2] = base64.RawURLEncoding.EncodeToString(make([]byte, 64))
		})},
	{Fault{"F-TOKEN-15c", "id-token-unsigned", "The ID token has alg none and no signature", Defect},
		inIDToken(func(parts []string) {
			parts[0], parts[2] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)), ""
		})},
	{Fault{"F-TOKEN-15d", "id-token-for-another", "The ID token has another audience", Defect},
		claiming(func(c *idClaims) { c.Audience = "another-client" })},
	{Fault{"F-TOKEN-15e", "id-token-of-another-issuer", "The ID token has another issuer", Defect},
		claiming(func(c *idClaims) { c.Issuer += "/other" })},
	{Fault{"F-TOKEN-15f", "id-token-expired", "The ID token had already expired when it was issued", Defect},
		claiming(func(c *idClaims) { c.Expires = c.IssuedAt - 3600 })},
	{Fault{"F-TOKEN-15g", "two-names-for-a-person", "sub differs between the ID token and userinfo", Defect},
		claiming(func(c *idClaims) { c.Subject = "id-" + c.Subject })},
	{Fault{"F-TOKEN-16", "userinfo-for-everybody", "The userinfo endpoint answers without a token", Defect},
		meet(func(x *exchange) bool {
			if x.path != pathUserInfo || x.r.Header.Get("Authorization") != "" {
				return false
			}
			x.reply(http.StatusOK, claimsAbout(&x.p.config.Users[0], nil))
			return true
		})},
	{Fault{"F-TOKEN-16b", "tokens-are-not-active", "Introspection reports every token as inactive, and the userinfo endpoint refuses it", Defect},
		see(func(x *exchange) {
			switch {
			case x.post(pathIntrospection) && x.status == http.StatusOK:
				x.reply(http.StatusOK, introspectionResponse{})
			case x.path == pathUserInfo && x.status == http.StatusOK:
				x.refuse(http.StatusUnauthorized, "invalid_token")
				x.header.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			}
		})},
	{Fault{"F-TOKEN-16c", "token-of-another-client", "Introspection names another client", Defect},
		see(func(x *exchange) {
			if x.post(pathIntrospection) {
				x.edit(func(o map[string]any) {
					if o["active"] == true {
						o["client_id"] = "another-client"
					}
				})
			}
		})},
	{Fault{"F-TOKEN-17", "anybody-may-revoke", "Any client may revoke a token", Defect},
		meet(func(x *exchange) bool {
			if t, ok := x.p.accessTokens.get(x.form.Get("token"), x.p.clock.Now()); ok && x.post(pathRevocation) {
				x.proveFor(t.family.client)
			}
			return false
		})},
	{Fault{"F-TOKEN-17b", "revocation-does-nothing", "The revocation endpoint answers 200 but revokes nothing", Defect},
		meet(func(x *exchange) bool {
			if !x.post(pathRevocation) {
				return false
			}
			x.reply(http.StatusOK, struct{}{})
			return true
		})},
	{Fault{"F-POLL-17", "user-code-polls", "The token endpoint accepts the user code as a device code", Defect},
		meet(func(x *exchange) bool {
			if g, err := x.p.find(x.form.Get("device_code")); err == nil && x.post(pathToken) && len(x.form["device_code"]) == 1 {
				x.setForm("device_code", g.deviceCode)
			}
			return false
		})},
	{Fault{"F-POLL-17d", "pending-code-is-active", "Introspection calls a device code active that nobody approved", Defect},
		see(func(x *exchange) {
			if _, ok := x.p.grants.get(x.form.Get("token"), x.p.clock.Now()); ok && x.post(pathIntrospection) && x.status == http.StatusOK {
				x.edit(func(o map[string]any) { o["active"] = true })
			}
		})},
	{Fault{"F-POLL-17b", "device-code-is-typed", "The page accepts a device code as a user code", Defect},
		meet(func(x *exchange) bool {
			if g, ok := x.p.grants.get(x.form.Get("user_code"), x.p.clock.Now()); ok && x.post(pathDevice) {
				x.setForm("user_code", g.userCode)
			}
			return false
		})},
	{Fault{"F-POLL-17c", "device-code-refreshes", "An approved device code works as a refresh token", Defect},
		meet(func(x *exchange) bool {
			if _, ok := x.p.grants.get(x.form.Get("refresh_token"), x.p.clock.Now()); ok && x.post(pathToken) {
				x.form.Set("device_code", x.form.Get("refresh_token"))
				x.setForm("grant_type", grantTypeDevice)
			}
			return false
		})},
}

// named is the grant whose device code a device access token request names.
func (x *exchange) named() (*grant, bool) {
	if !x.post(pathToken) || x.form.Get("grant_type") != grantTypeDevice {
		return nil, false
	}
	return x.p.grants.get(x.form.Get("device_code"), x.p.clock.Now())
}

// refreshing is the refresh token of a refresh request.
func (x *exchange) refreshing() (*refreshToken, bool) {
	if !x.post(pathToken) || x.form.Get("grant_type") != grantTypeRefresh {
		return nil, false
	}
	return x.p.refreshTokens.get(x.form.Get("refresh_token"), x.p.clock.Now())
}

// ignoredBasic has HTTP Basic that fails ignored in some requests.
func ignoredBasic(where func(x *exchange) bool) func() behaviour {
	return meet(func(x *exchange) bool {
		id, secret, basic := basicCredentials(x.r.Header.Get("Authorization"))
		if client, known := x.p.clients[id]; basic && where(x) && (!known || client.Public || !equalSecrets(secret, client.Secret)) {
			x.r.Header.Del("Authorization")
		}
		return false
	})
}

// secondTry lets a refresh token be used again for a second, as it was.
func secondTry() behaviour {
	var first sync.Map // by refresh token, when it was used
	return behaviour{request: func(x *exchange) bool {
		t, ok := x.refreshing()
		if !ok {
			return false
		}
		now := x.p.clock.Now()
		if used, again := first.LoadOrStore(x.form.Get("refresh_token"), now); again && now.Sub(used.(time.Time)) < time.Second {
			t.mu.Lock()
			t.used = false
			t.mu.Unlock()
		}
		return false
	}}
}

// proveFor makes the request one of that client's, with its secret.
func (x *exchange) proveFor(client *Client) {
	x.r.Header.Del("Authorization")
	x.form.Set("client_id", client.ID)
	x.setForm("client_secret", client.Secret)
}

// inIDToken changes the three parts of an ID token after it was signed.
func inIDToken(change func(parts []string)) func() behaviour {
	return see(func(x *exchange) {
		if !x.tokens() {
			return
		}
		x.edit(func(o map[string]any) {
			token, _ := o["id_token"].(string)
			if parts := strings.Split(token, "."); len(parts) == 3 {
				change(parts)
				o["id_token"] = strings.Join(parts, ".")
			}
		})
	})
}

// claiming changes the claims of an ID token before it is signed.
func claiming(change func(*idClaims)) func() behaviour {
	return func() behaviour { return behaviour{claims: change} }
}
