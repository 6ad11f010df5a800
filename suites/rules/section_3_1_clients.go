package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section31Clients = []Rule{
	{"DA-08", one(transcript.Scopes), nil, wrongScope},
	{"DA-10", one(transcript.ClientIdentity), nil, grantNotAllowed},
	{"DA-11", one(transcript.ClientIdentity), nil, confidentialMustAuthenticate},
	{"DA-12", one(transcript.ClientErrors), nil, wrongSecretAtDeviceEndpoint},
	{"DA-13", one(transcript.ClientIdentity), one(transcript.SteadyPolling), basicAccepted},
	{"DA-14", one(transcript.ClientIdentity), one(transcript.ClientErrors), ambiguousClient},
}

const clientIdentity = transcript.ClientIdentity

// DA-08
func wrongScope(j *judging) {
	control, ok := j.first(transcript.Scopes, labels.Control)
	if !ok {
		return
	}
	if !hasCodes(control.Exchange) {
		j.inconclusive("the request with the usual scope fails: %s", explained(control.Exchange))
		return
	}
	followed := ""
	for _, label := range []string{labels.Forbidden, labels.Unknown, labels.MalformedQuotes, labels.MalformedSpaces, labels.MalformedCase} {
		if _, sent := j.Transcripts[transcript.Scopes].First(label); !sent && label != labels.Unknown {
			if label == labels.Forbidden {
				j.note("no-forbidden-scope", "no forbidden scope was tried: set forbidden_scope in the profile")
			}
			continue
		}
		x, ok := j.first(transcript.Scopes, label)
		name := strings.TrimPrefix(label, labels.Malformed+"/")
		observed := fmt.Sprintf("%s for a scope that is %s", describe(x.Exchange), scopeWords[name])
		switch {
		case !ok:
		case serverFault(x.Exchange):
			j.fail("server-error", quoted("invalid_scope")+", or 200", observed, x)
		case hasCodes(x.Exchange) && name != label:
			j.note("accepted-"+slug(name), observed, x)
		case hasCodes(x.Exchange) && followed == "":
			followed = label
			j.scopeGranted(label, x)
		case hasCodes(x.Exchange):
			j.note("accepted-"+label, observed, x)
		case hasError(x.Exchange, "invalid_scope"), name != label && hasError(x.Exchange, "invalid_request"):
			j.pass("%s: %s", name, describe(x.Exchange))
		default:
			j.warn("other-error", quoted("invalid_scope"), observed, x)
		}
	}
}

// scopeWords say what the probes of DA-08 ask for.
var scopeWords = map[string]string{
	labels.Forbidden: "forbidden for this client", labels.Unknown: "unknown", "quotes": `malformed ("x\y)`,
	"spaces": "separated by two spaces", "case": "in upper case",
}

// scopeGranted judges a request for a wrong scope that gave codes: the server
// may have left the decision to the consent page.
func (j *judging) scopeGranted(label string, x said) {
	asked := strings.Fields(x.Form().Get("scope"))
	if len(asked) == 0 {
		j.inconclusive("the recording lacks the request for the %s scope", label)
		return
	}
	wrong := asked[len(asked)-1]
	if _, ok := j.journey(transcript.Scopes, labels.Of(labels.Approve, label)); !ok {
		return
	}
	token, ok := j.tokenAmong(transcript.Scopes, labels.Token)
	if !ok {
		if last := j.all(transcript.Scopes, labels.Token); len(last) > 0 && (last[len(last)-1].EndsGrant() || hasError(last[len(last)-1].Exchange, "invalid_scope")) {
			end := last[len(last)-1]
			j.note("refused-late", fmt.Sprintf("codes for a scope that is %s, and only the token is refused: the end user decided in vain (%s)", scopeWords[label], describe(end.Exchange)), x, end)
			j.pass("no token for a scope that is %s: %s", scopeWords[label], describe(end.Exchange))
			return
		}
		j.inconclusive("the device got no token for the %s scope, so its scopes are unknown", label)
		return
	}
	granted, told := scopeOf(token.Exchange)
	evidence := []said{x, token}
	if asked, ok := j.maybe(transcript.Scopes, labels.Introspection); ok {
		if scope, ok := scopeOf(asked.Exchange); ok {
			granted, told, evidence = append(granted, scope...), true, append(evidence, asked)
		}
	}
	switch {
	case !told:
		j.inconclusive("codes and a token for a scope that is %s; no answer states the token's scopes", scopeWords[label])
	case !slices.Contains(granted, wrong):
		j.pass("the token lacks the scope that is %s", scopeWords[label])
	case label == labels.Forbidden:
		j.fail("forbidden-granted", "a token without "+clip(wrong)+", or "+quoted("invalid_scope"), "a token with the scope "+clip(wrong)+", which this client may not have", evidence...)
	default:
		j.warn("unknown-granted", "a token without the unknown scope, or "+quoted("invalid_scope"), "a token with the unknown scope "+clip(wrong), evidence...)
	}
}

