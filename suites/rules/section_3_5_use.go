package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section35Use = []Rule{
	{"TOKEN-11", one(transcript.TokenUse), nil, scopeMember},
	{"TOKEN-12", one(transcript.TokenUse), nil, noWidening},
	{"TOKEN-13", one(transcript.Refresh), nil, refreshBound},
	{"TOKEN-14", one(transcript.Refresh), nil, refreshReplay},
	{"TOKEN-16", one(transcript.TokenUse), nil, tokenIsReal},
	{"TOKEN-17", one(transcript.TokenUse), nil, revocation},
	{"POLL-17", one(transcript.TokenUse), nil, codesNotInterchangeable},
}

const tokenUse = transcript.TokenUse

// TOKEN-11
func scopeMember(j *judging) {
	if g, ok := j.grantingOf(tokenUse, labels.Full); ok {
		j.scopesTold(labels.Full, g)
	} else {
		j.noToken(labels.Full)
	}
	if narrow := j.Profile.Verification.Narrow; narrow == nil {
		j.note("not-narrowed", "the profile does not say how an end user grants less (verification.narrow)")
	} else if j.narrowed() {
		if g, ok := j.grantingOf(tokenUse, labels.Narrowed); !ok {
			j.noToken(labels.Narrowed)
		} else if g.known && slices.Contains(g.actual, narrow.Scope) || !g.known && g.declares && slices.Contains(g.declared, narrow.Scope) {
			j.warn("narrowing-ignored", "a token without "+narrow.Scope+", which the end user did not grant", "the token has "+namedScopes(g.worth()), g.response)
		} else if !g.declares && !g.known {
			j.inconclusive("the end user granted less than requested, but there is no scope member: the token's scopes are unknown")
		} else {
			j.scopesTold(labels.Narrowed, g)
		}
	}
	// A target may refuse such requests.
	for _, name := range []string{labels.Default, labels.Unknown} {
		if g, ok := j.grantingOf(tokenUse, name); ok {
			j.scopesTold(name, g)
		}
	}
}

// narrowed says that the end user cleared the box that the profile names.
func (j *judging) narrowed() bool {
	if _, ok := j.maybe(tokenUse, labels.Join(labels.Narrowed, labels.Device)); !ok {
		j.missing(tokenUse, labels.Join(labels.Narrowed, labels.Device))
		return false
	}
	visit, ok := j.Transcripts[tokenUse].Journey(labels.Of(labels.Approve, labels.Narrowed))
	if !ok {
		j.note("not-narrowed", "the client does not request the scope of verification.narrow")
		return false
	}
	if !j.approved(tokenUse, labels.Of(labels.Approve, labels.Narrowed)) {
		return false
	}
	switch {
	case visit.Driver == "hook":
		j.note("not-narrowed", "the hook sees no pages and clears no checkbox: a browser run tells what a narrower grant is answered with")
	case !visit.Cleared:
		j.inconclusive("the decision page has no checkbox that matches verification.narrow")
	}
	return visit.Cleared
}

// noToken says why a device of this scenario got no token.
func (j *judging) noToken(name string) {
	polls := j.all(tokenUse, labels.Join(name, labels.Token))
	switch {
	case len(polls) > 0:
		j.inconclusive("the server issued no token: %s", describe(polls[len(polls)-1].Exchange))
	case j.Transcripts[tokenUse].Journeys != nil && !j.approved(tokenUse, labels.Of(labels.Approve, name)):
	default:
		j.missing(tokenUse, labels.Join(name, labels.Token))
	}
}

