package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section33People = []Rule{
	{"VERIFY-12", one(transcript.DecidedCodes), one(transcript.Denial), decidedCodeIsDead},
	{"VERIFY-13", one(transcript.TwoPeople), one(transcript.Denial), twoPeopleOneCode},
	{"VERIFY-15", one(transcript.Abandoned), nil, abandoningDecidesNothing},
}

// subject is whose a token is: as userinfo or introspection say below a label,
// else as its ID token says. "" is unknown.
func (j *judging) subject(scenario, whose string, token said) string {
	for _, x := range j.all(scenario, whose) {
		o, err := x.Object()
		if err != nil || x.Status != 200 {
			continue
		}
		for _, member := range []string{"sub", "username"} {
			if s, _ := o.String(member); s != "" {
				return s
			}
		}
	}
	o, err := token.Object()
	if err != nil {
		return ""
	}
	idToken, _ := o.String("id_token")
	claims, ok := j.claimsIn(idToken)
	if !ok && j.hidden(idToken) && !j.Facts.Noted {
		j.inconclusive("only the ID token shows whose token it is, and this recording redacts it: run --unredacted keeps it")
	}
	sub, _ := claims.String("sub")
	return sub
}

// issued returns the exchange below a label that brought a token.
func (j *judging) issued(scenario, label string) (said, bool) {
	for _, x := range j.all(scenario, label) {
		if hasToken(x.Exchange) {
			return x, true
		}
	}
	return said{}, false
}

// tookEffect says that an end user pressed approve and was told that it worked.
func tookEffect(visit transcript.Journey) bool {
	return visit.Decided && visit.Outcome == transcript.Approved
}

// refusedTo says that the pages let the end user get to no decision.
func refusedTo(visit transcript.Journey) bool {
	return !visit.Decided || shutOut(visit)
}

// shutOut says that a page told the end user that the code is of no use.
func shutOut(visit transcript.Journey) bool {
	return visit.Outcome == transcript.CodeRejected || visit.Outcome == transcript.ErrorPage
}

// VERIFY-12
func decidedCodeIsDead(j *judging) {
	const scenario = transcript.DecidedCodes
	first, collected := j.issued(scenario, labels.CollectedToken)
	owner := ""
	if collected {
		owner = j.subject(scenario, labels.CollectedWhose, first)
	}
	for _, part := range []string{labels.Denied, labels.Uncollected, labels.Collected} {
		decision, ok := j.journey(scenario, labels.Of(part, labels.First))
		if !ok {
			continue
		}
		if want := map[bool]transcript.Outcome{true: transcript.Denied, false: transcript.Approved}[part == labels.Denied]; decision.Outcome != want {
			switch {
			case decision.Outcome == transcript.NoWayToDeny:
				j.note("no-deny", "the pages offer no way to deny")
				continue
			case part == labels.Denied && j.deniedUnseen(decision, j.all(scenario, labels.Join(labels.Denied, labels.After))):
			case part == labels.Denied && decision.Outcome == transcript.Approved && !decision.Decided:
				j.note("not-asked", "no page asked for the decision: the server remembers consent")
				continue
			default:
				j.inconclusive("%s: the first decision failed: %s", part, decision.Outcome)
				continue
			}
		}
		same, ok := j.tried(scenario, labels.Of(part, labels.Same))
		if !ok {
			continue
		}
		other, ok := j.tried(scenario, labels.Of(part, labels.Other))
		if !ok {
			continue
		}
		again := tookEffect(same) || tookEffect(other)
		switch part {
		case labels.Denied:
			j.afterDenial(scenario, "denied/after", !refusedTo(same) || !refusedTo(other))
		case labels.Uncollected:
			x, ok := j.issued(scenario, labels.UncollectedToken)
			sub := j.subject(scenario, labels.UncollectedWhose, x)
			switch {
			case !ok:
				j.first(scenario, labels.UncollectedToken)
				j.inconclusive("the approved code got no token")
			case (owner == "" || sub == "") && refusedTo(same) && refusedTo(other):
				j.pass("the pages reject a code that was approved, and nothing tells whose token it is")
			case owner == "" || sub == "":
				j.inconclusive("%s: unknown whose token it is: no userinfo, introspection or ID token", part)
			case sub != owner:
				j.fail("rebound", fmt.Sprintf("a token of the first end user (subject %q)", clip(owner)), fmt.Sprintf("a token of subject %q, after another end user entered the approved code", clip(sub)), x)
			default:
				j.pass("an approved code stays with the end user who approved it")
			}
		case labels.Collected:
			x, ok := j.first(scenario, labels.Join(labels.Collected, labels.After))
			switch {
			case !ok:
			case !collected:
				j.inconclusive("the approved code got no token")
			case hasToken(x.Exchange) && again:
				j.fail("new-token", quoted("invalid_grant"), describe(x.Exchange)+", after a used code was approved again", x)
			case hasToken(x.Exchange):
				j.note("replay", "the used device code got a token again, although the pages rejected the user code (POLL-14)", x)
			default:
				j.pass("a used code cannot be approved again: %s", describe(x.Exchange))
			}
		}
		if again {
			j.note("looks-approved", part+": the page says that the second approval succeeded")
		}
	}
}

