package rules

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

const (
	foreign   = transcript.ForeignClient
	unproven  = transcript.UnprovenClient
	transport = transcript.TokenTransport
	use       = transcript.TokenUse
	refreshed = transcript.Refresh
)

// tokenCases: the token and what can be done with it.
var tokenCases = []ruleCase{
	{"TOKEN-04", "pending is shown", in(foreign, "pending/foreign", oauthError("authorization_pending")), Fail, "pending-shown"},
	{"TOKEN-04", "a token for another client", in(foreign, "approved/foreign", answer(200, token)), Fail, "token"},
	{"TOKEN-04", "a token at the third try", in(foreign, "approved/foreign/3", answer(200, token)), Fail, "token"},
	{"TOKEN-04", "slow_down at the third try", in(foreign, "approved/foreign/3", oauthError("slow_down")), Pass, ""},
	{"TOKEN-04", "refusal is shown", in(foreign, "denied/foreign", oauthError("access_denied")), Warn, "denial-shown"},
	{"TOKEN-04", "access_denied for every strange code", all(in(foreign, "pending/foreign", oauthError("access_denied")), in(foreign, "approved/foreign", oauthError("access_denied")), in(foreign, "denied/foreign", oauthError("access_denied"))), Fail, "contradicting-error"},
	{"TOKEN-04", "access_denied for a code that is denied to its owner too", all(in(foreign, "pending/foreign", oauthError("access_denied")), in(foreign, "pending/owner", oauthError("access_denied"))), Warn, "other-error"},
	{"TOKEN-04", "expired_token for another client's code", in(foreign, "pending/foreign", oauthError("expired_token")), Warn, "other-error"},
	{"TOKEN-04", "a client that does not exist gets a token", in(foreign, "approved/stranger", answer(200, token)), Fail, "token-unknown-client"},
	{"TOKEN-04", "a client that does not exist is told to wait", in(foreign, "pending/stranger", oauthError("authorization_pending")), Fail, "recognised-unknown-client"},
	{"TOKEN-04", "nobody approved the confidential client's code", all(in(unproven, "confidential/foreign", oauthError("invalid_request")), visit(unproven, "approve confidential", func(j *transcript.Journey) { j.Outcome, j.Decided = transcript.CodeRejected, false })), Pass, ""},
	{"TOKEN-04", "a client that does not exist is told of a refusal", in(foreign, "approved/stranger", oauthError("access_denied")), Warn, "other-error"},
	{"TOKEN-04", "invalid_request for a client that does not exist", in(foreign, "approved/stranger", oauthError("invalid_request")), Warn, "other-error"},
	{"TOKEN-04", "invalid_grant for a client that does not exist", in(foreign, "pending/stranger", oauthError("invalid_grant")), Pass, ""},
	{"TOKEN-04", "throttled before the client is looked up", in(foreign, "pending/stranger", oauthError("slow_down")), Inconclusive, ""},
	{"TOKEN-04", "no stranger tried", all(drop(foreign, "pending/stranger"), drop(foreign, "approved/stranger"), drop(unproven, "confidential/foreign")), Pass, ""},
	{"TOKEN-04", "a public client redeems a confidential one's code", in(unproven, "confidential/foreign", answer(200, token)), Fail, "token-confidential"},
	{"TOKEN-04", "a public client's try ends a confidential one's code", all(in(foreign, "approved/owner", oauthError("invalid_grant")), in(unproven, "confidential/redeem", oauthError("invalid_grant"))), Pass, ""},
	{"TOKEN-04", "the confidential client's approval had no effect", in(unproven, "confidential/redeem", oauthError("authorization_pending")), Inconclusive, ""},
	{"TOKEN-04", "throttled", in(foreign, "pending/foreign", oauthError("slow_down")), Warn, "throttled"},
	{"TOKEN-04", "unauthorized_client", in(foreign, "approved/foreign", oauthError("unauthorized_client")), Pass, ""},
	{"TOKEN-04", "the probe kills the code", all(in(foreign, "pending/owner", oauthError("invalid_grant")), in(foreign, "approved/owner", oauthError("invalid_grant"))), Pass, ""},
	{"TOKEN-04", "the approval had no effect", in(foreign, "approved/owner", oauthError("authorization_pending")), Inconclusive, ""},
	{"TOKEN-04", "the other client may not use the grant", in(foreign, "control", oauthError("unauthorized_client")), Inconclusive, ""},
	{"TOKEN-04", "nobody could refuse", visit(foreign, "deny", outcome(transcript.NoWayToDeny)), Pass, ""},
	{"TOKEN-04", "one client only", missing(foreign, "the profile has no second client"), NA, ""},

	{"TOKEN-05", "nobody asks, and gets a token", in(unproven, "public/absent", answer(200, token)), Fail, "token-client_id"},
	{"TOKEN-05", "nobody asks", in(unproven, "pending/public/absent", oauthError("authorization_pending")), Fail, "recognised-client_id"},
	{"TOKEN-05", "no secret needed", in(unproven, "confidential/secretless", answer(200, token)), Fail, "token-its-secret"},
	{"TOKEN-05", "no secret needed while pending", in(unproven, "pending/confidential/secretless", oauthError("authorization_pending")), Fail, "recognised-its-secret"},
	{"TOKEN-05", "throttled before anything", in(unproven, "pending/confidential/secretless", oauthError("slow_down")), Inconclusive, ""},
	{"TOKEN-05", "any secret will do", in(unproven, "confidential/wrong", answer(200, token)), Fail, "token-the-right-secret"},
	{"TOKEN-05", "the code is looked at first", in(unproven, "confidential/secretless", oauthError("invalid_grant")), Warn, "other-error"},
	{"TOKEN-05", "a failed Basic is ignored", in(unproven, "public/failed basic", answer(200, token)), Warn, "failed-basic-ignored"},
	{"TOKEN-05", "a failed Basic gets the token, and nothing shows that Basic is known", all(in(unproven, "public/failed basic", answer(200, token)), drop(unproven, "public/redeem"), noBasic), Pass, ""},
	{"TOKEN-05", "a failed Basic gets the token, after another one did so without client_id", all(in(unproven, "public/absent", oauthError("slow_down")), in(unproven, "public/failed basic", answer(200, token)), drop(unproven, "public/redeem"), noBasic), Inconclusive, ""},
	{"TOKEN-05", "a failed Basic gets another error", in(unproven, "public/failed basic", oauthError("invalid_grant")), Pass, ""},
	{"TOKEN-05", "a failed Basic and 401", in(unproven, "public/failed basic", answer(401, `{"error":"invalid_client"}`)), Pass, ""},
	{"TOKEN-05", "a code that another client ended", all(in(foreign, "approved/owner", oauthError("invalid_grant")), in(unproven, "confidential/redeem", oauthError("invalid_grant"))), Pass, ""},
	{"TOKEN-05", "401 invalid_client", in(unproven, "public/absent", answer(401, `{"error":"invalid_client"}`)), Pass, ""},
	{"TOKEN-05", "a failed try burns the code", in(unproven, "confidential/redeem", oauthError("invalid_grant")), Warn, "burned"},
	{"TOKEN-05", "a failed try burns a pending code", in(unproven, "pending/confidential/right", oauthError("invalid_grant")), Warn, "burned"},
	{"TOKEN-05", "the approval had no effect", in(unproven, "public/redeem", oauthError("authorization_pending")), Inconclusive, ""},
	{"TOKEN-05", "the control fails", in(unproven, "pending/public/right", oauthError("invalid_client")), Inconclusive, ""},
	{"TOKEN-05", "no wrong secret tried", without(unproven, "confidential/wrong"), Pass, ""},

	{"TOKEN-06", "a token for GET", in(transport, "method/GET", answer(200, token)), Fail, "token-for-get"},
	{"TOKEN-06", "GET is read", in(transport, "method/GET", oauthError("slow_down")), Warn, "get-recognised"},
	{"TOKEN-06", "a token for PUT", all(in(transport, "method/PUT", answer(200, token)), drop(transport, "query/code"), drop(transport, "redeem")), Warn, "token-for-put"},
	{"TOKEN-06", "PUT is not implemented", in(transport, "method/PUT", answer(501, "")), Pass, ""},
	{"TOKEN-06", "nobody tried PUT", drop(transport, "method/PUT"), Pass, ""},
	{"TOKEN-06", "the query is read", in(transport, "query/code", answer(200, token)), Warn, "code-from-query"},
	{"TOKEN-06", "GET falls over", in(transport, "method/GET", answer(500, "")), Warn, "server-error"},
	{"TOKEN-06", "404 for GET", in(transport, "method/GET", answer(404, "<h1>no</h1>")), Pass, ""},
	{"TOKEN-06", "a secret in the query works", in(transport, "secret/query", oauthError("authorization_pending")), Fail, "secret-from-query"},
	{"TOKEN-06", "no secret is needed at all", all(in(transport, "secret/query", oauthError("authorization_pending")), in(transport, "secret/none", oauthError("authorization_pending"))), Pass, ""},
	{"TOKEN-06", "throttled before it authenticates", in(transport, "secret/query", oauthError("slow_down")), Inconclusive, ""},
	{"TOKEN-06", "the right secret fails", in(transport, "secret/right", oauthError("invalid_client")), Inconclusive, ""},
	{"TOKEN-06", "the code cannot be redeemed", in(transport, "redeem", oauthError("authorization_pending")), Inconclusive, ""},

	{"TOKEN-07", "JSON is accepted", in(transport, "type/json", oauthError("authorization_pending")), Warn, "accepts-json"},
	{"TOKEN-07", "throttled before anything", in(transport, "type/json", oauthError("slow_down")), Inconclusive, ""},
	{"TOKEN-07", "text falls over", in(transport, "type/text", answer(500, "")), Fail, "server-error"},
	{"TOKEN-07", "multipart hangs", all(in(transport, "type/multipart", lost(wire.FailTimeout)), twice(transport, "type/multipart")), Fail, "hang"},
	{"TOKEN-07", "a charset is refused", in(transport, "type/charset", oauthError("invalid_request")), Warn, "charset-refused"},
	{"TOKEN-07", "the code died", in(transport, "types/after", oauthError("invalid_grant")), Inconclusive, ""},

	{"TOKEN-09", "a type with a blank", in(transcript.Approval, "token", member("token_type", `"Bearer "`)), Fail, "token-type"},
	{"TOKEN-09", "a type that nobody knows", in(transcript.Approval, "token", member("token_type", `"access_token"`)), Warn, "token-type"},
	{"TOKEN-09", "a type of a vendor", in(transcript.Approval, "token", member("token_type", `"https://vendor.example/types/x"`)), Pass, ""},
	{"TOKEN-09", "a type in lower case", in(transcript.Approval, "token", member("token_type", `"dpop"`)), Pass, ""},
	{"TOKEN-09", "one token for both", in(transcript.Approval, "token", all2(member("access_token", `"x"`), member("refresh_token", `"x"`))), Fail, "refresh-is-access"},
	{"TOKEN-09", "the code again", in(transcript.Approval, "token", func(x *wire.Exchange) { member("refresh_token", fmt.Sprintf("%q", x.Form().Get("device_code")))(x) }), Warn, "refresh-is-device-code"},
	{"TOKEN-09", "no refresh token", in(transcript.Approval, "token", member("refresh_token", "")), Pass, ""},
	{"TOKEN-09", "a lifetime with a point", in(transcript.Approval, "token", member("expires_in", "3600.0")), Warn, "number-form"},
	{"TOKEN-09", "two codings, and the JSON is plain", in(transcript.Approval, "token", header("Content-Encoding", "identity, GZIP")), Fail, "content-encoding"},
	{"TOKEN-09", "no coding at all, in two words", in(transcript.Approval, "token", header("Content-Encoding", "identity, identity")), Pass, ""},
	{"TOKEN-09", "a byte order mark", in(transcript.Approval, "token", body(withMark)), Warn, "byte-order-mark"},
	{"TOKEN-09", "not the coding that it says", in(transcript.Approval, "token", header("Content-Encoding", "gzip")), Fail, "content-encoding"},
	{"TOKEN-09", "a coding that nobody knows", in(transcript.Approval, "token", header("Content-Encoding", "utf-8")), Warn, "content-encoding"},
	{"TOKEN-09", "no coding, and says so", in(transcript.Approval, "token", header("Content-Encoding", "identity")), Pass, ""},
	{"TOKEN-09", "UTF-16 by its header", in(transcript.Approval, "token", header("Content-Type", "application/json; charset=UTF-16")), Warn, "charset"},
	{"TOKEN-09", "Latin by its header, and both by its letters", in(transcript.Approval, "token", header("Content-Type", "application/json; charset=ISO-8859-1")), Pass, ""},
	{"TOKEN-09", "Latin by its header, and not by its letters", in(transcript.Approval, "token", all2(header("Content-Type", "application/json; charset=ISO-8859-1"), member("name", `"ä"`))), Warn, "charset"},
	{"TOKEN-09", "more was promised each time", all(in(transcript.Approval, "token", overdueAnswer), in(transcript.EarlyApproval, "token", overdueAnswer)), Fail, "content-length"},
	{"TOKEN-09", "more was promised once", in(transcript.Approval, "token", overdueAnswer), Inconclusive, ""},
	{"TOKEN-09", "cut in the middle", all(in(transcript.Approval, "token", cutAnswer), in(transcript.EarlyApproval, "token", cutAnswer)), Inconclusive, ""},

	{"TOKEN-11", "left out after narrowing", in(use, "narrowed/token", member("scope", "")), Fail, "absent-though-different"},
	{"TOKEN-11", "left out where it is the same", in(use, "full/token", member("scope", "")), Pass, ""},
	{"TOKEN-11", "another order, and twice", in(use, "full/token", member("scope", `"demo:read profile openid offline_access profile"`)), Pass, ""},
	{"TOKEN-11", "without the bookkeeping", in(use, "full/introspection", member("scope", `"profile demo:read"`)), Pass, ""},
	{"TOKEN-11", "the wrong value", in(use, "narrowed/token", member("scope", `"openid profile offline_access demo:read"`)), Fail, "wrong-value"},
	{"TOKEN-11", "a list", in(use, "full/token", member("scope", `["openid"]`)), Fail, "not-a-string"},
	{"TOKEN-11", "more than asked for, untold", in(use, "full/introspection", member("scope", `"openid profile offline_access demo:read demo:admin"`)), Fail, "broader-undeclared"},
	{"TOKEN-11", "more than asked for, and told", all(in(use, "full/token", member("scope", `"openid profile offline_access demo:read email"`)), in(use, "full/introspection", member("scope", `"openid profile offline_access demo:read email"`))), Pass, ""},
	{"TOKEN-11", "the box means nothing", all(in(use, "narrowed/token", member("scope", `"openid profile offline_access demo:read"`)), in(use, "narrowed/introspection", member("scope", `"openid profile offline_access demo:read"`))), Warn, "narrowing-ignored"},
	{"TOKEN-11", "the default is not told", in(use, "default/token", member("scope", "")), Pass, ""},
	{"TOKEN-11", "nothing to compare with", all(in(use, "narrowed/token", member("scope", "")), in(use, "narrowed/introspection", answer(403, ""))), Inconclusive, ""},
	{"TOKEN-11", "in the token itself", all(in(use, "narrowed/token", all2(member("scope", ""), member("access_token", `"`+unsigned(`{"scp":["openid"]}`)+`"`))), in(use, "narrowed/introspection", answer(403, ""))), Fail, "absent-though-different"},
	{"TOKEN-11", "no such box", visit(use, "approve narrowed", func(j *transcript.Journey) { j.Cleared = false }), Inconclusive, ""},

	{"TOKEN-12", "widened", all(in(use, "partial", worth("openid profile offline_access demo:read")), unwidened("openid profile offline_access")), Fail, "widened"},
	{"TOKEN-12", "widened, and nothing but the response says it", all(in(use, "partial/introspection", answer(403, "")), in(use, "partial/widened", member("scope", `"openid profile offline_access demo:read"`)), unwidened("openid profile offline_access")), Fail, "widened"},
	{"TOKEN-12", "granted without being asked", all(in(use, "partial", worth("openid profile offline_access demo:read")), unwidened("openid profile offline_access demo:read")), Inconclusive, ""},
	{"TOKEN-12", "no token to compare with", in(use, "partial", worth("openid profile offline_access demo:read")), Inconclusive, ""},
	{"TOKEN-12", "a poll with a scope is refused", in(use, "partial/widened", oauthError("invalid_scope")), Pass, ""},
	{"TOKEN-12", "a poll with a scope ends the code", all(in(use, "partial/widened", oauthError("invalid_scope")), add(use, "partial/token/1", oauthError("invalid_grant"))), Warn, "burned"},
	{"TOKEN-12", "a poll with a scope is refused, and the code lives on", all(in(use, "partial/widened", oauthError("invalid_scope")), add(use, "partial/token/1", answer(200, token))), Pass, ""},
	{"TOKEN-12", "no approval brings a token", all(in(use, "partial/widened", oauthError("invalid_scope")), add(use, "partial/token/1", oauthError("invalid_grant")), in(use, "full/token", oauthError("invalid_grant"))), Inconclusive, ""},
	{"TOKEN-12", "nobody ever gets the scope", all(in(use, "full/introspection", answer(403, "")), in(use, "full/token", member("scope", `"openid"`))), Inconclusive, ""},
	{"TOKEN-12", "not approved", visit(use, "approve partial", outcome(transcript.ErrorPage)), Inconclusive, ""},

	{"TOKEN-13", "another client refreshes", in(refreshed, "binding/foreign", answer(200, token)), Fail, "foreign-refresh"},
	{"TOKEN-13", "another error", in(refreshed, "binding/foreign", oauthError("invalid_request")), Warn, "other-error"},
	{"TOKEN-13", "a refresh widens", in(refreshed, "binding/larger", answer(200, `{"access_token":"x","token_type":"Bearer","scope":"openid demo:read"}`)), Fail, "refresh-widened"},
	{"TOKEN-13", "more is ignored", in(refreshed, "binding/larger", answer(200, `{"access_token":"x","token_type":"Bearer","scope":"openid profile offline_access"}`)), Pass, ""},
	{"TOKEN-13", "another error for more", in(refreshed, "binding/larger", oauthError("invalid_grant")), Warn, "other-error-scope"},
	{"TOKEN-13", "a foreign client ends the family", all(in(refreshed, "binding/owner/2", oauthError("invalid_grant")), in(refreshed, "binding/larger", oauthError("invalid_grant"))), Pass, ""},
	{"TOKEN-13", "no refresh by this client", all(in(refreshed, "binding/owner/1", oauthError("unauthorized_client")), in(refreshed, "replay/first", oauthError("unauthorized_client"))), Warn, "refresh-useless"},
	{"TOKEN-13", "no refresh without credentials", all(in(refreshed, "binding/owner/1", answer(401, "")), in(refreshed, "replay/first", answer(401, ""))), Warn, "refresh-useless"},
	{"TOKEN-13", "one refresh that is refused", in(refreshed, "binding/owner/1", oauthError("unauthorized_client")), Inconclusive, ""},
	{"TOKEN-13", "the tokens were replaced meanwhile", all(in(refreshed, "binding/owner/1", oauthError("invalid_grant")), in(refreshed, "replay/first", oauthError("invalid_grant"))), Inconclusive, ""},
	{"TOKEN-13", "no refresh token", in(refreshed, "binding/token", member("refresh_token", "")), NA, ""},

	{"TOKEN-14", "twice", in(refreshed, "replay/second", answer(200, token)), Warn, "replay-accepted"},
	{"TOKEN-14", "the family lives on", in(refreshed, "replay/after", answer(200, token)), Warn, "family-lives"},
	{"TOKEN-14", "the family ends with another error", in(refreshed, "replay/after", oauthError("invalid_client")), Pass, ""},
	{"TOKEN-14", "a recording without the newest one", drop(refreshed, "replay/after"), Pass, ""},
	{"TOKEN-14", "bound by DPoP", all(in(refreshed, "replay/first", member("token_type", `"DPoP"`)), in(refreshed, "replay/second", answer(200, token))), Pass, ""},
	{"TOKEN-14", "all ended meanwhile", in(refreshed, "replay/current", oauthError("invalid_grant")), Inconclusive, ""},
	{"TOKEN-14", "no refresh token", in(refreshed, "replay/token", member("refresh_token", "")), NA, ""},
	{"TOKEN-14", "a client with a secret", secretive(), NA, ""},

	{"TOKEN-15", "no ID token", in(use, "full/token", member("id_token", "")), Warn, "absent"},
	{"TOKEN-15", "an ID token with the refresh only", all(in(use, "full/token", member("id_token", "")), in(refreshed, "replay/token", member("id_token", ""))), Warn, "absent"},
	{"TOKEN-15", "none with the refresh either", all(in(use, "full/token", member("id_token", "")), in(refreshed, "replay/token", member("id_token", "")), in(refreshed, "replay/first", member("id_token", ""))), Warn, "absent"},
	{"TOKEN-15", "openid not granted", in(use, "full/token", member("scope", `"profile"`)), NA, ""},
	{"TOKEN-15", "not signed", inIDToken(`{"alg":"none"}`, same), Fail, "alg-none"},
	{"TOKEN-15", "a key that nobody knows", inIDToken(`{"alg":"ES256","kid":"other"}`, same), Fail, "unknown-key"},
	{"TOKEN-15", "changed after signing", inIDToken("", func(c map[string]any) { c["sub"] = "alice " }), Fail, "signature"},
	{"TOKEN-15", "no key set", in(use, "jwks", answer(404, "")), Fail, "no-keys"},
	{"TOKEN-15", "not a JWT", in(use, "full/token", member("id_token", `"x"`)), Fail, "not-a-jwt"},
	{"TOKEN-15", "a number", in(use, "full/token", member("id_token", `7`)), Fail, "not-a-string"},
	{"TOKEN-15", "claims that are no object", inIDTokenRaw(`[]`), Fail, "claims"},
	{"TOKEN-15", "another issuer", resigned(func(c map[string]any) { c["iss"] = "https://other" }), Fail, "iss"},
	{"TOKEN-15", "another audience", resigned(func(c map[string]any) { c["aud"] = []string{"device-public"} }), Fail, "aud"},
	{"TOKEN-15", "several audiences", resigned(func(c map[string]any) { c["aud"] = []string{"api", "device-confidential"} }), Pass, ""},
	{"TOKEN-15", "expired before it was issued", resigned(func(c map[string]any) { c["exp"] = c["iat"].(float64) - 60 }), Fail, "exp"},
	{"TOKEN-15", "expired long ago", resigned(func(c map[string]any) { c["exp"], c["iat"] = 1000.0, 900.0 }), Fail, "exp"},
	{"TOKEN-15", "no exp", resigned(func(c map[string]any) { delete(c, "exp") }), Fail, "exp"},
	{"TOKEN-15", "no iat", resigned(func(c map[string]any) { delete(c, "iat") }), Fail, "iat"},
	{"TOKEN-15", "issued yesterday", resigned(func(c map[string]any) { c["iat"] = c["iat"].(float64) - 86400 }), Fail, "iat"},
	{"TOKEN-15", "a clock two minutes fast", resigned(func(c map[string]any) { c["iat"] = c["iat"].(float64) + 120 }), Pass, ""},
	{"TOKEN-15", "the clock of the Date is fast, and ours is right", all(began(0), in(use, "full/token", dated(2*time.Hour))), Pass, ""},
	{"TOKEN-15", "the clock of the Date is slow, and ours is right", all(began(0), in(use, "full/token", dated(-2*time.Hour))), Pass, ""},
	{"TOKEN-15", "our clock is off", began(48 * time.Hour), Pass, ""},
	{"TOKEN-15", "issued yesterday by any clock", all(began(0), resigned(func(c map[string]any) { c["iat"] = c["iat"].(float64) - 86400 })), Fail, "iat"},
	{"TOKEN-15", "the issuer's clock is a day slow", all(resigned(func(c map[string]any) { c["iat"], c["exp"] = c["iat"].(float64)-86400, c["exp"].(float64)-86400 }), in(use, "full/introspection", yesterday)), Warn, "issuer-clock"},
	{"TOKEN-15", "another subject", resigned(func(c map[string]any) { c["sub"] = "bob" }), Fail, "sub"},
	{"TOKEN-15", "no kid", resigned(same), Pass, ""},
	{"TOKEN-15", "a MAC", inIDToken(`{"alg":"HS256"}`, same), Inconclusive, ""},
	{"TOKEN-15", "encrypted", in(use, "full/token", member("id_token", `"a.b.c.d.e"`)), Inconclusive, ""},
	{"TOKEN-15", "redacted", in(use, "full/token", member("id_token", `"[redacted:1a2b3c4d]"`)), Inconclusive, ""},

	{"TOKEN-15", "azp of another", resigned(func(c map[string]any) { c["azp"] = "device-second" }), Fail, "azp"},
	{"TOKEN-15", "azp of this client", resigned(func(c map[string]any) { c["azp"] = c["aud"] }), Pass, ""},
	{"TOKEN-15", "azp is null", resigned(func(c map[string]any) { c["azp"] = nil }), Pass, ""},
	{"TOKEN-15", "azp is a list", resigned(func(c map[string]any) { c["azp"] = []string{"device-confidential"} }), Fail, "azp"},
	{"TOKEN-15", "a nonce that nobody sent", resigned(func(c map[string]any) { c["nonce"] = "n" }), Pass, ""},
	{"TOKEN-15", "no nonce was sent, and it is empty", resigned(func(c map[string]any) { c["nonce"] = "" }), Pass, ""},
	{"TOKEN-15", "the nonce that was sent", all(sendsNonce(profiles.NewSecret("n")), resigned(func(c map[string]any) { c["nonce"] = "n" })), Pass, ""},
	{"TOKEN-15", "the nonce that was sent is ignored", all(sendsNonce(profiles.NewSecret("n")), resigned(func(c map[string]any) { c["nonce"] = "" })), Pass, ""},
	{"TOKEN-15", "a nonce that is no longer known", all(sendsNonce(profiles.Secret{Env: "NONCE"}), resigned(func(c map[string]any) { c["nonce"] = "n" })), Pass, ""},
	{"TOKEN-15", "another nonce than was sent", all(sendsNonce(profiles.NewSecret("n")), resigned(func(c map[string]any) { c["nonce"] = "m" })), Warn, "nonce"},
	{"TOKEN-15", "a number for the nonce that was sent", all(sendsNonce(profiles.NewSecret("7")), resigned(func(c map[string]any) { c["nonce"] = 7 })), Warn, "nonce"},
	{"TOKEN-15", "not valid yet", resigned(func(c map[string]any) { c["nbf"] = c["iat"].(float64) + 7200 }), Fail, "nbf"},
	{"TOKEN-15", "not valid yet by both clocks", all(began(0), resigned(func(c map[string]any) { c["nbf"] = c["iat"].(float64) + 7200 })), Fail, "nbf"},
	{"TOKEN-15", "valid by one of the clocks", all(began(3*time.Hour), resigned(func(c map[string]any) { c["nbf"] = c["iat"].(float64) + 7200 })), Pass, ""},
	{"TOKEN-15", "valid from now on, and issued at the login", resigned(func(c map[string]any) { c["nbf"], c["iat"] = c["iat"], c["iat"].(float64)-1200 }), Pass, ""},
	{"TOKEN-15", "nbf is text", resigned(func(c map[string]any) { c["nbf"] = "now" }), Fail, "nbf"},
	{"TOKEN-15", "nbf is null", resigned(func(c map[string]any) { c["nbf"] = nil }), Pass, ""},
	{"TOKEN-15", "at_hash is null", resigned(func(c map[string]any) { c["at_hash"] = nil }), Pass, ""},
	{"TOKEN-15", "valid from now on", resigned(func(c map[string]any) { c["nbf"] = c["iat"] }), Pass, ""},
	{"TOKEN-15", "the hash of another token", resigned(func(c map[string]any) { c["at_hash"] = "77QmUPtjPfzWtF2AnpK9RQ" }), Fail, "at-hash"},
	{"TOKEN-15", "the hash of this token", all(in(use, "full/token", member("access_token", `"t"`)), resigned(func(c map[string]any) { c["at_hash"] = leftHalf("t") })), Pass, ""},
	{"TOKEN-15", "a MAC with the public key", macked(), Fail, "mac-with-public-key"},
	{"TOKEN-15", "a MAC for a client without a secret", all(ofPublicClient(nil), macWithSecret(clientSecret)), Fail, "mac-for-public-client"},
	{"TOKEN-15", "a MAC with the secret of a confidential client", macWithSecret(clientSecret), Inconclusive, ""},
	{"TOKEN-15", "a MAC with the secret of a client that does not hide it", all(ofPublicClient(new(profiles.NewSecret(clientSecret))), macWithSecret(clientSecret)), Inconclusive, ""},
	{"TOKEN-16", "not active for this caller", in(use, "full/introspection", answer(200, `{"active":false}`)), Pass, ""},
	{"TOKEN-16", "not active, and refused", all(in(use, "full/introspection", answer(200, `{"active":false}`)), in(use, "full/userinfo", answer(401, ""))), Fail, "inactive"},
	{"TOKEN-16", "not active, and nothing else to ask", all(in(use, "full/introspection", answer(200, `{"active":false}`)), drop(use, "full/userinfo")), Inconclusive, ""},
	{"TOKEN-16", "another client", in(use, "full/introspection", member("client_id", `"device-public"`)), Fail, "other-client"},
	{"TOKEN-16", "no client_id", in(use, "full/introspection", member("client_id", "")), Pass, ""},
	{"TOKEN-16", "another lifetime", in(use, "full/token", member("expires_in", "60")), Warn, "other-lifetime"},
	{"TOKEN-16", "the other person", in(use, "full/introspection", all2(member("sub", `"u2"`), member("username", `"bob"`))), Fail, "other-subject"},
	{"TOKEN-16", "one subject for all", all(in(use, "full/userinfo", member("sub", `"u1"`)), in(use, "other/userinfo", member("sub", `"u1"`))), Fail, "other-subject"},
	{"TOKEN-16", "one subject for all, by a hook that may have one user", all(decidedByHook(use), in(use, "full/userinfo", member("sub", `"u1"`)), in(use, "other/userinfo", member("sub", `"u1"`))), Pass, ""},
	{"TOKEN-11", "a hook clears no box", decidedByHook(use), Pass, ""},
	{"POLL-17", "a hook types nothing", decidedByHook(use), Pass, ""},
	{"TOKEN-16", "numbers for names", all(in(use, "full", subject("17")), in(use, "other", subject("18"))), Pass, ""},
	{"TOKEN-16", "the token is refused", in(use, "full/userinfo", answer(401, "")), Fail, "userinfo-refuses"},
	{"TOKEN-16", "the endpoint is down", in(use, "full/userinfo", answer(404, "")), Warn, "userinfo-other"},
	{"TOKEN-16", "no token needed", in(use, "bare userinfo", answer(200, `{"sub":"alice"}`)), Fail, "userinfo-open"},
	{"TOKEN-16", "400 without a token", in(use, "bare userinfo", answer(400, "{}")), Warn, "userinfo-bare"},
	{"TOKEN-16", "no challenge", in(use, "bare userinfo", header("WWW-Authenticate", "")), Warn, "userinfo-challenge"},
	{"TOKEN-16", "introspection is for others", in(use, "full/introspection", answer(403, "{}")), Pass, ""},

	{"TOKEN-17", "another client revokes", in(use, "after foreign revocation/introspection", answer(200, `{"active":false}`)), Fail, "foreign-revoked"},
	{"TOKEN-17", "another client is told 200", in(use, "foreign revocation", answer(200, "")), Pass, ""},
	{"TOKEN-17", "refused", in(use, "revocation", oauthError("invalid_request")), Fail, "refused"},
	{"TOKEN-17", "refresh tokens only", in(use, "revocation", oauthError("unsupported_token_type")), Warn, "access-token-unsupported"},
	{"TOKEN-17", "nothing happens", in(use, "after revocation/introspection", answer(200, `{"active":true}`)), Fail, "still-active"},
	{"TOKEN-17", "nothing shows the end of the access token", all(drop(use, "after revocation"), drop(use, "before revocation")), Pass, ""},
	{"TOKEN-17", "nothing shows the end of any token", all(drop(use, "after revocation"), drop(use, "before revocation"), drop(use, "revoked refresh"), drop(use, "refresh revocation")), Inconclusive, ""},
	{"TOKEN-17", "a JWT lives on", all(in(use, "full/token", member("access_token", `"`+unsigned(`{}`)+`"`)), in(use, "after revocation/userinfo", answer(200, `{"sub":"alice"}`))), Warn, "still-active-jwt"},
	{"TOKEN-17", "unknown tokens are errors", in(use, "unknown revocation", oauthError("invalid_request")), Warn, "unknown-refused"},
	{"TOKEN-17", "a revoked refresh token works", in(use, "revoked refresh", answer(200, token)), Fail, "refresh-survives"},
	{"TOKEN-17", "a refresh token cannot be revoked", in(use, "refresh revocation", oauthError("unsupported_token_type")), Fail, "refresh-refused"},

	{"POLL-17", "the user code polls", in(use, "user code as device code/poll", oauthError("authorization_pending")), Fail, "user-code-accepted"},
	{"POLL-17", "a pending device code is active", in(use, "pending introspection/device code", answer(200, `{"active":true}`)), Fail, "introspection-active"},
	{"POLL-17", "a user code is active", in(use, "pending introspection/user code", answer(200, `{"active":true}`)), Fail, "introspection-active"},
	{"POLL-17", "introspection refuses what is no token", in(use, "pending introspection", answer(400, `{"error":"invalid_request"}`)), Pass, ""},
	{"POLL-17", "introspection knows no token at all", in(use, "full/introspection", answer(200, `{"active":false}`)), Pass, ""},
	{"POLL-17", "throttled", in(use, "user code as device code/poll", oauthError("slow_down")), Warn, "throttled"},
	{"POLL-17", "throttled before it looks", in(use, "mixed/as code", oauthError("slow_down")), Inconclusive, ""},
	{"POLL-17", "throttled before it looks at a token", in(use, "access token as device code", oauthError("slow_down")), Inconclusive, ""},
	{"POLL-17", "an authorization code", in(use, "mixed/as code", answer(200, token)), Fail, "device-code-as-code"},
	{"POLL-17", "a refresh token", in(use, "mixed/as refresh token", answer(200, token)), Fail, "device-code-as-refresh-token"},
	{"POLL-17", "an access token polls", in(use, "access token as device code", oauthError("authorization_pending")), Fail, "access-token-as-device-code"},
	{"POLL-17", "the page takes it", visit(use, "device code typed", outcome(transcript.AtDecision)), Fail, "device-code-typed"},
	{"POLL-17", "a status page that says success to anyone", visit(use, "device code typed", saysSuccess), Pass, ""},
	{"POLL-17", "the page does not let it out", visit(use, "device code typed", outcome(transcript.InputBlocked)), Pass, ""},
	{"POLL-17", "the field does not hold it", visit(use, "device code typed", func(j *transcript.Journey) {
		j.Outcome, j.Trouble = transcript.Unfinished, &transcript.Trouble{Class: transcript.ValueLost}
	}), Pass, ""},
	{"POLL-17", "the user agent is lost", visit(use, "device code typed", outcome(transcript.Unfinished)), Inconclusive, ""},
	{"POLL-17", "the approval had no effect", in(use, "mixed/token", oauthError("authorization_pending")), Inconclusive, ""},
}