// scopesTold judges one token response.
func (j *judging) scopesTold(name string, g granting) {
	o, err := g.response.Object()
	if err != nil {
		return
	}
	if kind := o.Kind("scope"); kind != wire.Absent && !g.declares {
		j.fail("not-a-string", "scope is a string", "scope is "+string(kind), g.response)
		return
	}
	evidence := []said{g.response}
	if g.known && g.source.N != g.response.N {
		evidence = append(evidence, g.source)
	}
	broader := beyond(g.actual, slices.Concat(g.requested, g.declared))
	switch {
	case len(g.requested) == 0 && !g.declares:
		// Whether a default differs from nothing is open in section 3.3.
		j.note("default-untold", "neither the request nor the response names a scope; the token has "+namedScopes(g.actual), evidence...)
		return
	case g.known && len(g.requested) > 0 && len(broader) > 0:
		j.fail("broader-undeclared", "at most "+namedScopes(g.requested), "the token has "+namedScopes(g.actual), evidence...)
		return
	case g.known && !g.declares && !equalScopes(g.actual, g.requested):
		j.fail("absent-though-different", "scope: "+namedScopes(g.actual), fmt.Sprintf("no scope member, although the request asked for %s", namedScopes(g.requested)), evidence...)
		return
	case g.known && g.declares && !equalScopes(g.actual, g.declared):
		j.fail("wrong-value", "scope: "+namedScopes(g.actual), "scope: "+namedScopes(g.declared), evidence...)
		return
	case len(g.requested) > 0 && len(beyond(g.declared, g.requested)) > 0:
		// RFC 6749 section 3.3 lets the server's policy decide, and it says so.
		j.note("broader-declared", "more than "+namedScopes(g.requested)+" was granted, and declared: "+namedScopes(g.declared), evidence...)
	case !g.known && !g.declares && name != labels.Full:
		j.note("unseen", "there is no scope member, and the token's scopes are unknown", evidence...)
		return
	}
	j.pass("%s: %s granted of %s", name, namedScopes(g.worth()), namedScopes(g.requested))
}

// TOKEN-12
func noWidening(j *judging) {
	x, ok := j.first(tokenUse, labels.PartialWidened)
	if !ok || !j.approved(tokenUse, labels.Of(labels.Approve, labels.Partial)) {
		return
	}
	request, _ := j.maybe(tokenUse, labels.Join(labels.Partial, labels.Device))
	extra := extraScopes(x.Exchange, granting{requested: strings.Fields(request.Form().Get("scope"))})
	g, ok := j.grantingOf(tokenUse, labels.Partial, labels.PartialWidened)
	if !ok {
		polls := j.all(tokenUse, labels.PartialToken)
		if len(polls) > 0 && hasError(polls[len(polls)-1].Exchange, "authorization_pending", "slow_down") {
			j.inconclusive("the approval had no effect: %s", describe(polls[len(polls)-1].Exchange))
			return
		}
		if len(polls) > 0 && polls[len(polls)-1].EndsGrant() {
			j.burnedByScope(x, polls[len(polls)-1])
			return
		}
		j.pass("a poll that asks for more scopes gets no token: %s", describe(x.Exchange))
		return
	}
	if gained := common(extra, g.worth()); len(gained) > 0 {
		j.widened(gained, x, g)
		return
	}
	// The control: these scopes can be had by asking the end user.
	full, ok := j.grantingOf(tokenUse, labels.Full)
	if !ok || len(common(extra, full.worth())) == 0 {
		j.inconclusive("this client never gets %s, so a rejection proves nothing: set two scopes that it may have", namedScopes(extra))
		return
	}
	j.pass("a poll that also asks for %s: %s", namedScopes(extra), describe(x.Exchange))
}

// burnedByScope: a poll with a parameter that it does not have cost the end user's
// approval. The control is another approval of the same scenario that brought a token.
func (j *judging) burnedByScope(x, after said) {
	if end := j.endsByItself(); end != "" {
		j.inconclusive("%s, and so ends a grant that is only polled: %s (see POLL-01)", describe(after.Exchange), end)
		return
	}
	if _, ok := j.grantingOf(tokenUse, labels.Full); !ok {
		j.inconclusive("%s after a poll that asked for more scopes, but no other approval brought a token either", describe(after.Exchange))
		return
	}
	j.warn("burned", "the approval still works for a poll without the scope", fmt.Sprintf("%s for the code after a poll that asked for more scopes (%s)", describe(after.Exchange), describe(x.Exchange)), after, x)
}

// widened compares a token that has what only the poll asked for with the token
// of the same request whose poll asked for nothing: a server may grant more by
// its own policy.
func (j *judging) widened(gained []string, poll said, g granting) {
	plain, ok := j.grantingOf(tokenUse, labels.Unwidened)
	if !ok {
		j.inconclusive("the token has %s after a poll that asked for it; without a token whose poll did not, that may be the server's own policy", namedScopes(gained))
		return
	}
	more := beyond(gained, plain.worth())
	if len(more) == 0 {
		j.inconclusive("the server grants %s without being asked, so a poll cannot gain it: set two scopes in the profile that are granted on request", namedScopes(gained))
		return
	}
	j.fail("widened", "at most "+namedScopes(plain.worth())+", as without the scope in the poll", fmt.Sprintf("the token has %s after a poll that asked for it", namedScopes(more)), poll, g.response, plain.response)
}

