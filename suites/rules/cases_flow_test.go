package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// flowCases: the device flow itself, and its plain errors.
var flowCases = []ruleCase{
	{"DA-01", "refused", in(authorization, "valid/public", oauthError("invalid_client")), Fail, "not-served"},
	{"DA-01", "a client the server does not know", in(authorization, "valid/public", answer(401, `{"error":"unauthorized_client"}`)), Fail, "not-served"},
	{"DA-01", "the confidential client refused", in(authorization, "valid/confidential", answer(500, "")), Fail, "not-served"},
	{"DA-01", "no answer", in(authorization, "valid/public", lost(wire.FailReset)), Inconclusive, ""},
	{"DA-02", "GET gives codes", in(deviceErr, "method/GET", answer(200, codes)), Warn, "codes-for-get"},
	{"DA-02", "the query is read", in(deviceErr, "query/parameters", answer(200, codes)), Warn, "parameters-from-query"},
	{"DA-02", "a secret in the query works", in(deviceErr, "query/secret", answer(200, codes)), Fail, "secret-from-query"},
	{"DA-02", "no secret is needed at all", all(in(deviceErr, "query/secret", answer(200, codes)), in(deviceErr, "query/no secret", answer(200, codes))), Pass, ""},
	{"DA-02", "PUT is not implemented", in(deviceErr, "method/PUT", answer(501, "")), Pass, ""},
	{"DA-02", "PUT falls over", in(deviceErr, "method/PUT", answer(500, "")), Warn, "server-error"},
	{"DA-02", "access_denied for an empty body", in(deviceErr, "query/parameters", oauthError("access_denied")), Pass, ""},
	{"DA-02", "a gateway forbids PUT", in(deviceErr, "method/PUT", answer(403, `{"error":"access_denied"}`)), Pass, ""},
	{"DA-02", "the control fails", all(in(deviceErr, "method/GET", answer(200, codes)), in(deviceErr, "control/public", oauthError("invalid_client"))), Inconclusive, ""},
	{"DA-03", "JSON is accepted", in(deviceErr, "type/json", answer(200, codes)), Warn, "accepts-json"},
	{"DA-03", "text falls over", in(deviceErr, "type/text", answer(500, "")), Fail, "server-error"},
	{"DA-03", "multipart hangs", all(in(deviceErr, "type/multipart", lost(wire.FailTimeout)), twice(deviceErr, "type/multipart")), Fail, "hang"},
	{"DA-03", "multipart lost once", in(deviceErr, "type/multipart", lost(wire.FailTimeout)), Pass, ""},
	{"DA-03", "charset refused", in(deviceErr, "type/charset", oauthError("invalid_request")), Warn, "charset-refused"},
	{"DA-04", "codes without a client", in(deviceErr, "client/absent", answer(200, codes)), Fail, "codes-without-client"},
	{"DA-04", "codes for an empty client", in(deviceErr, "client/empty", answer(200, codes)), Fail, "codes-without-client"},
	{"DA-04", "401 invalid_client", in(deviceErr, "client", answer(401, `{"error":"invalid_client"}`)), Pass, ""},
	{"DA-04", "another error", in(deviceErr, "client/empty", oauthError("invalid_grant")), Warn, "other-error"},
	{"DA-05", "two clients accepted", in(deviceErr, "repeat/other client", answer(200, codes)), Fail, "conflicting-clients-accepted"},
	{"DA-05", "a repetition accepted", in(deviceErr, "repeat/same client", answer(200, codes)), Warn, "repetition-accepted"},
	{"DA-05", "two clients are invalid_client", in(deviceErr, "repeat/other client", answer(401, `{"error":"invalid_client"}`)), Pass, ""},
	{"DA-06", "refused", in(deviceErr, "unknown/added", oauthError("invalid_request")), Fail, "unknown-parameter-refused"},
	{"DA-06", "everything refused", all(in(deviceErr, "unknown/added", oauthError("invalid_request")), in(deviceErr, "control/public again", answer(500, ""))), Inconclusive, ""},
	{"DA-06", "the token of such a request has less, twice", all(in(transport, "variant/token", lessScope), variantAgain(lessScope)), Warn, "variant-token"},
	{"DA-06", "such a request gets no token, twice", all(in(transport, "variant/token", oauthError("invalid_grant")), variantAgain(oauthError("invalid_grant"))), Warn, "variant-token"},
	{"DA-06", "the token of such a request has less, once", all(in(transport, "variant/token", lessScope), variantAgain(same2)), Pass, ""},
	{"DA-06", "the token of such a request has less, and nobody could approve another", in(transport, "variant/token", lessScope), Pass, ""},
	{"DA-06", "such a request gets no token, and a plain one neither", all(in(transport, "variant/token", oauthError("invalid_grant")), in(transport, "redeem", oauthError("invalid_grant"))), Pass, ""},
	{"DA-06", "nobody approved such a request", all(in(transport, "variant/token", oauthError("authorization_pending")), visit(transport, "approve variant", outcome(transcript.LoginFailed))), Pass, ""},
	{"DA-06", "a recording without such a request", drop(transport, "variant"), Pass, ""},
	{"DA-06", "the scopes in another order, and bearer", in(transport, "variant/token", all2(member("scope", `"offline_access email openid profile demo:read"`), member("token_type", `"bearer"`))), Pass, ""},
	{"DA-07", "the token of an empty scope has less", in(use, "empty", all2(ifToken(lessScope), ifActive(member("scope", `"openid"`)))), Warn, "empty-token-differs"},
	{"DA-07", "nothing says what the tokens are worth", all(in(use, "empty", all2(ifToken(member("scope", "")), ifActive(member("scope", "")))), in(use, "default", all2(ifToken(member("scope", "")), ifActive(member("scope", ""))))), Pass, ""},
	{"DA-07", "a recording without a token of an empty scope", drop(use, "empty"), Pass, ""},
	{"DA-07", "empty differs", in(deviceErr, "scope/empty", oauthError("invalid_scope")), Fail, "empty-differs-from-absent"},
	{"DA-07", "a scope is required", in(deviceErr, "scope", oauthError("invalid_scope")), Pass, ""},
	{"DA-07", "another error", in(deviceErr, "scope", oauthError("invalid_request")), Warn, "other-error"},
	{"DA-09", "codes", in(deviceErr, "client/unknown", answer(200, codes)), Fail, "codes-for-unknown-client"},
	{"DA-09", "unauthorized_client", in(deviceErr, "client/unknown", oauthError("unauthorized_client")), Warn, "other-error"},
	{"DA-09", "access_denied", in(deviceErr, "client/unknown", oauthError("access_denied")), Warn, "other-error"},
	{"DA-09", "expired_token", in(deviceErr, "client/unknown", oauthError("expired_token")), Fail, "contradicting-error"},
	{"DA-09", "slow_down, which is about the pace", in(deviceErr, "client/unknown", oauthError("slow_down")), Warn, "other-error"},
	{"DA-09", "client_id without case", in(deviceErr, "client/other case", answer(200, codes)), Warn, "client-id-case"},
	{"DA-09", "a UUID without case", in(deviceErr, "client/other case", all2(answer(200, codes), request("client_id=7411F395-2F3A-4CB5"))), Pass, ""},
	{"DA-09", "white space is trimmed", in(deviceErr, "client/space added", answer(200, codes)), Pass, ""},
	{"DA-09", "codes for anybody", all(in(deviceErr, "client/unknown", answer(200, codes)), in(deviceErr, "client/other case", answer(200, codes))), Fail, "codes-for-unknown-client"},
	{"DA-09", "401", in(deviceErr, "client/unknown", answer(401, `{"error":"invalid_client"}`)), Pass, ""},

	{"RESP-01", "a form for those who take anything", all(in(deviceErr, "accept/code/any", asFormOnly), twice(deviceErr, "accept/code/any")), Fail, "accept"},
	{"RESP-01", "a page for those who name nothing", all(in(deviceErr, "accept/code/none", all2(answer(200, "<h1>hi</h1>"), header("Content-Type", "text/html"))), twice(deviceErr, "accept/code/none")), Fail, "accept"},
	{"RESP-01", "a form once", all(in(deviceErr, "accept/code/any", asFormOnly), add(deviceErr, "accept/code/any", answer(200, codes))), Pass, ""},
	{"RESP-01", "a firewall demands Accept", all(in(deviceErr, "accept/code/none", answer(403, "no")), twice(deviceErr, "accept/code/none")), Pass, ""},
	{"RESP-01", "overloaded without Accept", all(in(deviceErr, "accept/code/none", answer(429, "no")), twice(deviceErr, "accept/code/none")), Pass, ""},
	{"RESP-01", "other headers were not tried", drop(deviceErr, "accept"), Pass, ""},
	{"RESP-01", "201", in(authorization, "valid", func(x *wire.Exchange) { x.Status = 201 }), Fail, "status"},
	{"RESP-01", "text/plain", in(authorization, "valid", header("Content-Type", "text/plain; charset=utf-8")), Fail, "media-type"},
	{"RESP-01", "a charset", in(authorization, "valid", header("Content-Type", "Application/JSON; charset=UTF-8")), Pass, ""},
	{"RESP-02", "an array", in(authorization, "valid", body(func(s string) string { return "[" + s + "]" })), Fail, "not-an-object"},
	{"RESP-02", "a repeated member", in(authorization, "valid", body(func(s string) string { return strings.Replace(s, "{", `{"interval":1,`, 1) })), Fail, "repeated-member"},
	{"RESP-02", "nested", in(authorization, "valid", body(func(s string) string { return `{"data":` + s + `}` })), Fail, "nested"},
	{"RESP-02", "a byte order mark", in(authorization, "valid", body(func(s string) string { return "\ufeff" + s })), Warn, "byte-order-mark"},
	{"RESP-02", "not the coding that it says", in(authorization, "valid", header("Content-Encoding", "br")), Fail, "content-encoding"},
	{"RESP-02", "a coding that was not asked for", in(authorization, "valid", all2(header("Content-Encoding", "gzip"), body(func(string) string { return "\x1f\x8b\b" }))), Fail, "not-an-object"},
	{"RESP-02", "UTF-16", in(authorization, "valid", all2(header("Content-Type", "application/json; charset=utf-16"), body(func(string) string { return "\xff\xfe{\x00" }))), Fail, "not-an-object"},
	{"RESP-02", "more was promised each time", all(in(authorization, "valid", overdueAnswer), in(transcript.Codes, "code", overdueAnswer), in(transcript.SteadyPolling, "device", overdueAnswer)), Fail, "content-length"},
	{"RESP-02", "more was promised at one time only", in(authorization, "valid", overdueAnswer), Inconclusive, ""},
	{"RESP-02", "more was promised once", in(authorization, "valid/public again", overdueAnswer), Pass, ""},
	{"RESP-02", "cut in the middle each time", in(authorization, "valid", cutAnswer), Inconclusive, ""},
	{"RESP-02", "an object of its own in it", in(authorization, "valid", member("vendor", `{"region":"eu","list":[1]}`)), Pass, ""},
	{"RESP-03", "absent", in(authorization, "valid", member("device_code", "")), Fail, "not-a-string"},
	{"RESP-03", "a number", in(authorization, "valid", member("device_code", "12345")), Fail, "not-a-string"},
	{"RESP-03", "empty", in(authorization, "valid", member("device_code", `""`)), Fail, "empty"},
	{"RESP-03", "unusual characters", in(authorization, "valid", member("device_code", `"a b/c+d=é"`)), Pass, ""},
	{"RESP-04", "a number", in(authorization, "valid", member("user_code", "1234")), Fail, "not-a-string"},
	{"RESP-04", "the device code", in(authorization, "valid", all2(member("user_code", `"x"`), member("device_code", `"x"`))), Fail, "equals-device-code"},
	{"RESP-04", "a long one of digits", in(authorization, "valid", member("user_code", `"123 456 789"`)), Pass, ""},
	{"RESP-04", "a blank behind it", in(authorization, "valid", member("user_code", `"ABCD-EFGH "`)), Warn, "invisible"},
	{"RESP-04", "a line break in it", in(authorization, "valid", member("user_code", `"ABCD\nEFGH"`)), Warn, "invisible"},
	{"RESP-04", "a joiner without width", in(authorization, "valid", member("user_code", `"ABCD\u200dEFGH"`)), Warn, "invisible"},
	{"RESP-05", "user information", in(authorization, "valid", member("verification_uri", `"http://login.example@h/device"`)), Warn, "userinfo"},
	{"RESP-05", "an @ in the path", in(authorization, "valid", member("verification_uri", `"http://h/@tenant/device"`)), Pass, ""},
	{"RESP-05", "a blank in it", in(authorization, "valid", member("verification_uri", `"http://h/de vice"`)), Warn, "characters"},
	{"RESP-05", "a line break in it", in(authorization, "valid", member("verification_uri", `"http://h/device\n"`)), Fail, "not-absolute"},
	{"RESP-09", "user information", in(authorization, "valid", member("verification_uri_complete", `"http://u:p@h/device"`)), Warn, "userinfo"},
	{"RESP-08", "as long as the lifetime", in(authorization, "valid", all2(member("interval", "600"), member("expires_in", "600"))), Warn, "beyond-lifetime"},
	{"RESP-08", "five polls in a lifetime", in(authorization, "valid", all2(member("interval", "5"), member("expires_in", "25"))), Pass, ""},
	{"META-03", "relative", in(transcript.Metadata, "document", member("device_authorization_endpoint", `"/device_authorization"`)), Fail, "not-absolute"},
	{"META-05", "a relative token endpoint", in(transcript.Metadata, "document", member("token_endpoint", `"/token"`)), Fail, "token-endpoint"},
	{"META-05", "two documents, two endpoints", in(transcript.Metadata, "document/2", member("token_endpoint", `"https://h/other"`)), Warn, "contradiction"},
	{"META-05", "two documents, one grant", in(transcript.Metadata, "document/2", member("grant_types_supported", `["authorization_code"]`)), Warn, "contradiction"},
	{"META-05", "two documents, one list of algorithms", in(transcript.Metadata, "document/2", member("id_token_signing_alg_values_supported", `["RS256"]`)), Pass, ""},
	{"META-05", "the document of another", in(transcript.Metadata, "document/2", all2(member("issuer", `"https://other"`), member("token_endpoint", `"https://h/other"`))), Pass, ""},
	{"ERR-02", "a description that is an object", in(tokenErr, "device_code/absent", member("error_description", `{"de":"nein"}`)), Fail, "body"},
	{"ERR-02", "a description that is null", in(tokenErr, "device_code/absent", member("error_description", "null")), Pass, ""},
	{"RESP-05", "relative", in(authorization, "valid", member("verification_uri", `"/device"`)), Fail, "not-absolute"},
	{"RESP-05", "another scheme", in(authorization, "valid", member("verification_uri", `"app://device"`)), Fail, "not-https"},
	{"RESP-05", "verification_url", in(authorization, "valid", member("verification_uri", "")), Fail, "not-a-string"},
	{"RESP-05", "no page", in(authorization, "page", answer(404, "")), Fail, "no-page"},
	{"RESP-05", "a page for browsers only", in(authorization, "page", answer(403, "")), Warn, "page-refused"},
	{"RESP-05", "a redirect to a login", in(authorization, "page", answer(302, "")), Pass, ""},
	{"RESP-06", "carries the code", in(authorization, "valid", all2(member("user_code", `"abcd-efgh"`), member("verification_uri", `"http://h/ABCDEFGH"`))), Warn, "carries-code"},
	{"RESP-06", "differs", in(authorization, "valid/public again", member("verification_uri", `"http://h/other"`)), Warn, "differs"},
	{"RESP-06", "long, with a query", in(authorization, "valid", member("verification_uri", `"http://h/device?tenant=a-very-long-name-that-nobody-would-like-to-type-at-all"`)), Pass, ""},
	{"RESP-07", "absent", in(authorization, "valid", member("expires_in", "")), Fail, "not-a-number"},
	{"RESP-07", "a string", in(authorization, "valid", member("expires_in", `"600"`)), Fail, "not-a-number"},
	{"RESP-07", "zero", in(authorization, "valid", member("expires_in", "0")), Fail, "zero"},
	{"RESP-07", "a fraction", in(authorization, "valid", member("expires_in", "599.5")), Warn, "fraction"},
	{"RESP-07", "a day", in(authorization, "valid", member("expires_in", "86400")), Warn, "very-long"},
	{"RESP-07", "an exponent", in(authorization, "valid", member("expires_in", "6e2")), Info, "number-form"},
	{"RESP-07", "a point", in(authorization, "valid", member("expires_in", "600.0")), Info, "number-form"},
	{"RESP-07", "another lifetime", in(authorization, "valid", member("expires_in", "299")), Pass, ""},
	{"RESP-08", "absent", in(authorization, "valid", member("interval", "")), Pass, ""},
	{"RESP-08", "a string", in(authorization, "valid", member("interval", `"5"`)), Fail, "not-a-number"},
	{"RESP-08", "negative", in(authorization, "valid", member("interval", "-1")), Fail, "negative"},
	{"RESP-08", "a point", in(authorization, "valid", member("interval", "5.0")), Info, "number-form"},
	{"RESP-08", "a fraction", in(authorization, "valid", member("interval", "2.5")), Warn, "fraction"},
	{"RESP-08", "zero", in(authorization, "valid", member("interval", "0")), Warn, "zero"},
	{"RESP-08", "longer than the lifetime", in(authorization, "valid", member("interval", "5000")), Warn, "beyond-lifetime"},
	{"RESP-09", "absent", in(authorization, "valid", member("verification_uri_complete", "")), NA, ""},
	{"RESP-09", "relative", in(authorization, "valid", member("verification_uri_complete", `"?user_code=X"`)), Fail, "not-absolute"},
	{"RESP-09", "an opaque reference", in(authorization, "valid", body(func(s string) string { return strings.ReplaceAll(s, "?user_code=", "?ref=") })), Pass, ""},
	{"RESP-09", "another host", in(authorization, "valid", member("verification_uri_complete", `"http://other/x"`)), Warn, "other-host"},
	{"RESP-10", "cacheable", in(authorization, "valid", header("Cache-Control", "")), Warn, "no-store"},
	{"RESP-10", "no Pragma", in(authorization, "valid", header("Pragma", "")), Pass, ""},
	{"RESP-11", "equal device codes", in(transcript.Codes, "code", member("device_code", `"same"`)), Fail, "equal-device-codes"},
	{"RESP-11", "equal user codes", in(transcript.Codes, "code", member("user_code", `"same"`)), Fail, "equal-user-codes"},
	{"RESP-11", "codes that differ in case", caseCodes(), Pass, ""},
	{"RESP-11", "approved together", in(transcript.Approval, "bystander/poll", answer(200, token)), Fail, "approved-together"},

	{"META-01", "not advertised", in(transcript.Metadata, "document", member("device_authorization_endpoint", "")), Info, "not-advertised"},
	{"META-01", "no document", in(transcript.Metadata, "document", answer(404, "")), NA, ""},
	{"META-02", "not listed", in(transcript.Metadata, "document", member("grant_types_supported", `["authorization_code"]`)), Warn, "not-listed"},
	{"META-02", "no list", in(transcript.Metadata, "document", member("grant_types_supported", "")), Warn, "absent"},
	{"META-02", "listed but refused", in(transcript.Metadata, "advertised", oauthError("unsupported_grant_type")), Warn, "listed-but-refused"},
	{"META-02", "not served at the moment", in(transcript.Metadata, "advertised", answer(503, "")), Pass, ""},
	{"META-03", "another scheme", in(transcript.Metadata, "document", member("device_authorization_endpoint", `"ftp://h/x"`)), Fail, "not-https"},
	{"META-03", "a fragment", in(transcript.Metadata, "document", member("device_authorization_endpoint", `"http://h/x#y"`)), Fail, "fragment"},
	{"META-03", "not served", in(transcript.Metadata, "advertised", answer(404, "")), Fail, "not-served"},
	{"META-03", "not served here or there", all(in(transcript.Metadata, "advertised", oauthError("invalid_client")), in(authorization, "valid/public", oauthError("invalid_client"))), Inconclusive, ""},
	{"META-03", "another host", in(transcript.Metadata, "document", member("issuer", `"http://elsewhere.example"`)), Pass, ""},
	{"META-04", "a trailing slash", in(transcript.Metadata, "document", func(x *wire.Exchange) {
		o, _ := x.Object()
		issuer, _ := o.String("issuer")
		member("issuer", fmt.Sprintf("%q", issuer+"/"))(x)
	}), Fail, "differs"},
	{"META-04", "right at one place", in(transcript.Metadata, "document/1", member("issuer", `"https://other"`)), Pass, ""},
	{"META-04", "another tenant", in(transcript.Metadata, "document", member("issuer", `"https://other"`)), Fail, "differs"},
	{"META-05", "text/html", in(transcript.Metadata, "document", header("Content-Type", "text/html")), Fail, "media-type"},
	{"META-05", "broken JSON", in(transcript.Metadata, "document/1", answer(200, `{"issuer":`)), Fail, "not-an-object"},
	{"META-05", "no token endpoint", in(transcript.Metadata, "document", member("token_endpoint", "")), Fail, "no-token-endpoint"},
	{"META-05", "none is not listed", in(transcript.Metadata, "document", member("token_endpoint_auth_methods_supported", `["client_secret_basic"]`)), Warn, "none-not-listed"},
	{"META-05", "Basic is not listed", in(transcript.Metadata, "document", member("token_endpoint_auth_methods_supported", `["none"]`)), Warn, "method-not-listed"},
	{"META-05", "more was promised each time", all(askedAgain("document/1"), in(transcript.Metadata, "document/1", overdueAnswer)), Fail, "content-length"},
	{"META-05", "more was promised each time, and the other document is not there", all(askedAgain("document/1"), in(transcript.Metadata, "document/1", overdueAnswer), in(transcript.Metadata, "document/2", answer(404, "{}"))), Fail, "content-length"},
	{"META-05", "more was promised once", all(askedAgain("document/1"), overdueOnce("document/1")), Pass, ""},
	{"META-05", "more was promised once at each address", in(transcript.Metadata, "document", overdueAnswer), Inconclusive, ""},
	{"META-05", "a byte order mark", in(transcript.Metadata, "document", body(withMark)), Warn, "byte-order-mark"},
	{"META-05", "not the coding that it says", in(transcript.Metadata, "document", header("Content-Encoding", "gzip")), Fail, "content-encoding"},
	{"META-05", "a charset", in(transcript.Metadata, "document", header("Content-Type", "application/json; charset=utf-8")), Pass, ""},

	{"VERIFY-01", "the code is refused", undecidedApproval(outcome(transcript.CodeRejected)), Fail, "no-path"},
	{"VERIFY-01", "approved, without any scope, and denied", all(visit(transcript.Approval, "approve", outcome(transcript.ErrorPage)), in(transcript.Approval, "token", oauthError("access_denied")),
		in(transcript.Approval, "device", func(x *wire.Exchange) { x.Request.Body = []byte("client_id=device-public") })), Inconclusive, ""},
	{"VERIFY-01", "the login is refused", undecidedApproval(outcome(transcript.LoginFailed)), Inconclusive, ""},
	{"VERIFY-01", "the page is not understood", undecidedApproval(outcome(transcript.Unfinished)), Inconclusive, ""},
	{"VERIFY-01", "a client that must use DPoP", in(transcript.Approval, "token", oauthError("use_dpop_nonce")), Inconclusive, ""},
	{"POLL-01", "a client that must use DPoP", in(transcript.SteadyPolling, "poll", oauthError("invalid_dpop_proof")), Inconclusive, ""},
	{"POLL-13", "a client that must use DPoP", in(transcript.Approval, "token", oauthError("use_dpop_nonce")), Inconclusive, ""},
	{"VERIFY-01", "a status page that says success to anyone", all(in(transcript.Approval, "token", oauthError("authorization_pending")), visit(transcript.Approval, "approve", saysSuccess)), Inconclusive, ""},
	{"VERIFY-01", "approved in vain", in(transcript.Approval, "token", oauthError("authorization_pending")), Fail, "no-token"},
	{"VERIFY-01", "too many tries", undecidedApproval(func(j *transcript.Journey) {
		j.Outcome = transcript.CodeRejected
		j.Steps[len(j.Steps)-1].Status = 429
	}), Inconclusive, ""},
	{"VERIFY-01", "one more question", all(in(transcript.Approval, "token", oauthError("authorization_pending")), visit(transcript.Approval, "approve", unconfirmed)), Inconclusive, ""},
	{"VERIFY-01", "a hook whose code was refused", visit(transcript.Approval, "approve", func(j *transcript.Journey) { j.Driver, j.Outcome, j.Decided = "hook", transcript.CodeRejected, false }), Inconclusive, ""},
	{"VERIFY-01", "a hook that did nothing", all(in(transcript.Approval, "token", oauthError("authorization_pending")),
		visit(transcript.Approval, "approve", func(j *transcript.Journey) { j.Driver = "hook" })), Inconclusive, ""},
	{"VERIFY-02", "the code has expired", in(transcript.NoSession, "poll", oauthError("expired_token")), Inconclusive, ""},
	{"VERIFY-01", "the page was not understood, and the device has its token", visit(transcript.Approval, "approve", outcome(transcript.Unfinished)), Pass, ""},
	{"VERIFY-01", "a limit in words", undecidedApproval(func(j *transcript.Journey) {
		j.Outcome = transcript.ErrorPage
		j.Steps[len(j.Steps)-1].Alert = "Too many requests"
	}), Inconclusive, ""},
	{"VERIFY-01", "a footer that is about a CAPTCHA", undecidedApproval(func(j *transcript.Journey) {
		j.Outcome = transcript.CodeRejected
		j.Steps[len(j.Steps)-1].Text = "Unknown code. This site is protected by reCAPTCHA. Your account is unlocked."
	}), Fail, "no-path"},
	{"VERIFY-01", "an alert about the code, and a text about too many devices", undecidedApproval(func(j *transcript.Journey) {
		j.Outcome = transcript.CodeRejected
		j.Steps[len(j.Steps)-1].Alert, j.Steps[len(j.Steps)-1].Text = "Unknown code", "Unknown code. Too many devices? Remove one."
	}), Fail, "no-path"},
	{"VERIFY-02", "no login needed", in(transcript.NoSession, "poll/not logged in", answer(200, token)), Fail, "approved-without-login"},
	{"VERIFY-02", "a token in the page's memory", all(in(transcript.NoSession, "poll/session forgotten", answer(200, token)),
		visit(transcript.NoSession, "session forgotten", func(j *transcript.Journey) { j.StillAuthenticated = true })), Pass, ""},
	{"VERIFY-02", "any password", in(transcript.NoSession, "poll/wrong password", answer(200, token)), Fail, "approved-without-login"},
	{"VERIFY-02", "no session needed", in(transcript.NoSession, "poll/session forgotten", answer(200, token)), Fail, "approved-without-login"},
	{"VERIFY-02", "the login is the approval", all(unasked, in(transcript.NoSession, "poll/session forgotten", answer(200, token)), visit(transcript.NoSession, "session forgotten", neverForgot)), Pass, ""},
	{"VERIFY-02", "no decision page came up this time", visit(transcript.NoSession, "session forgotten", neverForgot), Inconclusive, ""},
	{"VERIFY-02", "no cookie was ever set", all(in(transcript.NoSession, "poll/session forgotten", answer(200, token)), visit(transcript.NoSession, "session forgotten", forgot(transcript.ForgettingNone, ""))), Pass, ""},
	{"VERIFY-02", "approved before the session was forgotten", all(in(transcript.NoSession, "before/session forgotten", answer(200, token)), in(transcript.NoSession, "poll/session forgotten", oauthError("invalid_grant"))), Inconclusive, ""},
	{"VERIFY-02", "forgotten at a question on the way", all(askedFirst("Stay signed in?"), visit(transcript.NoSession, "session forgotten", forgot(transcript.Forgetting, "Stay signed in?"))), Inconclusive, ""},
	{"VERIFY-02", "nobody can approve", in(transcript.Approval, "token", oauthError("authorization_pending")), Inconclusive, ""},
	{"VERIFY-03", "the page falls over", visit(transcript.WrongUserCodes, "NUL", func(j *transcript.Journey) { j.Steps[len(j.Steps)-1].Status = 500 }), Fail, "server-error"},
	{"VERIFY-03", "the page falls over at a valid code", all(visit(codeEntry, "spaces inside", ended(transcript.ErrorPage, 500)), againEnded("spaces inside", 500)), Fail, "server-error-for-valid-code"},
	{"VERIFY-03", "the page falls over at a valid code once", all(visit(codeEntry, "spaces inside", ended(transcript.ErrorPage, 502)), visitedAgain("spaces inside", transcript.AtDecision)), Pass, ""},
	{"VERIFY-03", "the page falls over once, and refuses", all(visit(codeEntry, "spaces inside", ended(transcript.ErrorPage, 502)), againEnded("spaces inside", 400)), Pass, ""},
	{"VERIFY-03", "two ways fall over once each", all(visit(codeEntry, "spaces inside", ended(transcript.ErrorPage, 502)), visit(codeEntry, "spaces around", ended(transcript.ErrorPage, 502))), Pass, ""},
	{"VERIFY-03", "an overload", all(visit(codeEntry, "spaces inside", ended(transcript.ErrorPage, 503)), againEnded("spaces inside", 503)), Pass, ""},
	{"VERIFY-03", "the first character does not count", visit(transcript.WrongUserCodes, "first character changed", outcome(transcript.AtDecision)), Pass, ""},
	{"VERIFY-03", "the first character does not count, and consent is remembered", all(visit(transcript.WrongUserCodes, "first character changed", outcome(transcript.Approved)), in(transcript.WrongUserCodes, "pending", answer(200, token))), Info, "ignores-first-character"},
	{"VERIFY-03", "the last character does not count, nor does any", all(visit(transcript.WrongUserCodes, "last character changed", outcome(transcript.AtDecision)), visit(transcript.WrongUserCodes, "never issued", outcome(transcript.AtDecision))), Warn, "decision-for-unknown-code"},
	{"VERIFY-03", "the session is gone", in(transcript.WrongUserCodes, "pending", oauthError("access_denied")), Fail, "session-ended"},
	{"VERIFY-03", "a wrong code approves", in(transcript.WrongUserCodes, "pending", answer(200, token)), Fail, "approved-by-wrong-code"},
	{"VERIFY-03", "a decision about nothing", visit(transcript.WrongUserCodes, "never issued", outcome(transcript.AtDecision)), Warn, "decision-for-unknown-code"},
	{"VERIFY-03", "a hook, and the server refuses", hookDenies(transcript.CodeRejected), Pass, ""},
	{"VERIFY-03", "a hook that tells no refusals", hookDenies(transcript.Denied), Inconclusive, ""},
	{"VERIFY-03", "a hook that decides about whatever is pending", all(hookDenies(transcript.Denied), in(transcript.WrongUserCodes, "pending", oauthError("access_denied"))), Inconclusive, ""},
	{"VERIFY-03", "a hook, and a wrong code ends the session", all(hookDenies(transcript.CodeRejected), in(transcript.WrongUserCodes, "pending", oauthError("access_denied"))), Fail, "session-ended"},
	{"VERIFY-03", "the status of a hook is not the page's", all(hookDenies(transcript.CodeRejected), visit(transcript.WrongUserCodes, "NUL", func(j *transcript.Journey) { j.Steps[len(j.Steps)-1].Status = 500 })), Pass, ""},
	{"VERIFY-03", "every wrong code met a limit", wrongCodes(func(j *transcript.Journey) {
		j.Outcome = transcript.ErrorPage
		j.Steps[len(j.Steps)-1].Alert = "Too many requests"
	}), Inconclusive, ""},
	{"VERIFY-03", "every wrong code met a 429", wrongCodes(ended(transcript.CodeRejected, 429)), Inconclusive, ""},
	{"VERIFY-03", "one wrong code met a limit", visit(transcript.WrongUserCodes, "NUL", ended(transcript.CodeRejected, 429)), Pass, ""},
	{"VERIFY-03", "a page that says success to anyone", visit(transcript.WrongUserCodes, "never issued", outcome(transcript.Approved)), Inconclusive, ""},
	{"VERIFY-03", "success for another code, and the never-issued one is rejected", visit(transcript.WrongUserCodes, "empty", outcome(transcript.Approved)), Pass, ""},
	{"VERIFY-03", "locked out afterwards", in(transcript.WrongUserCodes, "token", oauthError("authorization_pending")), Inconclusive, ""},
	{"VERIFY-03", "the start URI holds the code", all(in(transcript.WrongUserCodes, "device", all2(member("user_code", `"ABCD-EFGH"`), member("verification_uri", `"http://h/device/ABCDEFGH"`))), untypedCodes, in(transcript.WrongUserCodes, "pending", answer(200, token))), NA, ""},
	{"VERIFY-08", "never asked, as the profile says", all(noDeny(), visit(transcript.Denial, "deny", neverAsked), visit(transcript.Approval, "approve", neverAsked), visit(transcript.EarlyApproval, "approve", neverAsked), consentNever), Warn, "no-deny"},
	{"VERIFY-08", "no way to deny", noDeny(), Warn, "no-deny"},
	{"VERIFY-08", "a way that was not taken", visit(transcript.Denial, "deny", shy), Pass, ""},
	{"VERIFY-08", "no decision page", all(noDeny(), visit(transcript.Denial, "deny", neverAsked), visit(transcript.Approval, "approve", neverAsked), visit(transcript.EarlyApproval, "approve", neverAsked)), Inconclusive, ""},
	{"VERIFY-08", "none after the complete URI", visit(transcript.CompleteURI, "follow", func(j *transcript.Journey) { j.DenyOffered, j.Decided = false, true }), Warn, "no-deny-complete"},
	{"VERIFY-10", "opening decides", in(transcript.CompleteURI, "after look", answer(200, token)), Fail, "decides"},
	{"VERIFY-10", "the reference is ignored", visit(transcript.CompleteURI, "follow", func(j *transcript.Journey) { j.Outcome, j.Decided = transcript.AtCode, false }), Fail, "asks-for-code"},
	{"VERIFY-10", "the code is there, in a field that nobody knows", all(in(transcript.CompleteURI, "follow/device", member("user_code", `"ABCD-EFGH"`)), visit(transcript.CompleteURI, "follow", func(j *transcript.Journey) {
		j.Outcome, j.Decided = transcript.AtCode, false
		j.Steps = []transcript.Step{{N: 1, Page: "code", Fields: []string{"abcdefgh"}}}
	})), Inconclusive, ""},
	{"VERIFY-10", "another code, which is rejected", all(in(transcript.CompleteURI, "follow/device", all2(member("user_code", `"ABCD-EFGH"`), member("verification_uri_complete", `"http://h/device?user_code=ZZZZ-ZZZZ"`))), drop(transcript.CompleteURI, "token"), visit(transcript.CompleteURI, "follow", outcome(transcript.CodeRejected))), Fail, "other-code"},
	{"VERIFY-10", "another code, and another device's approval", all(in(transcript.CompleteURI, "follow/device", all2(member("user_code", `"ABCD-EFGH"`), member("verification_uri_complete", `"http://h/device?user_code=ZZZZ-ZZZZ"`))), in(transcript.CompleteURI, "token", oauthError("authorization_pending"))), Fail, "other-code"},
	{"VERIFY-10", "a reference that works", in(transcript.CompleteURI, "follow/device", all2(member("user_code", `"ABCD-EFGH"`), member("verification_uri_complete", `"http://h/device?user_code=ZZZZ-ZZZZ"`))), Pass, ""},
	{"VERIFY-10", "none", missing(transcript.CompleteURI, "the device authorization response has no verification_uri_complete"), NA, ""},

	{"TOKEN-01", "compared by suffix", in(tokenErr, "grant_type/device_code", oauthError("authorization_pending")), Fail, "recognised-device_code"},
	{"TOKEN-01", "throttled before anything", in(tokenErr, "grant_type/random", oauthError("slow_down")), Inconclusive, ""},
	{"TOKEN-01", "trimmed", in(tokenErr, "grant_type/trailing space", oauthError("authorization_pending")), Pass, ""},
	{"TOKEN-01", "another error", in(tokenErr, "grant_type/random", oauthError("invalid_grant")), Warn, "other-error"},
	{"TOKEN-01", "access_denied", in(tokenErr, "grant_type/random", oauthError("access_denied")), Fail, "contradicting-error"},
	{"TOKEN-01", "the control fails", all(in(tokenErr, "grant_type/random", oauthError("authorization_pending")), in(tokenErr, "control", oauthError("invalid_client"))), Inconclusive, ""},
	{"TOKEN-02", "empty is invalid_grant", in(tokenErr, "device_code/empty", oauthError("invalid_grant")), Warn, "other-error"},
	{"TOKEN-02", "access_denied", in(tokenErr, "device_code/absent", oauthError("access_denied")), Fail, "contradicting-error"},
	{"TOKEN-02", "an empty code has expired", in(tokenErr, "device_code/empty", oauthError("expired_token")), Warn, "other-error"},
	{"TOKEN-02", "falls over", in(tokenErr, "device_code/absent", answer(500, "")), Fail, "not-refused"},
	{"TOKEN-02", "another description", in(tokenErr, "device_code", answer(400, `{"error":"invalid_request","error_description":"no such code"}`)), Pass, ""},
	{"TOKEN-03", "pending for ever", in(tokenErr, "unknown/random", oauthError("authorization_pending")), Fail, "recognised-random"},
	{"TOKEN-02", "slow_down at once", in(tokenErr, "device_code/absent", oauthError("slow_down")), Inconclusive, ""},
	{"TOKEN-03", "slow_down at once", in(tokenErr, "unknown/UUID", oauthError("slow_down")), Inconclusive, ""},
	{"TOKEN-03", "access_denied", in(tokenErr, "unknown/random", oauthError("access_denied")), Fail, "contradicting-error"},
	{"TOKEN-03", "expired_token for all that is not there", in(tokenErr, "unknown", oauthError("expired_token")), Warn, "other-error"},
	{"TOKEN-03", "a gateway forbids a NUL", in(tokenErr, "unknown/NUL", answer(403, `{"error":"access_denied"}`)), Pass, ""},
	{"TOKEN-03", "a pattern of SQL", in(tokenErr, "unknown/LIKE pattern", oauthError("authorization_pending")), Fail, "recognised-like-pattern"},
	{"TOKEN-03", "a prefix of any length", all(in(tokenErr, "unknown/half", oauthError("authorization_pending")), in(tokenErr, "unknown/truncated", oauthError("authorization_pending"))), Fail, "recognised-half"},
	{"POLL-13", "an early approval is always lost, and devices that polled before get theirs", all(in(transcript.EarlyApproval, "token", oauthError("authorization_pending")), lostGrants(1, 3)), Fail, "not-seen"},
	{"POLL-13", "two repeated grants are denied after their approval", all(in(transcript.RepeatedGrants, "approved/2", oauthError("access_denied")), in(transcript.RepeatedGrants, "approved/3", oauthError("access_denied"))), Fail, "ended"},
	{"POLL-13", "two repeated grants end", all(in(transcript.RepeatedGrants, "approved/2", oauthError("invalid_grant")), in(transcript.RepeatedGrants, "approved/3", oauthError("invalid_grant"))), Warn, "ended"},
	{"TOKEN-03", "a regular expression", in(tokenErr, "unknown/regular expression", oauthError("authorization_pending")), Fail, "recognised-regular-expression"},
	{"TOKEN-03", "a code ends at NUL", in(tokenErr, "unknown/cut at NUL", oauthError("authorization_pending")), Fail, "recognised-cut-at-nul"},
	{"TOKEN-03", "a gateway forbids a pattern", in(tokenErr, "unknown/cut at NUL", answer(403, "")), Pass, ""},
	{"TOKEN-03", "invalid_request", in(tokenErr, "unknown/random", oauthError("invalid_request")), Warn, "other-error"},
	{"TOKEN-03", "white space is trimmed", in(tokenErr, "unknown/space added", oauthError("authorization_pending")), Pass, ""},
	{"TOKEN-03", "case is folded", in(tokenErr, "unknown/case swapped", oauthError("authorization_pending")), Fail, "recognised-case-swapped"},
	{"TOKEN-03", "case of a UUID is folded", in(tokenErr, "unknown/case swapped", all2(oauthError("authorization_pending"), request("device_code=7411F395-2F3A-4CB5"))), Pass, ""},
	{"TOKEN-03", "the middle is ignored", in(tokenErr, "unknown/changed", oauthError("authorization_pending")), Fail, "ignores-middle"},
	{"TOKEN-03", "the end is ignored", in(tokenErr, "unknown/truncated", oauthError("authorization_pending")), Warn, "ignores-end"},
	{"TOKEN-03", "the end is ignored, but for the length", in(tokenErr, "unknown/end changed", oauthError("authorization_pending")), Warn, "ignores-end"},
	{"TOKEN-03", "the start is ignored", in(tokenErr, "unknown/start changed", oauthError("authorization_pending")), Warn, "ignores-start"},
	{"TOKEN-03", "the end of a token is ignored", all(in(tokenErr, "device/unknown", member("device_code", `"eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjF9.aGVsbG8gd29ybGQ"`)), in(tokenErr, "unknown/truncated", oauthError("authorization_pending"))), Fail, "ignores-end"},
	{"TOKEN-03", "every code is pending", in(tokenErr, "unknown", oauthError("authorization_pending")), Fail, "recognised-truncated"},
	{"TOKEN-03", "the end is ignored, and a random code got no answer", all(in(tokenErr, "unknown/truncated", oauthError("authorization_pending")), in(tokenErr, "unknown/random", answer(502, ""))), Fail, "recognised-truncated"},
	{"TOKEN-03", "10 KiB is too large", in(tokenErr, "unknown/long", answer(413, "")), Pass, ""},
	{"TOKEN-08", "two codes", in(tokenErr, "repeat/two codes", oauthError("authorization_pending")), Fail, "conflict-accepted"},
	{"TOKEN-08", "a repetition", in(tokenErr, "repeat/grant_type", oauthError("authorization_pending")), Warn, "repetition-accepted"},
	{"TOKEN-08", "an unknown parameter", in(tokenErr, "extra/parameter", oauthError("invalid_request")), Fail, "unknown-parameter-refused"},
	{"TOKEN-08", "a code that is not known yet", in(tokenErr, "extra", oauthError("invalid_grant")), Inconclusive, ""},
	{"TOKEN-09", "no token", in(transcript.Approval, "token", member("access_token", "")), Fail, "not-a-string"},
	{"TOKEN-09", "no token_type", in(transcript.Approval, "token", member("token_type", "")), Fail, "not-a-string"},
	{"TOKEN-09", "bearer in lower case", in(transcript.Approval, "token", member("token_type", `"bearer"`)), Pass, ""},
	{"TOKEN-09", "no expires_in", in(transcript.Approval, "token", member("expires_in", "")), Warn, "no-expires-in"},
	{"TOKEN-09", "text/html", in(transcript.EarlyApproval, "token", header("Content-Type", "text/html")), Fail, "media-type"},
	{"TOKEN-09", "an error beside it", in(transcript.Approval, "token", member("error", `"x"`)), Fail, "error-beside-token"},
	{"TOKEN-10", "cacheable", in(transcript.Approval, "token", header("Cache-Control", "private")), Fail, "no-store"},
	{"TOKEN-10", "no Pragma", in(transcript.Approval, "token", header("Pragma", "")), Warn, "pragma"},
	{"TOKEN-10", "more directives", in(transcript.Approval, "token", header("Cache-Control", "private, NO-STORE, max-age=0")), Pass, ""},

	{"ERR-01", "200 with an error", in(tokenErr, "device_code/absent", func(x *wire.Exchange) { x.Status = 200 }), Fail, "200-invalid_request"},
	{"ERR-01", "403 pending", in(transcript.SteadyPolling, "poll", func(x *wire.Exchange) { x.Status = 403 }), Fail, "403-authorization_pending"},
	{"ERR-01", "429 slow_down", in(transcript.ImpatientPolling, "burst/2", func(x *wire.Exchange) { x.Status = 429 }), Fail, "429-slow_down"},
	{"ERR-01", "401 invalid_request", in(deviceErr, "client/absent", func(x *wire.Exchange) { x.Status = 401 }), Fail, "401-invalid_request"},
	{"ERR-01", "an issuance limit", in(tokenErr, "device_code/absent", answer(429, `{"error":"too_many_requests"}`)), Pass, ""},
	{"ERR-01", "server_error", in(tokenErr, "device_code/absent", answer(500, `{"error":"server_error"}`)), Fail, "server-error"},
	{"ERR-01", "500", in(transcript.HostileCharacters, "token", answer(500, "")), Fail, "server-error"},
	{"ERR-01", "405 for GET", in(deviceErr, "method/GET", answer(405, "<h1>no</h1>")), Pass, ""},
	{"ERR-01", "another check's error", in(foreign, "pending/foreign", answer(401, `{"error":"invalid_grant"}`)), Fail, "401-invalid_grant"},
	{"ERR-01", "a refresh that is refused", in(refreshed, "binding/foreign", answer(403, `{"error":"invalid_grant"}`)), Fail, "403-invalid_grant"},
	{"ERR-01", "a gateway's page in the fleet", in(transcript.Fleet, "poll/8/2", answer(403, "<h1>no</h1>")), Pass, ""},
	{"ERR-02", "a gateway's page in the fleet", in(transcript.Fleet, "poll/8/2", answer(502, "<h1>no</h1>")), Pass, ""},
	{"ERR-05", "a gateway's error in the fleet", in(transcript.Fleet, "poll/8/2", answer(502, `{"error":"bad_gateway"}`)), Pass, ""},
	{"ERR-01", "500 in a race", in(racing, "race/1", answer(500, "")), Pass, ""},
	{"ERR-01", "302", in(tokenErr, "device_code/empty", answer(302, "")), Fail, "302-other"},
	{"ERR-02", "HTML", in(tokenErr, "device_code/absent", all2(answer(400, "<h1>Bad Request</h1>"), header("Content-Type", "text/html"))), Fail, "body"},
	{"ERR-02", "a redirect to the login page for those who take anything", all(in(tokenErr, "accept/absent/any", toLogin), twice(tokenErr, "accept/absent/any")), Fail, "accept"},
	{"ERR-02", "a page without Accept, for a poll", all(in(tokenErr, "accept/pending/none", all2(answer(400, "<h1>no</h1>"), header("Content-Type", "text/html"))), twice(tokenErr, "accept/pending/none")), Fail, "accept"},
	{"ERR-02", "a redirect at the device authorization endpoint", all(in(deviceErr, "accept/absent/none", toLogin), twice(deviceErr, "accept/absent/none")), Fail, "accept"},
	{"ERR-02", "a redirect once", all(in(tokenErr, "accept/absent/any", toLogin), add(tokenErr, "accept/absent/any", oauthError("invalid_request"))), Pass, ""},
	{"ERR-02", "a firewall demands Accept", all(in(tokenErr, "accept/unknown/none", all2(answer(403, "<h1>no</h1>"), header("Content-Type", "text/html"))), twice(tokenErr, "accept/unknown/none")), Pass, ""},
	{"ERR-02", "a gateway's page without Accept", all(in(tokenErr, "accept/unknown/none", answer(502, "<h1>no</h1>")), twice(tokenErr, "accept/unknown/none")), Pass, ""},
	{"ERR-02", "slow_down without Accept", in(tokenErr, "accept/pending", oauthError("slow_down")), Pass, ""},
	{"ERR-01", "a redirect to the login page is the matter of ERR-02", all(in(tokenErr, "accept/absent/any", toLogin), twice(tokenErr, "accept/absent/any")), Pass, ""},
	{"ERR-01", "200 for those who take anything", in(tokenErr, "accept/absent/any", answer(200, `{"error":"invalid_request"}`)), Fail, "200-invalid_request"},
	{"ERR-02", "HTML for GET", in(deviceErr, "method/GET", all2(answer(405, "<h1>no</h1>"), header("Content-Type", "text/html"))), Pass, ""},
	{"ERR-02", "error is an object", in(tokenErr, "device_code/absent", answer(400, `{"error":{"code":1}}`)), Fail, "body"},
	{"ERR-02", "text/plain", in(tokenErr, "device_code/absent", header("Content-Type", "text/plain")), Fail, "body"},
	{"ERR-02", "a byte order mark each time", everyError("invalid_grant", body(withMark)), Warn, "byte-order-mark"},
	{"ERR-02", "a byte order mark once", in(tokenErr, "device_code/absent", body(withMark)), Pass, ""},
	{"ERR-02", "not the coding that it says, each time", everyError("invalid_grant", header("Content-Encoding", "gzip")), Fail, "content-encoding"},
	{"ERR-02", "not the coding that it says, once", in(tokenErr, "device_code/absent", header("Content-Encoding", "gzip")), Pass, ""},
	{"ERR-02", "not the coding that it says, once at each endpoint", all(in(tokenErr, "device_code/absent", header("Content-Encoding", "gzip")), in(deviceErr, "client/absent", header("Content-Encoding", "gzip"))), Pass, ""},
	{"ERR-02", "more was promised each time", everyError("invalid_grant", overdueAnswer), Fail, "content-length"},
	{"ERR-02", "more was promised once", in(tokenErr, "device_code/absent", overdueAnswer), Pass, ""},
	{"ERR-02", "extra members", in(tokenErr, "device_code/absent", member("message", `"hello"`)), Pass, ""},
	{"ERR-02", "codes beside the error", in(tokenErr, "device_code/absent", member("device_code", `"x"`)), Fail, "body"},
	{"ERR-03", "quotes are echoed", in(transcript.HostileCharacters, "token/client_id/quotes", member("error_description", `"unknown client \"x\""`)), Fail, "character"},
	{"ERR-03", "translated", in(transcript.HostileCharacters, "device/scope", member("error_description", `"ungültig"`)), Fail, "character"},
	{"ERR-03", "a space in error_uri", in(transcript.HostileCharacters, "device/scope", member("error_uri", `"https://h/a b"`)), Fail, "character"},
	{"POLL-14", "the same token again, with an escaped letter", all(in(transcript.Approval, "token", answer(200, token)), in(transcript.Approval, "reuse", answer(200, `{"access_token":"\u0061nother","token_type":"Bearer"}`))), Warn, "same-again"},
	{"ERR-03", "an escaped letter", in(transcript.HostileCharacters, "device/scope", member("error_description", `"\u0061"`)), Pass, ""},
	{"ERR-04", "400", in(transcript.ClientErrors, "wrong/token", func(x *wire.Exchange) { x.Status = 400 }), Fail, "status"},
	{"ERR-04", "no challenge", in(transcript.ClientErrors, "wrong/token", header("WWW-Authenticate", "")), Fail, "challenge"},
	{"ERR-04", "another scheme", in(transcript.ClientErrors, "wrong/device", header("WWW-Authenticate", "Bearer")), Fail, "challenge"},
	{"ERR-04", "two challenges", in(transcript.ClientErrors, "wrong/device", header("WWW-Authenticate", `Bearer realm="x", basic realm="y"`)), Pass, ""},
	{"ERR-04", "the secret does not matter", in(transcript.ClientErrors, "wrong/token", oauthError("authorization_pending")), Fail, "wrong-secret-accepted"},
	{"ERR-04", "no device authentication", in(transcript.ClientErrors, "wrong/device", answer(200, codes)), Warn, "secret-unused"},
	{"ERR-04", "throttled before authentication", in(transcript.ClientErrors, "wrong/token", oauthError("slow_down")), Inconclusive, ""},
	{"ERR-04", "a bare 401", in(deviceErr, "client/unknown", all2(answer(401, `{"error":"invalid_client"}`), header("WWW-Authenticate", ""))), Warn, "bare-401"},
	{"ERR-05", "a synonym of pending", in(transcript.SteadyPolling, "poll", oauthError("still_waiting")), Fail, "synonym-of-pending"},
	{"ERR-05", "a code of one's own", in(tokenErr, "unknown/random", oauthError("bad_verification_code")), Warn, "unregistered"},
	{"ERR-05", "server_error with 500", in(tokenErr, "unknown/random", answer(500, `{"error":"server_error"}`)), Pass, ""},

	{"POLL-01", "denied at once", in(transcript.SteadyPolling, "poll/2", oauthError("access_denied")), Fail, "not-pending"},
	{"POLL-01", "a token", in(transcript.SteadyPolling, "poll/1", answer(200, token)), Fail, "not-pending"},
	{"POLL-01", "slowed, and no second run", in(transcript.SteadyPolling, "poll/2", oauthError("slow_down")), Inconclusive, ""},
	{"POLL-02", "slowed in both runs", slowedTwice(2), Fail, "punished"},
	{"POLL-02", "slowed in one run", slowedTwice(0), Warn, "punished-once"},
	{"POLL-02", "the grant ends", in(transcript.SteadyPolling, "poll/4", oauthError("expired_token")), Inconclusive, ""},
	{"POLL-03", "no slow_down", in(transcript.ImpatientPolling, "burst", oauthError("authorization_pending")), Info, "none"},
	{"POLL-03", "a rate limit of ours", all(in(transcript.ImpatientPolling, "burst", oauthError("authorization_pending")), in(transcript.ImpatientPolling, "burst", late(7*time.Second))), Inconclusive, ""},
	{"POLL-03", "the grant ends", all(in(transcript.ImpatientPolling, "burst/2", oauthError("expired_token")), in(transcript.ImpatientPolling, "obedient", oauthError("expired_token"))), Fail, "ended"},
	{"POLL-03", "the grant ends later", in(transcript.ImpatientPolling, "obedient", oauthError("invalid_grant")), Fail, "ended"},
	{"POLL-03", "not known at once", in(transcript.ImpatientPolling, "burst/2", oauthError("invalid_grant")), Inconclusive, ""},
	{"POLL-03", "bare 429s", all(in(transcript.ImpatientPolling, "burst/1", answer(429, "")), in(transcript.ImpatientPolling, "burst/2", answer(429, ""))), Warn, "429"},
	{"POLL-03", "one bare 429", in(transcript.ImpatientPolling, "burst/1", answer(429, "")), Pass, ""},
	{"POLL-03", "429", in(transcript.ImpatientPolling, "burst/2", func(x *wire.Exchange) { x.Status = 429 }), Warn, "429"},
	{"POLL-05", "ten seconds more", in(transcript.ImpatientPolling, "obedient/2", oauthError("slow_down")), Fail, "punished"},
	{"POLL-05", "no slow_down", in(transcript.ImpatientPolling, "burst", oauthError("authorization_pending")), NA, ""},
	{"POLL-08", "pending", in(transcript.Denial, "denied", oauthError("authorization_pending")), Fail, "not-reported"},
	{"POLL-08", "one more question", all(in(transcript.Denial, "denied", oauthError("authorization_pending")), visit(transcript.Denial, "deny", unconfirmed)), Inconclusive, ""},
	{"POLL-08", "pending, then lost", all(in(transcript.Denial, "denied", oauthError("authorization_pending")), in(transcript.Denial, "denied/3", lost(wire.FailReset))), Inconclusive, ""},
	{"POLL-08", "pending after a hook that tells refusals", all(hookDenies(transcript.CodeRejected), denied, in(transcript.Denial, "denied", oauthError("authorization_pending"))), Fail, "not-reported"},
	{"POLL-08", "pending after a hook that tells none", all(hookDenies(transcript.Denied), denied, in(transcript.Denial, "denied", oauthError("authorization_pending"))), Inconclusive, ""},
	{"POLL-08", "pending after a hook whose approvals bring nothing", all(hookDenies(transcript.CodeRejected), denied, in(transcript.Denial, "denied", oauthError("authorization_pending")), in(transcript.Approval, "token", oauthError("authorization_pending"))), Inconclusive, ""},
	{"POLL-08", "a hook's denial that the server refused", all(hookDenies(transcript.CodeRejected), denied, visit(transcript.Denial, "deny", outcome(transcript.CodeRejected))), Inconclusive, ""},
	{"POLL-08", "pending once", in(transcript.Denial, "denied/1", oauthError("authorization_pending")), Pass, ""},
	{"POLL-08", "pending twice", all(in(transcript.Denial, "denied/1", oauthError("authorization_pending")), in(transcript.Denial, "denied/2", oauthError("authorization_pending"))), Warn, "late"},
	{"POLL-08", "expired_token", in(transcript.Denial, "denied", oauthError("expired_token")), Fail, "other-answer"},
	{"POLL-08", "an error page, and the device was told", visit(transcript.Denial, "deny", outcome(transcript.ErrorPage)), Pass, ""},
	{"POLL-08", "an error page, and the device was not told", all(visit(transcript.Denial, "deny", outcome(transcript.ErrorPage)), in(transcript.Denial, "denied", oauthError("authorization_pending"))), Inconclusive, ""},
	{"POLL-08", "an error page, and the code is gone", all(visit(transcript.Denial, "deny", outcome(transcript.ErrorPage)), in(transcript.Denial, "denied", oauthError("invalid_grant"))), Fail, "other-answer"},
	{"POLL-08", "an error page before any decision, and the code is gone", all(visit(transcript.Denial, "deny", func(j *transcript.Journey) { j.Outcome, j.Decided = transcript.ErrorPage, false }), in(transcript.Denial, "denied", oauthError("invalid_grant"))), Inconclusive, ""},
	{"POLL-08", "an error page, and codes that are polled go by themselves", all(visit(transcript.Denial, "deny", outcome(transcript.ErrorPage)), in(transcript.Denial, "denied", oauthError("invalid_grant")), in(steady, "poll", oauthError("invalid_grant"))), Inconclusive, ""},
	{"POLL-09", "an error page, and a token", all(visit(transcript.Denial, "deny", outcome(transcript.ErrorPage)), in(transcript.Denial, "denied/2", answer(200, token))), Fail, "token"},
	{"POLL-08", "nobody could refuse", visit(transcript.Denial, "deny", outcome(transcript.LoginFailed)), Inconclusive, ""},
	{"POLL-08", "no way to deny", noDeny(), NA, ""},
	{"POLL-08", "a way that was not taken", visit(transcript.Denial, "deny", shy), Inconclusive, ""},
	{"POLL-09", "pending", in(transcript.Denial, "denied", oauthError("authorization_pending")), Fail, "not-final"},
	{"POLL-09", "revived", in(transcript.Denial, "denied/3", oauthError("authorization_pending")), Fail, "revived"},
	{"POLL-09", "a code of one's own", in(transcript.Denial, "denied", oauthError("authorization_declined")), Pass, ""},
	{"POLL-09", "a token", in(transcript.Denial, "denied/3", answer(200, token)), Fail, "token"},
	{"POLL-09", "invalid_grant later", in(transcript.Denial, "denied/2", oauthError("invalid_grant")), Pass, ""},
	{"POLL-10", "pending", in(transcript.Expiry, "untouched/expired", oauthError("authorization_pending")), Fail, "alive"},
	{"POLL-10", "polling keeps it alive", in(transcript.Expiry, "polled/expired", oauthError("authorization_pending")), Fail, "alive"},
	{"POLL-10", "pending again", in(transcript.Expiry, "untouched/expired/3", oauthError("authorization_pending")), Fail, "alive"},
	{"POLL-10", "seen once only", drop(transcript.Expiry, "untouched/expired/3"), Inconclusive, ""},
	{"POLL-10", "evicted", in(transcript.Expiry, "untouched/expired", oauthError("invalid_grant")), Warn, "invalid-grant"},
	{"POLL-10", "invalid_request", in(transcript.Expiry, "untouched/expired", oauthError("invalid_request")), Fail, "other-error"},
	{"POLL-10", "never pending", all(in(transcript.Expiry, "polled/alive", oauthError("invalid_grant")), in(transcript.Expiry, "polled/expired", oauthError("invalid_grant"))), Inconclusive, ""},
	{"POLL-10", "evicted later", in(transcript.Expiry, "untouched/expired/2", oauthError("invalid_grant")), Pass, ""},
	{"POLL-13", "never seen", all(in(transcript.Approval, "token", oauthError("authorization_pending")), missing(transcript.RepeatedGrants, "no person")), Fail, "not-seen"},
	{"POLL-13", "an early approval ends the grant", in(transcript.EarlyApproval, "token", oauthError("access_denied")), Fail, "not-seen"},
	{"POLL-13", "it ends early, and so does another one", all(in(transcript.EarlyApproval, "token", oauthError("invalid_grant")), in(transcript.EarlyApproval, "served/poll", oauthError("invalid_grant"))), Inconclusive, ""},
	{"POLL-13", "seen one poll late", seenLate(1), Pass, ""},
	{"POLL-13", "seen late", seenLate(2), Warn, "late"},
	{"POLL-13", "one of the repeated grants is lost", lostGrants(3), Warn, "lost-once"},
	{"POLL-13", "two of the repeated grants are lost", lostGrants(2, 3), Fail, "lost"},
	{"POLL-13", "two are lost, and pages did not tell", all(lostGrants(2, 3), visit(transcript.RepeatedGrants, "approve 2", unconfirmed), visit(transcript.RepeatedGrants, "approve 3", unconfirmed)), Pass, ""},
	{"POLL-13", "two are lost, and no page was seen", all(lostGrants(2, 3), decidedByHook(transcript.RepeatedGrants)), Warn, "lost"},
	{"POLL-13", "one is lost and a poll of it had no answer", all(lostGrants(3), in(transcript.RepeatedGrants, "approved/3/2", lost(wire.FailReset))), Pass, ""},
	{"POLL-13", "nobody approved the repeated grants", all(visit(transcript.RepeatedGrants, "approve 2", unfinishedJourney), lostGrants(2)), Pass, ""},
	{"POLL-13", "a repeated grant ended", in(transcript.RepeatedGrants, "approved/2", oauthError("invalid_grant")), Pass, ""},
	{"POLL-13", "an approval is lost, and the repeated ones are not", in(transcript.Approval, "token", oauthError("authorization_pending")), Warn, "lost-once"},
	{"POLL-13", "an approval is lost, and so is a repeated one", all(in(transcript.Approval, "token", oauthError("authorization_pending")), lostGrants(3)), Fail, "lost"},
	{"POLL-02", "two of the repeated polls are slowed", all(in(transcript.RepeatedGrants, "poll/2/1", oauthError("slow_down")), in(transcript.RepeatedGrants, "poll/4/1", oauthError("slow_down"))), Warn, "punished-now-and-then"},
	{"POLL-02", "one of the repeated polls is slowed", in(transcript.RepeatedGrants, "poll/2/1", oauthError("slow_down")), Pass, ""},
	{"POLL-13", "nobody approved", visit(transcript.Approval, "approve", outcome(transcript.LoginFailed)), Inconclusive, ""},
	{"POLL-14", "a second token", in(transcript.Approval, "reuse/1", answer(200, token)), Fail, "second-token"},
	{"POLL-14", "the same token", sameToken(), Warn, "same-again"},
	{"POLL-14", "pending again", in(transcript.Approval, "reuse/2", oauthError("authorization_pending")), Fail, "pending-again"},
	{"POLL-14", "expired_token", in(transcript.Approval, "reuse", oauthError("expired_token")), Pass, ""},
}