// tried returns a journey that may have ended at the code page, which came up
// again and did not say why: that is a refusal too.
func (j *judging) tried(scenario, name string) (transcript.Journey, bool) {
	visit, ok := j.Transcripts[scenario].Journey(name)
	if ok && visit.Trouble != nil && visit.Trouble.Class == transcript.Loop && visit.Trouble.Page == "code" {
		visit.Outcome, visit.Trouble = transcript.CodeRejected, nil
		return visit, true
	}
	return j.journey(scenario, name)
}

// afterDenial judges what a device hears whose code was denied, and which
// somebody then tried to approve.
func (j *judging) afterDenial(scenario, label string, tried bool) {
	x, ok := j.first(scenario, label)
	switch {
	case !ok:
	case hasToken(x.Exchange) && tried && j.denialsUnseen():
		j.inconclusive("%s for a denied code, but the server does not end a denied grant that nobody approves either (see POLL-09)", describe(x.Exchange))
	case hasToken(x.Exchange) && tried && !j.byThatAct(x):
	case hasToken(x.Exchange) && tried:
		j.fail("denial-overturned", quoted("access_denied"), describe(x.Exchange)+", after a denied code was approved", x)
	case hasToken(x.Exchange):
		j.note("denied-token", "a token for a denied code, although the pages rejected the second decision (POLL-09)", x)
	case x.EndsGrant():
		j.pass("a denied code cannot be approved: %s", describe(x.Exchange))
	default:
		j.note("not-reported", "after the denial: "+describe(x.Exchange)+" (POLL-08)", x)
	}
}

// VERIFY-13
func twoPeopleOneCode(j *judging) {
	const scenario = transcript.TwoPeople
	// The denial before.
	if a, ok := j.journey(scenario, labels.Of(labels.Denied, labels.PersonA)); ok {
		b, ok := j.journey(scenario, labels.Of(labels.Denied, labels.PersonB))
		switch {
		case !ok, j.claimed(labels.Denied, a, b):
		case a.Outcome == transcript.NoWayToDeny:
			j.note("no-deny", "the pages offer no way to deny")
		case a.Outcome != transcript.Denied && !j.deniedUnseen(a, j.all(scenario, labels.Join(labels.Denied, labels.After))):
			j.couldNotDeny(a)
		default:
			j.afterDenial(scenario, "denied/after", !refusedTo(b))
		}
	}
	owner := j.collectedByA(scenario)
	j.approvedByA(scenario, owner)
	j.atOnce(scenario)
	j.bound(scenario)
	if reported(j, "not-asked") {
		j.notApplicable("the server remembers consent: entering the code approves, so no two decisions about it can be made")
	}
}

// bound says whether the end user who is at the decision first holds the code. The
// RFC does not ask for that, so only a server that does it at times is warned: at
// pages to which the same way led, since a later page may hold what an earlier one
// does not.
func (j *judging) bound(scenario string) {
	held := map[string]string{}
	for _, part := range []string{labels.Denied, labels.Collected, labels.Uncollected} {
		a, ok := j.Transcripts[scenario].Journey(labels.Of(part, labels.PersonA))
		b, both := j.Transcripts[scenario].Journey(labels.Of(part, labels.PersonB))
		way := wayToDecision(b)
		switch {
		case !ok, !both:
		case !a.Decided && a.Outcome == transcript.CodeRejected && b.Decided:
			held[way] = part
		case part != labels.Denied && a.Decided && b.ApproveOffered:
			j.noteOnce("not-bound", "while one end user was at the decision, another decided: the page binds no code to a session")
			if held[way] != "" {
				j.warn("bound-at-times", "the end user who is at the decision first holds the code ("+held[way]+")", "another one decided while the first was at the decision ("+part+")")
			}
		}
	}
}

