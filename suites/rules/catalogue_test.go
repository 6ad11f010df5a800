package rules

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCatalogueAndRulesHoldEachOther: a requirement without a rule would never
// be judged, and a rule without a requirement has nothing to cite.
func TestCatalogueAndRulesHoldEachOther(t *testing.T) {
	entries, lists := map[string]int{}, map[string]int{}
	for _, r := range catalogue {
		entries[r.ID]++
	}
	for _, r := range registry {
		lists[r.ID]++
	}
	for id, n := range entries {
		switch {
		case n > 1:
			t.Errorf("requirements.yaml has %d entries %s", n, id)
		case lists[id] == 0:
			t.Errorf("%s has an entry in requirements.yaml and no rule: list it in the section_*.go of its section, and that list in rules.go", id)
		case lists[id] > 1:
			t.Errorf("%s is listed %d times in section_*.go", id, lists[id])
		}
	}
	for id := range lists {
		if entries[id] == 0 {
			t.Errorf("%s has a rule and no entry in requirements.yaml", id)
		}
	}
}

func TestCatalogueIsComplete(t *testing.T) {
	id := regexp.MustCompile(`^[A-Z]+-\d\d$`)
	levels := []Level{Must, Should, May, Defined, Implied, NonNorm, Hygiene}
	needs := []string{"person", "browser", "pages", "interval", "expiry", "confidential", "keyed"}
	for _, r := range catalogue {
		if !id.MatchString(r.ID) {
			t.Errorf("id %q", r.ID)
		}
		if !slices.ContainsFunc(Sections(), func(s Section) bool { return s.Number == r.Section }) {
			t.Errorf("%s: section %q is none of the suite's", r.ID, r.Section)
		}
		if !slices.Contains(levels, r.Level) {
			t.Errorf("%s: level %q", r.ID, r.Level)
		}
		if !slices.Contains([]string{"D0", "D1", "D2", "D3"}, r.Impact) {
			t.Errorf("%s: impact %q", r.ID, r.Impact)
		}
		for _, n := range r.Needs {
			if !slices.Contains(needs, n) {
				t.Errorf("%s: need %q", r.ID, n)
			}
		}
		if !strings.Contains(r.Source, "section") && !strings.Contains(r.Source, "appendix") {
			t.Errorf("%s: source %q cites no section", r.ID, r.Source)
		}
		if len(r.Title) > 78 || strings.HasSuffix(r.Title, ".") {
			t.Errorf("%s: title %q", r.ID, r.Title)
		}
		if len(r.Why) < 60 {
			t.Errorf("%s: why %q", r.ID, r.Why)
		}
	}
}
