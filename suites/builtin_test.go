package suites

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/rules"
)

var update = flag.Bool("update", false, "write the recordings in testdata anew")

// startBuiltin starts the reference server and returns the profile for it.
func startBuiltin(t testing.TB, clockRate float64) *profiles.Profile {
	t.Helper()
	config := fakeidp.DefaultConfig()
	config.ClockRate = clockRate
	server := fakeidp.NewServer(config)
	t.Cleanup(server.Close)
	config = server.Config()
	client, _ := config.Client("device-confidential")
	alice, _ := config.User("alice")
	bob, _ := config.User("bob")
	secrets := map[string]string{
		"DEVICEGRANT_CLIENT_SECRET": client.Secret, "DEVICEGRANT_PASSWORD": alice.Password, "DEVICEGRANT_PASSWORD2": bob.Password,
	}
	p, err := profiles.Load("builtin", profiles.Options{
		Set: []string{"base_url=" + server.URL}, Getenv: func(name string) string { return secrets[name] },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fastClock is the rate at which tests let the reference server live. The
// guard bands do not shrink, so more would not be quicker.
const fastClock = 5

// TestBuiltinConforms runs everything that needs no browser against the
// reference server, judges it, and keeps the recording for the tests of the
// rules when asked to.
func TestBuiltinConforms(t *testing.T) {
	ginkgoRuns.Lock()
	defer ginkgoRuns.Unlock()
	ctx := context.Background()
	s, err := Open(ctx, Options{Profile: startBuiltin(t, fastClock), ClockRate: fastClock, Browser: "none", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.start(ctx)
	for _, r := range rules.Catalogue {
		check := s.judge(r.ID)
		want := rules.Pass
		if r.Wants("browser") {
			want = rules.Skip
		}
		if check.Verdict != want {
			t.Errorf("%s\nwant %s", failure(check), want)
		}
	}
	if !*update {
		return
	}
	recording := rules.Recording{Issuer: s.env.Target.Issuer, Endpoints: s.env.Target.Endpoints, Transcripts: s.runner.Transcripts()}
	b, err := json.MarshalIndent(recording, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("..", "testdata", "recordings", "builtin.json"), append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
