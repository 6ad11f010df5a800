package fakeidp

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// deviceAuthorizationFaults: the request and the response of RFC 8628 sections
// 3.1 and 3.2.
var deviceAuthorizationFaults = []fault{
	{Fault{"M08", "no-expires-in", "expires_in is omitted", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.edit(func(o map[string]any) { delete(o, "expires_in") })
			}
		})},
	{Fault{"M09", "numbers-as-strings", "expires_in and interval are JSON strings", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.edit(func(o map[string]any) {
					for _, name := range []string{"expires_in", "interval"} {
						if n, ok := o[name].(json.Number); ok {
							o[name] = n.String()
						}
					}
				})
			}
		})},
	{Fault{"M12", "four-digits", "User codes are four digits", Defect},
		func() behaviour {
			return behaviour{configure: func(c *Config) { c.UserCodeAlphabet, c.UserCodeLength = "0123456789", 4 }}
		}},
	{Fault{"M22", "last-value-wins", "The last value of a repeated parameter is used", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathToken) || x.post(pathDeviceAuthorization) {
				for name, values := range x.form {
					x.form[name] = values[len(values)-1:]
				}
				x.body = []byte(x.form.Encode())
			}
			return false
		})},
	{Fault{"R01", "no-secret-for-codes", "A confidential client gets codes without its secret", Defect},
		meet(func(x *exchange) bool {
			if c, known := x.p.clients[x.form.Get("client_id")]; known && !c.Public && x.post(pathDeviceAuthorization) && x.r.Header.Get("Authorization") == "" && !x.form.Has("client_secret") {
				x.setForm("client_secret", c.Secret)
			}
			return false
		})},
	{Fault{"R02", "unknown-parameters-refused", "Unknown parameters are rejected", Defect},
		meet(func(x *exchange) bool {
			if !x.post(pathToken) && !x.post(pathDeviceAuthorization) {
				return false
			}
			for name := range x.form {
				if strings.HasPrefix(strings.ToLower(name), "x") {
					x.refuse(http.StatusBadRequest, "invalid_request")
					return true
				}
			}
			return false
		})},
	{Fault{"R03", "empty-scope-refused", "An empty scope is rejected, but a missing one is not", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathDeviceAuthorization) && x.form.Has("scope") && x.form.Get("scope") == "" {
				x.refuse(http.StatusBadRequest, "invalid_scope")
				return true
			}
			return false
		})},
	{Fault{"R04", "codes-for-anybody", "Unknown clients get codes", Defect},
		meet(func(x *exchange) bool {
			id := x.form.Get("client_id")
			if _, known := x.p.clients[id]; x.post(pathDeviceAuthorization) && id != "" && !known && len(x.form["client_id"]) == 1 {
				x.setForm("client_id", x.p.config.Clients[0].ID)
			}
			return false
		})},
	{Fault{"F-STR-02", "unknown-clients-fall-over", "A device authorization request of an unknown client gets status 500", Defect},
		meet(func(x *exchange) bool {
			id := x.form.Get("client_id")
			if _, known := x.p.clients[id]; known || id == "" || !x.post(pathDeviceAuthorization) {
				return false
			}
			x.refuse(http.StatusInternalServerError, "server_error")
			return true
		})},
	{Fault{"R05", "device-codes-count-up", "Device codes are a counter", Defect},
		func() behaviour {
			var n atomic.Int64
			n.Store(100_000)
			return behaviour{issue: func(g *grant) { g.deviceCode = "device-" + strconv.FormatInt(n.Add(1), 10) }}
		}},
	{Fault{"R15", "code-in-the-uri", "verification_uri contains the user code", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.edit(func(o map[string]any) { o["verification_uri"] = o["verification_uri_complete"] })
			}
		})},
	{Fault{"F-DA-01", "confidential-clients-fail", "A confidential client gets status 500 for a valid request", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathDeviceAuthorization) && x.r.Header.Get("Authorization") != "" {
				x.refuse(http.StatusInternalServerError, "server_error")
				return true
			}
			return false
		})},
	{Fault{"F-DA-02", "codes-for-get", "A GET with the parameters in the query gets codes", Defect},
		meet(func(x *exchange) bool {
			if x.path != pathDeviceAuthorization || x.r.Method != http.MethodGet || !x.query.Has("client_id") {
				return false
			}
			other := x.again(http.MethodPost, x.r.URL.Path, x.query)
			x.status, x.header, x.answer = other.status, other.header, other.answer
			return true
		})},
	{Fault{"F-DA-02b", "secret-from-the-uri", "A client secret in the query is accepted", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathDeviceAuthorization) && x.query.Has("client_secret") {
				x.setForm("client_secret", x.query.Get("client_secret"))
				x.r.URL.RawQuery = ""
			}
			return false
		})},
	{Fault{"F-DA-03", "chokes-on-json", "A JSON body gets status 500", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathDeviceAuthorization) && strings.HasPrefix(x.r.Header.Get("Content-Type"), "application/json") {
				x.status, x.answer = http.StatusInternalServerError, []byte("Internal Server Error")
				return true
			}
			return false
		})},
	{Fault{"F-DA-06b", "unknown-parameter-costs-scopes", "A request with unknown parameters gets codes for its first scope alone", Defect},
		meet(func(x *exchange) bool {
			scopes := strings.Fields(x.form.Get("scope"))
			unknown := slices.ContainsFunc(slices.Collect(maps.Keys(x.form)), func(name string) bool { return strings.HasPrefix(name, "x_") })
			if x.post(pathDeviceAuthorization) && unknown && len(scopes) > 0 {
				x.setForm("scope", scopes[0])
			}
			return false
		})},
	{Fault{"F-DA-07b", "empty-scope-is-another", "A request with an empty scope gets codes for another scope than one without a scope", Defect},
		meet(func(x *exchange) bool {
			if scope, sent := x.form["scope"]; x.post(pathDeviceAuthorization) && sent && len(scope) == 1 && scope[0] == "" {
				x.setForm("scope", "openid")
			}
			return false
		})},
	{Fault{"F-DA-04", "codes-for-nobody", "A request without client_id gets codes", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathDeviceAuthorization) && x.form.Get("client_id") == "" && x.r.Header.Get("Authorization") == "" {
				x.setForm("client_id", x.p.config.Clients[0].ID)
			}
			return false
		})},
	{Fault{"F-RESP-03", "device-code-is-a-number", "device_code is a JSON number", Defect},
		func() behaviour {
			return behaviour{
				issue: func(g *grant) { g.deviceCode = digits(40) },
				response: func(x *exchange) {
					if x.codes() {
						x.edit(func(o map[string]any) { o["device_code"] = json.Number(fmt.Sprint(o["device_code"])) })
					}
				},
			}
		}},
	{Fault{"F-RESP-04", "user-code-is-a-number", "User codes are digits, and user_code is a JSON number", Defect},
		func() behaviour {
			return behaviour{
				configure: func(c *Config) { c.UserCodeAlphabet, c.UserCodeLength = "123456789", 9 },
				response: func(x *exchange) {
					if x.codes() {
						x.edit(func(o map[string]any) {
							o["user_code"] = json.Number(strings.ReplaceAll(fmt.Sprint(o["user_code"]), "-", ""))
						})
					}
				},
			}
		}},
	{Fault{"F-RESP-05", "relative-uri", "verification_uri is a relative path", Defect}, member("verification_uri", "/device")},
	{Fault{"F-STR-44", "complete-uri-of-another-code", "verification_uri_complete carries another code than user_code", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.edit(func(o map[string]any) {
					base, _, _ := strings.Cut(fmt.Sprint(o["verification_uri_complete"]), "?")
					o["verification_uri_complete"] = base + "?user_code=BCDF-GHJK"
				})
			}
		})},
	{Fault{"F-RESP-09", "relative-complete-uri", "verification_uri_complete is a relative path", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.edit(func(o map[string]any) {
					o["verification_uri_complete"] = fmt.Sprint("/device?user_code=", o["user_code"])
				})
			}
		})},
	{Fault{"F-RESP-10", "codes-may-be-cached", "The device authorization response has no Cache-Control", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.header.Del("Cache-Control")
			}
		})},
	{Fault{"F-RESP-11", "same-codes-in-a-burst", "In a burst of requests by one client, user codes are issued twice", Defect}, sameCodes},
}

// digits draws a number of n digits.
func digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '1' + byte(rand.IntN(9))
	}
	return string(b)
}

// sameCodes gives every third user code of a long burst to two devices: when
// more than 60 requests came that differ in nothing.
func sameCodes() behaviour {
	const burst = 60
	var (
		mu      sync.Mutex
		request string
		count   int
		code    any
	)
	return behaviour{response: func(x *exchange) {
		if !x.codes() {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if count++; request != string(x.body) {
			request, count = string(x.body), 0
		}
		x.edit(func(o map[string]any) {
			if count > burst && count%3 == 0 {
				o["user_code"] = code
			}
			code = o["user_code"]
		})
	}}
}
