package fakeidp

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// DPoP (RFC 9449): a proof in the header DPoP binds the tokens to the key that
// signed it. Devices that send none get bearer tokens.

const (
	// nonceLife is how long a nonce is handed out; it is good for twice as long.
	nonceLife = 5 * time.Minute
	// proofSlack is how far iat may be from our time. The nonce says that the
	// proof is fresh, so this only has to forgive the clocks of devices.
	proofSlack = time.Hour
	maxProof   = 8 << 10
)

var (
	proofAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.RS256, jose.PS256, jose.EdDSA}

	errProof    = newOAuthError(http.StatusBadRequest, "invalid_dpop_proof", "the DPoP proof is not valid for this request")
	errUseNonce = newOAuthError(http.StatusBadRequest, "use_dpop_nonce", "the DPoP proof needs the nonce of this server")
)

// proofs makes nonces and remembers the proofs that were used.
type proofs struct {
	key  [32]byte
	used *store[time.Time] // by key and jti, with the time until which it matters
}

func newProofs() *proofs {
	p := &proofs{used: newStore(func(until, now time.Time) bool { return now.After(until) })}
	rand.Read(p.key[:])
	return p
}

// nonce is what proofs have to carry in the stretch of time around now.
func (p *proofs) nonce(now time.Time) string {
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write(strconv.AppendInt(nil, now.Unix()/int64(nonceLife/time.Second), 10))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// proofClaims are RFC 9449 section 4.2.
type proofClaims struct {
	ID       string   `json:"jti"`
	Method   string   `json:"htm"`
	URL      string   `json:"htu"`
	IssuedAt *float64 `json:"iat"`
	Nonce    string   `json:"nonce"`
	Token    string   `json:"ath"`
}

// proof checks the DPoP header of a request to target (RFC 9449 section 4.3) and
// returns the thumbprint of its key; "" when there is none. A proof that fails
// changes nothing. With a token the proof has to be about that token.
func (p *IdP) proof(r *http.Request, target, token string) (thumbprint string, e *oauthError) {
	headers := r.Header["Dpop"]
	if len(headers) == 0 {
		return "", nil
	}
	if len(headers) > 1 || len(headers[0]) > maxProof {
		return "", errProof
	}
	signed, err := jose.ParseSignedCompact(headers[0], proofAlgorithms)
	if err != nil || len(signed.Signatures) != 1 {
		return "", errProof
	}
	header := signed.Signatures[0].Protected
	key := header.JSONWebKey
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "dpop+jwt" || key == nil || !key.Valid() || !key.IsPublic() || hasPrivatePart(headers[0]) {
		return "", errProof
	}
	payload, err := signed.Verify(key.Key)
	if err != nil {
		return "", errProof
	}
	var c proofClaims
	now := p.clock.Now()
	if json.Unmarshal(payload, &c) != nil || c.ID == "" || len(c.ID) > 256 || c.Method != r.Method || withoutQuery(c.URL) != target || c.IssuedAt == nil {
		return "", errProof
	}
	if age := now.Unix() - int64(*c.IssuedAt); age > int64(proofSlack/time.Second) || age < -int64(proofSlack/time.Second) {
		return "", errProof
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		if c.Token != base64.RawURLEncoding.EncodeToString(sum[:]) {
			return "", errProof
		}
	}
	if c.Nonce != p.proofs.nonce(now) && c.Nonce != p.proofs.nonce(now.Add(-nonceLife)) {
		return "", errUseNonce
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", errProof
	}
	thumbprint = base64.RawURLEncoding.EncodeToString(sum)
	// Once only: whoever copies a proof on its way comes too late.
	if !p.proofs.used.claim(thumbprint+" "+c.ID, now.Add(2*proofSlack), now, func(time.Time) bool { return false }) {
		return "", errProof
	}
	return thumbprint, nil
}

// hasPrivatePart says that the key in a proof's header holds what only its
// owner may know. The JOSE library leaves it out silently.
func hasPrivatePart(proof string) bool {
	first, _, _ := strings.Cut(proof, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return true
	}
	var header struct {
		Key map[string]any `json:"jwk"`
	}
	if json.Unmarshal(raw, &header) != nil {
		return true
	}
	_, private := header.Key["d"]
	_, symmetric := header.Key["k"]
	return private || symmetric
}

func withoutQuery(u string) string {
	u, _, _ = strings.Cut(u, "#")
	u, _, _ = strings.Cut(u, "?")
	return u
}

// tokenType is what a token bound to a key is called.
func tokenType(thumbprint string) string {
	if thumbprint != "" {
		return "DPoP"
	}
	return "Bearer"
}
