package useragent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
)

// The roles of pages, as in profiles.Page.Role. The empty role is a page that
// nothing recognised.
const (
	roleCode         = "code"
	roleConfirm      = "code_confirm"
	roleIdentifier   = "identifier"
	rolePassword     = "password"
	roleLogin        = "login"
	roleMFA          = "mfa" // by heuristics only: no journey passes it
	roleConsent      = "consent"
	roleInterstitial = "interstitial"
	roleSuccess      = "success"
	roleDenied       = "denied"
	roleCodeError    = "code_error"
	roleLoginError   = "login_error"
	roleError        = "error"
)

// none stands for an element that is not on the page.
const none = -1

// sighting is a recognised page: its role, and the elements that matter on it
// as indices of Snapshot.Elements.
type sighting struct {
	*Snapshot
	Role   string
	Reason string
	// Entry is the profile's page that matched; nil: heuristics.
	Entry *profiles.Page
	// Tried says why each of the profile's pages did not match.
	Tried []string

	Code     []int // the code field, or one box for each character
	User     int
	Password int
	Submit   int // what sends the form of the fields above
	// Waiting is a button that the page keeps disabled for now.
	Waiting int
	Approve int
	Deny    int
}

// recogniser tells what page a snapshot shows. It is a pure function of the
// snapshot, the profile's pages and the user code.
type recogniser struct {
	pages []pageEntry
	auto  bool
}

