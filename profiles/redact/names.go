package redact

import "strings"

// secretNames are the members, fields and parameters whose values are secret.
var secretNames = []string{
	"device_code", "access_token", "refresh_token", "id_token", "token", "authorization_code", "code_verifier",
	"client_secret", "password", "passwd", "assertion", "client_assertion", "subject_token", "actor_token",
	"registration_access_token", "id_token_hint", "request_token", "bearer_token", "session_token", "api_key", "secret",
}

// plainName is a name without its spelling: access_token, accessToken and
// Access-Token are the same.
func plainName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.TrimSpace(name)))
}

func (r *Redactor) secretName(name string) bool { return len(name) <= 100 && r.names[plainName(name)] }

// shownNames are the members whose values are for people to see.
var shownNames = map[string]bool{
	"user_code": true, "verification_uri": true, "verification_uri_complete": true, "verification_url": true, "client_id": true, "scope": true, "iss": true,
}

// protocolWords mean something on the wire, and are no secrets even where a
// profile has one of them for a password.
var protocolWords = []string{
	// error codes: RFC 6749 sections 4.1.2.1 and 5.2, RFC 8628 section 3.5, RFC 8414, RFC 8707, RFC 9396, RFC 9449
	"authorization_pending", "slow_down", "access_denied", "expired_token", "invalid_request", "invalid_client", "invalid_grant",
	"unauthorized_client", "unsupported_grant_type", "invalid_scope", "server_error", "temporarily_unavailable", "invalid_token",
	"insufficient_scope", "unsupported_token_type", "invalid_target", "invalid_authorization_details", "invalid_dpop_proof", "use_dpop_nonce",
	// parameters and members
	"error", "error_description", "error_uri", "device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval",
	"access_token", "token_type", "refresh_token", "id_token", "scope", "client_id", "client_secret", "grant_type", "code", "state", "redirect_uri",
	"username", "password", "token", "active", "sub", "iss", "aud", "exp", "iat", "resource", "issuer", "device", "authorization", "public",
	"authorization_endpoint", "token_endpoint", "device_authorization_endpoint", "introspection_endpoint", "revocation_endpoint", "userinfo_endpoint",
	"jwks_uri", "grant_types_supported", "scopes_supported", "response_types_supported",
	// their values
	"Bearer", "bearer", "DPoP", "Basic", "none", "client_secret_basic", "client_secret_post", "private_key_jwt", "pending", "approve", "deny",
	"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:device-code", "openid", "profile", "email", "offline_access",
	"true", "false", "null", "GET", "POST", "http", "https", "application/json", "text/html", "application/x-www-form-urlencoded",
	"no-store", "no-cache", "Strict", "Lax", "None",
}
