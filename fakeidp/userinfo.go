package fakeidp

import (
	"net/http"
	"slices"
	"strings"
)

// userInfo is OpenID Connect Core section 5.3, protected as RFC 6750 says. The
// token is taken from the header only.
func (p *IdP) userInfo(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	bound := strings.EqualFold(scheme, "DPoP")
	if !bound && !strings.EqualFold(scheme, "Bearer") {
		challenge(w, http.StatusUnauthorized, "")
		return
	}
	key := ""
	if bound {
		var e *oauthError
		if key, e = p.proof(r, p.url(pathUserInfo), token); e != nil || key == "" {
			w.Header().Set("DPoP-Nonce", p.proofs.nonce(p.clock.Now()))
			w.Header().Set("WWW-Authenticate", `DPoP error="invalid_dpop_proof"`)
			if e == errUseNonce {
				w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
			}
			w.WriteHeader(http.StatusUnauthorized)
			w.Write([]byte("{}"))
			return
		}
	}
	now := p.clock.Now()
	t, ok := p.accessTokens.get(token, now)
	switch {
	case !ok || !t.active(now) || t.key != key || t.certificate != "" && t.certificate != thumbprintOf(r):
		challenge(w, http.StatusUnauthorized, `, error="invalid_token"`)
	case !slices.Contains(t.scopes, "openid"):
		challenge(w, http.StatusForbidden, `, error="insufficient_scope", scope="openid"`)
	default:
		writeJSON(w, claimsAbout(t.family.user, t.scopes))
	}
}

// challenge answers as RFC 6750 section 3 says.
func challenge(w http.ResponseWriter, status int, attributes string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="devicegrant"`+attributes)
	w.WriteHeader(status)
	w.Write([]byte("{}"))
}