// tokenAmong returns the first answer with a token.
func (j *judging) tokenAmong(scenario, label string) (said, bool) {
	for _, x := range j.all(scenario, label) {
		if hasToken(x.Exchange) {
			return x, true
		}
	}
	return said{}, false
}

// scopeOf is the scope that a token response or an introspection names.
func scopeOf(x wire.Exchange) (scopes []string, told bool) {
	o, err := x.Object()
	if err != nil {
		return nil, false
	}
	s, ok := o.String("scope")
	return strings.Fields(s), ok
}

// DA-10
func grantNotAllowed(j *judging) {
	if j.Profile.Clients.NotAllowed == nil {
		j.noClient("clients.not_allowed")
		return
	}
	if !j.identityControl(labels.ControlPublic) {
		return
	}
	x, ok := j.first(clientIdentity, labels.NotAllowedDevice)
	if !ok {
		return
	}
	switch {
	case hasError(x.Exchange, "unauthorized_client"): // ERR-01 judges the status
		j.pass("%s", describe(x.Exchange))
		return
	case !hasCodes(x.Exchange) && misleadsForCodes(x.Exchange) != "":
		j.contradicts(x, "unauthorized_client", "a client that may not use the grant")
		return
	case !hasCodes(x.Exchange):
		observed := describe(x.Exchange)
		if hasError(x.Exchange, "invalid_client") {
			observed += "; if the server does not know the client, clients.not_allowed in the profile is wrong"
		}
		j.warn("other-error", quoted("unauthorized_client"), observed, x)
		return
	}
	if token, ok := j.tokenAmong(clientIdentity, labels.Token); ok {
		j.fail("token", quoted("unauthorized_client"), "codes, and a token after approval, for a client that may not use the grant", x, token)
		return
	}
	poll, ok := j.first(clientIdentity, labels.NotAllowedPoll)
	if !ok {
		return
	}
	last := append([]said{poll}, j.all(clientIdentity, labels.Token)...)
	if end := last[len(last)-1]; !recognised(end.Exchange) && end.OAuthError() != "" {
		j.warn("codes", quoted("unauthorized_client")+" at the device authorization endpoint", "codes that the token endpoint then rejects: "+describe(end.Exchange), x, end)
		return
	}
	if _, ok := j.journey(clientIdentity, labels.Of(labels.Approve, labels.NotAllowed)); ok {
		j.inconclusive("codes for a client that may not use the grant, but no clear answer at the token endpoint: %s", describe(last[len(last)-1].Exchange))
	}
}

// noClient says that the profile lacks a client that the rule needs.
func (j *judging) noClient(path string) {
	for _, dropped := range j.Profile.Dropped {
		if strings.HasPrefix(dropped, path+":") {
			j.notApplicable("%s", dropped)
			return
		}
	}
	j.notApplicable("the profile has no %[1]s; to test this, set %[1]s", path)
}

// identityControl is a positive control: the request with nothing wrong gives codes.
func (j *judging) identityControl(label string) bool {
	x, ok := j.first(clientIdentity, label)
	if ok && !hasCodes(x.Exchange) {
		j.inconclusive("the valid control request fails: %s", explained(x.Exchange))
	}
	return ok && hasCodes(x.Exchange)
}

