package scenario

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// TestForgedDecisions: what each forgery sends in place of the request that the
// page makes, and what it says it changed.
func TestForgedDecisions(t *testing.T) {
	g := usual(transcript.CrossSite)
	said := g.one(t, transcript.CrossSite)
	code := func(label string) string { x, _ := said.First("device/" + label); return stringIn(x, "user_code") }
	for _, test := range []struct {
		name, forged string
		// body and origin have CODE for the victim's own code, and THEIRS for that
		// of the attacker.
		method, query, body, origin string
		hostile                     bool
	}{
		{name: "cross-site/no token", forged: "without csrf", method: "POST", body: "user_code=CODE&action=approve", hostile: true},
		{name: "cross-site/other token", forged: "another session's csrf", method: "POST", body: "user_code=CODE&action=approve&csrf=bert-", hostile: true},
		{name: "cross-site/query", forged: "as a link, without csrf", method: "GET", query: "user_code=CODE&action=approve", hostile: true},
		{name: "raw/no token", forged: "without csrf", method: "POST", body: "user_code=CODE&action=approve", origin: "http://scripted"},
		{name: "raw/other token", forged: "another session's csrf", method: "POST", body: "user_code=CODE&action=approve&csrf=bert-", origin: "http://scripted"},
		{name: "raw/foreign origin", forged: "nothing", method: "POST", body: "user_code=CODE&action=approve&csrf=anna-", origin: "https://evil.example"},
		{name: "raw/control", forged: "nothing", method: "POST", body: "user_code=CODE&action=approve&csrf=anna-", origin: "http://scripted"},
		{name: "unseen/form", forged: "the code of another device", method: "POST", body: "user_code=CODE&action=approve&csrf=anna-", origin: "http://scripted"},
		{name: "unseen/link", forged: "the code of another device", method: "GET", origin: "http://scripted"}, // which holds the token, and is not kept
	} {
		a, ok := said.Attack(test.name)
		if !ok {
			t.Errorf("%s was not tried", test.name)
			continue
		}
		body, origin := a.Seen[len(a.Seen)-1], ""
		if !test.hostile {
			origin = strings.TrimPrefix(a.Seen[0], "origin ")
		}
		own := code(test.name)
		want := strings.ReplaceAll(test.body, "CODE", own)
		if a.Forged != test.forged || a.Method != test.method || origin != test.origin || a.From != "" != test.hostile || !strings.HasPrefix(body, want) || test.body == "" && body != "" {
			t.Errorf("%s: %+v, body %q, want %q from %q", test.name, a, body, want, test.origin)
		}
		_, query, _ := strings.Cut(a.URL, "?")
		if query != strings.ReplaceAll(test.query, "CODE", own) {
			t.Errorf("%s: the query %q", test.name, query)
		}
		if strings.Contains(body+query, "csrf=anna-") && test.forged != "nothing" && !strings.HasPrefix(test.name, "unseen/") {
			t.Errorf("%s has the victim's own token", test.name)
		}
	}
	// Another person's token, and every code of a client that nobody else approves.
	if g.by.done[0].task.Account.Username != "bert" || g.by.done[1].task.Account.Username != "anna" {
		t.Error("both sessions are one person's")
	}
	for _, x := range said.Exchanges {
		if x.Form().Get("client_id") != "second-tv" {
			t.Errorf("%s is of the client %s", x.Label, x.Form().Get("client_id"))
		}
	}
}

