package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section34 = []Rule{
	{"TOKEN-01", one(transcript.TokenErrors), nil, exactGrantType},
	{"TOKEN-02", one(transcript.TokenErrors), nil, missingDeviceCode},
	{"TOKEN-03", one(transcript.TokenErrors), nil, unknownDeviceCode},
	{"TOKEN-08", one(transcript.TokenErrors), nil, repeatedTokenParameter},
}

const tokenErrors = transcript.TokenErrors

// tokenControl is the positive control of the faulty device access token
// requests: the same request without a fault is understood.
func (j *judging) tokenControl() bool {
	x, ok := j.first(tokenErrors, labels.Control)
	if !ok {
		return false
	}
	if !recognised(x.Exchange) {
		j.inconclusive("the valid control request fails: %s", explained(x.Exchange))
		return false
	}
	return true
}

// TOKEN-01
func exactGrantType(j *judging) {
	if !j.tokenControl() {
		return
	}
	list := j.all(tokenErrors, labels.GrantType)
	if len(list) == 0 {
		j.missing(tokenErrors, labels.GrantType)
	}
	for _, x := range list {
		name := strings.TrimPrefix(x.Label, labels.GrantType+"/")
		right := "unsupported_grant_type"
		if name == labels.Absent || name == labels.Empty {
			right = "invalid_request"
		}
		switch {
		case j.onlyThrottled(x, "grant_type: "+name):
		case recognised(x.Exchange) && name == labels.TrailingSpace:
			// No text forbids to trim, and another grant type it is not.
			j.note("trims", "the server ignores a space after grant_type", x)
		case recognised(x.Exchange):
			j.fail("recognised-"+slug(name), quoted(right), fmt.Sprintf("%s for grant_type: %s", describe(x.Exchange), name), x)
		case hasError(x.Exchange, right):
			j.pass("%s: %s", name, describe(x.Exchange))
		case misleads(x.Exchange) != "":
			j.contradicts(x, right, "grant_type: "+name)
		default:
			j.warn("other-error", quoted(right), fmt.Sprintf("%s for grant_type: %s", describe(x.Exchange), name), x)
		}
	}
}

// TOKEN-02
func missingDeviceCode(j *judging) {
	if !j.tokenControl() {
		return
	}
	for _, label := range []string{labels.DeviceCodeAbsent, labels.DeviceCodeEmpty} {
		x, ok := j.first(tokenErrors, label)
		name := strings.TrimPrefix(label, "device_code/")
		switch {
		case !ok, j.perhapsThrottled(x, "a device_code that is "+name):
		case recognised(x.Exchange), serverFault(x.Exchange):
			j.fail("not-refused", quoted("invalid_request"), fmt.Sprintf("%s for a device_code that is %s", describe(x.Exchange), name), x)
		case hasError(x.Exchange, "invalid_request"):
			j.pass("%s: %s", name, describe(x.Exchange))
		case misleads(x.Exchange) != "":
			j.contradicts(x, "invalid_request", "a device_code that is "+name)
		default:
			j.warn("other-error", quoted("invalid_request"), fmt.Sprintf("%s for a device_code that is %s", describe(x.Exchange), name), x)
		}
	}
}

// hexOrUUID are encodings in which the case of a letter means nothing.
var hexOrUUID = regexp.MustCompile(`^[0-9a-fA-F-]+$`)

// TOKEN-03
func unknownDeviceCode(j *judging) {
	if !j.tokenControl() {
		return
	}
	list := j.all(tokenErrors, labels.Unknown)
	if len(list) == 0 {
		j.missing(tokenErrors, labels.Unknown)
	}
	short, _ := j.maybe(tokenErrors, labels.Join(labels.Unknown, labels.Truncated))
	for _, x := range list {
		name := strings.TrimPrefix(x.Label, labels.Unknown+"/")
		malformed := name == labels.Long || name == labels.NUL || name == labels.CutAtNUL || isPattern(name)
		observed := fmt.Sprintf("%s for a code that is %s", describe(x.Exchange), unknownCodeWords[name])
		switch {
		case name == labels.SpaceAdded && recognised(x.Exchange):
			j.note("trims", "the server ignores white space after the code", x)
		case name == labels.CaseSwapped && recognised(x.Exchange) && j.caseless(x.Form().Get("device_code")):
			j.note("hex-case", "the server ignores the case of a hexadecimal code", x)
		case isPattern(name) && recognised(x.Exchange) && recognised(short.Exchange):
			// Not the pattern is recognized, but what is before it.
		case j.perhapsThrottled(x, "a code that is "+unknownCodeWords[name]):
		case recognised(x.Exchange) && partOf[name] != "" && j.refusedRandom():
			j.ignoredPart(x, name)
		case recognised(x.Exchange):
			j.fail("recognised-"+slug(name), quoted("invalid_grant"), observed, x)
		case serverFault(x.Exchange):
			j.fail("server-error", quoted("invalid_grant"), observed, x)
		case hasError(x.Exchange, "invalid_grant"):
			j.pass("%s: %s", name, describe(x.Exchange))
		case malformed && x.Status >= 400:
			j.pass("%s: %s", name, describe(x.Exchange))
		case misleads(x.Exchange) != "":
			j.contradicts(x, "invalid_grant", "a code that is "+unknownCodeWords[name])
		default:
			j.warn("other-error", quoted("invalid_grant"), observed, x)
		}
	}
}

