// Package fakeidp is an OAuth 2.0 authorization server with the device
// authorization grant (RFC 8628), for tests. It is a test double: it keeps
// everything in memory, lets a test decide in the end user's place, and must
// never protect anything real. Within these limits it is a reference: it
// responds as the RFCs require, also to wrong requests.
//
// # Quick start
//
//	idp := fakeidp.NewServer(fakeidp.Config{})
//	defer idp.Close()
//
//	// Point a device at idp.URL as its issuer, client_id "device-public".
//	// When it shows its user code:
//	err := idp.Approve(userCode, "alice")
//
// [NewServer] listens on loopback. [New] returns an [http.Handler] for your own
// listener, and [Start] takes addresses. [DefaultConfig] lists the built-in
// clients and users. Secrets and passwords that are not configured are random;
// read them like this:
//
//	alice, _ := idp.Config().User("alice")
//	fmt.Println(alice.Password)
//
// # Endpoints
//
// Below the path of the issuer:
//
//	POST /device_authorization   RFC 8628 section 3.1
//	POST /token                  device_code and refresh_token grants
//	GET  /device                 verification_uri: code, login, consent
//	POST /introspect             RFC 7662, for confidential clients
//	POST /revoke                 RFC 7009
//	GET  /userinfo               OpenID Connect Core section 5.3
//	GET  /jwks
//	GET  /.well-known/openid-configuration
//	GET  /.well-known/oauth-authorization-server
//
// RFC 8414 inserts the last one between the host and the path of the issuer;
// both locations work.
//
// [Config.Tenants] are more issuers below this one, each with its own clients,
// users, codes, tokens, sessions, keys and metadata. [DefaultConfig] has one at
// /orgs/beta, Config{} has none. The control plane and the faults affect the
// first issuer; [IdP.Tenant] returns the server of another one.
//
// # Choices that the RFCs leave open
//
// The comment at the top of grant.go has the state table. In words: only an
// undecided code gets slow_down, and each slow_down adds five seconds to its
// interval. The first poll is never too early. An expired code gets
// expired_token until it is forgotten, and then invalid_grant, like any unknown
// code. A device code that is presented again after it was redeemed gets
// invalid_grant, and its tokens are revoked; so are all tokens of a family
// whose refresh token is used twice. A code of another client gets
// invalid_grant, without any effect on the code. A refresh token is issued if
// offline_access was granted, and an ID token if openid was. Access tokens are
// opaque.
//
// A device may send a PKCE code_challenge (RFC 7636, S256 only) with the device
// authorization request; every poll then needs the code_verifier. A poll
// without it, or with a verifier for which there is no challenge, gets
// invalid_grant and has no effect on the code.
//
// A request that repeats a parameter is rejected, and so is a scope that is
// unknown, malformed or not allowed for the client. Parameters in the query are
// ignored, but a client_secret there is rejected. Every error has status 400,
// except invalid_client (401) and a wrong method (405).
//
// The end user can deselect scopes on the consent page. A decision requires
// that the code was entered in the same browser session, that a user is logged
// in, and that the form contains a CSRF token. verification_uri_complete only
// fills in the code. On the entry page, codes that were decided, have expired
// or never existed look the same, and wrong codes are limited per user and per
// address.
//
// # Extensions
//
// Besides PKCE, a device may use DPoP (RFC 9449): with a proof, and the nonce
// from the first response, its tokens are bound to its key. The device
// authorization request accepts resource (RFC 8707), one of [Config.Resources],
// and authorization_details (RFC 9396) of the types in
// [Config.AuthorizationDetailTypes]. A rejected proof or parameter neither uses
// up the code nor slows it down.
//
// # Control plane
//
// [Server.ControlURL], or the handler [IdP.Control], provides the methods of
// [IdP] over HTTP. It answers on loopback only. Bodies are JSON with
// Content-Type: application/json.
//
//	POST /approve  {"user_code": "BCDF-GHJK", "user": "alice", "scope": "openid demo:read"}
//	POST /deny     {"user_code": "BCDF-GHJK"}
//	POST /expire   {"device_code": "..."}
//	GET  /codes             every grant: its state, and each poll with its time and response
//	GET  /codes/BCDF-GHJK   one of them, by user code or device code
//	GET  /clock
//	POST /clock    {"rate": 5}, {"jump": 600}: target seconds per second; target seconds
//	GET  /faults   all faults, and the active ones
//	POST /faults   {"client_id": "device-second", "faults": ["M05"]}; no client: all
//	POST /script   [{"client": "device-public", "token": [{"answer": "slow_down", "times": 3}]}]
//	POST /reset    forgets codes, tokens, sessions and consents
//	GET  /health
//
// The first three accept either code and return the grant, like GET /codes.
// Without scope, all requested scopes are granted. Errors are {"error": "..."},
// with status 404 for an unknown code and 409 for one that can no longer be
// decided.
//
// # Faults
//
// [Faults] lists the named faults and benign variants. They are off by default.
// Switch them on at start ([Config.Faults]) or while the server runs
// ([IdP.SetFaults]), for all clients or for one. The clean code knows nothing
// about them, except for a few places where it asks whether its behavior is
// changed; the changes are in the files fault_*.go.
//
// [IdP.Play] queues responses for a client: see [Script].
//
// # Settings
//
// Every setting is a field of [Config], with its default. Time comes from
// [Config.Clock], which by default runs at [Config.ClockRate]: at rate 60, a
// code with a lifetime of ten minutes expires in ten seconds, and an interval
// of five seconds takes a twelfth of a second.
//
// # Reading the code
//
// Start with grant.go: the comment at its top has the state table of a grant,
// and its functions implement RFC 8628 section 3.5. Then follow a device
// through deviceauthorization.go (sections 3.1 and 3.2), usercode.go (6.1),
// pages.go and session.go (3.3) and token.go (3.4), and its tokens through
// tokens.go, idtoken.go, introspection.go and revocation.go.
//
// The files fault_*.go and personality_*.go plug into that code through the
// hooks of behaviour (fault.go) and personality (personality.go). They are
// deliberately not separate packages: a fault replaces a part of the state
// machine, so it uses the lock, the states and the transitions of a grant.
// Together they use some 180 unexported names. All of those would have to be
// exported, more than the whole package exports now.
package fakeidp
