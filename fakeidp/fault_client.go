package fakeidp

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// clientFaults: who the client is: authentication, registration, scopes.
var clientFaults = []fault{
	{Fault{"F-DA-08", "forbidden-scope-is-granted", "A client gets every scope that it requests", Defect},
		registration(func(c *Client) { c.Scopes = nil })},
	{Fault{"F-DA-08b", "malformed-scope-falls-over", "A scope with a backslash gets status 500", Defect},
		func() behaviour {
			return behaviour{request: func(x *exchange) bool {
				if !x.post(pathDeviceAuthorization) || x.form.Get("scope") != `"x\y` {
					return false
				}
				x.reply(http.StatusInternalServerError, map[string]string{"error": "server_error"})
				return true
			}}
		}},
	{Fault{"F-DA-10", "grant-is-not-registered", "A client that may not use the grant gets codes and tokens with it", Defect},
		registration(func(c *Client) { c.NoDeviceGrant = false })},
	{Fault{"F-DA-10b", "unknown-client-is-denied", "The device authorization endpoint answers access_denied to clients that may not have codes", Defect},
		see(func(x *exchange) {
			unknown := x.oauthError() == "invalid_client" && x.r.Header.Get("Authorization") == "" && !x.form.Has("client_secret")
			if x.post(pathDeviceAuthorization) && (unknown || x.oauthError() == "unauthorized_client" || x.status >= 400 && len(x.body) == 0) {
				x.refuse(http.StatusBadRequest, "access_denied")
			}
		})},
	{Fault{"F-DA-13", "basic-is-not-decoded", "The id and secret in HTTP Basic are not form-decoded", Defect},
		func() behaviour {
			return behaviour{request: func(x *exchange) bool {
				// What the server decodes is then what was sent.
				if id, secret, ok := x.r.BasicAuth(); ok {
					x.r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
				}
				return false
			}}
		}},
	{Fault{"F-DA-14", "body-names-the-client", "HTTP Basic authenticates one client, and the client named in the body gets the codes", Defect},
		func() behaviour {
			return behaviour{request: func(x *exchange) bool {
				id, _, ok := basicCredentials(x.r.Header.Get("Authorization"))
				if other := x.form["client_id"]; x.post(pathDeviceAuthorization) && ok && len(other) == 1 && other[0] != id {
					x.r.Header.Del("Authorization")
				}
				return false
			}}
		}},
	{Fault{"F-DA-14b", "two-methods-are-one", "A secret in the body is ignored next to HTTP Basic", Defect},
		func() behaviour {
			return behaviour{request: func(x *exchange) bool {
				if x.post(pathDeviceAuthorization) && x.r.Header.Get("Authorization") != "" && x.form.Has("client_secret") {
					x.setForm("client_secret", "")
				}
				return false
			}}
		}},
	{Fault{"F-EXT-07", "assertions-of-any-key", "The signature of client assertions is not verified", Defect}, unchecked(checkSignature)},
	{Fault{"F-EXT-07b", "assertions-for-others", "The audience of client assertions is not checked", Defect}, unchecked(checkAudience)},
	{Fault{"F-EXT-07c", "assertions-at-any-time", "Client assertions do not expire", Defect}, unchecked(checkTimes)},
	{Fault{"F-EXT-07d", "assertions-again", "A client assertion can be used again", Defect}, unchecked(checkReplay)},
	{Fault{"F-EXT-07e", "assertions-about-others", "A client assertion may be about another client", Defect}, unchecked(checkSubject)},
	{Fault{"F-EXT-08", "certificates-of-any-key", "Any certificate with the client's subject is accepted", Defect}, unchecked(checkCertificate)},
	{Fault{"B96", "refused-assertions-are-400", "A refused assertion gets status 400 and invalid_client", Benign},
		see(func(x *exchange) {
			if x.form.Has("client_assertion") && x.oauthError() == "invalid_client" {
				x.refuse(http.StatusBadRequest, "invalid_client")
			}
		})},
	{Fault{"B97", "reused-jti-is-a-bad-request", "A used assertion gets invalid_request", Benign},
		func() behaviour {
			var (
				mu   sync.Mutex
				seen = map[string]bool{}
			)
			return behaviour{request: func(x *exchange) bool {
				text := x.form.Get("client_assertion")
				if text == "" {
					return false
				}
				mu.Lock()
				used := seen[text]
				seen[text] = true
				mu.Unlock()
				if used {
					x.refuse(http.StatusBadRequest, "invalid_request")
				}
				return used
			}}
		}},
	{Fault{"F-STR-40", "confidential-poll-refused", "The token endpoint refuses every poll of a confidential client, by HTTP Basic and in the body", Defect},
		refusedPolls(func(x *exchange) bool { return x.form.Has("client_secret") || x.r.Header.Get("Authorization") != "" })},
	{Fault{"F-DA-13b", "confidential-codes-end-at-once", "The first poll of a confidential client ends its grant", Defect},
		meet(func(x *exchange) bool {
			if !x.post(pathToken) || !x.form.Has("device_code") || x.client() != "device-confidential" {
				return false
			}
			x.refuse(http.StatusBadRequest, "invalid_grant")
			return true
		})},
	{Fault{"F-STR-41", "basic-poll-refused", "The token endpoint takes a client's secret in the body only", Defect},
		refusedPolls(func(x *exchange) bool { return x.r.Header.Get("Authorization") != "" })},
}

// unchecked leaves out a part of the check of a client's proof.
func unchecked(part proofCheck) func() behaviour {
	return func() behaviour { return behaviour{unchecked: part} }
}

// refusedPolls has the token endpoint refuse the clients of some polls.
func refusedPolls(whose func(x *exchange) bool) func() behaviour {
	return meet(func(x *exchange) bool {
		if !x.post(pathToken) || !x.form.Has("device_code") || !whose(x) {
			return false
		}
		x.refuse(http.StatusUnauthorized, "invalid_client")
		return true
	})
}

// registration changes what every client is registered for.
func registration(change func(*Client)) func() behaviour {
	return func() behaviour {
		return behaviour{configure: func(c *Config) {
			c.Clients = slices.Clone(c.Clients)
			for i := range c.Clients {
				change(&c.Clients[i])
			}
		}}
	}
}
