package clientkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func made(t testing.TB) map[string]any {
	t.Helper()
	p256, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, err2 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, err3 := ed25519.GenerateKey(rand.Reader)
	r, err4 := rsa.GenerateKey(rand.Reader, 2048)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string]any{"ES256": p256, "ES384": p384, "EdDSA": ed, "RS256": r}
}

// TestParse: each kind of key is read in each form, and signs what its public half
// verifies.
func TestParse(t *testing.T) {
	for algorithm, private := range made(t) {
		pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		jwk, err := json.Marshal(jose.JSONWebKey{Key: private, KeyID: "k1"})
		if err != nil {
			t.Fatal(err)
		}
		forms := map[string]string{"PKCS #8": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), "JWK": string(jwk)}
		switch k := private.(type) {
		case *rsa.PrivateKey:
			forms["PKCS #1"] = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)}))
		case *ecdsa.PrivateKey:
			sec1, err := x509.MarshalECPrivateKey(k)
			if err != nil {
				t.Fatal(err)
			}
			forms["SEC 1"] = string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}))
		}
		for form, text := range forms {
			k, err := Parse(text, "", "")
			if err != nil {
				t.Errorf("%s, %s: %v", algorithm, form, err)
				continue
			}
			signed, err := k.Sign(map[string]any{"iss": "box"})
			if err != nil {
				t.Errorf("%s, %s: %v", algorithm, form, err)
				continue
			}
			read, err := jose.ParseSignedCompact(signed, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
			if err != nil {
				t.Errorf("%s, %s: %v", algorithm, form, err)
				continue
			}
			public, ok := k.Public()
			payload, err := read.Verify(public.Key)
			if !ok || err != nil || string(payload) != `{"iss":"box"}` || k.Algorithm() != algorithm {
				t.Errorf("%s, %s: %s %v", algorithm, form, payload, err)
			}
			if id := read.Signatures[0].Protected.KeyID; (id == "k1") != (form == "JWK") {
				t.Errorf("%s, %s: kid %q", algorithm, form, id)
			}
		}
	}
}

// TestParseRefuses: what is no key for assertions is told so, without any of it.
func TestParseRefuses(t *testing.T) {
	keys := made(t)
	public, err := json.Marshal(jose.JSONWebKey{Key: keys["ES256"].(*ecdsa.PrivateKey).Public()})
	if err != nil {
		t.Fatal(err)
	}
	private, err := json.Marshal(jose.JSONWebKey{Key: keys["ES256"]})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, algorithm, want string }{
		{"hush-hush", "", "neither a PEM block nor a JWK"},
		{"{", "", "not a JWK"},
		{string(public), "", "public key"},
		{string(private), "RS256", "cannot sign with \"RS256\"; it can with ES256"},
		{"-----BEGIN CERTIFICATE-----\naGk=\n-----END CERTIFICATE-----\n", "", "not a private key"},
		{"-----BEGIN PRIVATE KEY-----\naGk=\n-----END PRIVATE KEY-----\n", "", ""},
		{`{"kty":"oct","k":"aHVzaC1odXNo"}`, "", "signs no client assertion"},
	} {
		_, err := Parse(c.text, c.algorithm, "")
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "aHVzaC") {
			t.Errorf("%.20q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestFromSecret(t *testing.T) {
	k, err := FromSecret(strings.Repeat("s", 32), "")
	if err != nil {
		t.Fatal(err)
	}
	signed, err := k.Sign(map[string]any{"iss": "box"})
	if err != nil {
		t.Fatal(err)
	}
	if read, err := jose.ParseSignedCompact(signed, []jose.SignatureAlgorithm{jose.HS256}); err != nil {
		t.Error(err)
	} else if _, err := read.Verify([]byte(strings.Repeat("s", 32))); err != nil {
		t.Error(err)
	}
	if _, ok := k.Public(); ok {
		t.Error("a secret has no public half")
	}
	if _, err := FromSecret("s", "RS256"); err == nil {
		t.Error("a secret signs with HMAC only")
	}
	if _, err := FromSecret("hush", ""); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("%v for a short secret", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("{\"kty\":\"EC\"}", "")
	f.Add("-----BEGIN PRIVATE KEY-----\naGk=\n-----END PRIVATE KEY-----\n", "ES256")
	f.Fuzz(func(t *testing.T, text, algorithm string) {
		if k, err := Parse(text, algorithm, ""); err == nil {
			_, _ = k.Sign(map[string]any{"a": 1}) // an RSA key may be too short; none panics
		}
	})
}
