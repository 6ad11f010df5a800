package rules

import (
	"fmt"
	"net/url"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

const (
	identity     = transcript.ClientIdentity
	clientErrors = transcript.ClientErrors
)

// clientCases: who the client is: authentication, registration, scopes.
var clientCases = []ruleCase{
	{"DA-08", "the forbidden scope is granted", grantedScope("forbidden", "demo:read demo:admin"), Fail, "forbidden-granted"},
	{"DA-08", "left to the consent page", grantedScope("forbidden", "demo:read"), Pass, ""},
	{"DA-08", "an unknown scope is granted", grantedScope("unknown", "demo:read zz_x"), Warn, "unknown-granted"},
	{"DA-08", "an unknown scope is ignored", grantedScope("unknown", "demo:read"), Pass, ""},
	{"DA-08", "nobody says what was granted", grantedScope("forbidden", ""), Inconclusive, ""},
	{"DA-08", "introspection says it", all(grantedScope("forbidden", ""), add(transcript.Scopes, "introspection", answer(200, `{"active":true,"scope":"demo:admin"}`))), Fail, "forbidden-granted"},
	{"DA-08", "nobody could approve", in(transcript.Scopes, "forbidden", answer(200, codes)), Inconclusive, ""},
	{"DA-08", "refused on the consent page", all(grantedScope("forbidden", "demo:read"), in(transcript.Scopes, "token", oauthError("access_denied"))), Pass, ""},
	{"DA-08", "refused after the approval", all(grantedScope("unknown", "demo:read"), in(transcript.Scopes, "token", oauthError("invalid_scope"))), Pass, ""},
	{"DA-08", "a quote falls over", in(transcript.Scopes, "malformed/quotes", answer(500, "")), Fail, "server-error"},
	{"DA-08", "another error", in(transcript.Scopes, "unknown", oauthError("invalid_request")), Warn, "other-error"},
	{"DA-08", "malformed is invalid_request", in(transcript.Scopes, "malformed", oauthError("invalid_request")), Pass, ""},
	{"DA-08", "two spaces are one", in(transcript.Scopes, "malformed/spaces", answer(200, codes)), Pass, ""},
	{"DA-08", "no forbidden scope in the profile", drop(transcript.Scopes, "forbidden"), Pass, ""},
	{"DA-08", "the control fails", in(transcript.Scopes, "control", oauthError("invalid_client")), Inconclusive, ""},

	{"DA-10", "a token", notAllowed(oauthError("authorization_pending"), answer(200, token)), Fail, "token"},
	{"DA-10", "the token endpoint refuses", notAllowed(oauthError("unauthorized_client"), nil), Warn, "codes"},
	{"DA-10", "refused after the approval", notAllowed(oauthError("authorization_pending"), oauthError("unauthorized_client")), Warn, "codes"},
	{"DA-10", "codes, and nobody could approve", all(notAllowed(oauthError("authorization_pending"), nil), nobody(identity)), Inconclusive, ""},
	{"DA-10", "another error", in(identity, "not allowed/device", oauthError("invalid_grant")), Warn, "other-error"},
	{"DA-10", "access_denied", in(identity, "not allowed/device", oauthError("access_denied")), Warn, "other-error"},
	{"DA-10", "authorization_pending for codes", in(identity, "not allowed/device", oauthError("authorization_pending")), Fail, "contradicting-error"},
	{"DA-10", "a client the server does not know", in(identity, "not allowed/device", answer(401, `{"error":"invalid_client"}`)), Warn, "other-error"},
	{"DA-10", "the right error with another status", in(identity, "not allowed/device", answer(403, `{"error":"unauthorized_client"}`)), Pass, ""},
	{"DA-10", "letters of the error are escaped", in(identity, "not allowed/device", answer(400, `{"error":"unauthor\u0069zed_cl\u0069ent"}`)), Pass, ""},
	{"DA-10", "no such client", profile(func(p *profiles.Profile) { p.Clients.NotAllowed = nil }), NA, ""},
	{"DA-10", "no one gets codes", in(identity, "control/public", oauthError("invalid_client")), Inconclusive, ""},

	{"DA-11", "codes", in(identity, "unauthenticated", answer(200, codes)), Fail, "codes-without-authentication"},
	{"DA-11", "another error", in(identity, "unauthenticated", oauthError("invalid_request")), Warn, "other-error"},
	{"DA-11", "400", in(identity, "unauthenticated", oauthError("invalid_client")), Pass, ""},
	{"DA-11", "the secret does not work either", in(identity, "control/confidential", oauthError("invalid_client")), Inconclusive, ""},
	{"DA-11", "no such client", profile(func(p *profiles.Profile) { p.Clients.Confidential = nil }), NA, ""},

	{"DA-12", "codes", in(clientErrors, "wrong/device", answer(200, codes)), Fail, "wrong-secret-accepted"},
	{"DA-12", "400", in(clientErrors, "wrong/device", func(x *wire.Exchange) { x.Status = 400 }), Fail, "status"},
	{"DA-12", "no challenge", in(clientErrors, "wrong/device", header("WWW-Authenticate", "")), Fail, "challenge"},
	{"DA-12", "another error", in(clientErrors, "wrong/device", member("error", `"invalid_request"`)), Fail, "error"},
	{"DA-12", "codes for the body", in(clientErrors, "wrong/body", answer(200, codes)), Fail, "wrong-secret-accepted"},
	{"DA-12", "400 for the body", in(clientErrors, "wrong/body", oauthError("invalid_client")), Pass, ""},
	{"DA-12", "another error for the body", in(clientErrors, "wrong/body", oauthError("invalid_request")), Warn, "other-error-in-body"},
	{"DA-12", "the right secret does not work either", in(clientErrors, "right/device", oauthError("invalid_client")), Inconclusive, ""},
	{"DA-12", "no authentication here", all(drop(clientErrors, "wrong/device"), profile(func(p *profiles.Profile) {
		client := *p.Clients.Confidential
		client.DeviceAuth = profiles.AuthNone
		p.Clients.Confidential = &client
	})), NA, ""},
	{"DA-12", "no permission", func(e Evidence) {
		e.Transcripts[clientErrors] = transcript.Transcript{Scenario: clientErrors, Skipped: "give --allow-lockouts"}
	}, Skip, ""},

	{"DA-13", "in another form", all(in(identity, "control/confidential", oauthError("invalid_request")), in(identity, "basic/other form", answer(200, codes))), Inconclusive, ""},
	{"DA-13", "client_id beside Basic is refused", in(identity, "basic/other form", oauthError("invalid_request")), Pass, ""},
	{"DA-13", "only in the body", all(in(identity, "control/confidential", oauthError("invalid_client")), in(identity, "basic/other form", oauthError("invalid_client")), add(identity, "control/body", answer(200, codes))), Fail, "basic-refused"},
	{"DA-13", "a wrong secret in the profile", all(in(identity, "control/confidential", oauthError("invalid_client")), in(identity, "basic/other form", oauthError("invalid_client")), add(identity, "control/body", oauthError("invalid_client"))), Inconclusive, ""},
	{"DA-13", "not at the token endpoint", all(in(identity, "basic/token", answer(401, `{"error":"invalid_client"}`)), add(identity, "basic/token body", oauthError("authorization_pending"))), Fail, "basic-refused-token"},
	{"DA-13", "no method at the token endpoint", all(in(identity, "basic/token", answer(401, `{"error":"invalid_client"}`)), add(identity, "basic/token body", answer(401, `{"error":"invalid_client"}`))), Warn, "client-refused-token"},
	{"DA-13", "not allowed to poll", all(in(identity, "basic/token", oauthError("unauthorized_client")), add(identity, "basic/token body", oauthError("unauthorized_client"))), Warn, "client-refused-token"},
	{"DA-13", "the codes end at once", all(in(identity, "basic/token", oauthError("invalid_grant")), add(identity, "basic/token again", oauthError("invalid_grant"))), Warn, "client-refused-token"},
	{"DA-13", "one odd answer to a poll", all(in(identity, "basic/token", oauthError("invalid_grant")), add(identity, "basic/token again", oauthError("authorization_pending"))), Pass, ""},
	{"DA-13", "the first poll is too early", in(identity, "basic/token", oauthError("slow_down")), Pass, ""},
	{"DA-13", "not at the token endpoint, and the body was not tried", in(identity, "basic/token", answer(401, `{"error":"invalid_client"}`)), Inconclusive, ""},
	{"DA-13", "credentials are not decoded", all(in(identity, "reserved/encoded", oauthError("invalid_client")), add(identity, "reserved/body", answer(200, codes))), Warn, "not-decoded"},
	{"DA-13", "a client the server does not know", all(in(identity, "reserved/encoded", oauthError("invalid_client")), add(identity, "reserved/body", oauthError("invalid_client"))), Pass, ""},
	{"DA-13", "no client with reserved characters", drop(identity, "reserved"), Pass, ""},
	{"DA-13", "another method", profile(func(p *profiles.Profile) {
		client := *p.Clients.Confidential
		client.Auth = profiles.AuthPost
		p.Clients.Confidential = &client
	}), NA, ""},

	{"DA-14", "two methods", in(identity, "both/methods", answer(200, codes)), Warn, "two-methods-accepted"},
	{"DA-14", "a failed Basic is ignored beside a public client", in(identity, "both/failed basic", answer(200, codes)), Warn, "failed-basic-ignored"},
	{"DA-14", "a failed Basic is ignored beside the right secret", in(clientErrors, "wrong/basic", answer(200, codes)), Warn, "failed-basic-ignored"},
	{"DA-14", "a failed Basic gets 401", all(in(identity, "both/failed basic", answer(401, `{"error":"invalid_client"}`)), in(clientErrors, "wrong/basic", answer(400, `{"error":"invalid_request"}`))), Pass, ""},
	{"DA-14", "the client is locked by then", all(in(identity, "both/failed basic", answer(401, `{"error":"invalid_client"}`)), in(clientErrors, "wrong/basic", answer(401, `{"error":"invalid_client"}`)), in(clientErrors, "right/after", answer(401, `{"error":"invalid_client"}`))), Pass, ""},
	{"DA-14", "a recording without the right secret afterwards", drop(clientErrors, "right/after"), Pass, ""},
	{"DA-14", "nobody tried a failed Basic", all(drop(identity, "both/failed basic"), drop(clientErrors, "wrong/basic")), Pass, ""},
	{"DA-14", "another error", in(identity, "both/methods", oauthError("invalid_grant")), Warn, "other-error"},
	{"DA-14", "bound to the body", twoClients("authorization_pending", "invalid_grant", "invalid_grant"), Warn, "bound-to-body"},
	{"DA-14", "bound to nobody at all", twoClients("authorization_pending", "invalid_grant", "authorization_pending"), Warn, "two-clients-accepted"},
	{"DA-14", "bound to the header", twoClients("invalid_grant", "authorization_pending", "invalid_grant"), Warn, "bound-to-header"},
	{"DA-14", "any client is answered about any code", twoClients("invalid_grant", "authorization_pending", "authorization_pending"), Warn, "two-clients-accepted"},
	{"DA-14", "invalid_client", in(identity, "two/clients", answer(401, `{"error":"invalid_client"}`)), Pass, ""},
}

// add appends an exchange to a scenario.
func add(scenario, label string, change func(*wire.Exchange)) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		x := wire.Exchange{N: len(t.Exchanges) + 1, Label: label, Method: "POST", Sent: t.Ended, Received: t.Ended + time.Millisecond}
		change(&x)
		t.Exchanges = append(t.Exchanges, x)
		e.Transcripts[scenario] = t
	}
}

