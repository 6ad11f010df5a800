package rules

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

const (
	codeEntry = transcript.CodeEntry
	decided   = transcript.DecidedCodes
	twoPeople = transcript.TwoPeople
	abandoned = transcript.Abandoned
)

// personCases: what a person meets at the verification URI.
var personCases = []ruleCase{
	{"VERIFY-04", "exact case", visit(codeEntry, "other case", outcome(transcript.CodeRejected)), Warn, "case-matters"},
	{"VERIFY-04", "consent remembered", visit(codeEntry, "other case", outcome(transcript.Approved)), Pass, ""},
	{"VERIFY-04", "a pattern in the form", visit(codeEntry, "other case", outcome(transcript.InputBlocked)), Warn, "case-blocked"},
	{"VERIFY-04", "too many tries", visit(codeEntry, "other case", ended(transcript.CodeRejected, 429)), Inconclusive, ""},
	{"VERIFY-04", "mixed case, in an old recording", all(mixedCodes, unvisited(codeEntry, "other case")), NA, ""},
	{"VERIFY-04", "mixed case in the sample", all(in(transcript.Codes, "code/1", member("user_code", `"abcd-efgh"`)), unvisited(codeEntry, "other case")), NA, ""},
	{"VERIFY-04", "mixed case that matters", caseMatters, NA, ""},
	{"VERIFY-04", "mixed case that is ignored", mixedCodes, Pass, ""},
	{"VERIFY-04", "mixed case, and any code will do", all(mixedCodes, visit(transcript.WrongUserCodes, "never issued", outcome(transcript.AtDecision))), NA, ""},
	{"VERIFY-04", "mixed case, and the session goes on with the code before", all(mixedCodes, visit(codeEntry, "other case", func(j *transcript.Journey) {
		j.Steps[len(j.Steps)-1].Text = "Connect aBcD-eFgH?"
	})), NA, ""},
	{"VERIFY-04", "mixed case, and no code works", all(caseMatters, visit(codeEntry, "as printed", outcome(transcript.CodeRejected))), NA, ""},
	{"VERIFY-04", "mixed case, and the page breaks down", all(mixedCodes, visit(codeEntry, "other case", ended(transcript.ErrorPage, 500))), NA, ""},
	{"VERIFY-04", "digits", digitCodes(), NA, ""},
	{"VERIFY-04", "not even as printed", visit(codeEntry, "as printed", outcome(transcript.CodeRejected)), Inconclusive, ""},
	{"VERIFY-04", "the page was not understood", visit(codeEntry, "other case", outcome(transcript.Unfinished)), Inconclusive, ""},

	{"VERIFY-04", "a hook, and the devices got tokens", hookEnters(true), Pass, ""},
	{"VERIFY-04", "a hook that claims it", hookEnters(false), Inconclusive, ""},
	{"VERIFY-04", "a hook, and the server refuses the other case", all(hookEnters(true), visit(codeEntry, "other case", outcome(transcript.CodeRejected))), Warn, "case-matters"},
	{"VERIFY-05", "a hook, and the devices got tokens", hookEnters(true), Pass, ""},
	{"VERIFY-05", "a hook that cannot pass a spelling", all(hookEnters(true), visit(codeEntry, "spaces inside", func(j *transcript.Journey) {
		j.Outcome, j.Trouble = transcript.Unfinished, &transcript.Trouble{Class: transcript.Unsupported}
	})), Pass, ""},
	{"VERIFY-05", "the dash is mandatory", visit(codeEntry, "without separators", outcome(transcript.CodeRejected)), Warn, "separator-required"},
	{"VERIFY-05", "spaces matter", visit(codeEntry, "spaces inside", outcome(transcript.CodeRejected)), Info, "refused"},
	{"VERIFY-05", "refused once, and taken", all(visit(codeEntry, "spaces inside", outcome(transcript.CodeRejected)), visitedAgain("spaces inside", transcript.AtDecision)), Pass, ""},
	{"VERIFY-05", "refused twice", all(visit(codeEntry, "spaces inside", outcome(transcript.CodeRejected)), visitedAgain("spaces inside", transcript.CodeRejected)), Info, "refused"},
	{"VERIFY-05", "a maxlength", visit(codeEntry, "spaces around", outcome(transcript.InputBlocked)), Pass, ""},
	{"VERIFY-05", "no separators", unvisited(codeEntry, "without separators"), Pass, ""},
	{"VERIFY-05", "not even as printed", visit(codeEntry, "as printed", outcome(transcript.InputBlocked)), Inconclusive, ""},
	{"VERIFY-05", "the page breaks down", visit(codeEntry, "dashes added", ended(transcript.ErrorPage, 502)), Inconclusive, ""},

	{"VERIFY-07", "the client id only", pages(transcript.Approval, "approve", "Living Room TV", "device-public"), Warn, "client-not-named"},
	{"VERIFY-07", "another client's name", pages(transcript.EarlyApproval, "approve", "Meeting Room Screen", "Living Room TV"), Warn, "client-not-named"},
	{"VERIFY-07", "the public client stood in", all(in(transcript.EarlyApproval, "device", asPublic), pages(transcript.EarlyApproval, "approve", "Meeting Room Screen", "Living Room TV")), Pass, ""},
	{"VERIFY-07", "in capitals, over two lines", pages(transcript.Approval, "approve", "Living Room TV", "LIVING  ROOM\nTV"), Pass, ""},
	{"VERIFY-07", "hard to use", visit(transcript.Approval, "approve", func(j *transcript.Journey) { j.Steps[0].Usability = []string{"no label"} }), Pass, ""},
	{"VERIFY-07", "no name in the profile", nameless, NA, ""},
	{"VERIFY-07", "consent remembered", unasked, Inconclusive, ""},
	{"VERIFY-07", "never asked, as the profile says", all(unasked, consentNever), Warn, "not-asked"},

	{"VERIFY-09", "hidden from the one who is logged in", pages(transcript.CompleteURI, "follow", codeShape, ""), Warn, "code-not-shown"},
	{"VERIFY-09", "shown nowhere", pages(codeEntry, "complete URI", codeShape, ""), Warn, "code-not-shown"},
	{"VERIFY-09", "shown without the dash, in lower case", respelled(strings.ToLower), Pass, ""},
	{"VERIFY-09", "only in the field", fieldOnly, Pass, ""},
	{"VERIFY-09", "the page asks for the code", all(visit(transcript.CompleteURI, "follow", outcome(transcript.AtCode)), visit(codeEntry, "complete URI", outcome(transcript.AtCode))), Inconclusive, ""},
	{"VERIFY-09", "approved without a question", all(pages(transcript.CompleteURI, "follow", codeShape, ""), visit(transcript.CompleteURI, "follow", onlyTheEnd)), Warn, "code-not-shown"},
	{"VERIFY-09", "no complete URI", missing(transcript.CompleteURI, "the device authorization response has no verification_uri_complete"), NA, ""},

	{"VERIFY-11", "device_code in a hidden field", leak(transcript.Approval, "approve", "device_code", "response body"), Warn, "device-code"},
	{"VERIFY-11", "client_secret in a redirect", leak(transcript.EarlyApproval, "approve", "client_secret of device-confidential", "request URL"), Fail, "client-secret"},
	{"VERIFY-11", "a blind watch", blind, Inconclusive, ""},
	{"VERIFY-11", "one blind journey", visit(transcript.CompleteURI, "follow", unproved), Pass, ""},

	{"VERIFY-12", "the denial is overturned", all(reopened("denied other"), in(decided, "denied/after", answer(200, token))), Fail, "denial-overturned"},
	{"VERIFY-12", "no denial ends a grant", all(reopened("denied other"), in(decided, "denied/after", answer(200, token)), in(transcript.Denial, "denied", oauthError("authorization_pending"))), Inconclusive, ""},
	{"VERIFY-12", "a token in spite of the denial", in(decided, "denied/after", answer(200, token)), Pass, ""},
	{"VERIFY-12", "the denial is not reported", in(decided, "denied/after", oauthError("authorization_pending")), Pass, ""},
	{"VERIFY-12", "the token goes to the other", subjectOf(decided, "uncollected", "alice"), Fail, "rebound"},
	{"VERIFY-12", "the ID token goes to the other", all(withoutUserInfo(decided), in(decided, "uncollected/token", idTokenOf("alice"))), Fail, "rebound"},
	{"VERIFY-12", "a new token", all(reopened("collected same"), in(decided, "collected/after", answer(200, token))), Fail, "new-token"},
	{"VERIFY-12", "a replay, though the pages refuse", in(decided, "collected/after", answer(200, token)), Pass, ""},
	{"VERIFY-12", "the page only looks approved", reopened("collected other"), Pass, ""},
	{"VERIFY-12", "the code page comes back without a word", visit(decided, "collected same", func(j *transcript.Journey) {
		j.Outcome, j.Trouble = transcript.Unfinished, &transcript.Trouble{Class: transcript.Loop, Page: "code"}
	}), Pass, ""},
	{"VERIFY-12", "the person is lost on the way", visit(decided, "collected same", func(j *transcript.Journey) {
		j.Outcome, j.Trouble = transcript.Unfinished, &transcript.Trouble{Class: transcript.NavTimeout, Page: "code"}
	}), Inconclusive, ""},
	{"VERIFY-12", "an error page after the denial", visit(decided, "denied first", outcome(transcript.ErrorPage)), Pass, ""},
	{"VERIFY-12", "an error page, and the denial is overturned", all(visit(decided, "denied first", outcome(transcript.ErrorPage)), in(decided, "denied/after", answer(200, token))), Inconclusive, ""},
	{"VERIFY-12", "nobody could decide", visit(decided, "denied first", outcome(transcript.LoginFailed)), Inconclusive, ""},
	{"VERIFY-12", "no way to deny", visit(decided, "denied first", outcome(transcript.NoWayToDeny)), Pass, ""},
	{"VERIFY-12", "one user", missing(decided, "the profile has no second user (users.second)"), NA, ""},

	{"VERIFY-13", "the denial is overturned", all(visit(twoPeople, "denied b", approvedAgain), in(twoPeople, "denied/after", answer(200, token))), Fail, "denial-overturned"},
	{"VERIFY-13", "a late approval revives the code", all(visit(twoPeople, "collected b", approvedAgain), in(twoPeople, "collected/after", answer(200, token))), Fail, "revived"},
	{"VERIFY-13", "a replay, though the page refuses", in(twoPeople, "collected/after", answer(200, token)), Pass, ""},
	{"VERIFY-13", "the last approval wins", subjectOf(twoPeople, "uncollected", "alice"), Fail, "subject-changed"},
	{"VERIFY-13", "two tokens", all(in(twoPeople, "at once 2/after", idTokenOf("mallory"))), Fail, "two-tokens"},
	{"VERIFY-13", "the other one wins", subjectOf(twoPeople, "at once 1", "alice"), Pass, ""},
	{"VERIFY-13", "the first to enter the code has it", visit(twoPeople, "uncollected b", shut), Pass, ""},
	{"VERIFY-13", "a redacted recording", all(withoutUserInfo(twoPeople), in(twoPeople, "uncollected/token", member("id_token", `"[redacted:1a2b3c4d]"`))), Inconclusive, ""},
	{"VERIFY-13", "nothing tells whose token it is, and the second was refused", all(withoutUserInfo(twoPeople), in(twoPeople, "uncollected/token", member("id_token", "")), in(twoPeople, "collected/token", member("id_token", ""))), Pass, ""},
	{"VERIFY-13", "nothing tells whose token it is", all(visit(twoPeople, "uncollected b", approvedAgain), withoutUserInfo(twoPeople), in(twoPeople, "uncollected/token", member("id_token", "")), in(twoPeople, "collected/token", member("id_token", ""))), Inconclusive, ""},
	{"VERIFY-13", "whoever is first holds the code", all(visit(twoPeople, "denied a", shut), visit(twoPeople, "denied b", approvedAgain), in(twoPeople, "denied/after", answer(200, token)),
		visit(twoPeople, "collected b", func(j *transcript.Journey) { j.ApproveOffered = false }), visit(twoPeople, "uncollected b", func(j *transcript.Journey) { j.ApproveOffered = false })), Pass, ""},
	{"VERIFY-13", "whoever is first holds the code, at times", all(visit(twoPeople, "denied a", shut), visit(twoPeople, "denied b", approvedAgain), in(twoPeople, "denied/after", answer(200, token))), Warn, "bound-at-times"},
	{"VERIFY-13", "consent remembered", all(visit(twoPeople, "denied a", shut), visit(twoPeople, "denied b", outcome(transcript.Approved)), visit(twoPeople, "denied b", undecided)), Pass, ""},
	{"VERIFY-13", "neither can decide", all(visit(twoPeople, "denied a", shut), visit(twoPeople, "denied b", shut)), Inconclusive, ""},
	{"VERIFY-13", "the browser crashed", visit(twoPeople, "collected b", outcome(transcript.Unfinished)), Inconclusive, ""},
	{"VERIFY-13", "one user", missing(twoPeople, "the profile has no second user (users.second)"), NA, ""},

	{"VERIFY-15", "approved", in(abandoned, "decision/poll/1", answer(200, token)), Fail, "approved"},
	{"VERIFY-15", "approved by coming back", in(abandoned, "login/poll/2", answer(200, token)), Fail, "approved"},
	{"VERIFY-15", "approved by coming back, where consent is remembered", all(in(abandoned, "decision/poll/2", answer(200, token)), visit(abandoned, "again at decision", outcome(transcript.Approved))), Pass, ""},
	{"VERIFY-15", "denied", in(abandoned, "login/poll", oauthError("access_denied")), Warn, "denied"},
	{"VERIFY-15", "ended", in(abandoned, "login/poll/1", oauthError("invalid_grant")), Warn, "ended"},
	{"VERIFY-15", "slowed", in(abandoned, "login/poll/2", oauthError("slow_down")), Pass, ""},
	{"VERIFY-15", "used by being entered", visit(abandoned, "again at login", outcome(transcript.CodeRejected)), Pass, ""},
	{"VERIFY-15", "consent remembered", all(in(abandoned, "decision/poll", answer(200, token)), visit(abandoned, "stop at decision", outcome(transcript.Approved))), Pass, ""},
	{"VERIFY-15", "consent remembered, and the login first", all(in(abandoned, "decision/poll", answer(200, token)), visit(abandoned, "stop at decision", outcome(transcript.Approved)), visit(abandoned, "stop at login", untyped)), NA, ""},
	{"VERIFY-15", "the login first", visit(abandoned, "stop at login", untyped), Pass, ""},
	{"VERIFY-15", "the page was not understood", visit(abandoned, "stop at decision", outcome(transcript.Unfinished)), Inconclusive, ""},
}