// without removes exchanges from a recording.
func without(scenario, label string) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		var kept []wire.Exchange
		for _, x := range t.Exchanges {
			if x.Label != label {
				kept = append(kept, x)
			}
		}
		t.Exchanges = kept
		e.Transcripts[scenario] = t
	}
}

// worth gives every answer about a device's token other scopes.
func worth(scope string) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		if o, err := x.Object(); err == nil && o.Has("scope") {
			member("scope", fmt.Sprintf("%q", scope))(x)
		}
	}
}

// subject renames a person everywhere.
func subject(name string) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		o, err := x.Object()
		if err != nil {
			return
		}
		for _, m := range []string{"sub", "username"} {
			if o.Has(m) {
				member(m, fmt.Sprintf("%q", name))(x)
			}
		}
	}
}

// secretive gives the public client a secret.
func secretive() edit {
	return func(e Evidence) {
		secret := profiles.NewSecret("not looked at")
		e.Profile.Clients.Public = &profiles.Client{ID: "device-public", Secret: &secret}
	}
}

func part(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// unsigned is a JWT that nobody verifies.
func unsigned(claims string) string { return part(`{"alg":"none"}`) + "." + part(claims) + "." }

func withMark(s string) string { return "\ufeff" + s }

// overdueAnswer is whole, and its headers promise more.
func overdueAnswer(x *wire.Exchange) {
	x.Truncated, x.Failure = true, &wire.Failure{Kind: wire.FailReset, Text: "lost"}
}

// cutAnswer lacks its end.
func cutAnswer(x *wire.Exchange) {
	x.Response.Body = x.Response.Body[:len(x.Response.Body)-2]
	overdueAnswer(x)
}

// macked signs the recorded claims with a public key as if it were a secret.
func macked() edit {
	return func(e Evidence) {
		resigned(same)(e)
		keys, _ := e.Transcripts[use].First("jwks")
		set, err := keySet(keys)
		if err != nil {
			panic(err)
		}
		macWithSecret(string(publicForms(set[0])[2]))(e)
	}
}

const clientSecret = "a secret that its client and the server share"

// macWithSecret signs the recorded claims with a secret.
func macWithSecret(secret string) edit {
	return in(use, "full/token", func(x *wire.Exchange) {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, nil)
		if err != nil {
			panic(err)
		}
		_, claims := recordedIDToken(x)
		b, _ := json.Marshal(claims)
		signed, err := signer.Sign(b)
		if err != nil {
			panic(err)
		}
		compact, _ := signed.CompactSerialize()
		member("id_token", fmt.Sprintf("%q", compact))(x)
	})
}