// shy is a person who stopped before the page that offers to refuse.
func shy(j *transcript.Journey) {
	j.Outcome, j.DenyOffered, j.ApproveOffered, j.Decided = transcript.NoWayToDeny, false, false, false
}

func unconfirmed(j *transcript.Journey) { j.Confirmed = false }

// twice repeats an exchange, as the scenario does when an answer was lost.
func twice(scenario, label string) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		x, _ := t.First(label)
		x.N = len(t.Exchanges) + 1
		t.Exchanges = append(t.Exchanges, x)
		e.Transcripts[scenario] = t
	}
}

// againEnded adds a second journey of a way to enter a code, whose last page had a
// status.
func againEnded(way string, status int) edit {
	return all(visitedAgain(way, transcript.ErrorPage), visit(codeEntry, way+"/again", func(j *transcript.Journey) {
		j.Steps = slices.Clone(j.Steps) // those of the first journey are shared
		ended(transcript.ErrorPage, status)(j)
	}))
}

// caseCodes are user codes of mixed case, two of which differ in nothing else.
func caseCodes() edit {
	n := 0
	return in(transcript.Codes, "code", func(x *wire.Exchange) {
		n++
		code := fmt.Sprintf("aBc%d", n)
		if n == 2 {
			code = "AbC1"
		}
		member("user_code", fmt.Sprintf("%q", code))(x)
	})
}

