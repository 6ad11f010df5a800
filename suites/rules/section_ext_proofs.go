package rules

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// forgedProofs are the assertions that nobody may accept (RFC 7523 section 3), and the
// certificate that is not the client's (RFC 8705 section 2).
var forgedProofs = []struct{ name, what string }{
	{labels.WrongKey, "an assertion signed with another key"},
	{labels.NoSignature, "an assertion without a signature"},
	{labels.Expired, "an assertion that expired a day ago"},
	{labels.NotYet, "an assertion that is valid tomorrow"},
	{labels.OtherAudience, "an assertion for another server"},
	{labels.OtherClient, "an assertion about another client"},
	{labels.OtherCertificate, "another certificate with the client's subject"},
}

// EXT-07
func assertionsProveTheClient(j *judging) {
	j.forgedProofsRefused("assertion", profiles.ClientAuth.Signs)
}

// EXT-08
func certificatesProveTheClient(j *judging) {
	j.forgedProofsRefused("certificate", profiles.ClientAuth.IsTLS)
	j.boundToCertificate()
}

// proofEndpoint is one of the endpoints at which the client proves itself.
type proofEndpoint struct {
	name, prefix, control string
	method                profiles.ClientAuth
	// served says that the answer takes the client for authenticated.
	served func(wire.Exchange) bool
}

func (j *judging) proofEndpoints(kind func(profiles.ClientAuth) bool) (list []proofEndpoint) {
	client := j.Profile.Clients.Proving()
	if client == nil {
		return nil
	}
	for _, e := range []proofEndpoint{
		{"device authorization endpoint", labels.Proof, labels.ControlKeyed, deviceMethod(client), hasCodes},
		{"token endpoint", labels.Token, labels.TokenControl, client.Auth, func(x wire.Exchange) bool { return hasError(x, "authorization_pending") || hasToken(x) }},
	} {
		if kind(e.method) {
			list = append(list, e)
		}
	}
	return list
}

// forgedProofsRefused judges the proofs that are not the client's, at the endpoints
// where it authenticates in such a way.
func (j *judging) forgedProofsRefused(what string, kind func(profiles.ClientAuth) bool) {
	const scenario = transcript.ClientProofs
	if _, told := j.Transcripts[scenario]; !told {
		j.missing(scenario, labels.ControlKeyed)
		return
	}
	if j.Profile.Clients.Proving() == nil {
		j.noClient("clients.keyed")
		return
	}
	endpoints := j.proofEndpoints(kind)
	if len(endpoints) == 0 {
		j.notApplicable("in the profile, no client authenticates with a client %s", what)
		return
	}
	for _, e := range endpoints {
		control, ok := j.first(scenario, e.control)
		if !ok {
			continue
		}
		if !e.served(control.Exchange) {
			j.inconclusive("%s: the client's own %s is refused as well: %s", e.name, what, explained(control.Exchange))
			continue
		}
		refused := 0
		for _, forged := range forgedProofs {
			x, ok := j.maybe(scenario, labels.Join(e.prefix, forged.name))
			switch {
			case !ok:
			case e.served(x.Exchange):
				j.fail("accepted-"+strings.ReplaceAll(forged.name, " ", "-"), quoted("invalid_client"), describe(x.Exchange)+" for "+forged.what, x, control)
			case hasError(x.Exchange, "invalid_client"), forged.name == labels.OtherClient && hasError(x.Exchange, "invalid_request"):
				refused++ // client_id contradicts the assertion, which is a bad request too (RFC 7521 section 4.2)
			case x.Failure != nil && x.Failure.Kind == wire.FailTLS:
				refused++ // in the handshake
			case x.OAuthError() != "" && !saysLittle(x):
				j.warn("other-error", quoted("invalid_client"), describe(x.Exchange)+" for "+forged.what, x)
			default:
				j.inconclusive("%s for %s does not say that the client was refused", describe(x.Exchange), forged.what)
			}
		}
		if refused > 0 {
			j.pass("%s: the client's own is accepted, and %d others are refused", e.name, refused)
		}
		j.replayedProof(e)
	}
}

// replayedProof is about the same assertion twice. RFC 7523 section 3 lets a server
// remember its jti; OpenID Connect Core section 9 has it used once.
func (j *judging) replayedProof(e proofEndpoint) {
	first, ok := j.maybe(transcript.ClientProofs, labels.Join(e.prefix, labels.First))
	if !ok || !e.served(first.Exchange) {
		return
	}
	again, ok := j.maybe(transcript.ClientProofs, labels.Join(e.prefix, labels.Again))
	switch {
	case !ok:
	case e.served(again.Exchange) && !slices.Contains(j.Profile.Scopes, "openid"):
		j.note("replay", describe(again.Exchange)+" for an assertion that was used before, as RFC 7523 section 3 allows", first, again)
	case e.served(again.Exchange):
		j.warn("replayed", "an assertion is taken once (OpenID Connect Core section 9)", describe(again.Exchange)+" for an assertion that was used before", first, again)
	case hasError(again.Exchange, "invalid_client"):
		j.pass("%s: a used assertion is refused", e.name)
	default:
		j.note("replay", describe(again.Exchange)+" for an assertion that was used before", again)
	}
}

// boundToCertificate looks at the confirmation claim of a token that the client got
// with its certificate (RFC 8705 section 3.1). Binding is a choice of the server's.
func (j *judging) boundToCertificate() {
	token, ok := j.maybe(tokenUse, labels.Join(labels.Full, labels.Token))
	if !ok || !hasToken(token.Exchange) || token.Certificate == "" {
		return
	}
	x, ok := j.maybe(tokenUse, labels.Join(labels.Full, labels.Introspection))
	if !ok {
		return
	}
	o, err := x.Object()
	if err != nil {
		return
	}
	var cnf struct {
		Thumbprint string `json:"x5t#S256"`
	}
	_ = json.Unmarshal(o.Raw("cnf"), &cnf) // what cannot be read names no certificate
	switch cnf.Thumbprint {
	case "":
		j.note("not-bound", "introspection names no certificate to which the token is bound", x)
	case token.Certificate:
		j.pass("the token is bound to the certificate")
	default:
		j.fail("bound-to-another", "cnf names the certificate that the client showed: "+token.Certificate, "x5t#S256 is "+clip(cnf.Thumbprint), token, x)
	}
}
