package useragent_test

import (
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// bannered puts something before the content of every page.
func bannered(before string) map[string]string {
	all := plainPages()
	for name, page := range all {
		all[name] = page + before
	}
	return all
}

// answered makes every button below an element remove it.
const answered = `<script>{ const b = document.querySelector("#notice"), root = b.shadowRoot ?? b; for (const x of root.querySelectorAll("button, a")) x.onclick = () => b.remove() }</script>`

const notice = `<p>This site uses cookies and similar technologies to measure its audience.</p>`

// layered are pages with something over them.
func layered() []dialect {
	order := []string{"code", "login", "consent"}
	inShadow := `<div id=notice></div><script>notice.attachShadow({mode: "open"}).innerHTML = '<div style="position:fixed;inset:0;background:#fff">` + notice + `<button>Settings</button><button>Accept all</button><button>Decline</button></div>'</script>` + answered
	asked := func(question, yes, no string) map[string]string {
		return with(map[string]string{"consent": `<title>Allow access?</title><p>The television wants access to your account.</p>
<form method=post action="/"><button name=decision value=allow>Allow</button></form><button id=ask>Deny</button><form id=no method=post action="/"><input type=hidden name=decision value=deny></form>
<div id=over style="display:none;position:fixed;inset:0;background:#0008"><div role=dialog style="background:#fff;margin:20px"><p>` + question + `</p><button id=back>` + no + `</button><button id=sure>` + yes + `</button></div></div>
<script>ask.onclick = () => over.style.display = "block"; back.onclick = () => over.style.display = "none"; sure.onclick = () => no.submit()</script>`})
	}
	return []dialect{
		{name: "cookie wall", order: order, pages: bannered(`<div id=notice style="position:fixed;inset:0;background:#000a;z-index:9"><div style="background:#fff">` + notice + `<button>Accept all cookies</button><button>Manage settings</button><button>Only necessary</button></div></div>` + answered)},
		{name: "cookie wall that takes only yes", order: order, pages: bannered(`<div id=notice style="position:fixed;inset:0;background:#fffa">` + notice + `<a href="/privacy">Privacy policy</a><button>Got it</button></div>` + answered)},
		{name: "backdrop beside its dialog", order: order, pages: bannered(`<div id=notice><div style="position:fixed;inset:0;background:#0008"></div><div role=dialog style="position:fixed;left:9px;top:9px;background:#fff">` + notice + `<button>Accept</button><button>Reject</button></div></div>` + answered)},
		{name: "cookie wall in a shadow", order: order, pages: bannered(inShadow)},
		{name: "modal dialog", order: order, pages: bannered(`<dialog id=notice>` + notice + `<button>Accept all</button><button>Refuse all</button></dialog><script>notice.showModal()</script>` + answered)},
		{name: "cookie bar beside the page", order: order, pages: bannered(`<div id=notice style="position:fixed;bottom:0;left:0;right:0">` + notice + `<button type=button>Accept</button><button type=button>Reject all</button></div>` + answered)},
		{name: "cookie notice in the page", order: order, pages: func() map[string]string {
			all := plainPages()
			for name, page := range all {
				all[name] = `<section><p>We use cookies to make this site better for you.</p><button type=button>Allow</button><button type=button>Decline</button></section>` + page
			}
			return all
		}()},
		{name: "covered by a bar, if not scrolled", order: order, pages: func() map[string]string {
			all := plainPages()
			for name, page := range all {
				all[name] = page + `<div style="position:fixed;top:60px;bottom:0;left:0;right:0;background:#eee">Need help? Call us.</div><div style="height:3000px"></div>`
				all[name] = `<div style="height:1500px"></div>` + strings.Replace(all[name], "top:60px", "top:80%", 1)
			}
			return all
		}()},
		{name: "asks again whether to refuse", order: order, pages: asked("Are you sure? The television will not work.", "Yes, refuse", "No, go back")},
		{name: "asks again, yes or no", order: order, pages: asked("Do you really want to refuse the television?", "Yes", "No")},
	}
}

// TestLayers: a banner is answered in its own words, a dialog is part of the
// decision, and neither is taken for the page's question.
func TestLayers(t *testing.T) {
	for _, d := range layered() {
		for goal, want := range map[transcript.Goal]transcript.Outcome{transcript.Approve: transcript.Approved, transcript.Deny: transcript.Denied} {
			t.Run(d.name+"/"+string(goal), func(t *testing.T) {
				t.Parallel()
				u, s := open(t, "browser", "always"), serve(t, d)
				code := s.issue()
				j := u.Journey(t.Context(), s.task(goal, code))
				check(t, j, want)
				if got := s.decision(code); got != string(want) {
					t.Errorf("the server has %q", got)
				}
				for _, step := range j.Steps {
					t.Logf("%s (%s): %s", step.Page, step.Reason, step.Action)
					if strings.Contains(step.Action, "by script") {
						t.Errorf("%s: %s", step.Page, step.Action)
					}
				}
			})
		}
	}
}

// TestBannerWithoutABrowser: where nothing is over anything, a banner's buttons are
// not the page's either.
func TestBannerWithoutABrowser(t *testing.T) {
	for _, d := range layered() {
		if !strings.Contains(d.name, "notice in the page") {
			continue
		}
		u, s := open(t, "forms", "always"), serve(t, d)
		code := s.issue()
		check(t, u.Journey(t.Context(), s.task(transcript.Approve, code)), transcript.Approved)
	}
}

// TestWrongBehindABanner: a banner over a page is no word on what was entered.
func TestWrongBehindABanner(t *testing.T) {
	u, s := open(t, "browser", "always"), serve(t, layered()[0])
	task := s.task(transcript.Approve, s.issue())
	task.Account = &useragent.Account{Username: fixtureUser, Password: "wrong"}
	j := u.Journey(t.Context(), task)
	check(t, j, transcript.LoginFailed)
	if j.LoggedIn {
		t.Error("taken for logged in")
	}
	check(t, u.Journey(t.Context(), s.task(transcript.Approve, "WRON-GCOD")), transcript.CodeRejected)
}

// TestCovered: what a person cannot reach is not pressed, and the trouble names what
// is in the way.
func TestCovered(t *testing.T) {
	t.Parallel()
	d := dialect{name: "covered", order: []string{"code", "login", "consent"}, pages: plainPages()}
	d.pages["consent"] += `<div style="position:fixed;inset:0">Please rotate your screen</div>`
	u, s := open(t, "browser", "always"), serve(t, d)
	code := s.issue()
	j := u.Journey(t.Context(), s.task(transcript.Approve, code))
	check(t, j, transcript.Unfinished)
	if j.Trouble == nil || !strings.Contains(j.Trouble.Cause, "rotate your screen") || j.Trouble.Hint == "" {
		t.Errorf("%+v", j.Trouble)
	}
	if s.decision(code) != "" {
		t.Error("decided")
	}
}
