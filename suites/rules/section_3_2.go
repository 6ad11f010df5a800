package rules

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section32 = []Rule{
	{"RESP-01", []string{transcript.DeviceAuthorization, transcript.DeviceErrors}, nil, responseStatusAndType},
	{"RESP-02", one(transcript.DeviceAuthorization), one(transcript.Codes), responseIsFlatObject},
	{"RESP-03", one(transcript.DeviceAuthorization), nil, deviceCodeMember},
	{"RESP-04", one(transcript.DeviceAuthorization), nil, userCodeMember},
	{"RESP-05", one(transcript.DeviceAuthorization), nil, verificationURI},
	{"RESP-06", one(transcript.DeviceAuthorization), nil, verificationURITypeable},
	{"RESP-07", one(transcript.DeviceAuthorization), nil, expiresIn},
	{"RESP-08", one(transcript.DeviceAuthorization), nil, pollingInterval},
	{"RESP-09", one(transcript.DeviceAuthorization), nil, verificationURIComplete},
	{"RESP-10", one(transcript.DeviceAuthorization), nil, responseNotCacheable},
	{"RESP-11", []string{transcript.Codes, transcript.Approval}, nil, codesAreUnique},
}

// responses returns the successful device authorization responses of valid
// requests, decoded. That there are none is not the matter of the rules that
// use it: DA-01 judges it.
func (j *judging) responses() (list []said, objects []wire.Object) {
	for _, x := range j.all(transcript.DeviceAuthorization, labels.Valid) {
		if o, err := x.Object(); err == nil && !o.Has("error") && x.Status/100 == 2 {
			list, objects = append(list, x), append(objects, o)
		}
	}
	if len(list) == 0 {
		j.missing(transcript.DeviceAuthorization, "a device authorization response")
	}
	return list, objects
}

// RESP-01
func responseStatusAndType(j *judging) {
	x, ok := j.first(transcript.DeviceAuthorization, labels.ValidPublic)
	if !ok {
		return
	}
	if !hasCodes(x.Exchange) && x.Status/100 != 2 || x.OAuthError() != "" {
		j.inconclusive("the request failed: %s", explained(x.Exchange))
		return
	}
	if x.Status != 200 {
		j.fail("status", "status 200", describe(x.Exchange), x)
	}
	if mediaType(x.Exchange) != "application/json" {
		j.fail("media-type", "Content-Type application/json", headerLine(x.Exchange, "Content-Type"), x)
	}
	j.pass("200, %s", clip(x.Header("Content-Type")))
	j.codesWithoutAccept(x)
}

// RESP-02
func responseIsFlatObject(j *judging) {
	// One that was lost in the same way often is not asked for again.
	whole, overdue := j.all(transcript.DeviceAuthorization, labels.Valid), j.overdueIn(transcript.DeviceAuthorization, labels.Valid, "device_code")
	for _, other := range []struct{ scenario, label string }{{transcript.Codes, labels.Code}, {transcript.SteadyPolling, labels.Device}} {
		whole = append(whole, j.all(other.scenario, other.label)...)
		overdue = append(overdue, j.overdueIn(other.scenario, other.label, "device_code")...)
	}
	if j.overlong(whole, overdue) {
		return
	}
	x, ok := j.first(transcript.DeviceAuthorization, labels.ValidPublic)
	if !ok {
		return
	}
	o, err := x.Literal()
	switch {
	case err != nil && x.Status/100 != 2:
		j.inconclusive("the request failed: %s", explained(x.Exchange))
		return
	case err != nil:
		j.fail("not-an-object", "one JSON object", unreadable(x.Exchange, err), x)
		return
	case o.Has("error"):
		j.inconclusive("the request failed: %s", explained(x.Exchange))
		return
	}
	if d := o.Duplicates(); len(d) > 0 {
		j.fail("repeated-member", "each member once", "repeated: "+clip(strings.Join(d, ", ")), x)
	}
	for _, m := range o.Members {
		if inner, err := wire.ParseObject(m.Value); err == nil && inner.Has("device_code") && !o.Has("device_code") {
			j.fail("nested", "the members at the top level", fmt.Sprintf("device_code inside the member %q", clip(m.Name)), x)
		}
	}
	if names := furtherMembers(o, codeMembers); names != "" {
		j.note("further-members", "members that RFC 8628 section 3.2 does not name: "+names, x)
	}
	j.flawed(x)
	j.pass("one flat object of %d members", len(o.Members))
}

