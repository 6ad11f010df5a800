package fakeidp

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// gatewayVariants: what stands in front of a conforming server, and how far away
// the server is.
var gatewayVariants = []fault{
	{Fault{"B23", "stumbling-gateway", "A gateway in front answers one request of thirty itself: 502 and a page", Benign}, stumbling(30, func(x *exchange) {
		x.status, x.header = http.StatusBadGateway, http.Header{"Content-Type": {"text/html"}}
		x.answer = []byte("<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>")
	})},
	{Fault{"B24", "one-limit", "One request of forty gets 429 and is to come again after a second", Benign}, stumbling(40, func(x *exchange) {
		x.status, x.header, x.answer = http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}, nil
	})},
	{Fault{"B25", "lost-connections", "One request of thirty ends with the connection closed", Benign}, stumbling(30, func(x *exchange) { x.hangUp = true })},
	{Fault{"F-ERR-01d", "drops-a-tenth", "One request of ten ends with the connection closed", Defect}, stumbling(10, func(x *exchange) { x.hangUp = true })},
	{Fault{"B26", "four-seconds", "Every answer of the two endpoints takes four seconds of the server's time", Benign}, see(func(x *exchange) {
		if x.path != pathToken && x.path != pathDeviceAuthorization {
			return
		}
		for until := x.p.clock.Now().Add(4 * time.Second); x.p.clock.Now().Before(until); {
			time.Sleep(10 * time.Millisecond)
		}
	})},
	{Fault{"B27", "date-of-a-cache", "A cache in front sets Date, and its clock is eleven minutes slow", Benign}, see(func(x *exchange) {
		x.header.Set("Date", time.Now().Add(-11*time.Minute).UTC().Format(http.TimeFormat))
	})},
	{Fault{"B70", "date-of-the-future", "A gateway in front sets Date, and its clock is two hours fast", Benign}, see(func(x *exchange) {
		x.header.Set("Date", time.Now().Add(2*time.Hour).UTC().Format(http.TimeFormat))
	})},
	{Fault{"B71", "date-of-yesterday", "A gateway in front sets Date, and its clock is a day slow", Benign}, see(func(x *exchange) {
		x.header.Set("Date", time.Now().Add(-24*time.Hour).UTC().Format(http.TimeFormat))
	})},
	{Fault{"B72", "firewall-denies", "A firewall answers access_denied to device codes with a NUL or beyond 8 KiB", Benign}, meet(func(x *exchange) bool {
		code := x.form.Get("device_code")
		if !x.post(pathToken) || len(code) <= 8<<10 && !strings.Contains(code, "\x00") {
			return false
		}
		x.refuse(http.StatusBadRequest, "access_denied")
		return true
	})},
	{Fault{"B28", "throttles-before-authentication", "slow_down comes before the client is authenticated, and any request that names the code counts", Benign}, throttlingFirst},
}

// stumbling lets something in front answer one API request of so many.
func stumbling(of int64, answer func(x *exchange)) func() behaviour {
	return func() behaviour {
		var n atomic.Int64
		return meet(func(x *exchange) bool {
			if x.path != pathToken && x.path != pathDeviceAuthorization || n.Add(1)%of != 0 {
				return false
			}
			answer(x)
			return true
		})()
	}
}

// throttlingFirst counts the interval of a code from any request that names it.
func throttlingFirst() behaviour {
	type pace struct {
		last     time.Time
		interval time.Duration
	}
	var (
		mu    sync.Mutex
		paces = map[*grant]pace{}
	)
	return meet(func(x *exchange) bool {
		if !x.post(pathToken) || len(x.form["device_code"]) != 1 {
			return false
		}
		g, err := x.p.find(x.form.Get("device_code"))
		if err != nil {
			return false
		}
		g.mu.Lock()
		live, interval := g.state == statePending || g.state == stateApproved, g.interval
		g.mu.Unlock()
		now := x.p.clock.Now()
		mu.Lock()
		defer mu.Unlock()
		p, known := paces[g]
		if !known {
			p.interval = interval
		}
		early := known && live && now.Sub(p.last) < p.interval
		if early {
			p.interval += slowDownStep
			x.refuse(http.StatusBadRequest, "slow_down")
		}
		p.last = now
		paces[g] = p
		return early
	})()
}
