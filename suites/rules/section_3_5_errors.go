package rules

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section35Errors = []Rule{
	{"ERR-01", errorSources, errorWitnesses, errorStatus},
	{"ERR-02", errorSources, errorWitnesses, errorBody},
	{"ERR-03", errorSources, errorWitnesses, errorCharacters},
	{"ERR-04", one(transcript.ClientErrors), errorSources, failedBasic},
	{"ERR-05", errorSources, errorWitnesses, registeredErrorCodes},
	{"ERR-06", errorSources, errorWitnesses, quietErrors},
}

// errorAnswers returns every error answer of the two API endpoints in all
// scenarios that the error rules read. A HEAD has no body to judge.
func (j *judging) errorAnswers() (list []said) {
	answered := false
	for _, name := range slices.Concat(errorSources, errorWitnesses) {
		t := j.Transcripts[name]
		for _, x := range t.Exchanges {
			if !x.Answered() || x.Method == "HEAD" || x.Overloaded() || x.Superseded || !j.isAPI(x) || unrepeated(said{x, name}) {
				continue
			}
			if below(x, labels.Accept) && bodyProblem(x) != "" {
				continue // ERR-02 says what the Accept header has to do with it
			}
			answered = true
			j.polled = j.polled || j.isPoll(x)
			if x.Status >= 300 || x.OAuthError() != "" || malformedError(x) {
				list = append(list, said{x, name})
			}
		}
	}
	if !answered {
		for _, name := range errorSources {
			j.missing(name, "an error answer")
		}
	}
	return list
}

// isAPI says that an exchange is with one of the two endpoints of RFC 8628.
func (j *judging) isAPI(x wire.Exchange) bool {
	e := j.Endpoints
	return isAt(x, e.DeviceAuthorization, e.Token, e.MTLSDeviceAuthorization, e.MTLSToken)
}

// unrepeated says that an answer may be about anything: it is no OAuth error, or a
// server's, in a scenario that does not ask for it again. What it means where many
// requests are sent at the same moment, POLL-15, POLL-16 and LOAD-01 say.
func unrepeated(x said) bool {
	once := []string{transcript.RacingPolls, transcript.DecisionRaces, transcript.Fleet, transcript.Throttle, transcript.HastyNeighbour}
	return slices.Contains(once, x.scenario) && (x.Status >= 500 || x.Status >= 300 && x.OAuthError() == "")
}

// malformedError is an answer that means an error and does not say it properly.
func malformedError(x wire.Exchange) bool {
	o, err := x.Object()
	return err == nil && o.Has("error")
}

// beforeOAuth says that the request may have been refused by a layer below
// OAuth: for its method, its media type, its size or its bytes. A regular request
// is answered by the endpoint, whatever the status says.
func beforeOAuth(x said) bool {
	if otherMethod(x) || strings.HasPrefix(x.Label, labels.Type+"/") {
		return true
	}
	// A firewall in front may not let such requests through.
	odd := []string{labels.NUL, labels.Long, labels.LikePattern, labels.GlobPattern, labels.RegularExpression, labels.CutAtNUL}
	name, unknown := strings.CutPrefix(x.Label, labels.Unknown+"/")
	strange := x.scenario == transcript.HostileCharacters || unknown && slices.Contains(odd, name)
	switch x.Status {
	case 413, 414, 431:
		return true
	case 403, 404, 406, 411, 415, 501:
		return strange
	}
	return false
}

// otherMethod says that the request has a method that the endpoint does not serve.
// RFC 6749 section 5.2 is about errors of the endpoint's requests.
func otherMethod(x said) bool {
	return x.Method != "POST" || strings.HasPrefix(x.Label, labels.Method+"/")
}

// groups of equal observations: one finding for each, with at most three
// exchanges.
type groups struct {
	order []string
	found map[string][]said
}

func (g *groups) add(key string, x said) {
	if g.found == nil {
		g.found = map[string][]said{}
	}
	if _, ok := g.found[key]; !ok {
		g.order = append(g.order, key)
	}
	g.found[key] = append(g.found[key], x)
}

const maxEvidence = 3

func (g *groups) each(report func(observed string, evidence []said)) {
	for _, key := range g.order {
		list := g.found[key]
		observed := key
		if len(list) > 1 {
			observed = fmt.Sprintf("%s (%d times)", key, len(list))
		}
		report(observed, list[:min(maxEvidence, len(list))])
	}
}

