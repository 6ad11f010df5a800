package fakeidp

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestServiceExchanges: what each service is known for on the wire.
func TestServiceExchanges(t *testing.T) {
	const client = "device-public"
	for _, test := range []struct {
		name, device, token string
		page                string // the member with the page
		members             int
		expires             float64
		code                string // the user code
		pending, slow       int
		unknown             string // an unknown device code
		without             string // a request without scope
	}{
		{"github", "/login/device/code", "/login/oauth/access_token", "verification_uri", 5, 900, `^[A-Z]{4}-[A-Z]{4}$`, 200, 200, "200 incorrect_device_code", "200 "},
		{"entra", "/contoso/oauth2/v2.0/devicecode", "/contoso/oauth2/v2.0/token", "verification_uri", 6, 900, `^[A-Z]{9}$`, 400, 400, "400 bad_verification_code", "400 invalid_request"},
		{"google", "/device/code", "/token", "verification_url", 5, 1800, `^[A-Z]{4}-[A-Z]{4}$`, 428, 403, "400 invalid_grant", "400 invalid_request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := NewServer(Config{Personality: test.name})
			defer s.Close()
			post := func(path string, form url.Values) (int, map[string]any) {
				r, err := http.NewRequest(http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", formType)
				r.Header.Set("Accept", "application/json")
				answer := map[string]any{}
				return send(t, r, &answer).StatusCode, answer
			}
			status, codes := post(test.device, url.Values{"client_id": {client}, "scope": {"demo:read"}})
			page, _ := codes[test.page].(string)
			if code, _ := codes["user_code"].(string); status != 200 || len(codes) != test.members || codes["expires_in"] != test.expires ||
				!strings.HasPrefix(page, s.URL) || !regexp.MustCompile(test.code).MatchString(code) {
				t.Fatalf("%d %v", status, codes)
			}
			poll := url.Values{"client_id": {client}, "grant_type": {grantTypeDevice}, "device_code": {codes["device_code"].(string)}}
			if status, answer := post(test.token, poll); status != test.pending || answer["error"] != "authorization_pending" {
				t.Errorf("the first poll: %d %v", status, answer)
			}
			status, answer := post(test.token, poll)
			if status != test.slow || answer["error"] != "slow_down" || test.name == "github" && answer["interval"] != 10.0 {
				t.Errorf("the second poll: %d %v", status, answer)
			}
			poll.Set("device_code", "unknown")
			if status, answer := post(test.token, poll); said(status, answer) != test.unknown {
				t.Errorf("an unknown code: %d %v", status, answer)
			}
			if status, answer := post(test.device, url.Values{"client_id": {client}}); said(status, answer) != test.without {
				t.Errorf("no scope: %d %v", status, answer)
			}
		})
	}
}

func said(status int, answer map[string]any) string {
	code, _ := answer["error"].(string)
	return strconv.Itoa(status) + " " + code
}

// TestGitHubWritesForms: unless JSON is asked for.
func TestGitHubWritesForms(t *testing.T) {
	s := NewServer(Config{Personality: "github"})
	defer s.Close()
	resp, err := http.PostForm(s.URL+"/login/device/code", url.Values{"client_id": {"device-public"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("interval") != "5" || len(form.Get("device_code")) != 40 || !strings.HasPrefix(resp.Header.Get("Content-Type"), formType) {
		t.Errorf("%s: %s, %v", resp.Header.Get("Content-Type"), body, err)
	}
}
