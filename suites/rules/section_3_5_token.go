package rules

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section35Token = []Rule{
	{"TOKEN-09", collecting, nil, tokenResponseForm},
	{"TOKEN-10", collecting, nil, tokenResponseNotCacheable},
	{"POLL-13", []string{transcript.Approval, transcript.EarlyApproval, transcript.RepeatedGrants}, nil, approvalSeenPromptly},
	{"POLL-14", one(transcript.Approval), nil, singleUse},
}

// tokenResponses returns the successful token responses of a run, one of each
// scenario that collected one.
func (j *judging) tokenResponses() (list []said) {
	for _, scenario := range collecting {
		found := false
		for _, x := range j.all(scenario, labels.Token) {
			if x.Status/100 == 2 && (hasToken(x.Exchange) || x.OAuthError() == "") {
				list, found = append(list, x), true
				break
			}
		}
		if !found {
			j.success(scenario) // says why there is none
		}
	}
	return list
}

// collecting are the scenarios whose token responses TOKEN-09 and TOKEN-10 judge.
var collecting = []string{transcript.Approval, transcript.EarlyApproval}

// wholeTokens are the answers with a token that came to their end.
func (j *judging) wholeTokens() (list []said) {
	for _, scenario := range collecting {
		for _, x := range j.all(scenario, labels.Token) {
			if hasToken(x.Exchange) {
				list = append(list, x)
			}
		}
	}
	return list
}

// overdueTokens are the answers with a token whose headers promise more.
func (j *judging) overdueTokens() (list []said) {
	for _, scenario := range collecting {
		list = append(list, j.overdueIn(scenario, labels.Token, "access_token")...)
	}
	return list
}

// TOKEN-09
func tokenResponseForm(j *judging) {
	if j.overlong(j.wholeTokens(), j.overdueTokens()) {
		return
	}
	for _, x := range j.tokenResponses() {
		o, err := x.Object()
		if err != nil {
			j.fail("not-an-object", "one JSON object", unreadable(x.Exchange, err), x)
			continue
		}
		if x.Status != 200 {
			j.fail("status", "status 200", describe(x.Exchange), x)
		}
		if mediaType(x.Exchange) != "application/json" {
			j.fail("media-type", "Content-Type application/json", headerLine(x.Exchange, "Content-Type"), x)
		}
		j.flawed(x)
		j.stringMember(x, o, "access_token")
		if kind, ok := j.stringMember(x, o, "token_type"); ok && !j.hidden(kind) {
			j.tokenType(x, kind)
		}
		j.ownRefreshToken(x, o)
		if o.Has("error") {
			j.fail("error-beside-token", "no error member", "an error member with access_token", x)
		}
		if d := o.Duplicates(); len(d) > 0 {
			j.fail("repeated-member", "each member once", "repeated: "+clip(strings.Join(d, ", ")), x)
		}
		if o.Kind("expires_in") == wire.Absent {
			j.warn("no-expires-in", "expires_in (RECOMMENDED)", "expires_in is absent", x)
		} else if _, ok := j.positive(x, o, "expires_in", j.fail); ok {
			if form, found := unlikeInteger(o, "expires_in"); found {
				j.warn("number-form", "digits only (RFC 6749 appendix A.14)", form, x)
			}
		}
		if names := furtherMembers(o, tokenMembers); names != "" {
			j.note("further-members", "members that RFC 6749 section 5.1 does not name: "+names, x)
		}
		j.pass("a flat object of %d members", len(o.Members))
	}
}

// tokenTypes are those of the IANA registry "OAuth Access Token Types".
var tokenTypes = []string{"bearer", "dpop", "n_a", "pop"}

// typeName is the ABNF of RFC 6749 appendix A.13, without URIs.
var typeName = regexp.MustCompile(`^[-._0-9A-Za-z]+$`)

// tokenType judges whether a client can use a token of that type: it must not use
// one of a type that it does not know (RFC 6749 section 7.1).
func (j *judging) tokenType(x said, kind string) {
	u, err := url.Parse(kind)
	switch {
	case slices.Contains(tokenTypes, strings.ToLower(kind)):
	case err == nil && u.IsAbs() && !strings.ContainsFunc(kind, unicode.IsSpace):
		j.note("token-type", fmt.Sprintf("token_type is the URI %s: only its own clients know it", clip(kind)), x)
	case !typeName.MatchString(kind):
		j.fail("token-type", "a name of letters, digits, -, . and _, or a URI (RFC 6749 section 8.1)", fmt.Sprintf("token_type is %q", clip(kind)), x)
	default:
		// The registry may grow.
		j.warnStrict("token-type", "a registered token type, for example Bearer (RFC 6749 section 8.1)", fmt.Sprintf("token_type is %q, which no client knows and so may use", clip(kind)), x)
	}
}

// ownRefreshToken judges whether the refresh token is a secret of its own: it is for
// the server alone (RFC 6749 section 10.4), and the access token is shown to others.
func (j *judging) ownRefreshToken(x said, o wire.Object) {
	refresh, _ := o.String("refresh_token")
	access, _ := o.String("access_token")
	code := x.Form().Get("device_code")
	switch {
	case refresh != "" && refresh == access:
		j.fail("refresh-is-access", "a refresh token that differs from the access token (RFC 6749 sections 1.5 and 10.4)", "they are equal: every resource server learns the refresh token", x)
	case refresh != "" && refresh == code:
		j.warn("refresh-is-device-code", "a refresh token that differs from the device code", "they are equal: the code outlives its use", x)
	case access != "" && access == code:
		j.warn("access-is-device-code", "an access token that differs from the device code", "they are equal: every resource server learns the device code", x)
	}
}

