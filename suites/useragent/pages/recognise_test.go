package pages_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

func snapshotOf(t testing.TB, source string, status int, queries []string) *pages.Snapshot {
	t.Helper()
	from, err := url.Parse("https://idp.test/device?user_code=ABCD-EFGH")
	if err != nil {
		t.Fatal(err)
	}
	return useragent.SnapshotOf(source, from, status, queries)
}

// heuristics is the recogniser of a profile without pages.
func heuristics(t *testing.T) *pages.Recogniser {
	t.Helper()
	r, err := pages.NewRecogniser(profiles.Verification{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestUsability: observations about a page that asks for the code.
func TestUsability(t *testing.T) {
	r := heuristics(t)
	for _, test := range []struct {
		source string
		want   int
	}{
		{`<html lang=en><form><label>User code <input name=user_code autocomplete=off autocapitalize=characters></label><button>Go</button></form>`, 0},
		{`<form><input name=user_code placeholder="User code"><button>Go</button></form>`, 4},
		{`<form><input name=username><input type=password name=password><button>Log in</button></form>`, 0},
	} {
		if got := r.Recognise(snapshotOf(t, test.source, 200, nil), "ABCD-EFGH").Usability(); len(got) != test.want {
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
	r := heuristics(t)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		role, _, _ := strings.Cut(filepath.Base(file), ".")
		p := r.Recognise(snapshotOf(t, string(raw), 200, nil), "ABCD-EFGH")
		if p.Role != role && !(role == "unknown" && p.Role == "") {
			t.Errorf("%s: recognised as %q: %s", file, p.Role, p.Reason)
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
	r, err := pages.NewRecogniser(v)
	if err != nil {
		t.Fatal(err)
	}
	see := func(source string) *pages.Sighting { return r.Recognise(snapshotOf(t, source, 200, r.Queries()), "") }

	code := see(`<form id=op.form><label>Kod <input name=q></label><input type=checkbox class=box><input type=checkbox class=box><button name=go>A</button><button name=go>B</button></form>`)
	if code.Role != "code" || code.Entry == nil {
		t.Fatalf("role %q: %v", code.Role, code.Tried)
	}
	var did []string
	for _, a := range code.Acts(pages.Onward, true) {
		did = append(did, a.Describe(code))
	}
	if got, want := strings.Join(did, "; "), `fill text:q with user_code; check check:"" and 1 more; click "B"`; got != strings.ReplaceAll(want, `""`, "nameless") {
		t.Errorf("plan: %s", got)
	}
	if p := see(`<form id=op.form>It was interrupted</form>`); p.Role != "denied" {
		t.Errorf("role %q: %v", p.Role, p.Tried)
	}
	consent := see(`<form><input type=hidden value=consent><button>Jatka</button><button>Cancel</button></form>`)
	if consent.Role != "consent" || len(consent.Acts(pages.Deny, false)) != 0 {
		t.Errorf("role %q, plan to deny %v", consent.Role, consent.Acts(pages.Deny, false))
	}
	acts := consent.Acts(pages.Approve, false)
	if len(acts) != 1 || acts[0].Set["x"] != "=1" || acts[0].Set["who"] != "username" {
		t.Errorf("plan to approve: %+v", acts)
	}
}

// TestMenusAreNoSignals: what stood on an earlier page says nothing about the end.
func TestMenusAreNoSignals(t *testing.T) {
	const menu = `<nav>Home Connected apps Completed orders</nav>`
	r := heuristics(t)
	earlier := r.Recognise(snapshotOf(t, menu+`<form><label>User code <input name=user_code></label><button>Go</button></form>`, 200, nil), "").Said()
	for source, want := range map[string]string{
		menu + `<p>Hello</p>`:                          "",
		menu + `<p>Your device is now connected</p>`:   pages.RoleSuccess,
		menu + `<p>The request was denied.</p>`:        pages.RoleDenied,
		menu + `<p>The request was not denied yet</p>`: "",
	} {
		if p := r.Recognise(snapshotOf(t, source, 200, nil), "", earlier); p.Role != want {
			t.Errorf("%s is %q: %s", source, p.Role, p.Reason)
		}
	}
}

// TestWholeClausesAreSignals: "Approved" says something, although an earlier page
// spoke of approved devices; not where it stood alone there, too.
func TestWholeClausesAreSignals(t *testing.T) {
	const form = `<form><label>User code <input name=user_code></label><button>Go</button></form>`
	r := heuristics(t)
	for _, c := range []struct{ before, end, want string }{
		{`<p>Recently approved devices keep their access.</p>`, `<p>Approved</p>`, pages.RoleSuccess},
		{`<p>Why was my access denied in the past.</p>`, `<p>Access denied.</p>`, pages.RoleDenied},
		{`<p>Menu. Approved. Help.</p>`, `<p>Menu. Approved. Help.</p>`, ""},
	} {
		earlier := r.Recognise(snapshotOf(t, c.before+form, 200, nil), "").Said()
		if p := r.Recognise(snapshotOf(t, c.end, 200, nil), "", earlier); p.Role != c.want {
			t.Errorf("%s after %s is %q: %s", c.end, c.before, p.Role, p.Reason)
		}
	}
}

// TestNamedFields: the field that an entry names is the one that is looked at, and
// a code that is in it already is not typed again.
func TestNamedFields(t *testing.T) {
	page := func(do ...profiles.Action) *pages.Sighting {
		r, err := pages.NewRecogniser(profiles.Verification{Pages: []profiles.Page{{Role: "code", When: []profiles.Match{{Name: "zz"}}, Do: do}}})
		if err != nil {
			t.Fatal(err)
		}
		return r.Recognise(snapshotOf(t, `<form><label>A <input name=zz value="ABCD-EFGH"></label><label>B <input name=yy></label><button name=go>Go</button></form>`, 200, r.Queries()), "")
	}
	click := profiles.Action{Click: &profiles.Locator{Name: "go"}}
	p := page(profiles.Action{Fill: &profiles.Locator{Name: "zz"}, With: "user_code"}, click)
	if p.Prefilled() != "ABCD-EFGH" || !p.TakesCode() {
		t.Errorf("the named field has %q", p.Prefilled())
	}
	if typed, asIs := len(p.Acts(pages.Onward, true)), len(p.Acts(pages.Onward, false)); typed != 2 || asIs != 1 {
		t.Errorf("%d acts to type the code, %d to take it as it is", typed, asIs)
	}
	if page(click).TakesCode() {
		t.Error("an entry that types no code takes one")
	}
}
