package fakeidp

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// wso2Personalities are WSO2 Identity Server, which is Asgardeo too, in four
// releases. The first was read in its source, the others from bug reports.
var wso2Personalities = []personality{
	wso2("wso2", "WSO2 Identity Server 7.1 and later", High, nil, nil),
	wso2("wso2-6", "WSO2 Identity Server 6", Medium,
		func(w *personality) {
			w.configure = func(c *Config) { setDefault(&c.UserCodeLength, 7); configureWSO2(c) }
			w.response = func(x *exchange) {
				responseWSO2(x)
				if code := x.oauthError(); code != "" && x.path == pathToken {
					x.edit(func(o map[string]any) { o["error_description"] = code })
				}
			}
		},
		[]string{"the pages, the tokens and the JSON bodies are those of 7.1"}),
	wso2("wso2-7.1-m1", "WSO2 Identity Server 7.1.0-m1", Medium,
		func(w *personality) {
			lost := spelling{code: "invalid_grant"}
			w.spellings = map[string]spelling{"authorization_pending": lost, "slow_down": lost, "expired_token": lost}
		},
		[]string{"everything except the error codes is from 7.1"}),
	wso2("wso2-5.11", "WSO2 Identity Server 5.11", Low,
		func(w *personality) {
			w.configure = func(c *Config) { setDefault(&c.UserCodeLength, 7); configureWSO2(c) }
			w.request = queryParameters
			w.response = func(x *exchange) {
				responseWSO2(x)
				switch x.oauthError() {
				case "authorization_pending", "slow_down", "expired_token", "invalid_request":
					if x.path == pathToken {
						x.status = http.StatusBadRequest
						x.edit(func(o map[string]any) { o["error"], o["error_description"] = "invalid_grant", "invalid_request" })
					}
				}
			}
		},
		[]string{"whether it really accepted parameters in the query", "the pages, the tokens and the state machine are those of 7.1"}),
}

// wso2 is one release: that of 7.1, and what is different in it.
func wso2(name, title string, wire Fidelity, change func(*personality), guesses []string) personality {
	w := personality{
		Personality: Personality{Name: name, Title: title, Wire: wire, Pages: High,
			Guesses: append([]string{
				"a client without the device grant gets codes",
				"where the metadata lies",
				"that there is no limit on wrong user codes",
				"the callback to which a denial leads"}, guesses...)},
		configure: configureWSO2,
		paths: map[string]string{
			pathDeviceAuthorization: "/oauth2/device_authorize",
			pathToken:               "/oauth2/token",
			pathIntrospection:       "/oauth2/introspect",
			pathRevocation:          "/oauth2/revoke",
			pathUserInfo:            "/oauth2/userinfo",
			pathJWKS:                "/oauth2/jwks",
			pathDevice:              "/authenticationendpoint/device.do",
			pathLogin:               "/authenticationendpoint/login.do",
			pathConsent:             "/authenticationendpoint/oauth2_authz.do",
			wellKnownOpenID:         "/oauth2/token/.well-known/openid-configuration",
			wellKnownOAuth:          "/oauth2/token/.well-known/oauth-authorization-server",
		},
		aliases: map[string]string{
			"/oauth2/device":    pathDevice,
			"/commonauth":       pathLogin,
			"/oauth2/authorize": pathConsent,
		},
		more: map[string]func(*IdP, http.ResponseWriter, *http.Request, *session){
			"/authenticationendpoint/device_success.do": successWSO2,
			"/logincontext": func(_ *IdP, w http.ResponseWriter, _ *http.Request, _ *session) {
				writeJSON(w, map[string]string{"status": "success"})
			},
		},
		issuer: "/oauth2/token",
		metadata: func(o map[string]any) {
			for _, name := range []string{"dpop_signing_alg_values_supported", "authorization_details_types_supported"} {
				delete(o, name)
			}
		},
		deviceCode:   randomUUID,
		accessToken:  func(*IdP, time.Time, *family, []string) string { return randomUUID() },
		refreshToken: randomUUID,
		plainCodes:   true, exactCodes: true,
		poll:       pollWSO2,
		entersOnce: true, grantSeenLate: true, refreshAlways: true,
		errors: map[*oauthError]*oauthError{
			errUnknownCode: invalidRequest("there is no such device code"),
			errNoClient: func() *oauthError {
				e := newOAuthError(http.StatusUnauthorized, "invalid_request", "the client is not named")
				e.basic = true
				return e
			}(),
			errRepeated: func() *oauthError {
				e := invalidRequest("a parameter is repeated")
				e.basic = true
				return e
			}(),
		},
		request:      jsonParameters,
		response:     responseWSO2,
		pages:        "wso2",
		fields:       map[string]string{"sessionDataKey": "csrf", "sessionDataKeyConsent": "csrf", "consent": "decision"},
		wholeConsent: true,
		softPages:    true,
		wrongCode: func(p *IdP, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, p.basePath+p.at(pathDevice)+"?error=invalid.code", http.StatusFound)
		},
		approved: func(p *IdP, w http.ResponseWriter, r *http.Request, g *grant) {
			http.Redirect(w, r, p.basePath+"/authenticationendpoint/device_success.do?app_name="+url.QueryEscape(g.client.Name), http.StatusFound)
		},
		denied: func(_ *IdP, w http.ResponseWriter, r *http.Request, _ *grant) {
			http.Redirect(w, r, callbackWSO2+"?error=access_denied", http.StatusFound)
		},
	}
	if change != nil {
		change(&w)
	}
	return w
}