// isPattern says that a probe of TOKEN-03 matches the valid code where somebody takes
// it for a pattern.
func isPattern(name string) bool {
	return name == labels.LikePattern || name == labels.GlobPattern || name == labels.RegularExpression
}

// partOf names the part of the code that a probe of TOKEN-03 takes away or changes.
var partOf = map[string]string{labels.StartChanged: "start", labels.Changed: "middle", labels.EndChanged: "end", labels.Truncated: "end"}

// refusedRandom says that a code of the right shape that nobody issued is refused.
func (j *judging) refusedRandom() bool {
	x, ok := j.maybe(tokenErrors, labels.Join(labels.Unknown, labels.Random))
	return ok && !recognised(x.Exchange) && x.Status >= 400 && x.Status < 500
}

// ignoredPart is a code that the server knows although a part of it is wrong. A
// prefix or a suffix that does not count leaves the rest to be guessed (SEC-02); in
// the middle, and in a token that can be read, hardly anything else counts.
func (j *judging) ignoredPart(x said, name string) {
	part := partOf[name]
	observed := fmt.Sprintf("%s for a code that is %s, and a random code is refused: the server ignores the %s of the device_code", describe(x.Exchange), unknownCodeWords[name], part)
	if part == "middle" || j.readableCode() {
		j.fail("ignores-"+part, quoted("invalid_grant"), observed, x)
		return
	}
	j.warn("ignores-"+part, quoted("invalid_grant"), observed, x)
}

// readableCode says that the device code is a token or encoded JSON: what nobody can
// guess is only a part of it.
func (j *judging) readableCode() bool {
	if j.Facts.DeviceCodes != nil && j.Facts.DeviceCodes.Form != "" {
		return true
	}
	x, ok := j.maybe(tokenErrors, labels.Join(labels.Device, labels.Unknown))
	if !ok {
		return false
	}
	o, err := x.Object()
	if err != nil {
		return false
	}
	code, _ := o.String("device_code")
	_, form := unpredictable([]string{code})
	return form != ""
}

// unknownCodeWords say what the probes of TOKEN-03 present.
var unknownCodeWords = map[string]string{
	labels.Random: "random", labels.Truncated: "a valid one truncated", labels.Changed: "a valid one with one character changed",
	labels.StartChanged: "a valid one with its first character changed", labels.EndChanged: "a valid one with a character changed near its end",
	labels.CaseSwapped: "a valid one in the other case", labels.SpaceAdded: "a valid one with a space added",
	labels.Long: "10 KiB long", labels.NUL: "random with a NUL byte", labels.UUID: "a random UUID",
	labels.LikePattern: "a valid one with % in place of its end", labels.GlobPattern: "a valid one with * in place of its end",
	labels.Half: "the first half of a valid one", labels.RegularExpression: "a valid one with .* in place of its end", labels.CutAtNUL: "a valid one with a NUL byte and more added",
}

// TOKEN-08
func repeatedTokenParameter(j *judging) {
	if !j.tokenControl() {
		return
	}
	list := j.all(tokenErrors, labels.Repeat)
	if len(list) == 0 {
		j.missing(tokenErrors, labels.Repeat)
	}
	for _, x := range list {
		name := strings.TrimPrefix(x.Label, labels.Repeat+"/")
		conflict := x.Label == labels.RepeatTwoCodes || x.Label == labels.RepeatTwoClients
		switch {
		case j.onlyThrottled(x, name):
		case recognised(x.Exchange) && conflict:
			j.fail("conflict-accepted", quoted("invalid_request"), fmt.Sprintf("%s for %s in one request", describe(x.Exchange), name), x)
		case recognised(x.Exchange):
			j.warn("repetition-accepted", quoted("invalid_request"), fmt.Sprintf("%s for a repeated %s", describe(x.Exchange), name), x)
		case hasError(x.Exchange, "invalid_request"), conflict && hasError(x.Exchange, "invalid_client", "invalid_grant"):
			j.pass("%s: %s", name, describe(x.Exchange))
		default:
			j.warn("other-error", quoted("invalid_request"), fmt.Sprintf("%s for a repetition: %s", describe(x.Exchange), name), x)
		}
	}
	x, ok := j.first(tokenErrors, labels.ExtraParameter)
	if !ok {
		return
	}
	without, ok := j.maybe(tokenErrors, labels.ExtraWithout)
	switch {
	case recognised(x.Exchange):
		j.pass("the server ignores an unknown parameter")
	case ok && recognised(without.Exchange):
		j.fail("unknown-parameter-refused", quoted("authorization_pending")+", as without the parameter", describe(x.Exchange), x, without)
	default:
		j.inconclusive("the server rejects the request with an unknown parameter (%s), but perhaps for another reason", describe(x.Exchange))
	}
}

// slug turns a probe's name into a part of a finding's code.
func slug(name string) string { return strings.ToLower(strings.ReplaceAll(name, " ", "-")) }
