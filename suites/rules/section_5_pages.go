package rules

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section5Pages = []Rule{
	{"SEC-07", []string{transcript.CrossSite, transcript.Approval}, nil, decisionsAreNotForged},
	{"SEC-08", one(transcript.Framing), nil, pagesAreNotFramed},
	{"SEC-09", one(transcript.RepeatedConsent), one(transcript.CrossSite), noSilentRepeat},
	{"SEC-10", one(transcript.Injection), nil, nothingIsInjected},
	{"SEC-11", one(transcript.Redirection), nil, noOpenRedirect},
	{"SEC-12", []string{transcript.CrossOriginReads, transcript.Approval}, []string{transcript.CompleteURI}, pagesKeepToThemselves},
}

// attack returns an attack that was delivered. One that was not carried out
// proves nothing, and is an obstacle.
func (j *judging) attack(scenario, name string) (transcript.Attack, bool) {
	a, ok := j.Transcripts[scenario].Attack(name)
	switch {
	case !ok:
		j.missing(scenario, "the attack "+name)
		return a, false
	case a.Trouble != "":
		j.inconclusive("%s: the attack failed to run: %s", name, a.Trouble)
		return a, false
	case !a.Delivered && !refusedPreflight(a):
		j.inconclusive("%s: the attack was not delivered, so it proves nothing%s", name, parenthesis(a.Blocked))
		return a, false
	}
	return a, true
}

// refusedPreflight says that the browser asked the server first whether a
// foreign page may send such a request, and the answer did not allow it. No
// hostile page gets further.
func refusedPreflight(a transcript.Attack) bool { return strings.Contains(a.Blocked, "Preflight") }

func parenthesis(text string) string {
	if text == "" {
		return ""
	}
	return " (" + clip(text) + ")"
}

