package useragent_test

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// dialect is how one server words and orders its pages. In a page, {err} is
// replaced by the message, {code} by the code that the session holds.
type dialect struct {
	name  string
	order []string // of the steps code, confirm, login, name, pass, consent
	pages map[string]string
	// bad is how a refused input is shown.
	bad string
	// scripted dialects need a browser.
	scripted bool
	// noDeny: no page offers a way to refuse.
	noDeny bool
	// afterDeny is the page after a refusal; default: a page that says so.
	afterDeny string
}

const (
	fixtureUser     = "alice"
	fixturePassword = "correct-horse-7!"
)

func form(inner string) string {
	return `{err}<form method="post" action="/">` + inner + `</form>`
}

func plainPages() map[string]string {
	return map[string]string{
		"code":    `<title>Device</title><h1>Connect a device</h1>` + form(`<label for=c>Code</label><input id=c name=user_code><button>Continue</button>`),
		"login":   `<title>Sign in</title>` + form(`<label>User name <input name=username></label><label>Password <input type=password name=password></label><button type=submit>Sign in</button><a href="/forgot">Forgot your password?</a>`),
		"name":    `<title>Sign in</title>` + form(`<label>E-mail or user name <input name=username autocomplete=username></label><button>Next</button><button type=button>Sign in with Google</button>`),
		"pass":    `<title>Sign in</title>` + form(`<input type=hidden name=username value=x><label>Password <input type=password name=password></label><button>Next</button>`),
		"consent": `<title>Allow access?</title><p>The television wants access to your account.</p>` + form(`<button name=decision value=allow>Allow</button><button name=decision value=deny>Deny</button>`),
		"success": `<title>Device</title><p>Success! You may close this window.</p>`,
		"denied":  `<title>Device</title><p>Access was denied.</p>`,
	}
}

func with(over map[string]string) map[string]string {
	pages := plainPages()
	for name, page := range over {
		pages[name] = page
	}
	return pages
}

const alertBad = `<div role="alert">The input is invalid, try again.</div>`

// spaPage renders every step by script, with divs for buttons, and answers
// in place after a request in the background.
const spaPage = `<title>Device</title><div id=root>Loading...</div><script>
const show = async () => {
  const s = await (await fetch("/api")).json(), root = document.getElementById("root");
  const err = s.err ? "<p class=error>" + s.err + "</p>" : "";
  const fields = {
    code: "<h1>Enter the code</h1><input id=f1 placeholder='Device code'>", login: "<input id=f1 placeholder='Username'><input id=f2 type=password placeholder='Password'>",
    consent: "<p>The app requests access</p>", success: "<p>All set, you can close this window.</p>", denied: "<p>Request declined.</p>" }[s.step];
  const buttons = { code: [["go", "Continue"]], login: [["go", "Log in"]], consent: [["allow", "Authorize"], ["deny", "Cancel"]] }[s.step] ?? [];
  root.innerHTML = err + fields + buttons.map(b => "<div role=button tabindex=0 id=" + b[0] + ">" + b[1] + "</div>").join("");
  for (const b of buttons) document.getElementById(b[0]).onclick = async () => {
    const v = (id) => document.getElementById(id)?.value ?? "";
    document.getElementById(b[0]).textContent = "Loading...";
    await fetch("/", { method: "POST", body: new URLSearchParams({ user_code: v("f1"), username: v("f1"), password: v("f2"), decision: b[0] }) });
    setTimeout(show, 60);
  };
};
show();
</script>`

