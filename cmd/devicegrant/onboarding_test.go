package main

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/onboarding"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/testdata/targets"
)

// TestOnboarding: two servers that nobody here wrote, from nothing but an issuer,
// a client and a user. The verdicts are those of the profiles that know them.
func TestOnboarding(t *testing.T) {
	notShort(t, "servers of somebody else's, and a browser")
	needBrowser(t)
	t.Parallel()
	for _, test := range []struct {
		name   string
		start  func(testing.TB, targets.Options) *targets.Server
		issuer string
	}{
		{"oidc-provider", targets.OIDCProvider, ""},
		{"glewlwyd", targets.Glewlwyd, "/api/oidc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := test.start(t, targets.Options{Interval: 2})
			getenv := func(name string) string { return server.Env[name] }
			file := filepath.Join(t.TempDir(), "new.yaml")
			if status, _, stderr := devicegrant("profile", "init", "--issuer", server.BaseURL+test.issuer,
				"--client-id", "device-public", "--username", "alice", "--out", file); status != 0 {
				t.Fatalf("profile init: status %d\n%s", status, stderr)
			}
			made, err := profiles.Load(file, profiles.Options{Getenv: getenv})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range onboarding.Preflight(t.Context(), suites.Options{Profile: made, Getenv: getenv}, t.TempDir()) {
				if c.Standing != onboarding.Good && c.Step != "users" {
					t.Errorf("profile check: %+v", c)
				}
			}
			// A server of its own, so that both can run at once.
			twin := test.start(t, targets.Options{Interval: 2, Secrets: server.Env})
			shipped, err := profiles.Load(server.Profile, profiles.Options{Getenv: getenv, Set: []string{"base_url=" + twin.BaseURL}})
			if err != nil {
				t.Fatal(err)
			}
			verdicts := func(p *profiles.Profile) map[string]rules.Verdict {
				result, err := suites.Run(t.Context(), suites.Options{Profile: p, NoBaseline: true, Getenv: getenv,
					Select: []string{"DA-01", "DA-04", "RESP-0*", "META-*", "VERIFY-01", "VERIFY-08", "TOKEN-01", "TOKEN-09", "TOKEN-10"}})
				if err != nil {
					t.Error(err)
				}
				list := map[string]rules.Verdict{}
				for _, c := range result.Checks {
					list[c.ID] = c.Verdict
				}
				return list
			}
			var want map[string]rules.Verdict
			var other sync.WaitGroup
			other.Go(func() { want = verdicts(shipped) })
			mine := verdicts(made)
			other.Wait()
			for id, got := range mine {
				if got != want[id] {
					t.Errorf("%s: %s, with the shipped profile %s", id, got, want[id])
				}
			}
			if want["VERIFY-01"] != rules.Pass {
				t.Errorf("VERIFY-01: %s", want["VERIFY-01"])
			}
		})
	}
}
