package suites

import (
	"context"
	"fmt"
	"slices"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	"github.com/onsi/gomega"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// Register builds the tree of specs for a suite: one container for each RFC
// section, one spec for each selected requirement. The scenarios run under ctx
// and start when the suite does.
func Register(ctx context.Context, s *Suite) {
	ginkgo.BeforeSuite(func() {
		config, _ := ginkgo.GinkgoConfiguration()
		if config.ParallelTotal > 1 {
			ginkgo.AbortSuite("run this suite without -p: each process would start every scenario, and scenarios already run in parallel")
		}
		s.narrow(config.LabelFilter)
		s.start(ctx)
	})
	// One container around all: Ginkgo shuffles containers at the top level,
	// and a report is read in the order of the sections.
	ginkgo.Describe("RFC 8628", ginkgo.Ordered, ginkgo.ContinueOnFailure, func() {
		for _, section := range rules.Sections() {
			ginkgo.Describe("section "+section.Number+", "+section.Title+": "+section.Binds, func() {
				for _, r := range s.selected {
					if r.Section == section.Number {
						s.spec(r)
					}
				}
			})
		}
	})
}

// narrow drops the checks that Ginkgo's own label filter leaves out, so that
// their scenarios are not run for nothing.
func (s *Suite) narrow(filter string) {
	if filter == "" {
		return
	}
	keep, err := types.ParseLabelFilter(filter)
	if err != nil {
		return // Ginkgo refuses the filter itself
	}
	s.selected = slices.DeleteFunc(slices.Clone(s.selected), func(r rules.Requirement) bool {
		return !keep(ginkgoLabels(r))
	})
}

func ginkgoLabels(r rules.Requirement) []string {
	return append(labels(r), r.ID, "RFC8628-"+r.Section)
}

// spec makes the spec of one requirement.
func (s *Suite) spec(r rules.Requirement) {
	ginkgo.It(r.ID+" "+r.Title, ginkgo.Label(ginkgoLabels(r)...), func() {
		check := s.judge(r.ID)
		ginkgo.AddReportEntry("check", check, ginkgo.ReportEntryVisibilityNever)
		switch check.Verdict {
		case rules.Skip, rules.NA:
			ginkgo.Skip(string(check.Verdict) + ": " + check.Reason)
		}
		gomega.Expect(check).To(conform(s.options.Policy))
	})
}

// conform matches a check that does not turn the run red.
func conform(p report.Policy) gomega.OmegaMatcher { return conformMatcher{p} }

type conformMatcher struct{ policy report.Policy }

func (m conformMatcher) Match(actual any) (bool, error) {
	check, ok := actual.(report.Check)
	if !ok {
		return false, fmt.Errorf("conform needs a report.Check, not %T", actual)
	}
	code := report.ExitCode(report.Result{Checks: []report.Check{check}}, m.policy)
	return code == report.ExitConforming, nil
}

func (m conformMatcher) FailureMessage(actual any) string {
	return failure(actual.(report.Check))
}

func (m conformMatcher) NegatedFailureMessage(actual any) string {
	return actual.(report.Check).ID + " conforms"
}
