package profiles

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/andybalholm/cascadia"
)

// The words of the verification section.
var (
	drivers  = []string{"browser", "forms", "hook", "manual"}
	consents = []string{"always", "first-time", "never", "unknown"}
	values   = []string{"user_code", "username", "password", "totp"}

	// Pages that ask for a decision have approve and deny, pages that end a
	// journey have no actions, and all others have do.
	decisionRoles = []string{"code_confirm", "consent"}
	endRoles      = []string{"success", "denied", "code_error", "login_error", "error"}
	otherRoles    = []string{"code", "identifier", "password", "login", "mfa", "interstitial"}
	roles         = slices.Concat(otherRoles, decisionRoles, endRoles)
)

// Drivers returns the user agents that verification.drivers may name.
func Drivers() []string { return slices.Clone(drivers) }

// unknownValue does not quote what stands there: it may be a password.
const unknownValue = "not the name of a value"

// languageTag is what a browser takes as its locale: en, en-US, zh-Hant-TW.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

func (d *document) checkVerification(v *Verification) {
	const path = "verification"
	for i, driver := range v.Drivers {
		at := fmt.Sprintf("%s.drivers.%d", path, i)
		if !d.troubled(at) {
			d.oneOf(at, driver, drivers...)
		}
		if slices.Contains(v.Drivers[:i], driver) {
			d.reportAt(at, "duplicate driver "+driver, "")
		}
	}
	if len(v.Drivers) == 0 {
		d.reportAt(path+".drivers", "no driver", "leave it out for [browser, forms]")
	}
	if !languageTag.MatchString(v.Locale) {
		d.reportAt(path+".locale", clip(v.Locale)+" is not a language tag", "write it like en-US")
	}
	d.oneOf(path+".consent", v.Consent, consents...)
	if n := v.Narrow; n != nil {
		if n.Scope == "" {
			d.require(path+".narrow.scope", "give the scope of the checkbox")
		}
		if n.Box == nil {
			d.require(path+".narrow.box", "say how to find the checkbox, for example {label: email}")
		} else {
			d.checkLocator(path+".narrow.box", n.Box)
		}
	}
	for i := range v.Pages {
		d.checkPage(fmt.Sprintf("%s.pages.%d", path, i), &v.Pages[i])
	}
	if v.Hook != nil {
		d.checkHook(path+".hook", v.Hook)
	} else if slices.Contains(v.Drivers, "hook") {
		d.require(path+".hook", "the driver hook needs a command or a url")
	}
}

func (d *document) checkPage(path string, p *Page) {
	if p.Role == "" {
		d.require(join(path, "role"), "expected "+strings.Join(roles, ", "))
	} else {
		d.oneOf(join(path, "role"), p.Role, roles...)
	}
	if len(p.When) == 0 {
		d.require(join(path, "when"), "say how to recognize the page, for example {id: user_code}")
	}
	for i, m := range p.When {
		at := fmt.Sprintf("%s.when.%d", path, i)
		if _, list := d.places[at]; !list {
			at = join(path, "when") // a single condition
		}
		d.checkMatch(at, m)
	}

	d.checkActions(join(path, "do"), p.Do)
	d.checkActions(join(path, "approve"), p.Approve)
	d.checkActions(join(path, "deny"), p.Deny)
	decides := len(p.Approve) > 0 || len(p.Deny) > 0 || p.NoDeny
	switch {
	case slices.Contains(endRoles, p.Role) && (decides || len(p.Do) > 0):
		d.reportAt(path, "the role "+p.Role+" ends the journey and has no actions", "")
	case slices.Contains(decisionRoles, p.Role) && len(p.Do) > 0:
		d.reportAt(join(path, "do"), "the role "+p.Role+" has approve and deny instead", "")
	case slices.Contains(otherRoles, p.Role) && decides:
		d.reportAt(path, "approve and deny belong to "+strings.Join(decisionRoles, " and "), "the role "+p.Role+" has do")
	}
	if p.NoDeny && len(p.Deny) > 0 {
		d.reportAt(join(path, "deny"), "no_deny says that there is no way to deny", "")
	}
	if p.HTTP != nil {
		d.checkFill(join(path, "http.set"), p.HTTP.Set)
		d.checkFill(join(path, "http.approve"), p.HTTP.Approve)
		d.checkFill(join(path, "http.deny"), p.HTTP.Deny)
	}
}