// ofPublicClient makes the ID token one for the public client, the only one of the
// profile.
func ofPublicClient(secret *profiles.Secret) edit {
	return all(
		profile(func(p *profiles.Profile) {
			p.Clients.Confidential, p.Clients.Public = nil, &profiles.Client{ID: "device-public", Secret: secret}
		}),
		inIDToken("", func(c map[string]any) { c["aud"] = "device-public" }),
	)
}

// sendsNonce adds a nonce to the device authorization requests.
func sendsNonce(nonce profiles.Secret) edit {
	return profile(func(p *profiles.Profile) {
		p.Request.DeviceAuthorization.Params = map[string]profiles.Secret{"nonce": nonce}
	})
}

func leftHalf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func same(map[string]any) {}

// began says by how much this machine's clock was ahead when the token use began.
func began(ahead time.Duration) edit {
	return func(e Evidence) {
		t := e.Transcripts[use]
		x, _ := t.First("full/token")
		date, err := http.ParseTime(x.Header("Date"))
		if err != nil {
			panic(err)
		}
		t.Began = date.Add(t.Started - x.Received + ahead)
		e.Transcripts[use] = t
	}
}

// dated moves the Date of a response.
func dated(by time.Duration) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		date, err := http.ParseTime(x.Header("Date"))
		if err != nil {
			panic(err)
		}
		header("Date", date.Add(by).Format(http.TimeFormat))(x)
	}
}

