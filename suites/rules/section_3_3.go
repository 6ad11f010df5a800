package rules

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section33 = []Rule{
	{"VERIFY-01", one(transcript.Approval), nil, personCanApprove},
	{"VERIFY-02", []string{transcript.NoSession, transcript.Approval}, nil, approvalNeedsLogin},
	{"VERIFY-03", one(transcript.WrongUserCodes), one(transcript.CodeEntry), wrongUserCodeRefused},
	{"VERIFY-08", []string{transcript.Denial, transcript.Approval}, []string{transcript.EarlyApproval, transcript.CompleteURI}, approveAndDenyOffered},
	{"VERIFY-10", one(transcript.CompleteURI), nil, completeURINeverDecides},
}

// success returns the exchange in which a scenario's device got its token.
// When there is none, that is an obstacle.
func (j *judging) success(scenario string) (said, bool) {
	polls := j.all(scenario, labels.Token)
	for _, x := range polls {
		if hasToken(x.Exchange) {
			return x, true
		}
	}
	if len(polls) == 0 {
		j.missing(scenario, labels.Token)
	} else {
		j.inconclusive("the server issued no token: %s", describe(polls[len(polls)-1].Exchange))
	}
	return said{}, false
}

// approved says that a journey ended with an approval. Anything else is an
// obstacle to rules that are about what follows an approval.
func (j *judging) approved(scenario, name string) bool {
	visit, ok := j.journey(scenario, name)
	if ok && visit.Outcome != transcript.Approved {
		j.inconclusive("the end user could not approve: %s%s", visit.Outcome, lastWords(visit))
		return false
	}
	return ok
}

// VERIFY-01
func personCanApprove(j *judging) {
	// What the page said is evidence; the device knows.
	if said := j.visitOf(transcript.Approval); said.Decided && said.Outcome != transcript.Approved {
		if token, ok := j.issued(transcript.Approval, labels.Token); ok {
			j.note("page-unclear", fmt.Sprintf("the device got its token; the last page was taken for: %s", said.Outcome), token)
			j.pass("approved in %d pages with the %s driver", len(said.Steps), said.Driver)
			return
		}
	}
	visit, ok := j.journey(transcript.Approval, labels.Approve)
	if !ok {
		return
	}
	device, _ := j.maybe(transcript.Approval, labels.Device)
	switch visit.Outcome {
	case transcript.Approved:
	case transcript.LoginFailed, transcript.AtLogin:
		j.inconclusive("the login failed (%s): check users.first in the profile", visit.Outcome)
		return
	case transcript.CodeRejected, transcript.ErrorPage:
		if visit.Driver == "hook" {
			j.inconclusive("the hook says that the server refused a code just issued%s: a browser run tells whether a page does", lastAlert(visit))
			return
		}
		if status := lastStatus(visit); status == 429 || status == 503 {
			j.inconclusive("the page answered %d: overloaded, or too many attempts", status)
			return
		}
		if n := len(visit.Steps); n > 0 && visit.Steps[n-1].SaysLimited() {
			j.inconclusive("the page has a limit: %s%s", visit.Outcome, lastWords(visit))
			return
		}
		if j.deniedWithoutScope(visit, device) {
			return
		}
		j.fail("no-path", "a page where the end user can approve the code", fmt.Sprintf("%s for a code just issued%s", visit.Outcome, lastAlert(visit)), device)
		return
	default:
		j.inconclusive("the end user could not approve: %s%s", visit.Outcome, lastWords(visit))
		return
	}
	polls := j.all(transcript.Approval, labels.Token)
	if len(polls) == 0 {
		j.missing(transcript.Approval, labels.Token)
		return
	}
	for _, x := range polls {
		if hasToken(x.Exchange) {
			if visit.Driver == "hook" {
				j.pass("approved by the hook")
				return
			}
			j.pass("approved in %d pages with the %s driver", len(visit.Steps), visit.Driver)
			return
		}
	}
	last := polls[len(polls)-1]
	if wantsProof(last) {
		j.inconclusive("%s", noProof(last.Exchange))
		return
	}
	if !recognised(last.Exchange) && !j.wasPending(last) || !j.certain(visit, transcript.Approval, labels.Token) {
		return
	}
	j.fail("no-token", "200 with a token after the approval", describe(last.Exchange), device, last)
}

