// Package pages recognizes pages. From a [Snapshot] of a page and the profile's
// entries, it determines which page of the flow in RFC 8628 section 3.3 it is
// and what to do on it: type the code, log in, approve, deny, continue.
//
// Nothing here opens a page. A [Snapshot] comes from a browser or an HTML
// parser. A [Recogniser] turns it into a [Sighting], using the profile's
// entries and, if none matches, heuristics that know the markup and the words of twelve
// languages. The caller that took the snapshot carries out each [Act] of a
// [Sighting]. Everything here is pure, and everything on a page is treated as
// hostile.
package pages

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// The roles of pages, as in profiles.Page.Role. The empty role is a page that
// nothing recognized.
const (
	RoleCode         = "code"
	RoleConfirm      = "code_confirm"
	RoleIdentifier   = "identifier"
	RolePassword     = "password"
	RoleLogin        = "login"
	RoleMFA          = "mfa" // asks for a one-time code of the end user's own
	RoleConsent      = "consent"
	RoleInterstitial = "interstitial"
	RoleSuccess      = "success"
	RoleDenied       = "denied"
	RoleCodeError    = "code_error"
	RoleLoginError   = "login_error"
	RoleError        = "error"
)

// Sighting is a recognized page: its role, and its important elements.
type Sighting struct {
	*Snapshot
	// Role is one of the Role constants, or "" if none matches; Reason says
	// why.
	Role   string
	Reason string
	// Entry is the profile's page that matched; nil: heuristics.
	Entry *profiles.Page
	// Added are the words that the page has and an earlier one, otherwise the same,
	// has not; "" if there is no such page.
	Added string
	// Tried says why each of the profile's pages did not match.
	Tried []string

	controls
}

// Recogniser determines which page a snapshot shows. It is a pure function of
// the snapshot, the profile's pages and the user code.
type Recogniser struct {
	entries []entry
	auto    bool
	queries []string
}

// NewRecogniser prepares the pages of a profile. It fails if a pattern of an
// entry is not a regular expression.
func NewRecogniser(v profiles.Verification) (*Recogniser, error) {
	entries, queries, err := compile(v.Pages)
	if err != nil {
		return nil, err
	}
	if n := v.Narrow; n != nil && n.Box != nil && selector(n.Box) != "" {
		queries = append(queries, selector(n.Box))
	}
	return &Recogniser{entries: entries, auto: v.Auto == nil || *v.Auto, queries: queries}, nil
}

// Queries returns the CSS selectors that the Queries of each Snapshot must
// answer.
func (r *Recogniser) Queries() []string { return r.queries }

// EndsAt reports whether the profile says that a journey ends at that address,
// by the address alone: for example an application's callback, which need not
// load.
func (r *Recogniser) EndsAt(address string) bool {
	for i := range r.entries {
		switch r.entries[i].page.Role {
		case RoleSuccess, RoleDenied, RoleError:
		default:
			continue
		}
		for _, c := range r.entries[i].when {
			if c.url == nil {
				continue
			}
			if _, ok := c.holds(&Snapshot{URL: address}); ok {
				return true
			}
		}
	}
	return false
}

// Recognise determines which page a snapshot shows. The user code, or "" if
// unknown, distinguishes a page that asks to compare it from a consent page.
// Earlier has the words of pages that the journey saw before: what stands on every
// page of a site is no signal.
func (r *Recogniser) Recognise(s *Snapshot, userCode string, earlier ...string) *Sighting {
	v := &Sighting{Snapshot: s, controls: findControls(s)}
	v.Added = added(v.Said(), earlier)
	if asks := len(v.code) > 0 || v.user != none || v.password != none; asks && s.Alert == "" && errorWords.in(v.Added) != "" {
		s.Alert = Tidy(v.Added, MaxLabel) // an error that nothing marks as one
	}
	for i := range r.entries {
		e := &r.entries[i]
		why, ok := e.matches(s)
		if ok {
			v.Role, v.Entry = e.page.Role, e.page
			v.named()
			v.Reason = fmt.Sprintf("the profile's page %d (%s)", i+1, why)
			return v
		}
		v.Tried = append(v.Tried, fmt.Sprintf("page %d %s: %s", i+1, e.page.Role, why))
	}
	if !r.auto {
		v.Tried = append(v.Tried, "no heuristics (auto: false)")
		return v
	}
	v.Role, v.Reason = v.guess(userCode, earlier)
	if v.Role == "" {
		v.Tried = append(v.Tried, v.Reason)
	}
	return v
}

// named puts the fields that the profile's entry names in the place of those that
// the heuristics found.
func (v *Sighting) named() {
	for _, a := range v.Entry.Do {
		if a.Fill == nil {
			continue
		}
		found := find(a.Fill, v.Snapshot)
		if len(found) == 0 {
			continue
		}
		switch a.With {
		case "user_code":
			if !a.All {
				found = found[:1]
			}
			v.code = found
		case "username":
			v.user = found[0]
		case "password":
			v.password = found[0]
		case "totp":
			v.second = found[:1]
		}
	}
}

