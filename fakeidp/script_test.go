package fakeidp

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

func playing(t *testing.T, s Script) *Server {
	t.Helper()
	config := DefaultConfig()
	config.Interval = time.Second
	server := NewServer(config)
	t.Cleanup(server.Close)
	s.Client = "device-public"
	if err := server.Play(s); err != nil {
		t.Fatal(err)
	}
	return server
}

// ask polls and returns status and body; status 0: no answer.
func ask(server *Server, code string) (int, string, http.Header) {
	form := url.Values{"client_id": {"device-public"}, "grant_type": {grantTypeDevice}, "device_code": {code}}
	// A connection of its own: a reset must not look like a stale one.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(server.URL+"/token", formType, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), resp.Header
}

func TestScript(t *testing.T) {
	server := playing(t, Script{Token: []Step{
		{Answer: "slow_down", Times: 2},
		{Answer: "temporarily_unavailable", Status: 503, Headers: map[string]string{"Retry-After": "2"}},
		{Reset: true},
		{Answer: "authorization_pending", Truncate: 10},
		{Body: "<h1>Bad Gateway</h1>", Status: 502},
		{Answer: "token"},
	}})
	g, ok := server.issue(server.clients["device-public"], []string{"openid"}, asked{})
	if !ok {
		t.Fatal("no code")
	}
	for i, want := range []struct {
		status int
		body   string
	}{
		{400, `{"error":"slow_down"}`}, {400, `{"error":"slow_down"}`}, {503, `{"error":"temporarily_unavailable"}`}, {0, ""},
		{400, `{"error":"`}, {502, "<h1>Bad Gateway</h1>"},
	} {
		status, body, header := ask(server, g.deviceCode)
		if status != want.status || body != want.body {
			t.Errorf("answer %d: %d %q, want %d %q", i+1, status, body, want.status, want.body)
		}
		if status == 503 && header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After %q", header.Get("Retry-After"))
		}
	}
	status, body, _ := ask(server, g.deviceCode)
	var token tokenResponse
	if err := json.Unmarshal([]byte(body), &token); err != nil || status != 200 || token.AccessToken == "" {
		t.Errorf("the token: %d %s", status, body)
	}
	if status, body, _ := ask(server, g.deviceCode); status != 400 || !strings.Contains(body, "invalid_grant") {
		t.Errorf("after the script: %d %s", status, body)
	}
}

// TestScriptIsShared: many polls at once take the steps one by one, and another
// client none.
func TestScriptIsShared(t *testing.T) {
	server := playing(t, Script{Token: []Step{{Answer: "access_denied", Times: 5}, {Answer: "expired_token", Times: 5}}})
	var (
		all    sync.WaitGroup
		mu     sync.Mutex
		counts = map[string]int{}
	)
	for range 12 {
		all.Go(func() {
			_, body, _ := ask(server, "unknown")
			mu.Lock()
			defer mu.Unlock()
			counts[body[:22]]++
		})
	}
	all.Wait()
	if counts[`{"error":"access_denie`] != 5 || counts[`{"error":"expired_toke`] != 5 || len(counts) != 3 {
		t.Errorf("%v", counts)
	}
	r := httptest.NewRequest(http.MethodPost, server.URL+"/token", strings.NewReader("client_id=device-second"))
	r.Header.Set("Content-Type", formType)
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "invalid_request") {
		t.Errorf("another client hears %s", w.Body)
	}
}

func TestScriptRepeatsAndStops(t *testing.T) {
	server := playing(t, Script{Repeat: true, Token: []Step{{Answer: "slow_down"}, {Answer: "access_denied"}}})
	for _, want := range []string{"slow_down", "access_denied", "slow_down"} {
		if _, body, _ := ask(server, "x"); !strings.Contains(body, want) {
			t.Errorf("%s, want %s", body, want)
		}
	}
	if err := server.Play(); err != nil || len(server.Playing()) != 0 {
		t.Error("not stopped")
	}
	if _, body, _ := ask(server, "x"); !strings.Contains(body, "invalid_grant") {
		t.Errorf("after the stop: %s", body)
	}
}

func TestBadScripts(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	for _, s := range []Script{
		{Client: "nobody"},
		{Client: "device-public", Token: []Step{{Answer: "nonsense"}}},
		{Client: "device-public", DeviceAuthorization: []Step{{Answer: "token"}}},
		{Client: "device-public", Token: []Step{{Times: -1}}},
		{Client: "device-public", Token: []Step{{Status: 99}}},
		{Client: "device-public", Token: []Step{{DelayMS: -1}}},
		{Client: "device-public", Token: []Step{{Truncate: -1}}},
	} {
		if p.Play(s) == nil {
			t.Errorf("%+v is taken", s)
		}
	}
	if p.Play(Script{Client: "device-public"}, Script{Client: "device-public"}) == nil {
		t.Error("two scripts for one client")
	}
	w := control(p, http.MethodPost, "/script", `[{"client": "device-public", "token": [{"answer": "slow_down"}]}]`)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "device-public") {
		t.Errorf("POST /script: %d %s", w.Code, w.Body)
	}
	if w := control(p, http.MethodPost, "/script", `[{"client": "device-public", "tokens": []}]`); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown key: %d", w.Code)
	}
}

// inMemory carries requests to a server without a connection, so that the
// virtual clock can run while a client waits.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.RemoteAddr, r.Host, r.RequestURI = "192.0.2.1:1234", r.URL.Host, r.URL.RequestURI()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestScriptMeetsAStranger: a device client that nobody here wrote goes through
// a script to its token.
func TestScriptMeetsAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Issuer, config.Interval = testIssuer, time.Second
		server, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Play(Script{Client: "device-public", Token: []Step{{Answer: "authorization_pending"}, {Answer: "slow_down"}, {Answer: "token"}}}); err != nil {
			t.Fatal(err)
		}
		device := oauth2.Config{ClientID: "device-public", Scopes: []string{"openid"},
			Endpoint: oauth2.Endpoint{DeviceAuthURL: testIssuer + "/device_authorization", TokenURL: testIssuer + "/token", AuthStyle: oauth2.AuthStyleInParams}}
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: inMemory{server}})
		codes, err := device.DeviceAuth(ctx)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		token, err := device.DeviceAccessToken(ctx, codes)
		if err != nil || !token.Valid() {
			t.Errorf("%v %v", token, err)
		}
		// It waited a second, another one, and then five more for slow_down.
		if took := time.Since(began); took != 8*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
