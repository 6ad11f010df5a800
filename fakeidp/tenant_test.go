package fakeidp

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

// TestTenantsAreApart: what one tenant issues is unknown to the other, in both
// directions.
func TestTenantsAreApart(t *testing.T) {
	s := NewServer(DefaultConfig())
	defer s.Close()
	post := func(address string, form url.Values) (answer struct {
		DeviceCode  string `json:"device_code"`
		UserCode    string `json:"user_code"`
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
	}) {
		t.Helper()
		response, err := s.Client().PostForm(address, form)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	beta := s.URL + "/orgs/beta"
	here := post(s.URL+pathDeviceAuthorization, url.Values{"client_id": {"device-public"}})
	there := post(beta+pathDeviceAuthorization, url.Values{"client_id": {"beta-device"}})
	if here.DeviceCode == "" || there.DeviceCode == "" {
		t.Fatal("no codes", here, there)
	}
	if a := post(beta+pathDeviceAuthorization, url.Values{"client_id": {"device-public"}}); a.Error != "invalid_client" {
		t.Errorf("a foreign client is answered %+v", a)
	}
	if err := s.Approve(here.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	if err := s.Approve(there.UserCode, "alice"); err == nil {
		t.Error("the first tenant knows the codes of the second")
	}
	if err := s.Tenant("/orgs/beta").Approve(there.UserCode, "dora"); err != nil {
		t.Error(err)
	}
	poll := func(issuer, client, code string) string {
		t.Helper()
		a := post(issuer+pathToken, url.Values{"grant_type": {grantTypeDevice}, "client_id": {client}, "device_code": {code}})
		if a.AccessToken != "" {
			return "token"
		}
		return a.Error
	}
	for _, c := range []struct{ issuer, client, code, want string }{
		{beta, "beta-device", here.DeviceCode, "invalid_grant"},
		{beta, "device-public", here.DeviceCode, "invalid_client"},
		{s.URL, "device-public", there.DeviceCode, "invalid_grant"},
		{s.URL, "device-public", here.DeviceCode, "token"},
		{beta, "beta-device", there.DeviceCode, "token"},
	} {
		if got := poll(c.issuer, c.client, c.code); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.client, c.issuer, got, c.want)
		}
	}
}

func TestTenantMetadata(t *testing.T) {
	s := NewServer(DefaultConfig())
	defer s.Close()
	for path, issuer := range map[string]string{
		"/.well-known/oauth-authorization-server":           s.URL,
		"/.well-known/oauth-authorization-server/orgs/beta": s.URL + "/orgs/beta",
		"/orgs/beta/.well-known/openid-configuration":       s.URL + "/orgs/beta",
		"/.well-known/openid-configuration/orgs/beta":       s.URL + "/orgs/beta",
		"/orgs/beta/.well-known/oauth-authorization-server": s.URL + "/orgs/beta",
	} {
		response, err := s.Client().Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		var m metadata
		if err := json.NewDecoder(response.Body).Decode(&m); err != nil || response.StatusCode != http.StatusOK || m.Issuer != issuer {
			t.Errorf("%s: %d, issuer %q, %v", path, response.StatusCode, m.Issuer, err)
		}
		response.Body.Close()
	}
}

func TestTenantConfig(t *testing.T) {
	client, user := []Client{{ID: "a", Public: true}}, []User{{Name: "b"}}
	for name, tenants := range map[string][]Tenant{
		"no slash": {{Path: "beta", Clients: client, Users: user}},
		"slash":    {{Path: "/beta/", Clients: client, Users: user}},
		"twice":    {{Path: "/beta", Clients: client, Users: user}, {Path: "/beta", Clients: client, Users: user}},
		"nobody":   {{Path: "/beta", Clients: client}},
	} {
		if _, err := New(Config{Issuer: "http://127.0.0.1", Tenants: tenants}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
