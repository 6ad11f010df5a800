package fakeidp

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// oauthError is an error response of RFC 6749 section 5.2. The descriptions
// are constants: nothing that a client sent is ever repeated to it, and so the
// character sets of section 5.2 hold by construction.
type oauthError struct {
	status int
	body   []byte
	length []string
	// basic asks for HTTP authentication.
	basic bool
	// allow lists the methods, for status 405.
	allow string
	// closes ends the connection, because the request was not read to its end.
	closes bool
}

func newOAuthError(status int, code, description string) *oauthError {
	body, err := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
	if err != nil {
		panic(err)
	}
	return &oauthError{status: status, body: body, length: []string{strconv.Itoa(len(body))}}
}

func invalidRequest(description string) *oauthError {
	return newOAuthError(http.StatusBadRequest, "invalid_request", description)
}

func invalidClient(description string) *oauthError {
	e := newOAuthError(http.StatusUnauthorized, "invalid_client", description)
	e.basic = true
	return e
}

var (
	errMethod = func() *oauthError {
		e := newOAuthError(http.StatusMethodNotAllowed, "invalid_request", "this endpoint takes POST only")
		e.allow = http.MethodPost
		return e
	}()
	errTooLarge = func() *oauthError {
		e := invalidRequest("the request body is too large")
		e.closes = true
		return e
	}()
	errContentType    = invalidRequest("the content type must be application/x-www-form-urlencoded")
	errBody           = invalidRequest("the request body could not be read")
	errEncoding       = invalidRequest("the request body is not well-formed UTF-8 form data")
	errTooMany        = invalidRequest("the request has too many parameters")
	errRepeated       = invalidRequest("a parameter is repeated")
	errSecretInURI    = invalidRequest("client credentials must not be in the URI")
	errTwoMethods     = invalidRequest("the request uses more than one client authentication method")
	errTwoClients     = invalidRequest("client_id differs from the authenticated client")
	errNoClient       = invalidRequest("client_id is missing")
	errNoGrantType    = invalidRequest("grant_type is missing")
	errNoDeviceCode   = invalidRequest("device_code is missing")
	errNoRefreshToken = invalidRequest("refresh_token is missing")
	errNoToken        = invalidRequest("token is missing")

	errNoChallenge     = invalidRequest("code_challenge is missing")
	errChallenge       = invalidRequest("code_challenge is not a SHA-256 digest in base64url")
	errChallengeMethod = invalidRequest("code_challenge_method must be S256")

	errClient       = invalidClient("client authentication failed")
	errUnregistered = invalidClient("the client is not registered")
	errPublic       = invalidClient("public clients cannot use this endpoint")

	errNotAllowed = newOAuthError(http.StatusBadRequest, "unauthorized_client",
		"the client may not use the device grant")
	errGrantType = newOAuthError(http.StatusBadRequest, "unsupported_grant_type",
		"the grant type is not supported")
	errScope = newOAuthError(http.StatusBadRequest, "invalid_scope",
		"the scope is malformed, unknown, or more than allowed")

	errPending = newOAuthError(http.StatusBadRequest, "authorization_pending",
		"the user has not decided yet")
	errSlowDown = newOAuthError(http.StatusBadRequest, "slow_down",
		"the interval has grown by 5 seconds")
	errDenied  = newOAuthError(http.StatusBadRequest, "access_denied", "the user refused")
	errExpired = newOAuthError(http.StatusBadRequest, "expired_token", "the device code has expired")
	errInvalid = newOAuthError(http.StatusBadRequest, "invalid_grant",
		"the grant is unknown, was used, or belongs to another client")

	// errUnknownCode reads the same; only some vendors tell it from a used code.
	errUnknownCode = newOAuthError(http.StatusBadRequest, "invalid_grant",
		"the grant is unknown, was used, or belongs to another client")

	errVerifier = newOAuthError(http.StatusBadRequest, "invalid_grant",
		"code_verifier does not match the code_challenge of the device request")

	errNoUserCode = newOAuthError(http.StatusServiceUnavailable, "temporarily_unavailable",
		"no user code is free")
)

// These are shared by all responses, because a server under load answers
// little else.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"}
)

// setHeaders says that the response is JSON and must not be stored (RFC 6749
// section 5.1, which means any response with sensitive data).
func setHeaders(h http.Header) {
	h["Content-Type"] = jsonType
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache
}

func (e *oauthError) write(w http.ResponseWriter) {
	h := w.Header()
	setHeaders(h)
	h["Content-Length"] = e.length
	if e.basic {
		h.Set("WWW-Authenticate", `Basic realm="devicegrant"`)
	}
	if e.allow != "" {
		h.Set("Allow", e.allow)
	}
	if e.closes {
		h.Set("Connection", "close")
	}
	w.WriteHeader(e.status)
	w.Write(e.body)
}

// writeJSON answers 200.
func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	setHeaders(w.Header())
	w.Write(body)
}
