package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// below says that an exchange has a label or one below it.
func below(x wire.Exchange, label string) bool {
	return x.Label == label || strings.HasPrefix(x.Label, label+"/")
}

// acceptWords say what the requests under a label had in Accept.
var acceptWords = map[string]string{labels.Any: `with "Accept: */*"`, labels.None: "without an Accept header"}

// codesWithoutAccept is about codes that a client gets which does not ask for JSON:
// RFC 8628 section 3.2 has no other type. The control is the same with Accept.
func (j *judging) codesWithoutAccept(control said) {
	if mediaType(control.Exchange) != "application/json" {
		return
	}
	j.withoutAccept(deviceErrors, labels.AcceptCodes, "200 and application/json, whatever the client accepts", func(x said) bool {
		_, err := x.Literal()
		return err != nil || x.Status/100 == 3 || mediaType(x.Exchange) != "application/json"
	})
}

// errorsWithoutAccept is the same for errors (RFC 6749 section 5.2): a redirect to a
// login page, or HTML, tells a device nothing.
func (j *judging) errorsWithoutAccept() {
	for _, p := range []struct{ scenario, label, control string }{
		{deviceErrors, labels.AcceptNameless, labels.ClientAbsent},
		{transcript.TokenErrors, labels.AcceptPending, labels.Control},
		{transcript.TokenErrors, labels.AcceptUnknown, labels.Join(labels.Unknown, labels.Random)},
		{transcript.TokenErrors, labels.AcceptNameless, labels.AcceptControl},
	} {
		control, ok := j.maybe(p.scenario, p.control)
		if !ok || control.OAuthError() == "" || bodyProblem(control.Exchange) != "" {
			continue
		}
		j.withoutAccept(p.scenario, p.label, "an error in JSON, whatever the client accepts, as with Accept: application/json", func(x said) bool {
			return x.Status/100 == 3 || bodyProblem(x.Exchange) != ""
		})
	}
}

// withoutAccept finds what no client can read among the answers below a label. One
// that did not come twice may be that of something in front of the server.
func (j *judging) withoutAccept(scenario, label, expected string, unreadable func(said) bool) {
	for _, name := range []string{labels.Any, labels.None} {
		var wrong, all []said
		for _, x := range j.Transcripts[scenario].Asked(labels.Join(label, name)) {
			if answer := (said{x, scenario}); x.Answered() && !x.Overloaded() && !serverFault(x) {
				all = append(all, answer)
				if unreadable(answer) {
					wrong = append(wrong, answer)
				}
			}
		}
		switch {
		case len(all) == 0:
		case len(wrong) == 0:
			j.pass("the same answers %s", acceptWords[name])
		case len(wrong) == 1:
			j.note("stray-accept", fmt.Sprintf("%s for a request %s, one answer only", toBrowsers(wrong[0]), acceptWords[name]), wrong...)
		case name == labels.None && wrong[0].Status == 403:
			j.note("accept-missing", fmt.Sprintf("%s for a request %s: a firewall may demand one", toBrowsers(wrong[0]), acceptWords[name]), wrong...)
		default:
			observed := fmt.Sprintf("%s for a request %s", toBrowsers(wrong[0]), acceptWords[name])
			if !slices.ContainsFunc(j.findings, func(f Finding) bool { return f.Code == "accept" && f.Observed == observed }) {
				j.fail("accept", expected, observed, wrong[:min(maxEvidence, len(wrong))]...)
			}
		}
	}
}

// toBrowsers describes an answer that was meant for one.
func toBrowsers(x said) string {
	if location := x.Header("Location"); location != "" && x.Status/100 == 3 {
		return fmt.Sprintf("status %d to %s", x.Status, clip(location))
	}
	return describe(x.Exchange)
}
