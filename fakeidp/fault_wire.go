package fakeidp

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// see makes a fault out of a look at the answers.
func see(change func(x *exchange)) func() behaviour {
	return func() behaviour { return behaviour{response: change} }
}

// meet makes a fault out of a look at the requests.
func meet(change func(x *exchange) (answered bool)) func() behaviour {
	return func() behaviour { return behaviour{request: change} }
}

// codes says that the answer gives codes.
func (x *exchange) codes() bool {
	return x.post(pathDeviceAuthorization) && x.status == http.StatusOK
}

// tokens says that the answer gives tokens for a device code.
func (x *exchange) tokens() bool {
	return x.post(pathToken) && x.status == http.StatusOK && x.form.Get("grant_type") == grantTypeDevice
}

// failed says that the answer is an OAuth error of the two endpoints.
func (x *exchange) failed() bool {
	return (x.path == pathToken || x.path == pathDeviceAuthorization) && x.oauthError() != ""
}

// document says that the answer is the metadata.
func (x *exchange) document() bool {
	return x.r.Method == http.MethodGet && strings.Contains(x.r.URL.Path, "/.well-known/")
}

// member sets a member of the answers that give codes.
func member(name string, value any) func() behaviour {
	return see(func(x *exchange) {
		if x.codes() {
			x.edit(func(o map[string]any) { o[name] = value })
		}
	})
}

// inMetadata changes the metadata.
func inMetadata(change func(o map[string]any)) func() behaviour {
	return see(func(x *exchange) {
		if x.document() {
			x.edit(change)
		}
	})
}

// wireFaults: the form of answers, whatever they say.
var wireFaults = []fault{
	{Fault{"M10", "errors-with-200", "Errors have status 200", Defect},
		see(func(x *exchange) {
			if x.failed() {
				x.status = http.StatusOK
			}
		})},
	{Fault{"M11", "errors-echo", "error_description repeats what the client sent", Defect},
		see(func(x *exchange) {
			if !x.failed() {
				return
			}
			for _, name := range []string{"client_id", "scope", "device_code", "grant_type"} {
				if value := x.form.Get(name); value != "" && (name != "device_code" || x.oauthError() == "invalid_grant") && unusual(value) {
					x.edit(func(o map[string]any) { o["error_description"] = "bad value: " + value })
				}
			}
		})},
	{Fault{"R09", "forwarded-host-trusted", "X-Forwarded-Host decides verification_uri", Defect},
		see(func(x *exchange) {
			if host := x.r.Header.Get("X-Forwarded-Host"); host != "" && x.codes() {
				x.edit(func(o map[string]any) {
					for _, name := range []string{"verification_uri", "verification_uri_complete"} {
						if u, err := url.Parse(fmt.Sprint(o[name])); err == nil {
							u.Host = host
							o[name] = u.String()
						}
					}
				})
			}
		})},
	{Fault{"R17", "codes-as-text", "The device authorization response is text/plain", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.header.Set("Content-Type", "text/plain; charset=utf-8")
			}
		})},
	{Fault{"R18", "member-twice", "The device authorization response contains a member twice", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.answer = append([]byte(`{"interval":5,`), bytes.TrimPrefix(x.answer, []byte("{"))...)
			}
		})},
	{Fault{"F-ERR-02", "errors-as-html", "Errors are HTML pages", Defect},
		see(func(x *exchange) {
			if x.failed() && x.oauthError() == "invalid_request" {
				x.header.Set("Content-Type", "text/html")
				x.answer = []byte("<h1>Bad Request</h1>")
			}
		})},
	{Fault{"F-ERR-05", "errors-of-its-own", "An unknown device code gets bad_verification_code", Defect},
		see(func(x *exchange) {
			if x.failed() && x.oauthError() == "invalid_grant" {
				x.replace("invalid_grant", "bad_verification_code")
			}
		})},
	{Fault{"F-ERR-05b", "synonym-of-pending", "An undecided code gets still_waiting", Defect},
		see(func(x *exchange) {
			if x.failed() {
				x.replace("authorization_pending", "still_waiting")
			}
		})},
	{Fault{"R19", "issuer-of-another", "The metadata names the issuer of another tenant", Defect},
		inMetadata(func(o map[string]any) {
			if s, ok := o["issuer"].(string); ok {
				o["issuer"] = s + "/orgs/other"
			}
		})},
	{Fault{"F-META-01", "endpoint-not-advertised", "The metadata has no device_authorization_endpoint", Defect},
		inMetadata(func(o map[string]any) { delete(o, "device_authorization_endpoint") })},
	{Fault{"F-META-02", "grant-not-advertised", "grant_types_supported omits the device grant", Defect},
		inMetadata(func(o map[string]any) { o["grant_types_supported"] = []string{"authorization_code", "refresh_token"} })},
	{Fault{"F-META-03", "endpoint-with-fragment", "device_authorization_endpoint has a fragment", Defect},
		inMetadata(func(o map[string]any) {
			if s, ok := o["device_authorization_endpoint"].(string); ok {
				o["device_authorization_endpoint"] = s + "#device"
			}
		})},
	{Fault{"F-META-05", "no-token-endpoint", "The metadata has no token_endpoint", Defect},
		inMetadata(func(o map[string]any) { delete(o, "token_endpoint") })},
}

// unusual says that a value is none that a well-meaning client sends.
func unusual(value string) bool {
	return strings.ContainsFunc(value, func(c rune) bool { return c > '~' || c == '"' || c == '\\' || c < ' ' || c == '<' })
}
