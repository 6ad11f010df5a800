package fakeidp

import (
	"net/http"
	"net/url"
	"testing"
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