// TOKEN-10
func tokenResponseNotCacheable(j *judging) {
	for _, x := range j.tokenResponses() {
		if !noStore(x.Exchange) {
			j.fail("no-store", "Cache-Control: no-store", headerLine(x.Exchange, "Cache-Control"), x)
			continue
		}
		if !strings.EqualFold(x.Header("Pragma"), "no-cache") {
			j.warn("pragma", "Pragma: no-cache", headerLine(x.Exchange, "Pragma"), x)
		}
		j.pass("Cache-Control: %s", clip(x.Header("Cache-Control")))
	}
}

// POLL-13
func approvalSeenPromptly(j *judging) {
	series := j.repetition()
	// Approvals arrive as a rule: those of this kind, after a first poll or before it.
	mostly := map[string]bool{transcript.Approval: series.granted-series.early > 1, transcript.EarlyApproval: series.early > 1}
	for _, c := range []struct{ scenario, when string }{
		{transcript.Approval, "after a first poll"},
		{transcript.EarlyApproval, "before the first poll"},
	} {
		if !j.approved(c.scenario, labels.Approve) {
			continue
		}
		polls := j.all(c.scenario, labels.Token)
		if len(polls) == 0 {
			j.missing(c.scenario, labels.Token)
			continue
		}
		last := polls[len(polls)-1]
		switch {
		case hasToken(last.Exchange) && len(polls) == 1:
			series.granted++
			j.pass("approved %s, seen at the next poll", c.when)
		case hasToken(last.Exchange) && len(polls) == 2:
			// What is written in one place may need up to an interval to be read in another.
			series.granted++
			j.note("one-poll-late", fmt.Sprintf("approved %s, seen at the second poll", c.when), polls...)
			j.pass("approved %s, seen within one more interval", c.when)
		case hasToken(last.Exchange):
			series.granted++
			j.warn("late", "200 at the next compliant poll, or the one after it", fmt.Sprintf("approved %s, seen at poll %d", c.when, len(polls)), polls...)
		case wantsProof(last):
			j.inconclusive("%s", noProof(last.Exchange))
		case hasError(last.Exchange, "authorization_pending", "slow_down") && !j.certain(j.visitOf(c.scenario), c.scenario, labels.Token):
		case !recognised(last.Exchange) && !j.livedUntilApproved(last):
		case mostly[c.scenario] && hasError(last.Exchange, "authorization_pending"):
			series.lost = append(series.lost, last)
		default:
			j.fail("not-seen", "200 at the next compliant poll", fmt.Sprintf("approved %s: %s after %d polls", c.when, describe(last.Exchange), len(polls)), polls...)
		}
	}
	if len(j.Transcripts[transcript.RepeatedGrants].Exchanges) > 0 {
		j.lostNowAndThen(series)
	}
}

// livedUntilApproved says that a grant whose device hears neither that it is pending
// nor gets a token had been pending before its approval. One that was approved before its first poll cannot have been seen
// pending: there, another device of the client stands in for it.
func (j *judging) livedUntilApproved(end said) bool {
	if end.scenario != transcript.EarlyApproval {
		return j.wasPending(end)
	}
	if other, ok := j.maybe(transcript.EarlyApproval, labels.Join(labels.Served, labels.Poll)); ok && !recognised(other.Exchange) {
		j.inconclusive("%s, and so ends the grant of another device that nobody decided about: %s", describe(end.Exchange), describe(other.Exchange))
		return false
	}
	if alone := j.endsByItself(); alone != "" {
		j.inconclusive("%s, and so ends a grant that is only polled: %s (see POLL-01)", describe(end.Exchange), alone)
		return false
	}
	return true
}

// visitOf is the journey that approved in a scenario.
func (j *judging) visitOf(scenario string) transcript.Journey {
	visit, _ := j.Transcripts[scenario].Journey(labels.Approve)
	return visit
}

// POLL-14
func singleUse(j *judging) {
	token, ok := j.success(transcript.Approval)
	if !ok {
		return
	}
	first, _ := token.Object()
	reused := j.all(transcript.Approval, labels.Reuse)
	if len(reused) == 0 {
		j.missing(transcript.Approval, labels.Reuse)
	}
	for _, x := range reused {
		o, _ := x.Object()
		same := valueOf(o, "access_token") == valueOf(first, "access_token")
		switch {
		case hasToken(x.Exchange) && same:
			j.warn("same-again", quoted("invalid_grant"), "the same token again", token, x)
		case hasToken(x.Exchange):
			j.fail("second-token", quoted("invalid_grant"), "a second, different access token for one approval", token, x)
		case hasError(x.Exchange, "authorization_pending"):
			j.fail("pending-again", quoted("invalid_grant"), describe(x.Exchange)+" for a used code", token, x)
		case hasError(x.Exchange, "slow_down"):
			j.inconclusive("a used code got slow_down at a compliant pace")
		case x.EndsGrant():
			j.pass("%s for a used code", describe(x.Exchange))
		default:
			j.warn("other-error", quoted("invalid_grant"), describe(x.Exchange)+" for a used code", x)
		}
	}
}
