package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section34Clients = []Rule{
	{"TOKEN-04", one(transcript.ForeignClient), one(transcript.UnprovenClient), boundToClient},
	{"TOKEN-05", one(transcript.UnprovenClient), one(transcript.ForeignClient), clientIdentified},
	{"TOKEN-06", one(transcript.TokenTransport), one(transcript.UnprovenClient), tokenParametersInBody},
	{"TOKEN-07", one(transcript.TokenTransport), nil, tokenMediaTypes},
}

// TOKEN-04
func boundToClient(j *judging) {
	const scenario = transcript.ForeignClient
	j.publicForConfidential()
	control, ok := j.first(scenario, labels.Control)
	if !ok {
		j.ok = nil // these halves alone are no pass
		return
	}
	if !recognised(control.Exchange) {
		j.inconclusive("the other client cannot use its own code either: %s", describe(control.Exchange))
		return
	}
	j.strangerRefused()
	unlike := "" // what a code that is merely foreign is answered
	for _, state := range []string{labels.Pending, labels.Approved, labels.Denied} {
		if state == labels.Denied {
			if visit, ok := j.Transcripts[scenario].Journey(labels.Deny); ok && visit.Outcome != transcript.Denied {
				j.note("no-denied-code", "the end user could not deny: "+string(visit.Outcome))
				continue
			}
		}
		x, ok := j.first(scenario, labels.Join(state, labels.Foreign))
		if !ok {
			continue
		}
		observed := fmt.Sprintf("%s for another client's code that is %s", describe(x.Exchange), state)
		for i, again := range j.all(scenario, labels.Join(state, labels.Foreign)) {
			if i > 0 && !recognised(x.Exchange) && recognised(again.Exchange) && !hasError(again.Exchange, "slow_down") {
				x = again
				observed = fmt.Sprintf("%s at try %d for another client's code that is %s", describe(x.Exchange), i+1, state)
			}
		}
		switch {
		case hasToken(x.Exchange):
			j.fail("token", quoted("invalid_grant"), observed, x, control)
		case hasError(x.Exchange, "authorization_pending"):
			j.fail("pending-shown", quoted("invalid_grant"), observed, x, control)
		case state == labels.Approved && !j.approvalWorked(scenario, labels.Approve, labels.ApprovedOwner):
		case hasError(x.Exchange, "slow_down"):
			j.warn("throttled", quoted("invalid_grant"), observed, x)
		case hasError(x.Exchange, "access_denied") && unlike != "" && unlike != "access_denied":
			j.warn("denial-shown", quoted("invalid_grant")+", as for a code that is pending", observed, x)
		case hasError(x.Exchange, "invalid_grant", "invalid_client", "unauthorized_client"):
			j.pass("%s: %s", state, describe(x.Exchange))
		case state != labels.Denied && misleads(x.Exchange) != "" && !j.deniedToOwner(state):
			j.contradicts(x, "invalid_grant", "another client's code that is "+state)
		default:
			j.warn("other-error", quoted("invalid_grant"), observed, x)
		}
		if state == labels.Pending {
			unlike = x.OAuthError()
		}
	}
	// Both are right: whoever holds the code may be its thief.
	if x, ok := j.maybe(scenario, labels.PendingOwner); ok && !recognised(x.Exchange) {
		j.note("code-killed", "the code no longer works for its client: "+describe(x.Exchange), x)
	}
}

