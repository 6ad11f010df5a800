package mutation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/devicegrant/devicegrant/suites/rules"
)

// Mutant is one entry of testdata/mutants.yaml: a fault or a benign variant of
// the reference server, and the verdicts that the suite must give it.
type Mutant struct {
	ID       string        `yaml:"id"`
	Title    string        `yaml:"title"`
	Kind     string        `yaml:"kind"` // fault or benign
	Expected []Expectation `yaml:"expected"`
	Allowed  []Allowance   `yaml:"allowed"`
	Run      Conditions    `yaml:"run"`
}

// Expectation is a check that must get another verdict than for the clean
// server.
type Expectation struct {
	ID string `yaml:"id"`
	// Verdict is the minimum severity: fail, warn, or a changed class: info,
	// na.
	Verdict rules.Verdict `yaml:"verdict"`
}

// Allowance is a check that the same fault also trips, and why.
type Allowance struct {
	ID      string `yaml:"id"`
	Because string `yaml:"because"`
}

// Conditions say how the run of a mutant differs from the others.
type Conditions struct {
	// ClockRate is how many of the server's seconds pass per real second.
	// Default: the engine's.
	ClockRate float64 `yaml:"clock_rate"`
	// Driver browser adds a run in a real browser with the checks that need one
	// and the expected ones. Default forms.
	Driver string `yaml:"driver"`
	// Set are keys of the profile.
	Set map[string]string `yaml:"set"`
	// TLS serves HTTPS.
	TLS bool `yaml:"tls"`
	// Dear says that it takes two minutes; First that it starts before the
	// others, because it takes one.
	Dear  bool `yaml:"dear"`
	First bool `yaml:"first"`
	// Why says in a few words why the run differs.
	Why string `yaml:"why"`
}

// same identifies the runs that share one clean run.
func (r Conditions) same(browser bool) string {
	return fmt.Sprint(r.ClockRate, r.TLS, browser, slices.Sorted(maps.Keys(r.Set)), r.Set)
}

// Read reads the list and rejects entries that are not valid.
func Read(text []byte) ([]Mutant, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var list []Mutant
	if err := d.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("mutants.yaml: %w", err)
	}
	seen := map[string]bool{}
	for _, m := range list {
		switch {
		case m.ID == "" || m.Title == "" || seen[m.ID]:
			return nil, fmt.Errorf("mutants.yaml: %q: each entry needs a unique id and a title", m.ID)
		case m.Kind != "fault" && m.Kind != "benign":
			return nil, fmt.Errorf("mutants.yaml: %s: the kind must be fault or benign, not %q", m.ID, m.Kind)
		case m.Kind == "fault" && len(m.Expected) == 0:
			return nil, fmt.Errorf("mutants.yaml: %s: a fault must trip a check", m.ID)
		}
		seen[m.ID] = true
		for _, e := range m.Expected {
			if !slices.Contains(severities, e.Verdict) {
				return nil, fmt.Errorf("mutants.yaml: %s: %s: the verdict must be fail, warn, info or na, not %q", m.ID, e.ID, e.Verdict)
			}
		}
		for _, a := range m.Allowed {
			if a.Because == "" {
				return nil, fmt.Errorf("mutants.yaml: %s allows %s: a reason is missing", m.ID, a.ID)
			}
		}
	}
	return list, nil
}

// severities in falling order.
var severities = []rules.Verdict{rules.Fail, rules.Warn, rules.Info, rules.NA}

// Choose returns the entries whose ids match one of the patterns (M05, B*), in
// the order of the list; without patterns, all. A pattern without a match is an
// error.
func Choose(all []Mutant, patterns []string) ([]Mutant, error) {
	if len(patterns) == 0 {
		return all, nil
	}
	hit := make([]bool, len(patterns))
	var chosen []Mutant
	for _, m := range all {
		wanted := false
		for i, p := range patterns {
			if ok, err := path.Match(strings.ToUpper(p), strings.ToUpper(m.ID)); ok && err == nil {
				wanted, hit[i] = true, true
			}
		}
		if wanted {
			chosen = append(chosen, m)
		}
	}
	for i, p := range patterns {
		if !hit[i] {
			return nil, fmt.Errorf("there is no mutant %q; devicegrant idp --list-faults lists them", p)
		}
	}
	return chosen, nil
}