func (d *document) checkMatch(path string, m Match) {
	element := m.CSS != "" || m.ID != "" || m.Name != ""
	if !element && m.URL == "" && m.Title == "" && m.Text == "" {
		d.requireOne(path, "no condition", "give one of css, id, name, url, title, text")
	}
	if m.Visible != nil && !element {
		d.reportAt(join(path, "visible"), "visible needs an element", "give css, id or name")
	}
	d.checkCSS(join(path, "css"), m.CSS)
	d.checkPattern(join(path, "title"), m.Title)
	d.checkPattern(join(path, "text"), m.Text)
}

func (d *document) checkActions(path string, actions []Action) {
	for i, a := range actions {
		d.checkAction(fmt.Sprintf("%s.%d", path, i), a)
	}
}

func (d *document) checkAction(path string, a Action) {
	kinds := 0
	for _, act := range []struct {
		key     string
		locator *Locator
	}{{"fill", a.Fill}, {"click", a.Click}, {"check", a.Check}} {
		if act.locator != nil {
			kinds++
			d.checkLocator(join(path, act.key), act.locator)
		}
	}
	switch {
	case kinds == 0:
		d.requireOne(path, "no action", "give one of fill, click, check")
	case kinds > 1:
		d.reportAt(path, "more than one action", "write one entry for each of fill, click, check")
	}
	switch {
	case a.Fill != nil && a.With == "":
		d.require(join(path, "with"), "expected "+strings.Join(values, ", "))
	case a.Fill != nil && !slices.Contains(values, a.With):
		d.reportAt(join(path, "with"), unknownValue, "expected "+strings.Join(values, ", "))
	case a.Fill == nil && a.With != "" && kinds > 0:
		d.reportAt(join(path, "with"), "only fill has a value", "")
	}
	if a.All && a.Click != nil {
		d.reportAt(join(path, "all"), "only fill and check have all", "")
	}
}

func (d *document) checkLocator(path string, l *Locator) {
	given := 0
	for _, by := range []string{l.CSS, l.ID, l.Name, l.Label, l.Button} {
		if by != "" {
			given++
		}
	}
	const kinds = "css, id, name, label, button"
	switch {
	case given == 0:
		d.requireOne(path, "no locator", "give one of "+kinds)
	case given > 1:
		d.reportAt(path, "more than one locator", "give one of "+kinds)
	}
	if l.Nth < 0 {
		d.reportAt(join(path, "nth"), fmt.Sprintf("expected 0 or more, found %d", l.Nth), "")
	}
	d.checkCSS(join(path, "css"), l.CSS)
	d.checkPattern(join(path, "label"), l.Label)
	d.checkPattern(join(path, "button"), l.Button)
}

func (d *document) checkCSS(path, selector string) {
	if selector == "" {
		return
	}
	if _, err := cascadia.ParseGroup(selector); err != nil {
		d.reportAt(path, clip(selector)+" is not a CSS selector: "+err.Error(), "")
	}
}

func (d *document) checkPattern(path, pattern string) {
	if _, err := regexp.Compile(pattern); err != nil {
		d.reportAt(path, "not a regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "")
	}
}

// checkFill accepts the names of values, and literals behind an equals sign.
func (d *document) checkFill(path string, fields map[string]string) {
	for field, value := range fields {
		if !strings.HasPrefix(value, "=") && !slices.Contains(values, value) {
			d.reportAt(join(path, field), unknownValue, "expected "+strings.Join(values, ", ")+", or =text for literal text")
		}
	}
}

func (d *document) checkHook(path string, h *Hook) {
	switch {
	case len(h.Command) == 0 && h.URL == "":
		d.require(join(path, "command"), "give command or url")
	case len(h.Command) > 0 && h.URL != "":
		d.reportAt(path, "both command and url", "give only one")
	case len(h.Command) > 0 && (h.Method != "" || h.Body != "" || len(h.Headers) > 0):
		d.reportAt(path, "method, headers and body belong to url, not to command", "")
	}
	// The hook is not the target: tls.allow_http does not speak of it.
	d.checkAnyURL(join(path, "url"), h.URL)
	if h.Method != "" && !headerName.MatchString(h.Method) {
		d.reportAt(join(path, "method"), clip(h.Method)+" is not an HTTP method", "")
	}
	for name, value := range h.Headers {
		d.checkHeader(join(path, "headers."+name), name, value)
	}
}
