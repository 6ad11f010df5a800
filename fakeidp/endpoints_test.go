package fakeidp

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const testIssuer = "https://idp.test"

// newTestIdP returns a server on a clock that stands still.
func newTestIdP(t testing.TB, change func(*Config)) (*IdP, *manualClock) {
	t.Helper()
	clock := newManualClock()
	config := DefaultConfig()
	config.Issuer, config.Clock = testIssuer, clock
	for i := range config.Clients {
		if !config.Clients[i].Public {
			config.Clients[i].Secret = "s3cret"
		}
	}
	for i := range config.Users {
		config.Users[i].Password = "pw-" + config.Users[i].Name
	}
	if change != nil {
		change(&config)
	}
	p, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return p, clock
}

// post sends a form to an API endpoint.
func post(h http.Handler, target, body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", formType)
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func basic(id, secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(id, secret) }
}

func members(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
		t.Fatalf("the body is not a JSON object: %q", w.Body)
	}
	return m
}

// authorize starts a grant.
func authorize(t testing.TB, p *IdP, client, scope string) deviceAuthorizationResponse {
	t.Helper()
	w := post(p, "/device_authorization", url.Values{"client_id": {client}, "scope": {scope}}.Encode())
	var response deviceAuthorizationResponse
	if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil || w.Code != http.StatusOK {
		t.Fatalf("device authorization: %d %s", w.Code, w.Body)
	}
	return response
}

func pollBody(client, deviceCode string) string {
	return url.Values{"client_id": {client}, "grant_type": {grantTypeDevice}, "device_code": {deviceCode}}.Encode()
}

func poll(p *IdP, client, deviceCode string) *httptest.ResponseRecorder {
	return post(p, "/token", pollBody(client, deviceCode))
}

func wantAnswer(t testing.TB, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	m := members(t, w)
	if got, _ := m["error"].(string); w.Code != status || got != code {
		t.Errorf("answered %d %s, want %d %s", w.Code, w.Body, status, code)
	}
}

func TestDeviceAuthorizationResponse(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	r := authorize(t, p, "device-public", "openid demo:read")
	if len(r.DeviceCode) != 43 || len(r.UserCode) != 9 || r.VerificationURI != testIssuer+"/device" ||
		r.VerificationURIComplete != testIssuer+"/device?user_code="+r.UserCode ||
		r.ExpiresIn != 600 || r.Interval != 5 {
		t.Errorf("response is %+v", r)
	}
	if r := authorize(t, p, "device-expiring", ""); r.ExpiresIn != 20 {
		t.Errorf("device-expiring lives %d s, want 20", r.ExpiresIn)
	}

	p, _ = newTestIdP(t, func(c *Config) { c.OmitInterval, c.OmitVerificationURIComplete = true, true })
	m := members(t, post(p, "/device_authorization", "client_id=device-public"))
	if _, ok := m["interval"]; ok || m["verification_uri_complete"] != nil {
		t.Errorf("the optional members are still there: %v", m)
	}
}