// deniedWithoutScope says that the approval of a request without scope counted as
// a denial: a server may take an approval of nothing for one.
func (j *judging) deniedWithoutScope(visit transcript.Journey, device said) bool {
	polls := j.all(transcript.Approval, labels.Token)
	if !visit.Decided || len(polls) == 0 || !hasError(polls[len(polls)-1].Exchange, "access_denied") || device.Form().Get("scope") != "" {
		return false
	}
	j.inconclusive("the end user pressed approve, and the device got access_denied: the server may deny where no scope is asked for, so set scopes in the profile")
	return true
}

// undefined says that an answer to a poll is none that the RFCs define. What it
// means for the grant nobody can tell; ERR-05 judges the code itself.
func (j *judging) undefined(x said) bool {
	if recognised(x.Exchange) || x.EndsGrant() {
		return false
	}
	if hasError(x.Exchange, "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type") {
		return false
	}
	j.inconclusive("the RFCs do not define what %s means for the grant (see ERR-05)", describe(x.Exchange))
	return true
}

// certain says that a decision was surely made and that every poll after it
// was answered: only then does "still pending" accuse the server.
func (j *judging) certain(visit transcript.Journey, scenario, label string) bool {
	switch {
	case onlySaysSo(visit) && !j.neverAsks() && !seesNoPages(visit):
		j.inconclusive("a page says success, and nobody had decided: it may say so to anyone")
		return false
	case seesNoPages(visit) && !j.hookTells(visit):
		j.inconclusive("the %s driver reports a decision, but the grant is still pending; the driver sees no pages, so the cause is unknown", visit.Driver)
		return false
	case !visit.Confirmed && !seesNoPages(visit):
		j.inconclusive("%s", unrecognizedEnd(visit))
		return false
	case len(j.all(scenario, label)) < len(j.Transcripts[scenario].Labelled(label)):
		j.inconclusive("a poll got no answer")
		return false
	case j.Transcripts[scenario].Aborted != "":
		j.inconclusive("%s", j.Transcripts[scenario].Aborted)
		return false
	}
	return true
}

// unrecognizedEnd says which page came after the decision and what to do about it.
func unrecognizedEnd(visit transcript.Journey) string {
	page := ""
	if n := len(visit.Steps); n > 0 {
		address, _, _ := strings.Cut(visit.Steps[n-1].URL, "?")
		page = fmt.Sprintf(" (%s, title %q)", clip(address), clip(visit.Steps[n-1].Title))
	}
	return "devicegrant did not recognize the page after the decision" + page + "; it may have asked another question: describe it in verification.pages of the profile"
}

// hooked says that a hook decided in a scenario.
func (j *judging) hooked(scenario string) bool {
	return slices.ContainsFunc(j.Transcripts[scenario].Journeys, func(v transcript.Journey) bool { return v.Driver == "hook" })
}

// hookIgnoresUser is noted where a mix-up of end users may be one of the hook.
const hookIgnoresUser = "the tokens of two end users belong to one: the hook may not decide as {username}, so mixed-up users were not checked"

// hookTells says that a hook's word about a decision counts: it reports a code that
// was never issued as refused, and an approval of its own brought a token.
func (j *judging) hookTells(visit transcript.Journey) bool {
	wrong, ok := j.Transcripts[transcript.WrongUserCodes].Journey(labels.NeverIssued)
	return visit.Driver == "hook" && ok && wrong.Driver == "hook" && wrong.Outcome == transcript.CodeRejected && j.collected(transcript.Approval)
}

// onlySaysSo says that a page told of success although nobody had pressed anything,
// nor logged in, which approves in some places. The device tells what it is worth.
func onlySaysSo(visit transcript.Journey) bool {
	return visit.Outcome == transcript.Approved && !visit.Decided && !visit.ApproveOffered && !visit.LoggedIn
}

func lastStatus(visit transcript.Journey) int {
	if len(visit.Steps) == 0 {
		return 0
	}
	return visit.Steps[len(visit.Steps)-1].Status
}