// SEC-07
func decisionsAreNotForged(j *judging) {
	const scenario = transcript.CrossSite
	if x, ok := j.maybe(scenario, labels.Join(labels.Poll, labels.Untouched)); ok && (hasToken(x.Exchange) || !recognised(x.Exchange)) {
		j.inconclusive("coming to the decision page is enough to end the wait, so the attacks prove nothing (what a link or a typed code alone decides, VERIFY-10 and SEC-09 say): %s", describe(x.Exchange))
		return
	}
	control, _ := j.Transcripts[scenario].Attack(labels.RawControl)
	// The control tells which request decides. An attack that stands in for
	// another one, which a page sends on the way, proves nothing.
	aimed := func(a transcript.Attack) bool {
		if a.Form == control.Form {
			return true
		}
		j.inconclusive("%s: the attack went at another request (%s) than the one that decides (%s)", a.Name, clip(a.Form), clip(orAbsent(control.Form)))
		return false
	}
	approvedBy := func(name string) (x said, approved, known bool) {
		x, ok := j.first(scenario, labels.Join(labels.Poll, name))
		if !ok {
			return x, false, false
		}
		if !hasToken(x.Exchange) && !recognised(x.Exchange) {
			j.inconclusive("%s: the grant is no longer pending: %s", name, describe(x.Exchange))
			return x, false, false
		}
		return x, hasToken(x.Exchange), true
	}
	stopped := map[string]transcript.Attack{}
	for _, name := range []string{labels.CrossSiteNoCSRFToken, labels.CrossSiteOtherCSRFToken, labels.CrossSiteQuery} {
		if _, tried := j.Transcripts[scenario].Attack(name); !tried && name != labels.CrossSiteNoCSRFToken {
			continue // there was nothing of the kind to forge
		}
		a, ok := j.attack(scenario, name)
		if !ok {
			continue
		}
		x, approved, known := approvedBy(name)
		switch {
		case approved && !j.byThatAct(x):
		case approved:
			j.fail("forged-from-another-site", quoted("authorization_pending")+": the end user pressed nothing",
				fmt.Sprintf("a page at %s sent %s %s %s, and the device got its token; cookies sent: %s", clip(a.From), a.Method, clip(a.URL), clip(a.Forged), orNone(a.Cookies)), x)
		case known && aimed(a):
			stopped[name] = a
		}
	}
	x, approved, known := approvedBy(labels.RawControl)
	if !known {
		return
	}
	if !approved {
		// Failures above stand; a refusal proves nothing.
		j.inconclusive("the positive control failed: repeating the approve request unchanged did not approve (%s)", describe(x.Exchange))
		return
	}
	for _, kind := range []string{labels.NoCSRFToken, labels.OtherCSRFToken} {
		raw, cross := labels.Join(labels.Raw, kind), stopped[labels.Join(labels.CrossSite, kind)]
		if _, tried := j.Transcripts[scenario].Attack(raw); !tried || cross.Name == "" {
			continue
		}
		if a, _ := j.Transcripts[scenario].Attack(raw); !aimed(a) {
			continue
		}
		accepted, approved, known := approvedBy(raw)
		switch {
		case !known:
		case approved && len(cross.Withheld) > 0 && len(cross.Cookies) == 0:
			j.warn("only-samesite", "the server rejects a forged decision, whatever cookies come with it",
				fmt.Sprintf("the server accepts it with the cookies (%s): only SameSite withheld them from the hostile page: %s", clip(cross.Forged), clip(strings.Join(cross.Withheld, "; "))), accepted)
		case approved:
			j.note("only-origin", fmt.Sprintf("the server accepts the decision %s if Origin is the page's own; it rejects requests from another site", clip(cross.Forged)), accepted)
			j.pass("the server rejects forged decisions from another site (%s)", kind)
		default:
			j.pass("the server rejects forged decisions (%s)", kind)
		}
	}
	if query, ok := stopped[labels.CrossSiteQuery]; ok {
		j.pass("the server rejects a decision sent as a link (status %d)", query.Status)
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return clip(strings.Join(list, ", "))
}

// pages are the kinds of page that must not be framed, by the roles that the
// recogniser gives them.
var framedPages = []struct {
	kind  string
	roles []string
}{
	{"verification", []string{"code"}},
	{"login", []string{"login", "identifier", "password"}},
	{"decision", []string{"consent", "code_confirm"}},
	{"error", []string{"code_error", "error"}},
}

// SEC-08
func pagesAreNotFramed(j *judging) {
	const scenario = transcript.Framing
	var steps []transcript.Step
	for _, name := range []string{labels.Decision, labels.WrongCode} {
		if visit, ok := j.journey(scenario, name); ok {
			steps = append(steps, visit.Steps...)
		}
	}
	for _, page := range framedPages {
		i := slices.IndexFunc(steps, func(s transcript.Step) bool { return slices.Contains(page.roles, s.Page) })
		if i < 0 {
			if page.kind == "verification" || page.kind == "decision" {
				j.inconclusive("no %s page appeared", page.kind)
			}
			continue
		}
		step := steps[i]
		ancestors, policy := frameAncestors(step.Header["Content-Security-Policy"])
		options := strings.ToUpper(strings.TrimSpace(step.Header["X-Frame-Options"]))
		byOptions := options == "DENY" || options == "SAMEORIGIN"
		switch {
		case policy && !anywhere(ancestors):
			j.pass("%s: frame-ancestors %s", page.kind, clip(strings.Join(ancestors, " ")))
			continue
		case !policy && byOptions:
			j.warn("only-x-frame-options", "Content-Security-Policy with frame-ancestors", fmt.Sprintf("the %s page has only X-Frame-Options: %s", page.kind, options))
			continue
		}
		a, ok := j.attack(scenario, labels.Join(labels.Frame, step.Page))
		why := "no frame-ancestors and no X-Frame-Options"
		if policy {
			why = "frame-ancestors " + clip(strings.Join(ancestors, " "))
		}
		shown := fmt.Sprintf("the %s page has %s, and a page at %s framed it (status %d)", page.kind, why, clip(a.From), a.Status)
		switch {
		case !ok:
		case !slices.Contains(a.Seen, "rendered in a frame"):
			j.warn("no-header", "frame-ancestors, or X-Frame-Options", fmt.Sprintf("the %s page has %s; it did not appear in a frame%s", page.kind, why, parenthesis(a.Blocked)))
		case sessionStayedBehind(a):
			// RFC 9700 has the attack prevented, and commands no means: in a frame
			// that has no session nobody's click decides anything.
			j.warn("only-samesite", "a page that no other site can frame", shown+"; only SameSite keeps the end user's session out: "+clip(strings.Join(a.Withheld, "; ")))
		default:
			j.fail("framed", "a page that no other site can frame", shown)
		}
	}
}

// sessionStayedBehind says that no cookie went along with a request from
// another site, because the server asked for that with SameSite. What a browser
// does with cookies that do not name it differs from browser to browser.
func sessionStayedBehind(a transcript.Attack) bool {
	asked := false
	for _, cookie := range a.Withheld {
		switch {
		case strings.Contains(cookie, "NotOnPath"), strings.Contains(cookie, "DomainMismatch"):
			// None of this page's cookies.
		case strings.Contains(cookie, "SameSiteLax"), strings.Contains(cookie, "SameSiteStrict"):
			asked = true
		default:
			return false
		}
	}
	return asked && len(a.Cookies) == 0
}

// frameAncestors reads the directive out of a Content-Security-Policy; a list
// of policies applies as a whole, so the first that has it will do.
func frameAncestors(policies string) (sources []string, found bool) {
	for policy := range strings.SplitSeq(policies, ",") {
		for directive := range strings.SplitSeq(policy, ";") {
			words := strings.Fields(directive)
			if len(words) > 0 && strings.EqualFold(words[0], "frame-ancestors") {
				return words[1:], true
			}
		}
	}
	return nil, false
}

func anywhere(sources []string) bool {
	return slices.ContainsFunc(sources, func(s string) bool {
		return s == "*" || s == "http:" || s == "https:" || s == "http://*" || s == "https://*"
	})
}

// unseenDecided: a session that never entered a code, nor was shown it, sends the
// decision about it with its own cookies and tokens.
func (j *judging) unseenDecided() {
	const scenario = transcript.CrossSite
	quiet := judging{Evidence: j.Evidence}
	if untouched, ok := quiet.maybe(scenario, labels.Join(labels.Poll, labels.Untouched)); !ok || hasToken(untouched.Exchange) {
		return // coming to the page decides: nothing can be left out
	}
	if control, ok := quiet.maybe(scenario, labels.Join(labels.Poll, labels.RawControl)); !ok || !hasToken(control.Exchange) {
		return
	}
	for _, name := range []string{labels.UnseenForm, labels.UnseenLink} {
		a, ok := j.Transcripts[scenario].Attack(name)
		x, polled := quiet.maybe(scenario, labels.Join(labels.Poll, name))
		switch {
		case !ok || !a.Delivered || !polled:
		case hasToken(x.Exchange) && !j.byThatAct(x):
		case hasToken(x.Exchange) && name == labels.UnseenForm:
			// Only the end user's own session can send it: nobody else gains by that.
			j.note("decided-unseen", fmt.Sprintf("%s %s decides about a code that this session never entered: the decision is bound to the session, and not to the page that shows the code", a.Method, clip(pathOf(a.URL))), x)
		case hasToken(x.Exchange):
			j.warn("decided-unseen", "a decision about a code that the session entered or was shown",
				fmt.Sprintf("%s %s with the code of another device, which this session never entered, and that device got its token: the page that shows the code can be left out", a.Method, clip(pathOf(a.URL))), x)
		case recognised(x.Exchange):
			j.note("unseen-refused", fmt.Sprintf("a decision about a code that the session never entered has no effect (%s, status %d)", a.Method, a.Status), x)
		}
	}
}

// pathOf is an address without its query, which holds codes and tokens.
func pathOf(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}

// SEC-09
func noSilentRepeat(j *judging) {
	const scenario = transcript.RepeatedConsent
	j.unseenDecided()
	if !j.approved(scenario, labels.Of(labels.Approve, labels.Before)) {
		return
	}
	switch before := j.all(scenario, labels.BeforeToken); {
	case len(before) == 0:
		j.missing(scenario, labels.BeforeToken)
		return
	case !hasToken(before[len(before)-1].Exchange):
		j.inconclusive("the earlier approval failed: %s", describe(before[len(before)-1].Exchange))
		return
	}
	visit, ok := j.journey(scenario, labels.TypeAgain)
	if !ok {
		return
	}
	x, ok := j.first(scenario, labels.AfterTyping)
	switch {
	case !ok:
	case hasToken(x.Exchange) && !j.byThatAct(x):
	case hasToken(x.Exchange):
		j.warn("not-asked", "a page that asks for the decision", "the typed code alone got the device its token: "+describe(x.Exchange), x)
	case visit.Outcome == transcript.AtDecision && recognised(x.Exchange):
		j.pass("the page asks again, even if the end user approved before")
	default:
		j.inconclusive("the typed code led to no decision page (%s), and the poll got %s", visit.Outcome, describe(x.Exchange))
	}
}

// SEC-10
func nothingIsInjected(j *judging) {
	tried, typed, shown := 0, 0, 0
	for _, a := range j.Transcripts[transcript.Injection].Attacks {
		if a.Shown {
			shown++
		}
		switch {
		case len(a.Seen) > 0:
			j.fail("injected", "the payload shown as text or not at all", fmt.Sprintf("%s: %s (%s)", clip(a.Name), clip(strings.Join(a.Seen, "; ")), clip(a.URL)))
		case a.Trouble != "" || !a.Delivered:
			j.note("not-delivered", fmt.Sprintf("%s%s%s", clip(a.Name), parenthesis(a.Trouble), parenthesis(a.Blocked)))
		case a.Method == labels.Typed:
			typed++
			fallthrough
		default:
			tried++
		}
	}
	if tried == 0 {
		j.missing(transcript.Injection, "a delivered attack")
		return
	}
	if _, ok := j.Transcripts[transcript.Injection].Attack(labels.Join(labels.VerificationURI, labels.Text)); !ok {
		return
	}
	_, controlled := j.Transcripts[transcript.Injection].Attack(labels.Join(labels.VerificationURI, labels.Plain))
	switch {
	case !controlled:
		j.pass("%d payloads had no effect on the pages", tried)
	case shown == 0 && typed == 0:
		j.inconclusive("no page showed any of the %d payloads, nor the harmless word among them, and none could be typed: none reached a page that could be harmed", tried)
	case shown == 0:
		j.pass("%d payloads had no effect on the pages, which repeat nothing: the code page took %d of them and showed none, not even the harmless word", tried, typed)
	default:
		j.pass("%d payloads had no effect on the pages, which showed %d of them as text", tried, shown)
	}
}

// SEC-11
func noOpenRedirect(j *judging) {
	delivered := 0
	for _, a := range j.Transcripts[transcript.Redirection].Attacks {
		switch {
		case len(a.Seen) > 0:
			j.fail("redirected", "a browser that stays on the site", fmt.Sprintf("%s sent the browser to a foreign site (%s)", clip(strings.Join(a.Seen, ", ")), clip(a.Name)))
		case a.Delivered:
			delivered++
		case j.endedOnSite(a):
			delivered++
		default:
			j.inconclusive("%s: no page appeared", a.Name)
		}
	}
	stayed := fmt.Sprintf("%d visits with foreign addresses in the usual parameters stayed on the site", delivered)
	if login, _ := j.Transcripts[transcript.Redirection].Journey(labels.Join(labels.Login, labels.Absolute)); login.LoggedIn {
		// The login is where servers send people on. It may be all there is:
		// a server may refuse to go on to a decision from such an address.
		j.pass("%s, one of them after a login", stayed)
		return
	}
	visit, ok := j.journey(transcript.Redirection, labels.Join(labels.VerificationURI, labels.Absolute))
	switch {
	case !ok:
	case visit.Outcome != transcript.Approved:
		j.inconclusive("the end user did not reach the decision: %s", visit.Outcome)
	default:
		j.pass("%s", stayed)
	}
}

// endedOnSite says that the visit of an attack ended at a page of the site that
// nobody knows: where the browser is answers the question.
func (j *judging) endedOnSite(a transcript.Attack) bool {
	visit, ok := j.Transcripts[transcript.Redirection].Journey(a.Name)
	if !ok || visit.Trouble == nil || visit.Trouble.Class != transcript.NotRecognised {
		return false
	}
	began, err := url.Parse(a.URL)
	if err != nil {
		return false
	}
	ended, err := url.Parse(visit.Trouble.URL)
	return err == nil && ended.Host != "" && ended.Host == began.Host
}

// tokenNames are on cookies that hold a form's token, and no login.
var tokenNames = regexp.MustCompile(`(?i)token|state|nonce|form|forgery`)

// sessionLike are cookies that could be the login's: long enough that nobody
// guesses them, and not there for scripts to copy into forms.
func sessionLike(c transcript.Cookie) bool {
	name := strings.ToLower(c.Name)
	return c.Length >= 16 && !strings.Contains(name, "csrf") && !strings.Contains(name, "xsrf") && !strings.HasSuffix(name, ".sig")
}

// SEC-12
func pagesKeepToThemselves(j *judging) {
	j.noCrossOriginReads()
	visit, ok := j.journey(transcript.Approval, labels.Approve)
	if !ok {
		return
	}
	if visit.Driver == "hook" || visit.Driver == "manual" {
		j.inconclusive("the %s driver sees no pages", visit.Driver)
		return
	}
	asks := func(s transcript.Step) bool { return s.Page == "consent" || s.Page == "code_confirm" }
	if !slices.ContainsFunc(visit.Steps, asks) {
		j.note("not-looked-at", "no page asked for the decision, so whether it is stored was not seen")
	}
	for _, step := range visit.Steps {
		if !asks(step) {
			continue
		}
		if cache := strings.ToLower(step.Header["Cache-Control"]); strings.Contains(cache, "no-store") {
			j.pass("the decision page is not stored")
		} else {
			j.warn("stored", "Cache-Control: no-store on the decision page", "Cache-Control: "+orAbsent(cache))
		}
		if hosts := foreignHosts(step); hosts != "" {
			j.note("foreign-resources", "the decision page loads from other hosts, which can change what it shows or does: "+hosts)
		}
		break
	}
	if visit.LoggedIn {
		j.sessionCookies(visit)
	} else {
		j.note("not-looked-at", "nobody logged in on this visit, so its cookies are no login's")
	}
	j.noReferrerLeak()
}

func orAbsent(value string) string {
	if value == "" {
		return "absent"
	}
	return clip(value)
}

// noCrossOriginReads: a foreign page's script must not read the pages (RFC 9700 section 2.6).
func (j *judging) noCrossOriginReads() {
	list := j.all(transcript.CrossOriginReads, labels.Page)
	if len(list) == 0 {
		j.missing(transcript.CrossOriginReads, labels.Page)
		return
	}
	// A browser shows a script the page only if the answer to its GET allows that.
	for _, x := range j.all(transcript.CrossOriginReads, labels.Preflight) {
		if allowed := strings.TrimSpace(x.Header("Access-Control-Allow-Origin")); allowed != "" {
			j.note("preflight", "the answer to OPTIONS has Access-Control-Allow-Origin: "+clip(allowed)+"; what may be read, the answers to GET say", x)
		}
	}
	for _, x := range list {
		allowed, credentials := strings.TrimSpace(x.Header("Access-Control-Allow-Origin")), x.Header("Access-Control-Allow-Credentials") == "true"
		switch {
		case allowed == "":
			j.pass("no page allows foreign pages to read it")
		case allowed == "*":
			j.warn("any-origin", "no Access-Control-Allow-Origin", "Access-Control-Allow-Origin: * at "+clip(x.URL), x)
		case strings.Contains(allowed, "evil.example") && credentials:
			j.fail("policy-foreign-origin-with-credentials", "no Access-Control-Allow-Origin", "a foreign origin may read the page with the end user's cookies: "+clip(x.URL), x)
		case strings.Contains(allowed, "evil.example"):
			j.warn("foreign-origin", "no Access-Control-Allow-Origin", "the page allows a foreign origin: "+clip(x.URL), x)
		default:
			j.note("one-origin", "Access-Control-Allow-Origin: "+clip(allowed), x)
		}
	}
}

// sessionCookies looks at the cookies of an end user who is logged in. Which of
// several is the login, nobody sees: what all of them lack, the login lacks, and
// where they differ, the cookies neither pass nor accuse.
func (j *judging) sessionCookies(visit transcript.Journey) {
	https := strings.HasPrefix(lastPage(visit), "https:")
	var sessions []transcript.Cookie
	for _, c := range visit.Cookies {
		if sessionLike(c) {
			sessions = append(sessions, c)
		}
	}
	lacking := func(c transcript.Cookie) (lacks []string) {
		if !c.HTTPOnly {
			lacks = append(lacks, "HttpOnly")
		}
		if https && !c.Secure {
			lacks = append(lacks, "Secure")
		}
		if c.SameSite == "" {
			lacks = append(lacks, "SameSite")
		}
		return lacks
	}
	beside := false
	var protected []string
	for _, c := range sessions {
		switch {
		case c.Field == "":
		case len(sessions) == 1 && tokenNames.FindString(c.Name) == "":
			j.warn("printed", "the login's cookie stands in no page", fmt.Sprintf("the hidden field %s has the value of the cookie %s: who reads the page has the session, whatever HttpOnly forbids", clip(c.Field), clip(c.Name)))
		default:
			j.note("printed-beside", fmt.Sprintf("the hidden field %s has the value of the cookie %s, which may be a token of its own and not the login", clip(c.Field), clip(c.Name)))
		}
		lacks := lacking(c)
		observed := fmt.Sprintf("the cookie %s lacks %s", clip(c.Name), strings.Join(lacks, ", "))
		shared := slices.ContainsFunc(lacks, func(attribute string) bool {
			return !slices.ContainsFunc(sessions, func(other transcript.Cookie) bool { return !slices.Contains(lacking(other), attribute) })
		})
		switch {
		case len(lacks) == 0:
			protected = append(protected, clip(c.Name))
		case shared:
			j.warn("cookie", "HttpOnly, SameSite, and Secure on https", observed)
		default:
			j.note("cookie-beside", observed)
			beside = true
		}
	}
	switch {
	case beside:
		j.note("not-looked-at", "which of the cookies is the login was not seen, and not all of them are protected")
	case len(protected) > 0:
		j.pass("protected cookies: %s", strings.Join(protected, ", "))
	}
}

func lastPage(visit transcript.Journey) string {
	if len(visit.Steps) == 0 {
		return visit.Start
	}
	return visit.Steps[len(visit.Steps)-1].URL
}

// noReferrerLeak: the address of the page that verification_uri_complete opens
// holds the code, and must not be told to other hosts.
func (j *judging) noReferrerLeak() {
	visit, ok := j.Transcripts[transcript.CompleteURI].Journey(labels.Look)
	if !ok || len(visit.Steps) == 0 {
		return
	}
	step := visit.Steps[0]
	if len(step.Foreign) == 0 {
		j.pass("the page of verification_uri_complete loads nothing from other hosts")
		return
	}
	for _, f := range step.Foreign {
		if _, query, found := strings.Cut(f.Referer, "?"); found && query != "" {
			j.warn("code-in-referer", "no Referer with the page's query", fmt.Sprintf("%s received %s", clip(f.Origin), clip(f.Referer)))
			return
		}
	}
	if policy := step.Header["Referrer-Policy"]; policy == "" {
		j.warn("no-referrer-policy", "a Referrer-Policy on a page that has the code in its address and loads from other hosts", "none, and it loads from "+foreignHosts(step))
	} else {
		j.pass("Referrer-Policy: %s", clip(policy))
	}
}

// foreignHosts are the other hosts that a page loads from; "" for none.
func foreignHosts(step transcript.Step) string {
	var hosts []string
	for _, f := range step.Foreign {
		if !slices.Contains(hosts, f.Origin) {
			hosts = append(hosts, f.Origin)
		}
	}
	return clip(strings.Join(hosts, ", "))
}