// TakesCode reports whether the page has a field for the user code that an end
// user could type into. The profile's entry knows better than the heuristics.
func (v *Sighting) TakesCode() bool {
	if v.Entry != nil && len(v.Entry.Do) > 0 {
		return slices.ContainsFunc(v.Entry.Do, func(a profiles.Action) bool { return a.Fill != nil && a.With == "user_code" })
	}
	return true
}

// guess tells the role by heuristics, and why.
func (v *Sighting) guess(userCode string, earlier []string) (role, reason string) {
	said := v.Said()
	alert := errorWords.in(v.Alert)
	switch {
	case v.dismiss != none:
		return RoleInterstitial, fmt.Sprintf("a cookie banner covers the page: %q", v.Covered())
	case alert != "" && len(v.code) > 0 && v.password == none && v.Limited():
		return RoleError, fmt.Sprintf("the alert says %q, which is about the pace and not about the code", alert)
	case v.password != none && v.user != none:
		if alert != "" {
			return RoleLoginError, fmt.Sprintf("user name and password fields; the alert says %q", alert)
		}
		return RoleLogin, "user name and password fields"
	case v.password != none:
		if alert != "" {
			return RoleLoginError, fmt.Sprintf("a password field; the alert says %q", alert)
		}
		return RolePassword, "a password field"
	case len(v.second) > 0:
		return RoleMFA, "a field for a one-time code"
	case len(v.code) > 0:
		if alert != "" {
			return RoleCodeError, fmt.Sprintf("a code field; the alert says %q", alert)
		}
		return RoleCode, "a user code field"
	case v.asksSecond():
		return RoleMFA, "a second-factor field"
	case v.user != none && userScore(&v.Elements[v.user]) >= 4:
		if alert != "" {
			return RoleLoginError, fmt.Sprintf("a user name field; the alert says %q", alert)
		}
		return RoleIdentifier, "a user name field"
	case v.Status >= 400 && v.approve == none:
		return RoleError, fmt.Sprintf("HTTP status %d", v.Status)
	case v.Picks():
		return RoleInterstitial, "a list of accounts to choose from"
	case v.asksToStay(userCode):
		if v.onward = v.saysNo(); v.onward == none {
			return "", "the page asks whether to stay signed in, and offers no way to say no"
		}
		return RoleInterstitial, fmt.Sprintf("a question about the browser's session, and a button %q", v.Elements[v.onward].Label)
	case v.goesOnAs(userCode):
		return RoleInterstitial, fmt.Sprintf("a button %q, which goes on as the one who is logged in", v.Elements[v.approve].Label)
	case v.approve != none && v.deny != none:
		return v.decision(userCode)
	}
	if v.cover != 0 && v.deny != none && (refusals.in(v.Elements[v.deny].Label) != "" || v.asksToRefuse(&v.Elements[v.deny])) {
		return RoleConsent, fmt.Sprintf("a button %q over the page", v.Elements[v.deny].Label)
	}
	if v.cover != 0 && !v.explicit {
		return v.guessBehind(earlier)
	}
	switch {
	case v.discloses() != none:
		v.onward = v.discloses()
		return RoleInterstitial, fmt.Sprintf("a button %q, which opens the login", v.Elements[v.onward].Label)
	case v.explicit && consentWords.in(v.Text) != "" && alert == "":
		return v.decision(userCode)
	case deniedWords.stated(said, earlier) != "":
		return RoleDenied, fmt.Sprintf("the text says %q", deniedWords.stated(said, earlier))
	case alert != "":
		return RoleError, fmt.Sprintf("the alert says %q", alert)
	case v.approve != none && v.hasBoxes():
		return RoleConsent, "checkboxes and a button to continue"
	case errorWords.stated(said, earlier) != "" && successWords.stated(said, earlier) == "":
		return RoleError, fmt.Sprintf("the text says %q", errorWords.stated(said, earlier))
	case successWords.stated(said, earlier) != "":
		return RoleSuccess, fmt.Sprintf("the text says %q", successWords.stated(said, earlier))
	case v.approve != none:
		return v.decision(userCode)
	}
	return "", "no heuristic matches"
}

// goesOnAs reports whether the page asks only whether the end user is still the one
// who is logged in: it shows no code and speaks of no permission, and what it offers
// beside that is another account, and no denial.
func (v *Sighting) goesOnAs(userCode string) bool {
	code := Bare(userCode)
	if v.deny != none && notMe.in(v.Elements[v.deny].Label) == "" {
		return false
	}
	return v.approve != none && goOnAs.in(v.Elements[v.approve].Label) != "" && !v.hasBoxes() &&
		consentWords.in(v.Title+" "+v.Text) == "" && (code == "" || !strings.Contains(Bare(v.Text), code))
}