// stringMember judges a required member that is a non-empty string.
func (j *judging) stringMember(x said, o wire.Object, name string) (string, bool) {
	s, isString := o.String(name)
	switch {
	case !isString:
		j.fail("not-a-string", name+" is a non-empty string", fmt.Sprintf("%s is %s", name, o.Kind(name)), x)
	case s == "":
		j.fail("empty", name+" is a non-empty string", name+" is empty", x)
	default:
		return s, true
	}
	return "", false
}

// RESP-03
func deviceCodeMember(j *judging) {
	list, objects := j.responses()
	for i, x := range list {
		if s, ok := j.stringMember(x, objects[i], "device_code"); ok {
			j.pass("a string of %d characters", len([]rune(s)))
		}
	}
}

// RESP-04
func userCodeMember(j *judging) {
	list, objects := j.responses()
	for i, x := range list {
		s, ok := j.stringMember(x, objects[i], "user_code")
		if !ok {
			continue
		}
		if d, _ := objects[i].String("device_code"); d == s || j.hidden(d) && slices.Contains(j.Facts.AsUserCode, d) {
			j.fail("equals-device-code", "user_code differs from device_code", "they are equal", x)
			continue
		}
		if !j.hidden(s) {
			j.visibleCode(x, s)
		}
		form := j.Profile.Expect.UserCode
		if pattern, err := regexp.Compile(`^(?:` + form + `)$`); err == nil && form != "" && !pattern.MatchString(s) {
			j.measure("undocumented", fmt.Sprintf("user_code is %s; the profile expects %s", clip(s), clip(form)), x)
			continue
		}
		j.pass("a string of %d characters", len([]rune(s)))
	}
}

// visibleCode judges whether an end user can see all of a code and type it. A space
// between groups is a matter of taste.
func (j *judging) visibleCode(x said, code string) {
	for _, c := range code {
		if unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
			j.warn("invisible", "a code whose characters can be seen and typed", fmt.Sprintf("user_code contains %U: %+q", c, clip(code)), x)
			return
		}
	}
	if strings.TrimSpace(code) != code {
		j.warn("invisible", "a code whose characters can be seen and typed", fmt.Sprintf("user_code begins or ends with a space: %+q", clip(code)), x)
	}
}

// oddURI warns of what a URI to be typed or shown must not have, though it can be
// parsed.
func (j *judging) oddURI(x said, s string, u *url.URL) {
	switch {
	case u.User != nil:
		j.warn("userinfo", "a URI without user information (RFC 9110 section 4.2.4)", clip(s)+": what stands before the @ hides the host", x)
	case strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("\"<>\\^`{|}", c) }):
		j.warn("characters", "the characters of a URI (RFC 3986 section 2)", fmt.Sprintf("%+q", clip(s)), x)
	}
}

// RESP-05
func verificationURI(j *judging) {
	list, objects := j.responses()
	for i, x := range list {
		s, ok := j.stringMember(x, objects[i], "verification_uri")
		if !ok {
			continue
		}
		u, err := url.Parse(s)
		switch {
		case err != nil || !u.IsAbs() || u.Host == "":
			j.fail("not-absolute", "an absolute URI with a host", clip(s), x)
		case u.Scheme != "https" && !j.Profile.TLS.AllowHTTP:
			j.fail("not-https", "an https URI", clip(s), x)
		case u.Scheme != "https" && u.Scheme != "http":
			j.fail("not-https", "an https URI", clip(s), x)
		default:
			j.oddURI(x, s, u)
			j.pass("%s", clip(s))
			if u.Scheme == "http" {
				j.note("http-allowed", "https is not required: the profile allows http", x)
			}
		}
	}
	if len(list) == 0 {
		return
	}
	page, ok := j.maybe(transcript.DeviceAuthorization, labels.Page)
	switch {
	case !ok:
		if _, sent := j.Transcripts[transcript.DeviceAuthorization].First(labels.Page); sent {
			j.missing(transcript.DeviceAuthorization, labels.Page)
		}
	case page.Status < 400:
	case page.Status == 404 || page.Status == 410 || page.Status >= 500:
		j.fail("no-page", "a page, or a redirect to one", describe(page.Exchange), page)
	default:
		j.warn("page-refused", "a page, or a redirect to one", describe(page.Exchange)+" to a client that is not a browser", page)
	}
}

// significant folds a user code or URI for comparison: letters and digits only, in upper case.
func significant(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		s = u
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToUpper(c)
		}
		return -1
	}, s)
}

const (
	// minCode is the shortest code whose occurrence in a URI is no coincidence.
	minCode = 4
	longURI = 60
)

