package scenario

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// TestCeiling: no minute, wherever it begins, has more requests than the
// ceiling, and the ceiling is nearly used. The other endpoint is not held back.
func TestCeiling(t *testing.T) {
	const perMinute = 30
	synctest.Test(t, func(t *testing.T) {
		at := profiles.Endpoints{DeviceAuthorization: "http://x/device", Token: "http://x/token?tenant=a"}
		e := &Environment{Profile: &profiles.Profile{Limits: profiles.Limits{TokenPerMinute: perMinute}}, Target: Target{Endpoints: at}, Clock: NewClock(1)}
		e.setPace()
		var sent []time.Time
		for range 10 * perMinute {
			if err := e.turn(t.Context(), at.Token); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, time.Now())
		}
		for i, from := range sent {
			n := 0
			for _, s := range sent[i:] {
				if s.Sub(from) < time.Minute {
					n++
				}
			}
			if n > perMinute {
				t.Fatalf("%d requests in the minute from request %d on", n, i)
			}
		}
		if took := sent[len(sent)-1].Sub(sent[0]); took > 12*time.Minute {
			t.Errorf("10 minutes' worth of requests took %s", took)
		}
		before := time.Now()
		for range 10 * perMinute {
			if err := e.turn(t.Context(), at.DeviceAuthorization); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(before) > 0 {
			t.Error("the device authorization endpoint has no ceiling, and was held back")
		}
	})
}

// TestHurryIsSkippedUnderACeiling: what depends on its own moments is left out,
// with the key that says why.
func TestHurryIsSkippedUnderACeiling(t *testing.T) {
	e := &Environment{Profile: &profiles.Profile{Limits: profiles.Limits{TokenPerMinute: 30}}, Clock: NewClock(1)}
	r := NewRunner(e)
	r.Start(t.Context(), transcript.Throttle)
	if said := r.Wait(transcript.Throttle); !strings.Contains(said.Skipped, "limits.token_per_minute") || len(said.Exchanges) > 0 {
		t.Errorf("%+v", said)
	}
}

// TestParametersInTheQuery: parameters go where the profile wants them, and a
// secret stays out of the query.
func TestParametersInTheQuery(t *testing.T) {
	secret := profiles.NewSecret("s%cret")
	client := &profiles.Client{ID: "c", Secret: &secret, Auth: profiles.AuthPost}
	form := wire.Form{{Name: "client_id", Value: "c"}, {Name: "scope", Value: "a b"}}
	for _, test := range []struct{ in, url, body string }{
		{"body", "https://x/device?t=1", "client_id=c&scope=a+b&client_secret=s%25cret"},
		{"query", "https://x/device?t=1&client_id=c&scope=a+b", "client_secret=s%25cret"},
	} {
		addition := profiles.Addition{ParamsIn: test.in, Headers: map[string]profiles.Secret{"X-Tenant": profiles.NewSecret("t")}}
		r := withSecret(post("l", "https://x/device?t=1", form, addition), client, profiles.AuthPost)
		if r.URL != test.url || string(r.Body) != test.body || r.Header.Get("X-Tenant") != "t" {
			t.Errorf("%s: %s with the body %q", test.in, r.URL, r.Body)
		}
		bare := post("l", "https://x/device?t=1", form.Add("client_secret", "s%cret"), addition)
		if strings.Contains(bare.URL, "cret") || !strings.Contains(string(bare.Body), "client_secret=s%25cret") {
			t.Errorf("%s: %s with the body %q", test.in, bare.URL, bare.Body)
		}
	}
}