// callbackWSO2 is what the client registered for other grants: an address that
// leads nowhere, as it often does for a device.
const callbackWSO2 = "https://device-client.invalid/callback"

// configureWSO2 are the settings of [oauth.grant_type.device_code] as shipped:
// key_length, key_set, expiry_time and polling_interval.
func configureWSO2(c *Config) {
	setDefault(&c.UserCodeLength, 6)
	setDefault(&c.UserCodeAlphabet, "BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz23456789")
	setDefault(&c.DeviceCodeLifetime, 10*time.Minute)
	setDefault(&c.Interval, 5*time.Second)
	// A code that nobody submits is remembered, and pending, for long.
	setDefault(&c.Tombstone, 24*time.Hour)
	setDefault(&c.GuessesPerUser, -1)
	setDefault(&c.GuessesPerAddress, -1)
	c.ThrottleFirstPoll = true
}

// pollWSO2 is the state machine of DeviceFlowGrant: the pace comes before the
// state, a refusal and the end of the lifetime go unnoticed, and the interval
// never grows.
func pollWSO2(g *grant, arrival time.Time) (answer, *family) {
	early := arrival.Sub(g.lastPoll) <= g.interval
	if arrival.After(g.lastPoll) {
		g.lastPoll = arrival
	}
	switch {
	case g.state == stateApproved && !arrival.Before(g.expires):
		g.state = stateExpired
		return answerExpired, nil
	case g.state == stateApproved:
		g.state = stateRedeemed
		return answerTokens, g.family
	case early:
		return answerSlowDown, nil
	case g.state == stateExpired || g.state == stateRedeemed:
		return answerExpired, nil
	default:
		return answerPending, nil
	}
}

// responseWSO2 leaves caching to chance, except for tokens.
func responseWSO2(x *exchange) {
	if x.path == pathDeviceAuthorization || x.path == pathToken && x.status != http.StatusOK {
		x.header.Del("Cache-Control")
		x.header.Del("Pragma")
	}
}

// jsonParameters takes the parameters of a token request from a JSON object too.
func jsonParameters(x *exchange) bool {
	mediaType, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" || !x.post(pathToken) {
		return false
	}
	var object map[string]string
	if json.Unmarshal(x.body, &object) != nil {
		return false // refused as a body of the wrong type
	}
	x.form = url.Values{}
	for name, value := range object {
		x.form.Set(name, value)
	}
	x.body = []byte(x.form.Encode())
	x.r.Header.Set("Content-Type", formType)
	return false
}

// queryParameters takes the parameters of the device authorization request from
// the query, as the guide of the old releases has them. It shows no secret there.
func queryParameters(x *exchange) bool {
	if x.path != pathDeviceAuthorization || len(x.query) == 0 || x.r.Method != http.MethodGet && x.r.Method != http.MethodPost {
		return false
	}
	for name, values := range x.query {
		if name != "client_secret" {
			x.form[name] = append(x.form[name], values...)
		}
	}
	x.body = []byte(x.form.Encode())
	x.r.Method = http.MethodPost
	x.r.Header.Set("Content-Type", formType)
	x.r.URL.RawQuery = ""
	return false
}

// successWSO2 is the page at which an approval ends.
func successWSO2(p *IdP, w http.ResponseWriter, r *http.Request, s *session) {
	v := p.view(s)
	v.Client = r.URL.Query().Get("app_name")
	p.render(w, http.StatusOK, "result.html", v)
}
