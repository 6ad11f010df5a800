package fakeidp

import (
	"crypto/rand"
	"encoding/base64"
	"time"
)

// hostedPersonalities are three vendors known from their documents. Of the pages
// only Cloudentity's were read as templates.
var hostedPersonalities = []personality{
	{
		Personality: Personality{Name: "oracle", Title: "Oracle identity domains", Wire: Low, Pages: Low,
			Guesses: []string{"all responses to polls", "the code page, except for its title", "the consent page and the last page", "the alphabet of user codes", "the errors of the device authorization endpoint"}},
		configure: func(c *Config) {
			setDefault(&c.DeviceCodeLifetime, 5*time.Minute)
			setDefault(&c.UserCodeAlphabet, "BCDFGHJKLMNPQRSTVWXYZ")
			c.OmitInterval, c.OmitVerificationURIComplete, c.LoginFirst = true, true, true
		},
		paths: map[string]string{
			pathDeviceAuthorization: "/oauth2/v1/device",
			pathToken:               "/oauth2/v1/token",
			pathDevice:              "/ui/v1/device",
			pathLogin:               "/ui/v1/signin",
			pathConsent:             "/ui/v1/consent",
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
		accessToken: signedAccessToken,
		plainCodes:  true,
		request: func(x *exchange) bool {
			if !x.post(pathDeviceAuthorization) || x.form.Get("response_type") == "device_code" && x.form.Get("scope") != "" {
				return false
			}
			x.p.refuse(x, errOracle)
			return true
		},
		pages:        "oracle",
		fields:       map[string]string{"code": "user_code", "state": "csrf"},
		wholeConsent: true,
	},
	{
		Personality: Personality{Name: "cloudentity", Title: "Cloudentity (SecureAuth)", Wire: Medium, Pages: High,
			Guesses: []string{"the paths of the pages", "an interval of 5 seconds", "the responses for denied and expired codes", "what follows a denial"}},
		configure: func(c *Config) {
			setDefault(&c.DeviceCodeLifetime, 30*time.Minute)
			setDefault(&c.Consent, SkipGranted)
		},
		paths: map[string]string{
			pathDeviceAuthorization: "/acme/default/device/authorization",
			pathToken:               "/acme/default/oauth2/token",
			pathDevice:              "/acme/default/device",
			pathLogin:               "/acme/default/login",
			pathConsent:             "/acme/default/consent",
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
		request: func(x *exchange) bool {
			if x.post(pathConsent) && x.form.Get("decision") == "allow" {
				x.setForm("decision", "approve")
			}
			return false
		},
		pages:        "cloudentity",
		fields:       map[string]string{"user-code": "user_code", "csrf_token": "csrf", "action": "decision"},
		wholeConsent: true,
	},
	{
		Personality: Personality{Name: "lumoauth", Title: "LumoAuth", Wire: Medium, Pages: Low,
			Guesses: []string{"all markup of the pages", "which of the contradictory values in its documents are live: lifetime, page, alphabet"}},
		configure: func(c *Config) {
			setDefault(&c.DeviceCodeLifetime, 30*time.Minute)
			setDefault(&c.TokenRequestsPerMinute, 30)
		},
		paths: map[string]string{
			pathDeviceAuthorization: "/orgs/acme-corp/api/v1/oauth/device_authorization",
			pathToken:               "/orgs/acme-corp/api/v1/oauth/token",
			pathDevice:              "/orgs/acme-corp/device",
			pathLogin:               "/orgs/acme-corp/login",
			pathConsent:             "/orgs/acme-corp/device/approve",
			wellKnownOpenID:         "/orgs/acme-corp/api/v1/.well-known/openid-configuration",
			wellKnownOAuth:          "/orgs/acme-corp/api/v1/.well-known/oauth-authorization-server",
		},
		aliases:       map[string]string{"/orgs/acme-corp/api/v1/oauth/login/submit": pathLogin},
		issuer:        "/orgs/acme-corp/api/v1",
		refreshAlways: true,
		accessToken:   signedAccessToken,
		pages:         "lumoauth",
		fields:        map[string]string{"_csrf": "csrf", "email": "username", "action": "decision"},
		wholeConsent:  true,
	},
}

// errOracle: the two parameters that RFC 8628 does not ask for.
var errOracle = invalidRequest("response_type and scope are required")

// randomPadded draws 256 bits in base64url with padding.
func randomPadded() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}