// wayToDecision is the pages of a visit up to the last that asked for a decision,
// without the login, which is asked for once.
func wayToDecision(visit transcript.Journey) string {
	var way, all []string
	for _, step := range visit.Steps {
		switch step.Page {
		case "login", "identifier", "password":
			continue
		}
		all = append(all, step.Page)
		if step.Page == "consent" || step.Page == "code_confirm" {
			way = slices.Clone(all)
		}
	}
	return strings.Join(way, ", ")
}

// claimed says that b, who was at the decision page first, held the code, so
// that a could not enter it at all: a sound way to have one decision.
func (j *judging) claimed(part string, a, b transcript.Journey) bool {
	if a.Decided || a.Outcome != transcript.CodeRejected && a.Outcome != transcript.ErrorPage {
		return false
	}
	if !b.Decided && b.Outcome == transcript.Approved {
		j.noteOnce("not-asked", part+": the server remembers consent, so b approved by entering the code")
		return true
	}
	if !b.Decided {
		return false
	}
	j.noteOnce("claimed", "while one end user is at the decision, another cannot use the code")
	j.pass("the first end user at the decision holds the code")
	return true
}

// collectedByA: b approves when the device has its token already. It returns
// a's subject.
func (j *judging) collectedByA(scenario string) (owner string) {
	a, ok := j.journey(scenario, labels.Of(labels.Collected, labels.PersonA))
	if !ok {
		return ""
	}
	b, ok := j.journey(scenario, labels.Of(labels.Collected, labels.PersonB))
	if !ok || j.claimed(labels.Collected, a, b) {
		return ""
	}
	token, ok := j.issued(scenario, labels.CollectedToken)
	if !ok {
		j.first(scenario, labels.CollectedToken)
		j.inconclusive("collected: a's approval got no token")
		return ""
	}
	owner = j.subject(scenario, labels.CollectedWhose, token)
	x, ok := j.first(scenario, labels.Join(labels.Collected, labels.After))
	switch {
	case !ok:
	case hasToken(x.Exchange) && tookEffect(b):
		j.fail("revived", quoted("invalid_grant"), describe(x.Exchange)+", after a late approval of a used code", token, x)
	case hasToken(x.Exchange):
		j.note("replay", "the used device code got a token again, although the page rejected the late approval (POLL-14)", x)
	default:
		j.pass("a late approval does not revive a used code")
	}
	return owner
}

// approvedByA: b approves after a, before the device asks.
func (j *judging) approvedByA(scenario, owner string) {
	a, ok := j.journey(scenario, labels.Of(labels.Uncollected, labels.PersonA))
	if !ok {
		return
	}
	b, ok := j.journey(scenario, labels.Of(labels.Uncollected, labels.PersonB))
	if !ok || j.claimed(labels.Uncollected, a, b) {
		return
	}
	x, ok := j.issued(scenario, labels.UncollectedToken)
	if !ok {
		j.first(scenario, labels.UncollectedToken)
		j.inconclusive("uncollected: the approvals got no token")
		return
	}
	sub := j.subject(scenario, labels.UncollectedWhose, x)
	switch {
	case (sub == "" || owner == "") && refusedTo(b):
		j.pass("the page rejects a second approval, and nothing tells whose token it is")
	case sub == "" || owner == "":
		j.inconclusive("uncollected: unknown whose token it is: no userinfo, introspection or ID token")
	case sub != owner:
		j.fail("subject-changed", fmt.Sprintf("a token of the end user who approved first (subject %q)", clip(owner)), fmt.Sprintf("a token of subject %q", clip(sub)), x)
	default:
		j.pass("the token belongs to the end user who approved first")
	}
}

