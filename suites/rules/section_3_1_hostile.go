package rules

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section31Hostile = []Rule{
	{"DA-15", one(transcript.HostileSizes), one(transcript.DeviceErrors), hostileInput},
}

const hostileSizes = transcript.HostileSizes

// DA-15: a limit of ours for gross faults, hence the codes policy-*.
func hostileInput(j *judging) {
	control, ok := j.first(hostileSizes, labels.Control)
	if !ok {
		return
	}
	if !hasCodes(control.Exchange) {
		j.inconclusive("the valid control request fails: %s", explained(control.Exchange))
		return
	}
	t := j.Transcripts[hostileSizes]
	tries := map[string][]said{}
	var order []string
	for _, x := range t.Exchanges {
		if x.Label == labels.Control || x.Label == labels.ControlAgain || below(x, labels.Plain) || strings.HasSuffix(x.Label, "/"+labels.Plain) {
			continue
		}
		if tries[x.Label] == nil {
			order = append(order, x.Label)
		}
		tries[x.Label] = append(tries[x.Label], said{x, hostileSizes})
	}
	if len(order) == 0 {
		j.missing(hostileSizes, labels.SizeScope)
	}
	for _, label := range order {
		j.hostileProbe(label, tries[label])
	}
	if again, ok := j.maybe(hostileSizes, labels.ControlAgain); ok && !hasCodes(again.Exchange) {
		j.note("shut-out", "the valid control request afterwards gets "+describe(again.Exchange), again)
	}
}

const withinLimit = "a status below 500 within the time limit"

// hungUpBehindGateway recognizes what a gateway makes of a server that refuses
// a body before it has read it, and hangs up.
func hungUpBehindGateway(x said) bool { return x.Status == 502 }

func (j *judging) hostileProbe(label string, tries []said) {
	_, name, _ := strings.Cut(label, "/")
	what := hostileWords[label]
	parameter := strings.HasPrefix(label, labels.Parameter+"/")
	if parts := strings.Split(label, "/"); parameter && len(parts) == 4 {
		what = fmt.Sprintf("%s in %s at the %s endpoint", hostileBytes[parts[3]], parts[2], endpointWords[parts[1]])
	}
	faults, hangs := 0, 0
	for _, x := range tries {
		switch {
		case x.Failure != nil && x.Failure.Kind == wire.FailTimeout:
			hangs++
		case x.Answered() && serverFault(x.Exchange) && !x.Overloaded() && !hungUpBehindGateway(x):
			faults++
		}
		if x.Answered() && !strings.HasPrefix(label, labels.Size+"/") && !parameter {
			j.reflected(x)
		}
	}
	last := tries[len(tries)-1]
	plain, harmless := j.withoutHostileText(label)
	switch {
	case faults >= 2 && harmless && serverFault(plain.Exchange):
		j.note("server-error-anyway", fmt.Sprintf("%s for %s, and %s for harmless text in its place", describe(last.Exchange), what, describe(plain.Exchange)), last, plain)
	case faults >= 2 && !harmless && !strings.HasPrefix(label, labels.Size+"/"):
		j.inconclusive("%s for %s, and the same request with harmless text got no answer", describe(last.Exchange), what)
	case faults >= 2:
		j.fail("policy-server-error", withinLimit, fmt.Sprintf("%s, twice, for %s", describe(last.Exchange), what), tries...)
	case hangs >= 2:
		j.fail("policy-hang", withinLimit, "no answer, twice, for "+what, tries...)
	case faults > 0:
		j.note("server-error-once", fmt.Sprintf("a 5xx first, then %s, for %s", describe(last.Exchange), what), tries...)
	case last.Failure != nil && last.Failure.Kind != wire.FailCanceled && hangs == 0:
		// A proxy may hang up on what it does not like.
		j.pass("%s: the server closes the connection", name)
	case hungUpBehindGateway(last):
		j.pass("%s: the server closes the connection behind a gateway", name)
	case !last.Answered(), last.Overloaded():
		j.note("unanswered", fmt.Sprintf("%s for %s", describe(last.Exchange), what), last)
	case hasCodes(last.Exchange) && notText[name]:
		j.warn("invalid-text-accepted", "400: the value is not UTF-8", "codes for "+what, last)
	case hasCodes(last.Exchange):
		j.note("accepted", "codes for "+what, last)
		j.pass("the server survives %s", name)
	default:
		j.pass("%s: %s", name, describe(last.Exchange))
	}
}