// refreshToken returns the response that brought a refresh token.
func (j *judging) refreshToken(name string) (said, bool) {
	const scenario = transcript.Refresh
	polls := j.all(scenario, labels.Join(name, labels.Token))
	for _, x := range polls {
		if !hasToken(x.Exchange) {
			continue
		}
		if o, err := x.Object(); err == nil && o.Has("refresh_token") {
			return x, true
		}
		j.notApplicable("the token response has no refresh_token")
		return x, false
	}
	if len(polls) == 0 {
		j.missing(scenario, labels.Join(name, labels.Token))
	} else {
		j.inconclusive("the server issued no token: %s", describe(polls[len(polls)-1].Exchange))
	}
	return said{}, false
}

// mayNotRefresh says that the server issued a refresh token to a client from which
// it takes none.
func mayNotRefresh(x said) bool {
	return x.Status == 401 || hasError(x.Exchange, "invalid_client", "unauthorized_client")
}

// neverRefreshes says that two refresh tokens were issued to a client that may use
// none, by the server's own words. Another error may be about the token: some
// servers keep one for each end user and client.
func (j *judging) neverRefreshes(first said) bool {
	other, ok := j.maybe(transcript.Refresh, labels.ReplayFirst)
	for _, x := range []said{first, other} {
		if !ok || !hasError(x.Exchange, "invalid_client", "unauthorized_client") && (x.Status != 401 || x.OAuthError() != "") {
			return false
		}
	}
	return true
}

// TOKEN-13
func refreshBound(j *judging) {
	const scenario = transcript.Refresh
	issued, ok := j.refreshToken(labels.Binding)
	if !ok {
		return
	}
	owner, ok := j.first(scenario, labels.BindingOwner1)
	if !ok {
		return
	}
	if !hasToken(owner.Exchange) && j.neverRefreshes(owner) {
		// RFC 6749 section 5.1: it "can be used to obtain new access tokens".
		j.warn("refresh-useless", "a refresh token that its client can use (RFC 6749 section 6), or none", describe(owner.Exchange)+" for the first use of a refresh token by the client that it was issued to", owner, issued)
		return
	}
	if !hasToken(owner.Exchange) {
		j.inconclusive("the refresh token does not work for its own client either: %s", describe(owner.Exchange))
		return
	}
	foreign, ok := j.maybe(scenario, labels.BindingForeign)
	switch {
	case !ok && j.Profile.Clients.Second == nil && j.Profile.Clients.Confidential == nil:
		j.notApplicable("the profile has no second client")
	case !ok:
		j.missing(scenario, labels.BindingForeign)
	case hasToken(foreign.Exchange):
		j.fail("foreign-refresh", quoted("invalid_grant"), "a token for another client's refresh token", foreign, issued)
	case hasError(foreign.Exchange, "invalid_grant", "invalid_client", "unauthorized_client"):
		j.pass("another client's refresh token: %s", describe(foreign.Exchange))
	default:
		j.warn("other-error", quoted("invalid_grant"), describe(foreign.Exchange)+" for another client's refresh token", foreign)
	}

	larger, ok := j.first(scenario, labels.BindingLarger)
	if !ok {
		return
	}
	g, _ := j.grantingOf(scenario, labels.Binding)
	extra := extraScopes(larger.Exchange, g)
	again, _ := j.maybe(scenario, labels.BindingOwner2)
	switch {
	case len(common(extra, g.worth())) > 0:
		j.note("nothing-larger", "the token was broader than requested from the start (TOKEN-11)", issued)
	case hasToken(larger.Exchange):
		more := granting{response: larger, requested: g.requested}
		more.declare(j, scenario, labels.BindingLarger)
		if gained := common(extra, more.worth()); len(gained) > 0 {
			j.fail("refresh-widened", quoted("invalid_scope")+", or a token without extra scopes", "the new token has "+namedScopes(gained), larger, issued)
			return
		}
		j.pass("a refresh that asks for %s gains nothing", namedScopes(extra))
	case hasError(larger.Exchange, "invalid_scope"):
		j.pass("a refresh that asks for %s: %s", namedScopes(extra), describe(larger.Exchange))
	case !hasToken(again.Exchange):
		j.note("family-ended", "the refresh token no longer works after another client presented it", again)
	default:
		j.warn("other-error-scope", quoted("invalid_scope"), describe(larger.Exchange)+" for more scopes than granted", larger)
	}
}

