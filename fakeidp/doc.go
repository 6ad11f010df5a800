// Package fakeidp is an OAuth 2.0 authorization server with the device
// authorization grant (RFC 8628), for tests. It is a test double: it keeps
// everything in memory, lets a test decide in the place of a person, and must
// never guard anything real. Within that it is meant as a reference: it answers
// as the RFCs say, also where a request is wrong.
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
// [NewServer] listens on loopback. [New] returns an [http.Handler] for a
// listener of your own, and [Start] takes addresses. The built-in clients and
// users are listed at [DefaultConfig]; secrets and passwords that the
// configuration leaves open are random and can be read back:
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
// RFC 8414 puts the last one between host and path of the issuer; both places
// answer.
//
// [Config.Tenants] are further issuers below this one, each with clients, users,
// codes, tokens, sessions, keys and metadata of its own. [DefaultConfig] has one
// at /orgs/beta, Config{} has none. The control plane, and faults, are about the
// first issuer; [IdP.Tenant] returns the server of another.
//
// # What it does where the RFCs leave a choice
//
// The head of grant.go has the state table. In words: only an undecided code is
// answered slow_down, and each slow_down adds five seconds to its interval. The
// first poll is never too fast. An expired code is answered expired_token until
// its tombstone goes, and then invalid_grant, like any unknown code. A device
// code that is presented again after it gave tokens is answered invalid_grant,
// and those tokens are revoked; so are the tokens of a family whose refresh
// token is used twice. Another client's code is invalid_grant, without effect on
// its owner. A refresh token is issued where offline_access was granted, an ID
// token where openid was. Access tokens are opaque.
//
// A device may send a code_challenge of PKCE (RFC 7636, S256 only) with the device
// authorization request; every poll then needs the code_verifier. Without it, or
// with a verifier that nobody asked for, a poll is answered invalid_grant and has
// no effect on the code.
//
// A request with a parameter twice is refused, and so is a scope that is
// unknown, malformed or not allowed to the client. Parameters in the query are
// not read, and a client_secret there is refused. Every error but
// invalid_client (401) and a wrong method (405) has status 400.
//
// The person may untick scopes on the consent page. The code must have been
// entered in the browser session that decides, somebody must be logged in, and
// the forms carry a token against CSRF. verification_uri_complete only fills the
// code in. Codes that were decided about, expired or never existed look the same
// on the entry page, and wrong ones are limited per user and per address.
//
// # Extensions
//
// Beside PKCE a device may use DPoP (RFC 9449): with a proof, and the nonce that
// the first answer gives it, its tokens are bound to its key. The device
// authorization request takes resource (RFC 8707), one of [Config.Resources], and
// authorization_details (RFC 9396) of the types in
// [Config.AuthorizationDetailTypes]. A proof or a parameter that is refused
// neither uses the code up nor slows it down.
//
// # Control plane
//
// [Server.ControlURL], or the handler [IdP.Control], does over HTTP what the
// methods of [IdP] do in process. It answers on loopback only, and bodies are
// JSON with Content-Type: application/json.
//
//	POST /approve  {"user_code": "BCDF-GHJK", "user": "alice", "scope": "openid demo:read"}
//	POST /deny     {"user_code": "BCDF-GHJK"}
//	POST /expire   {"device_code": "..."}
//	GET  /codes             every grant: state, and each poll with its time and answer
//	GET  /codes/BCDF-GHJK   one of them, by user code or device code
//	GET  /clock
//	POST /clock    {"rate": 5}, {"jump": 600}: target seconds per second; target seconds
//	GET  /faults   all faults, and those that are on
//	POST /faults   {"client_id": "device-second", "faults": ["M05"]}; no client: all
//	POST /script   [{"client": "device-public", "token": [{"answer": "slow_down", "times": 3}]}]
//	POST /reset    forgets codes, tokens, sessions and consents
//	GET  /health
//
// The first three take either code and answer with the grant as GET /codes
// does. Without scope all requested scopes are granted. Errors are
// {"error": "..."} with status 404 for an unknown code and 409 for one that can
// no longer be decided.
//
// # Faults
//
// [Faults] lists named faults and benign variants, off by default. They can be
// on from the start ([Config.Faults]) or switched while the server runs
// ([IdP.SetFaults]), for everybody or for one client. The server without faults
// knows nothing of them but a few places at which it asks whether something is
// different; what is different stands in the files that begin with fault_.
//
// [IdP.Play] queues answers for a client: see [Script].
//
// # Settings
//
// Every setting is a field of [Config] with its default. Time comes from
// [Config.Clock], which by default runs at [Config.ClockRate]: at rate 60 a code
// with a lifetime of ten minutes expires in ten seconds, and an interval of five
// seconds is over in a twelfth of one.
//
// # Reading the code
//
// Begin with grant.go: its head has the state table of a grant, and its functions
// are this package's reading of RFC 8628 section 3.5. Then follow a device through
// deviceauthorization.go (sections 3.1 and 3.2), usercode.go (6.1), pages.go and
// session.go (3.3) and token.go (3.4), and its tokens through tokens.go, idtoken.go,
// introspection.go and revocation.go.
//
// The files that begin with fault_ and personality_ plug into that through the
// hooks of behaviour (fault.go) and personality (personality.go). They are no
// packages of their own on purpose: a fault takes the place of a part of the state
// machine, so it uses the lock, the states and the transitions of a grant. Between
// them they use some 180 unexported names, and all of those would have to be
// exported, more than the whole package exports now.
package fakeidp