func dialects() []dialect {
	codeFirst, loginFirst := []string{"code", "login", "consent"}, []string{"login", "code", "consent"}
	boxes := ""
	for i := range 8 {
		boxes += fmt.Sprintf(`<input name=d maxlength=1 aria-label="Digit %d">`, i+1)
	}
	return []dialect{
		{name: "plain", order: codeFirst, pages: plainPages()},
		{name: "login first", order: loginFirst, pages: plainPages()},
		{name: "identifier first", order: []string{"code", "name", "pass", "consent"}, pages: plainPages()},
		{name: "confirm", order: []string{"code", "confirm", "login", "consent"}, pages: with(map[string]string{
			"confirm": `<title>Confirm</title><p>Is this the code on your device? <code>{code}</code></p>` + form(`<input type=hidden name=decision value=allow><button autofocus>Continue</button>`) +
				`<form method=post><button name=decision value=deny>[ Abort ]</button></form>`,
			"consent": `<title>Authorize</title><ul><li>scopes</li></ul>` + form(`<input type=hidden name=decision value=allow><button>Continue</button>`),
		}), bad: `<p class=red>The code is incorrect</p>`, afterDeny: "code"},
		{name: "odd names", order: codeFirst, pages: with(map[string]string{
			"code":    `<p>Type the code that your device shows</p>` + form(`<input type=foo name=q7><input type=image alt=Go>`),
			"login":   form(`<input name=fld_1 title="User"><input type=password name=fld_2><input type=submit value=Enter>`),
			"consent": `<p>Grant permission to the device?</p>` + form(`<input type=submit name=decision value=Yes><input type=submit name=decision value=No>`),
		})},
		{name: "boxes", order: codeFirst, pages: with(map[string]string{"code": `<p>Enter the code</p>` + form(boxes+`<button>Verify</button>`)})},
		{name: "German", order: codeFirst, pages: with(map[string]string{
			"code":    `<title>Gerät verbinden</title>` + form(`<label>Gerätecode <input name=user_code></label><button>Weiter</button><button type=reset>Löschen</button>`),
			"login":   form(`<label>Benutzername <input name=username></label><label>Kennwort <input type=password name=password></label><button>Anmelden</button><button name=x value=y>Passwort vergessen?</button>`),
			"consent": `<p>Die App möchte Zugriff auf Ihr Konto.</p>` + form(`<button name=decision value=deny>Ablehnen</button><button name=decision value=allow>Bestätigen</button>`),
			"success": `<p>Erfolgreich verbunden. Sie können das Fenster schließen.</p>`,
			"denied":  `<p>Die Anfrage wurde abgelehnt.</p>`,
		}), bad: `<div class="alert alert-danger">Ungültige Eingabe</div>`},
		{name: "Keycloak-like", order: codeFirst, pages: with(map[string]string{
			"code":    `<h1 id=kc-page-title>Device Login</h1>` + form(`<label>Enter the code provided by your device and click Submit</label><input id=device-user-code name=device_user_code autocomplete=off autofocus><input type=submit value=Submit>`),
			"login":   `<h1 id=kc-page-title>Sign in to your account</h1><form method=post onsubmit="login.disabled = true; return true;">{err}<label for=username>Username or email</label><input id=username name=username><label for=password>Password</label><input id=password name=password type=password><button type=button aria-label="Show password"></button><input name=login id=kc-login type=submit value="Sign In"></form>`,
			"consent": `<h1 id=kc-page-title>Grant Access to app</h1><p>Do you grant these access privileges?</p>` + form(`<input name=accept id=kc-login type=submit value=Yes><input name=cancel id=kc-cancel type=submit value=No>`),
			"success": `<h1 id=kc-page-title>Device Login Successful</h1><p>You may close this browser window and go back to your device.</p>`,
			"denied":  `<h1 id=kc-page-title>Device Login Failed</h1><p>Consent denied for connecting the device.</p>`,
		}), bad: `<span id=input-error class="pf-m-error" aria-live=polite>Invalid value.</span>`},
		{name: "WSO2-like", order: codeFirst, scripted: true, pages: with(map[string]string{
			"code": `<h3>Device Flow Sign In</h3>` + form(`<input id=user_code name=user_code placeholder="user code"><button type=submit class=primary onclick="noSuchFunction()">Continue</button>`) +
				`<script>addEventListener("load", () => { user_code.value = new URLSearchParams(location.search).get("user_code") ?? "" })</script>`,
			"login": form(`<input id=usernameUserInput name=usernameUserInput placeholder=Username><input type=hidden id=username name=username><input id=password name=password type=password placeholder=Password><input type=checkbox id=chkRemember><label for=chkRemember>Remember me</label><button id=sign-in-button>Sign In</button>`) +
				`<script>document.forms[0].addEventListener("submit", () => { username.value = usernameUserInput.value })</script>`,
			"consent": `<p>app requests access to your profile</p>` + form(`<input type=checkbox class=mandatory-claim id=claim><label for=claim>E-mail</label><input type=hidden name=decision id=consent><input type=button id=approve value=Allow onclick="if (claim.checked) { consent.value='allow'; this.form.submit() }"><input type=reset value=Deny onclick="consent.value='deny'; setTimeout(() => { consent.value='deny'; document.forms[0].submit() })">`),
		})},
		{name: "password as text", order: codeFirst, pages: with(map[string]string{
			"login": `<title>Sign in</title>` + form(`<label>User name <input name=username></label><label>Password <input name=j_password></label><button>Sign in</button>`),
		})},
		{name: "errors without a mark", order: codeFirst, pages: plainPages(), bad: `<p>The input is invalid, try again.</p>`},
		{name: "ends of its own", order: codeFirst, pages: with(map[string]string{
			"success": `<title>Television</title><p>Enjoy the show.</p>`, "denied": `<title>Television</title><p>Maybe some other day.</p>`,
		})},
		{name: "script application", order: codeFirst, scripted: true, pages: map[string]string{"": spaPage}},
		{name: "iframe", order: codeFirst, scripted: true, pages: plainPages()},
		{name: "never asks", order: []string{"code", "login"}, pages: plainPages(), noDeny: true},
	}
}

