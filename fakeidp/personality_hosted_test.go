package fakeidp

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// TestHostedExchanges sends the requests that the vendors' documents show.
func TestHostedExchanges(t *testing.T) {
	for _, test := range []struct {
		name, device, token string
		form                url.Values
		members             int
		expires             float64
		page, pending       string
	}{
		{"oracle", "/oauth2/v1/device", "/oauth2/v1/token",
			url.Values{"response_type": {"device_code"}, "scope": {"demo:read"}}, 4, 300, "/ui/v1/device", "authorization_pending"},
		{"cloudentity", "/acme/default/device/authorization", "/acme/default/oauth2/token",
			url.Values{"scope": {"email"}}, 6, 1800, "/acme/default/device", "authorization_pending"},
		{"lumoauth", "/orgs/acme-corp/api/v1/oauth/device_authorization", "/orgs/acme-corp/api/v1/oauth/token",
			url.Values{"scope": {"openid profile email"}}, 6, 1800, "/orgs/acme-corp/device", "authorization_pending"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := NewServer(vendorClient(test.name, "c9lut6qi8emttpd266sg"))
			defer s.Close()
			test.form.Set("client_id", "c9lut6qi8emttpd266sg")
			answer := map[string]any{}
			resp := postForm(t, s.URL+test.device, test.form, &answer)
			if resp.StatusCode != http.StatusOK || len(answer) != test.members || answer["expires_in"] != test.expires ||
				answer["verification_uri"] != s.URL+test.page {
				t.Fatalf("%d with %v", resp.StatusCode, answer)
			}
			form := url.Values{"grant_type": {grantTypeDevice}, "client_id": {"c9lut6qi8emttpd266sg"}, "device_code": {answer["device_code"].(string)}}
			for _, want := range []string{test.pending, "slow_down"} {
				poll := map[string]any{}
				resp := postForm(t, s.URL+test.token, form, &poll)
				if resp.StatusCode != http.StatusBadRequest || poll["error"] != want {
					t.Errorf("%d with %v, want %s", resp.StatusCode, poll, want)
				}
				if test.name == "cloudentity" && poll["status_code"] != 400.0 {
					t.Errorf("status_code %v", poll["status_code"])
				}
			}
		})
	}
}

// TestLumoAuthAllowsThirtyRequestsAMinute, and has two documented lifetimes.
func TestLumoAuthAllowsThirtyRequestsAMinute(t *testing.T) {
	const token = "/orgs/acme-corp/api/v1/oauth/token"
	for _, test := range []struct {
		config  Config
		expires float64
		limited bool
	}{
		{Config{Personality: "lumoauth"}, 1800, true},
		{Config{Personality: "lumoauth", DeviceCodeLifetime: 10 * time.Minute, TokenRequestsPerMinute: -1}, 600, false},
	} {
		s := NewServer(test.config)
		codes := map[string]any{}
		postForm(t, s.URL+"/orgs/acme-corp/api/v1/oauth/device_authorization", url.Values{"client_id": {"device-public"}}, &codes)
		if codes["expires_in"] != test.expires {
			t.Errorf("expires_in %v, want %v", codes["expires_in"], test.expires)
		}
		form := url.Values{"grant_type": {grantTypeDevice}, "client_id": {"device-public"}, "device_code": {"x"}}
		limited := 0
		for i := range 32 {
			answer := map[string]any{}
			resp := postForm(t, s.URL+token, form, &answer)
			if resp.StatusCode != http.StatusTooManyRequests {
				continue
			}
			if limited++; i < 30 || resp.Header.Get("X-RateLimit-Limit") != "30" || resp.Header.Get("Retry-After") == "" {
				t.Errorf("request %d: %d %v", i+1, resp.StatusCode, resp.Header)
			}
		}
		if (limited == 2) != test.limited {
			t.Errorf("%d of 32 requests were refused", limited)
		}
		s.Close()
	}
}
