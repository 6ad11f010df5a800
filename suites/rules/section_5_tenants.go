package rules

import (
	"fmt"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section5Tenants = []Rule{
	{"SEC-13", one(transcript.Tenants), nil, tenantsAreApart},
}

// SEC-13
func tenantsAreApart(j *judging) {
	const scenario = transcript.Tenants
	if j.Profile.Tenant == nil {
		j.noTenant()
		return
	}
	control, ok := j.first(scenario, labels.OwnDevice)
	if !ok {
		return
	}
	if !hasCodes(control.Exchange) {
		j.inconclusive("the second tenant issues no codes to its own client: %s", describe(control.Exchange))
		return
	}
	j.foreignClientThere()
	for _, state := range []string{labels.Pending, labels.Approved} {
		if state == labels.Approved && !j.approvalWorked(scenario, labels.Approve, labels.ApprovedOwner) {
			continue
		}
		for _, by := range []string{labels.TheirClient, labels.OurClient} {
			j.codeAbroad(state, by, control)
		}
	}
	j.codeOnForeignPage()
	j.foreignPerson()
	j.foreignToken()
}

// noTenant says why there is no second tenant.
func (j *judging) noTenant() { j.noClient("tenant") }

// foreignClientThere: a client of this tenant asks the other one for codes.
func (j *judging) foreignClientThere() {
	x, ok := j.maybe(transcript.Tenants, labels.ClientDevice)
	switch {
	case !ok:
		j.note("shared-client", "the tenants share a client id or an endpoint, so no foreign client was tried")
	case hasCodes(x.Exchange):
		j.fail("client", "an error", "codes from the second tenant for a client of the first", x)
	default:
		j.refusedAbroad(x, "for a client of another tenant")
	}
}

// codeAbroad: a device code of this tenant at the other one's token endpoint.
func (j *judging) codeAbroad(state, by string, control said) {
	x, ok := j.maybe(transcript.Tenants, state+"/"+by)
	if !ok {
		if by == "their client" {
			j.missing(transcript.Tenants, state+"/"+by)
		}
		return
	}
	observed := fmt.Sprintf("%s at the second tenant for a code of the first that is %s", describe(x.Exchange), state)
	switch {
	case hasToken(x.Exchange):
		j.fail("token", quoted("invalid_grant"), observed, x, control)
	case hasError(x.Exchange, "authorization_pending"):
		j.fail("pending-shown", quoted("invalid_grant"), observed, x, control)
	default:
		j.refusedAbroad(x, "for a code of another tenant that is "+state)
	}
}

// refusedAbroad judges an answer that gives nothing away: any error will do.
func (j *judging) refusedAbroad(x said, what string) {
	switch {
	case serverFault(x.Exchange):
		j.warn("server-error", "an OAuth error", describe(x.Exchange)+" "+what, x)
	case x.Status < 400 && x.OAuthError() == "":
		j.warn("other-answer", "an error", describe(x.Exchange)+" "+what, x)
	default:
		j.pass("%s %s", describe(x.Exchange), what)
	}
}

// codeOnForeignPage: a user code of this tenant on the other one's page. The
// token endpoint says what it came to, the page only what it showed.
func (j *judging) codeOnForeignPage() {
	const scenario = transcript.Tenants
	if _, visited := j.Transcripts[scenario].Journey(labels.Page); !visited {
		if own, went := j.Transcripts[scenario].Journey(labels.Own); went && own.Driver == "hook" {
			j.note("no-pages", "the hook sees no pages, so no foreign user code was tried: a browser run tells")
		} else if went {
			j.note("shared-page", "both tenants have the same verification_uri, so no foreign user code was tried")
		} else {
			j.missing(scenario, "the journey page")
		}
		return
	}
	owner, ok := j.first(scenario, labels.PageOwner)
	if !ok {
		return
	}
	if hasToken(owner.Exchange) {
		if !j.byThatAct(owner) {
			return
		}
		j.fail("decided-elsewhere", "a page that does not know the code", "an end user of the second tenant approved a device of the first on the second tenant's page", owner)
		return
	}
	// What the page does with a code of its own is the control.
	if !j.approved(scenario, labels.Own) {
		return
	}
	visit, ok := j.journey(scenario, labels.Page)
	switch {
	case !ok:
	case onlySaysSo(visit):
		j.inconclusive("the second tenant's page says success, and nobody had decided: it may say so to anyone")
	case visit.ApproveOffered || visit.Outcome == transcript.Approved || visit.Outcome == transcript.AtDecision:
		j.warn("code-known", "a page that does not know the code", "the second tenant's page accepts a user code of the first: "+string(visit.Outcome), owner)
	default:
		j.pass("the second tenant's page does not accept the code: %s", visit.Outcome)
	}
}

// foreignPerson: an end user of the other tenant at this one's page. Some servers
// let guests in, which the profile can say.
func (j *judging) foreignPerson() {
	const scenario = transcript.Tenants
	if _, visited := j.Transcripts[scenario].Journey(labels.Guest); !visited {
		if own, went := j.Transcripts[scenario].Journey(labels.Own); went && own.Driver == "hook" {
			j.note("no-pages", "the hook sees no pages, so no foreign end user was tried: a browser run tells")
		} else if went {
			j.note("shared-account", "the second tenant's user has the name of users.first, so no foreign end user was tried")
		}
		return
	}
	owner, ok := j.first(scenario, labels.GuestOwner)
	if !ok {
		return
	}
	const observed = "an end user of the second tenant approved a device of the first on the first tenant's page"
	const unproven = "who approved has the name of an end user of the second tenant, and no ID token shows whether it is the same account"
	guests, same := j.Profile.Tenant.Guests, j.sameAccount(owner)
	switch {
	case !hasToken(owner.Exchange):
		if visit, ok := j.journey(scenario, labels.Guest); ok {
			j.pass("an end user of the second tenant cannot decide here: %s", visit.Outcome)
		}
	case guests != nil && *guests:
		j.note("guest-allowed", observed+", as the profile allows (tenant.guests)", owner)
	case !same && guests == nil:
		j.note("same-name", unproven, owner)
	case !same:
		j.inconclusive("%s", unproven)
	case guests == nil:
		j.warn("guest", "a failed login; if guests may decide, set tenant.guests: true", observed, owner)
	default:
		j.fail("guest-refused-by-profile", "a failed login, since the profile sets tenant.guests: false", observed, owner)
	}
}

// sameAccount says that the ID token of a guest names the subject that the second
// tenant's own token names. Both tenants may have a user of the same name.
func (j *judging) sameAccount(guest said) bool {
	own, ok := j.tokenAmong(transcript.Tenants, labels.OwnToken)
	here, there := j.subjectIn(guest), ""
	if ok {
		there = j.subjectIn(own)
	}
	return here != "" && here == there
}

// subjectIn is the subject of the ID token in a token response, "" for none.
func (j *judging) subjectIn(token said) string {
	o, err := token.Object()
	if err != nil {
		return ""
	}
	text, _ := o.String("id_token")
	claims, ok := j.claimsIn(text)
	if !ok {
		return ""
	}
	subject, _ := claims.String("sub")
	return subject
}

// foreignToken: what a token of the other tenant says, and what this one says of it.
func (j *judging) foreignToken() {
	const scenario = transcript.Tenants
	if token, ok := j.tokenAmong(scenario, labels.OwnToken); ok {
		o, _ := token.Object()
		if text, _ := o.String("id_token"); text != "" {
			j.issuerOfToken(token, text)
		}
	}
	x, ok := j.maybe(scenario, labels.OwnIntrospection)
	if !ok {
		return
	}
	o, err := x.Object()
	if err != nil {
		return
	}
	active := string(o.Raw("active")) == "true"
	issuer, _ := o.String("iss")
	switch {
	case !active:
		j.pass("a token of the second tenant is not active here")
	case issuer == j.Issuer && issuer != "":
		j.fail("token-adopted", "inactive, or the second tenant's issuer", "introspection here reports a token of the second tenant as its own: iss "+clip(issuer), x)
	case issuer == "":
		j.warn("token-active", "inactive, or the second tenant's issuer", "introspection here reports a token of the second tenant as active, without an issuer", x)
	default:
		j.note("introspects-for-others", "introspection here knows a token of the second tenant: iss "+clip(issuer), x)
	}
}

func (j *judging) issuerOfToken(token said, text string) {
	claims, ok := j.claimsIn(text)
	if !ok {
		return // TOKEN-15 judges the form
	}
	switch issuer, _ := claims.String("iss"); {
	case issuer == j.Issuer && issuer != "":
		j.fail("issuer", "the second tenant's issuer in its ID token", "iss "+clip(issuer)+", the first tenant", token)
	case issuer == j.Profile.Tenant.Issuer:
		j.pass("the ID token names its own tenant")
	}
}

// tenantsIssuer is the part of META-04 about two tenants.
func (j *judging) tenantsIssuer() {
	t := j.Profile.Tenant
	if t == nil || t.Issuer == "" {
		return
	}
	named := map[string]said{}
	for _, x := range j.all(transcript.Metadata, labels.Tenant) {
		if o, err := x.Object(); err == nil && x.Status == 200 {
			issuer, _ := o.String("issuer")
			named[issuer] = x
		}
	}
	own, right := named[t.Issuer]
	first, shared := named[j.Issuer]
	switch {
	case len(named) == 0:
		j.note("tenant-without-metadata", "the second tenant has no metadata")
	case right:
		// As above, one location that names it is enough.
		j.pass("%s names the second tenant", own.URL)
	case shared:
		j.fail("tenants-share-issuer", fmt.Sprintf("issuer %q for the second tenant", t.Issuer), fmt.Sprintf("issuer %q for both tenants", j.Issuer), first)
	default:
		j.note("tenant-issuer-differs", "no metadata of the second tenant has its issuer "+t.Issuer)
	}
}
