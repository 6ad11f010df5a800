package scenario

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// proofKey makes DPoP proofs (RFC 9449 section 4.2) with a key of this run.
type proofKey struct {
	private *ecdsa.PrivateKey
	random  *random
}

func newProofKey(r *random) (*proofKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("a key for DPoP: %w", err)
	}
	return &proofKey{key, r}, nil
}

// thumbprint is what cnf.jkt has to be (RFC 7638).
func (k *proofKey) thumbprint() string {
	sum, err := (&jose.JSONWebKey{Key: k.private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// proof is a good one for a POST to target, but for what change does to it.
func (k *proofKey) proof(target, nonce string, change func(header, claims map[string]any)) (string, error) {
	public, err := (&jose.JSONWebKey{Key: k.private.Public()}).MarshalJSON()
	if err != nil {
		return "", err
	}
	header := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": json.RawMessage(public)}
	claims := map[string]any{"jti": k.random.word(24), "htm": "POST", "htu": target, "iat": time.Now().Unix()}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if change != nil {
		change(header, claims)
	}
	head, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	if header["alg"] == "none" {
		return signed + ".", nil
	}
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, sum[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature[:]), nil
}

// badProofs are those that RFC 9449 section 4.3 has refused.
func (k *proofKey) badProofs(target string) []badProof {
	set := func(claim string, value any) func(header, claims map[string]any) {
		return func(_, claims map[string]any) { claims[claim] = value }
	}
	head := func(name string, value any) func(header, claims map[string]any) {
		return func(header, _ map[string]any) { header[name] = value }
	}
	private, _ := (&jose.JSONWebKey{Key: k.private}).MarshalJSON() // it is a valid key
	return []badProof{
		{"htu", set("htu", target+"/elsewhere")},
		{"htm", set("htm", "GET")},
		{"iat", set("iat", time.Now().Add(-30*24*time.Hour).Unix())},
		{labels.HeaderType, head("typ", "JWT")},
		{"alg none", head("alg", "none")},
		{"private key", head("jwk", json.RawMessage(private))},
		{"two headers", nil},
	}
}

type badProof struct {
	name   string
	change func(header, claims map[string]any)
}

// withProof is a device access token request with a proof.
func (d *device) withProof(label, proof string) wire.Request {
	r := d.request(label)
	r.Header.Set("DPoP", proof)
	return r
}
