package rules

import (
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section31 = []Rule{
	{"DA-01", one(transcript.DeviceAuthorization), one(transcript.ClientIdentity), validRequestIsServed},
	{"DA-02", one(transcript.DeviceErrors), nil, onlyPostWithBody},
	{"DA-03", one(transcript.DeviceErrors), nil, otherMediaTypes},
	{"DA-04", one(transcript.DeviceErrors), nil, missingClientID},
	{"DA-05", one(transcript.DeviceErrors), nil, repeatedDeviceParameter},
	{"DA-06", one(transcript.DeviceErrors), one(transcript.TokenTransport), unknownParameterIgnored},
	{"DA-07", one(transcript.DeviceErrors), one(transcript.TokenUse), scopeAbsentOrEmpty},
	{"DA-09", one(transcript.DeviceErrors), nil, unknownClient},
}

const deviceErrors = transcript.DeviceErrors

// DA-01
func validRequestIsServed(j *judging) {
	for _, label := range []string{labels.ValidPublic, labels.ValidConfidential} {
		x, ok := j.maybe(transcript.DeviceAuthorization, label)
		switch {
		case !ok && label == labels.ValidConfidential && j.Profile.Clients.Confidential == nil:
			continue
		case !ok:
			j.missing(transcript.DeviceAuthorization, label)
		case hasCodes(x.Exchange) && x.Status/100 == 2:
			j.pass("codes for the %s client", strings.TrimPrefix(label, labels.Valid+"/"))
		default:
			observed := describe(x.Exchange)
			if other, ok := j.maybe(clientIdentity, labels.BasicOtherForm); ok && label == labels.ValidConfidential && hasCodes(other.Exchange) {
				observed += "; the server takes another form of the request: " + otherForm(j.Profile.Clients.Confidential)
			} else if hasError(x.Exchange, "invalid_client", "unauthorized_client") {
				observed += j.whoWasRefused(label)
			}
			j.fail("not-served", "200 with device_code and user_code", observed, x)
		}
	}
}

// whoWasRefused names the client and its keys in the profile: the server may be
// right, and the profile wrong.
func (j *judging) whoWasRefused(label string) string {
	client, keys := j.Profile.Clients.Public, "clients.public.id"
	if label == labels.ValidConfidential {
		client, keys = j.Profile.Clients.Confidential, "clients.confidential.id or clients.confidential.secret"
		if client != nil && client.Key != nil {
			keys = "clients.confidential.id, key, audience or certificate"
		}
	} else if client != nil && client.Authenticates() {
		keys += " or the secret or key of clients.public"
	}
	if client == nil {
		return ""
	}
	return fmt.Sprintf(" for the client %q; if the server is right, %s in the profile is wrong", clip(client.ID), keys)
}

// control is the positive control of the faulty device authorization requests.
func (j *judging) deviceControl() bool {
	x, ok := j.first(deviceErrors, labels.ControlPublic)
	if !ok {
		return false
	}
	if !hasCodes(x.Exchange) {
		j.inconclusive("the valid control request fails: %s", explained(x.Exchange))
		return false
	}
	return true
}

// DA-02
func onlyPostWithBody(j *judging) {
	if !j.deviceControl() {
		return
	}
	for _, x := range j.all(deviceErrors, labels.Method) {
		switch {
		case hasCodes(x.Exchange):
			j.warnStrict("codes-for-"+strings.ToLower(x.Method), "an error (405, 400, 404 or 501)", describe(x.Exchange)+" for "+x.Method, x)
		case serverFault(x.Exchange):
			j.warn("server-error", "an error below 500, or 501", describe(x.Exchange)+" for "+x.Method, x)
		case misleadsForCodes(x.Exchange) != "": // no device sends this, so none is misled
			j.warn("other-error", "an error (405, 400, 404 or 501)", describe(x.Exchange)+" for "+x.Method, x)
		case x.Method != "HEAD": // a HEAD has no body to judge
			j.pass("%s gets no codes (%d)", x.Method, x.Status)
		}
	}
	if x, ok := j.first(deviceErrors, labels.QueryParameters); ok {
		switch {
		case hasCodes(x.Exchange):
			j.warnStrict("parameters-from-query", "an error: the body is empty", describe(x.Exchange)+" for a POST with its parameters in the query and an empty body", x)
		case serverFault(x.Exchange):
			j.warn("server-error", "an error below 500", describe(x.Exchange)+" for a POST with an empty body", x)
		case misleadsForCodes(x.Exchange) != "":
			j.contradicts(x, "invalid_request", "a POST with an empty body")
		default:
			j.pass("the server ignores parameters in the query")
		}
	}
	j.secretInQuery()
}

// secretInQuery needs two controls: the right secret in its place succeeds,
// and no secret at all is refused. Otherwise the answer proves nothing.
func (j *judging) secretInQuery() {
	right, ok := j.maybe(deviceErrors, labels.ControlConfidential)
	none, sent := j.maybe(deviceErrors, labels.QueryNoSecret)
	if !ok || !sent || !hasCodes(right.Exchange) || hasCodes(none.Exchange) {
		j.untried("no-secret-in-query", "no secret was sent in the query: it needs --allow-lockouts (the secret ends up in logs) and a client that must authenticate here")
		return
	}
	if x, ok := j.first(deviceErrors, labels.QuerySecret); ok {
		if hasCodes(x.Exchange) {
			j.fail("secret-from-query", "an error: a secret must not be in the URI", describe(x.Exchange)+" for a client_secret in the query", x, none)
		} else {
			j.pass("the server ignores a secret in the query")
		}
	}
}

// DA-03
func otherMediaTypes(j *judging) {
	if !j.deviceControl() {
		return
	}
	hung := map[string]said{}
	for _, unanswered := range j.Transcripts[deviceErrors].Asked(labels.Type) {
		if f := unanswered.Failure; f == nil || f.Kind != wire.FailTimeout {
			continue
		}
		if before, twice := hung[unanswered.Label]; twice {
			j.fail("hang", "an error response within the time limit", describe(unanswered)+", twice", before, said{unanswered, deviceErrors})
		}
		hung[unanswered.Label] = said{unanswered, deviceErrors}
	}
	for _, x := range j.all(deviceErrors, labels.Type) {
		kind := strings.TrimPrefix(x.Label, labels.Type+"/")
		switch {
		case kind == labels.Charset && hasCodes(x.Exchange):
			j.pass("the server accepts a charset parameter")
		case kind == labels.Charset:
			j.warn("charset-refused", "200: a charset parameter makes no difference", describe(x.Exchange), x)
		case serverFault(x.Exchange):
			j.fail("server-error", "400 or 415", fmt.Sprintf("%s for a body of type %s", describe(x.Exchange), kind), x)
		case hasCodes(x.Exchange):
			j.warn("accepts-"+kind, "400 or 415", fmt.Sprintf("%s for a body of type %s", describe(x.Exchange), kind), x)
		default:
			j.pass("the server rejects %s", kind)
		}
	}
}

// DA-04
func missingClientID(j *judging) {
	if !j.deviceControl() {
		return
	}
	var given [2]bool
	for i, label := range []string{labels.ClientAbsent, labels.ClientEmpty} {
		x, ok := j.first(deviceErrors, label)
		if !ok {
			return
		}
		given[i] = hasCodes(x.Exchange)
		switch {
		case given[i]:
			j.fail("codes-without-client", quoted("invalid_request", "invalid_client"), describe(x.Exchange), x)
		case hasError(x.Exchange, "invalid_request", "invalid_client"):
			j.pass("%s: %s", label, describe(x.Exchange))
		case serverFault(x.Exchange):
			j.fail("server-error", quoted("invalid_request", "invalid_client"), describe(x.Exchange), x)
		default:
			j.warn("other-error", quoted("invalid_request", "invalid_client"), describe(x.Exchange), x)
		}
	}
}

// DA-05
func repeatedDeviceParameter(j *judging) {
	if !j.deviceControl() {
		return
	}
	for _, c := range []struct {
		label    string
		conflict bool
		right    []string
	}{
		{labels.RepeatSameClient, false, []string{"invalid_request"}},
		{labels.RepeatOtherClient, true, []string{"invalid_request", "invalid_client"}},
		{labels.RepeatScope, false, []string{"invalid_request"}},
	} {
		if _, sent := j.Transcripts[deviceErrors].First(c.label); !sent && c.label == labels.RepeatScope {
			continue // the profile asks for no scope
		}
		x, ok := j.first(deviceErrors, c.label)
		what := strings.TrimPrefix(c.label, labels.Repeat+"/")
		switch {
		case !ok:
		case hasCodes(x.Exchange) && c.conflict:
			j.fail("conflicting-clients-accepted", quoted(c.right...), "codes for two different client_id parameters", x)
		case hasCodes(x.Exchange):
			j.warn("repetition-accepted", quoted(c.right...), fmt.Sprintf("codes for a repeated parameter (%s)", what), x)
		case hasError(x.Exchange, c.right...):
			j.pass("%s: %s", what, describe(x.Exchange))
		default:
			j.warn("other-error", quoted(c.right...), fmt.Sprintf("%s (%s)", describe(x.Exchange), what), x)
		}
	}
}

// DA-06
func unknownParameterIgnored(j *judging) {
	if !j.deviceControl() {
		return
	}
	x, ok := j.first(deviceErrors, labels.UnknownAdded)
	if !ok {
		return
	}
	if hasCodes(x.Exchange) {
		j.pass("the server ignores three unknown parameters")
		j.tokenOfVariant()
		return
	}
	again, ok := j.first(deviceErrors, labels.ControlPublicAgain)
	switch {
	case !ok:
	case hasCodes(again.Exchange):
		j.fail("unknown-parameter-refused", "200 with codes, as without the parameters", describe(x.Exchange), x, again)
	default:
		j.inconclusive("the request without the unknown parameters now fails too: %s", explained(again.Exchange))
	}
}

// DA-07
func scopeAbsentOrEmpty(j *judging) {
	if !j.deviceControl() {
		return
	}
	absent, ok := j.first(deviceErrors, labels.ScopeAbsent)
	if !ok {
		return
	}
	empty, ok := j.first(deviceErrors, labels.ScopeEmpty)
	if !ok {
		return
	}
	if hasCodes(absent.Exchange) != hasCodes(empty.Exchange) {
		j.fail("empty-differs-from-absent", "the same answer to a missing and to an empty scope",
			fmt.Sprintf("missing: %s; empty: %s", describe(absent.Exchange), describe(empty.Exchange)), absent, empty)
		return
	}
	for _, x := range []said{absent, empty} {
		if !hasCodes(x.Exchange) && !hasError(x.Exchange, "invalid_scope") {
			j.warn("other-error", "200 with a default scope, or "+quoted("invalid_scope"), describe(x.Exchange), x)
		}
	}
	j.pass("missing and empty: %s", describe(absent.Exchange))
	j.tokenOfEmptyScope()
}

// DA-09
func unknownClient(j *judging) {
	if !j.deviceControl() {
		return
	}
	x, ok := j.first(deviceErrors, labels.ClientUnknown)
	switch {
	case !ok:
	case hasCodes(x.Exchange):
		j.fail("codes-for-unknown-client", quoted("invalid_client"), describe(x.Exchange), x)
	case hasError(x.Exchange, "invalid_client"):
		j.pass("%s", describe(x.Exchange))
	case misleadsForCodes(x.Exchange) != "":
		j.contradicts(x, "invalid_client", "a client that does not exist")
	default:
		j.warn("other-error", quoted("invalid_client"), describe(x.Exchange), x)
	}
	if hasCodes(x.Exchange) {
		return
	}
	if swapped, ok := j.maybe(deviceErrors, labels.ClientOtherCase); ok && hasCodes(swapped.Exchange) {
		if id := swapped.Form().Get("client_id"); hexOrUUID.MatchString(id) {
			j.note("hex-case", "the server ignores the case of a hexadecimal client_id", swapped)
		} else {
			j.warn("client-id-case", quoted("invalid_client")+": values are case-sensitive (RFC 6749 section 1.9)", describe(swapped.Exchange)+" for a client_id in the other case", swapped)
		}
	}
	if spaced, ok := j.maybe(deviceErrors, labels.ClientSpaceAdded); ok && hasCodes(spaced.Exchange) {
		j.note("trims", "the server ignores white space after client_id", spaced)
	}
}