// confidential says that there is a client that authenticates.
func (j *judging) confidential() bool {
	if c := j.Profile.Clients.Confidential; c == nil || !c.Authenticates() {
		j.noClient("clients.confidential")
		return false
	}
	return true
}

// DA-11
func confidentialMustAuthenticate(j *judging) {
	if !j.confidential() || !j.identityControl(labels.ControlConfidential) {
		return
	}
	x, ok := j.first(clientIdentity, labels.Unauthenticated)
	switch {
	case !ok:
	case hasCodes(x.Exchange):
		j.fail("codes-without-authentication", quoted("invalid_client"), "codes for a confidential client's id without its authentication", x)
	case hasError(x.Exchange, "invalid_client"):
		j.pass("%s", describe(x.Exchange))
	default:
		j.warn("other-error", quoted("invalid_client"), describe(x.Exchange), x)
	}
}

// DA-12
func wrongSecretAtDeviceEndpoint(j *judging) {
	x, ok := j.maybe(transcript.ClientErrors, labels.WrongDevice)
	if !ok {
		if c := j.Profile.Clients.Confidential; c != nil && c.Authenticates() && deviceMethod(c) != profiles.AuthBasic {
			j.notApplicable("in the profile, the client does not use HTTP Basic here (clients.confidential.device_auth)")
			return
		}
		j.missing(transcript.ClientErrors, labels.WrongDevice)
		return
	}
	right, ok := j.first(transcript.ClientErrors, labels.RightDevice)
	if !ok {
		return
	}
	if !hasCodes(right.Exchange) {
		j.inconclusive("the correct secret fails too: %s", explained(right.Exchange))
		return
	}
	switch {
	case hasCodes(x.Exchange):
		j.fail("wrong-secret-accepted", "401 and "+quoted("invalid_client"), describe(x.Exchange)+" for a wrong secret", x, right)
	case x.Status != 401:
		j.fail("status", "status 401", describe(x.Exchange), x)
	case !hasChallenge(x.Exchange, "Basic"):
		j.fail("challenge", "WWW-Authenticate: Basic", headerLine(x.Exchange, "WWW-Authenticate"), x)
	case !hasError(x.Exchange, "invalid_client"):
		j.fail("error", quoted("invalid_client"), describe(x.Exchange), x)
	default:
		j.pass("401, %s", clip(x.Header("WWW-Authenticate")))
	}
	body, ok := j.maybe(transcript.ClientErrors, labels.WrongBody)
	switch {
	case !ok:
	case hasCodes(body.Exchange):
		j.fail("wrong-secret-accepted", quoted("invalid_client"), describe(body.Exchange)+" for a wrong secret in the body", body, right)
	case hasError(body.Exchange, "invalid_client") && (body.Status == 400 || body.Status == 401):
		j.pass("in the body: %s", describe(body.Exchange))
	default:
		j.warn("other-error-in-body", "400 or 401, and "+quoted("invalid_client"), describe(body.Exchange)+" for a wrong secret in the body", body)
	}
}

// deviceMethod is how a client authenticates at the device authorization endpoint.
func deviceMethod(c *profiles.Client) profiles.ClientAuth {
	for _, m := range []profiles.ClientAuth{c.DeviceAuth, c.Auth} {
		if m != "" {
			return m
		}
	}
	if c.Secret != nil {
		return profiles.AuthBasic
	}
	return profiles.AuthNone
}

