package useragent

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// choice is what to do about a page: an end, or a way to go on.
type choice struct {
	end      transcript.Outcome
	trouble  *transcript.Trouble
	way      pages.Way
	typeCode bool
	// acts, if set, are those to carry out.
	acts []pages.Act
	// forget drops the cookies before the acts are carried out.
	forget bool
	// decides says that the acts make the decision.
	decides bool
}

// sameAgain is how often one and the same page may come before it is a loop.
const sameAgain = 3

// decide tells what the end user does on a page, given the goal and what has
// been done so far. It never looks at the page itself but through the sighting.
func (v *visit) decide(p *pages.Sighting) choice {
	v.noteLogin(p)
	v.noteSecondFactor(p)
	if v.denied && !p.Banner() {
		return v.afterDeny(p)
	}
	key := p.Role + " " + fmt.Sprint(p.Fingerprint())
	if v.seen[key]++; v.seen[key] > sameAgain {
		return choice{trouble: p.Trouble(transcript.Loop, fmt.Sprintf("the same page appeared %d times", v.seen[key]))}
	}
	switch p.Role {
	case pages.RoleSuccess:
		// Whatever the goal was: this is what the server told the end user.
		v.j.Confirmed = true
		return choice{end: transcript.Approved}
	case pages.RoleDenied:
		if v.declined && v.task.Goal == transcript.Deny {
			// The question on the way was the decision after all.
			v.j.Decided, v.j.Confirmed = true, true
			return choice{end: transcript.Denied}
		}
		return choice{end: transcript.ErrorPage}
	case pages.RoleError:
		if t := v.asksBrowser(p); t != nil {
			return choice{trouble: t}
		}
		return choice{end: v.errorOutcome(p)}
	case pages.RoleCode, pages.RoleCodeError:
		return v.atCode(p)
	case pages.RoleLogin, pages.RoleLoginError, pages.RoleIdentifier, pages.RolePassword:
		return v.atLogin(p)
	case pages.RoleConsent, pages.RoleConfirm:
		return v.atDecision(p)
	case pages.RoleInterstitial:
		if p.Picks() {
			return v.atAccounts(p)
		}
		return choice{way: pages.Onward}
	case pages.RoleMFA:
		return v.atSecondFactor(p)
	}
	if t := v.asksBrowser(p); t != nil {
		return choice{trouble: t}
	}
	switch {
	case v.mayEnd() && p.Status < 400:
		return choice{end: transcript.Approved}
	case v.mayEnd():
		return choice{end: transcript.ErrorPage}
	}
	return choice{trouble: v.notRecognised(p)}
}

// asksBrowser is the trouble with a page that is behind HTTP authentication.
func (v *visit) asksBrowser(p *pages.Sighting) *transcript.Trouble {
	if p.Status != 401 {
		return nil
	}
	scheme := v.tab.Facts().AsksBrowser()
	if scheme == "" {
		return nil
	}
	t := p.Trouble(transcript.Unsupported, fmt.Sprintf("the page is behind HTTP authentication (401, WWW-Authenticate: %s), which this driver does not answer", scheme))
	t.Hint = "open the path for the test, or decide without pages: set verification.hook"
	return t
}

// errorOutcome tells an error page about the code, right after the code was
// sent, from any other.
func (v *visit) errorOutcome(p *pages.Sighting) transcript.Outcome {
	justSent := v.codesSent > 0 && !v.loginSinceCode && v.approvals == 0
	if justSent && !p.Limited() && p.AboutCode() && p.Status < 500 {
		return transcript.CodeRejected
	}
	return transcript.ErrorPage
}

// mayEnd says that a page which nothing recognizes may be the last one: the
// decision was made, and no further question is asked.
func (v *visit) mayEnd() bool { return v.approved || v.denied }

// noteLogin takes a page that no longer asks for the login as its acceptance.
func (v *visit) noteLogin(p *pages.Sighting) {
	if v.loginsSent == 0 || p.Banner() {
		return
	}
	switch p.Role {
	case pages.RoleLogin, pages.RoleLoginError, pages.RoleIdentifier, pages.RolePassword, pages.RoleError, pages.RoleMFA, "":
	default:
		v.j.LoggedIn, v.loggedIn = true, true
		v.loginsSent, v.namesSent = 0, 0
	}
}

