package suites

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/extensions/globals"
	"github.com/onsi/ginkgo/v2/formatter"
	"github.com/onsi/gomega"

	"github.com/devicegrant/devicegrant/suites/report"
)

// Run tests a target and returns the result with its ExitCode. An error is
// about the setup; without an error there is always a result, even for an
// interrupted run. Run writes no files. It does not touch Ginkgo or Gomega, so
// a spec of your own suite can call it, and several runs may be in progress at
// once.
func Run(ctx context.Context, o Options) (report.Result, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return report.Result{}, err
	}
	scenarios, stop := context.WithCancel(ctx)
	defer stop()
	s.start(scenarios)
	for _, r := range s.selected {
		s.judge(r.ID)
	}
	return s.end(ctx), nil
}

// end sums up, and closes the user agent.
func (s *Suite) end(ctx context.Context) report.Result {
	result := s.Result(ctx)
	if err := s.Close(); err != nil {
		result.Notes = append(result.Notes, fmt.Sprintf("closing the user agent: %v", err))
	}
	return result
}

// ginkgoRuns lets one run at a time use Ginkgo, whose suite is global.
var ginkgoRuns sync.Mutex

// RunSpecs is [Run] with the checks as the specs of a Ginkgo suite: the same
// checks and the same result. Ginkgo allows one suite per process, so this is
// for a program that has no other suite.
func RunSpecs(ctx context.Context, o Options) (report.Result, error) {
	ginkgoRuns.Lock()
	defer ginkgoRuns.Unlock()
	s, err := Open(ctx, o)
	if err != nil {
		return report.Result{}, err
	}
	scenarios, stop := context.WithCancel(ctx)
	defer stop()
	globals.Reset()
	Register(scenarios, s)
	defer func(was gomega.Gomega) { gomega.Default = was }(gomega.Default)
	gomega.Default = gomega.NewGomega(ginkgo.Fail)
	console := formatter.ColorableStdOut
	formatter.ColorableStdOut = io.Discard
	config, reporter := ginkgo.GinkgoConfiguration()
	config.Timeout = suiteTimeout
	config.EmitSpecProgress, reporter.Succinct, reporter.NoColor = false, true, true
	var t quietT
	ginkgo.RunSpecs(&t, "RFC 8628", config, reporter)
	formatter.ColorableStdOut = console
	globals.Reset()
	// The result is taken before the scenarios are stopped: what they say then is
	// that they were interrupted.
	return s.end(ctx), nil
}

// suiteTimeout replaces Ginkgo's limit of an hour, which two long lifetimes
// would fill. The scenarios have limits of their own.
const suiteTimeout = 24 * time.Hour

// quietT is what RunSpecs fails; the result has the verdicts.
type quietT struct{}

func (quietT) Fail() {}
