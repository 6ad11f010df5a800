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

var section5Transport = []Rule{
	{"SEC-01", one(transcript.Transport), nil, tlsEverywhere},
	{"SEC-14", one(transcript.HostHeaders), nil, hostHeaderNotTrusted},
}

// SEC-01
func tlsEverywhere(j *judging) {
	control, ok := j.first(transcript.Transport, labels.Control)
	if !ok {
		return
	}
	if !hasCodes(control.Exchange) {
		j.inconclusive("the request over https fails: %s", explained(control.Exchange))
		return
	}
	j.notOverHTTP()
	j.certificates()
	j.tlsVersions()
}

// notOverHTTP judges the same URLs over http. Nothing may be served there; a
// refusal of any kind is right.
func (j *judging) notOverHTTP() {
	for _, x := range j.Transcripts[transcript.Transport].Labelled(labels.HTTP) {
		what := strings.TrimPrefix(x.Label, labels.HTTP+"/")
		x := said{x, transcript.Transport}
		e := x.OAuthError()
		switch {
		case !x.Answered():
			j.pass("%s: no answer over http", what)
		case what == labels.Device && hasCodes(x.Exchange), what == labels.Token && (recognised(x.Exchange) || e == "invalid_grant"):
			j.fail("served-over-http", "no service over http", describe(x.Exchange)+" over http", x)
		case what == "page" && x.Status == 200 && j.sameAsOverTLS(x):
			j.fail("page-over-http", "no page over http, or a redirect to https", "the page asks for input over http", x)
		case what == "page" && x.Status/100 == 2:
			j.warn("something-over-http", "no page over http, or a redirect to https", describe(x.Exchange)+" over http", x)
		case x.Status/100 == 3 && !strings.HasPrefix(strings.ToLower(x.Header("Location")), "https:"):
			j.note("redirect", fmt.Sprintf("http leads to %q", clip(x.Header("Location"))), x)
		case x.Status/100 == 3 && what != "page":
			j.warn("redirect", "an error: the request and its secrets have already been sent in the clear", fmt.Sprintf("status %d to https, for a POST with credentials", x.Status), x)
		default:
			j.pass("%s over http: %s", what, describe(x.Exchange))
		}
	}
}

// asksForInput finds the markup of a form.
var asksForInput = regexp.MustCompile(`(?i)<(form|input|button)[\s>]`)

// sameAsOverTLS says that the page of http is the page of https, and not a
// notice or a page that a proxy puts before everything.
func (j *judging) sameAsOverTLS(x said) bool {
	secure, ok := j.maybe(transcript.Transport, labels.HTTPSPage)
	if !ok || secure.Status != 200 {
		return false
	}
	return string(secure.Response.Body) == string(x.Response.Body) ||
		asksForInput.Match(secure.Response.Body) && asksForInput.Match(x.Response.Body)
}

func (j *judging) certificates() {
	if j.Profile.TLS.Insecure {
		j.note("certificate-not-judged", "certificates are not checked: the profile sets tls.insecure")
		return
	}
	for _, x := range j.Transcripts[transcript.Transport].Labelled(labels.Certificate) {
		host := strings.TrimPrefix(x.Label, labels.Certificate+"/")
		switch {
		case x.Failure == nil || x.Response != nil:
			j.pass("the certificate of %s is valid", clip(host))
		case strings.Contains(x.Failure.Text, "unknown authority"):
			j.warn("certificate-authority", "a certificate from a public CA", fmt.Sprintf("%s: %s", clip(host), clip(x.Failure.Text)), said{x, transcript.Transport})
		case x.Failure.Kind == wire.FailTLS && strings.Contains(x.Failure.Text, "x509:"):
			j.fail("certificate", "a certificate valid for the host", fmt.Sprintf("%s: %s", clip(host), clip(x.Failure.Text)), said{x, transcript.Transport})
		default:
			j.inconclusive("%s could not be reached (%s)", clip(host), x.Failure.Kind)
		}
	}
}

func (j *judging) tlsVersions() {
	accepted := func(version string) (said, bool) {
		x, sent := j.Transcripts[transcript.Transport].First(labels.Join(labels.TLS, version))
		return said{x, transcript.Transport}, sent && x.Response != nil
	}
	_, new13 := accepted("1.3")
	_, new12 := accepted("1.2")
	if !new13 && !new12 {
		// The control: our probes must be able to succeed.
		j.note("tls-versions-unknown", "no probe with a single TLS version got an answer, not even a current one")
		return
	}
	old := false
	for _, version := range []string{"1.1", "1.0"} {
		if x, ok := accepted(version); ok {
			old = true
			j.warnStrict("old-tls", "TLS 1.2 or later (BCP 195)", "TLS "+version+" is accepted", x)
		}
	}
	if !old {
		j.pass("the server rejects TLS below 1.2")
	}
}

// SEC-14: a limit of ours for gross faults, hence the codes policy-*.
func hostHeaderNotTrusted(j *judging) {
	control, ok := j.first(transcript.HostHeaders, labels.Control)
	if !ok {
		return
	}
	if !hasCodes(control.Exchange) {
		j.inconclusive("the request without a foreign host fails: %s", explained(control.Exchange))
		return
	}
	list := j.all(transcript.HostHeaders, labels.Host)
	if len(list) == 0 {
		j.missing(transcript.HostHeaders, labels.Host)
	}
	for _, x := range list {
		name := strings.TrimPrefix(x.Label, labels.Host+"/")
		if !hasCodes(x.Exchange) {
			j.pass("%s: %s", name, describe(x.Exchange))
			continue
		}
		switch uri := poisoned(control.Exchange, x.Exchange, name); {
		case uri == "":
			j.pass("%s changes no URI", name)
		case name == "X-Forwarded-Proto":
			j.fail("policy-http-uri", "https, whatever the request headers say", fmt.Sprintf("%s for a request with %s: http", clip(uri), name), control, x)
		case name == "Host" && strings.HasPrefix(x.URL, "http:"):
			// In front of a service there is a proxy that knows its names; a
			// server on plain http is reached without one.
			j.warn("host-header", "the server's own host, or a proxy in front that rejects foreign ones", fmt.Sprintf("%s for a foreign Host header, without TLS or a proxy", clip(uri)), control, x)
		default:
			j.fail("policy-foreign-host", "the server's own host, whatever the request headers say", fmt.Sprintf("%s for a foreign %s header", clip(uri), name), control, x)
		}
	}
}

// poisoned returns the URI of a response that a header of the request has
// changed, or "".
func poisoned(control, x wire.Exchange, name string) string {
	before, err := control.Object()
	if err != nil {
		return ""
	}
	after, err := x.Object()
	if err != nil {
		return ""
	}
	foreign := strings.TrimPrefix(x.Request.Header.Get(name), "host=")
	for _, member := range []string{"verification_uri", "verification_uri_complete"} {
		s, _ := after.String(member)
		u, err := url.Parse(s)
		if err != nil {
			continue
		}
		if name == "X-Forwarded-Proto" {
			old, _ := before.String(member)
			if u.Scheme == "http" && strings.HasPrefix(old, "https:") {
				return s
			}
			continue
		}
		if foreign != "" && strings.EqualFold(u.Hostname(), foreign) {
			return s
		}
	}
	return ""
}
