package fakeidp

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// extensionFaults: PKCE, DPoP, resource indicators, rich requests.
var extensionFaults = []fault{
	{Fault{"R22", "nonce-challenge-consumes", "The DPoP nonce challenge uses up the code", Defect},
		see(func(x *exchange) {
			if g, err := x.p.find(x.form.Get("device_code")); err == nil && x.post(pathToken) && x.oauthError() == "use_dpop_nonce" {
				g.mu.Lock()
				if g.state == stateApproved {
					g.state = stateRedeemed
				}
				g.mu.Unlock()
			}
		})},
	{Fault{"F-EXT-01", "verifier-not-needed", "A code with a code_challenge is redeemed with any verifier", Defect},
		func() behaviour { return behaviour{issue: func(g *grant) { g.challenge = "" }, request: dropVerifier} }},
	{Fault{"F-EXT-01b", "challenge-refused", "A device authorization request with code_challenge is rejected", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathDeviceAuthorization) && x.form.Has("code_challenge") {
				x.refuse(http.StatusBadRequest, "invalid_request")
				return true
			}
			return false
		})},
	{Fault{"F-EXT-02", "dpop-in-name-only", "token_type is DPoP, but the token is not bound to a key", Defect},
		see(func(x *exchange) {
			if x.path == pathIntrospection {
				x.edit(func(o map[string]any) { delete(o, "cnf") })
			}
		})},
	{Fault{"F-EXT-03", "url-of-proofs-ignored", "A DPoP proof for another URL is accepted", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathToken) && strings.Contains(proofPayload(x.r.Header.Get("DPoP")), "/elsewhere") {
				x.r.Header.Del("DPoP")
			}
			return false
		})},
	{Fault{"F-STR-01", "bad-proof-consumes", "An invalid DPoP proof uses up the code", Defect},
		see(func(x *exchange) {
			if g, err := x.p.find(x.form.Get("device_code")); err == nil && x.post(pathToken) && x.oauthError() == "invalid_dpop_proof" {
				g.mu.Lock()
				if g.state == stateApproved {
					g.state = stateRedeemed
				}
				g.mu.Unlock()
			}
		})},
	{Fault{"F-EXT-05", "any-resource", "An unknown or malformed resource is accepted", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathDeviceAuthorization) && x.form.Has("resource") && x.form.Get("resource") != x.p.config.Resources[0] {
				x.setForm("resource", "")
			}
			return false
		})},
	{Fault{"F-EXT-06", "any-details", "authorization_details of an unknown type are granted", Defect},
		meet(func(x *exchange) bool {
			if x.post(pathDeviceAuthorization) && strings.Contains(x.form.Get("authorization_details"), "x-devicegrant") {
				x.setForm("authorization_details", "")
			}
			return false
		})},
}

func dropVerifier(x *exchange) bool {
	if x.post(pathToken) && x.form.Has("code_verifier") {
		x.setForm("code_verifier", "")
	}
	return false
}

// proofPayload is the readable part of a DPoP proof.
func proofPayload(proof string) string {
	parts := strings.Split(proof, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	return string(text)
}
