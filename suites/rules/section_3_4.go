package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

const tokenErrors = transcript.TokenErrors

// tokenControl is the positive control of the faulty device access token
// requests: the same request without a fault is understood.
func (j *judge) tokenControl() bool {
	x, ok := j.first(tokenErrors, "control")
	if !ok {
		return false
	}
	if !recognised(x.Exchange) {
		j.inconclusive("the request without a fault is not understood: %s", describe(x.Exchange))
		return false
	}
	return true
}

// TOKEN-01
func exactGrantType(j *judge) {
	if !j.tokenControl() {
		return
	}
	list := j.all(tokenErrors, "grant_type")
	if len(list) == 0 {
		j.missing(tokenErrors, "grant_type")
	}
	for _, x := range list {
		name := strings.TrimPrefix(x.Label, "grant_type/")
		right := "unsupported_grant_type"
		if name == "absent" || name == "empty" {
			right = "invalid_request"
		}
		switch {
		case recognised(x.Exchange):
			j.fail("recognised-"+slug(name), quoted(right), fmt.Sprintf("%s for a grant_type that is %s", describe(x.Exchange), name), x)
		case hasError(x.Exchange, right):
			j.pass("%s: %s", name, describe(x.Exchange))
		default:
			j.warn("other-error", quoted(right), fmt.Sprintf("%s for a grant_type that is %s", describe(x.Exchange), name), x)
		}
	}
}

// TOKEN-02
func missingDeviceCode(j *judge) {
	if !j.tokenControl() {
		return
	}
	for _, label := range []string{"device_code/absent", "device_code/empty"} {
		x, ok := j.first(tokenErrors, label)
		name := strings.TrimPrefix(label, "device_code/")
		switch {
		case !ok:
		case recognised(x.Exchange), serverFault(x.Exchange):
			j.fail("not-refused", quoted("invalid_request"), fmt.Sprintf("%s for a device_code that is %s", describe(x.Exchange), name), x)
		case hasError(x.Exchange, "invalid_request"):
			j.pass("%s: %s", name, describe(x.Exchange))
		default:
			j.warn("other-error", quoted("invalid_request"), fmt.Sprintf("%s for a device_code that is %s", describe(x.Exchange), name), x)
		}
	}
}

// hexOrUUID are encodings in which the case of a letter means nothing.
var hexOrUUID = regexp.MustCompile(`^[0-9a-fA-F-]+$`)

// TOKEN-03
func unknownDeviceCode(j *judge) {
	if !j.tokenControl() {
		return
	}
	list := j.all(tokenErrors, "unknown")
	if len(list) == 0 {
		j.missing(tokenErrors, "unknown")
	}
	for _, x := range list {
		name := strings.TrimPrefix(x.Label, "unknown/")
		malformed := name == "long" || name == "NUL"
		observed := fmt.Sprintf("%s for a code that is %s", describe(x.Exchange), unknownCodeWords[name])
		switch {
		case name == "space added" && recognised(x.Exchange):
			j.note("trims", "white space after the code is ignored", x)
		case name == "case swapped" && recognised(x.Exchange) && j.caseless(x.Form().Get("device_code")):
			j.note("hex-case", "the case of a hexadecimal code is ignored", x)
		case recognised(x.Exchange):
			j.fail("recognised-"+slug(name), quoted("invalid_grant"), observed, x)
		case serverFault(x.Exchange):
			j.fail("server-error", quoted("invalid_grant"), observed, x)
		case hasError(x.Exchange, "invalid_grant"):
			j.pass("%s: %s", name, describe(x.Exchange))
		case malformed && x.Status >= 400:
			j.pass("%s: %s", name, describe(x.Exchange))
		default:
			j.warn("other-error", quoted("invalid_grant"), observed, x)
		}
	}
}

// unknownCodeWords say what the probes of TOKEN-03 present.
var unknownCodeWords = map[string]string{
	"random": "random", "truncated": "a live one cut short", "changed": "a live one with one character changed",
	"case swapped": "a live one in the other case", "space added": "a live one with a space added",
	"long": "10 KiB long", "NUL": "random with a NUL byte", "UUID": "a random UUID",
}

// TOKEN-08
func repeatedTokenParameter(j *judge) {
	if !j.tokenControl() {
		return
	}
	list := j.all(tokenErrors, "repeat")
	if len(list) == 0 {
		j.missing(tokenErrors, "repeat")
	}
	for _, x := range list {
		name := strings.TrimPrefix(x.Label, "repeat/")
		conflict := name == "two codes" || name == "two clients"
		switch {
		case recognised(x.Exchange) && conflict:
			j.fail("conflict-accepted", quoted("invalid_request"), fmt.Sprintf("%s for %s in one request", describe(x.Exchange), name), x)
		case recognised(x.Exchange):
			j.warn("repetition-accepted", quoted("invalid_request"), fmt.Sprintf("%s for a repeated %s", describe(x.Exchange), name), x)
		case hasError(x.Exchange, "invalid_request"), conflict && hasError(x.Exchange, "invalid_client", "invalid_grant"):
			j.pass("%s: %s", name, describe(x.Exchange))
		default:
			j.warn("other-error", quoted("invalid_request"), fmt.Sprintf("%s for a repeated %s", describe(x.Exchange), name), x)
		}
	}
	x, ok := j.first(tokenErrors, "extra/parameter")
	if !ok {
		return
	}
	without, ok := j.maybe(tokenErrors, "extra/without")
	switch {
	case recognised(x.Exchange):
		j.pass("an unknown parameter changes nothing")
	case ok && recognised(without.Exchange):
		j.fail("unknown-parameter-refused", quoted("authorization_pending")+", as without the parameter", describe(x.Exchange), x, without)
	default:
		j.inconclusive("the request with an unknown parameter is refused (%s), but not proved to be refused for it", describe(x.Exchange))
	}
}

// slug turns a probe's name into a part of a finding's code.
func slug(name string) string { return strings.ToLower(strings.ReplaceAll(name, " ", "-")) }
