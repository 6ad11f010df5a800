package rules

import (
	"slices"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// pageCases: attacks on the pages, and guessing.
var pageCases = []ruleCase{
	{"SEC-04", "no limit for a user", unlimited("logged in"), Warn, "no-limit"},
	{"SEC-04", "no limit before the login", unlimited("anonymous"), Warn, "no-limit"},
	{"SEC-04", "short codes and many tries", all(unlimited("logged in"), func(e Evidence) { e.Profile.Limits.GuessesStrict = 20 }), Fail, "policy-no-limit"},
	{"SEC-04", "more tries were asked for than made", all(unlimited("logged in"), func(e Evidence) { e.Profile.Limits.GuessesStrict = 200 }), Warn, "no-limit"},
	{"SEC-04", "fewer than a series", all(unlimited("logged in"), func(e Evidence) { e.Profile.Limits.Guesses = 30 }), Inconclusive, ""},
	{"SEC-04", "a right code is refused, without a word", guesses("logged in", func(g *transcript.Guess) {
		g.Status, g.Text, g.Outcome = 400, "wrong code", transcript.CodeRejected
	}), Pass, ""},
	{"SEC-04", "the pages are blocked before any code is looked at", blockedFrom(transcript.Guess{Status: 429, Text: "Blocked", Outcome: transcript.ErrorPage}), Inconclusive, ""},
	{"SEC-04", "the same without a word", blockedFrom(transcript.Guess{Status: 403, Text: "Forbidden", Outcome: transcript.ErrorPage}), Inconclusive, ""},
	{"SEC-04", "a right code is accepted, then a wrong one blocked", all(blockedFrom(transcript.Guess{Status: 429, Text: "Blocked", Outcome: transcript.ErrorPage}), firstRight), Pass, ""},
	{"SEC-05", "the pages are blocked before any code is looked at", blockedFrom(transcript.Guess{Status: 429, Text: "Blocked", Outcome: transcript.ErrorPage}), NA, ""},
	{"SEC-04", "only the device authorization endpoint has a limit", all(noMoreCodes("logged in", 5), func(e Evidence) { e.Profile.Limits.Guesses = 25 }), Inconclusive, ""},
	{"SEC-04", "a CAPTCHA", all(unlimited("logged in"), lastGuess("logged in", func(g *transcript.Guess) { g.Text = "Please solve this CAPTCHA" })), Pass, ""},
	{"SEC-04", "slower and slower, with strong codes", all(userCodes(digits(25)), unlimited("logged in"), slower("logged in")), Pass, ""},
	{"SEC-04", "slower and slower, but the codes are short", all(unlimited("logged in"), slower("logged in")), Warn, "no-limit"},
	{"SEC-04", "a busy server", all(userCodes(digits(25)), unlimited("logged in"), slower("logged in"), rightAsSlow("logged in")), Inconclusive, ""},
	{"SEC-04", "a busy server with short codes", all(unlimited("logged in"), slower("logged in"), rightAsSlow("logged in")), Warn, "no-limit"},
	{"SEC-04", "the login comes first", all(unlimited("anonymous"), guesses("anonymous", func(g *transcript.Guess) { g.Outcome = transcript.AtLogin })), Pass, ""},
	{"SEC-04", "the forms driver cannot log in", all(aborted(transcript.Guessing, "the guesser could not log in")), Inconclusive, ""},
	{"SEC-04", "not allowed", func(e Evidence) {
		e.Transcripts[transcript.Guessing] = transcript.Transcript{Scenario: transcript.Guessing, Skipped: "give --allow-lockouts"}
	}, Skip, ""},

	{"SEC-05", "a right code resets a user's count", all(inARow("logged in"), unlimited("logged in"), repeated("logged in")), Warn, "reset-by-success"},
	{"SEC-05", "a right code resets an address's count", all(inARow("new cookies"), unlimited("new cookies"), repeated("new cookies")), Warn, "reset-by-success"},
	{"SEC-05", "a limit that is reached later", all(inARow("logged in"), repeated("logged in"), unlimited("logged in")), Pass, ""},
	{"SEC-05", "the guesser is not let in again", all(inARow("logged in"), unlimited("logged in")), Pass, ""},
	{"SEC-05", "fresh cookies", unlimited("new cookies"), Warn, "reset-by-new-cookies"},
	{"SEC-05", "a header", looked("trick/X-Forwarded-For"), Warn, "reset-by-x-forwarded-for"},
	{"SEC-05", "lower case", looked("trick/spelling"), Warn, "reset-by-spelling"},
	{"SEC-05", "another login", looked("trick/new login"), Warn, "reset-by-new-login"},
	{"SEC-05", "the other URI", looked("trick/complete URI"), Warn, "reset-by-complete-uri"},
	{"SEC-05", "no limit", all(unlimited("logged in"), unlimited("anonymous"), unlimited("new cookies"), func(e Evidence) { dropGuesses(e, "new cookies") }), NA, ""},

	{"SEC-06", "everybody is locked out", guesses("someone else", func(g *transcript.Guess) { g.Outcome, g.Status = transcript.CodeRejected, 429 }), Warn, "locks-others"},
	{"SEC-06", "everybody at that address", guesses("someone else", func(g *transcript.Guess) {
		g.Series, g.Outcome, g.Status = "someone else, same address", transcript.CodeRejected, 429
	}), Pass, ""},
	{"SEC-06", "other grants end", in(transcript.Guessing, "untouched/poll", oauthError("access_denied")), Warn, "ends-other-grants"},
	{"SEC-06", "one typing error", func(e Evidence) {
		t := e.Transcripts[transcript.Guessing]
		i := slices.IndexFunc(t.Guessed, func(g transcript.Guess) bool { return g.Series == "logged in" && g.Right })
		t.Guessed[i].Outcome = transcript.CodeRejected
	}, Warn, "locked-at-once"},
	{"SEC-06", "the other one got lost", guesses("someone else", func(g *transcript.Guess) { g.Outcome, g.Trouble = transcript.Unfinished, "lost" }), Inconclusive, ""},

	{"SEC-07", "a hostile page's form is accepted", in(transcript.CrossSite, "poll/cross-site/no token", answer(200, token)), Fail, "forged-from-another-site"},
	{"SEC-07", "with the token of the attacker's session", in(transcript.CrossSite, "poll/cross-site/other token", answer(200, token)), Fail, "forged-from-another-site"},
	{"SEC-07", "as a link", in(transcript.CrossSite, "poll/cross-site/query", answer(200, token)), Fail, "forged-from-another-site"},
	{"SEC-07", "accepted without the control", all(in(transcript.CrossSite, "poll/cross-site/query", answer(200, token)), in(transcript.CrossSite, "poll/raw/control", oauthError("authorization_pending"))), Fail, "forged-from-another-site"},
	{"SEC-07", "only SameSite stops it", in(transcript.CrossSite, "poll/raw/no token", answer(200, token)), Warn, "only-samesite"},
	{"SEC-07", "Origin stops it", all(in(transcript.CrossSite, "poll/raw/no token", answer(200, token)), struck(transcript.CrossSite, "cross-site/no token", func(a *transcript.Attack) {
		a.Cookies, a.Withheld = []string{"session"}, nil
	})), Pass, ""},
	{"SEC-07", "no check of Origin, but a token", in(transcript.CrossSite, "poll/raw/foreign origin", answer(200, token)), Pass, ""},
	{"SEC-07", "not delivered", struck(transcript.CrossSite, "cross-site/no token", func(a *transcript.Attack) { a.Delivered = false }), Inconclusive, ""},
	{"SEC-07", "the browser asks first, and is refused", all(in(transcript.CrossSite, "poll/raw/no token", answer(200, token)), struck(transcript.CrossSite, "cross-site/no token", func(a *transcript.Attack) {
		a.Delivered, a.Withheld, a.Blocked = false, nil, "net::ERR_FAILED (PreflightWildcardOriginNotAllowed)"
	})), Pass, ""},
	{"SEC-07", "the control fails", in(transcript.CrossSite, "poll/raw/control", oauthError("authorization_pending")), Inconclusive, ""},
	{"SEC-07", "the attack ends the grant", in(transcript.CrossSite, "poll/cross-site/query", oauthError("access_denied")), Inconclusive, ""},
	{"SEC-07", "coming to the page approves", all(in(transcript.CrossSite, "poll/cross-site/no token", answer(200, token)), in(transcript.CrossSite, "poll/untouched", answer(200, token))), Inconclusive, ""},
	{"SEC-07", "the attack went at the page before", struck(transcript.CrossSite, "cross-site/no token", func(a *transcript.Attack) { a.Form = "POST /stay csrf stay" }), Inconclusive, ""},
	{"SEC-07", "a script decides", aborted(transcript.CrossSite, "the request that approve sends could not be caught"), Inconclusive, ""},

	{"SEC-08", "nothing forbids it", all(pageHeader("code", "Content-Security-Policy", ""), pageHeader("code", "X-Frame-Options", ""), framedIn("frame/code")), Fail, "framed"},
	{"SEC-08", "anybody may", all(pageHeader("consent", "Content-Security-Policy", "frame-ancestors *"), framedIn("frame/consent")), Fail, "framed"},
	{"SEC-08", "another directive", all(pageHeader("login", "Content-Security-Policy", "frame-src 'none'"), pageHeader("login", "X-Frame-Options", "ALLOW-FROM https://x"), framedIn("frame/login")), Fail, "framed"},
	{"SEC-08", "there is no session", all(unframed("code"), framedIn("frame/code"), struck(transcript.Framing, "frame/code", func(a *transcript.Attack) { a.Cookies = nil })), Fail, "framed"},
	{"SEC-08", "SameSite keeps the session out", all(unframed("code"), framedIn("frame/code"), kept("session (SchemefulSameSiteLax)", "path (NotOnPath)")), Warn, "only-samesite"},
	{"SEC-08", "SameSite keeps one of two cookies out", all(unframed("code"), framedIn("frame/code"), kept("session (SameSiteStrict)"), struck(transcript.Framing, "frame/code", func(a *transcript.Attack) { a.Cookies = []string{"other"} })), Fail, "framed"},
	{"SEC-08", "this browser alone keeps it out", all(unframed("code"), framedIn("frame/code"), kept("session (SameSiteUnspecifiedTreatedAsLax)")), Fail, "framed"},
	{"SEC-08", "only the old header", pageHeader("code", "Content-Security-Policy", "default-src 'self'"), Warn, "only-x-frame-options"},
	{"SEC-08", "one of two policies", pageHeader("code", "Content-Security-Policy", "default-src 'self', Frame-Ancestors 'self'"), Pass, ""},
	{"SEC-08", "one trusted site", pageHeader("code", "Content-Security-Policy", "frame-ancestors https://portal.example"), Pass, ""},
	{"SEC-08", "no header, and it does not come up", all(pageHeader("code_error", "Content-Security-Policy", ""), pageHeader("code_error", "X-Frame-Options", "")), Warn, "no-header"},
	{"SEC-08", "the frame was not asked for", all(pageHeader("code", "Content-Security-Policy", ""), pageHeader("code", "X-Frame-Options", ""), struck(transcript.Framing, "frame/code", func(a *transcript.Attack) { a.Delivered = false })), Inconclusive, ""},
	{"SEC-08", "no decision page", visit(transcript.Framing, "decision", func(j *transcript.Journey) { j.Steps = j.Steps[:1] }), Inconclusive, ""},

	{"SEC-09", "typing is enough", all(in(transcript.RepeatedConsent, "after typing", answer(200, token)), visit(transcript.RepeatedConsent, "type again", outcome(transcript.Approved))), Warn, "not-asked"},
	{"SEC-09", "asked too late", in(transcript.RepeatedConsent, "after typing", answer(200, token)), Warn, "not-asked"},
	{"SEC-09", "the code is refused", visit(transcript.RepeatedConsent, "type again", outcome(transcript.CodeRejected)), Inconclusive, ""},
	{"SEC-09", "the polls meet a 404", in(transcript.RepeatedConsent, "before/token", answer(404, "<h1>Not Found</h1>")), Inconclusive, ""},
	{"SEC-09", "a form of the end user's own session decides about an unseen code", in(transcript.CrossSite, "poll/unseen/form", answer(200, token)), Pass, ""},
	{"SEC-09", "a link does", in(transcript.CrossSite, "poll/unseen/link", answer(200, token)), Warn, "decided-unseen"},
	{"SEC-09", "so does coming to the page", all(in(transcript.CrossSite, "poll/unseen/link", answer(200, token)), in(transcript.CrossSite, "poll/untouched", answer(200, token))), Pass, ""},
	{"SEC-09", "the decision itself had no effect", all(in(transcript.CrossSite, "poll/unseen/link", answer(200, token)), in(transcript.CrossSite, "poll/raw/control", oauthError("authorization_pending"))), Pass, ""},
	{"SEC-09", "an unseen code was not sent", all(in(transcript.CrossSite, "poll/unseen/link", answer(200, token)), struck(transcript.CrossSite, "unseen/link", func(a *transcript.Attack) { a.Delivered = false })), Pass, ""},
	{"SEC-09", "the polls for an unseen code end", in(transcript.CrossSite, "poll/unseen/link", oauthError("expired_token")), Pass, ""},
	{"SEC-09", "no approval before", in(transcript.RepeatedConsent, "before/token", oauthError("authorization_pending")), Inconclusive, ""},

	{"SEC-10", "a script runs", struck(transcript.Injection, "verification_uri/text", func(a *transcript.Attack) { a.Seen = []string{"a script ran"} }), Fail, "injected"},
	{"SEC-10", "the policy stops the script, not the markup", struck(transcript.Injection, "typed/attribute", func(a *transcript.Attack) { a.Seen = []string{"an attribute of ours is in the page"} }), Fail, "injected"},
	{"SEC-10", "a firewall hangs up", struck(transcript.Injection, "verification_uri/template", func(a *transcript.Attack) { a.Delivered, a.Trouble = false, "net::ERR_CONNECTION_RESET" }), Pass, ""},
	{"SEC-10", "a page shows the harmless word", struck(transcript.Injection, "verification_uri/plain", func(a *transcript.Attack) { a.Shown = true }), Pass, ""},
	{"SEC-10", "the login comes first", struckAll(transcript.Injection, func(a *transcript.Attack) { a.Shown, a.Delivered = false, a.Method != "typed" }), Inconclusive, ""},
	{"SEC-10", "nothing gets through", func(e Evidence) {
		t := e.Transcripts[transcript.Injection]
		for i := range t.Attacks {
			t.Attacks[i].Delivered = false
		}
		e.Transcripts[t.Scenario] = t
	}, Inconclusive, ""},

	{"SEC-11", "next", struck(transcript.Redirection, "login/absolute", func(a *transcript.Attack) { a.Seen = []string{"login/absolute/next"} }), Fail, "redirected"},
	{"SEC-11", "two slashes", struck(transcript.Redirection, "logged-in/protocol-relative", func(a *transcript.Attack) { a.Seen = []string{"logged-in/protocol-relative/url"} }), Fail, "redirected"},
	{"SEC-11", "no page came up", struck(transcript.Redirection, "login/absolute", func(a *transcript.Attack) { a.Delivered = false }), Inconclusive, ""},
	{"SEC-11", "an unknown page of the site came up", all(struck(transcript.Redirection, "login/absolute", func(a *transcript.Attack) { a.Delivered = false }),
		visit(transcript.Redirection, "login/absolute", lostOnSite)), Pass, ""},
	{"SEC-11", "the poisoned page leads nowhere, the login does", visit(transcript.Redirection, "verification_uri/absolute", outcome(transcript.CodeRejected)), Pass, ""},
	{"SEC-11", "nobody logged in", all(visit(transcript.Redirection, "verification_uri/absolute", outcome(transcript.LoginFailed)),
		visit(transcript.Redirection, "login/absolute", func(j *transcript.Journey) { j.LoggedIn = false })), Inconclusive, ""},

	{"SEC-12", "a foreign origin is reflected", in(transcript.CrossOriginReads, "page/verification_uri", all2(header("Access-Control-Allow-Origin", "https://evil.example"), header("Access-Control-Allow-Credentials", "true"))), Fail, "policy-foreign-origin-with-credentials"},
	{"SEC-12", "without credentials", in(transcript.CrossOriginReads, "page/verification_uri", header("Access-Control-Allow-Origin", "https://evil.example")), Warn, "foreign-origin"},
	{"SEC-12", "any origin", in(transcript.CrossOriginReads, "page/verification_uri", header("Access-Control-Allow-Origin", "*")), Warn, "any-origin"},
	{"SEC-12", "only the answer to OPTIONS reflects a foreign origin", in(transcript.CrossOriginReads, "preflight", all2(header("Access-Control-Allow-Origin", "https://evil.example"), header("Access-Control-Allow-Credentials", "true"))), Pass, ""},
	{"SEC-12", "one of two cookies is for scripts, and may be the login", visit(transcript.Approval, "approve", func(j *transcript.Journey) {
		other := j.Cookies[0]
		other.Name, other.HTTPOnly = "AUTH_HASH", false
		j.Cookies = append(j.Cookies, other)
	}), Pass, ""},
	{"SEC-12", "two cookies, both protected", visit(transcript.Approval, "approve", func(j *transcript.Journey) {
		other := j.Cookies[0]
		other.Name = "AUTH_HASH"
		j.Cookies = append(j.Cookies, other)
	}), Pass, ""},
	{"SEC-12", "the session's cookie stands in a field", visit(transcript.Approval, "approve", func(j *transcript.Journey) { j.Cookies[0].Field = "csrf" }), Warn, "printed"},
	{"SEC-12", "one of two cookies stands in a field, and may be no login", visit(transcript.Approval, "approve", func(j *transcript.Journey) {
		other := j.Cookies[0]
		other.Name, other.Field = "form", "csrf"
		j.Cookies = append(j.Cookies, other)
	}), Pass, ""},
	{"SEC-12", "its own origin", in(transcript.CrossOriginReads, "page", header("Access-Control-Allow-Origin", "http://127.0.0.1:18628")), Pass, ""},
	{"SEC-12", "the decision is stored", visit(transcript.Approval, "approve", func(j *transcript.Journey) {
		for i := range j.Steps {
			delete(j.Steps[i].Header, "Cache-Control")
		}
	}), Warn, "stored"},
	{"SEC-12", "a session for scripts", visit(transcript.Approval, "approve", func(j *transcript.Journey) { j.Cookies[0].HTTPOnly = false }), Warn, "cookie"},
	{"SEC-12", "no SameSite", visit(transcript.Approval, "approve", func(j *transcript.Journey) { j.Cookies[0].SameSite = "" }), Warn, "cookie"},
	{"SEC-12", "a token for scripts to copy", visit(transcript.Approval, "approve", func(j *transcript.Journey) {
		j.Cookies = append(j.Cookies, transcript.Cookie{Name: "XSRF-TOKEN", Length: 32}, transcript.Cookie{Name: "lang", Length: 5})
	}), Pass, ""},
	{"SEC-12", "a font, and no policy", foreignFont("", ""), Warn, "no-referrer-policy"},
	{"SEC-12", "a font, and the code in its Referer", foreignFont("unsafe-url", "http://127.0.0.1:18628/device?user_code=ABCD"), Warn, "code-in-referer"},
	{"SEC-12", "a decision page with scripts from elsewhere", decisionLoads("https://cdn.example"), Pass, ""},
	{"SEC-12", "a font that is told the origin", foreignFont("strict-origin", "http://127.0.0.1:18628/"), Pass, ""},
	{"SEC-12", "a hook", visit(transcript.Approval, "approve", func(j *transcript.Journey) { j.Driver = "hook" }), Inconclusive, ""},
}

// struck changes what came of an attack.
func struck(scenario, name string, change func(*transcript.Attack)) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		i := slices.IndexFunc(t.Attacks, func(a transcript.Attack) bool { return a.Name == name })
		if i < 0 {
			panic("the recording has no attack " + name + " in " + scenario)
		}
		change(&t.Attacks[i])
	}
}

