package fakeidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// pkceMethod is the only one. RFC 7636 has "plain" as well, and as the default,
// but a plain challenge is the verifier itself: whoever saw the device request
// could redeem the code (RFC 9700 section 2.1.1).
const pkceMethod = "S256"

// codeChallenge reads the PKCE parameters of a device authorization request. RFC
// 7636 is written for the authorization code; no RFC defines them here, so they
// are taken as its section 4.3 has them, and a device that sends none needs no
// verifier.
func codeChallenge(f form) (string, *oauthError) {
	value, method := f.get("code_challenge"), f.get("code_challenge_method")
	switch {
	case value == "" && method == "":
		return "", nil
	case value == "":
		return "", errNoChallenge
	case method != pkceMethod:
		return "", errChallengeMethod
	}
	// A digest that is none could never be matched: say so now.
	if digest, err := base64.RawURLEncoding.Strict().DecodeString(value); err != nil || len(digest) != sha256.Size {
		return "", errChallenge
	}
	return value, nil
}

// proves says whether a code_verifier belongs to the challenge of the grant. One
// that comes without a challenge is refused too: somebody may have taken the
// challenge out of the device request (RFC 9700 section 2.1.1).
func (g *grant) proves(verifier string) bool {
	if g.challenge == "" || verifier == "" {
		return g.challenge == verifier
	}
	digest := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(digest[:])
	return subtle.ConstantTimeCompare([]byte(computed), []byte(g.challenge)) == 1
}