// TOKEN-14
func refreshReplay(j *judging) {
	const scenario = transcript.Refresh
	if c := j.Profile.Clients.Public; c != nil && c.Authenticates() {
		j.notApplicable("clients.public authenticates, so no public client can get a refresh token")
		return
	}
	if _, ok := j.refreshToken(labels.Replay); !ok {
		return
	}
	first, ok := j.first(scenario, labels.ReplayFirst)
	if !ok {
		return
	}
	if mayNotRefresh(first) {
		j.notApplicable("the server accepts no refresh from the client that the token was issued to (see TOKEN-13): %s", describe(first.Exchange))
		return
	}
	if !hasToken(first.Exchange) {
		j.inconclusive("the refresh token does not work at all: %s", describe(first.Exchange))
		return
	}
	second, ok := j.first(scenario, labels.ReplaySecond)
	if !ok {
		return
	}
	if current, ok := j.first(scenario, labels.ReplayCurrent); !ok {
		return
	} else if !hasToken(current.Exchange) && !hasToken(second.Exchange) {
		j.inconclusive("the replacement refresh token does not work either: %s", describe(current.Exchange))
		return
	}
	o, _ := first.Object()
	kind, _ := o.String("token_type")
	switch {
	case !hasToken(second.Exchange):
		j.pass("a refresh token used before: %s", describe(second.Exchange))
		if !strings.EqualFold(kind, "DPoP") { // bound to a key, or rotated: either is enough
			j.familyEnds(second)
		}
	case strings.EqualFold(kind, "DPoP"):
		j.pass("the tokens are bound to a client key")
	default:
		j.warnStrict("replay-accepted", "an error (refresh tokens of public clients rotate, or are bound to the client)", "a token for a used refresh token", second, first)
	}
}

// familyEnds: a used refresh token tells the server that somebody has stolen one of
// them, and it revokes the active one (RFC 9700 section 4.14.2). The text describes
// that and demands only that a replay is detected, so this is a warning.
func (j *judging) familyEnds(second said) {
	after, ok := j.maybe(transcript.Refresh, labels.ReplayAfter)
	switch {
	case !ok:
	case hasToken(after.Exchange):
		j.warn("family-lives", "the newest refresh token of the grant is revoked when an older one is used again (RFC 9700 section 4.14.2)",
			"the newest refresh token still works after a used one of the same grant was presented", after, second)
	default:
		j.pass("the newest one afterwards: %s", describe(after.Exchange))
	}
}

// TOKEN-16
func tokenIsReal(j *judging) {
	g, ok := j.grantingOf(tokenUse, labels.Full)
	if !ok {
		j.noToken(labels.Full)
		return
	}
	if j.Endpoints.Introspection == "" && j.Endpoints.UserInfo == "" {
		j.notApplicable("neither the metadata nor the profile names an introspection or userinfo endpoint of this server")
		return
	}
	client := j.tokenUser()
	j.userInfoAnswers(g)
	j.introspected(g, client)
	j.subjects()
}

// tokenUser is the client of this scenario.
func (j *judging) tokenUser() string {
	if c := j.clientFor(tokenUse, labels.Join(labels.Full, labels.Device)); c != nil {
		return c.ID
	}
	return ""
}

// clientFor is the confidential client, or the public one where a scenario used
// that instead; nil where the profile has neither. A client that authenticates with
// HTTP Basic does not name itself in the body.
func (j *judging) clientFor(scenario, label string) *profiles.Client {
	request, _ := j.maybe(scenario, label)
	clients, id := j.Profile.Clients, request.Form().Get("client_id")
	if clients.Confidential == nil || clients.Public != nil && id == clients.Public.ID {
		return clients.Public
	}
	return clients.Confidential
}

