package rules

import (
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// capable changes what the profile says the target can do.
func capable(change func(*profiles.Capabilities)) edit {
	return profile(func(p *profiles.Profile) { change(&p.Capabilities) })
}

var (
	noPKCE     = capable(func(c *profiles.Capabilities) { c.PKCE = nil })
	noDPoP     = capable(func(c *profiles.Capabilities) { c.DPoP = new(false) })
	noResource = capable(func(c *profiles.Capabilities) { c.Resource = "" })
	noDetails  = capable(func(c *profiles.Capabilities) { c.AuthorizationDetails = "" })
)

// extCases: PKCE, DPoP, resource indicators, rich requests.
var extCases = []ruleCase{
	{"EXT-01", "any verifier will do", in(extensions, "pkce/wrong", answer(200, token)), Fail, "wrong-verifier"},
	{"EXT-01", "no verifier will do", in(extensions, "pkce/missing", answer(200, token)), Fail, "missing-verifier"},
	{"EXT-01", "ignored", all(noPKCE, in(extensions, "pkce/wrong", answer(200, token))), Pass, ""},
	{"EXT-01", "refused though unknown", all(noPKCE, in(extensions, "pkce/device", oauthError("invalid_request"))), Fail, "challenge-refused"},
	{"EXT-01", "refused though known", in(extensions, "pkce/device", oauthError("invalid_request")), Inconclusive, ""},
	{"EXT-01", "everything refused", all(noPKCE, in(extensions, "pkce/device", oauthError("invalid_request")), in(extensions, "parameters/control", oauthError("invalid_client"))), Inconclusive, ""},
	{"EXT-01", "the right verifier refused", all(in(extensions, "verifier/right", oauthError("invalid_grant")), in(extensions, "pkce/right", oauthError("invalid_grant"))), Fail, "right-verifier"},
	{"EXT-01", "no approval brings a token", all(in(extensions, "verifier/right", oauthError("invalid_grant")), in(extensions, "pkce/right", oauthError("invalid_grant")), in(transcript.Approval, "token", oauthError("invalid_grant"))), Inconclusive, ""},
	{"EXT-01", "the right verifier gets an odd answer", in(extensions, "verifier/right", answer(415, `{"message":"no"}`)), Inconclusive, ""},
	{"EXT-01", "a wrong try ends the code", in(extensions, "pkce/right", oauthError("invalid_grant")), Inconclusive, ""},
	{"EXT-01", "a wrong try ends the code, and the next has its own", all(in(extensions, "pkce/right", oauthError("invalid_grant")), in(extensions, "pkce/missing", freshCode)), Pass, ""},
	{"EXT-01", "another error", in(extensions, "pkce/wrong", oauthError("invalid_request")), Warn, "other-error"},
	{"EXT-01", "a proof is wanted first", all(in(extensions, "pkce", oauthError("invalid_dpop_proof")), in(extensions, "pkce/device", answer(200, codes))), Inconclusive, ""},
	{"EXT-01", "too fast", in(extensions, "pkce/wrong", oauthError("slow_down")), Inconclusive, ""},
	{"EXT-01", "nobody approved", visit(extensions, "approve pkce", outcome(transcript.LoginFailed)), Inconclusive, ""},

	{"EXT-02", "bound to nothing", in(extensions, "dpop/introspection", member("cnf", "")), Fail, "not-bound"},
	{"EXT-02", "bound to another key", in(extensions, "dpop/introspection", member("cnf", `{"jkt":"x"}`)), Fail, "not-bound"},
	{"EXT-02", "the introspection endpoint is silent", in(extensions, "dpop/introspection", answer(200, `{"active":false}`)), Info, "key-unseen"},
	{"EXT-02", "the token names the key", all(in(extensions, "dpop/introspection", answer(200, `{"active":false}`)), boundTo("k"), in(extensions, "dpop/nonce", member("access_token", `"`+unsigned(`{"cnf":{"jkt":"k"}}`)+`"`))), Pass, ""},
	{"EXT-02", "the token names another key", all(in(extensions, "dpop/introspection", answer(200, `{"active":false}`)), in(extensions, "dpop/nonce", member("access_token", `"`+unsigned(`{"cnf":{"jkt":"k"}}`)+`"`))), Fail, "not-bound"},
	{"EXT-02", "another key refreshes", in(extensions, "dpop/refresh other key", answer(200, token)), Fail, "refresh-not-bound"},
	{"EXT-02", "a bearer token", in(extensions, "dpop/nonce", member("token_type", `"Bearer"`)), Pass, ""},
	{"EXT-02", "no DPoP at all", all(noDPoP, in(extensions, "dpop/nonce", member("token_type", `"Bearer"`))), NA, ""},
	{"EXT-02", "no DPoP at all, and no token", all(noDPoP, in(extensions, "dpop/nonce", oauthError("invalid_grant"))), NA, ""},
	{"EXT-02", "no token", in(extensions, "dpop/nonce", oauthError("invalid_grant")), Inconclusive, ""},

	{"EXT-03", "another URL is taken", in(extensions, "dpop/bad/htu", answer(200, token)), Fail, "accepted-htu"},
	{"EXT-03", "alg none is taken", in(extensions, "dpop/bad/alg none", answer(200, token)), Fail, "accepted-alg-none"},
	{"EXT-03", "another error", in(extensions, "dpop/bad/iat", oauthError("invalid_request")), Warn, "other-error"},
	{"EXT-03", "the nonce comes first", in(extensions, "dpop/bad/iat", oauthError("use_dpop_nonce")), Pass, ""},
	{"EXT-03", "falls over", in(extensions, "dpop/bad/private key", answer(500, "")), Warn, "server-error"},
	{"EXT-03", "pending", in(extensions, "dpop/bad/htm", oauthError("authorization_pending")), Inconclusive, ""},
	{"EXT-03", "a proof taken twice", in(extensions, "replay/again", oauthError("authorization_pending")), Pass, ""},
	{"EXT-03", "the code is gone afterwards", in(extensions, "dpop/nonce", oauthError("invalid_grant")), Warn, "consumes-the-code"},
	{"EXT-03", "the code ends at the first proof", in(extensions, "dpop/bad/alg none", oauthError("invalid_grant")), Warn, "consumes-the-code"},
	{"EXT-03", "the code ends at the first proof, and each gets its own", all(in(extensions, "dpop/bad/htm", oauthError("invalid_grant")), add(extensions, "dpop/bad/htm", oauthError("invalid_dpop_proof"))), Warn, "consumes-the-code"},
	{"EXT-03", "refused in other words", in(extensions, "dpop/bad/htu", oauthError("invalid_grant")), Warn, "other-error"},
	{"EXT-03", "no DPoP at all", noDPoP, NA, ""},

	{"EXT-04", "consumed", all(in(extensions, "dpop/nonce", oauthError("invalid_grant")), in(extensions, "dpop/nonce", freshCode), in(extensions, "dpop/plain", freshCode)), Fail, "consumed"},
	{"EXT-04", "perhaps consumed by a proof before", in(extensions, "dpop/nonce", oauthError("invalid_grant")), Inconclusive, ""},
	{"EXT-04", "the proof is not liked", in(extensions, "dpop/nonce", oauthError("invalid_dpop_proof")), Inconclusive, ""},
	{"EXT-04", "the approval is not seen", in(extensions, "dpop/nonce", oauthError("authorization_pending")), Inconclusive, ""},
	{"EXT-03", "the approval is not seen", in(extensions, "dpop/nonce", oauthError("authorization_pending")), Inconclusive, ""},
	{"EXT-04", "no nonce in the challenge", in(extensions, "dpop/plain", header("Dpop-Nonce", "")), Fail, "no-nonce"},
	{"EXT-04", "no nonce wanted", in(extensions, "dpop/plain", answer(200, token)), NA, ""},
	{"EXT-04", "another error", in(extensions, "dpop/plain", oauthError("invalid_grant")), Inconclusive, ""},
	{"EXT-04", "no DPoP at all", noDPoP, NA, ""},

	{"EXT-05", "anything is taken", in(extensions, "resource/unknown", answer(200, codes)), Warn, "bad-resource-taken"},
	{"EXT-05", "ignored", all(noResource, in(extensions, "resource/unknown", answer(200, codes))), NA, ""},
	{"EXT-05", "refused, and none is known", noResource, Pass, ""},
	{"EXT-05", "another error", in(extensions, "resource/relative", oauthError("invalid_request")), Warn, "other-error"},
	{"EXT-05", "falls over", in(extensions, "resource/fragment", answer(500, "")), Warn, "server-error"},
	{"EXT-05", "another audience", in(extensions, "resource/introspection", member("aud", `["other"]`)), Warn, "another-audience"},
	{"EXT-05", "no audience shown", in(extensions, "resource/introspection", member("aud", "")), Pass, ""},
	{"EXT-05", "no token", in(extensions, "resource/token", oauthError("invalid_grant")), Inconclusive, ""},
	{"EXT-05", "no codes at all", in(extensions, "parameters/control", oauthError("invalid_client")), Inconclusive, ""},

	{"EXT-06", "unknown details are granted", in(extensions, "details/unknown", answer(200, codes)), Fail, "bad-details-taken"},
	{"EXT-06", "details are ignored", all(noDetails, in(extensions, "details", answer(200, codes))), Pass, ""},
	{"EXT-06", "details fall over", in(extensions, "details/malformed", answer(500, "")), Fail, "server-error"},
	{"EXT-06", "nonce falls over", in(extensions, "parameters/OIDC", answer(500, "")), Fail, "server-error"},
	{"EXT-06", "request_uri is refused", in(extensions, "parameters/request_uri", oauthError("invalid_request")), Pass, ""},
	{"EXT-06", "another error", in(extensions, "details/unknown", oauthError("invalid_request")), Warn, "other-error"},
	{"EXT-06", "not told", in(extensions, "details/token", member("authorization_details", "")), Warn, "not-told"},
	{"EXT-06", "no token", in(extensions, "details/token", oauthError("invalid_grant")), Inconclusive, ""},
	{"EXT-06", "no codes at all", in(extensions, "parameters/control", oauthError("invalid_client")), Inconclusive, ""},
}

// freshCode makes a poll one about another code.
func freshCode(x *wire.Exchange) {
	x.Request.Body = wire.Bytes(strings.Replace(string(x.Request.Body), "device_code=", "device_code=fresh-", 1))
}

// boundTo changes the thumbprint of the run's key.
func boundTo(thumbprint string) edit {
	return func(e Evidence) {
		t := e.Transcripts[extensions]
		t.Noted = map[string]string{"jkt": thumbprint}
		e.Transcripts[extensions] = t
	}
}
