package useragent_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
)

// leaky serves a code page and a decision, and gives a value away in many ways.
func leaky(value string) http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<!DOCTYPE html><title>Connect</title>%s", body)
	}
	mux.HandleFunc("GET /device", func(w http.ResponseWriter, r *http.Request) {
		page(w, `<form method=post><label>User code <input name=user_code></label><input type=hidden name=state value="`+
			base64.StdEncoding.EncodeToString([]byte("x:"+value+":y"))+`"><button>Continue</button></form>`)
	})
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "flow", Value: url.QueryEscape(value)})
		http.Redirect(w, r, "/consent?flow="+url.QueryEscape(value), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /consent", func(w http.ResponseWriter, r *http.Request) {
		page(w, `<p>The TV wants access.</p><form method=post><button>Approve</button><button>Deny</button></form>`)
	})
	return mux
}

func TestWatch(t *testing.T) {
	const value = "Zm/+9 secret~of-the-device"
	server := httptest.NewServer(leaky(value))
	defer server.Close()
	for _, kind := range []string{"forms", "browser"} {
		t.Run(kind, func(t *testing.T) {
			if _, err := chromium.Find("", os.Getenv); err != nil && kind == "browser" {
				t.Skip(err)
			}
			s, err := drive(t, kind, profiles.Verification{}).NewAgent(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			task := useragent.Task{Name: "watched", Goal: transcript.ReachDecision, Start: server.URL + "/device", UserCode: "WDJB-MJHT", TypeCode: true,
				Watch: []useragent.Needle{{"device_code", value}, {"something else", "is not there"}}}
			j := s.Journey(t.Context(), task)
			if j.Outcome != transcript.AtDecision || !j.WatchProved || len(j.Watched) != 2 {
				t.Fatalf("%s, proved %v, watched %v, %v", j.Outcome, j.WatchProved, j.Watched, j.Trouble)
			}
			found := map[string]bool{}
			for _, l := range j.Leaks {
				if l.Needle != "device_code" || strings.Contains(l.URL, value) || strings.Contains(l.URL, "?") {
					t.Errorf("%+v", l)
				}
				found[l.Where] = true
			}
			for _, where := range []string{"response body", "request body", "response header Set-Cookie", "request URL", "request header Cookie", "response header Location"} {
				if !found[where] {
					t.Errorf("not found in the %s: %+v", where, j.Leaks)
				}
			}
			// The next journey of the agent is not watched.
			task.Watch = nil
			if j := s.Journey(context.WithoutCancel(t.Context()), task); j.Watched != nil || j.Leaks != nil || j.WatchProved {
				t.Errorf("%+v", j.Leaks)
			}
		})
	}
}

// TestPrintedCookies: a cookie whose value stands in a hidden field of a page is told
// with the field's name, and never with its value.
func TestPrintedCookies(t *testing.T) {
	const id = "0123456789abcdef/+="
	mux := http.NewServeMux()
	mux.HandleFunc("/device", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: url.QueryEscape(id), HttpOnly: true})
		http.SetCookie(w, &http.Cookie{Name: "short", Value: "12345"})
		http.SetCookie(w, &http.Cookie{Name: "other", Value: "fedcba9876543210"})
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!DOCTYPE html><title>Connect</title><p>The TV wants access.</p><form method=post>
			<input type=hidden name=token value="%s"><input type=hidden name=n value=12345><button>Approve</button><button>Deny</button></form>`, id)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, kind := range []string{"forms", "browser"} {
		t.Run(kind, func(t *testing.T) {
			if _, err := chromium.Find("", os.Getenv); err != nil && kind == "browser" {
				t.Skip(err)
			}
			s, err := drive(t, kind, profiles.Verification{}).NewAgent(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			j := s.Journey(t.Context(), useragent.Task{Name: "printed", Goal: transcript.ReachDecision, Start: server.URL + "/device"})
			got := map[string]string{}
			for _, c := range j.Cookies {
				got[c.Name] = c.Field
			}
			if want := map[string]string{"sid": "token", "short": "", "other": ""}; !maps.Equal(got, want) {
				t.Errorf("%v, want %v (%s)", got, want, j.Outcome)
			}
		})
	}
}