// ended is a journey whose last page had a status.
func ended(o transcript.Outcome, status int) func(*transcript.Journey) {
	return func(j *transcript.Journey) {
		j.Outcome = o
		j.Steps[len(j.Steps)-1].Status = status
	}
}

// digitCodes are user codes without letters.
func digitCodes() edit {
	digits := func(x *wire.Exchange) { member("user_code", `"123-456-789"`)(x) }
	return all(in(codeEntry, "device", digits), in(transcript.Codes, "code", digits))
}

// mixedCodes are user codes with letters of both cases.
func mixedCodes(e Evidence) {
	in(codeEntry, "device", member("user_code", `"aBcD-eFgH"`))(e)
	for _, name := range []string{"other case", "as printed"} {
		visit(codeEntry, name, func(j *transcript.Journey) { j.Steps[len(j.Steps)-1].Text = "Connect the device?" })(e)
	}
}

// caseMatters is a server that tells them apart.
func caseMatters(e Evidence) {
	all(mixedCodes, visit(codeEntry, "other case", outcome(transcript.CodeRejected)))(e)
}

// unvisited takes a journey out: the code offered nothing to change.
func unvisited(scenario, name string) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		for i, j := range t.Journeys {
			if j.Name == name {
				t.Journeys = append(t.Journeys[:i:i], t.Journeys[i+1:]...)
				break
			}
		}
		e.Transcripts[scenario] = t
	}
}

