package scenario

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// meantInURL are the exchanges that put into a URL what does not belong there,
// since that is their theme.
var meantInURL = map[string][]string{
	transcript.DeviceErrors:   {"query/secret"},
	transcript.TokenTransport: {"secret/query", "method/GET", "query/code"},
}

// clientOf is the client that a request is from, by its header or else its
// parameters, and the secret that it shows.
func clientOf(x wire.Exchange) (id, secret string) {
	form := x.Form()
	if u, err := url.Parse(x.URL); err == nil {
		for name, values := range u.Query() {
			form[name] = append(form[name], values...)
		}
	}
	id, secret = form.Get("client_id"), form.Get("client_secret")
	if value, ok := strings.CutPrefix(x.Request.Header.Get("Authorization"), "Basic "); ok {
		for known, proof := range secretOf {
			if value == strings.TrimPrefix(wire.BasicAuth(known, proof), "Basic ") {
				return known, proof
			}
		}
		if strings.HasSuffix(x.Label, "/failed basic") {
			return "", "" // of a client that does not exist: no account is locked
		}
		return id, "another one"
	}
	return id, secret
}

// TestSecretsStayWhereTheyBelong: in every scenario, a password is in no
// request and in no record; a client's secret goes to the target's own
// endpoints, over TLS where there is any, and in no URL; device codes and tokens
// go to the endpoints that take them, and to no page.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	for name := range told {
		t.Run(name, func(t *testing.T) {
			g := usual(name)
			said := g.one(t, name)
			record, err := json.Marshal(said)
			if err != nil {
				t.Fatal(err)
			}
			for who, password := range passwords {
				if strings.Contains(string(record), password) {
					t.Errorf("the password of %s is in the record", who)
				}
			}
			var issued []string
			for device := range g.at.codes {
				issued = append(issued, device)
			}
			for token := range g.at.tokens {
				issued = append(issued, token)
			}
			for _, x := range said.Exchanges {
				u, err := url.Parse(x.URL)
				if err != nil {
					t.Fatal(err)
				}
				header, _ := json.Marshal(x.Request.Header)
				all := x.URL + "\n" + string(header) + "\n" + string(x.Request.Body)
				place := strings.TrimPrefix(u.Path, "/there")
				meant := false
				for _, label := range meantInURL[name] {
					meant = meant || x.Label == label
				}
				for _, secret := range append(issued, secretBox, secretNope, secretOdd) {
					if strings.Contains(x.URL, secret) && !meant {
						t.Errorf("%s: %q is in the URL", x.Label, secret)
					}
					if strings.Contains(all, secret) && (place == "/activate" || place == "/jwks" || place == "/device" && strings.Contains(secret, "-Code-") || strings.Contains(place, "well-known")) {
						t.Errorf("%s: %s got %q", x.Label, place, secret)
					}
					if strings.Contains(all, secret) && u.Scheme != strings.SplitN(g.at.base, ":", 2)[0] {
						t.Errorf("%s: %q goes out in the clear", x.Label, secret)
					}
				}
				if _, secret := clientOf(x); secret != "" && strings.HasPrefix(u.Path, "/there") {
					t.Errorf("%s: the other tenant got a secret", x.Label)
				}
				for token, what := range g.at.tokens {
					if strings.Contains(all, token) && what.refresh && place != "/token" && place != "/revoke" {
						t.Errorf("%s: %s got a refresh token", x.Label, place)
					}
				}
			}
		})
	}
}

// TestOnlyRightSecrets: the secret that a request shows is its client's own,
// but for those whose theme is a wrong one.
func TestOnlyRightSecrets(t *testing.T) {
	wrong := map[string]string{
		transcript.ClientErrors:   "wrong/device wrong/token wrong/body wrong/basic",
		transcript.UnprovenClient: "confidential/wrong",
	}
	for name := range told {
		t.Run(name, func(t *testing.T) {
			seen := ""
			for _, x := range usual(name).one(t, name).Exchanges {
				if id, secret := clientOf(x); secret != "" && secret != secretOf[id] {
					seen += x.Label + " "
				}
			}
			if strings.TrimSpace(seen) != wrong[name] {
				t.Errorf("wrong secrets in %q, want %q", seen, wrong[name])
			}
		})
	}
}

// TestPersonsLookForDeviceCodes: every person watches for the device code, and
// types it only where that is the theme.
func TestPersonsLookForDeviceCodes(t *testing.T) {
	for name := range told {
		t.Run(name, func(t *testing.T) {
			g := usual(name)
			g.one(t, name)
			for _, e := range g.by.done {
				watched := map[string]string{}
				for _, n := range e.task.Watch {
					watched[n.Name] = n.Value
				}
				if g.at.codes[watched["device_code"]] == nil || watched["client_secret of box"] != secretBox || watched["client_secret of nope"] != secretNope {
					t.Errorf("%s: watches for %v", e.task.Name, watched)
				}
				if g.at.codes[e.task.UserCode] != nil != (e.task.Name == "device code typed") {
					t.Errorf("%s: types %q", e.task.Name, e.task.UserCode)
				}
				for device := range g.at.codes {
					if strings.Contains(e.task.Start+e.task.Complete, device) {
						t.Errorf("%s: starts at %s", e.task.Name, e.task.Start)
					}
				}
			}
		})
	}
}

// TestLockoutsNeedLeave: what may lock a client, an account or an address
// happens only where limits.allow_lockouts is set. Nothing else depends on it.
func TestLockoutsNeedLeave(t *testing.T) {
	skipped := map[string]string{
		transcript.ClientErrors: "a wrong secret may lock the client", transcript.HostileSizes: "may raise alarms", transcript.Guessing: "many wrong user codes",
	}
	without := map[string]string{
		transcript.DeviceErrors:   "control/confidential, query/no secret, query/secret",
		transcript.TokenTransport: "secret/device, secret/none, secret/query, secret/right",
		transcript.UnprovenClient: "confidential/wrong",
	}
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			g := usual(s.Name)
			g.profile = func(p *profiles.Profile) { p.Limits.AllowLockouts = false }
			said := g.one(t, s.Name)
			if why := skipped[s.Name]; why != "" {
				if !strings.Contains(said.Skipped, why) || !strings.Contains(said.Skipped, "limits.allow_lockouts") || len(said.Exchanges)+len(said.Journeys) > 0 {
					t.Errorf("%q after %d exchanges", said.Skipped, len(said.Exchanges))
				}
				return
			}
			want := told[s.Name]
			for _, label := range stories(without[s.Name])[0] {
				want.labels = strings.ReplaceAll(want.labels, ", "+label+",", ",")
			}
			if s.Name == transcript.WrongUserCodes {
				want.journeys = strings.ReplaceAll(want.journeys, ", first character changed, last character changed", "")
			}
			want.check(t, said)
			for _, x := range said.Exchanges {
				if id, secret := clientOf(x); secret != "" && secret != secretOf[id] || strings.Contains(x.URL, "client_secret") {
					t.Errorf("%s has a wrong secret, or one in its URL", x.Label)
				}
			}
		})
	}
}
