package rules

import (
	"encoding/base64"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

const tenants = transcript.Tenants

// tenantCases: codes, clients and tokens of one tenant, taken to another.
var tenantCases = []ruleCase{
	{"SEC-13", "a code of here, and a client of here, there", in(tenants, "approved/our client", answer(200, token)), Fail, "token"},
	{"SEC-13", "a code of here, and a client of there", in(tenants, "approved/their client", answer(200, token)), Fail, "token"},
	{"SEC-13", "a pending code is known there", in(tenants, "pending/our client", oauthError("authorization_pending")), Fail, "pending-shown"},
	{"SEC-13", "codes for a foreign client", in(tenants, "client/device", answer(200, codes)), Fail, "client"},
	{"SEC-13", "another error", in(tenants, "client/device", answer(404, "no such client")), Pass, ""},
	{"SEC-13", "a foreign client falls over", in(tenants, "client/device", answer(500, "")), Warn, "server-error"},
	{"SEC-13", "a foreign code gets a page", in(tenants, "pending/our client", answer(200, "<h1>Hello</h1>")), Warn, "other-answer"},
	{"SEC-13", "decided on the foreign page", in(tenants, "page/owner", answer(200, token)), Fail, "decided-elsewhere"},
	{"SEC-13", "shown on the foreign page", visit(tenants, "page", outcome(transcript.AtDecision)), Warn, "code-known"},
	{"SEC-13", "an error page", visit(tenants, "page", outcome(transcript.ErrorPage)), Pass, ""},
	{"SEC-13", "the page there does not work", visit(tenants, "own", outcome(transcript.Unfinished)), Inconclusive, ""},
	{"SEC-13", "a guest, and the profile forbids it", all(subjects("dora", "dora"), guests(new(false))), Fail, "guest-refused-by-profile"},
	{"SEC-13", "a guest, and nobody said", subjects("dora", "dora"), Warn, "guest"},
	{"SEC-13", "a user of the same name", subjects("dora-1", "dora-2"), Pass, ""},
	{"SEC-13", "a user of the same name, and the profile forbids guests", all(in(tenants, "guest/owner", answer(200, token)), guests(new(false))), Inconclusive, ""},
	{"SEC-13", "a guest who is welcome", all(in(tenants, "guest/owner", answer(200, token)), guests(new(true))), Pass, ""},
	{"SEC-13", "its token is active here", in(tenants, "own/introspection", answer(200, `{"active":true}`)), Warn, "token-active"},
	{"SEC-13", "its token is of here", in(tenants, "own/introspection", answer(200, `{"active":true,"iss":"http://127.0.0.1:18628"}`)), Fail, "token-adopted"},
	{"SEC-13", "one introspection for all", in(tenants, "own/introspection", answer(200, `{"active":true,"iss":"http://127.0.0.1:18628/orgs/beta"}`)), Pass, ""},
	{"SEC-13", "its ID token names the first", in(tenants, "own/token", issuerToken("http://127.0.0.1:18628")), Fail, "issuer"},
	{"SEC-13", "one token endpoint for both", all(drop(tenants, "client"), drop(tenants, "pending/our client"), drop(tenants, "approved/our client")), Pass, ""},
	{"SEC-13", "no codes there", in(tenants, "own/device", oauthError("invalid_client")), Inconclusive, ""},
	{"SEC-13", "nobody could approve here", visit(tenants, "approve", outcome(transcript.Unfinished)), Inconclusive, ""},
	{"SEC-13", "no second tenant", profile(func(p *profiles.Profile) { p.Tenant = nil }), NA, ""},

	{"META-04", "one issuer for two tenants", in(transcript.Metadata, "tenant", member("issuer", `"http://127.0.0.1:18628"`)), Fail, "tenants-share-issuer"},
	{"META-04", "the inserted place ignores the tenant", in(transcript.Metadata, "tenant/1", member("issuer", `"http://127.0.0.1:18628"`)), Pass, ""},
	{"META-04", "the second tenant names a third", in(transcript.Metadata, "tenant", member("issuer", `"https://other"`)), Pass, ""},
	{"META-04", "the second tenant has no metadata", in(transcript.Metadata, "tenant", answer(404, "")), Pass, ""},
}

func guests(allowed *bool) edit {
	return profile(func(p *profiles.Profile) {
		t := *p.Tenant
		t.Guests = allowed
		p.Tenant = &t
	})
}

// subjects lets an end user of the second tenant approve there and here, as the
// accounts of these subjects.
func subjects(there, here string) edit {
	return all(in(tenants, "own/token", idTokenOf(there)), in(tenants, "guest/owner", idTokenOf(here)))
}

// issuerToken is a token response with the ID token of an issuer.
func issuerToken(issuer string) func(*wire.Exchange) {
	part := base64.RawURLEncoding.EncodeToString
	jwt := strings.Join([]string{part([]byte(`{"alg":"ES256"}`)), part([]byte(`{"iss":"` + issuer + `"}`)), "AA"}, ".")
	return answer(200, `{"access_token":"x","token_type":"Bearer","id_token":"`+jwt+`"}`)
}
