package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var sectionExt = []Rule{
	{"EXT-01", one(transcript.Extensions), one(transcript.Approval), pkceOnDeviceRequest},
	{"EXT-02", one(transcript.Extensions), one(transcript.Metadata), dpopBound},
	{"EXT-03", one(transcript.Extensions), one(transcript.Metadata), badProofsRefused},
	{"EXT-04", one(transcript.Extensions), one(transcript.Metadata), nonceChallengeHarmless},
	{"EXT-05", one(transcript.Extensions), nil, resourceIndicators},
	{"EXT-06", one(transcript.Extensions), nil, richRequests},
	{"EXT-07", one(transcript.ClientProofs), nil, assertionsProveTheClient},
	{"EXT-08", one(transcript.ClientProofs), one(transcript.TokenUse), certificatesProveTheClient},
}

const extensions = transcript.Extensions

// saysLittle says that an answer to a poll is about its pace or the decision, and
// tells nothing of what was tried.
func saysLittle(x said) bool { return hasError(x.Exchange, "slow_down", "authorization_pending") }

// wantsProof says that the answer is about a DPoP proof, which the client has to
// send before anything else is looked at.
func wantsProof(x said) bool { return hasError(x.Exchange, "invalid_dpop_proof", "use_dpop_nonce") }

// EXT-01
func pkceOnDeviceRequest(j *judging) {
	supported := j.Profile.Capabilities.PKCE
	issued, ok := j.first(extensions, labels.Join(labels.PKCE, labels.Device))
	switch {
	case !ok:
		return
	case !hasCodes(issued.Exchange) && supported != nil && *supported:
		j.inconclusive("the profile says that PKCE is supported, but a request with code_challenge gets no codes: %s", explained(issued.Exchange))
		return
	case !hasCodes(issued.Exchange):
		if control, ok := j.first(extensions, labels.ParametersControl); ok && hasCodes(control.Exchange) {
			j.fail("challenge-refused", "codes: a server ignores unknown parameters", describe(issued.Exchange)+" for a request with code_challenge", issued)
		}
		return
	}
	if !j.approved(extensions, labels.Of(labels.Approve, labels.PKCE)) {
		return
	}
	wrong, ok := j.latest(labels.Join(labels.PKCE, labels.Wrong))
	if !ok {
		return
	}
	if hasToken(wrong.Exchange) {
		if supported != nil && *supported {
			j.fail("wrong-verifier", quoted("invalid_grant"), describe(wrong.Exchange)+" for a wrong code_verifier", wrong)
			return
		}
		j.pass("the server ignores code_challenge: the code works without its verifier")
		return
	}
	if saysLittle(wrong) || wantsProof(wrong) {
		j.inconclusive("%s for a wrong code_verifier", describe(wrong.Exchange))
		return
	}
	missing, ok := j.latest(labels.Join(labels.PKCE, labels.Missing))
	if ok && hasToken(missing.Exchange) {
		j.fail("missing-verifier", quoted("invalid_grant"), describe(missing.Exchange)+" without a code_verifier, after a wrong one was rejected", wrong, missing)
		return
	}
	if !hasError(wrong.Exchange, "invalid_grant") {
		j.warn("other-error", quoted("invalid_grant"), describe(wrong.Exchange)+" for a wrong code_verifier", wrong)
	}
	if right, ok := j.latest(labels.Join(labels.PKCE, labels.Right)); ok && !hasToken(right.Exchange) {
		j.note("wrong-verifier-ends-the-code", describe(right.Exchange)+" for the correct code_verifier after two failed attempts", right)
		if sameCode(wrong, missing) {
			j.inconclusive("the wrong code_verifier may have ended the code before the poll without one")
		}
	}
	right, ok := j.latest(labels.VerifierRight)
	switch {
	case !ok:
	case hasToken(right.Exchange):
		j.pass("supported: the correct verifier gets the token; a wrong or missing one does not")
	case saysLittle(right), wantsProof(right):
		j.inconclusive("%s for the correct code_verifier", describe(right.Exchange))
	case j.approvalsUnseen(), j.endsByItself() != "":
		j.inconclusive("%s for the correct code_verifier, and a code without a challenge fails too (see POLL-13)", describe(right.Exchange))
	case j.undefined(right):
	default:
		j.fail("right-verifier", "200 with a token", describe(right.Exchange)+" for the correct code_verifier", right)
	}
}