// framedIn is an attack whose frame came up.
func framedIn(name string) edit {
	return struck(transcript.Framing, name, func(a *transcript.Attack) {
		a.Blocked, a.Seen = "", []string{"rendered in a frame"}
		a.Cookies, a.Withheld = []string{"session"}, nil
	})
}

// kept are cookies that the browser did not send with the frame.
func kept(cookies ...string) edit {
	return struck(transcript.Framing, "frame/code", func(a *transcript.Attack) { a.Cookies, a.Withheld = nil, cookies })
}

// unframed is a kind of page without a header that forbids framing.
func unframed(page string) edit {
	return all(pageHeader(page, "Content-Security-Policy", ""), pageHeader(page, "X-Frame-Options", ""))
}

// pageHeader sets a header of one kind of page, or removes it.
func pageHeader(page, name, value string) edit {
	return func(e Evidence) {
		for _, j := range e.Transcripts[transcript.Framing].Journeys {
			for _, step := range j.Steps {
				if step.Page == page {
					delete(step.Header, name)
					if value != "" {
						step.Header[name] = value
					}
				}
			}
		}
	}
}

// aborted is a scenario that stopped before it said anything.
func aborted(scenario, why string) edit {
	return func(e Evidence) {
		e.Transcripts[scenario] = transcript.Transcript{Scenario: scenario, Aborted: why}
	}
}

