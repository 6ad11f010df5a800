package useragent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// staged is a page that a script puts together: what is asked for and what is
// shown change at given times.
type staged struct {
	Tab
	began time.Time
	// boxAt is when the box appears; asking are the times at which requests begin
	// and end.
	boxAt  time.Duration
	asking [][2]time.Duration
}

func (s *staged) Live() bool { return true }

func (s *staged) Traffic() (started, open int) {
	for _, r := range s.asking {
		switch now := time.Since(s.began); {
		case now >= r[1]:
			started++
		case now >= r[0]:
			started, open = started+1, open+1
		}
	}
	return started, open
}

func (s *staged) Look(context.Context) (*pages.Snapshot, error) {
	snap := &pages.Snapshot{URL: "http://idp.test/grant", Title: "Grant", Mark: "1", Ready: "complete", Scripts: true,
		Text: "The application wants access to your account. Allow Deny"}
	if time.Since(s.began) >= s.boxAt {
		snap.Elements = append(snap.Elements, pages.Element{Kind: pages.Check, Name: "scope", Visible: true, Enabled: true, Form: -1})
	}
	for _, label := range []string{"Allow", "Deny"} {
		snap.Elements = append(snap.Elements, pages.Element{Kind: pages.Button, Label: label, Visible: true, Enabled: true, Form: -1})
	}
	snap.Clean()
	return snap, nil
}

// TestHalfAPage: a page whose script asks for one thing after the other is
// looked at when it is whole, and not in the moment between two requests.
func TestHalfAPage(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		name   string
		asking [][2]time.Duration
		boxAt  time.Duration
	}{
		{"one request", [][2]time.Duration{{0, 40 * ms}}, 41 * ms},
		{"two, thirty milliseconds apart", [][2]time.Duration{{0, 40 * ms}, {70 * ms, 110 * ms}}, 111 * ms},
		{"three", [][2]time.Duration{{0, 20 * ms}, {70 * ms, 90 * ms}, {140 * ms, 900 * ms}}, 901 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := Options{Verification: profiles.Verification{}}.WithDefaults()
				r, err := pages.NewRecogniser(o.Verification)
				if err != nil {
					t.Fatal(err)
				}
				page := &staged{began: time.Now(), asking: c.asking, boxAt: c.boxAt}
				v := &visit{TabAgent: &TabAgent{tab: page, recogniser: r, limits: o.Verification.Limits}, j: &transcript.Journey{}, seen: map[string]int{}}
				s := v.settle(t.Context(), nil, nil)
				if s.trouble != nil {
					t.Fatal(s.trouble)
				}
				if s.Role != pages.RoleConsent && s.Role != pages.RoleConfirm {
					t.Fatalf("the page is %q", s.Role)
				}
				if len(s.Elements) != 3 {
					t.Errorf("it was taken for whole after %s, without its box", time.Since(page.began))
				}
			})
		})
	}
}

// slowLogin is a login by script: the page says so at once, and what comes of it
// later.
type slowLogin struct {
	Tab
	began time.Time
	after time.Duration
	then  string // the text; "": the login stays as it is
	role  string // of the page then
}

func (s *slowLogin) Live() bool                   { return true }
func (s *slowLogin) Traffic() (started, open int) { return 1, 0 }

func (s *slowLogin) Look(context.Context) (*pages.Snapshot, error) {
	snap := &pages.Snapshot{URL: "http://idp.test/login", Title: "Login", Mark: "1", Ready: "complete", Scripts: true, Text: "Signing in ..."}
	later := time.Since(s.began) >= s.after
	if later && s.then != "" {
		snap.Text = s.then
	}
	if later && s.role == pages.RoleConsent {
		for _, label := range []string{"Allow", "Deny"} {
			snap.Elements = append(snap.Elements, pages.Element{Kind: pages.Button, Label: label, Visible: true, Enabled: true, Form: -1})
		}
	} else {
		snap.Elements = append(snap.Elements, pages.Element{Kind: pages.TextField, Name: "username", Visible: true, Enabled: true},
			pages.Element{Kind: pages.Password, Name: "password", Visible: true, Enabled: true})
	}
	return snap, nil
}

// TestSlowLogin: a login by script has the time of a step, unless the page says
// that it failed.
func TestSlowLogin(t *testing.T) {
	for _, c := range []struct {
		name       string
		page       slowLogin
		role       string
		from, till time.Duration
	}{
		{"three seconds", slowLogin{after: 3 * time.Second, then: "The app wants access", role: pages.RoleConsent}, pages.RoleConsent, 3 * time.Second, 4 * time.Second},
		{"refused in words", slowLogin{after: time.Second, then: "Incorrect password"}, pages.RoleLogin, time.Second, 3 * time.Second},
		{"never", slowLogin{after: time.Hour}, pages.RoleLogin, 9 * time.Second, 11 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := Options{Verification: profiles.Verification{}}.WithDefaults()
				r, err := pages.NewRecogniser(o.Verification)
				if err != nil {
					t.Fatal(err)
				}
				c.page.began = time.Now()
				before := &pages.Snapshot{URL: "http://idp.test/login", Title: "Login", Mark: "1", Text: "Please log in"}
				before.Elements = []pages.Element{{Kind: pages.TextField, Name: "username", Visible: true, Enabled: true}, {Kind: pages.Password, Name: "password", Visible: true, Enabled: true}}
				v := &visit{TabAgent: &TabAgent{tab: &c.page, recogniser: r, limits: o.Verification.Limits}, j: &transcript.Journey{}, seen: map[string]int{}, loginsSent: 1}
				s := v.settle(t.Context(), r.Recognise(before, ""), nil)
				if took := time.Since(c.page.began); s.trouble != nil || s.Role != c.role || took < c.from || took > c.till {
					t.Errorf("after %s the page is %q: %v", took, s.Role, s.trouble)
				}
			})
		})
	}
}
