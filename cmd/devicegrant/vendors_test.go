package main

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// vendorRow is one file of testdata/vendors: what a run of a vendor's profile
// against its personality has to find.
type vendorRow struct {
	name string

	Profile     string   `yaml:"profile"`
	Personality string   `yaml:"personality"`
	Set         []string `yaml:"set"`
	// Select leaves checks out. Default: all are run.
	Select []string `yaml:"select"`
	// Driver is who plays the person. Default: the browser.
	Driver string `yaml:"driver"`
	// Scripted says that only a browser gets through the pages.
	Scripted bool `yaml:"scripted"`
	// Consent is when the personality asks. Default: its own.
	Consent fakeidp.Consent `yaml:"consent"`
	// RateLimit replaces the personality's token requests a minute; -1: none.
	RateLimit int `yaml:"rate_limit"`
	// BasePath is what base_url adds to the address of the server.
	BasePath string `yaml:"base_path"`
	Exit     struct {
		With    int `yaml:"with_baseline"`
		Without int `yaml:"without_baseline"`
	} `yaml:"exit"`
	// Deviations are all verdicts that are neither a pass nor n/a, by the id of
	// the deviation that explains them.
	Deviations []struct {
		ID     string `yaml:"id"`
		Checks []struct {
			Check   string `yaml:"check"`
			Verdict string `yaml:"verdict"`
			Code    string `yaml:"code"`
		} `yaml:"checks"`
	} `yaml:"deviations"`
	// Unseen says why the suite does not find the others.
	Unseen   map[string]string `yaml:"unseen"`
	Journeys struct {
		Approve     transcript.Outcome `yaml:"approve"`
		Deny        transcript.Outcome `yaml:"deny"`
		WrongCode   transcript.Outcome `yaml:"wrong_code"`
		FailedLogin transcript.Outcome `yaml:"failed_login"`
	} `yaml:"journeys"`
}

// TestVendors runs the profiles of vendors that have pages, as they are shipped,
// against the vendor's personality in a real browser. The recording is then
// judged once more without the baseline.
func TestVendors(t *testing.T) {
	if raceEnabled {
		t.Skip("the runs are processes of their own, which the race detector does not see; make test has them without it")
	}
	notShort(t, "whole runs in a browser")
	needBrowser(t)
	t.Parallel()
	rows := slices.DeleteFunc(vendorRows(t), func(row vendorRow) bool { return row.Driver != "" })
	for i, row := range rows {
		if !ofEach(t, 6).Has(i) {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.test(t)
		})
	}
}

// TestVendorsByForms runs all that the forms driver gets through, with that:
// these runs wait more than they work, so that they go beside each other. What
// needs a browser is skipped in them.
func TestVendorsByForms(t *testing.T) {
	notShort(t, "whole runs")
	t.Parallel()
	for _, row := range vendorRows(t) {
		if row.Scripted {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.Driver = "forms"
			row.test(t, "--browser", "none", "--set", "verification.drivers=[forms]")
		})
	}
}