// foreignFont lets the page behind verification_uri_complete load something
// from elsewhere.
func foreignFont(policy, referer string) edit {
	return visit(transcript.CompleteURI, "look", func(j *transcript.Journey) {
		delete(j.Steps[0].Header, "Referrer-Policy")
		if policy != "" {
			j.Steps[0].Header["Referrer-Policy"] = policy
		}
		j.Steps[0].Foreign = []transcript.Foreign{{Origin: "https://fonts.example", Referer: referer}}
	})
}

// decisionLoads lets the decision page load something from elsewhere.
func decisionLoads(origins ...string) edit {
	return visit(transcript.Approval, "approve", func(j *transcript.Journey) {
		for i := range j.Steps {
			for _, origin := range origins {
				if j.Steps[i].Page == "consent" {
					j.Steps[i].Foreign = append(j.Steps[i].Foreign, transcript.Foreign{Origin: origin})
				}
			}
		}
	})
}

// TestForeignResources: what the decision page loads from elsewhere is named once a host.
func TestForeignResources(t *testing.T) {
	rule, _ := ForID("SEC-12")
	for want, origins := range map[string][]string{
		"": nil,
		"the decision page loads from other hosts, which can change what it shows or does: https://cdn.example, https://fonts.example": {"https://cdn.example", "https://fonts.example", "https://cdn.example"},
	} {
		e := clone(recorded(t))
		decisionLoads(origins...)(e)
		got := ""
		for _, f := range rule.Judge(e).Findings {
			if f.Code == "foreign-resources" {
				got += f.Observed
			}
		}
		if got != want {
			t.Errorf("from %q: %q, want %q", origins, got, want)
		}
	}
}

