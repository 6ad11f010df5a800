package fakeidp

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// personFaults: what an end user meets at the verification URI.
var personFaults = []fault{
	{Fault{"F-VERIFY-05", "the-dash-matters", "A user code without its dash is rejected", Defect},
		refuseCodes(func(typed string) bool { return !strings.Contains(typed, "-") })},
	{Fault{"F-VERIFY-05b", "spaces-matter", "A user code with a space in it is rejected", Defect},
		refuseCodes(func(typed string) bool { return strings.Contains(strings.TrimSpace(typed), " ") })},
	{Fault{"F-VERIFY-07", "nameless-client", "The decision page does not name the client", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) {
				if c, known := x.p.clients[x.client()]; known && x.path == pathConsent {
					x.replace(c.Name, "something")
				}
			}}
		}},
	{Fault{"F-VERIFY-09", "code-is-not-shown", "No page shows the user code: it is in hidden fields", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) {
				if x.r.Method != http.MethodGet {
					return
				}
				x.answer = shownCode.ReplaceAll(x.answer, []byte("<strong>you know</strong>"))
				x.answer = prefilledCode.ReplaceAll(x.answer, []byte(`<input type="hidden" name="user_code" value="$1">`))
			}}
		}},
	{Fault{"F-VERIFY-11", "secret-in-a-redirect", "The client secret is in the URL of a redirect between the pages", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) {
				c, known := x.p.clients[x.client()]
				if to := x.header.Get("Location"); known && c.Secret != "" && to != "" {
					x.header.Set("Location", fmt.Sprintf("%s&client_secret=%s", to, url.QueryEscape(c.Secret)))
				}
			}}
		}},
	{Fault{"F-VERIFY-12", "denied-code-can-be-approved", "A denied code can be entered again and approved", Defect},
		reopens(stateDenied)},
	{Fault{"F-VERIFY-13b", "held-after-a-login", "A code that somebody is deciding about is refused to everybody else, if it was entered before the login", Defect},
		holdsCodes(false)},
	{Fault{"B95", "first-come-first-served", "A code that somebody is deciding about is refused to everybody else", Benign},
		holdsCodes(true)},
	{Fault{"F-VERIFY-13", "late-approval-revives", "An approval from a page that was left open revives a used code", Defect},
		func() behaviour {
			opened := reopens(stateRedeemed)()
			opened.request = func(x *exchange) (answered bool) {
				// Entering it is refused as ever.
				if g, err := x.p.find(x.form.Get("user_code")); err == nil && x.post(pathDevice) {
					if g.over() {
						x.setForm("user_code", noCode)
					}
				}
				return false
			}
			return opened
		}},
	{Fault{"F-VERIFY-15", "open-page-approves", "A decision page that is left open for three seconds approves by itself", Defect}, openPageApproves},
}

var (
	shownCode     = regexp.MustCompile(`<strong[^>]*>[A-Z]{4}-[A-Z]{4}</strong>`)
	prefilledCode = regexp.MustCompile(`<input class="code"[^>]*value="([A-Z]{4}-[A-Z]{4})"[^>]*>`)
)

// noCode has the form of a user code, and no grant has it.
const noCode = "AAAA-AAAA"

// refuseCodes takes some spellings of a user code for a code that nobody has.
func refuseCodes(when func(typed string) bool) func() behaviour {
	return func() behaviour {
		return behaviour{request: func(x *exchange) (answered bool) {
			if typed := x.form.Get("user_code"); x.post(pathDevice) && typed != "" && when(typed) {
				x.setForm("user_code", noCode)
			}
			return false
		}}
	}
}

// reopens lets a grant be decided again that ended in a state.
func reopens(ended state) func() behaviour {
	return func() behaviour {
		return behaviour{refusal: func(g *grant, now time.Time) error {
			if err := g.undecidable(now); g.state != ended {
				return err
			}
			return nil
		}}
	}
}

// over says that the grant gave its token.
func (g *grant) over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state == stateRedeemed
}

// openPageApproves remembers when and to whom the decision page of a code was
// shown, and approves at a poll when that was long ago.
func openPageApproves() behaviour {
	const patience = 3 * time.Second
	type view struct {
		user *User
		at   time.Time
	}
	var (
		mu    sync.Mutex
		shown = map[*grant]view{}
	)
	return behaviour{
		response: func(x *exchange) {
			s := x.p.session(x.r)
			g, err := x.p.find(x.query.Get("user_code"))
			if x.path != pathConsent || x.r.Method != http.MethodGet || x.status != http.StatusOK || err != nil || s == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			shown[g] = view{s.user, x.p.clock.Now()}
		},
		poll: func(g *grant, arrival time.Time) (answer, *family) {
			mu.Lock()
			v, ok := shown[g]
			mu.Unlock()
			if ok && v.user != nil && arrival.Sub(v.at) > patience {
				_ = g.approve(arrival, v.user, g.requested) // refused when it was decided
			}
			return g.answer(arrival)
		},
	}
}

// holdsCodes refuses the user codes at whose decision a session is to other sessions:
// all of them, or those that were entered before the login.
func holdsCodes(all bool) func() behaviour {
	return func() behaviour {
		var (
			mu      sync.Mutex
			early   = map[*grant]bool{}
			holders = map[*grant]*session{}
		)
		return behaviour{request: func(x *exchange) bool {
			mu.Lock()
			defer mu.Unlock()
			s := x.p.session(x.r)
			if g, err := x.p.find(x.query.Get("user_code")); err == nil && x.path == pathConsent && s != nil && s.user != nil && (all || early[g]) {
				holders[g] = s
			}
			g, err := x.p.find(x.form.Get("user_code"))
			if err != nil || !x.post(pathDevice) {
				return false
			}
			if holder := holders[g]; holder != nil && holder != s {
				x.setForm("user_code", "-")
			}
			early[g] = s == nil || s.user == nil
			return false
		}}
	}
}