// codeShape finds user codes of the reference server.
const codeShape = `[A-Z]{4}-[A-Z]{4}`

// pages replaces what a pattern finds in the pages of a journey.
func pages(scenario, name, pattern, by string) edit {
	p := regexp.MustCompile(pattern)
	return visit(scenario, name, func(j *transcript.Journey) {
		for i := range j.Steps {
			s := &j.Steps[i]
			s.Text, s.Title = p.ReplaceAllString(s.Text, by), p.ReplaceAllString(s.Title, by)
			for k := range s.Fields {
				s.Fields[k] = p.ReplaceAllString(s.Fields[k], by)
			}
		}
	})
}

// asPublic is a request of the public client.
func asPublic(x *wire.Exchange) { x.Request.Body = wire.Bytes("client_id=device-public") }

// respelled shows the codes in another way.
func respelled(spell func(string) string) edit {
	p := regexp.MustCompile(codeShape)
	return visit(codeEntry, "complete URI", func(j *transcript.Journey) {
		for i := range j.Steps {
			s := &j.Steps[i]
			s.Fields = nil
			s.Text = p.ReplaceAllStringFunc(s.Text, func(code string) string { return spell(strings.ReplaceAll(code, "-", "")) })
		}
	})
}

// fieldOnly shows the code in a field and nowhere else.
func fieldOnly(e Evidence) {
	p := regexp.MustCompile(codeShape)
	visit(transcript.CompleteURI, "follow", func(j *transcript.Journey) {
		for i := range j.Steps {
			j.Steps[i].Text = p.ReplaceAllString(j.Steps[i].Text, "")
		}
	})(e)
}