// ERR-01
func errorStatus(j *judging) {
	var wrong, faults groups
	n := 0
	for _, x := range j.errorAnswers() {
		if beforeOAuth(x) && x.OAuthError() == "" || otherMethod(x) || strings.HasPrefix(x.Label, labels.Type+"/") {
			continue
		}
		switch {
		case x.Status == 400, x.Status == 401 && x.OAuthError() == "invalid_client":
			n++
		case x.Status >= 500:
			faults.add(describe(x.Exchange), x)
		default:
			wrong.add(describe(x.Exchange), x)
		}
	}
	faults.each(func(observed string, evidence []said) {
		j.fail("server-error", "400 for a client error", observed, evidence...)
	})
	wrong.each(func(observed string, evidence []said) {
		j.fail(statusCode(evidence[0]), "400, or 401 with invalid_client", observed, evidence...)
	})
	if n > 0 {
		j.pass("%d errors with the right status", n)
	}
	j.strays()
}

// oftenStray is the share of requests from which faults that do not come again are no
// accident.
const oftenStray = 0.03

// strays notes the answers that did not come again when the same was asked again:
// a gateway in front, a restart or a lost connection accuses nobody. A share of them
// that is surely larger is what a device meets.
func (j *judging) strays() {
	var odd groups
	total := 0
	for _, name := range sortedNames(j.Transcripts) {
		total += len(j.Transcripts[name].Exchanges)
		for _, x := range j.straysIn(name) {
			odd.add(describe(x.Exchange), x)
		}
	}
	for _, key := range odd.order {
		list := odd.found[key]
		observed := fmt.Sprintf("%d of %d requests (%s): %s; sent again, they got another answer", len(list), total, confidence(len(list), total), key)
		if recurs(list) && leastShare(len(list), total) > oftenStray {
			j.warn("often-stray", "each request is answered for what it is", observed, shown(list)...)
			continue
		}
		j.note("stray", observed, shown(list)...)
	}
}

// recurs says that faults of the server are no single event, as a restart is: they are
// of a kind that is its own, and in several stretches of ten seconds.
func recurs(list []said) bool {
	when := map[time.Duration]bool{}
	for _, x := range list {
		own := x.Status >= 500 && x.Status != 503 || x.Failure != nil && x.Failure.Kind == wire.FailReset
		if own {
			when[x.Sent/(10*time.Second)] = true
		}
	}
	return len(when) >= leastStretches
}

// leastStretches are more than a restart of twenty seconds touches.
const leastStretches = 4

// straysIn are the answers of a scenario that did not come again when the same was
// asked again.
func (j *judging) straysIn(scenario string) (list []said) {
	all := j.Transcripts[scenario].Exchanges
	final := map[string]wire.Exchange{}
	for _, x := range all {
		if !x.Superseded {
			final[x.Label] = x
		}
	}
	for _, x := range all {
		last, asked := final[x.Label]
		same := last.Status == x.Status && (last.Failure == nil) == (x.Failure == nil)
		if x.Superseded && asked && !same && !hasError(x, "slow_down") {
			list = append(list, said{x, scenario})
		}
	}
	return list
}

// statusCode names a wrong status in a finding: "200-invalid_grant".
func statusCode(x said) string {
	code := x.OAuthError()
	if !slices.Contains(registeredErrors, code) {
		code = "other"
	}
	return fmt.Sprintf("%d-%s", x.Status, code)
}

// ERR-02
func errorBody(j *judging) {
	var broken, early, extra, bare groups
	n := 0
	answers := j.errorAnswers()
	j.overdueErrors(answers)
	for _, x := range answers {
		if x.Status/100 == 3 || otherMethod(x) {
			continue // ERR-01 judges the first, and nothing the second
		}
		n++
		if o, err := x.Literal(); err == nil {
			if names := furtherMembers(o, errorMembers); names != "" {
				extra.add("additional members: "+names, x)
			}
			if !o.Has("error_description") && o.Has("error") {
				bare.add("no error_description", x)
			}
		}
		problem := bodyProblem(x.Exchange)
		switch {
		case problem == "":
		case beforeOAuth(x) && x.OAuthError() == "":
			early.add(fmt.Sprintf("status %d: %s", x.Status, problem), x)
		default:
			broken.add(fmt.Sprintf("status %d: %s", x.Status, problem), x)
		}
	}
	broken.each(func(observed string, evidence []said) {
		j.fail("body", "an application/json object with one string member error; error_description and error_uri, if present, are strings", observed, evidence...)
	})
	early.each(func(observed string, evidence []said) {
		j.warn("body-before-oauth", "an application/json object with one string member error", observed, evidence...)
	})
	extra.each(func(observed string, evidence []said) { j.note("further-members", observed, evidence...) })
	bare.each(func(observed string, evidence []said) { j.note("no-description", observed, evidence...) })
	j.flawedErrors(answers)
	j.errorsWithoutAccept()
	if n > 0 {
		j.pass("%d well-formed error bodies", n)
	}
}