// endsAt says that the profile has a journey end at that address, by its address
// alone: an application's callback, say, which need not load.
func (r *recogniser) endsAt(address string) bool {
	for i := range r.pages {
		switch r.pages[i].page.Role {
		case roleSuccess, roleDenied, roleError:
		default:
			continue
		}
		for _, c := range r.pages[i].when {
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

func (r *recogniser) recognise(s *Snapshot, userCode string) *sighting {
	v := &sighting{Snapshot: s, User: none, Password: none, Submit: none, Waiting: none, Approve: none, Deny: none}
	v.findControls(userCode)
	for i := range r.pages {
		entry := &r.pages[i]
		why, ok := entry.matches(s)
		if ok {
			v.Role, v.Entry = entry.page.Role, entry.page
			v.Reason = fmt.Sprintf("the profile's page %d (%s)", i+1, why)
			return v
		}
		v.Tried = append(v.Tried, fmt.Sprintf("page %d %s: %s", i+1, entry.page.Role, why))
	}
	if !r.auto {
		v.Tried = append(v.Tried, "no heuristics (auto: false)")
		return v
	}
	v.Role, v.Reason = v.guess(userCode)
	if v.Role == "" {
		v.Tried = append(v.Tried, v.Reason)
	}
	return v
}

// findControls looks for the fields and buttons of all roles.
func (v *sighting) findControls(userCode string) {
	var texts []int
	best, bestUser := 0, 0
	for i := range v.Elements {
		e := &v.Elements[i]
		if !e.usable() {
			continue
		}
		switch e.Kind {
		case Password:
			if v.Password == none {
				v.Password = i
			}
		case TextField:
			if e.Type == "search" {
				continue
			}
			texts = append(texts, i)
			code, user := codeScore(e), userScore(e)
			if user > code && user > bestUser {
				v.User, bestUser = i, user
			}
			if code >= 3 && code > user && code > best {
				v.Code, best = []int{i}, code
			}
		}
	}
	if boxes := v.boxes(texts); boxes != nil {
		v.Code = boxes
	}
	v.nameless(texts)
	v.findButtons()
}

// nameless takes a text field that says nothing about itself for what the
// page around it suggests.
func (v *sighting) nameless(texts []int) {
	switch {
	case v.Password != none && v.User == none:
		// The last text field before the password.
		for _, i := range texts {
			if i < v.Password && !slices.Contains(v.Code, i) {
				v.User = i
			}
		}
	case v.Password == none && len(texts) == 1 && len(v.Code) == 0 && (v.User == none || userScore(&v.Elements[texts[0]]) < 3):
		e := &v.Elements[texts[0]]
		if otherCodes.in(e.text()) == "" && secondWord.in(e.text()) == "" && codeWords.in(v.Title+" "+v.Text) != "" {
			v.Code, v.User = texts, none
		}
	}
	if v.Password != none && v.User == none && len(v.Code) == 1 {
		// "Customer code" beside a password is a user name.
		v.User, v.Code = v.Code[0], nil
	}
}

// boxes are at least four neighbouring fields for one character each.
func (v *sighting) boxes(texts []int) []int {
	var run []int
	for _, i := range texts {
		if v.Elements[i].MaxLength == 1 {
			run = append(run, i)
		}
	}
	if len(run) < 4 {
		return nil
	}
	return run
}

// text is everything that an element says about itself.
func (e *Element) text() string {
	return strings.Join([]string{e.Name, e.ID, e.Label, e.Placeholder}, " · ")
}

func codeScore(e *Element) int {
	score, text := 0, e.text()
	word := codeWords.in(text)
	switch word {
	case "":
	case "code":
		score = 3
	default:
		score = 5
	}
	if e.Autocomplete == "one-time-code" {
		score += 2
	}
	if e.MaxLength >= 6 && e.MaxLength <= 12 {
		score++
	}
	if otherCodes.in(text) != "" {
		score -= 5
	}
	if secondWord.in(text) != "" && (word == "" || word == "code") {
		score -= 5
	}
	return score
}

func userScore(e *Element) int {
	score := 0
	switch {
	case strings.Contains(e.Autocomplete, "username"):
		score = 5
	case strings.Contains(e.Autocomplete, "email"):
		score = 4
	}
	if e.Type == "email" {
		score += 3
	}
	if userWords.in(e.text()) != "" {
		score += 4
	}
	if codeWords.in(e.text()) == "user code" || codeWords.in(e.text()) == "usercode" {
		score -= 4 // "user" of "user code"
	}
	return score
}

// findButtons sorts the buttons by their words. A link counts only as a way to
// refuse.
func (v *sighting) findButtons() {
	anchor := none // a field of the form that is to be sent
	switch {
	case v.Password != none:
		anchor = v.Password
	case len(v.Code) > 0:
		anchor = v.Code[0]
	case v.User != none:
		anchor = v.User
	}
	best := 0
	bestApprove, onlyContinue := 0, none
	for i := range v.Elements {
		e := &v.Elements[i]
		if e.Kind == Button && e.Visible && !e.Enabled && (anchor == none || e.Form == v.Elements[anchor].Form) {
			v.Waiting = i
		}
		if !e.usable() || (e.Kind != Button && e.Kind != Link) || len(e.Label) > 60 || e.Popup {
			continue
		}
		says := first(e.Label, e.Name+" "+e.ID)
		if strayWords.in(says) != "" && denyWords.in(says) == "" {
			continue
		}
		if denyWords.in(says) != "" || e.Kind == Button && e.Label == "" && denyWords.in(e.Value) != "" {
			if v.Deny == none || e.Kind == Button && v.Elements[v.Deny].Kind == Link {
				v.Deny = i
			}
			continue
		}
		if e.Kind == Link {
			continue
		}
		score := 1
		if anchor != none && e.Form == v.Elements[anchor].Form {
			score += 4
		}
		if e.Type == "submit" || e.Type == "image" {
			score += 2
		}
		if continueWords.in(says) != "" || loginWords.in(says) != "" || approveWords.in(says) != "" {
			score += 3
		}
		if anchor != none && i > anchor {
			score += 2
		}
		if e.Focused {
			score++
		}
		if e.Type == "reset" {
			score -= 6
		}
		// A nameless button before the field is furniture.
		if score > best && (anchor == none || i > anchor || score > 3) {
			v.Submit, best = i, score
		}
		approve := 0
		switch {
		case approveWords.in(says) != "":
			approve = 4
		case continueWords.in(says) != "":
			approve = 2
			if onlyContinue == none {
				onlyContinue = i
			}
		}
		if approve > 0 && e.Focused {
			approve++
		}
		if approve > bestApprove {
			v.Approve, bestApprove = i, approve
		}
	}
}

// guess tells the role by heuristics, and why.
func (v *sighting) guess(userCode string) (role, reason string) {
	said := v.Title + " · " + v.Text
	alert := errorWords.in(v.Alert)
	switch {
	case v.Password != none && v.User != none:
		if alert != "" {
			return roleLoginError, fmt.Sprintf("fields for user name and password, alert says %q", alert)
		}
		return roleLogin, "fields for user name and password"
	case v.Password != none:
		if alert != "" {
			return roleLoginError, fmt.Sprintf("a password field, alert says %q", alert)
		}
		return rolePassword, "a password field"
	case len(v.Code) > 0:
		if alert != "" {
			return roleCodeError, fmt.Sprintf("a code field, alert says %q", alert)
		}
		return roleCode, "a field for the user code"
	case v.secondFactor():
		return roleMFA, "a field for a second factor"
	case v.User != none && userScore(&v.Elements[v.User]) >= 4:
		if alert != "" {
			return roleLoginError, fmt.Sprintf("a user name field, alert says %q", alert)
		}
		return roleIdentifier, "a user name field"
	case v.Status >= 400 && v.Approve == none:
		return roleError, fmt.Sprintf("HTTP status %d", v.Status)
	case v.Approve != none && v.Deny != none:
		return v.decision(userCode)
	}
	explicit := v.Approve != none && approveWords.in(v.Elements[v.Approve].Label) != ""
	switch {
	case explicit && consentWords.in(v.Text) != "" && alert == "":
		return v.decision(userCode)
	case deniedWords.in(said) != "":
		return roleDenied, fmt.Sprintf("the text says %q", deniedWords.in(said))
	case alert != "":
		return roleError, fmt.Sprintf("alert says %q", alert)
	case v.Approve != none && v.hasBoxes():
		return roleConsent, "boxes to tick and a button to go on"
	case errorWords.in(said) != "" && successWords.in(said) == "":
		return roleError, fmt.Sprintf("the text says %q", errorWords.in(said))
	case successWords.in(said) != "":
		return roleSuccess, fmt.Sprintf("the text says %q", successWords.in(said))
	case v.Approve != none:
		return v.decision(userCode)
	}
	return "", "no heuristic fits"
}

// decision tells a confirmation of the code from a consent: it shows the code
// and its button only goes on.
func (v *sighting) decision(userCode string) (role, reason string) {
	label := v.Elements[v.Approve].Label
	reason = fmt.Sprintf("a button %q", label)
	if v.Deny != none {
		reason += fmt.Sprintf(" and %q", v.Elements[v.Deny].Label)
	}
	code := bare(userCode)
	if code != "" && strings.Contains(bare(v.Text), code) && approveWords.in(label) == "" {
		return roleConfirm, reason + ", and the user code in the text"
	}
	return roleConsent, reason
}

// usability lists what makes the code page harder to use than it need be, for
// people with a screen reader or a phone.
func (v *sighting) usability() (observed []string) {
	if v.Role != roleCode || len(v.Code) == 0 {
		return nil
	}
	e := &v.Elements[v.Code[0]]
	if e.Label == "" {
		observed = append(observed, "the code field has no name for a screen reader (a placeholder is none)")
	}
	if e.Autocomplete != "off" && e.Autocomplete != "one-time-code" {
		observed = append(observed, "the code field has no autocomplete=off or one-time-code, so that browsers offer old codes")
	}
	if e.Capitals == "" {
		observed = append(observed, "the code field has no autocapitalize, so that phones guess the case")
	}
	if v.Lang == "" {
		observed = append(observed, "the page does not say which language it is in")
	}
	return observed
}

func (v *sighting) hasBoxes() bool {
	return slices.ContainsFunc(v.Elements, func(e Element) bool { return e.Kind == Check && e.usable() })
}

func (v *sighting) secondFactor() bool {
	return slices.ContainsFunc(v.Elements, func(e Element) bool {
		return e.Kind == TextField && e.usable() && (secondWord.in(e.text()) != "" || e.Autocomplete == "one-time-code")
	})
}
