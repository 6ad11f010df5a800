package fakeidp

import (
	"crypto/rand"
	"encoding/base64"
	"time"
)

// hostedPersonalities are three vendors known from their documents. Only what
// goes over the wire is theirs: the pages are ours.
var hostedPersonalities = []personality{
	{
		Personality: Personality{Name: "oracle", Title: "Oracle identity domains", Wire: Low, Pages: None,
			Guesses: []string{"every answer to a poll", "the alphabet of user codes", "the errors of the device authorization endpoint"}},
		configure: func(c *Config) {
			setDefault(&c.DeviceCodeLifetime, 5*time.Minute)
			setDefault(&c.UserCodeAlphabet, "BCDFGHJKLMNPQRSTVWXYZ")
			c.OmitInterval, c.OmitVerificationURIComplete, c.LoginFirst = true, true, true
		},
		paths: map[string]string{
			pathDeviceAuthorization: "/oauth2/v1/device",
			pathToken:               "/oauth2/v1/token",
			pathDevice:              "/ui/v1/device",
			pathUserInfo:            "/oauth2/v1/userinfo",
			pathJWKS:                "/admin/v1/SigningCert/jwk",
			wellKnownOAuth:          "-",
		},
		issuer: "https://identity.oraclecloud.com/",
		metadata: func(o map[string]any) {
			delete(o, "device_authorization_endpoint")
			delete(o, "grant_types_supported")
		},
		deviceCode: randomUUID, trustingDevices: true,
		plainCodes: true,
		request: func(x *exchange) bool {
			if !x.post(pathDeviceAuthorization) || x.form.Get("response_type") == "device_code" && x.form.Get("scope") != "" {
				return false
			}
			x.refuse(400, "invalid_request")
			return true
		},
	},
	{
		Personality: Personality{Name: "cloudentity", Title: "Cloudentity (SecureAuth)", Wire: Medium, Pages: None,
			Guesses: []string{"the path of the page", "an interval of 5 seconds", "the answers to denied and expired codes"}},
		configure: func(c *Config) { setDefault(&c.DeviceCodeLifetime, 30*time.Minute) },
		paths: map[string]string{
			pathDeviceAuthorization: "/acme/default/device/authorization",
			pathToken:               "/acme/default/oauth2/token",
			pathDevice:              "/acme/default/device",
			wellKnownOpenID:         "/acme/default/.well-known/openid-configuration",
			wellKnownOAuth:          "-",
		},
		issuer:     "/acme/default",
		deviceCode: randomPadded, trustingDevices: true,
		plainCodes: true,
		response: func(x *exchange) {
			if x.oauthError() == "" {
				return
			}
			x.edit(func(o map[string]any) {
				o["status_code"] = x.status
				if x.path == pathDeviceAuthorization {
					o["error_code"] = o["error"]
					delete(o, "error_description")
				}
			})
		},
	},
	{
		Personality: Personality{Name: "lumoauth", Title: "LumoAuth", Wire: Medium, Pages: None,
			Guesses: []string{"which of the contradicting values of its documents are live: lifetime, page, alphabet"}},
		configure: func(c *Config) {
			setDefault(&c.DeviceCodeLifetime, 30*time.Minute)
			setDefault(&c.TokenRequestsPerMinute, 30)
		},
		paths: map[string]string{
			pathDeviceAuthorization: "/orgs/acme-corp/api/v1/oauth/device_authorization",
			pathToken:               "/orgs/acme-corp/api/v1/oauth/token",
			pathDevice:              "/orgs/acme-corp/device",
			wellKnownOpenID:         "/orgs/acme-corp/api/v1/.well-known/openid-configuration",
			wellKnownOAuth:          "/orgs/acme-corp/api/v1/.well-known/oauth-authorization-server",
		},
		issuer:        "/orgs/acme-corp/api/v1",
		refreshAlways: true,
	},
}

// randomPadded draws 256 bits in base64url with padding.
func randomPadded() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}