// RESP-06
func verificationURITypeable(j *judging) {
	list, objects := j.responses()
	first := ""
	for i, x := range list {
		s, ok := objects[i].String("verification_uri")
		if !ok {
			continue
		}
		if u, err := url.Parse(s); err != nil || u.Host == "" {
			j.inconclusive("verification_uri is not a URL with a host (see RESP-05)")
			continue
		}
		code, _ := objects[i].String("user_code")
		if code = significant(code); len(code) >= minCode && strings.Contains(significant(s), code) {
			j.warn("carries-code", "a URI without the user code", clip(s), x)
		}
		if x.Label == labels.ValidConfidential {
			continue // another client may have another page
		}
		if first != "" && s != first {
			j.warn("differs", "the same URI in every response", fmt.Sprintf("%s and %s", clip(first), clip(s)), list[0], x)
		}
		first = s
		if len(s) > longURI {
			j.note("long", fmt.Sprintf("%d characters to type", len(s)), x)
		}
		if strings.Contains(s, "?") {
			j.note("query", "the URI has a query", x)
		}
		j.pass("%s", clip(s))
	}
}

var digitsOnly = regexp.MustCompile(`^[0-9]+$`)

// positive judges a member that must be a number of seconds above zero.
func (j *judging) positive(x said, o wire.Object, name string, zero func(string, string, string, ...said)) (float64, bool) {
	n, ok := o.Number(name)
	expected := name + " is a number above 0"
	switch {
	case !ok:
		j.fail("not-a-number", expected, fmt.Sprintf("%s is %s (%s)", name, o.Kind(name), clip(string(o.Raw(name)))), x)
		return 0, false
	case n < 0:
		j.fail("negative", expected, fmt.Sprintf("%s is %v", name, n), x)
		return 0, false
	case n == 0:
		zero("zero", expected, name+" is 0", x)
		return 0, false
	case n != math.Trunc(n):
		j.warn("fraction", "whole seconds", fmt.Sprintf("%s is %v", name, n), x)
	}
	return n, true
}

// unlikeInteger says how a whole number above 0 is written, if not with digits only.
func unlikeInteger(o wire.Object, name string) (form string, found bool) {
	n, ok := o.Number(name)
	if !ok || n != math.Trunc(n) || digitsOnly.Match(o.Raw(name)) {
		return "", false
	}
	return fmt.Sprintf("%s is written %s: clients in typed languages read an integer", name, clip(string(o.Raw(name)))), true
}

// measuredForm measures how a number is written: RFC 8628 asks for a JSON number only.
func (j *judging) measuredForm(x said, o wire.Object, name string) bool {
	form, found := unlikeInteger(o, name)
	if found {
		j.measure("number-form", form, x)
	}
	return found
}

// RESP-07
func expiresIn(j *judging) {
	list, objects := j.responses()
	for i, x := range list {
		n, ok := j.positive(x, objects[i], "expires_in", j.fail)
		if !ok {
			continue
		}
		switch {
		case n > 3600:
			j.warn("very-long", "at most one hour: RFC 8628 section 5.4 recommends short lifetimes", fmt.Sprintf("%v seconds", n), x)
		case n > 1800:
			j.note("long", fmt.Sprintf("%v seconds", n), x)
		case n < 60:
			j.note("short", fmt.Sprintf("%v seconds", n), x)
		}
		odd := j.measuredForm(x, objects[i], "expires_in")
		if j.undocumented(x, "expires_in", n, j.Profile.Expect.ExpiresIn) || odd {
			continue
		}
		j.pass("%v seconds", n)
	}
}

// undocumented measures a number of seconds against the profile's expect.
func (j *judging) undocumented(x said, name string, n float64, documented time.Duration) bool {
	if documented <= 0 || n == documented.Seconds() {
		return false
	}
	j.measure("undocumented", fmt.Sprintf("%s is %v; the profile expects %v", name, n, documented.Seconds()), x)
	return true
}

// RESP-08
func pollingInterval(j *judging) {
	list, objects := j.responses()
	for i, x := range list {
		switch objects[i].Kind("interval") {
		case wire.Absent:
			j.note("absent", "interval is absent: the default is 5 seconds", x)
			j.pass("absent: the default is 5 seconds")
			continue
		case wire.Null:
			j.warn("null", "a number, or no member", "interval is null", x)
			continue
		}
		n, ok := j.positive(x, objects[i], "interval", j.warn)
		if !ok {
			continue
		}
		if life, ok := objects[i].Number("expires_in"); ok && n >= life && life > 0 {
			j.warn("beyond-lifetime", "an interval shorter than expires_in", fmt.Sprintf("interval %v, expires_in %v: a device can poll once at most", n, life), x)
		}
		odd := j.measuredForm(x, objects[i], "interval")
		if j.undocumented(x, "interval", n, j.Profile.Expect.Interval) || odd {
			continue
		}
		j.pass("%v seconds", n)
	}
}