func vendorRows(t *testing.T) (rows []vendorRow) {
	t.Helper()
	files, err := filepath.Glob("../../testdata/vendors/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no rows", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		row := vendorRow{name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
		d := yaml.NewDecoder(strings.NewReader(string(text)))
		d.KnownFields(true)
		if err := d.Decode(&row); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		rows = append(rows, row)
	}
	return rows
}

func (row vendorRow) test(t *testing.T, further ...string) {
	server, err := builtin.Start(fakeidp.Config{Personality: row.Personality, TokenRequestsPerMinute: row.RateLimit, Consent: row.Consent})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	out := t.ArtifactDir()
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	args := []string{"run", "--profile", row.Profile, "--out", out, "--unredacted",
		"--set", "base_url=" + server.URL + row.BasePath, "--set", "tls.allow_http=true",
		"--set", "limits.allow_lockouts=true", "--set", "limits.rate=500", "--set", "limits.refresh_grace=2s"}
	for _, s := range row.Set {
		args = append(args, "--set", s)
	}
	args = append(args, further...)
	cmd := exec.CommandContext(ctx, binary(t), append(args, row.Select...)...)
	cmd.Env = os.Environ()
	for name, value := range server.Secrets {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	printed, err := cmd.CombinedOutput()
	result := readResult(t, out)
	if result.ExitCode != row.Exit.With || cmd.ProcessState.ExitCode() != row.Exit.With {
		t.Errorf("with its baseline it ends with %d, want %d: %v\n%s", result.ExitCode, row.Exit.With, err, printed)
	}
	if target := result.Target; target.Kind != "simulated" || !strings.Contains(target.Fidelity, row.Personality) || target.Driver != cmp.Or(row.Driver, "browser") {
		t.Errorf("the target is %+v", target)
	}
	bare, err := suites.Judge(result, report.Policy{}, true)
	if err != nil {
		t.Fatal(err)
	}
	if bare.ExitCode != row.Exit.Without {
		t.Errorf("without its baseline it ends with %d, want %d", bare.ExitCode, row.Exit.Without)
	}
	row.compare(t, bare.Checks)
	row.journeys(t, result)
}

// TestUnattendedService runs the profile of a service whose codes a person
// approves by hand as a nightly job would: at its own pace, with nobody there.
// One of them stands for all: it takes a minute and a half.
func TestUnattendedService(t *testing.T) {
	notShort(t, "a whole run")
	t.Parallel()
	const name = "google"
	server, err := builtin.Start(fakeidp.Config{Personality: name})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	out := t.ArtifactDir()
	cmd := exec.CommandContext(ctx, binary(t), "run", "--profile", name, "--out", out, "--browser", "none",
		"--set", "base_url="+server.URL, "--set", "tls.allow_http=true",
		"--set", "vars.scope=demo:read", "--set", "vars.client=device-confidential")
	cmd.Env = os.Environ()
	for name, value := range server.Secrets {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	printed, err := cmd.CombinedOutput()
	for _, c := range readResult(t, out).Checks {
		switch c.Verdict {
		case rules.Inconclusive:
			if c.ID == "POLL-03" { // a busy machine may not poll fast enough
				continue
			}
			fallthrough
		case rules.Fail, rules.Broken, report.Fixed:
			t.Errorf("%s: %s (%s)", c.ID, c.Verdict, c.Reason)
		}
	}
	if t.Failed() {
		t.Logf("%v\n%s", err, printed)
	}
}

// compare finds verdicts that no deviation explains, and deviations that were
// not found.
func (row vendorRow) compare(t *testing.T, checks []report.Check) {
	type expected struct{ id, verdict, code string }
	want := map[string][]expected{}
	for _, d := range row.Deviations {
		if reason, ok := row.Unseen[d.ID]; ok {
			t.Errorf("%s is both seen and unseen (%s)", d.ID, reason)
		}
		for _, c := range d.Checks {
			want[c.Check] = append(want[c.Check], expected{d.ID, c.Verdict, c.Code})
		}
	}
	for _, c := range checks {
		listed := want[c.ID]
		delete(want, c.ID)
		if c.Verdict == rules.Skip && c.Reason == "--browser none" {
			continue
		}
		deviates := c.Verdict != rules.Pass && c.Verdict != rules.NA && (c.Verdict != rules.Skip || row.Select == nil)
		if len(listed) == 0 && deviates {
			t.Errorf("%s: %s (%s), and no deviation explains it", c.ID, strings.Join(summary(c), "; "), c.Reason)
		}
		for _, w := range listed {
			if string(c.Verdict) != w.verdict ||
				w.code != "" && !slices.ContainsFunc(c.Findings, func(f rules.Finding) bool { return f.Code == w.code }) {
				t.Errorf("%s: %s (%s), want %s %s for %s", c.ID, strings.Join(summary(c), "; "), c.Reason, w.verdict, w.code, w.id)
			}
		}
	}
	for id, list := range want {
		t.Errorf("%s: there is no check %s", list[0].id, id)
	}
}

// summary is a check's verdict with the code of each finding that counts:
// "warn other-error".
func summary(c report.Check) []string {
	list := []string{string(c.Verdict)}
	for _, f := range c.Findings {
		list = append(list, string(c.Verdict)+" "+f.Code)
	}
	return list
}

// journeys looks for visits that ended as they have to.
func (row vendorRow) journeys(t *testing.T, result report.Result) {
	ended := func(goal transcript.Goal, outcome transcript.Outcome) bool {
		return slices.ContainsFunc(result.Scenarios, func(s report.Scenario) bool {
			return slices.ContainsFunc(s.Transcript.Journeys, func(j transcript.Journey) bool {
				return j.Driver == cmp.Or(row.Driver, "browser") && j.Outcome == outcome && (goal == "" || j.Goal == goal)
			})
		})
	}
	for _, want := range []struct {
		goal    transcript.Goal
		outcome transcript.Outcome
	}{
		{transcript.Approve, row.Journeys.Approve}, {transcript.Deny, row.Journeys.Deny},
		{"", row.Journeys.WrongCode}, {"", row.Journeys.FailedLogin},
	} {
		if want.outcome != "" && !ended(want.goal, want.outcome) {
			t.Errorf("no visit %q ended %q", want.goal, want.outcome)
		}
	}
}
