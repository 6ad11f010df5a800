package fakeidp

import (
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// configured makes a variant out of a setting.
func configured(change func(*Config)) func() behaviour {
	return func() behaviour { return behaviour{configure: change} }
}

// inTokens changes the members of the token response.
func inTokens(change func(o map[string]any)) func() behaviour {
	return see(func(x *exchange) {
		if x.tokens() {
			x.edit(change)
		}
	})
}

// benignVariants: what a conforming server may do, and few do. Nothing here may
// fail anybody.
var benignVariants = []fault{
	{Fault{"B01", "no-interval", "interval is omitted: 5 seconds", Benign}, configured(func(c *Config) { c.OmitInterval = true })},
	{Fault{"B02", "no-complete-uri", "verification_uri_complete is omitted", Benign},
		configured(func(c *Config) { c.OmitVerificationURIComplete = true })},
	{Fault{"B03", "opaque-complete-uri", "verification_uri_complete contains a reference instead of the code", Benign}, opaqueReference},
	{Fault{"B04", "bare-tokens", "No refresh token and no expires_in", Benign},
		inTokens(func(o map[string]any) { delete(o, "refresh_token"); delete(o, "expires_in") })},
	{Fault{"B05", "lower-case-bearer", `token_type is "bearer"`, Benign}, inTokens(func(o map[string]any) {
		if o["token_type"] == "Bearer" {
			o["token_type"] = "bearer"
		}
	})},
	{Fault{"B06", "extra-members", "Unrequested members in every response", Benign}, see(func(x *exchange) {
		if x.path == pathToken || x.path == pathDeviceAuthorization {
			x.edit(func(o map[string]any) {
				o["message"], o["x_trace"] = "hello", map[string]any{"id": 7}
				if o["error"] == "slow_down" {
					o["interval"] = 10
				}
			})
		}
	})},
	{Fault{"B07", "throttles-the-first-poll", "The first interval counts from when the code was issued", Benign},
		configured(func(c *Config) { c.ThrottleFirstPoll = true })},
	{Fault{"B08", "throttles-decided-codes", "A poll that is too fast gets slow_down, even for a decided code", Benign},
		func() behaviour {
			return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
				g.mu.Lock()
				g.settle(arrival)
				if (g.state == stateApproved || g.state == stateDenied) && !g.lastPoll.IsZero() && arrival.Sub(g.lastPoll) < g.interval {
					g.lastPoll = arrival
					g.interval += slowDownStep
					g.mu.Unlock()
					return answerSlowDown, nil
				}
				g.mu.Unlock()
				return g.answer(arrival)
			}}
		}},
	{Fault{"B09", "evicts-at-expiry", "An expired code is unknown at once: invalid_grant", Benign}, instead(answerExpired, answerInvalid)},
	{Fault{"B10", "used-is-denied", "A used code gets access_denied", Benign}, instead(answerInvalid, answerDenied)},
	{Fault{"B11", "replay-revokes", "A replayed code revokes its tokens, as without any variant", Benign}, func() behaviour { return none }},
	{Fault{"B73", "scope-in-a-poll-refused", "A poll with a scope gets invalid_scope, and the code lives on", Benign},
		meet(func(x *exchange) bool {
			if _, ok := x.named(); !ok || !x.form.Has("scope") {
				return false
			}
			x.refuse(http.StatusBadRequest, "invalid_scope")
			return true
		})},
	{Fault{"B74", "stranger-s-code-is-invalid", "A client that does not exist gets invalid_grant for another's code", Benign},
		see(func(x *exchange) {
			if _, ok := x.named(); ok && x.oauthError() == "invalid_client" && x.r.Header.Get("Authorization") == "" && x.p.clients[x.form.Get("client_id")] == nil && x.form.Has("client_id") {
				x.refuse(http.StatusBadRequest, "invalid_grant")
			}
		})},
	{Fault{"B75", "introspection-refuses-codes", "Introspection answers 400 where the token is a device code or a user code", Benign},
		meet(func(x *exchange) bool {
			if _, err := x.p.find(x.form.Get("token")); err != nil || !x.post(pathIntrospection) {
				return false
			}
			x.refuse(http.StatusBadRequest, "unsupported_token_type")
			return true
		})},
	{Fault{"B12", "probe-kills", "A code that another client presents no longer works for anyone", Benign},
		func() behaviour {
			return behaviour{foreign: func(g *grant, _ *Client) bool {
				g.mu.Lock()
				defer g.mu.Unlock()
				if g.state != stateRedeemed {
					g.state = stateExpired
				}
				return false
			}}
		}},
	{Fault{"B13", "invalid-client-is-400", "invalid_client has status 401 only after an Authorization header", Benign}, see(func(x *exchange) {
		if x.failed() && x.oauthError() == "invalid_client" && x.r.Header.Get("Authorization") == "" {
			x.status = http.StatusBadRequest
			x.header.Del("WWW-Authenticate")
		}
	})},
	{Fault{"B14", "mixed-case-codes", "User codes have mixed case, and the case matters", Benign}, configured(func(c *Config) {
		c.UserCodeAlphabet = "BDFGHJLMNQRTbdfghjmnqrt23456789"
	})},
	{Fault{"B94", "seen-three-milliseconds-later", "Devices see a decision three milliseconds after the page confirmed it", Benign}, seenLater},
	{Fault{"B79", "style-from-elsewhere", "The decision page loads a style sheet from another host", Benign}, see(func(x *exchange) {
		if x.page(pathConsent) {
			x.replace("</head>", `<link rel="stylesheet" href="https://fonts.example/sans.css"></head>`)
		}
	})},
	{Fault{"B88", "says-why-a-code-is-of-no-use", "The page says whether a typed code has expired or was used", Benign}, see(func(x *exchange) {
		g, err := x.p.find(x.form.Get("user_code"))
		if err != nil || !x.post(pathDevice) || x.status != http.StatusBadRequest {
			return
		}
		why := "This code has already been used."
		if errors.Is(g.decidable(x.p.clock.Now()), ErrExpired) {
			why = "This code has expired. Start again on your device."
		}
		x.replace("That code is not valid. Check the code on your device and try again.", why)
	})},
	{Fault{"B15", "login-first", "The login comes before the code", Benign}, configured(func(c *Config) { c.LoginFirst = true })},
	{Fault{"B16", "no-scope-when-equal", "scope is omitted if it equals the requested scope", Benign}, noScopeWhenEqual},
	{Fault{"B17", "scope-required", "A request without scope gets invalid_scope", Benign}, meet(func(x *exchange) bool {
		if x.post(pathDeviceAuthorization) && x.form.Get("scope") == "" && len(x.form["client_id"]) == 1 {
			if _, known := x.p.clients[x.form.Get("client_id")]; known {
				x.refuse(http.StatusBadRequest, "invalid_scope")
				return true
			}
		}
		return false
	})},
	{Fault{"B18", "reserved-characters", "Device codes contain characters that are reserved in URLs", Benign},
		func() behaviour {
			return behaviour{issue: func(g *grant) {
				g.deviceCode = "+/=." + base64.StdEncoding.EncodeToString([]byte(g.deviceCode)) + "&%"
			}}
		}},
	{Fault{"B19", "one-poll-late", "Devices see an approval one poll late", Benign}, seenAfter(1)},
	{Fault{"B20", "html-for-get", "A GET of an API endpoint gets status 405 and an HTML page", Benign}, see(func(x *exchange) {
		if (x.path == pathToken || x.path == pathDeviceAuthorization) && x.status == http.StatusMethodNotAllowed {
			x.header.Set("Content-Type", "text/html; charset=utf-8")
			x.answer = []byte("<!DOCTYPE html><title>405</title><h1>Method Not Allowed</h1>")
		}
	})},
	{Fault{"B21", "json-with-charset", "Content-Type: application/json; charset=UTF-8", Benign}, see(func(x *exchange) {
		if strings.HasPrefix(x.header.Get("Content-Type"), "application/json") {
			x.header.Set("Content-Type", "application/json; charset=UTF-8")
		}
	})},
	{Fault{"B22", "far-away", "Every response takes 300 ms, plus or minus 200", Benign}, see(func(x *exchange) {
		x.delay = time.Duration(100+rand.IntN(400)) * time.Millisecond
	})},
	{Fault{"B50", "stay-signed-in", "A question with yes and no comes between the login and the decision", Benign}, staySignedIn},
	{Fault{"B51", "resumes-the-code", "A session goes on with the code that it holds until it is decided", Benign}, resumesCode},
	{Fault{"B40", "introspection-for-an-audience", "Introspection answers active: false to every caller, none of whom is in a token's audience", Benign}, see(func(x *exchange) {
		if x.post(pathIntrospection) && x.status == http.StatusOK {
			x.reply(http.StatusOK, introspectionResponse{})
		}
	})},
	{Fault{"B41", "grant-type-is-trimmed", "Spaces around grant_type are ignored", Benign}, meet(func(x *exchange) bool {
		if value := x.form.Get("grant_type"); x.post(pathToken) && len(x.form["grant_type"]) == 1 && value != strings.TrimSpace(value) {
			x.setForm("grant_type", strings.TrimSpace(value))
		}
		return false
	})},
	{Fault{"B42", "scopes-by-policy", "Every token has all scopes of its client, and the response declares them", Benign}, see(func(x *exchange) {
		switch g, ok := x.named(); {
		case ok && x.tokens():
			x.edit(func(o map[string]any) { o["scope"] = strings.Join(g.client.Scopes, " ") })
		case x.post(pathIntrospection):
			x.edit(func(o map[string]any) {
				if id, _ := o["client_id"].(string); x.p.clients[id] != nil {
					o["scope"] = strings.Join(x.p.clients[id].Scopes, " ")
				}
			})
		}
	})},
	{Fault{"B43", "no-openid-provider", "openid is a scope like any other: no ID token, no userinfo endpoint, no OpenID metadata", Benign}, see(func(x *exchange) {
		withoutOpenID(x)
		if x.post(pathToken) && x.form.Get("grant_type") == grantTypeRefresh {
			x.edit(func(o map[string]any) { delete(o, "id_token") })
		}
	})},
	{Fault{"B86", "in-any-order", "The scopes of a token response are in any order, and the letters of Bearer in either case", Benign},
		inTokens(func(o map[string]any) {
			if scope, ok := o["scope"].(string); ok && rand.IntN(2) == 0 {
				scopes := strings.Fields(scope)
				slices.Reverse(scopes)
				o["scope"] = strings.Join(scopes, " ")
			}
			if o["token_type"] == "Bearer" && rand.IntN(2) == 0 {
				o["token_type"] = "bearer"
			}
		})},
	{Fault{"B44", "scope-refused-at-the-end", "An unknown scope gets codes, and the token endpoint answers invalid_scope after the approval", Benign}, refusesScopeLate},
	{Fault{"B45", "client-named-once", "A request with HTTP Basic and client_id in the body is rejected", Benign}, meet(func(x *exchange) bool {
		if x.r.Header.Get("Authorization") == "" || !x.form.Has("client_id") || !x.post(pathToken) && !x.post(pathDeviceAuthorization) {
			return false
		}
		x.refuse(http.StatusBadRequest, "invalid_request")
		return true
	})},
	{Fault{"B46", "client-named-in-the-body", "A request with HTTP Basic needs client_id in the body as well", Benign}, meet(func(x *exchange) bool {
		if x.r.Header.Get("Authorization") == "" || x.form.Has("client_id") || !x.post(pathToken) && !x.post(pathDeviceAuthorization) {
			return false
		}
		x.refuse(http.StatusBadRequest, "invalid_request")
		return true
	})},
}