// RESP-09
func verificationURIComplete(j *judging) {
	list, objects := j.responses()
	for i, x := range list {
		o := objects[i]
		if !o.Has("verification_uri_complete") {
			j.notApplicable("the response has no verification_uri_complete")
			continue
		}
		s, ok := j.stringMember(x, o, "verification_uri_complete")
		if !ok {
			continue
		}
		u, err := url.Parse(s)
		if err != nil || !u.IsAbs() || u.Host == "" {
			j.fail("not-absolute", "an absolute URI", clip(s), x)
			continue
		}
		if u.Scheme != "https" && !j.Profile.TLS.AllowHTTP {
			j.warn("not-https", "an https URI", clip(s), x)
		}
		if name := j.Profile.Verification.CompleteParam; name != "" && u.RawQuery != "" && !u.Query().Has(name) {
			j.note("other-parameter", fmt.Sprintf("the query of %s has no %s (verification.complete_param)", clip(s), name), x)
		}
		j.oddURI(x, s, u)
		plain, _ := o.String("verification_uri")
		if p, err := url.Parse(plain); err == nil && p.Host != u.Host {
			j.warn("other-host", "the host of verification_uri", clip(s), x)
		}
		j.pass("%s", clip(s))
	}
}

// RESP-10
func responseNotCacheable(j *judging) {
	list, _ := j.responses()
	for _, x := range list {
		if !noStore(x.Exchange) {
			j.warnStrict("no-store", "Cache-Control: no-store", headerLine(x.Exchange, "Cache-Control"), x)
			continue
		}
		if !strings.EqualFold(x.Header("Pragma"), "no-cache") {
			j.note("pragma", "Pragma: no-cache is absent", x)
		}
		j.pass("Cache-Control: %s", clip(x.Header("Cache-Control")))
	}
}

// userCodeFold says when two user codes are the same to an end user who types
// them: punctuation and case do not count where the sample has one case only.
func (j *judging) userCodeFold() func(string) string {
	var all strings.Builder
	for _, x := range j.all(transcript.Codes, labels.Code) {
		if o, err := x.Object(); err == nil {
			code, _ := o.String("user_code")
			if significant(code) == "" {
				return func(s string) string { return s }
			}
			all.WriteString(code)
		}
	}
	sample := all.String()
	if strings.ToUpper(sample) != sample && strings.ToLower(sample) != sample {
		return func(s string) string { return s }
	}
	return significant
}

// RESP-11
func codesAreUnique(j *judging) {
	devices, users := map[string]said{}, map[string]said{}
	n := 0
	fold := j.userCodeFold()
	for _, x := range j.all(transcript.Codes, labels.Code) {
		o, err := x.Object()
		if err != nil || !o.Has("device_code") {
			continue
		}
		n++
		d, _ := o.String("device_code")
		u, _ := o.String("user_code")
		if twin, seen := devices[d]; seen && d != "" {
			j.fail("equal-device-codes", "different device codes", "two responses have the same device_code", twin, x)
		}
		if twin, seen := users[fold(u)]; seen && u != "" {
			j.fail("equal-user-codes", "different user codes among live grants", "two responses have the same user_code", twin, x)
		}
		devices[d], users[fold(u)] = x, x
	}
	switch {
	case n >= 2:
		j.pass("%d codes, all different", n)
	default:
		j.missing(transcript.Codes, "two successful requests")
	}

	token, ok := j.success(transcript.Approval)
	if !ok {
		return
	}
	bystander, ok := j.first(transcript.Approval, labels.BystanderPoll)
	switch {
	case !ok:
	case hasToken(bystander.Exchange):
		if !j.byThatAct(bystander) {
			return
		}
		j.fail("approved-together", quoted("authorization_pending")+" for the device that was not approved", describe(bystander.Exchange), token, bystander)
	case recognised(bystander.Exchange):
		j.pass("approving one device leaves the other pending")
	case !bystander.EndsGrant():
		j.inconclusive("the device that was not approved got %s", describe(bystander.Exchange))
	case j.wasPending(bystander):
		j.fail("ended-together", quoted("authorization_pending")+" for the device that was not approved", describe(bystander.Exchange), token, bystander)
	}
}