// sameCode says that two polls named the same code.
func sameCode(a, b said) bool { return a.Form().Get("device_code") == b.Form().Get("device_code") }

// latest is the last answer to a request that is repeated while the approval is
// not seen; none at all is an obstacle.
func (j *judging) latest(label string) (said, bool) {
	list := j.all(extensions, label)
	if len(list) == 0 {
		if label != labels.Join(labels.PKCE, labels.Missing) && label != labels.Join(labels.PKCE, labels.Right) {
			j.missing(extensions, label)
		}
		return said{}, false
	}
	return list[len(list)-1], true
}

// dpopSupported says whether the target knows DPoP, and how we know.
func (j *judging) dpopSupported() (bool, string) {
	if told := j.Profile.Capabilities.DPoP; told != nil {
		return *told, "the profile says so (capabilities.dpop)"
	}
	for _, scenario := range []string{extensions, transcript.Metadata} {
		for _, x := range j.all(scenario, labels.Document) {
			if o, err := x.Object(); err == nil && x.Status == 200 && o.Has("dpop_signing_alg_values_supported") {
				return true, "the metadata lists dpop_signing_alg_values_supported"
			}
		}
	}
	return false, "neither the metadata nor the profile (capabilities.dpop) says that it does"
}

// redeemed is the answer in which the code with a good proof gave its token: the
// last one, since a code that a bad proof may have ended is replaced.
func (j *judging) redeemed() (said, bool) {
	if !j.approved(extensions, labels.Of(labels.Approve, labels.DPoP)) {
		return said{}, false
	}
	list := append(j.all(extensions, labels.DPoPPlain), j.all(extensions, labels.DPoPNonce)...)
	if len(list) == 0 {
		j.missing(extensions, labels.DPoPPlain)
		return said{}, false
	}
	return slices.MaxFunc(list, func(a, b said) int { return a.N - b.N }), true
}

// badlyProbed says that an invalid proof named the same code before.
func (j *judging) badlyProbed(x said) bool {
	return slices.ContainsFunc(j.all(extensions, labels.DPoPBad), func(bad said) bool {
		return bad.N < x.N && sameCode(bad, x)
	})
}

// EXT-02
func dpopBound(j *judging) {
	known, how := j.dpopSupported()
	x, ok := j.redeemed()
	o, err := x.Object()
	kind, _ := o.String("token_type")
	switch {
	case !known && !strings.EqualFold(kind, "DPoP"):
		// No valid proof can be asked of it, so its answer says nothing.
		j.obstacles = nil
		j.notApplicable("the server does not support DPoP: %s", how)
		return
	case !ok:
		return
	case err != nil || !hasToken(x.Exchange):
		j.inconclusive("no token with a valid proof: %s", describe(x.Exchange))
		return
	case !strings.EqualFold(kind, "DPoP"):
		j.note("unbound", "the token is a "+clip(kind)+" token, as RFC 9449 section 5 allows", x)
		j.pass("token_type %s: not bound, as allowed", clip(kind))
		return
	}
	access, _ := o.String("access_token")
	shown := j.boundToKey(access, x)
	other, tried := j.maybe(extensions, labels.DPoPRefreshOtherKey)
	if public := j.Profile.Clients.Public; tried && !public.Authenticates() && hasToken(other.Exchange) {
		j.fail("refresh-not-bound", "a public client's refresh token bound to the key", describe(other.Exchange)+" with another key", other)
	}
	if shown {
		j.pass("token_type DPoP")
	}
}