// drop takes a scenario's exchanges below a label away.
func drop(scenario, label string) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		gone := map[int]bool{}
		for _, x := range t.Labelled(label) {
			gone[x.N] = true
		}
		var kept []wire.Exchange
		for _, x := range t.Exchanges {
			if !gone[x.N] {
				kept = append(kept, x)
			}
		}
		t.Exchanges = kept
		e.Transcripts[scenario] = t
	}
}

// profile changes the profile.
func profile(change func(*profiles.Profile)) edit { return func(e Evidence) { change(e.Profile) } }

// approvedOnce adds a journey that ended in an approval.
func approvedOnce(scenario, name string) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		t.Journeys = append(t.Journeys, transcript.Journey{Name: name, Goal: transcript.Approve, Outcome: transcript.Approved, Decided: true, Confirmed: true})
		e.Transcripts[scenario] = t
	}
}

// nobody is a run without a user agent.
func nobody(scenario string) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		t.Journeys, t.Aborted = nil, "no user agent: --browser none"
		e.Transcripts[scenario] = t
	}
}

// grantedScope is a server that gives codes for a wrong scope, and a token
// response with the given scope ("" for a response without the member).
func grantedScope(label, scope string) edit {
	wrong := map[string]string{"forbidden": "demo:admin", "unknown": "zz_x"}[label]
	granted := token
	if scope != "" {
		granted = fmt.Sprintf(`{"access_token":"another","token_type":"Bearer","expires_in":60,"scope":%q}`, scope)
	}
	return all(
		in(transcript.Scopes, label, all2(answer(200, codes), request("client_id=device-public&scope="+url.QueryEscape("demo:read "+wrong)))),
		approvedOnce(transcript.Scopes, "approve "+label),
		add(transcript.Scopes, "token/1", answer(200, granted)),
	)
}

// notAllowed is a server that gives codes to a client without the grant, and
// answers a poll before and, if not nil, after an approval.
func notAllowed(poll, after func(*wire.Exchange)) edit {
	edits := []edit{in(identity, "not allowed/device", answer(200, codes)), add(identity, "not allowed/poll", poll)}
	if after != nil {
		edits = append(edits, approvedOnce(identity, "approve not allowed"), add(identity, "token/1", after))
	}
	return all(edits...)
}

// twoClients is a server that takes two clients in one request, and the errors
// of polling those codes as the body's and as the header's client, and a code of
// the header's client as the body's.
func twoClients(asBody, asHeader, control string) edit {
	return all(in(identity, "two/clients", answer(200, codes)),
		add(identity, "two/as body", oauthError(asBody)), add(identity, "two/as header", oauthError(asHeader)), add(identity, "two/control", oauthError(control)))
}