// TestRequestErrors sends one faulty request each to both endpoints (RFC 6749
// section 5.2).
func TestRequestErrors(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	code := authorize(t, p, "device-public", "").DeviceCode
	device := "&grant_type=" + url.QueryEscape(grantTypeDevice)
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, test := range []struct {
		name   string
		path   string
		body   string
		edit   func(*http.Request)
		status int
		code   string
	}{
		{"no client", "/device_authorization", "", nil, 400, "invalid_request"},
		{"empty client", "/device_authorization", "client_id=", nil, 400, "invalid_request"},
		{"unknown client", "/device_authorization", "client_id=nobody", nil, 401, "invalid_client"},
		{"repeated client", "/device_authorization", "client_id=device-public&client_id=device-public", nil, 400, "invalid_request"},
		{"repeated unknown", "/device_authorization", "client_id=device-public&x=&x=", nil, 400, "invalid_request"},
		{"unknown parameter", "/device_authorization", "client_id=device-public&x_h.1-2=3", nil, 200, ""},
		{"charset", "/device_authorization", "client_id=device-public", set("Content-Type", formType+"; charset=UTF-8"), 200, ""},
		{"JSON", "/device_authorization", `{"client_id":"device-public"}`, set("Content-Type", "application/json"), 400, "invalid_request"},
		{"no content type", "/device_authorization", "client_id=device-public", func(r *http.Request) { r.Header.Del("Content-Type") }, 400, "invalid_request"},
		{"query only", "/device_authorization?client_id=device-public", "", nil, 400, "invalid_request"},
		{"secret in query", "/device_authorization?client_secret=s3cret", "client_id=device-confidential", nil, 400, "invalid_request"},
		{"GET", "/device_authorization?client_id=device-public", "", func(r *http.Request) { r.Method = "GET" }, 405, "invalid_request"},
		{"PUT", "/token", "client_id=device-public", func(r *http.Request) { r.Method = "PUT" }, 405, "invalid_request"},
		{"unknown scope", "/device_authorization", "client_id=device-public&scope=zz", nil, 400, "invalid_scope"},
		{"forbidden scope", "/device_authorization", "client_id=device-public&scope=demo:admin", nil, 400, "invalid_scope"},
		{"case of scope", "/device_authorization", "client_id=device-public&scope=OpenID", nil, 400, "invalid_scope"},
		{"two spaces", "/device_authorization", "client_id=device-public&scope=openid++profile", nil, 400, "invalid_scope"},
		{"quote in scope", "/device_authorization", "client_id=device-public&scope=%22", nil, 400, "invalid_scope"},
		{"no device grant", "/device_authorization", "client_id=no-device", basic("no-device", "s3cret"), 400, "unauthorized_client"},
		{"no device grant", "/token", "device_code=x" + device, basic("no-device", "s3cret"), 400, "unauthorized_client"},
		{"no authentication", "/device_authorization", "client_id=device-confidential", nil, 401, "invalid_client"},
		{"Basic", "/device_authorization", "", basic("device-confidential", "s3cret"), 200, ""},
		{"encoded Basic", "/device_authorization", "", basic("device%2Dconfidential", "s3cret"), 200, ""},
		{"Basic and the same client_id", "/device_authorization", "client_id=device-confidential", basic("device-confidential", "s3cret"), 200, ""},
		{"secret in body", "/device_authorization", "client_id=device-confidential&client_secret=s3cret", nil, 200, ""},
		{"wrong Basic", "/device_authorization", "", basic("device-confidential", "wrong"), 401, "invalid_client"},
		{"malformed Basic", "/token", "", set("Authorization", "Basic !"), 401, "invalid_client"},
		{"other scheme", "/token", "client_id=device-public", set("Authorization", "Bearer x"), 401, "invalid_client"},
		{"wrong secret in body", "/token", "client_id=device-confidential&client_secret=wrong" + device, nil, 401, "invalid_client"},
		{"secret of a public client", "/token", "client_id=device-public&client_secret=x" + device, nil, 401, "invalid_client"},
		{"two methods", "/device_authorization", "client_secret=s3cret", basic("device-confidential", "s3cret"), 400, "invalid_request"},
		{"two clients", "/device_authorization", "client_id=device-public", basic("device-confidential", "s3cret"), 400, "invalid_request"},
		{"no grant type", "/token", "client_id=device-public&device_code=" + code, nil, 400, "invalid_request"},
		{"empty grant type", "/token", "client_id=device-public&grant_type=&device_code=" + code, nil, 400, "invalid_request"},
		{"short grant type", "/token", "client_id=device-public&grant_type=device_code&device_code=" + code, nil, 400, "unsupported_grant_type"},
		{"padded grant type", "/token", "client_id=device-public&device_code=" + code + device + "+", nil, 400, "unsupported_grant_type"},
		{"no device code", "/token", "client_id=device-public" + device, nil, 400, "invalid_request"},
		{"empty device code", "/token", "client_id=device-public&device_code=" + device, nil, 400, "invalid_request"},
		{"unknown device code", "/token", "client_id=device-public&device_code=%00" + device, nil, 400, "invalid_grant"},
		{"swapped case", "/token", "client_id=device-public&device_code=" + swapCase(code) + device, nil, 400, "invalid_grant"},
		{"repeated device code", "/token", "client_id=device-public&device_code=a&device_code=b" + device, nil, 400, "invalid_request"},
		{"device code in query", "/token?device_code=" + code, "client_id=device-public" + device, nil, 400, "invalid_request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			edit := test.edit
			if edit == nil {
				edit = func(*http.Request) {}
			}
			w := post(p, test.path, test.body, edit)
			wantAnswer(t, w, test.status, test.code)
			h := w.Header()
			if h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" {
				t.Errorf("headers are %v", h)
			}
			if w.Code == 401 && !strings.HasPrefix(h.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("a 401 without a challenge: %v", h)
			}
			if w.Code == 405 && h.Get("Allow") != "POST" {
				t.Errorf("a 405 without Allow: %v", h)
			}
		})
	}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if l := lowerASCII(r); l != r {
			return l
		}
		return upperASCII(r)
	}, s)
}