// boundToKey looks for the key in the access token: in its introspection, or in
// itself (RFC 9449 section 6). It says whether one of them shows a key.
func (j *judging) boundToKey(access string, x said) (shown bool) {
	o, about := wire.Object{}, x
	if asked, ok := j.maybe(extensions, labels.DPoPIntrospection); ok && active(asked.Exchange) {
		o, _ = asked.Object()
		about = asked
	} else if claims, ok := j.claimsIn(access); ok && claims.Has("cnf") {
		o = claims
	} else {
		j.measure("key-unseen", "the token is of type DPoP, and neither introspection nor the token itself shows which key it is bound to")
		return false
	}
	var cnf struct {
		JKT string `json:"jkt"`
	}
	_ = json.Unmarshal(o.Raw("cnf"), &cnf) // no object, no thumbprint
	if cnf.JKT != j.Transcripts[extensions].Noted["jkt"] {
		j.fail("not-bound", "cnf.jkt is the thumbprint of the key", fmt.Sprintf("cnf is %s", clip(string(o.Raw("cnf")))), about)
		return true
	}
	j.pass("bound: cnf.jkt is the thumbprint of the key")
	return true
}

// EXT-03
func badProofsRefused(j *judging) {
	if known, how := j.dpopSupported(); !known {
		j.notApplicable("the server does not support DPoP: %s", how)
		return
	}
	good, ok := j.redeemed()
	tried := j.all(extensions, labels.DPoPBad)
	accepted, refused, ended := false, 0, map[string]said{}
	for _, x := range tried {
		name := strings.TrimPrefix(x.Label, labels.DPoPBad+"/")
		if x.EndsGrant() && j.badlyProbed(x) {
			ended[name] = x // perhaps the proof before this one did that
			continue
		}
		delete(ended, name) // asked again, with a fresh code
		if !hasToken(x.Exchange) {
			refused++
		}
		switch {
		case hasToken(x.Exchange):
			accepted = true
			j.fail("accepted-"+strings.ReplaceAll(name, " ", "-"), quoted("invalid_dpop_proof"), describe(x.Exchange)+" for a proof with an invalid part: "+name, x)
		case serverFault(x.Exchange):
			j.warn("server-error", quoted("invalid_dpop_proof"), describe(x.Exchange)+" for a proof with an invalid part: "+name, x)
		case saysLittle(x):
			j.inconclusive("%s for a proof with an invalid part: %s", describe(x.Exchange), name)
		case hasError(x.Exchange, "use_dpop_nonce") && name != labels.HeaderType:
			j.note("nonce-first", "the server required a nonce before it checked the rest of the proof: "+name, x)
		case !hasError(x.Exchange, "invalid_dpop_proof", "use_dpop_nonce"):
			j.warn("other-error", quoted("invalid_dpop_proof"), describe(x.Exchange)+" for a proof with an invalid part: "+name, x)
		}
	}
	first, sent := j.maybe(extensions, labels.ReplayFirst)
	again, repeated := j.maybe(extensions, labels.ReplayAgain)
	if sent && repeated && saysLittle(first) && saysLittle(again) {
		// A replay may be looked for when a token is given (section 11.1 leaves
		// the check itself open), and nobody decided about this code.
		j.note("replayed", "the server accepted the same proof twice while the code was pending: "+describe(again.Exchange), first, again)
	}
	if len(ended) > 0 {
		j.inconclusive("the code had already ended when %d of the invalid proofs came, so the answers say nothing about those", len(ended))
	}
	consumed := j.endedByBadProof()
	switch {
	case accepted:
	case len(tried) == 0:
		j.missing(extensions, labels.DPoPBad)
	case !ok:
	case hasToken(good.Exchange) && consumed.N > 0:
		j.warn("consumes-the-code", "an invalid proof leaves the code unchanged", describe(consumed.Exchange)+" for a code after an invalid proof", consumed, good)
	case hasToken(good.Exchange):
		j.pass("the server rejects %d invalid proofs, and the code still works afterwards", refused)
	case saysLittle(good), hasError(good.Exchange, "invalid_dpop_proof", "use_dpop_nonce"):
		j.inconclusive("%s for a valid proof", describe(good.Exchange))
	case j.badlyProbed(good) && j.endsByItself() == "":
		j.warn("consumes-the-code", "an invalid proof leaves the code unchanged", describe(good.Exchange)+" for a valid proof after the invalid ones", good)
	default:
		j.inconclusive("%s for a valid proof on a code that met no invalid one", describe(good.Exchange))
	}
}

