package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section33Pages = []Rule{
	{"VERIFY-07", []string{transcript.Approval, transcript.EarlyApproval}, nil, personIsTold},
	{"VERIFY-09", []string{transcript.CompleteURI, transcript.CodeEntry}, nil, completeURIShowsCode},
	{"VERIFY-11", []string{transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI}, nil, secretsStayOffTheBrowser},
}

// asked are the pages of a journey that ask for the decision.
func asked(visit transcript.Journey) (pages []transcript.Step) {
	for _, s := range visit.Steps {
		if s.Page == "consent" || s.Page == "code_confirm" {
			pages = append(pages, s)
		}
	}
	return pages
}

// shows looks for words on pages, whatever their case and spacing.
func shows(pages []transcript.Step, words string) bool {
	plain := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	words = plain(words)
	return words != "" && slices.ContainsFunc(pages, func(p transcript.Step) bool {
		return strings.Contains(plain(p.Title+" "+p.Text+" "+strings.Join(p.Fields, " ")), words)
	})
}

// VERIFY-07
func personIsTold(j *judging) {
	clients := j.Profile.Clients
	early := j.clientFor(transcript.EarlyApproval, labels.Device)
	if visit, ok := j.Transcripts[transcript.Approval].Journey(labels.Approve); ok {
		for _, page := range visit.Steps {
			for _, observed := range page.Usability {
				j.noteOnce("usability", observed)
			}
		}
	}
	seen := 0
	for _, c := range []struct {
		scenario, journey string
		client            *profiles.Client
	}{
		{transcript.Approval, labels.Approve, clients.Public}, {transcript.EarlyApproval, labels.Approve, early},
	} {
		visit, ok := j.journey(c.scenario, c.journey)
		if !ok {
			continue
		}
		pages := asked(visit)
		if len(pages) == 0 {
			j.note("not-asked", fmt.Sprintf("%s: no page asked for the decision (%s)", c.scenario, visit.Outcome))
			continue
		}
		seen++
		switch {
		case c.client == nil:
		case c.client.Name == "":
			j.notApplicable("the profile does not give the name that pages show for the client %s (its key: name)", clip(c.client.ID))
		case shows(pages, c.client.Name):
			j.pass("the decision page names the client: %s", clip(c.client.Name))
		default:
			j.warn("client-not-named", fmt.Sprintf("the name %q on the decision page", c.client.Name),
				fmt.Sprintf("not there; the page begins %q", clip(pages[0].Text)))
		}
		j.noteScopes(pages, c.client)
	}
	switch {
	case seen > 0:
	case j.neverAsks() && len(j.visitOf(transcript.Approval).Steps) > 0:
		j.warn("not-asked", "a page that tells which client asks", "no page asks for the decision (verification.consent: never)")
	default:
		j.inconclusive("no decision page appeared")
	}
}

// noteScopes notes what else the page does not tell, once.
func (j *judging) noteScopes(pages []transcript.Step, client *profiles.Client) {
	scopes := j.Profile.Scopes
	if client != nil && client.Scopes != nil {
		scopes = client.Scopes
	}
	var hidden []string
	for _, scope := range scopes {
		if label, ok := j.Profile.Verification.ScopeLabels[scope]; !shows(pages, scope) && (!ok || !shows(pages, label)) {
			hidden = append(hidden, scope)
		}
	}
	if len(hidden) > 0 {
		j.noteOnce("scopes-not-shown", "not on the page, by name or verification.scope_labels: "+strings.Join(hidden, " "))
	}
	if !slices.ContainsFunc(deviceWords, func(w string) bool { return shows(pages, w) }) {
		j.noteOnce("no-device", "the page does not say that a device is being authorized, in any language that the suite knows")
	}
}

// deviceWords are the word device, and television, in some languages.
var deviceWords = []string{"device", "gerät", "appareil", "dispositivo", "tv", "fernseh", "télévis", "televis"}

func (j *judging) noteOnce(code, observed string) {
	if !slices.ContainsFunc(j.findings, func(f Finding) bool { return f.Code == code && f.Observed == observed }) {
		j.note(code, observed)
	}
}