// added are the words that were put into one of the earlier texts, in one place, to
// make a text of it; "" for none.
func added(text string, earlier []string) string {
	is := strings.Fields(text)
	for _, e := range earlier {
		was := strings.Fields(e)
		if len(was) == 0 || len(was) >= len(is) {
			continue
		}
		head := 0
		for head < len(was) && was[head] == is[head] {
			head++
		}
		tail := 0
		for tail < len(was)-head && was[len(was)-1-tail] == is[len(is)-1-tail] {
			tail++
		}
		if head+tail == len(was) {
			return strings.Join(is[head:len(is)-tail], " ")
		}
	}
	return ""
}

// Said is what the page says, its title first.
func (v *Sighting) Said() string { return v.Title + " · " + v.Text }

// Limited reports whether the page says that there were too many requests or
// attempts, which tells nothing about the code.
func (v *Sighting) Limited() bool {
	return v.Status == 429 || transcript.SaysLimited(v.Alert) || v.Alert == "" && len(v.code) == 0 && transcript.SaysLimited(v.Text)
}

// decision tells a confirmation of the code from a consent: it shows the code
// and its button only goes on.
func (v *Sighting) decision(userCode string) (role, reason string) {
	label := v.Elements[v.approve].Label
	reason = fmt.Sprintf("a button %q", label)
	if v.deny != none {
		reason += fmt.Sprintf(" and %q", v.Elements[v.deny].Label)
	}
	code := Bare(userCode)
	if code != "" && strings.Contains(Bare(v.Text), code) && !v.explicit {
		return RoleConfirm, reason + ", and the user code in the text"
	}
	return RoleConsent, reason
}

// Usability lists what makes the code page harder to use than necessary, for
// end users with a screen reader or a phone.
func (v *Sighting) Usability() (observed []string) {
	if v.Role != RoleCode || len(v.code) == 0 {
		return nil
	}
	e := &v.Elements[v.code[0]]
	if e.Label == "" {
		observed = append(observed, "the code field has no label for screen readers (a placeholder is not a label)")
	}
	if e.Autocomplete != "off" && e.Autocomplete != "one-time-code" {
		observed = append(observed, "the code field has no autocomplete=off or one-time-code, so browsers suggest old codes")
	}
	if e.Capitals == "" {
		observed = append(observed, "the code field has no autocapitalize, so phones guess the case")
	}
	if v.Lang == "" {
		observed = append(observed, "the page does not declare its language")
	}
	return observed
}

// AsksForInput reports whether the page has fields to fill.
func (v *Sighting) AsksForInput() bool {
	switch v.Role {
	case RoleCode, RoleCodeError, RoleIdentifier, RolePassword, RoleLogin, RoleLoginError, RoleMFA:
		return true
	}
	return false
}

// AsksForDecision reports whether the page asks to approve or deny, or whether
// the code is correct.
func (v *Sighting) AsksForDecision() bool { return v.Role == RoleConsent || v.Role == RoleConfirm }

// Question identifies what a decision page asks, whatever the code: its title
// and its buttons. It is "" for other pages.
func (v *Sighting) Question() string {
	if !v.AsksForDecision() {
		return ""
	}
	question := v.Title
	for _, i := range []int{v.approve, v.deny} {
		if i != none {
			question += " · " + v.Elements[i].says()
		}
	}
	return question
}

// Shows reports whether the page shows the user code, or asks whether it is the
// right one.
func (v *Sighting) Shows(userCode string) bool {
	code := Bare(userCode)
	return v.Role == RoleConfirm || code != "" && (strings.Contains(Bare(v.Said()), code) || Bare(v.Prefilled()) == code)
}

// AsksForPassword reports whether there is a password field.
func (v *Sighting) AsksForPassword() bool { return v.password != none }

// Waits reports whether the page keeps a button disabled for now.
func (v *Sighting) Waits() bool { return v.waiting != none }

// SaysError reports whether an alert on the page is about an error.
func (v *Sighting) SaysError() bool { return errorWords.in(v.Alert) != "" }

// Complains reports whether the page says that something was wrong: an alert, a
// field that is rejected, or words that earlier pages do not have.
func (v *Sighting) Complains(earlier []string) bool {
	return v.Role == RoleLoginError || v.SaysError() || v.Refused() != "" || errorWords.stated(v.Said(), earlier) != ""
}

// AboutCode reports whether the page mentions a code. Some do so only in their
// URL.
func (v *Sighting) AboutCode() bool {
	return codeWords.in(v.Text+" "+v.Alert) != "" || badCode.in(v.URL) != ""
}

// Prefilled returns the code that the server put into the field, "" for none.
func (v *Sighting) Prefilled() string {
	code := ""
	for _, i := range v.code {
		code += v.Elements[i].Value
	}
	return code
}

// FedByScript reports whether a hidden, empty field waits for a script to copy
// the user name into it, so that a rejected login is no evidence.
func (v *Sighting) FedByScript() bool {
	return slices.ContainsFunc(v.Elements, func(e Element) bool {
		return e.Kind == Hidden && e.Value == "" && userWords.in(e.Name) != ""
	})
}

func (v *Sighting) hasBoxes() bool {
	return slices.ContainsFunc(v.Elements, func(e Element) bool { return e.Kind == Check && e.usable() && !v.inBanner(&e) })
}
