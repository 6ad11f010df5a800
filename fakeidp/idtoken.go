package fakeidp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// signer holds the key of the server. It is drawn at start and lives as long
// as the process.
type signer struct {
	signer jose.Signer
	public jose.JSONWebKeySet
}

func newSigner() (*signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	id := rand.Text()
	private := jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}
	s, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: private},
		(&jose.SignerOptions{}).WithType("JWT"),
	)
	if err != nil {
		return nil, err
	}
	return &signer{signer: s, public: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{private.Public()}}}, nil
}

// idClaims are the claims of an ID token (OpenID Connect Core section 2) beyond
// those of the end user.
type idClaims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	AuthTime int64  `json:"auth_time"`
	// AuthorizedParty and NotBefore are claims that this server leaves out.
	AuthorizedParty string `json:"azp,omitempty"`
	NotBefore       int64  `json:"nbf,omitempty"`
	userClaims
}

// userClaims are what the scopes profile and email let a client see (OpenID
// Connect Core section 5.4).
type userClaims struct {
	Subject       string `json:"sub"`
	Name          string `json:"name,omitempty"`
	Username      string `json:"preferred_username,omitempty"`
	Email         string `json:"email,omitempty"`
	EmailVerified bool   `json:"email_verified,omitempty"`
}

func claimsAbout(user *User, scopes []string) userClaims {
	c := userClaims{Subject: user.Name}
	if slices.Contains(scopes, "profile") {
		c.Name, c.Username = user.DisplayName, user.Name
	}
	if slices.Contains(scopes, "email") {
		c.Email, c.EmailVerified = user.Email, true
	}
	return c
}

// accessClaims are the claims of an access token that is a JWT (RFC 9068 section
// 2.2, without its media type).
type accessClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti"`
}

// signedAccessToken is what some personalities issue. The server itself takes it
// for opaque, like any other.
func signedAccessToken(p *IdP, now time.Time, family *family, scopes []string) string {
	return p.signer.sign(accessClaims{
		Issuer:   p.issuer(),
		Subject:  family.user.Name,
		ClientID: family.client.ID,
		Scope:    strings.Join(scopes, " "),
		Expires:  now.Add(p.config.AccessTokenLifetime).Unix(),
		IssuedAt: now.Unix(),
		ID:       randomToken(),
	})
}

func (p *IdP) idClaims(now time.Time, family *family, scopes []string) idClaims {
	return idClaims{
		Issuer:     p.issuer(),
		Audience:   family.client.ID,
		Expires:    now.Add(p.config.AccessTokenLifetime).Unix(),
		IssuedAt:   now.Unix(),
		AuthTime:   family.authTime.Unix(),
		userClaims: claimsAbout(family.user, scopes),
	}
}

func (s *signer) idToken(claims idClaims) string { return s.sign(claims) }

func (s *signer) sign(claims any) string {
	token, err := jwt.Signed(s.signer).Claims(claims).Serialize()
	if err != nil {
		// The key and the claims are ours: there is nothing a caller could do.
		panic(err)
	}
	return token
}