// yesterday moves the times of an introspected token.
func yesterday(x *wire.Exchange) {
	o, err := x.Object()
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"iat", "exp"} {
		at, _ := o.Number(name)
		member(name, fmt.Sprintf("%.0f", at-86400))(x)
	}
}

// inIDToken changes the header or the claims of the recorded ID token and
// leaves its signature.
func inIDToken(header string, change func(map[string]any)) edit {
	return in(use, "full/token", func(x *wire.Exchange) {
		parts, claims := recordedIDToken(x)
		change(claims)
		b, _ := json.Marshal(claims)
		if header != "" {
			parts[0] = part(header)
		}
		member("id_token", fmt.Sprintf("%q", parts[0]+"."+part(string(b))+"."+parts[2]))(x)
	})
}

func inIDTokenRaw(claims string) edit {
	return in(use, "full/token", func(x *wire.Exchange) {
		parts, _ := recordedIDToken(x)
		member("id_token", fmt.Sprintf("%q", parts[0]+"."+part(claims)+"."+parts[2]))(x)
	})
}

func recordedIDToken(x *wire.Exchange) (parts []string, claims map[string]any) {
	o, _ := x.Object()
	token, _ := o.String("id_token")
	parts = strings.Split(token, ".")
	b, err := decodePart(parts[1])
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(b, &claims); err != nil {
		panic(err)
	}
	return parts, claims
}