// afterDeny: a refusal was submitted. Some servers ask once more, some go back
// to the code page and say that the request was interrupted.
func (v *visit) afterDeny(p *pages.Sighting) choice {
	again := p.AsksForDecision()
	key := "deny again"
	if again && len(p.Acts(pages.Deny, false)) > 0 && v.seen[key] < 2 {
		v.seen[key]++
		return choice{way: pages.Deny}
	}
	v.j.Confirmed = p.Role == pages.RoleDenied || p.Role == pages.RoleCode && v.holdsCode()
	if p.Status >= 400 && !v.j.Confirmed {
		return choice{end: transcript.ErrorPage}
	}
	return choice{end: transcript.Denied}
}

// holdsCode says that the server knows which code the journey is about, so
// that a login alone could approve where no decision page follows.
func (v *visit) holdsCode() bool {
	code := pages.Bare(v.task.UserCode)
	return v.codesSent > 0 || code != "" && strings.Contains(pages.Bare(v.task.Start), code) || v.task.Start == v.task.Complete && v.task.Complete != ""
}

func (v *visit) atCode(p *pages.Sighting) choice {
	failed := p.Role == pages.RoleCodeError || p.SaysError()
	switch {
	case failed && p.Limited():
		return choice{end: transcript.ErrorPage}
	case v.forgotten && !failed:
		return choice{end: transcript.AtCode}
	case v.codesSent > 0 && v.approved && !failed:
		// Back at a fresh code page, with no word on how it went.
		return choice{end: transcript.AtCode}
	case v.codesSent > 0 && v.loginSinceCode && !failed && v.codesSent < 2:
		// The login forgot the code: send it once more.
	case v.codesSent > 0 && (failed || v.task.Goal == transcript.ReachDecision):
		return choice{end: transcript.CodeRejected}
	case v.codesSent > 0:
		// A page that reloads itself, or that lost what was typed, is no refusal.
		cause := "the code page appeared again with no error about the code"
		if said := cmp.Or(p.Alert, p.Added); said != "" {
			cause += fmt.Sprintf("; it says %q", said)
		}
		t := p.Trouble(transcript.Loop, cause)
		t.Hint = "if that is a refusal, describe the page as code_error in verification.pages"
		return choice{trouble: t}
	case failed && v.holdsCode():
		return choice{end: transcript.CodeRejected}
	}
	if v.task.Goal == transcript.Deny && v.consent == "never" && v.loggedIn {
		return v.noWayToDeny(p, "the profile says that the server never asks, so entering the code could approve")
	}
	given := p.Prefilled()
	asIs := !p.TakesCode() || given != "" && (!v.task.TypeCode || pages.Bare(given) == pages.Bare(v.task.UserCode))
	if !asIs && !v.task.TypeCode {
		return choice{end: transcript.AtCode}
	}
	v.codesSent++
	v.loginSinceCode = false
	if !asIs {
		v.j.CodeTyped = true
	}
	return choice{way: pages.Onward, typeCode: !asIs}
}

func (v *visit) atLogin(p *pages.Sighting) choice {
	switch {
	case v.task.Account == nil, v.forgotten:
		return choice{end: transcript.AtLogin}
	case v.task.Goal == transcript.Deny && v.consent != "always" && v.holdsCode():
		return v.noWayToDeny(p, "no page offered a way to deny before the login, and if the server never asks, the login alone approves")
	}
	repeated := v.loginsSent > 0 || !p.AsksForPassword() && v.namesSent > 0
	if repeated {
		silent := p.Role != pages.RoleLoginError && !p.SaysError()
		if !v.tab.Live() && p.Scripts && (silent || p.FedByScript()) {
			t := p.Trouble(transcript.NeedsScript, "the login page appeared again, and it has scripts that the forms driver does not run")
			t.Hint = "use the browser driver, or list in verification.pages[].http.set what its script fills in"
			return choice{trouble: t}
		}
		return choice{end: transcript.LoginFailed}
	}
	if !p.AsksForPassword() && p.Entry == nil || p.Role == pages.RoleIdentifier {
		v.namesSent++
	} else {
		v.loginsSent++
		v.loginSinceCode = true
	}
	return choice{way: pages.Onward}
}

