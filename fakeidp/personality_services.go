package fakeidp

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// servicePersonalities are three public services that differ most on the wire.
// The pages are ours: nobody can show theirs.
var servicePersonalities = []personality{
	{
		Personality: Personality{Name: "github", Title: "GitHub", Wire: Medium, Pages: None,
			Guesses: []string{"that denials and client errors have status 200 too", "that a used code counts as unknown"}},
		configure: func(c *Config) {
			setDefault(&c.DeviceCodeLifetime, 15*time.Minute)
			c.OmitVerificationURIComplete = true
		},
		paths: map[string]string{
			pathDeviceAuthorization: "/login/device/code",
			pathToken:               "/login/oauth/access_token",
			pathDevice:              "/login/device",
			pathIntrospection:       "-", pathRevocation: "-", pathUserInfo: "-", pathJWKS: "-",
			wellKnownOpenID: "-", wellKnownOAuth: "-",
		},
		deviceCode: func() string { return randomHex(20) }, trustingDevices: true,
		spellings: map[string]spelling{
			"authorization_pending":  {status: 200},
			"slow_down":              {status: 200},
			"access_denied":          {status: 200},
			"expired_token":          {status: 200},
			"invalid_request":        {status: 200},
			"invalid_scope":          {status: 200},
			"invalid_grant":          {status: 200, code: "incorrect_device_code"},
			"invalid_client":         {status: 200, code: "incorrect_client_credentials"},
			"unauthorized_client":    {status: 200, code: "device_flow_disabled"},
			"unsupported_grant_type": {status: 200},
		},
		response: responseGitHub,
	},
	{
		Personality: Personality{Name: "entra", Title: "Microsoft Entra ID", Wire: Medium, Pages: None,
			Guesses: []string{"the response to a poll that comes too early", "the response for a used code", "the address of the page"}},
		configure: func(c *Config) {
			setDefault(&c.DeviceCodeLifetime, 15*time.Minute)
			setDefault(&c.UserCodeLength, 9)
			c.OmitVerificationURIComplete = true
		},
		paths: map[string]string{
			pathDeviceAuthorization: "/contoso/oauth2/v2.0/devicecode",
			pathToken:               "/contoso/oauth2/v2.0/token",
			pathDevice:              "/devicelogin",
			pathUserInfo:            "/oidc/userinfo",
			pathJWKS:                "/contoso/discovery/v2.0/keys",
			pathIntrospection:       "-", pathRevocation: "-",
			wellKnownOpenID: "/contoso/v2.0/.well-known/openid-configuration",
			wellKnownOAuth:  "-",
		},
		issuer:     "/contoso/v2.0",
		plainCodes: true, trustingDevices: true,
		errors: map[*oauthError]*oauthError{
			errUnknownCode: newOAuthError(http.StatusBadRequest, "bad_verification_code", "the device code was not recognised"),
		},
		spellings: map[string]spelling{"access_denied": {code: "authorization_declined"}},
		request:   scopeIsRequired,
		metadata: func(o map[string]any) {
			for _, name := range []string{"introspection_endpoint", "revocation_endpoint", "dpop_signing_alg_values_supported", "authorization_details_types_supported"} {
				delete(o, name)
			}
		},
		response: responseEntra,
	},
	{
		Personality: Personality{Name: "google", Title: "Google", Wire: Low, Pages: None,
			Guesses: []string{"the statuses 428 and 403", "the errors of unknown clients and codes", "the paths of userinfo and keys on one host"}},
		configure: func(c *Config) {
			setDefault(&c.DeviceCodeLifetime, 30*time.Minute)
			c.OmitVerificationURIComplete = true
		},
		paths: map[string]string{
			pathDeviceAuthorization: "/device/code",
			pathDevice:              "/google/device",
			pathUserInfo:            "/v1/userinfo",
			pathJWKS:                "/oauth2/v3/certs",
			pathIntrospection:       "-", pathRevocation: "/revoke",
			wellKnownOAuth: "-",
		},
		trustingDevices: true,
		spellings: map[string]spelling{
			"authorization_pending": {status: http.StatusPreconditionRequired},
			"slow_down":             {status: http.StatusForbidden},
			"access_denied":         {status: http.StatusForbidden},
		},
		request: scopeIsRequired,
		metadata: func(o map[string]any) {
			for _, name := range []string{"introspection_endpoint", "dpop_signing_alg_values_supported", "authorization_details_types_supported"} {
				delete(o, name)
			}
		},
		response: func(x *exchange) {
			if x.path != pathDeviceAuthorization {
				return
			}
			x.edit(func(o map[string]any) {
				if uri, ok := o["verification_uri"]; ok {
					o["verification_url"] = uri
					delete(o, "verification_uri")
				}
			})
		},
	},
}

// scopeIsRequired refuses a device authorization request without scope.
func scopeIsRequired(x *exchange) bool {
	if !x.post(pathDeviceAuthorization) || x.form.Get("scope") != "" || x.form.Get("client_id") == "" {
		return false
	}
	x.refuse(http.StatusBadRequest, "invalid_request")
	return true
}

// responseGitHub puts the new interval beside slow_down, leaves the lifetime of
// a token out, and writes forms unless JSON was asked for.
func responseGitHub(x *exchange) {
	if x.path != pathDeviceAuthorization && x.path != pathToken {
		return
	}
	x.edit(func(o map[string]any) {
		switch {
		case o["error"] == "slow_down":
			if g, err := x.p.find(x.form.Get("device_code")); err == nil {
				g.mu.Lock()
				o["interval"] = int(g.interval / time.Second)
				g.mu.Unlock()
			}
		case o["access_token"] != nil:
			for _, name := range []string{"expires_in", "refresh_token", "id_token"} {
				delete(o, name)
			}
		}
	})
	o, ok := x.object()
	if !ok || slices.ContainsFunc(x.r.Header.Values("Accept"), func(a string) bool { return strings.Contains(a, "application/json") }) {
		return
	}
	form := url.Values{}
	for name, value := range o {
		form.Set(name, fmt.Sprint(value))
	}
	x.answer = []byte(form.Encode())
	x.header.Set("Content-Type", formType+"; charset=utf-8")
}

// responseEntra adds what an end user may read, and what support asks for.
func responseEntra(x *exchange) {
	switch {
	case x.path == pathDeviceAuthorization && x.status == http.StatusOK:
		x.edit(func(o map[string]any) {
			o["message"] = fmt.Sprintf("Open %v and enter the code %v to sign in.", o["verification_uri"], o["user_code"])
		})
	case x.oauthError() != "":
		x.edit(func(o map[string]any) {
			o["error_codes"] = []int{70016}
			o["timestamp"] = x.p.clock.Now().UTC().Format("2006-01-02 15:04:05Z")
			o["trace_id"], o["correlation_id"] = randomUUID(), randomUUID()
			o["error_uri"] = "https://login.microsoftonline.com/error?code=70016"
		})
	}
}

// randomHex draws so many bytes in hexadecimal.
func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}