// onlyTheEnd leaves nothing of a journey but the page that tells its end.
func onlyTheEnd(j *transcript.Journey) { j.Steps = j.Steps[len(j.Steps)-1:] }

func nameless(e Evidence) {
	for _, c := range []**profiles.Client{&e.Profile.Clients.Public, &e.Profile.Clients.Confidential} {
		without := **c
		without.Name = ""
		*c = &without
	}
}

// unasked takes the pages that ask for the decision out.
func unasked(e Evidence) {
	for _, scenario := range []string{transcript.Approval, transcript.EarlyApproval} {
		visit(scenario, "approve", onlyTheEnd)(e)
	}
}

func leak(scenario, name, needle, where string) edit {
	return visit(scenario, name, func(j *transcript.Journey) {
		j.Leaks = append(j.Leaks, transcript.Leak{Needle: needle, Where: where, URL: "http://h/device"})
	})
}

func unproved(j *transcript.Journey) { j.WatchProved = false }

func blind(e Evidence) {
	for _, scenario := range []string{transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI} {
		for i := range e.Transcripts[scenario].Journeys {
			unproved(&e.Transcripts[scenario].Journeys[i])
		}
	}
}

// approvedAgain is a second decision that the page took.
func approvedAgain(j *transcript.Journey) {
	j.Outcome, j.Decided, j.Confirmed, j.ApproveOffered = transcript.Approved, true, true, true
}

