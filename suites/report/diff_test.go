package report

import (
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// verdict makes a check: "fail a b" fails with two findings, "" is absent.
func verdict(s string) (c Check) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return c
	}
	c = Check{ID: "ERR-01", Level: rules.Should, Verdict: rules.Verdict(words[0])}
	for _, code := range words[1:] {
		c.Findings = append(c.Findings, rules.Finding{Code: code, Severity: c.Verdict})
	}
	return c
}

func TestDiff(t *testing.T) {
	for _, x := range []struct {
		was, is string
		want    Class
		policy  Policy
	}{
		{"pass", "pass", "", Policy{}},
		{"pass", "fail a", New, Policy{}},
		{"known", "fail a", New, Policy{}},
		{"na", "fail a", New, Policy{}},
		{"warn a", "fail a", New, Policy{}},
		{"inconclusive", "fail a", New, Policy{}},
		{"skip", "fail a", New, Policy{}},
		{"", "fail a", New, Policy{}},
		{"pass", "inconclusive", New, Policy{}},
		{"pass", "inconclusive", Changed, Policy{AllowInconclusive: true}},
		{"pass", "error", New, Policy{}},
		{"known", "fixed", New, Policy{}},
		{"fail a", "fail a", "", Policy{}},
		{"fail b a", "fail a b", "", Policy{}},
		{"fail a", "fail a b", New, Policy{}},
		{"fail a b", "fail a", Changed, Policy{}},
		{"fail a", "inconclusive", Changed, Policy{}},
		{"fail a", "pass", Mended, Policy{}},
		{"fail a", "known", Mended, Policy{}},
		{"fail a", "warn a", New, Policy{Strict: true}},
		{"inconclusive", "pass", Mended, Policy{}},
		{"pass", "warn a", Changed, Policy{}},
		{"pass", "warn a", New, Policy{Strict: true}},
		{"warn a", "pass", Changed, Policy{}},
		{"warn a", "warn b", Changed, Policy{}},
		{"pass", "na", Changed, Policy{}},
		{"pass", "skip", Lost, Policy{}},
		{"pass", "", Lost, Policy{}},
		{"fail a", "skip", Lost, Policy{}},
		{"skip", "pass", Appeared, Policy{}},
		{"", "info", Appeared, Policy{}},
		{"skip", "skip", "", Policy{}},
		{"skip", "", "", Policy{}},
	} {
		list := func(s string) (all []Check) {
			if s != "" {
				all = append(all, verdict(s))
			}
			return all
		}
		d := Diff(Result{Checks: list(x.was)}, Result{Checks: list(x.is), Policy: x.policy})
		got := Class("")
		if len(d.Changes) == 1 {
			got = d.Changes[0].Class
			if d.Changes[0].ID != "ERR-01" {
				t.Errorf("%s -> %s has no id", x.was, x.is)
			}
		}
		if got != x.want {
			t.Errorf("%s -> %s: %q, want %q", x.was, x.is, got, x.want)
		}
	}
}

func TestDiffNotes(t *testing.T) {
	d := Diff(Result{Target: Target{Name: "a", Kind: "real"}, Tool: Tool{"1"}}, Result{Target: Target{Name: "b", Kind: "simulated", Version: "2"}, Tool: Tool{"1"}, Interrupted: true})
	if got := strings.Join(d.Notes, "; "); got != "the server: was a, is b; the kind of server: was real, is simulated; the version: was none, is 2; the new run was interrupted and is incomplete" {
		t.Error(got)
	}
}

// TestLastDay: an entry holds on its last day, in UTC, and not a moment longer.
func TestLastDay(t *testing.T) {
	entry := profiles.Deviation{Check: "ERR-01", Code: "a", Expect: "fail", Reason: "r", Until: "2027-01-31", File: "b.yaml", Line: 7}
	for _, x := range []struct {
		now   string
		check string
		want  rules.Verdict
		stale string
	}{
		{"2027-01-31T23:59:59Z", "fail a", Known, ""},
		{"2027-02-01T00:30:00+01:00", "fail a", Known, ""},
		{"2027-02-01T00:00:00Z", "fail a", rules.Fail, "its last day was 2027-01-31"},
		{"2027-02-01T00:00:00Z", "pass", Fixed, "its last day was 2027-01-31"},
		{"2027-01-31T00:00:00Z", "pass", Fixed, "the expected fail no longer occurs"},
		{"2027-01-31T00:00:00Z", "fail a b", rules.Fail, ""},
		{"2027-02-01T00:00:00Z", "skip", rules.Skip, ""},
	} {
		now, err := time.Parse(time.RFC3339, x.now)
		if err != nil {
			t.Fatal(err)
		}
		got := ApplyBaseline([]Check{verdict(x.check)}, []profiles.Deviation{entry}, now)[0]
		stale := ""
		if len(got.Stale) > 0 {
			stale = got.Stale[0].Why
			if got.Stale[0].File != "b.yaml" || got.Stale[0].Line != 7 {
				t.Errorf("%+v", got.Stale[0])
			}
		}
		if got.Verdict != x.want || stale != x.stale {
			t.Errorf("%s at %s: %s (%s), want %s (%s)", x.check, x.now, got.Verdict, stale, x.want, x.stale)
		}
	}
	all := ApplyBaseline([]Check{verdict("pass")}, []profiles.Deviation{entry, {Check: "ERR-01", Code: "b", Line: 9}}, time.Time{})[0]
	if len(all.Stale) != 2 {
		t.Errorf("of two stale entries: %+v", all.Stale)
	}
}

// TestProposed: what is proposed makes the run end 0.
func TestProposed(t *testing.T) {
	for _, p := range []Policy{{}, {Strict: true}} {
		r := Result{Policy: p, Checks: []Check{verdict("fail a b a"), verdict("warn c"), verdict("inconclusive"), verdict("pass")}}
		for i := range r.Checks {
			r.Checks[i].ID = []string{"ERR-01", "ERR-02", "ERR-03", "ERR-04"}[i]
		}
		r.Checks = ApplyBaseline(r.Checks, Proposed(r), time.Now())
		if code := ExitCode(r, p); code != ExitConforming {
			t.Errorf("%+v: exit %d with %+v", p, code, Proposed(r))
		}
	}
}
