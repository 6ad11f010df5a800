package approver

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/profiles"
)

// TestDecide: with the HTML forms of the reference server one end user approves
// and another denies, and each device hears of its own decision.
func TestDecide(t *testing.T) {
	idp := fakeidp.NewServer(fakeidp.Config{})
	defer idp.Close()
	user, _ := idp.Config().User("alice")
	p := &profiles.Profile{TLS: profiles.TLS{AllowHTTP: true}, Verification: profiles.Verification{Consent: "always"}, Users: profiles.Users{
		First: &profiles.User{Username: profiles.NewSecret("alice"), Password: profiles.NewSecret(user.Password)},
	}}
	a, err := New(p, "forms")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	post := func(path string, form url.Values, into any) {
		t.Helper()
		form.Set("client_id", "device-public")
		answer, err := http.PostForm(idp.URL+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	for i, approve := range []bool{true, false, true} {
		var codes struct {
			DeviceCode string `json:"device_code"`
			UserCode   string `json:"user_code"`
			URI        string `json:"verification_uri"`
		}
		post("/device_authorization", url.Values{}, &codes)
		if err := a.Decide(t.Context(), i%2, loadgen.Decision{Approve: approve, UserCode: codes.UserCode, VerificationURI: codes.URI}); err != nil {
			t.Fatal(err)
		}
		var heard struct {
			Token string `json:"access_token"`
			Error string `json:"error"`
		}
		post("/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {codes.DeviceCode}}, &heard)
		if approve != (heard.Token != "") || !approve && heard.Error != "access_denied" {
			t.Errorf("approve %v: %+v", approve, heard)
		}
	}
	if err := a.Decide(t.Context(), 0, loadgen.Decision{Approve: true, UserCode: "XXXX-XXXX", VerificationURI: idp.URL + "/device"}); err == nil || !strings.Contains(err.Error(), "code rejected") {
		t.Errorf("a code that nobody has: %v", err)
	}
}

func TestNobodyToLogIn(t *testing.T) {
	if _, err := New(&profiles.Profile{}, "forms"); err == nil || !strings.Contains(err.Error(), "users.first") {
		t.Errorf("%v", err)
	}
}