// flawedErrors reports each flaw of the errors' bytes once for each endpoint. A
// single answer may be that of something in front of the server.
func (j *judging) flawedErrors(answers []said) {
	type place struct {
		flaw
		endpoint string
	}
	found := map[place][]said{}
	var order []place
	for _, x := range answers {
		if otherMethod(x) || x.OAuthError() == "" {
			continue
		}
		for _, f := range flaws(x.Exchange) {
			at := place{f, address(x)}
			if found[at] == nil {
				order = append(order, at)
			}
			found[at] = append(found[at], x)
		}
	}
	for _, at := range order {
		list := found[at]
		if len(list) == 1 {
			j.note("stray-"+at.code, at.observed+": one answer only", list...)
			continue
		}
		j.find(at.severity, at.code, at.expected, fmt.Sprintf("%s (%d times)", at.observed, len(list)), list[:min(maxEvidence, len(list))])
	}
}

// The members that the RFCs name: of an error (RFC 6749 section 5.2), of the codes
// (RFC 8628 section 3.2), and of a token (RFC 6749 section 5.1, OpenID Connect Core
// section 3.1.3.3, RFC 9396 section 7).
var (
	errorMembers = []string{"error", "error_description", "error_uri"}
	codeMembers  = []string{"device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"}
	tokenMembers = []string{"access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "authorization_details"}
)

// furtherMembers names what stands in an answer beside known members. The RFCs are
// silent on others, or tell a client to ignore them.
func furtherMembers(o wire.Object, known []string) string {
	const most = 8
	var names []string
	for _, m := range o.Members {
		if !slices.Contains(known, m.Name) && len(names) < most {
			names = append(names, clip(m.Name))
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// bodyProblem says what is wrong with an error body, or "".
func bodyProblem(x wire.Exchange) string {
	o, err := x.Literal()
	switch {
	case err != nil && len(x.Response.Body) == 0:
		return "no body"
	case err != nil:
		return fmt.Sprintf("%s (%s)", unreadable(x, err), mediaTypeOr(x, "no media type"))
	case o.Kind("error") != wire.String:
		return fmt.Sprintf("error is %s", o.Kind("error"))
	case notString(o, "error_description"):
		return fmt.Sprintf("error_description is %s", o.Kind("error_description"))
	case notString(o, "error_uri"):
		return fmt.Sprintf("error_uri is %s", o.Kind("error_uri"))
	case mediaType(x) != "application/json":
		return headerLine(x, "Content-Type")
	case len(o.Duplicates()) > 0:
		return "repeated: " + clip(strings.Join(o.Duplicates(), ", "))
	case o.Has("access_token") || o.Has("device_code"):
		return "codes or tokens with the error"
	}
	return ""
}

// notString says that an optional member has a value that no client reads as text. Null
// is read as its absence.
func notString(o wire.Object, member string) bool {
	kind := o.Kind(member)
	return kind != wire.Absent && kind != wire.String && kind != wire.Null
}

// ERR-03
func errorCharacters(j *judging) {
	var wrong groups
	n := 0
	for _, x := range j.errorAnswers() {
		o, err := x.Object()
		if err != nil {
			continue
		}
		for _, member := range []string{"error", "error_description", "error_uri"} {
			s, ok := o.String(member)
			if !ok {
				continue
			}
			n++
			if c, bad := illegalCharacter(s, member == "error_uri"); bad {
				wrong.add(fmt.Sprintf("%s has %q", member, c), x)
			}
		}
	}
	wrong.each(func(observed string, evidence []said) {
		j.fail("character", `only %x20-21, %x23-5B, %x5D-7E; in error_uri no space`, observed, evidence...)
	})
	switch {
	case len(j.all(transcript.HostileCharacters, labels.Token))+len(j.all(transcript.HostileCharacters, labels.Device)) == 0:
		j.missing(transcript.HostileCharacters, labels.Token)
	case n > 0:
		j.pass("%d values use only allowed characters", n)
	}
}

// illegalCharacter finds the first character outside the sets of RFC 6749
// section 5.2, in the decoded string.
func illegalCharacter(s string, uri bool) (rune, bool) {
	for _, c := range s {
		if c < 0x20 || c == '"' || c == '\\' || c > 0x7e || uri && c == ' ' {
			return c, true
		}
	}
	return 0, false
}

// ERR-04
func failedBasic(j *judging) {
	for _, endpoint := range []string{labels.Device, labels.Token} {
		x, ok := j.maybe(transcript.ClientErrors, labels.Join(labels.Wrong, endpoint))
		if !ok {
			// The device authorization endpoint may not use Basic at all.
			if endpoint == labels.Token {
				j.missing(transcript.ClientErrors, labels.WrongToken)
			}
			continue
		}
		right, ok := j.first(transcript.ClientErrors, labels.Join(labels.Right, endpoint))
		if !ok {
			continue
		}
		if !hasCodes(right.Exchange) && !recognised(right.Exchange) {
			j.inconclusive("the right secret does not succeed either: %s", describe(right.Exchange))
			continue
		}
		switch scheme := hasChallenge(x.Exchange, "Basic"); {
		case hasCodes(x.Exchange):
			j.warn("secret-unused", "401 and "+quoted("invalid_client")+": in the profile, the client authenticates here", "codes for a wrong secret at the device authorization endpoint", x, right)
		case hasError(x.Exchange, "slow_down"):
			j.inconclusive("the wrong secret got slow_down on a fresh code: the server throttles before it authenticates")
		case recognised(x.Exchange):
			j.fail("wrong-secret-accepted", "401 and "+quoted("invalid_client"), describe(x.Exchange)+" for a wrong secret (of 9 to 72 characters, only the last two differ from the right one)", x, right)
		case x.Status != 401:
			j.fail("status", "status 401", fmt.Sprintf("%s at the %s endpoint", describe(x.Exchange), endpoint), x)
		case !scheme:
			j.fail("challenge", "WWW-Authenticate: Basic", headerLine(x.Exchange, "WWW-Authenticate")+" at the "+endpoint+" endpoint", x)
		case !hasError(x.Exchange, "invalid_client"):
			j.fail("error", quoted("invalid_client"), describe(x.Exchange), x)
		default:
			j.pass("%s endpoint: 401, %s", endpoint, clip(x.Header("WWW-Authenticate")))
		}
	}
	var bare, needless groups
	for _, x := range j.errorAnswers() {
		if x.Status != 401 && len(x.Response.Header.Values("WWW-Authenticate")) > 0 {
			needless.add(fmt.Sprintf("WWW-Authenticate with status %d", x.Status), x)
		}
		if x.Status == 401 && len(x.Response.Header.Values("WWW-Authenticate")) == 0 && x.Request.Header.Get("Authorization") == "" {
			bare.add("401 without WWW-Authenticate", x)
		}
	}
	needless.each(func(observed string, evidence []said) { j.note("challenge-without-401", observed, evidence...) })
	bare.each(func(observed string, evidence []said) {
		j.warn("bare-401", "WWW-Authenticate with every 401 (RFC 9110 section 15.5.2)", observed, evidence...)
	})
}

// registeredErrors are the codes of RFC 8628 section 3.5, RFC 6749 section 5.2
// and the extensions of the token endpoint.
var registeredErrors = []string{
	"authorization_pending", "slow_down", "access_denied", "expired_token",
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"invalid_target", "invalid_dpop_proof", "use_dpop_nonce", "invalid_authorization_details",
}

// ERR-05
func registeredErrorCodes(j *judging) {
	var synonyms, others, declared groups
	n := 0
	for _, x := range j.errorAnswers() {
		code, own := x.OAuthError(), ""
		if o, err := x.Spelled(); err == nil {
			own, _ = o.String("error")
		}
		switch {
		case code == "", otherMethod(x):
		case own != code:
			declared.add(fmt.Sprintf("%s for %s", quoted(clip(own)), code), x)
		case slices.Contains(registeredErrors, code):
			n++
		case x.Status >= 500 && (code == "server_error" || code == "temporarily_unavailable"):
			j.note("server-error", describe(x.Exchange), x)
		case x.scenario == transcript.SteadyPolling && strings.Contains(x.Label, labels.Poll+"/") || x.Label == labels.Pending:
			synonyms.add(describe(x.Exchange), x)
		default:
			others.add(describe(x.Exchange), x)
		}
	}
	synonyms.each(func(observed string, evidence []said) {
		j.fail("synonym-of-pending", quoted("authorization_pending"), observed+" before the decision", evidence...)
	})
	others.each(func(observed string, evidence []said) {
		j.warn("unregistered", "a registered error code", observed, evidence...)
	})
	declared.each(func(observed string, evidence []said) {
		j.warn(aliasUsed, "a registered error code", observed, evidence...)
	})
	if n > 0 {
		j.pass("%d errors, all with registered codes", n)
	}
}

// leaks are texts that describe the machine and not the error. What looks like
// a path counts only with a line number, or at a place that is no attribute.
var leaks = []struct {
	code, what string
	pattern    *regexp.Regexp
}{
	{"stack-trace", "a stack trace", regexp.MustCompile(`Traceback \(most recent call last\)|Exception in thread|goroutine \d+ \[|(?m)^\s*at [\w$.<>]+ ?\([^()\n]{1,200}\.\w{1,4}:\d+(:\d+)?\)|\bat [\w$.]+\([\w$]+\.java:\d+\)|File "[^"\n]{1,200}", line \d+|\.php on line \d+`)},
	{"sql", "SQL", regexp.MustCompile(`SQLSTATE\[|\bORA-\d{5}\b|You have an error in your SQL syntax|syntax error at or near "|\bSELECT\s[^<>]{1,200}\sFROM\s[^<>]{1,200}\sWHERE\s|\bINSERT INTO \w+ ?\(`)},
	{"file-path", "a file path", regexp.MustCompile(`(?:^|[\s(\[:,])(?:/(?:usr|home|var|opt|srv|root)/[\w.-]+(?:/[\w.-]+)*\.\w{1,5}\b|[A-Za-z]:\\[\w .-]+\\[\w .\\-]+\.\w{1,5}\b)|(?:^|[^/:])/[\w.-]+\.(?:go|js|mjs|ts|py|rb|java|php|cs|c):\d+`)},
}

// ERR-06
func quietErrors(j *judging) {
	loud := make([]groups, len(leaks))
	var echoed, cacheable groups
	n := 0
	for _, x := range j.errorAnswers() {
		n++
		text := errorText(x.Exchange)
		if u, err := url.Parse(x.URL); err == nil && len(u.Path) > 1 {
			text = strings.ReplaceAll(text, u.Path, "") // a page may name what was asked for
		}
		for i, leak := range leaks {
			if leak.pattern.MatchString(text) {
				loud[i].add(leak.what+" in an error response", x)
			}
		}
		for _, code := range x.Form()["device_code"] {
			// A code that could be a word may be repeated by coincidence.
			if (j.hidden(code) || redact.Random(code)) && strings.Contains(text, code) {
				echoed.add("the error repeats the device_code that was sent", x)
			}
		}
		if !noStore(x.Exchange) && !beforeOAuth(x) {
			cacheable.add("an error without Cache-Control: no-store", x)
		}
	}
	for i, leak := range leaks {
		loud[i].each(func(observed string, evidence []said) {
			j.warn(leak.code, "a short error description", observed, evidence...)
		})
	}
	echoed.each(func(observed string, evidence []said) {
		j.warn("device-code", "a text without the device_code", observed, evidence...)
	})
	cacheable.each(func(observed string, evidence []said) { j.note("no-store", observed, evidence...) })
	if n > 0 {
		j.pass("%d errors reveal nothing of the kind", n)
	}
}

// errorText is what an error response says: its JSON strings decoded, or its body.
func errorText(x wire.Exchange) string {
	o, err := x.Object()
	if err != nil {
		return string(x.Response.Body)
	}
	var all strings.Builder
	for _, m := range o.Members {
		if s, ok := o.String(m.Name); ok {
			all.WriteString(s + "\n")
		} else {
			all.Write(append(m.Value, '\n'))
		}
	}
	return all.String()
}
