package rules

import (
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

const proofs = transcript.ClientProofs

// certified turns the recording of a client with a key into one of a client with a
// certificate, which shows it.
func certified(more ...edit) edit {
	edits := []edit{profile(func(p *profiles.Profile) {
		client := *p.Clients.Keyed
		client.Auth, client.DeviceAuth = profiles.AuthSelfSignedTLS, profiles.AuthSelfSignedTLS
		p.Clients.Keyed = &client
	})}
	for _, name := range []string{"wrong key", "no signature", "expired", "not yet", "other audience", "other client", "first", "again"} {
		edits = append(edits, drop(proofs, "proof/"+name), drop(proofs, "token/"+name))
	}
	edits = append(edits, add(proofs, "proof/other certificate", oauthError("invalid_client")), add(proofs, "token/other certificate", oauthError("invalid_client")))
	return all(append(edits, more...)...)
}

// openID makes the target one that grants openid.
var openID = profile(func(p *profiles.Profile) { p.Scopes = []string{"openid"} })

// bound makes the confidential client's token one that it got with a certificate.
func bound(to string) edit {
	return certified(in(tokenUse, "full/token", func(x *wire.Exchange) { x.Certificate = "own" }), in(tokenUse, "full/introspection", member("cnf", to)))
}

var proofCases = []ruleCase{
	{"EXT-07", "any key", in(proofs, "proof/wrong key", answer(200, codes)), Fail, "accepted-wrong-key"},
	{"EXT-07", "any key at the token endpoint", in(proofs, "token/wrong key", oauthError("authorization_pending")), Fail, "accepted-wrong-key"},
	{"EXT-07", "no signature", in(proofs, "proof/no signature", answer(200, codes)), Fail, "accepted-no-signature"},
	{"EXT-07", "expired", in(proofs, "token/expired", oauthError("authorization_pending")), Fail, "accepted-expired"},
	{"EXT-07", "another audience", in(proofs, "proof/other audience", answer(200, codes)), Fail, "accepted-other-audience"},
	{"EXT-07", "about another client", in(proofs, "proof/other client", answer(200, codes)), Fail, "accepted-other-client"},
	{"EXT-07", "taken twice", all(openID, in(proofs, "proof/again", answer(200, codes))), Warn, "replayed"},
	{"EXT-07", "taken twice at the token endpoint", all(openID, in(proofs, "token/again", oauthError("authorization_pending"))), Warn, "replayed"},
	{"EXT-07", "taken twice without OpenID", in(proofs, "proof/again", answer(200, codes)), Pass, ""},
	{"EXT-07", "another error", in(proofs, "proof/expired", oauthError("invalid_grant")), Warn, "other-error"},
	{"EXT-07", "another error for a used one", in(proofs, "proof/again", oauthError("invalid_request")), Pass, ""},
	{"EXT-07", "two clients are a bad request", in(proofs, "proof/other client", oauthError("invalid_request")), Pass, ""},
	{"EXT-07", "400 for a refused one", in(proofs, "proof/wrong key", oauthError("invalid_client")), Pass, ""},
	{"EXT-07", "no pending answer", in(proofs, "token/wrong key", oauthError("slow_down")), Inconclusive, ""},
	{"EXT-07", "its own is refused", in(proofs, "control/keyed", oauthError("invalid_client")), Inconclusive, ""},
	{"EXT-07", "a page", in(proofs, "proof/wrong key", answer(502, "<html>")), Inconclusive, ""},
	{"EXT-07", "certificates", certified(), NA, ""},
	{"EXT-08", "its own certificate only", certified(), Pass, ""},
	{"EXT-08", "any certificate", certified(in(proofs, "proof/other certificate", answer(200, codes))), Fail, "accepted-other-certificate"},
	{"EXT-08", "any certificate at the token endpoint", certified(in(proofs, "token/other certificate", oauthError("authorization_pending"))), Fail, "accepted-other-certificate"},
	{"EXT-08", "another error", certified(in(proofs, "proof/other certificate", oauthError("invalid_request"))), Warn, "other-error"},
	{"EXT-08", "bound to it", bound(`{"x5t#S256":"own"}`), Pass, ""},
	{"EXT-08", "bound to another", bound(`{"x5t#S256":"another"}`), Fail, "bound-to-another"},
	{"EXT-08", "not bound", bound(""), Pass, ""},
	{"DA-14", "a client that sends no secret", profile(func(p *profiles.Profile) { p.Clients.Confidential = p.Clients.Keyed }), NA, ""},
	{"EXT-08", "assertions", all(), NA, ""},
}