// resigned changes the claims and signs them with a key that jwks_uri shows.
func resigned(change func(map[string]any)) edit {
	return func(e Evidence) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
		if err != nil {
			panic(err)
		}
		in(use, "full/token", func(x *wire.Exchange) {
			_, claims := recordedIDToken(x)
			change(claims)
			b, _ := json.Marshal(claims)
			signed, err := signer.Sign(b)
			if err != nil {
				panic(err)
			}
			compact, _ := signed.CompactSerialize()
			member("id_token", fmt.Sprintf("%q", compact))(x)
		})(e)
		set, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public()}}})
		in(use, "jwks", answer(200, string(set)))(e)
	}
}

// TestWithoutOptionalEndpoints: what a server does not offer is not judged, and
// the reason says how that is known.
func TestWithoutOptionalEndpoints(t *testing.T) {
	e := recorded(t)
	e.Endpoints.Introspection, e.Endpoints.Revocation, e.Endpoints.UserInfo, e.Endpoints.JWKS = "", "", "", ""
	for id, want := range map[string]Verdict{"TOKEN-15": Inconclusive, "TOKEN-16": NA, "TOKEN-17": NA} {
		rule, _ := ForID(id)
		if j := rule.Judge(e); j.Verdict != want || !strings.Contains(j.Reason, "neither the metadata nor the profile") {
			t.Errorf("%s: %s (%s), want %s", id, j.Verdict, j.Reason, want)
		}
	}
}