// strangerRefused: a client that does not exist is told about no code. The caller
// has seen that the endpoint understands polls.
func (j *judging) strangerRefused() {
	const scenario = transcript.ForeignClient
	for _, state := range []string{labels.Pending, labels.Approved} {
		x, ok := j.maybe(scenario, labels.Join(state, labels.Stranger))
		if !ok {
			continue
		}
		what := "a client that does not exist and a code that is " + state
		observed := describe(x.Exchange) + " for " + what
		switch {
		case hasToken(x.Exchange):
			j.fail("token-unknown-client", quoted("invalid_client"), observed, x)
		case j.onlyThrottled(x, what):
		case recognised(x.Exchange):
			j.fail("recognised-unknown-client", quoted("invalid_client"), observed, x)
		case state == labels.Approved && !j.approvalWorked(scenario, labels.Approve, labels.ApprovedOwner):
		case hasError(x.Exchange, "invalid_client", "invalid_grant", "unauthorized_client"):
			j.pass("%s", observed)
		default:
			j.warn("other-error", quoted("invalid_client"), observed, x)
		}
	}
}

// publicForConfidential: a public client, which proves nothing, redeems no code of
// a confidential one.
func (j *judging) publicForConfidential() {
	const scenario = transcript.UnprovenClient
	x, ok := j.maybe(scenario, labels.Join(labels.Confidential, labels.Foreign))
	if !ok {
		return
	}
	const what = "a public client and a confidential client's code that is approved"
	observed := describe(x.Exchange) + " for " + what
	control, _ := j.maybe(scenario, labels.Join(labels.Pending, labels.Public, labels.Right))
	switch {
	case hasToken(x.Exchange):
		j.fail("token-confidential", quoted("invalid_grant"), observed, x)
	case j.onlyThrottled(x, what):
	case recognised(x.Exchange):
		j.fail("pending-shown", quoted("invalid_grant"), observed, x)
	case !recognised(control.Exchange):
		j.note("public-refused", "the public client cannot use its own code either, so its try of a confidential client's says nothing", x)
	case !j.confidentialApproved():
		j.note("no-confidential-code", "no end user approved a code of the confidential client, so a public client's try of it says nothing", x)
	case !j.approvalWorked(scenario, labels.Of(labels.Approve, labels.Confidential), labels.Join(labels.Confidential, labels.Redeem)):
	case hasError(x.Exchange, "invalid_grant", "invalid_client", "unauthorized_client"):
		j.pass("%s", observed)
	case misleads(x.Exchange) != "" && !hasError(control.Exchange, x.OAuthError()):
		j.contradicts(x, "invalid_grant", what)
	default:
		j.warn("other-error", quoted("invalid_grant"), observed, x)
	}
}

// confidentialApproved says that the code of the confidential client was approved.
func (j *judging) confidentialApproved() bool {
	visit, ok := j.Transcripts[transcript.UnprovenClient].Journey(labels.Of(labels.Approve, labels.Confidential))
	return !ok || visit.Outcome == transcript.Approved || visit.Decided
}

// deniedToOwner says that a code which nobody refused is answered access_denied for
// its own client too: that is not about whose code it is.
func (j *judging) deniedToOwner(state string) bool {
	for _, x := range j.all(transcript.ForeignClient, labels.Join(state, labels.Owner)) {
		if hasError(x.Exchange, "access_denied") {
			return true
		}
	}
	return false
}

// approvalWorked says that a code which was probed had really been approved: the
// owner got its token, or the code is dead, which the probe may have done.
func (j *judging) approvalWorked(scenario, journey, polls string) bool {
	if !j.approved(scenario, journey) {
		return false
	}
	list := j.all(scenario, polls)
	if len(list) == 0 {
		j.missing(scenario, polls)
		return false
	}
	if last := list[len(list)-1]; hasError(last.Exchange, "authorization_pending", "slow_down") {
		j.inconclusive("the approval had no effect: %s", describe(last.Exchange))
		return false
	}
	return true
}