// guesses changes those of a series.
func guesses(series string, change func(*transcript.Guess)) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.Guessing]
		hit := false
		for i := range t.Guessed {
			if t.Guessed[i].Series == series {
				change(&t.Guessed[i])
				hit = true
			}
		}
		if !hit {
			panic("the recording has no guesses " + series)
		}
	}
}

// blockedFrom gives every guess the same answer, whatever its code.
func blockedFrom(answer transcript.Guess) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.Guessing]
		for i, g := range t.Guessed {
			answer.Series, answer.Right = g.Series, g.Right
			t.Guessed[i] = answer
		}
	}
}

// firstRight has the first right code accepted.
func firstRight(e Evidence) {
	for i, g := range e.Transcripts[transcript.Guessing].Guessed {
		if g.Right {
			e.Transcripts[transcript.Guessing].Guessed[i] = transcript.Guess{Series: g.Series, Right: true, Status: 200, Outcome: transcript.AtDecision}
			return
		}
	}
}

// noMoreCodes ends all guessing after n wrong codes of a series, since no right code
// is issued any more.
func noMoreCodes(series string, n int) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.Guessing]
		t.Guessed = nil
		for range n {
			t.Guessed = append(t.Guessed, transcript.Guess{Series: series, Status: 400, Text: "wrong code", Outcome: transcript.CodeRejected})
		}
		t.Guessed = append(t.Guessed, transcript.Guess{Series: series, Right: true, Outcome: transcript.Unfinished, Trouble: "no more codes (status 429)"})
		e.Transcripts[transcript.Guessing] = t
	}
}