func lastAlert(visit transcript.Journey) string {
	for i := len(visit.Steps) - 1; i >= 0; i-- {
		if visit.Steps[i].Alert != "" {
			return fmt.Sprintf(" (%q)", clip(visit.Steps[i].Alert))
		}
	}
	return ""
}

// lastWords is what the page said at which a visit ended: its alert, or else
// the beginning of its text.
func lastWords(visit transcript.Journey) string {
	if alert := lastAlert(visit); alert != "" || len(visit.Steps) == 0 {
		return alert
	}
	if text := visit.Steps[len(visit.Steps)-1].Text; text != "" {
		return fmt.Sprintf(" (%q)", clip(text))
	}
	return ""
}

// VERIFY-02
func approvalNeedsLogin(j *judging) {
	if _, ok := j.success(transcript.Approval); !ok {
		return // the positive control: a logged-in person can approve
	}
	for _, name := range []string{labels.NotLoggedIn, labels.WrongPassword, labels.SessionForgotten} {
		if name == labels.WrongPassword && j.Profile.Users.Wrong == nil {
			j.note("no-wrong-password", "the profile has no user with a wrong password (users.wrong)")
			continue
		}
		if name == labels.SessionForgotten {
			name = j.lastForgotten()
		}
		visit, ok := j.journey(transcript.NoSession, name)
		if !ok {
			continue
		}
		x, ok := j.first(transcript.NoSession, labels.Join(labels.Poll, name))
		if ok && visit.Goal == transcript.ApproveWithoutSession && !j.forgotAtDecision(name, visit) {
			continue
		}
		switch {
		case !ok:
		case hasToken(x.Exchange) && visit.StillAuthenticated:
			j.note("token-in-page", "session forgotten: a script on the page still held a token, so the approval was authenticated", x)
		case hasToken(x.Exchange) && !j.byThatAct(x):
		case hasToken(x.Exchange):
			j.fail("approved-without-login", quoted("authorization_pending"), fmt.Sprintf("%s: %s (the page: %s)", name, describe(x.Exchange), visit.Outcome), x)
		case name == labels.WrongPassword && visit.Outcome != transcript.LoginFailed:
			j.note("not-refused-visibly", fmt.Sprintf("wrong password: the visit ended with %q", visit.Outcome))
		case recognised(x.Exchange):
			j.pass("%s: %s", name, describe(x.Exchange))
		default:
			j.inconclusive("%s: the grant is no longer pending: %s", name, describe(x.Exchange))
		}
	}
}

// lastForgotten is the attempt that forgot the session last: an earlier one may
// have done so at a question that decides nothing.
func (j *judging) lastForgotten() string {
	if _, again := j.Transcripts[transcript.NoSession].Journey(labels.SessionForgottenAgain); again {
		return labels.SessionForgottenAgain
	}
	return labels.SessionForgotten
}

// forgotAtDecision says that a visit came to the decision, undecided, and lost
// its session there. Only then does what follows say something about approvals
// without a session.
func (j *judging) forgotAtDecision(name string, visit transcript.Journey) bool {
	i := slices.IndexFunc(visit.Steps, func(s transcript.Step) bool { return strings.HasPrefix(s.Action, transcript.Forgetting) })
	if i < 0 {
		switch {
		case len(j.visitOf(transcript.Approval).Steps) > 0 && len(asked(j.visitOf(transcript.Approval))) == 0:
			j.note("never-asked", fmt.Sprintf("%s: no page asks for a decision after the login (%s)", name, visit.Outcome))
		default:
			j.inconclusive("%s: no decision page appeared (%s), so no session was forgotten at it", name, visit.Outcome)
		}
		return false
	}
	at := visit.Steps[i]
	before, polled := j.maybe(transcript.NoSession, labels.Join(labels.Before, name))
	switch {
	case at.Action == transcript.ForgettingNone || strings.HasPrefix(at.Action, transcript.ForgettingNone+";"):
		j.note("no-cookie", name+": no cookie was ever set, so the login is in the address or in the form, and cannot be forgotten")
		return false
	case slices.Contains(j.visitOf(transcript.Approval).OnTheWay(), at.Question):
		j.inconclusive("%s: the session was forgotten at %q, which is not the decision", name, clip(at.Question))
		return false
	case polled && (hasToken(before.Exchange) || !recognised(before.Exchange)):
		j.inconclusive("%s: the grant was not pending when the session was forgotten: %s", name, describe(before.Exchange))
		return false
	}
	return true
}

