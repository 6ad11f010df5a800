package rules

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section61Typing = []Rule{
	{"VERIFY-04", one(transcript.CodeEntry), []string{transcript.Codes, transcript.WrongUserCodes}, otherCaseAccepted},
	{"VERIFY-05", one(transcript.CodeEntry), nil, strayCharactersAccepted},
}

// entered says how a page took a code that was typed in some way.
type entered int

const (
	notTried entered = iota
	accepted
	refused
	blocked // the page's own form checks did not let it out
	unclear
)

// entry tells how one way to enter a code ended. A way that could not be tried
// is an obstacle.
func (j *judging) entry(way string) (entered, transcript.Journey) {
	if _, there := j.Transcripts[transcript.CodeEntry].Journey(way); !there && j.Transcripts[transcript.CodeEntry].Aborted == "" {
		if _, issued := j.maybe(transcript.CodeEntry, labels.Join(labels.Device, way)); issued {
			return notTried, transcript.Journey{} // such a code offers nothing to change
		}
	}
	// Tried twice, the second time counts.
	name := way
	if _, again := j.Transcripts[transcript.CodeEntry].Journey(labels.Join(way, labels.Again)); again {
		name += "/" + labels.Again
	}
	visit, there := j.Transcripts[transcript.CodeEntry].Journey(name)
	if t := visit.Trouble; there && visit.Driver == "hook" && t != nil && t.Class == transcript.Unsupported && way != labels.AsPrinted {
		j.note("not-passed", fmt.Sprintf("%s: %s", way, t.Cause))
		return unclear, visit
	}
	visit, ok := j.journey(transcript.CodeEntry, name)
	if !ok {
		return unclear, visit
	}
	switch visit.Outcome {
	case transcript.AtDecision, transcript.Approved: // the latter where consent is remembered
		if visit.Driver == "hook" && len(withToken(j.all(transcript.CodeEntry, labels.Join(labels.Poll, name)))) == 0 {
			j.inconclusive("%s: the hook says that it approved, and the device got no token", way)
			return unclear, visit
		}
		return accepted, visit
	case transcript.InputBlocked:
		return blocked, visit
	case transcript.CodeRejected, transcript.ErrorPage:
		if status := lastStatus(visit); status == 429 || status >= 500 {
			j.inconclusive("%s: the page answered %d", way, status)
			return unclear, visit
		}
		return refused, visit
	}
	j.inconclusive("%s: the visit ended with %q", way, visit.Outcome)
	return unclear, visit
}

// asPrinted is the positive control: the code as the device shows it.
func (j *judging) asPrinted() bool {
	how, visit := j.entry(labels.AsPrinted)
	switch how {
	case accepted:
		return true
	case refused, blocked:
		j.inconclusive("the code as displayed did not reach the decision either: %s%s", visit.Outcome, lastAlert(visit))
	}
	return false
}

// who takes the codes: the server, as a hook reports it, or the page.
func who(visit transcript.Journey) string {
	if visit.Driver == "hook" {
		return "the server"
	}
	return "the page"
}

// sampledCodes are the user codes that the rule may look at.
func (j *judging) sampledCodes() (codes []string) {
	for _, from := range []struct{ scenario, label string }{{transcript.CodeEntry, labels.Device}, {transcript.Codes, labels.Code}} {
		for _, x := range j.all(from.scenario, from.label) {
			if o, err := x.Object(); err == nil {
				if code, _ := o.String("user_code"); code != "" {
					codes = append(codes, code)
				}
			}
		}
	}
	return codes
}

// VERIFY-04
func otherCaseAccepted(j *judging) {
	codes := j.sampledCodes()
	lower, upper := casesIn(codes)
	if len(codes) > 0 && !lower && !upper {
		j.notApplicable("%d codes contain no letter", len(codes))
		return
	}
	if lower && upper || j.Facts.MixedCase {
		j.caseOfMixedCodes(len(codes))
		return
	}
	if !j.asPrinted() {
		return
	}
	switch how, visit := j.entry(labels.OtherCase); how {
	case accepted:
		j.pass("%s accepts codes in the other case", who(visit))
	case refused:
		j.warn("case-matters", who(visit)+" accepts the code in the other case, since all letters have one case", fmt.Sprintf("%s%s", visit.Outcome, lastAlert(visit)))
	case blocked:
		j.warn("case-blocked", "the page submits the code in the other case, since all letters have one case", "the page's form validation rejects it")
	case notTried:
		j.inconclusive("the typed code has no letter")
	}
}