// TOKEN-05
func clientIdentified(j *judging) {
	const scenario = transcript.UnprovenClient
	if t := j.Transcripts[scenario]; t.Absent != "" || len(t.Exchanges) == 0 {
		j.missing(scenario, "a poll")
		return
	}
	for _, p := range []struct {
		client, omit, without string
		right                 []string
	}{
		{labels.Public, "/" + labels.Absent, "client_id", []string{"invalid_request", "invalid_client"}},
		{labels.Confidential, "/" + labels.Secretless, "its secret", []string{"invalid_client"}},
		{labels.Confidential, "/" + labels.Wrong, "the right secret", []string{"invalid_client"}},
	} {
		if x, ok := j.maybe(scenario, labels.Join(labels.Pending, p.client)+p.omit); ok {
			control, ok := j.first(scenario, labels.Join(labels.Pending, p.client, labels.Right))
			switch {
			case !ok:
			case control.EndsGrant() && !recognised(x.Exchange):
				j.burned(p.client, control)
			case !recognised(control.Exchange) && !recognised(x.Exchange):
				j.inconclusive("the same code fails with %s too: %s", p.without, describe(control.Exchange))
			default:
				j.refusesUnidentified(x, p.client, p.without, labels.Pending, p.right)
			}
		}
		x, ok := j.maybe(scenario, p.client+p.omit)
		switch {
		case ok && (recognised(x.Exchange) || j.redeemedWithFailedBasic(p.client) || j.approvalWorked(scenario, labels.Of(labels.Approve, p.client), labels.Join(p.client, labels.Redeem))):
			j.refusesUnidentified(x, p.client, p.without, labels.Approved, p.right)
		case ok || p.omit == "/wrong":
			// The wrong secret is only sent where the profile allows it.
		case j.has(p.client):
			j.missing(scenario, p.client+p.omit)
		default:
			j.note("no-client", "the profile has no "+p.client+" client")
		}
	}
	j.failedBasicNoticed()
	for _, client := range []string{labels.Public, labels.Confidential} {
		polls := j.all(scenario, labels.Join(client, labels.Redeem))
		if len(polls) == 0 {
			continue
		}
		if last := polls[len(polls)-1]; last.EndsGrant() && !j.perhapsByAnother(client) {
			j.burned(client, last)
		}
	}
}

// redeemedWithFailedBasic says that the last try of a public client's code got its
// token, so that there was nothing left to redeem: the approval had worked.
func (j *judging) redeemedWithFailedBasic(client string) bool {
	x, ok := j.maybe(transcript.UnprovenClient, labels.Join(labels.Public, labels.FailedBasic))
	return ok && client == labels.Public && hasToken(x.Exchange)
}

// perhapsByAnother says that another client tried this client's code as well, and
// that this may have ended it: the RFCs leave open whether it does (TOKEN-04).
func (j *judging) perhapsByAnother(client string) bool {
	tried, ok := j.maybe(transcript.UnprovenClient, labels.Join(client, labels.Foreign))
	if !ok {
		return false
	}
	polls := j.all(transcript.ForeignClient, labels.ApprovedOwner)
	if !hasToken(tried.Exchange) && len(polls) > 0 && !polls[len(polls)-1].EndsGrant() {
		return false
	}
	j.note("ended", "the code no longer works for its client; another client tried it, too, which may be the cause", tried)
	return true
}

// burned: the code did not survive a request of somebody who proved nothing.
func (j *judging) burned(client string, after said) {
	if end := j.endsByItself(); end != "" {
		j.inconclusive("%s, and so ends a grant that is only polled: %s (see POLL-01)", describe(after.Exchange), end)
		return
	}
	j.warn("burned", "the code still works for its client", fmt.Sprintf("%s for a code after a request that named it without %s client's proof", describe(after.Exchange), article(client)), after)
}