// VERIFY-03
func wrongUserCodeRefused(j *judging) {
	if j.codeInStart() {
		j.notApplicable("verification_uri already holds the user code, and no page asks for one: no wrong code can be typed")
		return
	}
	j.validCodesBreakNoPage()
	typed, rejected, saysSuccess := 0, false, ""
	for _, visit := range j.Transcripts[transcript.WrongUserCodes].Journeys {
		hook := visit.Driver == "hook" // which denies, and whose status is not the server's
		if visit.Goal != transcript.ReachDecision && !(hook && visit.Goal == transcript.Deny) {
			continue
		}
		for _, step := range visit.Steps {
			if !hook && step.Status >= 500 && step.Status != 503 {
				j.fail("server-error", "a new prompt, or an error page with a status below 500", fmt.Sprintf("%s: status %d", visit.Name, step.Status))
				break
			}
		}
		switch visit.Outcome {
		case transcript.CodeRejected, transcript.ErrorPage:
			if n := len(visit.Steps); n > 0 && visit.Steps[n-1].Limited() {
				j.note("limited", fmt.Sprintf("%s: the page refused to check the code%s", visit.Name, lastWords(visit)))
				continue
			}
			typed++
			rejected = rejected || visit.Name == labels.NeverIssued
		case transcript.InputBlocked:
			typed++
		case transcript.Approved:
			saysSuccess = cmp.Or(saysSuccess, visit.Name)
			j.note("unclear", fmt.Sprintf("%s: the visit ended with %q%s", visit.Name, visit.Outcome, lastWords(visit)))
		case transcript.AtDecision:
			if end := endOf[visit.Name]; end != "" && rejected {
				j.note("ignores-"+end+"-character", fmt.Sprintf("the page went on to the decision with another %s character: the server ignores it (see SEC-03)", end))
				continue
			}
			j.warn("decision-for-unknown-code", "the page rejects the code", fmt.Sprintf("%s: the page went on to %q", visit.Name, visit.Outcome))
		default:
			j.note("unclear", fmt.Sprintf("%s: the visit ended with %q", visit.Name, visit.Outcome))
		}
	}
	pending, ok := j.first(transcript.WrongUserCodes, labels.Pending)
	switch {
	case !ok:
		return
	case typed == 0 && j.hooked(transcript.WrongUserCodes):
		// Such a hook may decide about whatever is pending, whatever the code.
		j.inconclusive("the hook reported none of the wrong codes as refused: let it exit with status 117, or answer HTTP 477, when the server refuses a code")
		return
	case hasToken(pending.Exchange) && rejected && endOf[saysSuccess] != "":
		// Consent is remembered, so that no decision page came up.
		end := endOf[saysSuccess]
		j.measure("ignores-"+end+"-character", fmt.Sprintf("the right code with another %s character was approved: the server ignores it", end), pending)
		return
	case hasToken(pending.Exchange):
		if j.byThatAct(pending) {
			j.fail("approved-by-wrong-code", quoted("authorization_pending"), describe(pending.Exchange), pending)
		}
		return
	case j.undefined(pending):
		return
	case !recognised(pending.Exchange):
		if j.wasPending(pending) {
			j.fail("session-ended", quoted("authorization_pending"), describe(pending.Exchange)+" after wrong codes", pending)
		}
		return
	case saysSuccess != "" && !rejected:
		j.inconclusive("%s: the page says success to anyone: what it rejects cannot be seen", saysSuccess)
		return
	case typed == 0:
		j.inconclusive("the page visibly rejected none of the wrong codes")
		return
	}
	if _, ok := j.success(transcript.WrongUserCodes); ok {
		j.pass("%d wrong codes rejected; the correct one still works", typed)
	}
}

// endOf names the end of the right code that a wrong one changes.
var endOf = map[string]string{labels.FirstChanged: "first", labels.LastChanged: "last"}