// endedByBadProof is the answer which says that a code had ended that only an
// invalid proof had named before; none: N is 0.
func (j *judging) endedByBadProof() said {
	list := slices.Concat(j.all(extensions, labels.DPoPBad), j.all(extensions, labels.DPoPPlain), j.all(extensions, labels.DPoPNonce))
	for _, x := range list {
		if x.EndsGrant() && j.badlyProbed(x) {
			return x
		}
	}
	return said{}
}

// EXT-04
func nonceChallengeHarmless(j *judging) {
	if known, how := j.dpopSupported(); !known {
		j.notApplicable("the server does not support DPoP: %s", how)
		return
	}
	if !j.approved(extensions, labels.Of(labels.Approve, labels.DPoP)) {
		return
	}
	plain, ok := j.latest(labels.DPoPPlain)
	switch {
	case !ok:
		return
	case hasToken(plain.Exchange):
		j.notApplicable("the server requires no nonce: a proof without one got the token")
		return
	case !hasError(plain.Exchange, "use_dpop_nonce"):
		j.inconclusive("%s for a proof without a nonce", describe(plain.Exchange))
		return
	case plain.Exchange.Header("DPoP-Nonce") == "":
		j.fail("no-nonce", "the DPoP-Nonce header with use_dpop_nonce", "no such header", plain)
		return
	}
	tries := slices.DeleteFunc(j.all(extensions, labels.DPoPNonce), func(x said) bool { return x.N < plain.N })
	if len(tries) == 0 {
		j.missing(extensions, labels.DPoPNonce)
		return
	}
	if hasError(tries[0].Exchange, "slow_down") {
		j.note("slowed", "slow_down for the retry with the nonce: the challenge counts as a poll", plain, tries[0])
	}
	switch last := tries[len(tries)-1]; {
	case hasToken(last.Exchange):
		j.pass("the retry with the nonce gets the token")
	case !last.EndsGrant():
		// Something is wrong with the proof or the nonce, and not with the code.
		j.inconclusive("%s for the retry with the nonce", describe(last.Exchange))
	case j.badlyProbed(last):
		j.inconclusive("%s for the retry with the nonce, and an invalid proof may have ended the code before", describe(last.Exchange))
	case j.endsByItself() != "":
		j.inconclusive("%s for the retry with the nonce, and so ends a grant that is only polled (see POLL-01)", describe(last.Exchange))
	default:
		j.fail("consumed", "200 with a token for the retry with the nonce", describe(last.Exchange), plain, last)
	}
}

// EXT-05
func resourceIndicators(j *judging) {
	valid := j.Profile.Capabilities.Resource
	control, ok := j.first(extensions, labels.ParametersControl)
	if !ok || !hasCodes(control.Exchange) {
		if ok {
			j.inconclusive("the same request without resource gets no codes: %s", explained(control.Exchange))
		}
		return
	}
	ignored := 0
	for _, name := range []string{labels.Relative, labels.Fragment, labels.Unknown} {
		x, ok := j.first(extensions, labels.Join(labels.Resource, name))
		switch {
		case !ok:
		case hasCodes(x.Exchange):
			ignored++
		case serverFault(x.Exchange):
			j.warn("server-error", quoted("invalid_target"), describe(x.Exchange)+" for a resource that is "+name, x)
		case !hasError(x.Exchange, "invalid_target"):
			j.warn("other-error", quoted("invalid_target"), describe(x.Exchange)+" for a resource that is "+name, x)
		}
	}
	switch {
	case valid == "" && ignored > 0:
		j.notApplicable("the server ignores resource in the device request (no RFC defines it there); to test it, set capabilities.resource")
		return
	case ignored > 0:
		j.warn("bad-resource-taken", quoted("invalid_target"), fmt.Sprintf("codes for %d of 3 resources that are relative, have a fragment, or are unknown", ignored))
	case valid == "":
		j.pass("the server rejects invalid resources")
		return
	}
	j.audience(valid)
}

