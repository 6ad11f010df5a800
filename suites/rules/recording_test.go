package rules

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// recorded is what the reference server said to every scenario. It is a
// throw-away server, so nothing in the files is secret. To write them anew:
//
//	go test ./suites -run TestBuiltinConforms -update
//	go test ./suites -run TestBuiltinConforms -update -scenarios "races,expiry"
func recorded(t testing.TB) Evidence {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "recordings", "builtin", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	var r Recording
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var one Recording
		if err := json.Unmarshal(b, &one); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		r.Issuer, r.Endpoints, r.Transcripts = one.Issuer, one.Endpoints, append(r.Transcripts, one.Transcripts...)
	}
	yes := true
	secret := profiles.NewSecret("not looked at")
	return r.Evidence(&profiles.Profile{
		Clients: profiles.Clients{
			Public:       &profiles.Client{ID: "device-public", Name: "Living Room TV"},
			Second:       &profiles.Client{ID: "device-second"},
			Confidential: &profiles.Client{ID: "device-confidential", Name: "Meeting Room Screen", Secret: &secret, Auth: profiles.AuthBasic},
			NotAllowed:   &profiles.Client{ID: "no-device", Secret: &secret, Auth: profiles.AuthBasic},
			Reserved:     &profiles.Client{ID: "device:100% a+b", Secret: &secret, Auth: profiles.AuthBasic},
		},
		ForbiddenScope: "demo:admin",
		Users: profiles.Users{
			First: &profiles.User{Username: profiles.NewSecret("alice")}, Second: &profiles.User{Username: profiles.NewSecret("bob")},
			Wrong: &profiles.User{},
		},
		Verification: profiles.Verification{Narrow: &profiles.Narrow{Scope: "demo:read"}},
		TLS:          profiles.TLS{AllowHTTP: true},
		Capabilities: profiles.Capabilities{
			Deny: &yes, PKCE: &yes, DPoP: &yes, Resource: "https://api.demo.test/",
			AuthorizationDetails: `[{"type": "demo_access", "actions": ["read"]}]`,
		},
		Tenant: &profiles.Tenant{Issuer: r.Issuer + "/orgs/beta", Clients: profiles.TenantClients{Public: &profiles.Client{ID: "beta-device"}}},
	})
}

// clone is a copy that a test may change. Bodies are shared: an edit replaces
// them.
func clone(t testing.TB, e Evidence) Evidence {
	t.Helper()
	copied := e
	copied.Transcripts = map[string]transcript.Transcript{}
	profile := *e.Profile
	copied.Profile = &profile
	for name, said := range e.Transcripts {
		said.Exchanges = slices.Clone(said.Exchanges)
		for i := range said.Exchanges {
			x := &said.Exchanges[i]
			x.Request.Header = x.Request.Header.Clone()
			if x.Response != nil {
				x.Response = &wire.Message{Header: x.Response.Header.Clone(), Body: x.Response.Body}
			}
		}
		// Everything else is deeper, and little.
		exchanges := said.Exchanges
		said.Exchanges = nil
		b, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		var c transcript.Transcript
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		c.Exchanges = exchanges
		copied.Transcripts[name] = c
	}
	return copied
}
