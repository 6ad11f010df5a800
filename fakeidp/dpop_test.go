package fakeidp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// prover makes proofs with one key.
type prover struct {
	t   *testing.T
	key *ecdsa.PrivateKey
}

func newProver(t *testing.T) prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return prover{t, key}
}

func (v prover) proof(claims map[string]any, typ string) string {
	v.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: v.key},
		(&jose.SignerOptions{EmbedJWK: true}).WithType(jose.ContentType(typ)))
	if err != nil {
		v.t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		v.t.Fatal(err)
	}
	return token
}

func tokenWith(p *IdP, form url.Values, proofs ...string) (status int, body map[string]any, nonce string) {
	r := httptest.NewRequest(http.MethodPost, testIssuer+"/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	for _, proof := range proofs {
		r.Header.Add("DPoP", proof)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), &body)
	return w.Code, body, w.Header().Get("DPoP-Nonce")
}

func TestDPoP(t *testing.T) {
	p, clock := newTestIdP(t, nil)
	v := newProver(t)
	codes := authorize(t, p, "device-public", "openid offline_access")
	if err := p.Approve(codes.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {grantTypeDevice}, "device_code": {codes.DeviceCode}, "client_id": {"device-public"}}
	claims := func(change ...any) map[string]any {
		c := map[string]any{"jti": rand.Text(), "htm": "POST", "htu": testIssuer + "/token", "iat": clock.Now().Unix()}
		for i := 0; i < len(change); i += 2 {
			c[change[i].(string)] = change[i+1]
		}
		return c
	}
	status, body, nonce := tokenWith(p, form, v.proof(claims(), "dpop+jwt"))
	if status != 400 || body["error"] != "use_dpop_nonce" || nonce == "" {
		t.Fatalf("without a nonce: %d %v", status, body)
	}
	good := claims("nonce", nonce)
	for name, proofs := range map[string][]string{
		"another path":   {v.proof(claims("nonce", nonce, "htu", testIssuer+"/other"), "dpop+jwt")},
		"another method": {v.proof(claims("nonce", nonce, "htm", "GET"), "dpop+jwt")},
		"another type":   {v.proof(claims("nonce", nonce), "JWT")},
		"stale":          {v.proof(claims("nonce", nonce, "iat", clock.Now().Unix()-86400), "dpop+jwt")},
		"no id":          {v.proof(claims("nonce", nonce, "jti", ""), "dpop+jwt")},
		"two headers":    {v.proof(claims("nonce", nonce), "dpop+jwt"), v.proof(claims("nonce", nonce), "dpop+jwt")},
		"garbage":        {"x.y.z"},
	} {
		if status, body, _ := tokenWith(p, form, proofs...); status != 400 || body["error"] != "invalid_dpop_proof" {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	proof := v.proof(good, "dpop+jwt")
	status, body, _ = tokenWith(p, form, proof)
	if status != 200 || body["token_type"] != "DPoP" {
		t.Fatalf("with the nonce: %d %v", status, body)
	}
	token, refresh := body["access_token"].(string), body["refresh_token"].(string)
	if cnf := p.introspect(token).Confirmation; cnf == nil || cnf.Thumbprint == "" {
		t.Error("the token is not bound")
	}
	renew := url.Values{"grant_type": {grantTypeRefresh}, "refresh_token": {refresh}, "client_id": {"device-public"}}
	if status, body, _ := tokenWith(p, renew, newProver(t).proof(claims("nonce", nonce), "dpop+jwt")); status != 400 || body["error"] != "invalid_grant" {
		t.Errorf("a refresh with another key: %d %v", status, body)
	}
	if status, body, _ := tokenWith(p, renew, proof); status != 400 || body["error"] != "invalid_dpop_proof" {
		t.Errorf("a proof used twice: %d %v", status, body)
	}
	if status, body, _ := tokenWith(p, renew, v.proof(claims("nonce", nonce), "dpop+jwt")); status != 200 || body["token_type"] != "DPoP" {
		t.Errorf("a refresh with the key: %d %v", status, body)
	}
}

func FuzzProof(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiIsInR5cCI6ImRwb3Arand0IiwiandrIjp7fX0.e30.AA")
	f.Add("")
	p, _ := newTestIdP(f, nil)
	f.Fuzz(func(t *testing.T, proof string) {
		r := httptest.NewRequest(http.MethodPost, testIssuer+"/token", nil)
		r.Header["Dpop"] = []string{proof}
		if key, e := p.proof(r, testIssuer+"/token", ""); e == nil || key != "" {
			t.Errorf("%q is taken", proof)
		}
	})
}

func TestResourceAndDetails(t *testing.T) {
	p, _ := newTestIdP(t, nil)
	ask := func(form url.Values) (int, map[string]any) {
		form.Set("client_id", "device-public")
		r := httptest.NewRequest(http.MethodPost, testIssuer+"/device_authorization", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", formType)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		var body map[string]any
		_ = json.Unmarshal(w.Body.Bytes(), &body)
		return w.Code, body
	}
	const details = `[{"type":"demo_access","actions":["read"]}]`
	for _, c := range []struct {
		form url.Values
		want string
	}{
		{url.Values{"resource": {"/relative"}}, "invalid_target"},
		{url.Values{"resource": {"https://api.demo.test/#x"}}, "invalid_target"},
		{url.Values{"resource": {"https://unknown.test/"}}, "invalid_target"},
		{url.Values{"authorization_details": {"{"}}, "invalid_authorization_details"},
		{url.Values{"authorization_details": {`[{"type":"unknown"}]`}}, "invalid_authorization_details"},
		{url.Values{"authorization_details": {`[]`}}, "invalid_authorization_details"},
	} {
		if status, body := ask(c.form); status != 400 || body["error"] != c.want {
			t.Errorf("%v: %d %v, want %s", c.form, status, body, c.want)
		}
	}
	_, codes := ask(url.Values{"resource": {"https://api.demo.test/"}, "authorization_details": {details}})
	code, _ := codes["device_code"].(string)
	if err := p.Approve(code, "alice"); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {grantTypeDevice}, "device_code": {code}, "client_id": {"device-public"}}
	form.Set("resource", "https://unknown.test/")
	if status, body, _ := tokenWith(p, form); status != 400 || body["error"] != "invalid_target" {
		t.Errorf("another resource: %d %v", status, body)
	}
	form.Del("resource")
	status, body, _ := tokenWith(p, form)
	if status != 200 || body["authorization_details"] == nil {
		t.Fatalf("%d %v", status, body)
	}
	if seen := p.introspect(body["access_token"].(string)); seen.Audience != "https://api.demo.test/" || string(seen.Details) != details {
		t.Errorf("%+v", seen)
	}
}