// server plays one dialect.
type server struct {
	dialect
	*httptest.Server
	mu        sync.Mutex
	codes     map[string]string // code: "", approved or denied
	sessions  map[string]*visitor
	posts     int
	probes    []string // Sec-Purpose of each request
	strangers int      // requests without a cookie
}

type visitor struct {
	at               int
	code, err, shown string
	loggedIn         bool
}

func newServer(d dialect) *server {
	return &server{dialect: d, codes: map[string]string{}, sessions: map[string]*visitor{}}
}

func serve(t *testing.T, d dialect) *server {
	t.Helper()
	s := newServer(d)
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// issue makes a user code.
func (s *server) issue() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw := rand.Text()
	code := raw[:4] + "-" + raw[4:8]
	s.codes[pages.Bare(code)] = ""
	return code
}

func (s *server) decision(code string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codes[pages.Bare(code)]
}

func (s *server) visitor(w http.ResponseWriter, r *http.Request) *visitor {
	if c, err := r.Cookie("sid"); err == nil && s.sessions[c.Value] != nil {
		return s.sessions[c.Value]
	}
	id := rand.Text()
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	s.sessions[id] = &visitor{}
	return s.sessions[id]
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.visitor(w, r)
	if s.name == "confirm" { // a careful page: no requests from scripts
		w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
	}
	s.probes = append(s.probes, r.Header.Get("Sec-Purpose"))
	if _, err := r.Cookie("sid"); err != nil {
		s.strangers++
	}
	switch {
	case r.URL.Path == "/start":
		*v = visitor{loggedIn: v.loggedIn}
		if code := pages.Bare(r.URL.Query().Get("user_code")); s.known(code) && s.order[0] == "code" {
			v.code = code
			v.at = 1
		}
		s.skip(v)
		fallthrough
	case r.Method == http.MethodGet && r.URL.Path == "/" && s.name == "iframe":
		if s.name == "iframe" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, `<!doctype html><title>Portal</title><h1>Portal</h1><iframe src="/inner" width=600 height=400></iframe>`)
			return
		}
		http.Redirect(w, r, "/", http.StatusFound)
	case r.Method == http.MethodPost:
		s.posts++
		s.post(v, r)
		to := "/"
		if s.name == "iframe" {
			to = "/inner"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	case r.URL.Path == "/api":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"step": %q, "err": %q}`, s.step(v), map[bool]string{true: "This is invalid"}[v.err != ""])
	case r.URL.Path == "/" || r.URL.Path == "/inner":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		page, ok := s.pages[s.step(v)]
		if !ok {
			page = s.pages[""]
		}
		fmt.Fprint(w, "<!doctype html><html>"+strings.NewReplacer("{err}", v.err, "{code}", html.EscapeString(v.code)).Replace(page))
		if v.shown == "code" {
			v.shown = ""
		}
	default:
		http.NotFound(w, r)
	}
}

func (s *server) known(code string) bool {
	_, ok := s.codes[code]
	return ok && code != ""
}

func (s *server) step(v *visitor) string {
	if v.shown != "" {
		return v.shown
	}
	return s.order[v.at]
}

// skip passes over the login of somebody who is logged in.
func (s *server) skip(v *visitor) {
	for v.loggedIn && v.at < len(s.order) && strings.Contains("login name pass", s.order[v.at]) {
		v.at++
	}
	if v.at >= len(s.order) {
		s.codes[v.code] = "approved"
		v.shown = "success"
	}
}

func (s *server) post(v *visitor, r *http.Request) {
	_ = r.ParseForm()
	value := func(names ...string) string {
		for _, n := range names {
			if all := r.Form[n]; len(all) > 0 && strings.Join(all, "") != "" {
				return strings.Join(all, "")
			}
		}
		return ""
	}
	v.err = ""
	bad := cmp.Or(s.bad, alertBad)
	if v.shown != "" {
		v.err = bad
		return
	}
	switch s.order[v.at] {
	case "code":
		code := pages.Bare(value("user_code", "q7", "d", "device_user_code"))
		if !s.known(code) || s.codes[code] != "" {
			v.err = bad
			return
		}
		v.code = code
	case "login", "pass":
		named := value("username", "fld_1")
		if s.order[v.at] == "pass" {
			named = fixtureUser
		}
		if named != fixtureUser || value("password", "fld_2", "j_password") != fixturePassword {
			v.err = bad
			return
		}
		v.loggedIn = true
	case "confirm", "consent":
		switch value("decision", "accept", "cancel") {
		case "deny", "No":
			s.codes[v.code] = "denied"
			v.shown = cmp.Or(s.afterDeny, "denied")
			if v.shown == "code" {
				v.err, v.at = `<p class=red>The request was interrupted</p>`, 0
			}
			return
		case "allow", "Yes":
		default:
			return
		}
	}
	v.at++
	s.skip(v)
}