func reopened(name string) edit { return visit(decided, name, approvedAgain) }

// shut is a person whom the pages let no further than the code.
func shut(j *transcript.Journey) { j.Outcome, j.Decided = transcript.CodeRejected, false }

func undecided(j *transcript.Journey) { j.Decided = false }

func untyped(j *transcript.Journey) { j.CodeTyped = false }

// subjectOf makes the token of a part belong to somebody.
func subjectOf(scenario, part, sub string) edit {
	return all(in(scenario, part+"/whose", answer(200, fmt.Sprintf(`{"sub":%q}`, sub))), in(scenario, part+"/token", idTokenOf(sub)))
}

// withoutUserInfo is a server that only its ID tokens say whose a token is.
func withoutUserInfo(scenario string) edit {
	return func(e Evidence) {
		for i := range e.Transcripts[scenario].Exchanges {
			if x := &e.Transcripts[scenario].Exchanges[i]; strings.Contains(x.Label, "whose/") {
				answer(404, "")(x)
			}
		}
	}
}

func idTokenOf(sub string) func(*wire.Exchange) {
	claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":%q}`, sub))
	return answer(200, fmt.Sprintf(`{"access_token":"another","token_type":"Bearer","expires_in":60,"id_token":"e30.%s.x"}`, claims))
}

// visitedAgain adds a second journey of a way to enter a code.
func visitedAgain(way string, how transcript.Outcome) edit {
	return func(e Evidence) {
		t := e.Transcripts[codeEntry]
		j, ok := t.Journey(way)
		if !ok {
			panic("the recording has no journey " + way)
		}
		j.Name, j.Outcome = way+"/again", how
		t.Journeys = append(t.Journeys[:len(t.Journeys):len(t.Journeys)], j)
		e.Transcripts[codeEntry] = t
	}
}

// hookEnters lets a hook approve the codes in each spelling; tokens says whether
// the devices got theirs.
func hookEnters(tokens bool) edit {
	return func(e Evidence) {
		t := e.Transcripts[codeEntry]
		for i := range t.Journeys {
			j := &t.Journeys[i]
			j.Driver, j.Goal, j.Outcome = "hook", transcript.Approve, transcript.Approved
			x := wire.Exchange{N: len(t.Exchanges) + 1, Label: "poll/" + j.Name + "/1", Method: "POST"}
			oauthError("authorization_pending")(&x)
			if tokens {
				answer(200, token)(&x)
			}
			t.Exchanges = append(t.Exchanges, x)
		}
		e.Transcripts[codeEntry] = t
	}
}