// DA-13
func basicAccepted(j *judging) {
	if !j.confidential() {
		return
	}
	if client := j.Profile.Clients.Confidential; deviceMethod(client) != profiles.AuthBasic {
		j.notApplicable("in the profile, the client authenticates by %s here", deviceMethod(client))
		return
	}
	x, ok := j.first(clientIdentity, labels.ControlConfidential)
	if !ok {
		return
	}
	other, measured := j.maybe(clientIdentity, labels.BasicOtherForm)
	if !hasCodes(x.Exchange) {
		body, ok := j.maybe(clientIdentity, labels.ControlBody)
		switch {
		case measured && hasCodes(other.Exchange):
			j.inconclusive("the server takes HTTP Basic, but in another form of the request: %s", otherForm(j.Profile.Clients.Confidential))
		case ok && hasCodes(body.Exchange):
			j.fail("basic-refused", "codes, as with the same secret in the body", describe(x.Exchange)+" for the correct secret in HTTP Basic; if the client is registered for secrets in the body, set clients.confidential.auth in the profile", x, body)
		default:
			j.inconclusive("the server rejects the secret in HTTP Basic and in the body (%s): clients.confidential in the profile may be wrong", describe(x.Exchange))
		}
		return
	}
	j.pass("HTTP Basic gets codes")
	if measured {
		with := "with client_id in the body as well"
		if j.Profile.Clients.Confidential.ClientIDInBody {
			with = "without client_id in the body"
		}
		j.note("other-form", fmt.Sprintf("%s for HTTP Basic %s", describe(other.Exchange), with), other)
	}
	if poll, ok := j.maybe(clientIdentity, labels.BasicToken); ok && tokenMethodIsBasic(j.Profile.Clients.Confidential) {
		j.codesToPollWith(x, poll)
	}
	j.reservedCharacters()
}

// codesToPollWith is about the first poll with a confidential client's codes. One
// that is neither answered authorization_pending nor refused for the client's sake
// needs a second one: codes that nobody can use end each poll.
func (j *judging) codesToPollWith(codes, poll said) {
	switch code := poll.OAuthError(); {
	case code == "" || recognised(poll.Exchange):
	case code == "invalid_client", code == "unauthorized_client":
		j.refusedAtToken(codes, poll)
	case j.endsByItself() != "": // it is not about this client
	default:
		if again, ok := j.first(clientIdentity, labels.BasicTokenAgain); ok && again.OAuthError() == code {
			j.warn("client-refused-token", quoted("authorization_pending"), fmt.Sprintf("the device authorization endpoint gives this client codes that it cannot use: the token endpoint answers %s, twice", describe(poll.Exchange)), codes, poll, again)
		}
	}
}

// refusedAtToken is about a poll by HTTP Basic that is refused. The control is the
// same secret in the body: where that is refused as well, the method is not what
// the server minds.
func (j *judging) refusedAtToken(codes, poll said) {
	body, ok := j.first(clientIdentity, labels.BasicTokenBody)
	switch {
	case !ok:
	case recognised(body.Exchange):
		j.fail("basic-refused-token", quoted("authorization_pending"), describe(poll.Exchange)+" at the token endpoint for HTTP Basic, which the device authorization endpoint accepts, as both do the secret in the body", codes, poll, body)
	default:
		j.warn("client-refused-token", quoted("authorization_pending"), fmt.Sprintf("the device authorization endpoint gives this client codes that it cannot use: the token endpoint answers %s for HTTP Basic, and %s for the secret in the body", describe(poll.Exchange), describe(body.Exchange)), codes, poll, body)
	}
}

// otherForm says which key of the profile changes where the client names itself.
func otherForm(c *profiles.Client) string {
	return fmt.Sprintf("set clients.confidential.client_id_in_body: %t in the profile", !c.ClientIDInBody)
}

func tokenMethodIsBasic(c *profiles.Client) bool {
	return c.Auth == profiles.AuthBasic || c.Auth == "" && c.Secret != nil
}

// reservedCharacters is the second half of DA-13: id and secret are form-encoded
// before they are joined. Many servers skip the decoding.
func (j *judging) reservedCharacters() {
	encoded, ok := j.maybe(clientIdentity, labels.ReservedEncoded)
	if !ok {
		j.note("no-reserved-characters", "credentials with reserved characters were not tried: set clients.reserved in the profile to a client that has some")
		return
	}
	if hasCodes(encoded.Exchange) {
		j.pass("the server decodes form-encoded credentials")
		return
	}
	body, ok := j.maybe(clientIdentity, labels.ReservedBody)
	switch {
	case ok && hasCodes(body.Exchange):
		j.warn("not-decoded", "codes: the client form-encodes id and secret before joining them", describe(encoded.Exchange)+" for credentials with reserved characters that work in the body", encoded, body)
	default:
		j.note("reserved-not-proved", "the server rejects credentials with reserved characters in HTTP Basic and in the body: clients.reserved in the profile may be wrong", encoded)
	}
}