// TestForge: what an attacker knows stays, what differs from session to session
// goes.
func TestForge(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	other := useragent.Request{Method: "POST", URL: "https://h/decide?s=2", ContentType: form, Body: "code=EFGH-1&csrf=two&extra=x"}
	for _, test := range []struct {
		name                       string
		own, other                 useragent.Request
		without, with, whatWithout string
	}{
		{"a token in a field", useragent.Request{Method: "POST", URL: "https://h/decide?s=2", ContentType: form, Body: "code=ABCD-1&csrf=one&extra=x"}, other,
			"https://h/decide?s=2 code=ABCD-1&extra=x", "https://h/decide?s=2 code=ABCD-1&csrf=two&extra=x", "without csrf"},
		{"the code without its dash", useragent.Request{Method: "POST", URL: "https://h/decide?s=2", ContentType: form, Body: "code=ABCD1&csrf=one"}, useragent.Request{URL: "https://h/decide?s=2", Body: "code=EFGH1&csrf=two"},
			"https://h/decide?s=2 code=ABCD1", "https://h/decide?s=2 code=ABCD1&csrf=two", "without csrf"},
		{"a token in the address", useragent.Request{Method: "POST", URL: "https://h/decide?s=1", ContentType: form, Body: "code=ABCD-1"}, other,
			"https://h/decide?s=2 code=ABCD-1", "https://h/decide?s=2 code=ABCD-1", "without the address"},
		{"a token in a header", useragent.Request{Method: "POST", URL: "https://h/decide?s=2", ContentType: form, Body: "code=ABCD-1", Header: map[string]string{"X-CSRF": "1"}}, other,
			"https://h/decide?s=2 code=ABCD-1", "https://h/decide?s=2 code=ABCD-1", "without the header X-CSRF"},
		{"a token in JSON", useragent.Request{Method: "POST", URL: "https://h/decide?s=2", ContentType: "application/json", Body: `{"code":"ABCD-1","csrf":"one"}`}, useragent.Request{URL: "https://h/decide?s=2", Body: `{"code":"EFGH-1","csrf":"two"}`},
			`https://h/decide?s=2 {"code":"ABCD-1","csrf":"two"}`, `https://h/decide?s=2 {"code":"ABCD-1","csrf":"two"}`, "without the body"},
		{"no token", useragent.Request{Method: "POST", URL: "https://h/decide?s=2", ContentType: form, Body: "code=ABCD-1"}, other,
			"https://h/decide?s=2 code=ABCD-1", " ", "without anything, since it has no token"},
	} {
		show := func(r useragent.Request) string { return r.URL + " " + r.Body }
		without, what := withoutToken(test.own, test.other, "ABCD-1", "EFGH-1")
		with, _ := withOtherToken(test.own, test.other, "ABCD-1", "EFGH-1")
		if show(without) != test.without || show(with) != test.with || what != test.whatWithout {
			t.Errorf("%s: %q (%s) and %q", test.name, show(without), what, show(with))
		}
		if len(without.Header)+len(with.Header) > 0 {
			t.Errorf("%s: a header of the session goes along", test.name)
		}
		link, _ := asQuery(test.own, test.other, "ABCD-1", "EFGH-1")
		if (link.URL == "") != (test.own.ContentType != form) || link.Body != "" {
			t.Errorf("%s: as a link %+v", test.name, link)
		}
	}
	for address, want := range map[string]string{"https://h:1/a?b": "https://h:1", "\x00": ""} {
		if got := originOf(address); got != want {
			t.Errorf("the origin of %q is %q", address, got)
		}
	}
}

// TestStrangersLogInFirst: where the decision comes before the login, nobody is
// logged in whose name could be misused, so the person approves a code before.
func TestStrangersLogInFirst(t *testing.T) {
	for _, test := range []struct {
		end  transcript.Outcome
		want string
	}{
		{"", ""},
		{transcript.Unfinished, "the end user could not finish (logging in)"},
		{transcript.ErrorPage, "the end user could not log in (logging in: error page)"},
	} {
		g := &telling{by: &people{loginLast: true, meet: func(_ int, task useragent.Task) (transcript.Outcome, bool) {
			return test.end, test.end != "" && task.Name == "logging in"
		}}}
		said := g.one(t, transcript.CrossSite)
		if journeys := journeysOf(said); len(journeys) < 2 || journeys[1] != "logging in" || !strings.HasPrefix(said.Aborted, test.want) || (test.want == "") != (said.Aborted == "") {
			t.Errorf("%q after %q", said.Aborted, journeys)
		}
	}
}

// TestPoisonedAddresses: a payload stands in every parameter, in that of the
// page too, with a mark that no other payload has.
func TestPoisonedAddresses(t *testing.T) {
	said := usual(transcript.Injection).one(t, transcript.Injection)
	marks := map[string]bool{}
	for _, p := range payloads {
		var mark string
		for _, start := range []string{"verification_uri", "verification_uri_complete"} {
			a, _ := said.Attack(start + "/" + p.name)
			u, err := url.Parse(a.URL)
			if mark = a.Forged; err != nil || mark == "" {
				t.Fatalf("%s: %+v", p.name, a)
			}
			text := strings.ReplaceAll(p.text, "MARK", mark)
			for _, name := range append([]string{"user_code"}, reflected...) {
				if got := u.Query().Get(name); got != text {
					t.Errorf("%s: %s is %q", a.Name, name, got)
				}
			}
		}
		marks[mark] = true
		typed, _ := said.Attack("typed/" + p.name)
		if typed.Method != "typed" || !typed.Delivered || len(typed.Seen) != 1 || typed.Seen[0] != "looked for "+mark {
			t.Errorf("typed: %+v", typed)
		}
	}
	if len(marks) != len(payloads) {
		t.Errorf("%d marks for %d payloads", len(marks), len(payloads))
	}
	if templateSum != strconv.Itoa(7919*6101) {
		t.Error("the sum is another one")
	}
	for address, want := range map[string]string{
		"http://h/a?x=1&y=2": "http://h/a?user_code=u&x=x&y=y", "http://h/a": "http://h/a?user_code=u", "\x00": "\x00",
	} {
		if got := poison(address, []string{"user_code"}, func(name string) string { return name[:1] }); got != want {
			t.Errorf("%q was poisoned to %q", address, got)
		}
	}
}