// unlimited is a server that looks at every code of a series.
func unlimited(series string) edit {
	return guesses(series, func(g *transcript.Guess) {
		g.Status, g.Text, g.Outcome = 400, "wrong code", transcript.CodeRejected
		if g.Right {
			g.Status, g.Text, g.Outcome = 200, "Approve?", transcript.AtDecision
		}
	})
}

// inARow repeats a series without the right codes in between.
func inARow(series string) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.Guessing]
		for _, g := range t.Guesses(series) {
			if !g.Right {
				g.Series += ", in a row"
				t.Guessed = append(t.Guessed, g)
			}
		}
		e.Transcripts[t.Scenario] = t
	}
}

// repeated makes the same series once more, twelve times as long.
func repeated(series string) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.Guessing]
		for range 12 {
			for _, g := range t.Guesses(series) {
				g.Series += ", again"
				t.Guessed = append(t.Guessed, g)
			}
		}
		e.Transcripts[t.Scenario] = t
	}
}

func dropGuesses(e Evidence, series string) {
	t := e.Transcripts[transcript.Guessing]
	t.Guessed = slices.DeleteFunc(t.Guessed, func(g transcript.Guess) bool { return g.Series == series })
	e.Transcripts[t.Scenario] = t
}

// lastGuess changes the last one of a series.
func lastGuess(series string, change func(*transcript.Guess)) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.Guessing]
		for i := range slices.Backward(t.Guessed) {
			if t.Guessed[i].Series == series {
				change(&t.Guessed[i])
				return
			}
		}
	}
}

// slower makes each guess take longer than the one before.
func slower(series string) edit {
	took := 10.0
	return guesses(series, func(g *transcript.Guess) {
		if g.TookMS = 10; !g.Right {
			took *= 1.3
			g.TookMS = took
		}
	})
}

// rightAsSlow makes the right codes of a series take as long as the wrong ones.
func rightAsSlow(series string) edit {
	took := 10.0
	return guesses(series, func(g *transcript.Guess) {
		if g.Right {
			g.TookMS = took
		}
		took = g.TookMS
	})
}

// looked is a trick that works.
func looked(series string) edit {
	return guesses(series, func(g *transcript.Guess) { g.Status, g.Text = 400, "wrong code" })
}

// struckAll changes every attack of a scenario.
func struckAll(scenario string, change func(*transcript.Attack)) edit {
	return func(e Evidence) {
		for i := range e.Transcripts[scenario].Attacks {
			change(&e.Transcripts[scenario].Attacks[i])
		}
	}
}

// lostOnSite ends a journey at a page of the site that nobody knows.
func lostOnSite(j *transcript.Journey) {
	j.Outcome, j.Steps = transcript.Unfinished, nil
	j.Trouble = &transcript.Trouble{Class: transcript.NotRecognised, URL: j.Start}
}
