package rules

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// askedAfterAFailure are controls that a conforming server is never asked for, so
// that the recording lacks them. The cases of their rules have them.
var askedAfterAFailure = []string{
	"client identity: control/body", "client identity: basic/token body", "client identity: two/control", "client identity: reserved/body",
}

// unusual are answers that a control may get from a server, or from what stands in
// front of it, and that tell nothing.
var unusual = map[string]func(*wire.Exchange){
	"400 invalid_grant":      oauthError("invalid_grant"),
	"400 slow_down":          oauthError("slow_down"),
	"400, unknown error":     oauthError("not_today"),
	"502 and a page":         asPage(502, "<h1>Bad Gateway</h1>"),
	"429 without a body":     answer(429, ""),
	"415 and a message":      answer(415, `{"message":"Unsupported Media Type"}`),
	"200 and nothing in it":  answer(200, `{}`),
	"a reset connection":     lost(wire.FailReset),
	"a request without time": lost(wire.FailTimeout),
}

func asPage(status int, page string) func(*wire.Exchange) {
	return func(x *wire.Exchange) {
		x.Status, x.Failure = status, nil
		x.Response = &wire.Message{Header: http.Header{"Content-Type": {"text/html"}}, Body: wire.Bytes(page)}
	}
}

// control is one entry of a requirement's controls.
type control struct{ scenario, label, journey string }

func controlOf(entry string) (c control, ok bool) {
	c.scenario, c.label, ok = strings.Cut(entry, ": ")
	if name, isJourney := strings.CutPrefix(c.label, "journey "); isJourney {
		c.label, c.journey = "", name
	}
	return c, ok && (c.label != "" || c.journey != "")
}

// inRecording says that the recording has the control. Over http there is nothing
// to record of the scenario about TLS.
func (c control) inRecording(e Evidence) bool {
	t := e.Transcripts[c.scenario]
	if c.journey != "" {
		_, ok := t.Journey(c.journey)
		return ok
	}
	return t.Absent != "" || len(t.Labelled(c.label)) > 0
}

// TestControlsExist: a control that no scenario asks for any more controls nothing.
func TestControlsExist(t *testing.T) {
	e := recorded(t)
	for _, r := range catalogue {
		rule, _ := ForID(r.ID)
		if r.Control == "" || len(r.Controls) == 0 && !strings.HasPrefix(r.Control, "none") {
			t.Errorf("%s: the control is %q, and no exchange shows it: name them, or say why there is none", r.ID, r.Control)
		}
		for _, entry := range r.Controls {
			c, ok := controlOf(entry)
			switch {
			case !ok:
				t.Errorf("%s: the control %q is not SCENARIO: LABEL", r.ID, entry)
			case !slices.Contains(rule.Reads(), c.scenario):
				t.Errorf("%s: the rule does not read the scenario of its control %q", r.ID, entry)
			case c.inRecording(e) == slices.Contains(askedAfterAFailure, entry):
				t.Errorf("%s: the control %q is in the recording: %t", r.ID, entry, c.inRecording(e))
			}
		}
	}
}

// TestBrokenControlsAccuseNobody: where a control gets an unusual answer, or none, no
// rule fails because of that.
func TestBrokenControlsAccuseNobody(t *testing.T) {
	unchanged(t)
	for _, r := range catalogue {
		rule, _ := ForID(r.ID)
		for _, entry := range r.Controls {
			c, _ := controlOf(entry)
			for name, change := range c.broken(recorded(t)) {
				e := clone(recorded(t))
				change(e)
				if j := rule.Judge(e); j.Verdict == Fail {
					t.Errorf("%s fails where its control %q is: %s (%s)", r.ID, entry, name, j.Reason)
				}
			}
		}
	}
}

// broken are the ways in which a control can come out wrong.
func (c control) broken(e Evidence) map[string]edit {
	ways := map[string]edit{}
	switch {
	case !c.inRecording(e), e.Transcripts[c.scenario].Absent != "":
	case c.journey != "":
		ways["gone"] = unvisited(c.scenario, c.journey)
		for _, o := range []transcript.Outcome{transcript.Unfinished, transcript.ErrorPage, transcript.CodeRejected, transcript.LoginFailed, transcript.AtDecision} {
			ways[string(o)] = visit(c.scenario, c.journey, func(j *transcript.Journey) { j.Outcome, j.Decided, j.Confirmed = o, false, false })
		}
	default:
		ways["gone"] = drop(c.scenario, c.label)
		for name, change := range unusual {
			ways[name] = in(c.scenario, c.label, change)
		}
	}
	return ways
}

// speaksOfTheAnswer are the rules for which an answer to a poll is itself the
// evidence, whatever was done before it. POLL-08: the page denied the code, so the
// server had it.
var speaksOfTheAnswer = []string{"POLL-01", "POLL-08", "ERR-01", "ERR-02", "ERR-04", "ERR-05", "TOKEN-09"}

// polledAfterwards are devices that a scenario polls only after the act, by their
// first poll: what other devices were told is the control.
var polledAfterwards = map[string]string{
	"early approval: token/1":     "POLL-13 is about an approval before the first poll",
	"expiry: untouched/expired/1": "POLL-10 is about a code that nobody touched",
	"expiry: approved/expired":    "POLL-12 is about a code that was not collected",
	"extensions: verifier/right":  "EXT-01: a poll without the verifier may end the code",
}

// TestDeadFromTheStart: a device whose every poll gets the same odd answer has not
// been hurt by what somebody did meanwhile, so no act is accused.
func TestDeadFromTheStart(t *testing.T) {
	unchanged(t)
	for _, name := range []string{"400 invalid_grant", "400, unknown error", "415 and a message", "200 and nothing in it"} {
		for _, scenario := range sortedNames(recorded(t).Transcripts) {
			for _, code := range devicesOf(recorded(t), scenario) {
				e := clone(recorded(t))
				first := ""
				for i := range e.Transcripts[scenario].Exchanges {
					if x := &e.Transcripts[scenario].Exchanges[i]; x.Form().Get("device_code") == code {
						unusual[name](x)
						if first == "" {
							first = x.Label
						}
					}
				}
				if polledAfterwards[scenario+": "+first] != "" {
					continue
				}
				for _, rule := range registry {
					if !slices.Contains(rule.Reads(), scenario) || slices.Contains(speaksOfTheAnswer, rule.ID) {
						continue
					}
					if j := rule.Judge(e); j.Verdict == Fail {
						t.Errorf("%s fails where each poll of a device (%s: %s) gets %s: %s", rule.ID, scenario, first, name, j.Reason)
					}
				}
			}
		}
	}
}

// devicesOf are the device codes that a scenario polls with.
func devicesOf(e Evidence, scenario string) (codes []string) {
	for _, x := range e.Transcripts[scenario].Exchanges {
		if code := x.Form().Get("device_code"); code != "" && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}
