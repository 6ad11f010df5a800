package fakeidp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFaultsAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Faults() {
		for _, name := range []string{f.ID, f.Name} {
			if name == "" || seen[strings.ToUpper(name)] || strings.ContainsAny(name, " =,") {
				t.Errorf("%+v: the name %q is empty, taken, or no name", f, name)
			}
			seen[strings.ToUpper(name)] = true
		}
		if f.Title == "" || strings.HasSuffix(f.Title, ".") || f.Kind != Defect && f.Kind != Benign {
			t.Errorf("%+v", f)
		}
		if f.Kind == Benign != strings.HasPrefix(f.ID, "B") {
			t.Errorf("%s is %s", f.ID, f.Kind)
		}
	}
}

// TestFaultsOfOneClient: what is switched on for one client does not touch
// another, and off is off.
func TestFaultsOfOneClient(t *testing.T) {
	p, clock := newTestIdP(t, func(*Config) {})
	answers := func(client string) string {
		g, ok := p.issue(p.clients[client], []string{"openid"}, asked{})
		if !ok {
			t.Fatal("no code")
		}
		if err := p.Deny(g.deviceCode); err != nil {
			t.Fatal(err)
		}
		a, _ := g.poll(clock.Now().Add(time.Second))
		return a.String()
	}
	if err := p.SetFaults("device-second", "denial-is-lost"); err != nil {
		t.Fatal(err)
	}
	if got := answers("device-second"); got != "authorization_pending" {
		t.Errorf("the faulty client hears %s", got)
	}
	if got := answers("device-public"); got != "access_denied" {
		t.Errorf("another client hears %s", got)
	}
	if err := p.SetFaults("", "M17"); err != nil {
		t.Fatal(err)
	}
	if got := answers("device-public"); got != "authorization_pending" {
		t.Errorf("with the fault for everybody: %s", got)
	}
	if got := p.ActiveFaults(); !slices.Equal(got[""], []string{"M17"}) || !slices.Equal(got["device-second"], []string{"M17"}) {
		t.Errorf("active: %v", got)
	}
	if p.SetFaults("") != nil || p.SetFaults("device-second") != nil || p.faults.Load() != nil {
		t.Errorf("not off: %v", p.ActiveFaults())
	}
	if got := answers("device-second"); got != "access_denied" {
		t.Errorf("afterwards: %s", got)
	}
	if p.SetFaults("", "nonsense") == nil || p.SetFaults("nobody", "M17") == nil {
		t.Error("an unknown fault or client is taken")
	}
}

// TestEveryFaultServes: with each of the faults on, the endpoints still answer
// something, and do not fall over.
func TestEveryFaultServes(t *testing.T) {
	t.Parallel()
	for _, f := range Faults() {
		t.Run(f.ID, func(t *testing.T) {
			config := DefaultConfig()
			config.Faults = []string{f.ID}
			server, err := Start(config, "127.0.0.1:0", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			var asking sync.WaitGroup // all at once: some faults take their time
			for _, path := range []string{"/device", "/.well-known/openid-configuration", "/jwks", "/device?user_code=BCDF-GHJK"} {
				asking.Go(func() {
					if resp, err := server.Client().Get(server.URL + path); err == nil {
						resp.Body.Close()
					}
				})
			}
			for _, form := range []url.Values{{"client_id": {"device-public"}}, {}, {"client_id": {"device-public"}, "grant_type": {grantTypeDevice}, "device_code": {"x"}}} {
				for _, path := range []string{"/device_authorization", "/token", "/introspect", "/revoke"} {
					asking.Go(func() {
						if resp, err := server.Client().Post(server.URL+path, formType, strings.NewReader(form.Encode())); err == nil {
							resp.Body.Close()
						}
					})
				}
			}
			asking.Wait()
			resp, err := http.Get(server.ControlURL + "/health")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("the server is gone: %v", err)
			}
		})
	}
}
