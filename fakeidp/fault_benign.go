package fakeidp

import (
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"net/url"
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
		c.UserCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZbcdfghjkmnpqrstvwxz23456789"
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
