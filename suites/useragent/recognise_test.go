package useragent

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

func snapshotOf(t testing.TB, source string, status int, queries []string) *Snapshot {
	t.Helper()
	from, err := url.Parse("https://idp.test/device?user_code=ABCD-EFGH")
	if err != nil {
		t.Fatal(err)
	}
	return parse(source, from, status, 1, queries).snapshot()
}

// TestUsability: observations about a page that asks for the code.
func TestUsability(t *testing.T) {
	r := &recogniser{auto: true}
	for _, test := range []struct {
		source string
		want   int
	}{
		{`<html lang=en><form><label>User code <input name=user_code autocomplete=off autocapitalize=characters></label><button>Go</button></form>`, 0},
		{`<form><input name=user_code placeholder="User code"><button>Go</button></form>`, 4},
		{`<form><input name=username><input type=password name=password><button>Log in</button></form>`, 0},
	} {
		if got := r.recognise(snapshotOf(t, test.source, 200, nil), "ABCD-EFGH").usability(); len(got) != test.want {
			t.Errorf("%s: %q", test.source, got)
		}
	}
}

// TestRoles recognises the pages of testdata/pages, whose names begin with
// their role.
func TestRoles(t *testing.T) {
	files, err := filepath.Glob("testdata/pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal("no pages: ", err)
	}
	r := &recogniser{auto: true}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		role, _, _ := strings.Cut(filepath.Base(file), ".")
		p := r.recognise(snapshotOf(t, string(raw), 200, nil), "ABCD-EFGH")
		if p.Role != role && !(role == "unknown" && p.Role == "") {
			t.Errorf("%s: recognised as %q: %s", file, p.Role, p.Reason)
		}
	}
}

// TestButtons: each label is a way on, a refusal, or neither.
func TestButtons(t *testing.T) {
	for label, want := range map[string]string{
		"Allow": "approve", "Don’t allow": "deny", "Yes, connect": "approve", "No": "deny", "Cancel": "deny",
		"Autoriser": "approve", "Ne pas autoriser": "deny", "Zulassen": "approve", "Nicht zulassen": "deny",
		"Permitir": "approve", "Rechazar": "deny", "Deny access": "deny", "It's not me": "deny",
		"Sign in with Google": "", "Forgot password?": "", "Sprache": "", "Create account": "",
	} {
		s := &Snapshot{Elements: []Element{{Kind: Button, Label: label, Form: none, Visible: true, Enabled: true}}}
		p := (&recogniser{}).recognise(s, "")
		got := ""
		switch {
		case p.Approve == 0:
			got = "approve"
		case p.Deny == 0:
			got = "deny"
		}
		if got != want {
			t.Errorf("%q is %q, want %q", label, got, want)
		}
	}
}

func TestProfilePages(t *testing.T) {
	hidden := false
	v := profiles.Verification{Pages: []profiles.Page{
		{Role: "denied", When: []profiles.Match{{ID: "op.form", Text: "interrupted"}}},
		{Role: "code", When: []profiles.Match{{URL: "*/nowhere"}, {ID: "op.form"}},
			Do: []profiles.Action{
				{Fill: &profiles.Locator{Label: "^Kod$"}, With: "user_code"},
				{Check: &profiles.Locator{CSS: ".box"}, All: true},
				{Click: &profiles.Locator{Name: "go", Nth: 1}},
			}},
		{Role: "consent", When: []profiles.Match{{CSS: "input[value=consent]", Visible: &hidden}},
			Approve: []profiles.Action{{Click: &profiles.Locator{Button: "Jatka"}}}, NoDeny: true,
			HTTP: &profiles.HTTPFill{Set: map[string]string{"who": "username"}, Approve: map[string]string{"x": "=1"}}},
	}}
	o := Options{Verification: v}
	r, queries, err := o.recogniser()
	if err != nil {
		t.Fatal(err)
	}
	see := func(source string) *sighting { return r.recognise(snapshotOf(t, source, 200, queries), "") }

	code := see(`<form id=op.form><label>Kod <input name=q></label><input type=checkbox class=box><input type=checkbox class=box><button name=go>A</button><button name=go>B</button></form>`)
	if code.Role != "code" || code.Entry == nil {
		t.Fatalf("role %q: %v", code.Role, code.Tried)
	}
	var did []string
	for _, a := range code.plan(onward, true) {
		did = append(did, a.describe(code))
	}
	if got, want := strings.Join(did, "; "), `fill text:q with user_code; check check:"" and 1 more; click "B"`; got != strings.ReplaceAll(want, `""`, "nameless") {
		t.Errorf("plan: %s", got)
	}
	if p := see(`<form id=op.form>It was interrupted</form>`); p.Role != "denied" {
		t.Errorf("role %q: %v", p.Role, p.Tried)
	}
	consent := see(`<form><input type=hidden value=consent><button>Jatka</button><button>Cancel</button></form>`)
	if consent.Role != "consent" || len(consent.plan(deny, false)) != 0 {
		t.Errorf("role %q, plan to deny %v", consent.Role, consent.plan(deny, false))
	}
	acts := consent.plan(approve, false)
	if len(acts) != 1 || acts[0].set["x"] != "=1" || acts[0].set["who"] != "username" {
		t.Errorf("plan to approve: %+v", acts)
	}
}

