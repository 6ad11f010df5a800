package suites

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

var (
	update        = flag.Bool("update", false, "write the recordings in testdata anew")
	withBrowser   = flag.Bool("record-browser", false, "with -update: play the person with a real browser, as the recordings of attacks need")
	onlyScenarios = flag.String("scenarios", "", "with -update: write only these, separated by commas")
)

// recordedAddress is where the reference server listens when it is recorded, so
// that recordings of different days fit together.
const recordedAddress = "127.0.0.1:18628"

// startBuiltin starts the reference server and returns the profile for it.
func startBuiltin(t testing.TB, clockRate float64) *profiles.Profile {
	t.Helper()
	config := fakeidp.DefaultConfig()
	config.ClockRate = clockRate
	address := "127.0.0.1:0"
	if *update {
		address = recordedAddress
	}
	server, err := fakeidp.Start(config, address, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	config = server.Config()
	client, _ := config.Client("device-confidential")
	alice, _ := config.User("alice")
	bob, _ := config.User("bob")
	carol, _ := config.User("carol")
	beta, _ := config.Tenant("/orgs/beta")
	secrets := map[string]string{
		"DEVICEGRANT_CLIENT_SECRET": client.Secret, "DEVICEGRANT_PASSWORD": alice.Password, "DEVICEGRANT_PASSWORD2": bob.Password,
		"DEVICEGRANT_PASSWORD3": carol.Password, "DEVICEGRANT_PASSWORD4": beta.Users[0].Password,
	}
	p, err := profiles.Load("builtin", profiles.Options{
		// Small races and a small fleet, for recordings that can be read.
		Set: []string{"base_url=" + server.URL, "limits.race_width=5", "limits.race_rounds=4", "limits.load_devices=10"}, Getenv: func(name string) string { return secrets[name] },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fastClock is the rate at which tests let the reference server live. The
// guard bands do not shrink, so more would not be quicker.
const fastClock = 5

// cleanVerdicts are those of the reference server where they are not pass.
var cleanVerdicts = map[string]rules.Verdict{
	"POLL-19": rules.Info, // what becomes of a lost answer is measured
	"LOAD-02": rules.Info, // figures
	"SEC-01":  rules.NA,   // it listens on http, which the profile allows on loopback
}

// TestBuiltinConforms runs everything that needs no browser against the
// reference server, judges it, and keeps the recording for the tests of the
// rules when asked to.
func TestBuiltinConforms(t *testing.T) {
	ginkgoRuns.Lock()
	defer ginkgoRuns.Unlock()
	ctx := context.Background()
	browser := "none"
	if *withBrowser {
		browser = "auto"
	}
	s, err := Open(ctx, Options{Profile: startBuiltin(t, fastClock), ClockRate: fastClock, Browser: browser, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.start(ctx)
	for _, r := range rules.Catalogue {
		check := s.judge(r.ID)
		want := rules.Pass
		switch v, ok := cleanVerdicts[r.ID]; {
		case r.Wants("browser") && !*withBrowser:
			want = rules.Skip
		case ok:
			want = v
		}
		if check.Verdict != want {
			t.Errorf("%s\nwant %s", failure(check), want)
		}
	}
	if !*update {
		return
	}
	for _, said := range s.runner.Transcripts() {
		if *onlyScenarios != "" && !slices.Contains(strings.Split(*onlyScenarios, ","), said.Scenario) {
			continue
		}
		recording := rules.Recording{Issuer: s.env.Target.Issuer, Endpoints: s.env.Target.Endpoints, Transcripts: []transcript.Transcript{said}}
		b, err := json.MarshalIndent(recording, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("..", "testdata", "recordings", "builtin", strings.ReplaceAll(said.Scenario, " ", "-")+".json")
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
