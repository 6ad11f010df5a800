package main

import (
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// question is what an architect asks of a server: a row of the table.
type question struct {
	asked string
	check string
	// word is a short answer; empty: the verdict's.
	word func(s server, c report.Check) string
}

var questions = []question{
	{"A device that polls too fast", "POLL-03", func(s server, _ report.Check) string {
		if s.Run.Throttle == nil {
			return ""
		}
		return map[rules.ThrottleClass]string{
			rules.ThrottleNone:       "no `slow_down`",
			rules.ThrottleFirst:      "`slow_down` at the first poll only",
			rules.ThrottleFixed:      "`slow_down`, fixed interval",
			rules.ThrottleAccepted:   "`slow_down`, fixed interval",
			rules.ThrottleAny:        "`slow_down`, fixed interval",
			rules.ThrottleEscalating: "`slow_down`, the interval grows",
			rules.ThrottleLivelock:   "`slow_down` again and again",
			rules.ThrottleLimit:      "429 or 503",
		}[s.Run.Throttle.Class]
	}},
	{"A device code that was used", "POLL-14", words("refused", map[string]string{"second-token": "works again", "same-again": "the same token again"})},
	{"Twenty polls at once", "POLL-15", words("one token", map[string]string{"second-token": "several tokens"})},
	{"Another client's device code", "TOKEN-04", words("refused", map[string]string{
		"token": "redeemed", "pending-shown": "told that it is pending", "denial-shown": "told of the denial", "other-error": "refused, wrong error",
	})},
	{"A poll without client_id or secret", "TOKEN-05", words("refused", map[string]string{
		"token-its-secret": "a token", "recognised-its-secret": "told that it is pending", "recognised-client_id": "told that it is pending", "other-error": "refused, wrong error",
	})},
	{"The end user denies", "POLL-08", words("`access_denied`", map[string]string{"na": "there is no way to", "not-reported": "never told"})},
	{"The code has expired", "POLL-10", words("`expired_token`", map[string]string{"alive": "pending for ever", "invalid-grant": "`invalid_grant`"})},
	{"Approved, and collected after the end", "POLL-12", words("refused", map[string]string{"token": "a token"})},
	{"A user code typed after the end", "VERIFY-14", words("refused", map[string]string{
		"token": "a token", "success-page": "refused, but the page says that it worked",
	})},
	{"Guessing of user codes", "SEC-04", words("limited", map[string]string{"no-limit": "no limit seen"})},
	{"A forged decision (CSRF)", "SEC-07", words("refused", map[string]string{
		"forged-from-another-site": "decides", "only-samesite": "held off by SameSite only",
	})},
	{"A code typed by an end user who approved before", "SEC-09", words("asked again", map[string]string{"not-asked": "not asked again"})},
	{"The client that asks", "VERIFY-07", words("named", map[string]string{"client-not-named": "not named"})},
}

// words answers by a pass, or by the first finding that counts and has a word;
// "na" is for a check that does not apply.
func words(pass string, by map[string]string) func(server, report.Check) string {
	return func(_ server, c report.Check) string {
		switch c.Verdict {
		case rules.Pass:
			return pass
		case rules.NA:
			return by["na"]
		case rules.Fail, rules.Warn:
		default:
			return ""
		}
		for _, f := range c.Findings {
			if word := by[f.Code]; word != "" && f.Severity != rules.Info {
				return word
			}
		}
		return ""
	}
}

// marks stand before the answers.
var marks = map[rules.Verdict]string{
	rules.Pass: "✓", rules.Fail: "✗", rules.Warn: "!", rules.Inconclusive: "?", rules.Info: "i", rules.NA: "–", rules.Skip: "–",
}

// answer is a cell: a mark, a word and a link to the evidence.
func (q question) answer(s server) string {
	if s.withheld(q.check) {
		return "a severe finding, not yet disclosed"
	}
	c := s.check(q.check)
	if cell := s.Cells[q.check]; cell != "" {
		return marks[rules.NA] + " [" + cell + "](real-servers/" + s.Name + ".md#" + strings.ToLower(q.check) + ")"
	}
	word := ""
	if q.word != nil {
		word = q.word(s, c)
	}
	if word == "" {
		word = string(c.Verdict)
		switch c.Verdict {
		case rules.NA:
			word = "n/a"
		case rules.Inconclusive:
			word = "not measured"
		}
	}
	if s.wrong(q.check) != "" {
		word += " (disputed by ourselves)"
	}
	return marks[c.Verdict] + " [" + word + "](real-servers/" + s.Name + ".md#" + strings.ToLower(q.check) + ")"
}