// DA-14
func ambiguousClient(j *judging) {
	if !j.confidential() || !j.identityControl(labels.ControlConfidential) {
		return
	}
	if !j.Profile.Clients.Confidential.SendsSecret() {
		j.notApplicable("in the profile, clients.confidential sends no secret")
		return
	}
	right := []string{"invalid_request", "invalid_client"}
	if x, ok := j.first(clientIdentity, labels.BothMethods); ok {
		switch {
		case hasCodes(x.Exchange):
			j.warn("two-methods-accepted", quoted(right...), "codes for a secret in both header and body", x)
		case hasError(x.Exchange, right...):
			j.pass("two methods: %s", describe(x.Exchange))
		default:
			j.warn("other-error", quoted(right...), describe(x.Exchange)+" for a secret in both header and body", x)
		}
	}
	for _, p := range []struct{ scenario, label, beside string }{
		{clientIdentity, labels.BothFailedBasic, "a public client in the body"},
		{transcript.ClientErrors, labels.WrongBasic, "the right secret in the body"},
	} {
		x, ok := j.maybe(p.scenario, p.label)
		observed := fmt.Sprintf("%s for HTTP Basic with credentials that are wrong, and %s", describe(x.Exchange), p.beside)
		switch {
		case !ok:
		case hasCodes(x.Exchange) && !j.readsBasic(j.Endpoints.DeviceAuthorization):
			j.note("basic-unknown", "the server takes no notice of HTTP Basic at the device authorization endpoint, and nothing shows that it knows it there", x)
		case hasCodes(x.Exchange):
			j.warnStrict("failed-basic-ignored", quoted(right...), observed, x)
		case p.label == labels.WrongBasic && !j.rightSecretStillWorks(x):
		case hasError(x.Exchange, right...):
			j.pass("%s", observed)
		default:
			j.note("other-error", observed, x)
		}
	}
	if j.Profile.Clients.Public != nil && j.Profile.Clients.Public.Authenticates() {
		j.note("no-second-client", "two clients in one request were not tried: clients.public authenticates")
		return
	}
	x, ok := j.first(clientIdentity, labels.TwoClients)
	switch {
	case !ok:
	case hasCodes(x.Exchange):
		j.boundTo(x)
	case hasError(x.Exchange, right...):
		j.pass("two clients: %s", describe(x.Exchange))
	default:
		j.warn("other-error", quoted(right...), describe(x.Exchange)+" for one client in the header and another in the body", x)
	}
}

// rightSecretStillWorks is the control of a refusal that came after several wrong
// secrets of the client: a client that is locked is refused whatever it sends.
func (j *judging) rightSecretStillWorks(refused said) bool {
	after, ok := j.maybe(transcript.ClientErrors, labels.RightAfter)
	if ok && hasCodes(after.Exchange) {
		return true
	}
	why := "the right secret alone was not tried afterwards"
	if ok {
		why = "the right secret alone no longer works either: " + describe(after.Exchange)
	}
	j.note("perhaps-locked", fmt.Sprintf("%s for HTTP Basic with a wrong secret beside the right one in the body says nothing: %s", describe(refused.Exchange), why), refused, after)
	return false
}

// boundTo finds out whose codes a request with two clients gave.
func (j *judging) boundTo(x said) {
	body, asked := j.maybe(clientIdentity, labels.TwoAsBody)
	header, also := j.maybe(clientIdentity, labels.TwoAsHeader)
	// The control: this server answers no client about another one's code.
	control, controlled := j.maybe(clientIdentity, labels.TwoControl)
	controlled = controlled && !recognised(control.Exchange) && !serverFault(control.Exchange)
	expected := quoted("invalid_request", "invalid_client")
	switch {
	case controlled && asked && recognised(body.Exchange):
		// That client is a public one: it has nothing to prove, and anybody gets
		// its codes without the header.
		j.warn("bound-to-body", expected, "codes for the public client in the body; the server ignores the other client", x, body, control)
	case controlled && asked && also && recognised(header.Exchange):
		j.warn("bound-to-header", expected, "codes for the client in the header; the server ignores the other client", x, header, body, control)
	default:
		j.warn("two-clients-accepted", expected, "codes, but not clear for which client", x)
	}
}
