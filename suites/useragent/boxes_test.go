package useragent_test

import (
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/onboarding"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
)

// codeFields are pages that take the code in some other way than in one plain field.
func codeFields() []dialect {
	boxes := func(n int, markup string) string {
		return `<p>Enter the code</p>` + form(strings.Repeat(markup, n)+`<input type=hidden name=user_code id=all><button>Verify</button>`)
	}
	joined := `<script>const boxes = [...document.querySelectorAll(".cell")];
boxes.forEach((b, i) => { b.setAttribute("aria-label", b.dataset.label ?? "Character " + (i + 1)); b.oninput = () => {
  b.value = b.value.slice(-1).toUpperCase();
  if (b.value) boxes[i + 1]?.focus();
  all.value = boxes.map((x) => x.value).join("");
} })</script>`
	list := []struct{ name, code string }{
		{"boxes that move on", boxes(8, `<input class=cell maxlength=1>`) + joined},
		{"boxes without a limit", boxes(8, `<input class=cell style="width:40px" data-label="PIN code" autocomplete=off>`) + joined},
		{"boxes by key events", boxes(8, `<input class=cell maxlength=1 data-label=Box>`) + strings.Replace(joined, "b.oninput = ", "b.oninput = () => b.value = ''; b.onbeforeinput = (e) => { e.preventDefault(); b.value = e.data ?? ''; b.fill() }; b.fill = ", 1)},
		{"boxes that take the first free", boxes(8, `<input class=cell maxlength=1>`) + joined + `<script>boxes.forEach((b, i) => b.onfocus = () => { const free = boxes.findIndex((x) => !x.value); if (free >= 0 && free < i) boxes[free].focus() })</script>`},
		{"two halves", `<p>Enter the code</p>` + form(`<input name=d maxlength=4 aria-label="Code, first half"> - <input name=d maxlength=4 aria-label="Code, second half"><button>Verify</button>`)},
		{"editable text", `<p>Enter the code</p>` + form(`<div contenteditable=true aria-label="User code" id=typed style="border:1px solid"></div><input type=hidden name=user_code id=all><button>Verify</button>`) +
			`<script>typed.oninput = () => all.value = typed.innerText</script>`},
		{"transparent field", `<p>Enter the code</p>` + form(`<div style="position:relative;width:300px;height:40px"><div>_ _ _ _ - _ _ _ _</div><input name=user_code style="opacity:0;position:absolute;left:0;top:0;width:100%;height:100%"></div><button>Verify</button>`)},
		{"masked", `<p>Enter the code</p>` + form(`<input name=user_code maxlength=9><button>Verify</button>`) +
			`<script>const f = document.forms[0].user_code; f.oninput = () => { const v = f.value.toUpperCase().replace(/[^A-Z0-9]/g, "").slice(0, 8); f.value = v.length > 4 ? v.slice(0, 4) + "-" + v.slice(4) : v }</script>`},
		{"no room for the dash", `<p>Enter the code</p>` + form(`<input name=user_code maxlength=8><button>Verify</button>`)},
		{"sends itself", `<p>Enter the code</p>` + form(`<input name=user_code maxlength=9>`) +
			`<script>const f = document.forms[0]; f.user_code.oninput = () => { if (f.user_code.value.replace("-", "").length == 8) setTimeout(() => f.submit(), 60) }</script>`},
		{"sends itself beside a button", boxes(8, `<input class=cell maxlength=1>`) + joined + `<script>addEventListener("input", () => { if (boxes.every((b) => b.value)) setTimeout(() => document.forms[0].submit(), 60) })</script>`},
		{"no button", `<p>Enter the code</p>` + form(`<input name=user_code>`)},
	}
	var all []dialect
	for _, f := range list {
		all = append(all, dialect{name: f.name, order: []string{"code", "login", "consent"}, pages: with(map[string]string{"code": `<title>Device</title>` + f.code})})
	}
	return all
}

// TestCodeFields: the code reaches the server, once, and the entries that are printed
// for the pages do the same without heuristics.
func TestCodeFields(t *testing.T) {
	for _, d := range codeFields() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			pasted(t, d)
		})
	}
}

// TestPastedBanner: the entries for a page with a banner over it work, too.
func TestPastedBanner(t *testing.T) {
	for _, d := range layered() {
		if strings.Contains(d.name, "cookie wall") && !strings.Contains(d.name, "shadow") {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				pasted(t, d)
			})
		}
	}
}

// pasted goes through the pages by heuristics, and then by the entries made of that.
func pasted(t *testing.T, d dialect) {
	t.Helper()
	var entries []profiles.Page
	visit := func(u useragent.Agent, goal transcript.Goal, want transcript.Outcome) transcript.Journey {
		t.Helper()
		s := serve(t, d)
		code := s.issue()
		j := u.Journey(t.Context(), s.task(goal, code))
		check(t, j, want)
		if got := s.decision(code); got != string(want) {
			t.Errorf("the server has %q", got)
		}
		if s.posts != 3 {
			t.Errorf("%d requests, want 3", s.posts)
		}
		return j
	}
	for goal, want := range map[transcript.Goal]transcript.Outcome{transcript.Approve: transcript.Approved, transcript.Deny: transcript.Denied} {
		j := visit(open(t, "browser", "always"), goal, want)
		found, alike := onboarding.SuggestPages(j)
		if len(alike) > 0 {
			t.Errorf("nothing tells apart %q", alike)
		}
		for _, p := range found {
			known := false
			for _, e := range entries {
				known = known || e.Role == p.Role
			}
			if !known {
				entries = append(entries, p)
			}
		}
	}
	if t.Failed() {
		return
	}
	onboarding.SortPages(entries)
	text := "clients: {public: {id: x}}\ndiscovery: \"off\"\nendpoints: {token: https://x/t, device_authorization: https://x/d}\nverification:\n  consent: always\n  auto: false\n  pages:\n" + onboarding.PagesYAML(entries)
	p, err := profiles.Load("p.yaml", profiles.Options{ReadFile: func(string) ([]byte, error) { return []byte(text), nil }})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	driver, err := chromium.New(useragent.Options{Verification: p.Verification})
	if err != nil {
		t.Fatal(err)
	}
	defer driver.Close()
	for goal, want := range map[transcript.Goal]transcript.Outcome{transcript.Approve: transcript.Approved, transcript.Deny: transcript.Denied} {
		u, err := driver.NewAgent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		visit(u, goal, want)
		u.Close()
	}
	if t.Failed() {
		t.Log(text)
	}
}
