package suites

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/extensions/globals"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

// specsOf lists the tree of specs without running it.
func specsOf(t *testing.T, selected []rules.Requirement) types.SpecReports {
	t.Helper()
	ginkgoRuns.Lock()
	defer ginkgoRuns.Unlock()
	globals.Reset()
	defer globals.Reset()
	Register(context.Background(), &Suite{selected: selected})
	var specs types.SpecReports
	for _, s := range ginkgo.PreviewSpecs("preview").SpecReports {
		if s.LeafNodeType == types.NodeTypeIt {
			specs = append(specs, s)
		}
	}
	return specs
}

// TestCatalogueAndSpecsHoldEachOther: each requirement has one spec, in the
// container of its section, and each spec has a requirement.
func TestCatalogueAndSpecsHoldEachOther(t *testing.T) {
	found := map[string]int{}
	for _, spec := range specsOf(t, rules.Catalogue()) {
		id, title, _ := strings.Cut(spec.LeafNodeText, " ")
		found[id]++
		r, ok := rules.Find(id)
		if !ok {
			t.Errorf("the spec %q has no requirement", spec.LeafNodeText)
			continue
		}
		if title != r.Title {
			t.Errorf("%s: title %q, want %q", id, title, r.Title)
		}
		if want := "section " + r.Section + ", "; !strings.HasPrefix(spec.ContainerHierarchyTexts[1], want) {
			t.Errorf("%s stands under %q, want section %s", id, spec.ContainerHierarchyTexts[1], r.Section)
		}
		for _, label := range []string{id, "RFC8628-" + r.Section, strings.ToLower(string(r.Level))} {
			if !slices.Contains(spec.Labels(), label) {
				t.Errorf("%s has no label %s: %v", id, label, spec.Labels())
			}
		}
		if spec.State == types.SpecStatePending {
			t.Errorf("%s is pending", id)
		}
	}
	for _, r := range rules.Catalogue() {
		if found[r.ID] != 1 {
			t.Errorf("%s has %d specs", r.ID, found[r.ID])
		}
	}
}

func TestOnlySelectedRequirementsHaveSpecs(t *testing.T) {
	chosen, err := Select([]string{"3.4"}, "all")
	if err != nil {
		t.Fatal(err)
	}
	if specs := specsOf(t, chosen); len(specs) != len(chosen) {
		t.Errorf("%d specs for %d requirements", len(specs), len(chosen))
	}
}

// TestRulesReadScenariosThatExist also finds a scenario nobody reads.
func TestRulesReadScenariosThatExist(t *testing.T) {
	read := map[string]bool{}
	for _, rule := range rules.All() {
		for _, name := range rule.Reads() {
			read[name] = true
			if _, ok := scenario.ByName(name); !ok {
				t.Errorf("%s reads the scenario %q, which does not exist", rule.ID, name)
			}
		}
	}
	for _, s := range scenario.All() {
		if !read[s.Name] {
			t.Errorf("no rule reads the scenario %q", s.Name)
		}
	}
}