// TestNoOpenIDProvider: to grant a scope called openid makes nobody an OpenID
// provider.
func TestNoOpenIDProvider(t *testing.T) {
	rule, _ := ForID("TOKEN-15")
	for document, want := range map[string]Verdict{
		`{"issuer":"https://h","scopes_supported":["api"],"userinfo_endpoint":"https://h/me"}`: NA,
		`{"issuer":"https://h"}`: NA,
		`{"issuer":"https://h","id_token_signing_alg_values_supported":["RS256"]}`: Warn,
	} {
		e := clone(recorded(t))
		e.Endpoints.UserInfo = ""
		in(use, "full/token", member("id_token", ""))(e)
		in(transcript.Metadata, "document", answer(200, document))(e)
		if j := rule.Judge(e); j.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", document, j.Verdict, j.Reason, want)
		}
	}
}

// unwidened is the token of a poll that asked for no scope.
func unwidened(scope string) edit {
	return add(use, "unwidened/token/1", answer(200, `{"access_token":"plain","token_type":"Bearer","scope":"`+scope+`"}`))
}

// noBasic takes HTTP Basic out of what was sent: nothing shows that the server knows it.
func noBasic(e Evidence) {
	for name, t := range e.Transcripts {
		for i := range t.Exchanges {
			t.Exchanges[i].Request.Header = t.Exchanges[i].Request.Header.Clone()
			t.Exchanges[i].Request.Header.Del("Authorization")
		}
		e.Transcripts[name] = t
	}
}