// withoutHostileText is the control of a probe: an unknown client or scope whose
// name is a plain word. Sizes need none but the valid request.
func (j *judging) withoutHostileText(label string) (said, bool) {
	switch {
	case strings.HasPrefix(label, labels.Size+"/"):
		return said{}, false
	case strings.HasPrefix(label, labels.Parameter+"/"):
		return j.maybe(hostileSizes, label[:strings.LastIndex(label, "/")]+"/"+labels.Plain)
	case label != labels.MarkupClientID:
		return j.maybe(hostileSizes, labels.PlainScope)
	}
	if x, ok := j.maybe(hostileSizes, labels.PlainClientID); ok {
		return x, true
	}
	return j.maybe(deviceErrors, labels.ClientUnknown)
}

// hostileWords say what the probes of DA-15 send.
var hostileWords = map[string]string{
	labels.SizeScope: "a scope of 64 KiB", labels.SizeBody: "a body of 1 MiB", labels.SizeParameters: "5000 parameters",
	labels.BytesNUL: "a NUL byte in the scope", labels.BytesFF: "the byte FF in the scope", labels.BytesBrokenEscape: "the broken escape %zz",
	labels.BytesHalfSurrogate: "half a surrogate pair in the scope", labels.BytesWritingDirection: "a text direction override in the scope",
	labels.BytesCRLF: "a line break in the scope", labels.MarkupClientID: "quotes and angle brackets in client_id", labels.MarkupScope: "quotes and angle brackets in the scope",
}

// hostileBytes and endpointWords say what the probes of single parameters send.
var (
	hostileBytes  = map[string]string{labels.NUL: "a NUL byte", labels.FF: "the byte FF"}
	endpointWords = map[string]string{labels.Device: "device authorization", labels.Token: "token"}
)

// notText are the probes whose bytes are not UTF-8.
var notText = map[string]bool{"FF": true, "surrogate": true}

// hostileMark finds the random word that every probe carries.
var hostileMark = regexp.MustCompile(`^[a-z]{8}`)

// reflected looks for what was sent in what came back, where it does harm: in a
// header, and in HTML. An echo in a JSON string does none; its characters are
// ERR-03's.
func (j *judging) reflected(x said) {
	value := x.Form().Get("scope")
	if x.Label == labels.MarkupClientID {
		value = x.Form().Get("client_id")
	}
	value, err := rawValue(value, x)
	mark := hostileMark.FindString(strings.TrimLeft(value, `"'><`))
	if err != nil || mark == "" || x.Response == nil {
		return
	}
	for name, values := range x.Response.Header {
		if strings.EqualFold(name, "X-"+mark) {
			j.fail("policy-header-injection", "no header lines injected by a value", "a line break in a value added a response header", x)
		}
		for _, v := range values {
			if strings.HasPrefix(x.Label, labels.Markup+"/") && strings.Contains(v, value) {
				j.fail("policy-reflected-header", "headers without client input", fmt.Sprintf("unescaped quotes and angle brackets in the header %s", clip(name)), x)
			}
		}
	}
	if body := string(x.Response.Body); strings.Contains(mediaType(x.Exchange), "html") && strings.Contains(body, "<"+mark) {
		j.fail("policy-reflected-html", "escaped markup", "an element injected by the client in an HTML page", x)
	}
}

// rawValue takes a value from the request's bytes where the form does not parse.
func rawValue(parsed string, x said) (string, error) {
	if parsed != "" {
		return parsed, nil
	}
	_, raw, ok := strings.Cut("&"+string(x.Request.Body), "&scope=")
	if !ok {
		return "", fmt.Errorf("the request has no scope")
	}
	raw, _, _ = strings.Cut(raw, "&")
	if value, err := url.QueryUnescape(raw); err == nil {
		return value, nil
	}
	return raw, nil
}