// bearer says that the token can be shown without a proof.
func bearer(x wire.Exchange) bool {
	o, err := x.Object()
	if err != nil {
		return false
	}
	kind, _ := o.String("token_type")
	return strings.EqualFold(kind, "Bearer")
}

// expirySlack is how far an introspected lifetime may be from expires_in.
const expirySlack = 10

func (j *judging) introspected(g granting, client string) {
	x, ok := j.maybe(tokenUse, labels.Join(labels.Full, labels.Introspection))
	switch {
	case j.Endpoints.Introspection == "":
		j.note("no-introspection", "neither the metadata nor the profile names an introspection endpoint of this server")
		return
	case !ok && j.Profile.Clients.Confidential == nil:
		j.note("no-introspection", "the profile has no confidential client to call the introspection endpoint")
		return
	case !ok:
		j.missing(tokenUse, labels.Join(labels.Full, labels.Introspection))
		return
	}
	o, err := x.Object()
	own := j.Profile.Clients.Confidential != nil && j.Profile.Clients.Confidential.ID == client
	switch {
	case err != nil || x.Status != 200 || !o.Has("active"):
		j.note("introspection-refused", "the introspection endpoint returns "+describe(x.Exchange), x)
		return
	case !active(x.Exchange) && !own:
		j.note("introspection-silent", "the introspection endpoint reveals nothing about another client's token, as RFC 7662 section 2.2 allows", x)
		return
	case !active(x.Exchange):
		j.calledInactive(x, g)
		return
	}
	if id, ok := o.String("client_id"); ok && id != client {
		j.fail("other-client", "client_id "+clip(client), "client_id "+clip(id), x, g.response)
	}
	response, err := g.response.Object()
	if err == nil {
		lifetime, told := response.Number("expires_in")
		exp, hasExp := o.Number("exp")
		iat, hasIat := o.Number("iat")
		if told && hasExp && hasIat && math.Abs(exp-iat-lifetime) > expirySlack {
			j.warn("other-lifetime", fmt.Sprintf("a lifetime of %v s, as in expires_in", lifetime), fmt.Sprintf("exp is %v s after iat", exp-iat), x, g.response)
		}
	}
	j.pass("the token is active")
}

// calledInactive is about a token that introspection calls inactive. RFC 7662
// section 2.2 has that answer also for a caller who may not know about the
// token, so only a second endpoint shows what the token is worth.
func (j *judging) calledInactive(x said, g granting) {
	switch works := j.alive(labels.Full, labels.Userinfo); {
	case works == nil, !*works && !openIDGranted(g):
		j.inconclusive("introspection calls the token just issued inactive, which RFC 7662 section 2.2 allows for a caller outside its audience, and no other endpoint shows whether it works")
	case *works:
		j.note("introspection-silent", "introspection calls the token inactive, and the userinfo endpoint accepts it: RFC 7662 section 2.2 allows that for a caller outside its audience", x)
	default:
		y, _ := j.maybe(tokenUse, labels.Join(labels.Full, labels.Userinfo))
		j.fail("inactive", "a token that works", "introspection calls the token just issued inactive, and the userinfo endpoint refuses it", x, y, g.response)
	}
}

// openIDGranted says that the userinfo endpoint has something to say.
func openIDGranted(g granting) bool {
	return slices.Contains(g.requested, "openid") && (!g.declares || slices.Contains(g.declared, "openid"))
}

func (j *judging) userInfoAnswers(g granting) {
	switch {
	case j.Endpoints.UserInfo == "":
		j.note("no-userinfo", "neither the metadata nor the profile names a userinfo endpoint of this server")
		return
	case !openIDGranted(g):
		j.note("no-userinfo", "the scope openid was not granted, so the userinfo endpoint returns nothing")
		return
	case !bearer(g.response.Exchange):
		j.note("no-userinfo", "the token is not a bearer token", g.response)
		return
	}
	if x, ok := j.first(tokenUse, labels.Join(labels.Full, labels.Userinfo)); ok {
		switch {
		case x.Status == 200:
			j.pass("the userinfo endpoint accepts the token")
		case x.Status == 401:
			j.fail("userinfo-refuses", "status 200", fmt.Sprintf("%s for a token just issued", describe(x.Exchange)), x, g.response)
		default:
			j.warn("userinfo-other", "status 200", describe(x.Exchange), x, g.response)
		}
	}
	if x, ok := j.first(tokenUse, labels.BareUserinfo); ok {
		switch {
		case x.Status/100 == 2:
			j.fail("userinfo-open", "401 without a token", describe(x.Exchange), x)
		case x.Status != 401:
			j.warn("userinfo-bare", "401", describe(x.Exchange)+" without a token", x)
		case !hasChallenge(x.Exchange, "Bearer"):
			j.warn("userinfo-challenge", "WWW-Authenticate: Bearer", headerLine(x.Exchange, "WWW-Authenticate"), x)
		default:
			j.pass("without a token: 401, %s", clip(x.Header("WWW-Authenticate")))
		}
	}
}