// audience judges what became of a valid resource.
func (j *judging) audience(valid string) {
	if !j.approved(extensions, labels.Of(labels.Approve, labels.Resource)) {
		return
	}
	polls := j.all(extensions, labels.ResourceToken)
	if len(polls) == 0 {
		j.missing(extensions, labels.ResourceToken)
		return
	}
	if x := polls[len(polls)-1]; !hasToken(x.Exchange) {
		j.inconclusive("no token for a valid resource: %s", describe(x.Exchange))
		return
	}
	about, ok := j.maybe(extensions, labels.ResourceIntrospection)
	if !ok {
		j.pass("the server accepts a valid resource; the token's audience is unknown")
		return
	}
	o, err := about.Object()
	if err != nil || !o.Has("aud") {
		j.note("audience-unseen", "the introspection endpoint shows no aud", about)
		j.pass("the server accepts a valid resource")
		return
	}
	list, _ := o.Strings("aud")
	if one, ok := o.String("aud"); ok {
		list = []string{one}
	}
	if !slices.Contains(list, valid) {
		j.warn("another-audience", "aud contains "+clip(valid), "aud "+clip(string(o.Raw("aud"))), about)
		return
	}
	j.pass("the token's audience is %s", clip(valid))
}

// EXT-06
func richRequests(j *judging) {
	control, ok := j.first(extensions, labels.ParametersControl)
	if !ok || !hasCodes(control.Exchange) {
		if ok {
			j.inconclusive("the same request without extra parameters gets no codes: %s", explained(control.Exchange))
		}
		return
	}
	for _, name := range []string{"OIDC", "request_uri"} {
		if x, ok := j.first(extensions, labels.Join(labels.Parameters, name)); ok && serverFault(x.Exchange) {
			j.fail("server-error", "codes, or an error of RFC 6749", describe(x.Exchange)+" with "+name, x)
		} else if ok && !hasCodes(x.Exchange) {
			j.note("refused", describe(x.Exchange)+" with "+name, x)
		}
	}
	valid := j.Profile.Capabilities.AuthorizationDetails
	ignored := false
	for _, name := range []string{"malformed", "unknown"} {
		x, ok := j.first(extensions, labels.Join(labels.Details, name))
		switch {
		case !ok:
		case serverFault(x.Exchange):
			j.fail("server-error", quoted("invalid_authorization_details"), describe(x.Exchange)+" for authorization_details that are "+name, x)
		case hasCodes(x.Exchange) && valid == "":
			ignored = true
		case hasCodes(x.Exchange):
			j.fail("bad-details-taken", quoted("invalid_authorization_details"), describe(x.Exchange)+" for authorization_details that are "+name, x)
		case !hasError(x.Exchange, "invalid_authorization_details"):
			j.warn("other-error", quoted("invalid_authorization_details"), describe(x.Exchange)+" for authorization_details that are "+name, x)
		}
	}
	if valid == "" {
		if ignored {
			j.pass("the server ignores unknown parameters, including authorization_details")
		} else {
			j.pass("the server rejects invalid authorization_details")
		}
		return
	}
	if !j.approved(extensions, labels.Of(labels.Approve, labels.Details)) {
		return
	}
	polls := j.all(extensions, labels.DetailsToken)
	if len(polls) == 0 {
		j.missing(extensions, labels.DetailsToken)
		return
	}
	x := polls[len(polls)-1]
	o, err := x.Object()
	switch {
	case err != nil || !hasToken(x.Exchange):
		j.inconclusive("no token for valid authorization_details: %s", describe(x.Exchange))
	case !o.Has("authorization_details"):
		j.warn("not-told", "authorization_details in the token response (RFC 9396 section 7)", "no such member", x)
	default:
		j.pass("authorization_details are granted and returned")
	}
}
