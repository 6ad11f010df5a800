package chromium

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// TestLeaving: the request with the decision waits, after the press, until
// AtRequest returns, however the page sends it; other requests do not wait.
func TestLeaving(t *testing.T) {
	const (
		press = `fetch("/pressed");`
		done  = `document.body.innerHTML = "<h1>Success</h1><p>The device was approved.</p>"`
		ask   = `<h1>Allow access?</h1><p>The app Living Room TV wants to access your account.</p>`
		deny  = `<button name=decision value=deny>Deny</button>`
		form  = ask + `<form method=%s action="/decide" onsubmit='%s'><button name=decision value=approve>Approve</button>` + deny + `</form>`
		plain = ask + `<button onclick='%s'>Approve</button>` + deny
	)
	pressed, called, decided := "/pressed", "called", "/decide"
	for _, c := range []struct {
		name, page string
		want       []string
	}{
		{"form", fmt.Sprintf(form, "post", press), []string{pressed, called, decided}},
		{"form with GET", fmt.Sprintf(form, "get", press), []string{pressed, called, decided}},
		{"dialog", fmt.Sprintf(form, "post", press+`return confirm("Sure?")`), []string{pressed, called, decided}},
		{"link", ask + `<a role=button href="/decide" onclick='` + press + `'>Approve</a> ` + deny, []string{pressed, called, decided}},
		{"fetch", fmt.Sprintf(plain, press+`fetch("/decide", {method: "POST"}).then(() => `+done+`)`), []string{pressed, called, decided}},
		{"fetch after a token", fmt.Sprintf(plain, `fetch("/pressed").then(() => fetch("/decide", {method: "PUT"})).then(() => `+done+`)`), []string{pressed, called, decided}},
		{"script that waits", fmt.Sprintf(plain, `const r = new XMLHttpRequest(); r.open("POST", "/decide", false); r.send(); `+done), []string{called, decided}},
		{"nothing sent", fmt.Sprintf(plain, press+done), []string{pressed, called}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var seen []string
			arrived := make(chan struct{}, 100)
			note := func(what string) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, what)
			}
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				switch r.URL.Path {
				case "/":
					if r.Method == http.MethodPost {
						fmt.Fprint(w, "<!doctype html><title>Device</title>", c.page)
						return
					}
					fmt.Fprint(w, "<!doctype html><title>Device</title>", askCode)
				case pressed:
					note(r.URL.Path)
					arrived <- struct{}{}
				case decided:
					note(r.URL.Path)
					fmt.Fprint(w, "<!doctype html><title>Device</title><h1>Success</h1><p>The device was approved.</p>")
				}
			}))
			t.Cleanup(s.Close)
			u := open(t, profiles.Verification{})
			for range 2 { // the second one knows what to expect
				mu.Lock()
				seen = nil
				mu.Unlock()
				task := errand(s.URL)
				task.AtRequest = func() {
					if c.want[0] == pressed && !u.tab.unheld {
						select { // so it does while the decision is held
						case <-arrived:
						case <-time.After(10 * time.Second):
							t.Error("nothing was pressed")
						}
					}
					note(called)
				}
				j := u.Journey(t.Context(), task)
				check(t, j, transcript.Approved)
				mu.Lock()
				got := slices.Clone(seen)
				mu.Unlock()
				if u.tab.unheld {
					slices.Sort(got)
					if want := slices.Sorted(slices.Values(c.want)); !slices.Equal(got, want) {
						t.Errorf("%v, want %v in any order", got, want)
					}
				} else if !slices.Equal(got, c.want) {
					t.Errorf("%v, want %v", got, c.want)
				}
			}
			if nothing := !slices.Contains(c.want, decided); u.tab.unheld != nothing {
				t.Errorf("unheld: %t", u.tab.unheld)
			}
		})
	}
}