// TestDenyNeverApproves goes through what a Deny journey may meet.
func TestDenyNeverApproves(t *testing.T) {
	const (
		login   = `<input name=username><input type=password name=password><button>Sign in</button>`
		consent = `<p>The app wants access</p><button>Allow</button><button>Deny</button>`
		lone    = `<p>The app wants access</p><button>Allow</button>`
		confirm = `<p>Your code is ABCD-EFGH</p><button>Continue</button>`
	)
	for _, c := range []struct {
		name, page, consent string
		codes               int
		loggedIn            bool
		way                 way
		end                 transcript.Outcome
	}{
		{"login after the code", login, "unknown", 1, false, "", transcript.NoWayToDeny},
		{"login after the code, consent first-time", login, "first-time", 1, false, "", transcript.NoWayToDeny},
		{"login after the code, consent promised", login, "always", 1, false, onward, ""},
		{"login before the code", login, "unknown", 0, false, onward, ""},
		{"a way to deny", consent, "unknown", 1, true, deny, ""},
		{"no way to deny", lone, "always", 1, true, "", transcript.NoWayToDeny},
		{"early confirmation, consent promised", confirm, "always", 1, false, approve, ""},
		{"early confirmation", confirm, "unknown", 1, false, "", transcript.NoWayToDeny},
		{"late confirmation", confirm, "always", 1, true, "", transcript.NoWayToDeny},
	} {
		p := (&recogniser{auto: true}).recognise(snapshotOf(t, c.page, 200, nil), "ABCD-EFGH")
		v := &visit{
			session: &session{tab: &formsTab{}, consent: c.consent, loggedIn: c.loggedIn},
			task:    Task{Goal: transcript.Deny, UserCode: "ABCD-EFGH", Start: "https://idp.test/device", TypeCode: true, Account: &Account{}},
			j:       &transcript.Journey{}, codesSent: c.codes, seen: map[string]int{},
		}
		if m := v.decide(p); m.way != c.way || m.end != c.end {
			t.Errorf("%s (%s): way %q, end %q; want %q, %q", c.name, p.Role, m.way, m.end, c.way, c.end)
		}
	}
}

// FuzzPage holds that no page, however broken, breaks the recogniser, and that
// what is kept of it stays within bounds.
func FuzzPage(f *testing.F) {
	files, _ := filepath.Glob("testdata/pages/*.html")
	for _, file := range files {
		if raw, err := os.ReadFile(file); err == nil {
			f.Add(string(raw), "ABCD-EFGH")
		}
	}
	f.Add("<form><form><table><input form=x><button form=", "\x00")
	f.Add(`<meta http-equiv=refresh content="0;url=//x"><base href="%zz"><form action=":">`, "")
	v := profiles.Verification{Pages: []profiles.Page{{Role: "code", When: []profiles.Match{{CSS: "div > input, form *", Text: "code"}}}}}
	r, queries, err := (&Options{Verification: v}).recogniser()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, source, code string) {
		from := &url.URL{Scheme: "https", Host: "idp.test", Path: "/"}
		d := parse(source, from, 200, 1, queries)
		p := r.recognise(d.snapshot(), code)
		if len(p.Text) > maxText || len(p.Elements) > maxElements || len(p.Title) > maxLabel {
			t.Fatal("the snapshot is out of bounds")
		}
		for _, w := range []way{onward, approve, deny} {
			for _, a := range p.plan(w, true) {
				for _, i := range a.find(p) {
					switch a.do {
					case fill:
						_ = d.fill([]int{i}, code)
					case press, enter:
						_, _ = d.press(i, a.do == enter, nil)
					}
				}
			}
		}
		d.refresh()
		d.selfSubmit()
	})
}

// FuzzSnapshot does the same for what a browser may answer.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(`{"url":"https://idp.test/","elements":[{"kind":"text","name":"user_code","visible":true,"enabled":true,"form":-1}],"queries":{"x":[0,7,-1]}}`))
	r := &recogniser{auto: true}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s Snapshot
		if json.Unmarshal(raw, &s) != nil {
			return
		}
		s.clean()
		p := r.recognise(&s, "ABCD-EFGH")
		for _, w := range []way{onward, approve, deny} {
			for _, a := range p.plan(w, true) {
				a.describe(p)
			}
		}
		s.fingerprint()
		p.suggest()
	})
}