// withoutOpenID takes the ID token and all that says "OpenID provider" away.
func withoutOpenID(x *exchange) {
	switch {
	case x.tokens():
		x.edit(func(o map[string]any) { delete(o, "id_token") })
	case x.path == pathUserInfo, x.document() && strings.Contains(x.r.URL.Path, "openid-configuration"):
		x.refuse(http.StatusNotFound, "not_found")
	case x.document():
		x.edit(func(o map[string]any) {
			for _, name := range []string{"userinfo_endpoint", "id_token_signing_alg_values_supported", "subject_types_supported"} {
				delete(o, name)
			}
		})
	}
}

// refusesScopeLate looks at the scope of a device authorization request when
// somebody asks for the token.
func refusesScopeLate() behaviour {
	var late sync.Map // device codes
	return behaviour{
		request: func(x *exchange) bool {
			if g, ok := x.named(); ok {
				if _, refused := late.Load(g.deviceCode); refused && g.decidable(x.p.clock.Now()) != nil {
					x.refuse(http.StatusBadRequest, "invalid_scope")
					return true
				}
			}
			scopes, ok := parseScope(x.form.Get("scope"))
			client := x.p.clients[x.form.Get("client_id")]
			if !x.post(pathDeviceAuthorization) || !ok || client == nil || !client.Public || subset(scopes, client.Scopes) {
				return false
			}
			x.setForm("scope", strings.Join(client.Scopes, " "))
			x.serve()
			if o, ok := x.object(); ok {
				if code, ok := o["device_code"].(string); ok {
					late.Store(code, true)
				}
			}
			return true
		},
	}
}

