package suites

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/scenario"
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

// startBuiltin starts the reference server for a test and returns the profile
// for it.
func startBuiltin(t testing.TB, clockRate float64) *profiles.Profile {
	t.Helper()
	server, p, err := launchBuiltin(clockRate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return p
}

func launchBuiltin(clockRate float64) (*fakeidp.Server, *profiles.Profile, error) {
	config := fakeidp.DefaultConfig()
	config.ClockRate = clockRate
	address := "127.0.0.1:0"
	if *update {
		address = recordedAddress
	}
	key, err := builtin.KeyedClient(&config, "")
	if err != nil {
		return nil, nil, err
	}
	server, err := fakeidp.Start(config, address, "")
	if err != nil {
		return nil, nil, err
	}
	config = server.Config()
	client, _ := config.Client("device-confidential")
	alice, _ := config.User("alice")
	bob, _ := config.User("bob")
	carol, _ := config.User("carol")
	beta, _ := config.Tenant("/orgs/beta")
	secrets := map[string]string{
		"DEVICEGRANT_CLIENT_SECRET": client.Secret, "DEVICEGRANT_PASSWORD": alice.Password, "DEVICEGRANT_PASSWORD2": bob.Password,
		"DEVICEGRANT_PASSWORD3": carol.Password, "DEVICEGRANT_PASSWORD4": beta.Users[0].Password, "DEVICEGRANT_CLIENT_KEY": key,
	}
	p, err := profiles.Load("builtin", profiles.Options{
		// Small races and a small fleet, for recordings that can be read.
		Set: []string{"base_url=" + server.URL, "limits.race_width=5", "limits.race_rounds=4", "limits.load_devices=10"}, Getenv: func(name string) string { return secrets[name] },
	})
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	return server, p, nil
}

// fastClock is the rate at which tests let the reference server live. The
// guard bands do not shrink, so more would not be quicker.
const fastClock = 5

// cleanVerdicts are those of the reference server where they are not pass.
var cleanVerdicts = map[string]rules.Verdict{
	"POLL-19": rules.Info, // what becomes of a lost answer is measured
	"LOAD-02": rules.Info, // figures
	"SEC-01":  rules.NA,   // it listens on http, which the profile allows on loopback
	"EXT-08":  rules.NA,   // and nobody shows a certificate there
}

// notInCheck skips what make check has no time for.
func notInCheck(t *testing.T, why string) {
	t.Helper()
	if testing.Short() {
		t.Skip("not in make check: " + why)
	}
}

// whole is one run of everything that needs no browser against the reference
// server, with what all tests of a whole run look at: such a run waits for a
// quarter of a minute.
type whole struct {
	checks      map[string]report.Check
	transcripts []transcript.Transcript
	target      scenario.Target
	// The results of the same run, with secrets and without.
	redacted, unredacted report.Result
}

func wholeRun(t *testing.T) whole {
	t.Helper()
	notInCheck(t, "it is a whole run")
	w, err := runWhole()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var runWhole = sync.OnceValues(func() (w whole, err error) {
	server, profile, err := launchBuiltin(fastClock)
	if err != nil {
		return w, err
	}
	defer server.Close()
	browser := "none"
	if *withBrowser {
		browser = "auto"
	}
	ctx := context.Background()
	s, err := Open(ctx, Options{Profile: profile, ClockRate: fastClock, Browser: browser, Seed: 1})
	if err != nil {
		return w, err
	}
	defer s.Close()
	s.start(ctx)
	w.checks = map[string]report.Check{}
	for _, r := range rules.Catalogue() {
		w.checks[r.ID] = s.judge(r.ID)
	}
	w.transcripts, w.target = s.runner.Transcripts(), s.env.Target
	w.redacted = s.Result(ctx)
	// What Open does for the option: nothing else depends on it.
	s.options.Unredacted, s.redactor = true, redact.None()
	w.unredacted = s.Result(ctx)
	return w, nil
})

// TestBuiltinConforms runs everything that needs no browser against the
// reference server, judges it, and keeps the recording for the tests of the
// rules when asked to.
func TestBuiltinConforms(t *testing.T) {
	t.Parallel()
	run := wholeRun(t)
	for _, r := range rules.Catalogue() {
		check := run.checks[r.ID]
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
	for _, said := range run.transcripts {
		if *onlyScenarios != "" && !slices.Contains(strings.Split(*onlyScenarios, ","), said.Scenario) {
			continue
		}
		recording := rules.Recording{Issuer: run.target.Issuer, Endpoints: run.target.Endpoints, Transcripts: []transcript.Transcript{said}}
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