func neverAsked(j *transcript.Journey) { j.ApproveOffered, j.DenyOffered = false, false }

// noDeny takes the way to refuse off the decision page.
func noDeny() edit {
	without := func(j *transcript.Journey) { j.DenyOffered = false }
	return all(visit(transcript.Denial, "deny", shy), visit(transcript.Approval, "approve", without), visit(transcript.EarlyApproval, "approve", without))
}

// slowedTwice makes the second steady poll slow_down, and adds a second run in
// which the first n polls are.
func slowedTwice(n int) edit {
	return func(e Evidence) {
		in(transcript.SteadyPolling, "poll/2", oauthError("slow_down"))(e)
		t := e.Transcripts[transcript.SteadyPolling]
		for i, x := range t.Labelled("poll") {
			x.Label = "again/" + x.Label
			x.N = len(t.Exchanges) + 1
			oauthError("authorization_pending")(&x)
			if i < n {
				oauthError("slow_down")(&x)
			}
			t.Exchanges = append(t.Exchanges, x)
		}
		e.Transcripts[t.Scenario] = t
	}
}

// wrongCodes changes every visit that typed a wrong code.
func wrongCodes(change func(*transcript.Journey)) edit {
	return func(e Evidence) {
		for i, j := range e.Transcripts[transcript.WrongUserCodes].Journeys {
			if j.Goal == transcript.ReachDecision {
				change(&e.Transcripts[transcript.WrongUserCodes].Journeys[i])
			}
		}
	}
}