// opaqueReference puts a random reference into verification_uri_complete, and
// takes it for the code that it stands for.
func opaqueReference() behaviour {
	var (
		mu    sync.Mutex
		codes = map[string]string{}
	)
	return behaviour{
		request: func(x *exchange) bool {
			mu.Lock()
			defer mu.Unlock()
			if code, ok := codes[x.query.Get("ref")]; ok && x.path == pathDevice {
				x.query = url.Values{"user_code": {code}}
				x.r.URL.RawQuery = x.query.Encode()
			}
			return false
		},
		response: func(x *exchange) {
			if !x.codes() {
				return
			}
			x.edit(func(o map[string]any) {
				code, _ := o["user_code"].(string)
				base, _, _ := strings.Cut(o["verification_uri_complete"].(string), "?")
				ref := randomToken()
				mu.Lock()
				codes[ref] = code
				mu.Unlock()
				o["verification_uri_complete"] = base + "?ref=" + ref
			})
		},
	}
}

// noScopeWhenEqual leaves scope out of a token response, as RFC 6749 section 5.1
// allows, where the request named scopes and all of them were granted.
func noScopeWhenEqual() behaviour {
	var asked sync.Map // device codes whose request named scopes
	return behaviour{response: func(x *exchange) {
		if o, ok := x.object(); ok && x.codes() && x.form.Get("scope") != "" {
			asked.Store(o["device_code"], true)
		}
		g, err := x.p.find(x.form.Get("device_code"))
		if _, named := asked.Load(x.form.Get("device_code")); err == nil && named && x.tokens() && len(g.family.scopes) == len(g.requested) {
			x.edit(func(o map[string]any) { delete(o, "scope") })
		}
	}}
}