// subjects compares the approver of "full" with the end user who approved
// "other" meanwhile. Each source is compared with itself: a client may know a
// person under another name than a resource server does.
func (j *judging) subjects() {
	first, second := j.userName("first", j.Profile.Users.First), j.userName("second", j.Profile.Users.Second)
	for _, member := range []struct{ label, name string }{
		{labels.Introspection, "sub"}, {labels.Introspection, "username"}, {labels.Userinfo, "sub"},
	} {
		mine, x := j.memberOf(labels.Join(labels.Full, member.label), member.name)
		theirs, y := j.memberOf(labels.Join(labels.Other, member.label), member.name)
		switch {
		case mine == "":
		case mine == theirs && j.hooked(tokenUse):
			j.note("one-subject", hookIgnoresUser, x, y)
		case second != "" && mine == second && mine != first:
			j.fail("other-subject", fmt.Sprintf("the %s of the end user who approved", member.name), fmt.Sprintf("the %s of another end user, who logged in meanwhile", member.name), x)
		case theirs != "" && mine == theirs:
			j.fail("other-subject", "two end users have two names", fmt.Sprintf("the tokens of two end users have the same %s at the %s endpoint", member.name, member.label), x, y)
		case theirs != "":
			j.pass("two end users have two names (%s, %s)", member.label, member.name)
		}
	}
	if _, ok := j.maybe(tokenUse, labels.Join(labels.Other, labels.Token)); !ok {
		if j.Profile.Users.Second == nil {
			j.note("one-user", "the profile has no second user, so mixed-up users were not checked")
		} else {
			j.note("one-user", "the second user could not approve, so mixed-up users were not checked")
		}
	}
}

// memberOf is a string member of an answer about a live token.
func (j *judging) memberOf(label, name string) (string, said) {
	x, ok := j.maybe(tokenUse, label)
	if !ok || x.Status != 200 {
		return "", x
	}
	o, err := x.Object()
	if err != nil {
		return "", x
	}
	s, _ := o.String(name)
	return s, x
}

func username(u *profiles.User) string {
	if u == nil {
		return ""
	}
	return u.Username.Reveal()
}

// TOKEN-17
func revocation(j *judging) {
	g, ok := j.grantingOf(tokenUse, labels.Full)
	if !ok {
		j.noToken(labels.Full)
		return
	}
	if j.Endpoints.Revocation == "" {
		j.notApplicable("neither the metadata nor the profile names a revocation endpoint of this server")
		return
	}
	j.foreignRevocation(g)
	if x, ok := j.first(tokenUse, labels.UnknownRevocation); ok {
		if x.Status == 200 {
			j.pass("a token that was never issued: 200")
		} else {
			j.warn("unknown-refused", "200: the token is already invalid", describe(x.Exchange)+" for a token that was never issued", x)
		}
	}
	j.ownRevocation(g)
	j.refreshRevocation()
}

func (j *judging) foreignRevocation(g granting) {
	x, ok := j.maybe(tokenUse, labels.ForeignRevocation)
	if !ok {
		j.note("no-second-client", "no other client tried to revoke the token")
		return
	}
	seen := false
	for _, means := range []string{labels.Introspection, labels.Userinfo} {
		before, after := j.alive(labels.BeforeRevocation, means), j.alive(labels.AfterForeignRevocation, means)
		if before == nil || !*before || after == nil {
			continue
		}
		seen = true
		if !*after {
			y, _ := j.maybe(tokenUse, labels.Join(labels.AfterForeignRevocation, means))
			j.fail("foreign-revoked", "the token still works", "another client revoked the token", x, y, g.response)
			return
		}
	}
	if seen {
		j.pass("another client cannot revoke the token: %s", describe(x.Exchange))
	} else {
		j.note("unseen", "not looked at: whether another client's request revoked the token, which no endpoint shows", x)
	}
}