// ignoredEnds says which ends of a user code do not count: a page takes any character
// there, and refuses a code that nobody issued.
func (j *judging) ignoredEnds() (first, last bool) {
	if !j.rejectsNeverIssued() {
		return false, false
	}
	taken := func(name string) bool {
		visit, _ := j.Transcripts[transcript.WrongUserCodes].Journey(name)
		return visit.Outcome == transcript.AtDecision
	}
	return taken(labels.FirstChanged), taken(labels.LastChanged)
}

// validCodesBreakNoPage: a page that falls over is no better with a right code, in
// whatever spelling. Once may be a stray answer: the same spelling of a fresh code
// has to get it again.
func (j *judging) validCodesBreakNoPage() {
	t := j.Transcripts[transcript.CodeEntry]
	broken := func(name string) string {
		visit, ok := t.Journey(name)
		if status := lastStatus(visit); ok && visit.Driver != "hook" && shutOut(visit) && status >= 500 && status != 502 && status != 503 && status != 504 {
			return fmt.Sprintf("status %d", status)
		}
		return ""
	}
	for _, visit := range t.Journeys {
		again, tried := t.Journey(labels.Join(visit.Name, labels.Again))
		switch first := broken(visit.Name); {
		case first == "" || !tried:
		case broken(again.Name) == "":
			j.note("server-error-once", fmt.Sprintf("%s: %s for a valid code, and not for the next one", visit.Name, first))
		default:
			j.fail("server-error-for-valid-code", "the decision, or an error page with a status below 500",
				fmt.Sprintf("%s for a valid code entered as %q, and %s for another one", first, visit.Name, broken(again.Name)))
		}
	}
}

// codeInStart says that the address at which end users begin already tells the
// code, and that nobody could type one.
func (j *judging) codeInStart() bool {
	device, ok := j.maybe(transcript.WrongUserCodes, labels.Device)
	if !ok {
		return false
	}
	o, err := device.Object()
	if err != nil {
		return false
	}
	code, _ := o.String("user_code")
	address, _ := o.String("verification_uri")
	return bare(code) != "" && strings.Contains(bare(address), bare(code)) &&
		!slices.ContainsFunc(j.Transcripts[transcript.WrongUserCodes].Journeys, func(v transcript.Journey) bool { return v.CodeTyped })
}

// VERIFY-08
func approveAndDenyOffered(j *judging) {
	visit, ok := j.journey(transcript.Denial, labels.Deny)
	if !ok {
		return
	}
	switch {
	case j.denyOffered():
		j.pass("the end user can deny a typed code")
	case j.decisionSeen():
		j.warn("no-deny", "a way to deny", "the decision page offers no way to deny")
		return
	case j.neverAsks():
		j.warn("no-deny", "a way to deny", "no page asks for the decision (verification.consent: never), so nobody can deny")
		return
	default:
		j.inconclusive("no decision page appeared: %s", visit.Outcome)
		return
	}
	// The end user of this journey approved the client before: where consent is
	// remembered, that no decision page comes up says nothing.
	if follow, ok := j.Transcripts[transcript.CompleteURI].Journey(labels.Follow); ok && follow.ApproveOffered {
		if follow.DenyOffered {
			j.pass("the end user can also deny after verification_uri_complete")
		} else {
			j.warn("no-deny-complete", "a way to deny", "no page offers a way to deny after verification_uri_complete")
		}
	}
}

// typedCode are the journeys that type a code and come to the decision.
func (j *judging) typedCode() (list []transcript.Journey) {
	for _, c := range []struct{ scenario, name string }{
		{transcript.Denial, labels.Deny}, {transcript.Approval, labels.Approve}, {transcript.EarlyApproval, labels.Approve},
	} {
		if visit, ok := j.Transcripts[c.scenario].Journey(c.name); ok {
			list = append(list, visit)
		}
	}
	return list
}

// denyOffered says that a page offered a way to refuse. An end user who wants to
// refuse may have stopped short of it, for fear that logging in approves.
func (j *judging) denyOffered() bool {
	return slices.ContainsFunc(j.typedCode(), func(v transcript.Journey) bool {
		return v.DenyOffered || v.Outcome == transcript.Denied && v.Driver != "hook" // a hook sees no page
	})
}

// decisionSeen says that a page asked for the decision.
func (j *judging) decisionSeen() bool {
	return slices.ContainsFunc(j.typedCode(), func(v transcript.Journey) bool { return v.ApproveOffered })
}