// atOnce: which of two simultaneous deciders wins is free.
func (j *judging) atOnce(scenario string) {
	rounds, met, alone := 0, 0, 0
	for n := 1; n <= maxRounds; n++ {
		part := labels.Round(labels.AtOnce, n)
		a, there := j.Transcripts[scenario].Journey(labels.Of(part, labels.PersonA))
		b, both := j.Transcripts[scenario].Journey(labels.Of(part, labels.PersonB))
		if !there || !both {
			break
		}
		token, ok := j.issued(scenario, labels.Join(part, labels.Token))
		if !ok {
			continue
		}
		rounds++
		switch {
		case a.Decided && b.Decided:
			met++
		case a.Decided && shutOut(b), b.Decided && shutOut(a):
			alone++
		}
		x, ok := j.maybe(scenario, labels.Join(part, labels.After))
		if !ok || !hasToken(x.Exchange) {
			continue
		}
		first, second := j.subject(scenario, labels.Join(part, labels.Whose), token), j.subject(scenario, labels.Join(part, labels.AfterWhose), x)
		if first != "" && second != "" && first != second {
			j.fail("two-tokens", "one decision and one token", fmt.Sprintf("tokens of subjects %q and %q for one code", clip(first), clip(second)), token, x)
		}
	}
	switch {
	case rounds == 0:
		j.missing(scenario, labels.Join(labels.Round(labels.AtOnce, 1), labels.Token))
	default:
		j.note("rounds", fmt.Sprintf("both at once: %d rounds, both pressed approve in %d; one token each", rounds, met))
		if met > 0 {
			j.pass("two approvals at once make one decision (%d rounds)", met)
		} else if alone == rounds {
			j.pass("of two end users at once, one can decide (%d rounds)", rounds)
		} else if !j.holdsClaims() {
			j.inconclusive("at once: the two never pressed approve in the same round")
		}
	}
}

// holdsClaims says that whoever is at the decision first holds the code: there, two
// can never press approve.
func (j *judging) holdsClaims() bool { return reported(j, "claimed") || reported(j, "not-asked") }

// maxRounds bounds the rounds that a recording may have.
const maxRounds = 100

// VERIFY-15
func abandoningDecidesNothing(j *judging) {
	for _, part := range []struct {
		name string
		end  transcript.Outcome
	}{{labels.Login, transcript.AtLogin}, {labels.Decision, transcript.AtDecision}} {
		visit, ok := j.journey(transcript.Abandoned, labels.Of(labels.StopAt, part.name))
		if !ok {
			continue
		}
		switch {
		case visit.Outcome == transcript.Approved:
			j.note("not-asked", "no page asked for the decision: the server remembers consent")
			continue
		case visit.Outcome != part.end:
			j.inconclusive("the end user did not reach the %s: %s", part.name, visit.Outcome)
			continue
		case !visit.CodeTyped:
			j.note("login-first", "the login comes before the code, so there was nothing to abandon")
			continue
		}
		again, _ := j.Transcripts[transcript.Abandoned].Journey(labels.AgainAt + " " + part.name)
		j.stillPending(part.name, again)
	}
	if reported(j, "not-asked") || reported(j, "login-first") {
		j.notApplicable("there is no page to leave after the code was entered: the login comes first, or the server remembers consent")
	}
}

// stillPending judges the polls after an end user left at some page.
func (j *judging) stillPending(part string, again transcript.Journey) {
	polls := j.all(transcript.Abandoned, labels.Join(part, labels.Poll))
	if len(polls) == 0 {
		j.missing(transcript.Abandoned, labels.Join(part, labels.Poll))
		return
	}
	for i, x := range polls {
		if i > 0 && again.Outcome == transcript.Approved {
			break // the way back in did decide: consent is remembered
		}
		switch {
		case hasToken(x.Exchange):
			if j.byThatAct(x) {
				j.fail("approved", quoted("authorization_pending"), fmt.Sprintf("%s, after the end user left at the %s", describe(x.Exchange), part), x)
			}
			return
		case hasError(x.Exchange, "access_denied"):
			if j.wasPending(x) {
				j.warn("denied", quoted("authorization_pending"), fmt.Sprintf("%s, after the end user left at the %s", describe(x.Exchange), part), x)
			}
			return
		case j.undefined(x):
			return
		case !recognised(x.Exchange):
			if j.wasPending(x) {
				j.warn("ended", quoted("authorization_pending"), fmt.Sprintf("%s, after the end user left at the %s", describe(x.Exchange), part), x)
			}
			return
		}
	}
	j.pass("still pending after the end user left at the %s", part)
	switch {
	case again.Name == "" || again.Outcome == transcript.Unfinished:
	case again.Outcome == transcript.AtDecision || again.Outcome == transcript.Approved:
		j.note("again", fmt.Sprintf("a code left at the %s page works in another browser", part))
	default:
		j.note("not-again", fmt.Sprintf("a code left at the %s page does not work in another browser (%s)", part, again.Outcome))
	}
}