func casesIn(codes []string) (lower, upper bool) {
	all := strings.Join(codes, "")
	return strings.ContainsFunc(all, unicode.IsLower), strings.ContainsFunc(all, unicode.IsUpper)
}

// caseOfMixedCodes is VERIFY-04 for codes with letters of both cases: nothing is
// required of them, but what the server makes of the case is worth knowing.
func (j *judging) caseOfMixedCodes(codes int) {
	mixed := fmt.Sprintf("%d codes contain letters of both cases", codes)
	switch j.caseOfLetters() {
	case caseIgnored:
		j.note("case-ignored", mixed+", and the server ignores the case: SEC-03 counts the letters of one case")
		j.pass("%s, and the other case is accepted too", mixed)
	case caseSignificant:
		j.notApplicable("%s, and the case is significant: the code in the other case was refused", mixed)
	default:
		j.notApplicable("%s, so case may be significant", mixed)
	}
}

// letterCase says what the case of the letters of a user code means to the server.
type letterCase int

const (
	caseUnknown letterCase = iota
	caseSignificant
	caseIgnored
)

// caseOfLetters takes it from the codes that were typed in the other case. A page
// that accepts any code ignores more than the case, and a session that goes on with
// an earlier code tells nothing.
func (j *judging) caseOfLetters() letterCase {
	quiet := judging{Evidence: j.Evidence}
	if !quiet.asPrinted() {
		return caseUnknown
	}
	switch how, visit := quiet.entry(labels.OtherCase); {
	case how == refused && len(visit.Steps) > 0 && (visit.Steps[len(visit.Steps)-1].Limited() || visit.Steps[len(visit.Steps)-1].SaysLimited()):
		// Perhaps no code was looked at.
	case how == refused:
		return caseSignificant
	case how == accepted && quiet.rejectsNeverIssued() && !quiet.isAboutEarlier(visit):
		return caseIgnored
	}
	return caseUnknown
}

// rejectsNeverIssued says that the page refused a code of the right shape that no
// server issued.
func (j *judging) rejectsNeverIssued() bool {
	visit, _ := j.Transcripts[transcript.WrongUserCodes].Journey(labels.NeverIssued)
	return visit.Outcome == transcript.CodeRejected || visit.Outcome == transcript.ErrorPage
}

// isAboutEarlier says that a decision page shows the code that was typed before as
// it was displayed.
func (j *judging) isAboutEarlier(visit transcript.Journey) bool {
	x, ok := j.maybe(transcript.CodeEntry, labels.Join(labels.Device, labels.AsPrinted))
	if !ok || len(visit.Steps) == 0 {
		return false
	}
	o, err := x.Object()
	if err != nil {
		return false
	}
	last := visit.Steps[len(visit.Steps)-1]
	earlier, _ := o.String("user_code")
	return significant(earlier) != "" && strings.Contains(significant(last.Text+strings.Join(last.Fields, "")), significant(earlier))
}

// VERIFY-05
func strayCharactersAccepted(j *judging) {
	if !j.asPrinted() {
		return
	}
	var taken, others []string
	for _, way := range []string{labels.WithoutSeparators, labels.DashesAdded, labels.SpacesAround, labels.SpacesInside} {
		how, visit := j.entry(way)
		switch {
		case how == accepted:
			taken = append(taken, way)
		case how == refused && way == "without separators":
			j.warn("separator-required", who(visit)+" accepts the code without its separators", fmt.Sprintf("%s%s", visit.Outcome, lastAlert(visit)))
		case how == refused:
			others = append(others, way)
		case how == blocked:
			j.note("blocked", way+": the page's form validation rejects it")
		case how == notTried:
			j.note("no-separators", "the codes have no separators to omit")
		}
	}
	switch {
	case len(others) > 0:
		j.measure("refused", "rejected: "+strings.Join(others, ", "))
	case len(taken) > 0:
		j.pass("accepted: %s", strings.Join(taken, ", "))
	}
}