// failedBasicNoticed: a client_id in the body does not undo a failed authentication.
func (j *judging) failedBasicNoticed() {
	const scenario = transcript.UnprovenClient
	x, ok := j.maybe(scenario, labels.Join(labels.Public, labels.FailedBasic))
	if !ok {
		return
	}
	const what = "HTTP Basic with credentials that are wrong, and a public client in the body"
	observed := describe(x.Exchange) + " for " + what
	switch {
	case hasToken(x.Exchange) && !j.readsBasic(j.Endpoints.Token):
		j.note("basic-unknown", "the server takes no notice of HTTP Basic at the token endpoint, and nothing shows that it knows it", x)
	case hasToken(x.Exchange):
		j.warnStrict("failed-basic-ignored", quoted("invalid_client", "invalid_request"), observed, x)
	case j.onlyThrottled(x, what):
	case recognised(x.Exchange): // it came before the server knew of the approval
	case !j.approvalWorked(scenario, labels.Of(labels.Approve, labels.Public), labels.Join(labels.Public, labels.Redeem)):
	case hasError(x.Exchange, "invalid_client", "invalid_request", "unauthorized_client"):
		j.pass("%s", observed)
	default:
		j.note("other-error", observed, x)
	}
}

// readsBasic says that an endpoint understands HTTP Basic: a client of the profile
// uses it there, and got codes or an answer to a poll with it alone.
func (j *judging) readsBasic(endpoint string) bool {
	for _, name := range sortedNames(j.Transcripts) {
		if slices.ContainsFunc(j.Transcripts[name].Exchanges, func(x wire.Exchange) bool {
			alone := !x.Form().Has("client_id") && !strings.Contains(x.Label, labels.FailedBasic) && x.Label != labels.WrongBasic
			return alone && x.URL == endpoint && strings.HasPrefix(x.Request.Header.Get("Authorization"), "Basic ") && (hasCodes(x) || recognised(x))
		}) {
			return true
		}
	}
	return false
}

func article(client string) string { return "the " + client }

// has says that the profile has such a client, which identifies itself its way.
func (j *judging) has(client string) bool {
	if client == "public" {
		return j.Profile.Clients.Public != nil && !j.Profile.Clients.Public.Authenticates()
	}
	return j.Profile.Clients.Confidential != nil && j.Profile.Clients.Confidential.Authenticates()
}

func (j *judging) refusesUnidentified(x said, client, without, state string, right []string) {
	observed := fmt.Sprintf("%s for %s client's %s code without %s", describe(x.Exchange), article(client), state, without)
	expected := quoted(strings.Split(strings.Join(right, " "), " ")...)
	switch {
	case hasToken(x.Exchange):
		j.fail("token-"+slug(without), expected, observed, x)
	case j.onlyThrottled(x, "a request without "+without):
	case recognised(x.Exchange):
		j.fail("recognised-"+slug(without), expected, observed, x)
	case hasError(x.Exchange, right...):
		j.pass("%s, without %s: %s", state, without, describe(x.Exchange))
	default:
		j.warn("other-error", expected, observed, x)
	}
}

