package rules

import (
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

// tokenOfVariant follows a device authorization request with unknown parameters, a
// charset and another order to its token. The control is the token of a plain one, by
// the same end user. A difference counts when it comes twice, the second time with
// polls as usual: what is odd about the first ones then has no part in it.
func (j *judging) tokenOfVariant() {
	const scenario = transcript.TokenTransport
	plain, ok := j.grantingOf(scenario, labels.Device, labels.Redeem, labels.MethodGET, labels.MethodPUT, labels.QueryCode)
	if !ok || !j.approvedIn(scenario, labels.Of(labels.Approve, labels.Variant)) {
		return
	}
	once := j.unlikePlain(labels.Variant, plain)
	switch {
	case once == "" && len(j.all(scenario, labels.Join(labels.Variant, labels.Token))) == 0:
		return
	case once == "":
		j.pass("its token is as that of a plain request")
		return
	}
	polls := j.all(scenario, labels.Join(labels.Variant, labels.Token))
	again := j.all(scenario, labels.Join(labels.VariantAgain, labels.Token))
	if !j.approvedIn(scenario, labels.Of(labels.Approve, labels.VariantAgain)) || len(again) == 0 {
		j.note("variant-once", once+" after a request with unknown parameters, a charset and another order: seen once", polls...)
		return
	}
	if twice := j.unlikePlain(labels.VariantAgain, plain); twice != "" {
		j.warnStrict("variant-token", "the token of a request without unknown parameters: they are ignored, and a charset and the order mean nothing",
			twice+" after a request with unknown parameters, a charset and another order, twice", polls[len(polls)-1], again[len(again)-1], plain.response)
		return
	}
	j.note("variant-poll", once+" where the polls had unknown parameters, a charset and another order; the codes of such a request are as good as others", polls...)
}

// approvedIn says that the journey approved.
func (j *judging) approvedIn(scenario, journey string) bool {
	visit, ok := j.Transcripts[scenario].Journey(journey)
	return ok && visit.Outcome == transcript.Approved
}

// unlikePlain says in what the token of a varied request differs from a plain one's,
// "" if in nothing, or if it is not known.
func (j *judging) unlikePlain(name string, plain granting) string {
	const scenario = transcript.TokenTransport
	g, ok := j.grantingOf(scenario, name)
	polls := j.all(scenario, labels.Join(name, labels.Token))
	switch {
	case !ok && len(polls) > 0:
		return "no token (" + describe(polls[len(polls)-1].Exchange) + ")"
	case !ok:
		return ""
	}
	plain.requested = g.requested // both devices ask for the same
	return unlike(g, plain)
}

// unlike says in what two tokens differ by what the responses say of them.
func unlike(g, plain granting) string {
	of := func(g granting) string {
		o, err := g.response.Object()
		if err != nil {
			return ""
		}
		kind, _ := o.String("token_type")
		return kind
	}
	switch {
	case !equalScopes(g.worth(), plain.worth()) && g.known == plain.known:
		return fmt.Sprintf("a token with %s instead of %s", namedScopes(g.worth()), namedScopes(plain.worth()))
	case !strings.EqualFold(of(g), of(plain)):
		return fmt.Sprintf("a token of type %q instead of %q", clip(of(g)), clip(of(plain)))
	}
	return ""
}

// tokenOfEmptyScope compares the tokens of a request without a scope and of one with an
// empty scope, which is the same (RFC 6749 section 3.1).
func (j *judging) tokenOfEmptyScope() {
	absent, ok := j.grantingOf(transcript.TokenUse, labels.Default)
	empty, also := j.grantingOf(transcript.TokenUse, labels.Empty)
	if !ok || !also || !absent.known && !absent.declares || !empty.known && !empty.declares {
		return
	}
	if difference := unlike(empty, absent); difference != "" {
		j.warnStrict("empty-token-differs", "the same token for a missing and for an empty scope", difference+" for an empty scope, compared with a missing one", empty.response, absent.response)
		return
	}
	j.pass("the tokens of both have the same scopes")
}