// TestErrorCharacters holds every constant to the sets of RFC 6749 section 5.2.
func TestErrorCharacters(t *testing.T) {
	for _, e := range []*oauthError{
		errMethod, errTooLarge, errContentType, errBody, errEncoding, errTooMany, errRepeated, errSecretInURI,
		errTwoMethods, errTwoClients, errNoClient, errNoGrantType, errNoDeviceCode, errNoRefreshToken, errNoToken,
		errClient, errUnregistered, errPublic, errNotAllowed, errGrantType, errScope, errPending, errSlowDown,
		errDenied, errExpired, errInvalid, errNoUserCode,
	} {
		var m map[string]string
		if err := json.Unmarshal(e.body, &m); err != nil {
			t.Fatal(err)
		}
		if !isVisible(m["error_description"]) || strings.ContainsAny(m["error_description"], `"\`) {
			t.Errorf("the description of %s has illegal characters", e.body)
		}
	}
}

// TestPolling walks the poll oracle over HTTP.
func TestPolling(t *testing.T) {
	p, clock := newTestIdP(t, nil)
	a := authorize(t, p, "device-public", "openid profile offline_access demo:read")
	wantAnswer(t, poll(p, "device-public", a.DeviceCode), 400, "authorization_pending")
	wantAnswer(t, poll(p, "device-public", a.DeviceCode), 400, "slow_down")
	wantAnswer(t, poll(p, "device-second", a.DeviceCode), 400, "invalid_grant")
	wantAnswer(t, poll(p, "device-public", a.UserCode), 400, "invalid_grant")
	clock.advance(10 * time.Second)
	wantAnswer(t, poll(p, "device-public", a.DeviceCode), 400, "authorization_pending")
	if err := p.Approve(strings.ToLower(a.UserCode), "alice", "openid", "demo:read"); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, poll(p, "device-second", a.DeviceCode), 400, "invalid_grant")
	w := poll(p, "device-public", a.DeviceCode)
	m := members(t, w)
	if w.Code != 200 || m["token_type"] != "Bearer" || m["scope"] != "openid demo:read" ||
		m["expires_in"] != 3600.0 || m["refresh_token"] != nil {
		t.Fatalf("token response: %d %v", w.Code, m)
	}
	wantAnswer(t, poll(p, "device-public", a.DeviceCode), 400, "invalid_grant")
	if p.introspect(m["access_token"].(string)).Active {
		t.Error("the token survived the reuse of its device code")
	}

	denied := authorize(t, p, "device-public", "")
	if err := p.Deny(denied.DeviceCode); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		wantAnswer(t, poll(p, "device-public", denied.DeviceCode), 400, "access_denied")
	}
}

func TestExpiryAndTombstone(t *testing.T) {
	p, clock := newTestIdP(t, nil)
	pending := authorize(t, p, "device-public", "")
	approved := authorize(t, p, "device-public", "")
	if err := p.Approve(approved.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	clock.advance(10*time.Minute - time.Second)
	wantAnswer(t, poll(p, "device-public", pending.DeviceCode), 400, "authorization_pending")
	clock.advance(time.Second)
	for _, code := range []string{pending.DeviceCode, approved.DeviceCode} {
		wantAnswer(t, poll(p, "device-public", code), 400, "expired_token")
	}
	if err := p.Approve(pending.UserCode, "alice"); err == nil {
		t.Error("an expired code was approved")
	}
	clock.advance(10 * time.Minute)
	for _, code := range []string{pending.DeviceCode, approved.DeviceCode} {
		wantAnswer(t, poll(p, "device-public", code), 400, "invalid_grant")
	}
	if codes := p.Codes(); len(codes) != 0 {
		t.Errorf("%d forgotten codes are still listed", len(codes))
	}
}

func TestThrottledFirstPoll(t *testing.T) {
	p, clock := newTestIdP(t, func(c *Config) { c.ThrottleFirstPoll = true })
	early, patient := authorize(t, p, "device-public", ""), authorize(t, p, "device-public", "")
	wantAnswer(t, poll(p, "device-public", early.DeviceCode), 400, "slow_down")
	clock.advance(5 * time.Second)
	wantAnswer(t, poll(p, "device-public", patient.DeviceCode), 400, "authorization_pending")
}

// TestOneTokenUnderRace is the race of grant_test.go through the endpoint.
func TestOneTokenUnderRace(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	for range 20 {
		a := authorize(t, p, "device-public", "demo:read")
		if err := p.Approve(a.UserCode, "alice"); err != nil {
			t.Fatal(err)
		}
		var tokens, refused atomic.Int32
		start := make(chan struct{})
		var done sync.WaitGroup
		for range 20 {
			done.Go(func() {
				<-start
				switch w := poll(p, "device-public", a.DeviceCode); w.Code {
				case 200:
					tokens.Add(1)
				case 400:
					refused.Add(1)
				}
			})
		}
		close(start)
		done.Wait()
		if tokens.Load() != 1 || refused.Load() != 19 {
			t.Fatalf("%d polls got tokens and %d were refused", tokens.Load(), refused.Load())
		}
	}
}

// redeem goes from a request to a token response.
func redeem(t *testing.T, p *IdP, client, scope string) map[string]any {
	t.Helper()
	a := authorize(t, p, client, scope)
	if err := p.Approve(a.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	w := poll(p, client, a.DeviceCode)
	if w.Code != 200 {
		t.Fatalf("no tokens: %s", w.Body)
	}
	return members(t, w)
}

func TestRefreshRotation(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	refresh := func(client, token, more string) *httptest.ResponseRecorder {
		return post(p, "/token", "client_id="+client+"&grant_type=refresh_token&refresh_token="+token+more)
	}
	first := redeem(t, p, "device-public", "openid offline_access demo:read")
	token := first["refresh_token"].(string)

	wantAnswer(t, refresh("device-second", token, ""), 400, "invalid_grant")
	wantAnswer(t, refresh("device-public", token, "&scope=demo:write"), 400, "invalid_scope")
	wantAnswer(t, refresh("device-public", "", ""), 400, "invalid_request")
	wantAnswer(t, refresh("device-public", "x", ""), 400, "invalid_grant")

	narrowed := members(t, refresh("device-public", token, "&scope=demo:read"))
	if narrowed["scope"] != "demo:read" || narrowed["id_token"] != nil {
		t.Fatalf("narrowed refresh: %v", narrowed)
	}
	second := members(t, refresh("device-public", narrowed["refresh_token"].(string), ""))
	if second["scope"] != "openid offline_access demo:read" || second["refresh_token"] == token {
		t.Fatalf("second refresh: %v", second)
	}
	wantAnswer(t, refresh("device-public", token, ""), 400, "invalid_grant")
	for name, response := range map[string]map[string]any{"first": first, "narrowed": narrowed, "second": second} {
		if p.introspect(response["access_token"].(string)).Active {
			t.Errorf("the replay left the %s access token active", name)
		}
	}
	wantAnswer(t, refresh("device-public", second["refresh_token"].(string), ""), 400, "invalid_grant")
}

func TestIntrospection(t *testing.T) {
	p, clock := newTestIdP(t, nil)
	token := redeem(t, p, "device-public", "openid demo:read")["access_token"].(string)
	m := members(t, post(p, "/introspect", "token="+token, basic("device-confidential", "s3cret")))
	if m["active"] != true || m["client_id"] != "device-public" || m["sub"] != "alice" || m["scope"] != "openid demo:read" {
		t.Errorf("introspection: %v", m)
	}
	wantAnswer(t, post(p, "/introspect", "client_id=device-public&token="+token), 401, "invalid_client")
	wantAnswer(t, post(p, "/introspect", "", basic("device-confidential", "s3cret")), 400, "invalid_request")
	clock.advance(time.Hour)
	w := post(p, "/introspect", "token="+token, basic("device-confidential", "s3cret"))
	if w.Body.String() != `{"active":false}` {
		t.Errorf("of an expired token: %s", w.Body)
	}
}

func TestRevocation(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	response := redeem(t, p, "device-public", "offline_access demo:read")
	access, refresh := response["access_token"].(string), response["refresh_token"].(string)
	revoke := func(client, token string) *httptest.ResponseRecorder {
		return post(p, "/revoke", "client_id="+client+"&token="+token)
	}
	wantAnswer(t, revoke("device-second", access), 400, "invalid_grant")
	if !p.introspect(access).Active {
		t.Error("another client revoked the token")
	}
	if w := revoke("device-public", "unknown"); w.Code != 200 {
		t.Errorf("an unknown token: %d", w.Code)
	}
	if revoke("device-public", access); p.introspect(access).Active || !p.introspect(refresh).Active {
		t.Error("revoking the access token should end it alone")
	}
	if revoke("device-public", refresh); p.introspect(refresh).Active {
		t.Error("the refresh token is still active")
	}
}

func TestUserInfo(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	get := func(authorization string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/userinfo", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		return w
	}
	token := redeem(t, p, "device-public", "openid email")["access_token"].(string)
	m := members(t, get("Bearer "+token))
	if m["sub"] != "alice" || m["email"] != "alice@example.test" || m["name"] != nil {
		t.Errorf("user info: %v", m)
	}
	plain := redeem(t, p, "device-public", "demo:read")["access_token"].(string)
	for authorization, status := range map[string]int{"": 401, "Bearer x": 401, "Basic x": 401, "Bearer " + plain: 403} {
		w := get(authorization)
		if w.Code != status || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%.10q: %d %v, want %d and a challenge", authorization, w.Code, w.Header(), status)
		}
	}
}

func TestIDTokenVerifiesWithPublishedKey(t *testing.T) {
	p, clock := newTestIdP(t, nil)
	raw := redeem(t, p, "device-public", "openid profile")["id_token"].(string)

	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/jwks", nil))
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(w.Body.Bytes(), &keys); err != nil {
		t.Fatal(err)
	}
	if !keys.Keys[0].IsPublic() {
		t.Fatal("the private key is published")
	}
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	var more map[string]any
	if err := token.Claims(keys, &claims, &more); err != nil {
		t.Fatal(err)
	}
	if err := claims.Validate(jwt.Expected{Issuer: testIssuer, AnyAudience: []string{"device-public"},
		Subject: "alice", Time: clock.Now()}); err != nil {
		t.Error(err)
	}
	if more["name"] != "Alice Adams" || more["email"] != nil {
		t.Errorf("claims: %v", more)
	}
}

func TestMetadataWithPath(t *testing.T) {
	p, _ := newTestIdP(t, func(c *Config) { c.Issuer = testIssuer + "/orgs/acme" })
	for _, path := range []string{
		"/.well-known/oauth-authorization-server/orgs/acme",
		"/orgs/acme/.well-known/openid-configuration",
	} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		m := members(t, w)
		if m["issuer"] != testIssuer+"/orgs/acme" || m["token_endpoint"] != testIssuer+"/orgs/acme/token" {
			t.Errorf("%s: %v", path, m)
		}
		if grants, _ := m["grant_types_supported"].([]any); !slices.Contains(grants, any(grantTypeDevice)) {
			t.Errorf("%s: grant types %v", path, grants)
		}
	}
	w := post(p, "/orgs/acme/device_authorization", "client_id=device-public", func(r *http.Request) {
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "evil.example")
	})
	if uri := members(t, w)["verification_uri"]; uri != testIssuer+"/orgs/acme/device" {
		t.Errorf("verification_uri is %v", uri)
	}
}

// TestStoreForgets issues many short-lived grants: the store must not keep them.
func TestStoreForgets(t *testing.T) {
	p, clock := newTestIdP(t, nil)
	client := p.clients["device-expiring"]
	for range 200 {
		for range 200 {
			if _, ok := p.issue(client, client.Scopes, asked{}); !ok {
				t.Fatal("no user code was free")
			}
		}
		clock.advance(time.Hour)
	}
	kept := 0
	for i := range p.grants.shards {
		kept += len(p.grants.shards[i].records)
	}
	if limit := shardCount * (leastTidy + 1); kept > limit {
		t.Errorf("%d dead grants are kept, more than %d", kept, limit)
	}
}

func TestUserCodesAreUniqueWhileLive(t *testing.T) {
	p, clock := newTestIdP(t, func(c *Config) { c.UserCodeAlphabet, c.UserCodeLength = "AB", 4 })
	client := p.clients["device-public"]
	seen := map[string]bool{}
	issued := 0
	for range 100 {
		g, ok := p.issue(client, client.Scopes, asked{})
		if !ok {
			continue
		}
		issued++
		if seen[g.userCode] {
			t.Fatalf("%s was issued twice", g.userCode)
		}
		seen[g.userCode] = true
	}
	if issued > 16 {
		t.Errorf("%d live codes of 16", issued)
	}
	clock.advance(10 * time.Minute)
	if _, ok := p.issue(client, client.Scopes, asked{}); !ok {
		t.Error("the code of an expired grant was not reused")
	}
}
