// Package clientkey reads the keys with which clients authenticate, and signs their
// assertions: private_key_jwt and client_secret_jwt of OpenID Connect Core section 9,
// with the claims of RFC 7523 section 3.
package clientkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Key is one key of a client.
type Key struct {
	private   any // a crypto.Signer, or []byte for an HMAC
	algorithm jose.SignatureAlgorithm
	id        string
}

// Parse reads a private key: PEM (PKCS #8, PKCS #1 or SEC 1), or one JWK. The
// algorithm is a name of RFC 7518 section 3.1; "" is the usual one for such a key:
// RS256, ES256, ES384, ES512 or EdDSA. id is the kid of its signatures; "" is that
// of the JWK, or none.
func Parse(text, algorithm, id string) (*Key, error) {
	var k Key
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		var jwk jose.JSONWebKey
		if err := json.Unmarshal([]byte(text), &jwk); err != nil {
			return nil, fmt.Errorf("not a JWK: %w", err)
		}
		if jwk.IsPublic() {
			return nil, errors.New("the JWK is a public key; the private one has the member d as well")
		}
		k.private, k.id = jwk.Key, jwk.KeyID
		if algorithm == "" {
			algorithm = jwk.Algorithm
		}
	} else {
		private, err := parsePEM(text)
		if err != nil {
			return nil, err
		}
		k.private = private
	}
	if id != "" {
		k.id = id
	}
	possible := algorithms(k.private)
	if len(possible) == 0 {
		return nil, fmt.Errorf("a key of this kind (%T) signs no client assertion", k.private)
	}
	k.algorithm = possible[0]
	if algorithm != "" {
		k.algorithm = jose.SignatureAlgorithm(algorithm)
	}
	for _, a := range possible {
		if a == k.algorithm {
			return &k, nil
		}
	}
	return nil, fmt.Errorf("this key cannot sign with %q; it can with %s", algorithm, names(possible))
}

// Generate makes a key for ES256, and returns it as a JWK as well.
func Generate(id string) (k *Key, jwk string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(jose.JSONWebKey{Key: private, KeyID: id})
	if err != nil {
		return nil, "", err
	}
	return &Key{private: private, algorithm: jose.ES256, id: id}, string(text), nil
}

// FromSecret is the key of client_secret_jwt. The algorithm is HS256 (default), HS384
// or HS512.
func FromSecret(secret, algorithm string) (*Key, error) {
	k := &Key{private: []byte(secret), algorithm: jose.HS256}
	if algorithm != "" {
		k.algorithm = jose.SignatureAlgorithm(algorithm)
	}
	least := map[jose.SignatureAlgorithm]int{jose.HS256: 32, jose.HS384: 48, jose.HS512: 64}[k.algorithm]
	switch {
	case least == 0:
		return nil, fmt.Errorf("a secret cannot sign with %q; it can with HS256, HS384, HS512", algorithm)
	case len(secret) < least:
		return nil, fmt.Errorf("the secret is too short for %s, which needs %d bytes (RFC 7518 section 3.2)", k.algorithm, least)
	}
	return k, nil
}

// Like is another key of the same kind and algorithm, which private is for: what a
// server has to refuse.
func (k *Key) Like(private any) *Key { return &Key{private: private, algorithm: k.algorithm, id: k.id} }

// Algorithm is the name of the signature algorithm.
func (k *Key) Algorithm() string { return string(k.algorithm) }

// Private is a crypto.Signer, or the bytes of a secret.
func (k *Key) Private() any { return k.private }

// Public is the public half as a JWK, for a registration; ok is false for a secret.
func (k *Key) Public() (jwk jose.JSONWebKey, ok bool) {
	signer, ok := k.private.(crypto.Signer)
	if !ok {
		return jwk, false
	}
	return jose.JSONWebKey{Key: signer.Public(), KeyID: k.id, Algorithm: string(k.algorithm), Use: "sig"}, true
}

// Sign makes a JWT with the claims.
func (k *Key) Sign(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if k.id != "" {
		options = options.WithHeader(jose.HeaderKey("kid"), k.id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.algorithm, Key: k.private}, options)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func parsePEM(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("neither a PEM block nor a JWK")
	}
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("the key is encrypted; devicegrant reads plain keys only")
	}
	return nil, fmt.Errorf("the PEM block is a %q, not a private key", block.Type)
}

// algorithms are those that a key can sign with, the usual one first.
func algorithms(key any) []jose.SignatureAlgorithm {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
	case ed25519.PrivateKey:
		return []jose.SignatureAlgorithm{jose.EdDSA}
	case *ecdsa.PrivateKey:
		switch k.Curve {
		case elliptic.P256():
			return []jose.SignatureAlgorithm{jose.ES256}
		case elliptic.P384():
			return []jose.SignatureAlgorithm{jose.ES384}
		case elliptic.P521():
			return []jose.SignatureAlgorithm{jose.ES512}
		}
	}
	return nil
}

func names(list []jose.SignatureAlgorithm) string {
	var all []string
	for _, a := range list {
		all = append(all, string(a))
	}
	return strings.Join(all, ", ")
}
