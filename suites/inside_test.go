package suites

import (
	"context"
	"fmt"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/extensions/globals"
	"github.com/onsi/gomega"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/report"
)

// TestRunInsideASuite: a spec of somebody's own Ginkgo suite judges a server, and
// the suite goes on as if nothing had happened.
func TestRunInsideASuite(t *testing.T) {
	profile := startBuiltin(t, fastClock)
	ginkgoRuns.Lock()
	defer ginkgoRuns.Unlock()
	globals.Reset()
	defer globals.Reset()
	defer func(was gomega.Gomega) { gomega.Default = was }(gomega.Default)
	gomega.RegisterFailHandler(ginkgo.Fail)
	handler := gomega.Default

	var told []string
	ginkgo.Describe("somebody's own suite", ginkgo.Ordered, func() {
		ginkgo.It("judges the server", func() {
			result, err := Run(context.Background(), Options{Profile: profile, ClockRate: fastClock, Browser: "none", Select: []string{"DA-01"}})
			gomega.Expect(err).NotTo(gomega.HaveOccurred())
			gomega.Expect(result.Counts.Pass).To(gomega.Equal(1))
			told = append(told, "judged")
		})
		ginkgo.It("still fails where it should", func() {
			gomega.Expect(gomega.InterceptGomegaFailures(func() { gomega.Expect(1).To(gomega.Equal(2)) })).To(gomega.HaveLen(1))
			gomega.Expect(ginkgo.CurrentSpecReport().LeafNodeText).To(gomega.Equal("still fails where it should"))
			told = append(told, "failed")
		})
	})
	config, reporter := ginkgo.GinkgoConfiguration()
	reporter.Succinct = true
	if !ginkgo.RunSpecs(t, "somebody's", config, reporter) || fmt.Sprint(told) != "[judged failed]" {
		t.Errorf("the suite ended early: %q", told)
	}
	if gomega.Default != handler {
		t.Error("Gomega's handler is another one")
	}
}

// A test of one's own server, in a Ginkgo suite of one's own.
func ExampleRun_inGinkgo() {
	ginkgo.It("conforms to RFC 8628", func(ctx ginkgo.SpecContext) {
		profile, err := profiles.Load("my-server.yaml", profiles.Options{})
		gomega.Expect(err).NotTo(gomega.HaveOccurred())
		result, err := Run(ctx, Options{Profile: profile})
		gomega.Expect(err).NotTo(gomega.HaveOccurred())
		gomega.Expect(result.ExitCode).To(gomega.Equal(report.ExitConforming))
	})
}