// hookDenies gives the wrong codes to a hook, which denies them.
func hookDenies(o transcript.Outcome) edit {
	return wrongCodes(func(j *transcript.Journey) { j.Driver, j.Goal, j.Outcome = "hook", transcript.Deny, o })
}

// decidedByHook lets a hook make all visits of a scenario.
func decidedByHook(scenario string) edit {
	return func(e Evidence) {
		for i := range e.Transcripts[scenario].Journeys {
			e.Transcripts[scenario].Journeys[i].Driver = "hook"
		}
	}
}

// denied is a denial by a hook.
var denied = visit(transcript.Denial, "deny", func(j *transcript.Journey) {
	j.Driver, j.Outcome, j.Decided, j.Confirmed = "hook", transcript.Denied, true, false
})

// saysSuccess is a visit that met a success page before anything was pressed.
func saysSuccess(j *transcript.Journey) {
	j.Outcome, j.Confirmed, j.Decided, j.ApproveOffered, j.LoggedIn = transcript.Approved, true, false, false, false
}

// lostGrants lets some of the repeated grants stay pending after their approval.
func lostGrants(which ...int) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.RepeatedGrants]
		for _, k := range which {
			i := slices.IndexFunc(t.Exchanges, func(x wire.Exchange) bool { return x.Label == fmt.Sprintf("approved/%d/1", k) })
			for n := range 3 {
				x := t.Exchanges[i]
				x.N, x.Label = len(t.Exchanges)+1, fmt.Sprintf("approved/%d/%d", k, n+1)
				oauthError("authorization_pending")(&x)
				if n == 0 {
					x.N = t.Exchanges[i].N
					t.Exchanges[i] = x
				} else {
					t.Exchanges = append(t.Exchanges, x)
				}
			}
		}
		e.Transcripts[t.Scenario] = t
	}
}