// neverAsks says that the profile declares that no page asks for the decision.
func (j *judging) neverAsks() bool { return j.Profile.Verification.Consent == "never" }

// followedCodeShown says that the page at which the visit ended shows the code of
// its device: an empty field beside it is another one.
func (j *judging) followedCodeShown(visit transcript.Journey) bool {
	device, ok := j.maybe(transcript.CompleteURI, labels.FollowDevice)
	if !ok {
		return false
	}
	o, err := device.Object()
	if err != nil {
		return false
	}
	code, _ := o.String("user_code")
	if bare(code) == "" || len(visit.Steps) == 0 {
		return false
	}
	last := visit.Steps[len(visit.Steps)-1]
	return strings.Contains(bare(last.Text), bare(code)) || strings.Contains(bare(strings.Join(last.Fields, "")), bare(code))
}

// anotherCode accuses a verification_uri_complete that carries another code than
// its device's, where following it did not approve the device. A value that works is
// a reference to the code.
func (j *judging) anotherCode(follow transcript.Journey) bool {
	device, ok := j.maybe(transcript.CompleteURI, labels.FollowDevice)
	if !ok || j.collected(transcript.CompleteURI) {
		return false
	}
	o, err := device.Object()
	if err != nil {
		return false
	}
	code, _ := o.String("user_code")
	complete, _ := o.String("verification_uri_complete")
	u, err := url.Parse(complete)
	if err != nil {
		return false
	}
	param := cmp.Or(j.Profile.Verification.CompleteParam, "user_code")
	carried := u.Query().Get(param)
	if bare(carried) == "" || bare(carried) == bare(code) {
		return false
	}
	polls := j.all(transcript.CompleteURI, labels.Token)
	elsewhere := follow.Outcome == transcript.Approved && follow.Confirmed && len(polls) > 0 && hasError(polls[len(polls)-1].Exchange, "authorization_pending")
	if follow.Outcome != transcript.CodeRejected && !elsewhere {
		return false
	}
	j.fail("other-code", "verification_uri_complete carries the device's user code, or a reference to it",
		fmt.Sprintf("%s is another code than user_code; after following it: %s%s", param, follow.Outcome, lastAlert(follow)), append([]said{device}, polls...)...)
	return true
}

// VERIFY-10
func completeURINeverDecides(j *judging) {
	if before := j.all(transcript.CompleteURI, labels.BeforeToken); len(before) > 0 && !hasToken(before[len(before)-1].Exchange) {
		j.inconclusive("the earlier approval failed: %s", describe(before[len(before)-1].Exchange))
		return
	}
	if _, ok := j.journey(transcript.CompleteURI, labels.Look); !ok {
		return
	}
	x, ok := j.first(transcript.CompleteURI, labels.AfterLook)
	if !ok {
		return
	}
	if hasToken(x.Exchange) {
		if j.byThatAct(x) {
			j.fail("decides", quoted("authorization_pending")+": nothing was clicked", describe(x.Exchange)+" after only opening the page", x)
		}
		return
	}
	if j.undefined(x) {
		return
	}
	if !recognised(x.Exchange) {
		if j.wasPending(x) {
			j.fail("ends-the-grant", quoted("authorization_pending")+": nothing was clicked", describe(x.Exchange)+" after only opening the page", x)
		}
		return
	}
	follow, ok := j.journey(transcript.CompleteURI, labels.Follow)
	if !ok || j.anotherCode(follow) {
		return
	}
	switch {
	case follow.Outcome == transcript.AtCode && !follow.Decided && j.followedCodeShown(follow):
		j.inconclusive("the page shows the code, and no field of it was recognized as the one that holds it: name the field in verification.pages of the profile")
		return
	case follow.Outcome == transcript.AtCode && !follow.Decided:
		j.fail("asks-for-code", "the page gets the code, or a reference to it, from the URI", "an empty code field")
		return
	case follow.Outcome != transcript.Approved:
		j.inconclusive("the end user could not approve after verification_uri_complete: %s%s", follow.Outcome, lastWords(follow))
		return
	}
	if _, ok := j.success(transcript.CompleteURI); ok {
		j.pass("opening it has no effect; approval needs no typed code")
	}
}
