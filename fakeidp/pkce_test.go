package fakeidp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

const testVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

func s256(verifier string) string {
	digest := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}

func pollWith(p *IdP, deviceCode, verifier string) (int, any) {
	form := url.Values{"client_id": {"device-public"}, "grant_type": {grantTypeDevice}, "device_code": {deviceCode}}
	if verifier != "" {
		form.Set("code_verifier", verifier)
	}
	w := post(p, "/token", form.Encode())
	var o map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &o) // no JSON, no error member
	return w.Code, o["error"]
}

func TestPKCE(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	w := post(p, "/device_authorization", url.Values{"client_id": {"device-public"},
		"code_challenge": {s256(testVerifier)}, "code_challenge_method": {"S256"}}.Encode())
	code, _ := members(t, w)["device_code"].(string)
	if w.Code != http.StatusOK || code == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := p.Approve(code, "alice"); err != nil {
		t.Fatal(err)
	}
	// The clock stands still: none of these may count as a poll either.
	for _, verifier := range []string{"", testVerifier + "x", s256(testVerifier)} {
		if status, e := pollWith(p, code, verifier); status != http.StatusBadRequest || e != "invalid_grant" {
			t.Errorf("verifier %q: %d %v", verifier, status, e)
		}
	}
	if status, e := pollWith(p, code, testVerifier); status != http.StatusOK {
		t.Errorf("the right verifier: %d %v", status, e)
	}
}

func TestPKCEWithoutChallenge(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	code := authorize(t, p, "device-public", "demo:read").DeviceCode
	if err := p.Approve(code, "alice"); err != nil {
		t.Fatal(err)
	}
	if status, e := pollWith(p, code, testVerifier); status != http.StatusBadRequest || e != "invalid_grant" {
		t.Errorf("a verifier without a challenge: %d %v", status, e)
	}
	if status, e := pollWith(p, code, ""); status != http.StatusOK {
		t.Errorf("without PKCE: %d %v", status, e)
	}
}

func TestPKCERequest(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	for name, extra := range map[string]url.Values{
		"plain":        {"code_challenge": {testVerifier}, "code_challenge_method": {"plain"}},
		"no method":    {"code_challenge": {s256(testVerifier)}},
		"no challenge": {"code_challenge_method": {"S256"}},
		"no digest":    {"code_challenge": {"short"}, "code_challenge_method": {"S256"}},
	} {
		extra.Set("client_id", "device-public")
		w := post(p, "/device_authorization", extra.Encode())
		if w.Code != http.StatusBadRequest || members(t, w)["error"] != "invalid_request" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