// seenLate puts pending polls before the one that brought the token.
func seenLate(polls int) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.Approval]
		i := slices.IndexFunc(t.Exchanges, func(x wire.Exchange) bool { return x.Label == "token/1" })
		token := t.Exchanges[i]
		oauthError("authorization_pending")(&t.Exchanges[i])
		for n := range polls {
			x := t.Exchanges[i]
			x.Label = fmt.Sprintf("token/%d", n+2)
			if n == polls-1 {
				token.Label = x.Label
				x = token
			}
			t.Exchanges = append(t.Exchanges, x)
		}
		e.Transcripts[t.Scenario] = t
	}
}

// neverForgot takes out that the session was forgotten.
func neverForgot(j *transcript.Journey) { forgot("", "")(j) }

// forgot changes the step at which the session was forgotten.
func forgot(action, question string) func(*transcript.Journey) {
	return func(j *transcript.Journey) {
		for i := range j.Steps {
			if strings.HasPrefix(j.Steps[i].Action, transcript.Forgetting) {
				j.Steps[i].Action, j.Steps[i].Question = action, question
			}
		}
	}
}

// askedFirst adds a question between the login and the decision of the approval.
func askedFirst(question string) edit {
	return visit(transcript.Approval, "approve", func(j *transcript.Journey) {
		for i, s := range j.Steps {
			if s.Page == "consent" {
				s.Question = question
				j.Steps = slices.Insert(j.Steps, i, s)
				return
			}
		}
	})
}