// atAccounts: the browser remembers who logged in before.
func (v *visit) atAccounts(p *pages.Sighting) choice {
	if v.task.Account == nil || v.forgotten {
		return choice{end: transcript.AtLogin}
	}
	return choice{way: pages.Onward, acts: p.Pick(v.task.Account.Username)}
}

func (v *visit) atDecision(p *pages.Sighting) choice {
	canApprove, canDeny := len(p.Acts(pages.Approve, false)) > 0, len(p.Acts(pages.Deny, false)) > 0
	v.j.ApproveOffered = v.j.ApproveOffered || canApprove
	v.j.DenyOffered = v.j.DenyOffered || canDeny
	// Before anybody logged in, a confirmation of the code cannot approve;
	// afterwards nobody can tell it from the last question.
	early := p.Role == pages.RoleConfirm && !v.loggedIn
	if canApprove && !v.forgotten && v.task.OnTheWay != nil && v.task.OnTheWay(p.Question()) {
		if way := v.wayOn(p, canDeny); way != "" {
			return choice{way: way}
		}
	}
	switch v.task.Goal {
	case transcript.ReachDecision:
		if early && !canDeny {
			return choice{way: pages.Approve}
		}
		return choice{end: transcript.AtDecision}
	case transcript.Deny:
		switch {
		case canDeny:
			v.denied, v.j.Decided = true, true
			return choice{way: pages.Deny, decides: true}
		case early && v.consent == "always":
			return choice{way: pages.Approve}
		}
		return v.noWayToDeny(p, "the decision page offers no way to deny")
	case transcript.ApproveWithoutSession:
		switch {
		case v.forgotten:
			return choice{end: transcript.AtDecision}
		case !canApprove:
			return choice{trouble: p.Trouble(transcript.ElementMissing, "the page has no control to approve with")}
		}
		if !early || v.task.Account == nil {
			return v.pressApprove(p, true)
		}
		return choice{way: pages.Approve}
	}
	if !canApprove {
		return choice{trouble: p.Trouble(transcript.ElementMissing, "the page has no control to approve with")}
	}
	if !v.tab.Live() && p.Scripts && v.approvals > 0 && v.seen[p.Role+" "+fmt.Sprint(p.Fingerprint())] > 1 {
		return choice{trouble: p.Trouble(transcript.NeedsScript, "the decision page appeared again, and it has scripts that the forms driver does not run")}
	}
	return v.pressApprove(p, false)
}

// wayOn is how to answer a question that is known to decide nothing; "" for not at
// all. What is known may be wrong, so an end user who must not approve says no where
// that is offered, and says yes to nothing that shows the code.
func (v *visit) wayOn(p *pages.Sighting, canDeny bool) pages.Way {
	switch v.task.Goal {
	case transcript.Approve, transcript.ApproveWithoutSession:
		return pages.Approve
	}
	switch {
	case p.Shows(v.task.UserCode):
		return ""
	case canDeny:
		v.declined = true
		return pages.Deny
	}
	return pages.Approve
}

func (v *visit) pressApprove(p *pages.Sighting, forget bool) choice {
	v.approvals++
	v.j.Decided = true
	decides := p.Role == pages.RoleConsent || v.loggedIn
	v.approved = v.approved || decides
	return choice{way: pages.Approve, forget: forget, decides: decides}
}

// noWayToDeny ends a Deny journey that went as far as it safely could.
func (v *visit) noWayToDeny(p *pages.Sighting, why string) choice {
	t := p.Trouble(transcript.Unsupported, why)
	if v.consent != "always" && p.Role != pages.RoleConsent {
		t.Hint = "if the server asks every time, set verification.consent: always in the profile"
	}
	return choice{end: transcript.NoWayToDeny, trouble: t}
}