// alive says whether a token works, by one of the means to see it; nil: it
// cannot be seen.
func (j *judging) alive(label, means string) *bool {
	x, ok := j.maybe(tokenUse, label+"/"+means)
	if !ok {
		return nil
	}
	works := x.Status == 200
	switch {
	case means == "introspection":
		o, err := x.Object()
		if err != nil || x.Status != 200 || !o.Has("active") {
			return nil
		}
		works = active(x.Exchange)
	case !works && x.Status != 401:
		return nil
	}
	return &works
}

func (j *judging) ownRevocation(g granting) {
	x, ok := j.first(tokenUse, labels.Revocation)
	if !ok {
		return
	}
	if x.Status != 200 {
		if hasError(x.Exchange, "unsupported_token_type") {
			j.warn("access-token-unsupported", "200", "only refresh tokens can be revoked (RFC 7009 section 2: access tokens SHOULD be)", x)
		} else {
			j.fail("refused", "200", describe(x.Exchange)+" for the client's own token", x)
		}
		return
	}
	seen := false
	for _, means := range []string{labels.Introspection, labels.Userinfo} {
		before, after := j.alive(labels.BeforeRevocation, means), j.alive(labels.AfterRevocation, means)
		if before == nil || !*before || after == nil {
			continue
		}
		seen = true
		if !*after {
			continue
		}
		y, _ := j.maybe(tokenUse, labels.Join(labels.AfterRevocation, means))
		o, _ := g.response.Object()
		access, _ := o.String("access_token")
		observed := fmt.Sprintf("the token still works after revocation (%s)", means)
		if _, selfContained := j.claimsIn(access); selfContained {
			j.warn("still-active-jwt", "a token that no longer works", observed, x, y)
			return
		}
		j.fail("still-active", "a token that no longer works", observed, x, y)
		return
	}
	const unseen = "no introspection or userinfo endpoint shows whether a revoked access token still works"
	switch _, refresh := j.maybe(tokenUse, labels.RevokedRefresh); {
	case seen:
		j.pass("revocation: 200, and the token no longer works")
	case refresh: // what a revoked refresh token is worth was seen
		j.note("not-looked-at", unseen, x)
	default:
		j.inconclusive("revocation: 200, and %s", unseen)
	}
}

func (j *judging) refreshRevocation() {
	x, ok := j.maybe(tokenUse, labels.RefreshRevocation)
	if !ok {
		if issued, some := j.withRefreshToken(); some {
			j.note("refresh-token-kept", "a refresh token was issued, but none was revoked", issued)
		} else {
			j.note("no-refresh-token", "no refresh token was issued, so none was revoked")
		}
		return
	}
	if x.Status != 200 {
		j.fail("refresh-refused", "200", describe(x.Exchange)+" for the client's own refresh token", x)
		return
	}
	use, ok := j.first(tokenUse, labels.RevokedRefresh)
	switch {
	case !ok:
	case hasToken(use.Exchange):
		j.fail("refresh-survives", quoted("invalid_grant"), "a token for a revoked refresh token", use, x)
	default:
		j.pass("a revoked refresh token: %s", describe(use.Exchange))
	}
	alive := j.alive(labels.AfterRefreshRevocation, labels.Introspection)
	if alive == nil {
		return
	}
	y, _ := j.maybe(tokenUse, labels.AfterRefreshRevocationIntrospection)
	switch {
	case *alive:
		j.note("access-token", "after the revocation of a refresh token, its access token is still active", y)
	case j.wasActive(y.Form().Get("token")):
		j.note("access-token", "after the revocation of a refresh token, its access token is no longer active", y)
	}
}

// withRefreshToken is a token response of this scenario that has a refresh token.
func (j *judging) withRefreshToken() (said, bool) {
	for _, name := range []string{labels.Full, labels.Partial, labels.Narrowed, labels.Default, labels.Unknown, labels.Mixed} {
		if g, ok := j.grantingOf(tokenUse, name, labels.Join(name, labels.Widened)); ok {
			if o, err := g.response.Object(); err == nil && o.Has("refresh_token") {
				return g.response, true
			}
		}
	}
	return said{}, false
}