// TestBlockedInput: a payload that the page's own form checks hold back was not
// delivered.
func TestBlockedInput(t *testing.T) {
	for outcome, want := range map[transcript.Outcome]string{transcript.InputBlocked: "the page's form validation", transcript.Unfinished: ""} {
		g := &telling{by: &people{meet: func(int, useragent.Task) (transcript.Outcome, bool) { return outcome, true }}}
		for _, a := range g.one(t, transcript.Injection).Attacks {
			if a.Method == "typed" && (a.Delivered || a.Blocked != want || (a.Trouble == "") != (want != "")) {
				t.Errorf("%s: %+v", outcome, a)
			}
		}
	}
}

// TestLures: the foreign address stands in every parameter for the next page,
// and its path tells which one it was.
func TestLures(t *testing.T) {
	said := usual(transcript.Redirection).one(t, transcript.Redirection)
	for _, a := range said.Attacks {
		u, err := url.Parse(a.URL)
		if err != nil {
			t.Fatal(err)
		}
		lure := "//evil.test/" + a.Name + "/"
		if strings.HasSuffix(a.Name, "/absolute") {
			lure = "http:" + lure
		}
		for _, name := range onwardParameters {
			if got := u.Query().Get(name); got != lure+name {
				t.Errorf("%s: %s is %q", a.Name, name, got)
			}
		}
		if login := strings.Contains(u.Fragment, "login"); login != (strings.HasPrefix(a.Name, "log")) {
			t.Errorf("%s starts at %s", a.Name, a.URL)
		}
	}
	if got := pointAway("\x00", "x"); got != "\x00" {
		t.Errorf("%q", got)
	}
}

// TestBaitWithoutASecondClient: where the attacks have to use the usual client,
// they come after all that an approval of it could spoil.
func TestBaitWithoutASecondClient(t *testing.T) {
	g := &telling{by: &people{}, profile: func(p *profiles.Profile) { p.Clients.Second = nil }}
	all := g.tell(t, transcript.Framing, transcript.Approval)
	if first := all[transcript.Framing].Exchanges[0]; first.Form().Get("client_id") != "tv" || first.Sent < 6e9 {
		t.Errorf("the client is %q, and it began at %s", first.Form().Get("client_id"), first.Sent)
	}
}

// TestTurnsThatDoNotCome: a user agent whose turn does not come is closed.
func TestTurnsThatDoNotCome(t *testing.T) {
	for _, name := range []string{transcript.EarlyApproval, transcript.Refresh, transcript.CompleteURI, transcript.Framing, transcript.Redirection, transcript.CodeEntry, transcript.NoSession} {
		g := &telling{by: &people{full: errors.New("the queue is closed")}}
		said := g.one(t, name)
		if said.Aborted != "no user agent: the queue is closed" {
			t.Errorf("%s: %q", name, said.Aborted)
		}
		if len(said.Journeys) > 0 {
			t.Errorf("%s: %q were made all the same", name, journeysOf(said))
		}
	}
}

// TestErrands: visits at whose pages a rule looks are made by whole user agents,
// and the others may be errands.
func TestErrands(t *testing.T) {
	errands := []string{transcript.SlowedApproval, transcript.TokenUse, transcript.Refresh, transcript.Extensions, transcript.UnprovenClient, transcript.ForeignClient, transcript.TokenTransport,
		transcript.DecisionRaces, transcript.RacingPolls, transcript.LostAnswers, transcript.Fleet, transcript.RepeatedGrants}
	for name := range told {
		g := usual(name)
		g.one(t, name)
		want := 0
		if slices.Contains(errands, name) {
			want = g.by.opened
		}
		if g.by.errands != want {
			t.Errorf("%s: %d of %d user agents are for errands", name, g.by.errands, g.by.opened)
		}
	}
}