// untypedCodes: no page asks for a code.
func untypedCodes(e Evidence) {
	for i := range e.Transcripts[transcript.WrongUserCodes].Journeys {
		e.Transcripts[transcript.WrongUserCodes].Journeys[i].CodeTyped = false
	}
}

// consentNever is what the profile of a server that never asks says.
func consentNever(e Evidence) { e.Profile.Verification.Consent = "never" }

// undecidedApproval is an approval that the pages let nobody make.
func undecidedApproval(change func(*transcript.Journey)) edit {
	return visit(transcript.Approval, "approve", func(j *transcript.Journey) {
		change(j)
		j.Decided = false
	})
}

// everyError changes all errors with a code.
func everyError(code string, change func(*wire.Exchange)) edit {
	return func(e Evidence) {
		for _, t := range e.Transcripts {
			for i := range t.Exchanges {
				if t.Exchanges[i].OAuthError() == code {
					change(&t.Exchanges[i])
				}
			}
		}
	}
}

// askedAgain repeats the request for a document.
func askedAgain(label string) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.Metadata]
		x, _ := t.First(label)
		again := *x.Response
		x.Response = &again
		t.Exchanges = append(t.Exchanges, x)
		e.Transcripts[transcript.Metadata] = t
	}
}

// overdueOnce makes only the first answer one whose headers promise more.
func overdueOnce(label string) edit {
	return func(e Evidence) {
		first := true
		in(transcript.Metadata, label, func(x *wire.Exchange) {
			if first {
				overdueAnswer(x)
			}
			first = false
		})(e)
	}
}

