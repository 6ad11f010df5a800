package fakeidp

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func control(p *IdP, method, path, body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8629"+path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	p.Control().ServeHTTP(w, r)
	return w
}

func TestControlDecides(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	approve, deny, expire := authorize(t, p, "device-public", "openid demo:read"),
		authorize(t, p, "device-public", ""), authorize(t, p, "device-public", "")
	for _, test := range []struct {
		path, body string
		status     int
	}{
		{"/approve", `{"user_code":"` + approve.UserCode + `","user":"nobody"}`, 400},
		{"/approve", `{"user_code":"` + approve.UserCode + `","user":"alice","scope":"demo:write"}`, 400},
		{"/approve", `{"user_code":"` + approve.UserCode + `","user":"alice","scope":"demo:read"}`, 200},
		{"/approve", `{"user_code":"` + approve.UserCode + `","user":"bob"}`, 409},
		{"/deny", `{"device_code":"` + deny.DeviceCode + `"}`, 200},
		{"/expire", `{"device_code":"` + expire.DeviceCode + `"}`, 200},
		{"/approve", `{"user_code":"` + expire.UserCode + `","user":"bob"}`, 409},
		{"/expire", `{"device_code":"` + deny.DeviceCode + `"}`, 409},
		{"/deny", `{"user_code":"BBBB-BBBB"}`, 404},
		{"/deny", `{}`, 400},
		{"/deny", `{"user_code":"a","device_code":"b"}`, 400},
		{"/deny", `{"usercode":"a"}`, 400},
		{"/deny", `{"user_code":"a"} {}`, 400},
		{"/deny", `not JSON`, 400},
	} {
		if w := control(p, "POST", test.path, test.body); w.Code != test.status {
			t.Errorf("%s %s: %d %s, want %d", test.path, test.body, w.Code, w.Body, test.status)
		}
	}
	if m := members(t, poll(p, "device-public", approve.DeviceCode)); m["scope"] != "demo:read" {
		t.Errorf("approved: %v", m)
	}
	wantAnswer(t, poll(p, "device-public", deny.DeviceCode), 400, "access_denied")
	wantAnswer(t, poll(p, "device-public", expire.DeviceCode), 400, "expired_token")
}

// TestControlIsNotForWebPages sends what a page in the tester's browser could.
func TestControlIsNotForWebPages(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	rebound := func(r *http.Request) { r.Host = "attacker.example" }
	simple := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	if w := control(p, "GET", "/codes", "", rebound); w.Code != http.StatusForbidden {
		t.Errorf("a foreign host name: %d", w.Code)
	}
	if w := control(p, "POST", "/reset", "{}", simple); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a simple cross-origin request: %d", w.Code)
	}
	for _, host := range []string{"localhost", "localhost:8629", "127.0.0.1", "[::1]:8629", "[::1]"} {
		if w := control(p, "GET", "/health", "", func(r *http.Request) { r.Host = host }); w.Code != 200 {
			t.Errorf("host %s: %d", host, w.Code)
		}
	}
}

func TestControlShowsWhatWasSeen(t *testing.T) {
	p, clock := newTestIdP(t, nil)
	a := authorize(t, p, "device-public", "demo:read")
	clock.advance(5 * time.Second)
	poll(p, "device-public", a.DeviceCode)
	clock.advance(2 * time.Second)
	poll(p, "device-public", a.DeviceCode)

	var code Code
	if err := json.Unmarshal(control(p, "GET", "/codes/"+a.UserCode, "").Body.Bytes(), &code); err != nil {
		t.Fatal(err)
	}
	want := []Poll{{At: 5, Answer: "authorization_pending"}, {At: 7, Answer: "slow_down", TooFast: true}}
	if len(code.Polls) != 2 || code.Polls[0] != want[0] || code.Polls[1] != want[1] ||
		code.Interval != 10 || code.State != "slowed" || code.PollCount != 2 || code.TooFastCount != 1 {
		t.Errorf("seen: %+v", code)
	}
	var all struct{ Codes []Code }
	if err := json.Unmarshal(control(p, "GET", "/codes", "").Body.Bytes(), &all); err != nil || len(all.Codes) != 1 {
		t.Errorf("all codes: %+v, %v", all, err)
	}
	if w := control(p, "GET", "/codes/unknown", ""); w.Code != 404 {
		t.Errorf("an unknown code: %d", w.Code)
	}

	control(p, "POST", "/reset", "{}")
	if w := control(p, "GET", "/codes", ""); w.Body.String() != `{"codes":[]}` {
		t.Errorf("after a reset: %s", w.Body)
	}
	wantAnswer(t, poll(p, "device-public", a.DeviceCode), 400, "invalid_grant")
}

func TestControlClock(t *testing.T) {
	p, _ := newTestIdP(t, func(c *Config) { c.Clock, c.ClockRate = nil, 2 })
	a := authorize(t, p, "device-public", "")
	for body, status := range map[string]int{
		`{"rate":0}`: 400, `{"rate":-1}`: 400, `{"jump":-1}`: 400, `{"jump":1e300}`: 400, `{"speed":1}`: 400,
	} {
		if w := control(p, "POST", "/clock", body); w.Code != status {
			t.Errorf("%s: %d, want %d", body, w.Code, status)
		}
	}
	if m := members(t, control(p, "GET", "/clock", "")); m["rate"] != 2.0 {
		t.Errorf("clock: %v", m)
	}
	if m := members(t, control(p, "POST", "/clock", `{"rate":5,"jump":600}`)); m["rate"] != 5.0 {
		t.Errorf("clock: %v", m)
	}
	wantAnswer(t, poll(p, "device-public", a.DeviceCode), 400, "expired_token")

	fixed, _ := newTestIdP(t, nil)
	if w := control(fixed, "POST", "/clock", `{"jump":1}`); w.Code != 400 {
		t.Errorf("a clock that cannot be changed: %d", w.Code)
	}
}