// TOKEN-06
func tokenParametersInBody(j *judging) {
	const scenario = transcript.TokenTransport
	for _, p := range []struct{ label, what string }{
		{labels.MethodGET, "a GET with everything in the query"},
		{labels.MethodPUT, "a PUT"},
		{labels.QueryCode, "a POST with device_code in the query"},
	} {
		x, ok := j.maybe(scenario, p.label)
		if !ok {
			// The code may have been redeemed by the request before.
			get, _ := j.maybe(scenario, labels.MethodGET)
			put, _ := j.maybe(scenario, labels.MethodPUT)
			if p.label != labels.MethodPUT && !hasToken(get.Exchange) && !hasToken(put.Exchange) {
				j.missing(scenario, p.label)
			}
			continue
		}
		observed := fmt.Sprintf("%s for %s", describe(x.Exchange), p.what)
		switch {
		case hasToken(x.Exchange) && p.label == labels.MethodGET:
			j.fail("token-for-get", "405, or an error", observed, x)
		case recognised(x.Exchange) && p.label == labels.MethodGET:
			j.warn("get-recognised", "405, or an error", observed, x)
		case hasToken(x.Exchange) && p.label == labels.MethodPUT: // nothing of it ends up in a log
			j.warn("token-for-put", "405, or an error", observed, x)
		case p.label == labels.MethodPUT && j.onlyThrottled(x, p.what):
		case recognised(x.Exchange) && p.label == labels.MethodPUT:
			j.warn("put-recognised", "405, or an error", observed, x)
		case recognised(x.Exchange):
			j.warn("code-from-query", "an error: parameters belong in the body", observed, x)
		case !j.approvalWorked(scenario, labels.Approve, labels.Redeem):
		case serverFault(x.Exchange):
			j.warn("server-error", "a client error", observed, x)
		default:
			j.pass("%s", observed)
		}
	}
	x, ok := j.maybe(scenario, labels.SecretQuery)
	if !ok {
		j.untried("no-secret-in-query", "no secret was sent in the query: it needs --allow-lockouts (the secret ends up in access logs) and a client with a secret")
		return
	}
	none, asked := j.first(scenario, labels.SecretNone)
	right, ok := j.first(scenario, labels.SecretRight)
	redeemed, _ := j.maybe(transcript.UnprovenClient, labels.Join(labels.Confidential, labels.Secretless))
	switch {
	case !ok, !asked, j.onlyThrottled(none, "a request without the secret"), j.onlyThrottled(x, "the secret in the query"):
	case recognised(none.Exchange) && hasToken(redeemed.Exchange):
		j.note("no-secret-needed", "the server requires no secret at all (TOKEN-05)", none, redeemed)
	case recognised(none.Exchange):
		j.note("no-secret-to-poll", "the server answers a poll without the secret as well, so the answer to a secret in the query says nothing", none)
	case recognised(x.Exchange):
		j.fail("secret-from-query", quoted("invalid_client"), describe(x.Exchange)+" for a client_secret in the query", x, none)
	case !recognised(right.Exchange):
		j.inconclusive("the correct secret in the right place fails too: %s", explained(right.Exchange))
	default:
		j.pass("a secret in the query: %s", describe(x.Exchange))
	}
}

// TOKEN-07
func tokenMediaTypes(j *judging) {
	const scenario = transcript.TokenTransport
	control, ok := j.first(scenario, labels.TypesControl)
	if !ok {
		return
	}
	if !recognised(control.Exchange) {
		j.inconclusive("the valid control request fails: %s", explained(control.Exchange))
		return
	}
	hung := map[string]said{}
	for _, unanswered := range j.Transcripts[scenario].Asked(labels.Type) {
		if f := unanswered.Failure; f == nil || f.Kind != wire.FailTimeout {
			continue
		}
		if before, twice := hung[unanswered.Label]; twice {
			j.fail("hang", "an error response within the time limit", describe(unanswered)+", twice", before, said{unanswered, scenario})
		}
		hung[unanswered.Label] = said{unanswered, scenario}
	}
	list := j.all(scenario, labels.Type)
	if len(list) == 0 {
		j.missing(scenario, labels.Type)
	}
	after, alive := j.first(scenario, labels.TypesAfter)
	alive = alive && recognised(after.Exchange)
	for _, x := range list {
		kind := strings.TrimPrefix(x.Label, labels.Type+"/")
		observed := fmt.Sprintf("%s for a body of type %s", describe(x.Exchange), kind)
		switch {
		case serverFault(x.Exchange):
			j.fail("server-error", "400 or 415", observed, x)
		case kind == labels.Charset && recognised(x.Exchange):
			j.pass("the server accepts a charset parameter")
		case kind == labels.Charset && !alive:
			j.inconclusive("the code had already expired or ended when the body with a charset was sent")
		case kind == labels.Charset:
			j.warn("charset-refused", "a normal poll answer: a charset parameter makes no difference", observed, x)
		case j.onlyThrottled(x, "a body of type "+kind):
		case recognised(x.Exchange):
			j.warn("accepts-"+slug(kind), "400 or 415", observed, x)
		case !alive:
			j.inconclusive("the code no longer works: %s", describe(after.Exchange))
		default:
			j.pass("the server rejects %s", kind)
		}
	}
}