// VERIFY-09
func completeURIShowsCode(j *judging) {
	if t := j.Transcripts[transcript.CompleteURI]; t.Absent != "" {
		j.notApplicable("%s", t.Absent)
		return
	}
	for _, c := range []struct{ scenario, journey, device, who string }{
		{transcript.CompleteURI, labels.Follow, labels.FollowDevice, "a logged-in end user"},
		{transcript.CodeEntry, labels.CompleteURI, labels.Join(labels.Device, labels.CompleteURI), "a new end user"},
	} {
		device, ok := j.first(c.scenario, c.device)
		if !ok {
			continue
		}
		visit, ok := j.journey(c.scenario, c.journey)
		if !ok {
			continue
		}
		o, _ := device.Object()
		code, _ := o.String("user_code")
		switch {
		case bare(code) == "":
			j.inconclusive("the response has no user_code to look for")
		case visit.Outcome == transcript.AtCode:
			j.note("asks-for-code", c.who+": the page asks for the code (VERIFY-10)")
		case visit.Outcome != transcript.AtDecision && visit.Outcome != transcript.Approved:
			j.inconclusive("%s did not reach the decision: %s", c.who, visit.Outcome)
		case visit.Driver == "hook" || visit.Driver == "manual":
			j.inconclusive("the %s driver sees no pages", visit.Driver)
		case codeShown(visit, code):
			j.pass("%s sees the code before the decision", c.who)
		default:
			j.warn("code-not-shown", "the user code, to compare with the device", fmt.Sprintf("not shown to %s (pages seen: %d)", c.who, beforeDecision(visit)), device)
		}
	}
}

// codeShown looks for the code on every page up to the decision, in the text
// and in visible fields. Boxes for one character each are read in a row.
func codeShown(visit transcript.Journey, code string) bool {
	for _, s := range visit.Steps[:beforeDecision(visit)] {
		if strings.Contains(bare(s.Text), bare(code)) || strings.Contains(bare(strings.Join(s.Fields, "")), bare(code)) {
			return true
		}
	}
	return false
}

// beforeDecision counts the pages up to and with the last that asked for the
// decision; where none did, all but the page that tells the end.
func beforeDecision(visit transcript.Journey) int {
	for i := len(visit.Steps) - 1; i >= 0; i-- {
		if page := visit.Steps[i].Page; page == "consent" || page == "code_confirm" {
			return i + 1
		}
	}
	return max(0, len(visit.Steps)-1)
}

// bare is a code without case and separators.
func bare(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, code)
}

// VERIFY-11
func secretsStayOffTheBrowser(j *judging) {
	proved := map[string]bool{}
	leaks := map[transcript.Leak]string{}
	for _, scenario := range []string{transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI} {
		if scenario == transcript.CompleteURI && j.Transcripts[scenario].Absent != "" {
			continue
		}
		visits := j.Transcripts[scenario].Journeys
		if len(visits) == 0 {
			j.missing(scenario, "a journey")
		}
		for _, visit := range visits {
			for _, l := range visit.Leaks {
				l.URL = clip(l.URL)
				leaks[l] = fmt.Sprintf("%s, journey %s", scenario, visit.Name)
			}
			if visit.WatchProved {
				for _, name := range visit.Watched {
					proved[name] = true
				}
			}
		}
	}
	byPlace := func(a, b transcript.Leak) int {
		return strings.Compare(a.Needle+"\x00"+a.Where+"\x00"+a.URL, b.Needle+"\x00"+b.Where+"\x00"+b.URL)
	}
	for _, l := range slices.SortedFunc(maps.Keys(leaks), byPlace) {
		observed := fmt.Sprintf("found in the %s at %s (%s)", l.Where, l.URL, leaks[l])
		switch {
		case l.Needle == "device_code" && !reported(j, "device-code"):
			j.warnStrict("device-code", "only the device and the server see the device_code", observed)
		case l.Needle != "device_code" && !reported(j, "client-secret"):
			j.fail("client-secret", "only the client and the server see the "+l.Needle, observed)
		default:
			j.note("also", l.Needle+" "+observed)
		}
	}
	switch {
	case len(leaks) > 0:
	case !proved["device_code"]:
		j.inconclusive("the watch did not see even the user code, which must pass through the user agent, so it proves nothing")
	default:
		j.pass("not in anything the user agent sent, received or showed: %s", strings.Join(slices.Sorted(maps.Keys(proved)), ", "))
	}
}

func reported(j *judging, code string) bool {
	return slices.ContainsFunc(j.findings, func(f Finding) bool { return f.Code == code })
}
