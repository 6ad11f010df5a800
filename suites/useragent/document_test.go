package useragent

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// FuzzPage holds that no page, however broken, breaks the recogniser, and that
// what is kept of it stays within bounds.
func FuzzPage(f *testing.F) {
	files, _ := filepath.Glob("pages/testdata/pages/*.html")
	for _, file := range files {
		if raw, err := os.ReadFile(file); err == nil {
			f.Add(string(raw), "ABCD-EFGH")
		}
	}
	f.Add("<form><form><table><input form=x><button form=", "\x00")
	f.Add(`<meta http-equiv=refresh content="0;url=//x"><base href="%zz"><form action=":">`, "")
	v := profiles.Verification{Pages: []profiles.Page{{Role: "code", When: []profiles.Match{{CSS: "div > input, form *", Text: "code"}}}}}
	r, err := pages.NewRecogniser(v)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, source, code string) {
		from := &url.URL{Scheme: "https", Host: "idp.test", Path: "/"}
		d := parse(source, from, 200, 1, r.Queries())
		p := r.Recognise(d.snapshot(), code)
		if len(p.Text) > pages.MaxText || len(p.Elements) > pages.MaxElements || len(p.Title) > pages.MaxLabel {
			t.Fatal("the snapshot is out of bounds")
		}
		for _, w := range []pages.Way{pages.Onward, pages.Approve, pages.Deny} {
			for _, a := range p.Acts(w, true) {
				for _, i := range a.Find(p) {
					switch a.Do {
					case pages.Fill:
						d.fill([]int{i}, []string{code})
					case pages.Press, pages.Enter:
						_, _ = d.press(i, a.Do == pages.Enter, nil)
					}
				}
			}
		}
		d.refresh()
		d.selfSubmit()
	})
}

// TestLogoutFormsAreNotSent: a hidden form that ends the session is no page that
// sends itself, and its button is not pressed.
func TestLogoutFormsAreNotSent(t *testing.T) {
	from := &url.URL{Scheme: "https", Host: "idp.test", Path: "/done"}
	const script = `<script>function go() { document.forms[0].submit() }</script>`
	if d := parse(`<p>Done</p><form action="/logout" method=post><input type=hidden name=csrf value=x></form>`+script, from, 200, 1, nil); d.selfSubmit() != nil {
		t.Error("the logout form was sent")
	}
	if d := parse(`<form action="/go" method=post><input type=hidden name=csrf value=x></form>`+script, from, 200, 1, nil); d.selfSubmit() == nil {
		t.Error("a page that sends itself was not sent")
	}
	d := parse(`<form id="logout-form" action="/x" method=post><button>Continue</button></form>`, from, 200, 1, nil)
	if _, err := d.press(0, false, nil); err == nil {
		t.Error("the button of the logout form was pressed")
	}
}
