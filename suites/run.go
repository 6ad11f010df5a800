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

// ginkgoRuns lets one run at a time use Ginkgo, whose suite is global.
var ginkgoRuns sync.Mutex

// Run judges a target and returns the result, in which ExitCode sums up. The
// error is about the set-up: without it there is a result, also of a run that
// was interrupted. Nothing is written. Call it from a program or from a plain
// Go test, not from inside a Ginkgo spec: Ginkgo has one suite per process.
func Run(ctx context.Context, o Options) (report.Result, error) {
	ginkgoRuns.Lock()
	defer ginkgoRuns.Unlock()
	s, err := Open(ctx, o)
	if err != nil {
		return report.Result{}, err
	}
	scenarios, stop := context.WithCancel(ctx)
	globals.Reset()
	Register(scenarios, s)
	var t quietT
	gomega.RegisterFailHandler(ginkgo.Fail)
	console := formatter.ColorableStdOut
	formatter.ColorableStdOut = io.Discard
	config, reporter := ginkgo.GinkgoConfiguration()
	config.Timeout = suiteTimeout
	config.EmitSpecProgress, reporter.Succinct, reporter.NoColor = false, true, true
	ginkgo.RunSpecs(&t, "RFC 8628", config, reporter)
	formatter.ColorableStdOut = console
	globals.Reset()
	// Result is taken before the scenarios are stopped: what they say then is
	// that they were interrupted.
	result := s.Result(ctx)
	stop()
	if err := s.Close(); err != nil {
		result.Notes = append(result.Notes, fmt.Sprintf("closing the user agent: %v", err))
	}
	return result, nil
}

// Evaluate is [Run] without Ginkgo: the same checks and the same result. Any
// number of evaluations may be under way at once.
func Evaluate(ctx context.Context, o Options) (report.Result, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return report.Result{}, err
	}
	s.start(ctx)
	for _, r := range s.selected {
		s.judge(r.ID)
	}
	result := s.Result(ctx)
	if err := s.Close(); err != nil {
		result.Notes = append(result.Notes, fmt.Sprintf("closing the user agent: %v", err))
	}
	return result, nil
}

// suiteTimeout replaces Ginkgo's limit of an hour, which two long lifetimes
// would fill. The scenarios have limits of their own.
const suiteTimeout = 24 * time.Hour

// quietT is what RunSpecs fails; the result has the verdicts.
type quietT struct{}

func (quietT) Fail() {}