// wasActive says that introspection called a token active at some time.
func (j *judging) wasActive(token string) bool {
	for _, x := range j.Transcripts[tokenUse].Exchanges {
		if x.Form().Get("token") == token && active(x) {
			return true
		}
	}
	return false
}

// POLL-17
func codesNotInterchangeable(j *judging) {
	j.userCodeRefused()
	j.codesAreNoTokens()
	for _, p := range []struct{ label, what, code string }{
		{labels.MixedAsCode, "an approved device code presented as an authorization code", "device-code-as-code"},
		{labels.MixedAsRefreshToken, "an approved device code presented as a refresh token", "device-code-as-refresh-token"},
	} {
		x, ok := j.first(tokenUse, p.label)
		switch {
		case !ok:
		case j.perhapsThrottled(x, p.what):
		case recognised(x.Exchange):
			j.fail(p.code, "an error", fmt.Sprintf("%s for %s", describe(x.Exchange), p.what), x)
		case j.approvalWorked(tokenUse, labels.Of(labels.Approve, labels.Mixed), labels.MixedToken):
			j.pass("%s: %s", p.what, describe(x.Exchange))
		}
	}
	if x, ok := j.first(tokenUse, labels.AccessTokenAsDeviceCode); ok {
		const what = "an access token presented as a device code"
		switch {
		case j.perhapsThrottled(x, what):
		case recognised(x.Exchange):
			j.fail("access-token-as-device-code", quoted("invalid_grant"), describe(x.Exchange)+" for "+what, x)
		default:
			j.pass("%s: %s", what, describe(x.Exchange))
		}
	}
	if j.hooked(tokenUse) {
		j.note("not-typed", "the hook sees no pages, so no device code was typed as a user code: a browser run tells")
		return
	}
	if visit, _ := j.Transcripts[tokenUse].Journey(labels.DeviceCodeTyped); visit.Trouble != nil && visit.Trouble.Class == transcript.ValueLost {
		j.pass("the code field cannot hold a device code")
		return
	}
	visit, ok := j.journey(tokenUse, labels.DeviceCodeTyped)
	switch {
	case !ok:
	case onlySaysSo(visit):
		j.note("unclear", "a page says success for a device code typed as a user code, and nobody had decided: it may say so to anyone")
	case visit.Outcome == transcript.AtDecision || visit.Outcome == transcript.Approved:
		x, _ := j.maybe(tokenUse, labels.TypedDevice)
		j.fail("device-code-typed", "a rejection", "the page accepts a device code as a user code", x)
	default:
		j.pass("a device code typed as a user code: %s", visit.Outcome)
	}
}

// codesAreNoTokens: a resource server that asks about a code that nobody approved
// must not take it for a token. The control is a token that introspection knows.
func (j *judging) codesAreNoTokens() {
	real, ok := j.maybe(tokenUse, labels.Join(labels.Full, labels.Introspection))
	for _, x := range j.all(tokenUse, labels.PendingIntrospection) {
		what := strings.TrimPrefix(x.Label, labels.PendingIntrospection+"/") + " that nobody approved"
		switch {
		case active(x.Exchange):
			j.fail("introspection-active", "active: false", "introspection calls a "+what+" active", x)
		case ok && active(real.Exchange):
			j.pass("introspection does not call a %s active", what)
		}
	}
}

func (j *judging) userCodeRefused() {
	const label = labels.UserCodeAsDeviceCode
	x, ok := j.first(tokenUse, labels.Join(label, labels.Poll))
	if !ok {
		return
	}
	control, ok := j.first(tokenUse, labels.Join(label, labels.Control))
	observed := describe(x.Exchange) + " for a user code presented as the device code"
	switch {
	case hasToken(x.Exchange), hasError(x.Exchange, "authorization_pending"):
		j.fail("user-code-accepted", quoted("invalid_grant"), observed, x)
	case !ok:
	case !recognised(control.Exchange):
		j.inconclusive("the device code fails too: %s", explained(control.Exchange))
	case hasError(x.Exchange, "slow_down"):
		j.warn("throttled", quoted("invalid_grant"), observed, x)
	default:
		j.pass("%s", observed)
	}
}