func same2(*wire.Exchange) {}

func lessScope(x *wire.Exchange) { member("scope", `"openid"`)(x) }

// ifToken and ifActive change token responses, or what introspection says of a token.
func ifToken(change func(*wire.Exchange)) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		if hasToken(*x) {
			change(x)
		}
	}
}

func ifActive(change func(*wire.Exchange)) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		if active(*x) {
			change(x)
		}
	}
}

func asFormOnly(x *wire.Exchange) {
	answer(200, "device_code=dc&user_code=UC-1")(x)
	header("Content-Type", "application/x-www-form-urlencoded")(x)
}

func toLogin(x *wire.Exchange) {
	answer(302, "")(x)
	header("Location", "/login")(x)
	header("Content-Type", "")(x)
}

// variantAgain adds a second varied request, whose token response differs as given
// from that of the plain one.
func variantAgain(change func(*wire.Exchange)) edit {
	return func(e Evidence) {
		t := e.Transcripts[transport]
		for _, name := range []string{"variant/device", "redeem/1"} {
			x, _ := t.First(name)
			x.N = len(t.Exchanges) + 1
			x.Label = map[string]string{"variant/device": "variant again/device", "redeem/1": "variant again/token/1"}[name]
			if name == "redeem/1" {
				response := *x.Response
				x.Response = &response
				change(&x)
			}
			t.Exchanges = append(t.Exchanges, x)
		}
		visit, _ := t.Journey("approve variant")
		visit.Name = "approve variant again"
		t.Journeys = append(t.Journeys, visit)
		e.Transcripts[transport] = t
	}
}
