package mutation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/lateness"
	"github.com/devicegrant/devicegrant/suites/report"
)

// Engine runs mutants concurrently. It is for one Run.
type Engine struct {
	// Parallel is the maximum number of concurrent runs.
	Parallel int
	// ClockRate is how many of the server's seconds pass per real second,
	// unless an entry has its own rate.
	ClockRate float64
	// Browser is suites.Options.Browser for the runs that need one.
	Browser string
	// Limit ends a run that hangs.
	Limit time.Duration

	// browsers has a token for each run in a browser that may be under way.
	browsers chan struct{}

	mu     sync.Mutex
	cleans map[string]func() (map[string]report.Check, error)
}

// Run tests every mutant and reports each in the order of the list, as soon as
// those before it are done.
func (n *Engine) Run(ctx context.Context, list []Mutant, done func(Result)) {
	n.cleans = map[string]func() (map[string]report.Check, error){}
	n.browsers = make(chan struct{}, max(1, runtime.NumCPU()/2))
	slots := make(chan struct{}, n.Parallel)
	results := make([]chan Result, len(list))
	order := make([]int, len(list))
	for i := range list {
		results[i], order[i] = make(chan Result, 1), i
	}
	// What takes longest begins first, so that nothing waits for it in the end.
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(list[a].Run.rank(n.ClockRate), list[b].Run.rank(n.ClockRate))
	})
	go func() {
		watch := lateness.Start()
		defer watch.Stop()
		for _, i := range order {
			slots <- struct{}{}
			// Runs that starve each other all come too late.
			for len(slots) > cap(slots)/8 && ctx.Err() == nil && watch.Since(time.Now().Add(-time.Second)).TimerP99 > crowded {
				time.Sleep(crowded)
			}
			go func() {
				defer func() { <-slots }()
				results[i] <- n.test(ctx, list[i])
			}()
		}
	}()
	for i := range list {
		done(<-results[i])
	}
}

// crowded is how late timers may fire before no further run begins.
const crowded = 50 * time.Millisecond

// dear says that a run takes minutes, or a browser.
func (r Conditions) dear() bool { return r.Dear || r.Driver == "browser" }

// rank is the order in which runs begin: the long ones first.
func (r Conditions) rank(usual float64) float64 {
	if r.First || r.dear() {
		return 0
	}
	return r.rate(usual)
}

// rate is the clock rate of the run.
func (r Conditions) rate(usual float64) float64 { return cmp.Or(r.ClockRate, usual) }

// test runs one mutant: always with the forms driver, and with a browser
// besides where its entry says so. The run of the clean server, if nobody has
// made it yet, goes beside the mutant's.
func (n *Engine) test(ctx context.Context, m Mutant) Result {
	start := time.Now()
	m.Run.ClockRate = m.Run.rate(n.ClockRate)
	clean, seen := map[string]report.Check{}, map[string]report.Check{}
	modes := []bool{false}
	if m.Run.Driver == "browser" {
		modes = append(modes, true)
	}
	for _, browser := range modes {
		var (
			before, after map[string]report.Check
			errs          [2]error
			both          sync.WaitGroup
		)
		both.Go(func() { before, errs[0] = n.clean(ctx, m.Run, browser) })
		both.Go(func() { after, errs[1] = n.checks(ctx, m.Run, browser, m.ID, selection(m, browser)) })
		both.Wait()
		for id := range after {
			clean[id], seen[id] = before[id], after[id]
		}
		if err := errors.Join(errs[:]...); err != nil {
			return Result{ID: m.ID, Title: m.Title, Kind: m.Kind, Error: err.Error(), DurationMS: time.Since(start).Milliseconds()}
		}
	}
	r := compare(m, clean, seen)
	r.DurationMS = time.Since(start).Milliseconds()
	return r
}

// selection is what a run looks at: everything that fits its clock, or in a
// browser what needs one and what the mutant is about.
func selection(m Mutant, browser bool) []string {
	if !browser {
		return fitting(m.Run)
	}
	selected := []string{"@browser"}
	for _, e := range m.Expected {
		selected = append(selected, e.ID)
	}
	return selected
}

// fitting leaves out what an accelerated clock falsifies: guesses are limited by
// the minute, and on a busy machine twelve seconds may pass between two of them.
func fitting(r Conditions) []string {
	if r.ClockRate <= 1 {
		return nil
	}
	return []string{"!SEC-04", "!SEC-05", "!SEC-06"}
}

// clean is the verdicts on the server without a fault, run in the same way,
// once for all mutants that are.
func (n *Engine) clean(ctx context.Context, r Conditions, browser bool) (map[string]report.Check, error) {
	key := r.same(browser)
	n.mu.Lock()
	once, ok := n.cleans[key]
	if !ok {
		once = sync.OnceValues(func() (map[string]report.Check, error) {
			var selected []string
			if !browser {
				selected = fitting(r)
			}
			checks, err := n.checks(ctx, r, browser, "", selected)
			if err != nil {
				return nil, fmt.Errorf("the server without a fault: %w", err)
			}
			return checks, nil
		})
		n.cleans[key] = once
	}
	n.mu.Unlock()
	return once()
}

// checks starts the reference server with a fault and judges it.
func (n *Engine) checks(ctx context.Context, r Conditions, browser bool, fault string, selected []string) (map[string]report.Check, error) {
	if browser {
		n.browsers <- struct{}{}
		defer func() { <-n.browsers }()
	}
	ctx, cancel := context.WithTimeout(ctx, n.Limit)
	defer cancel()
	config := fakeidp.DefaultConfig()
	config.ClockRate, config.TLS = r.ClockRate, r.TLS
	if fault != "" {
		config.Faults = []string{fault}
	}
	server, err := builtin.Start(config)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	// The endpoints are named, so that a fault in the metadata stays there.
	set := []string{
		"base_url=" + server.URL,
		"endpoints.device_authorization=" + server.URL + "/device_authorization",
		"endpoints.token=" + server.URL + "/token",
	}
	if r.TLS {
		set = append(set, "tls.insecure=true", "tls.allow_http=false")
	}
	for _, key := range slices.Sorted(maps.Keys(r.Set)) {
		set = append(set, key+"="+r.Set[key])
	}
	profile, err := profiles.Load("builtin", profiles.Options{Set: set, Getenv: server.Getenv})
	if err != nil {
		return nil, err
	}
	o := suites.Options{Profile: profile, ClockRate: r.ClockRate, Select: selected, Browser: "none", Seed: 1, Unredacted: true}
	if browser {
		o.Browser = n.Browser
	}
	result, err := suites.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("the run did not end within %s", n.Limit)
	}
	checks := map[string]report.Check{}
	for _, c := range result.Checks {
		if c.Reason != "not selected" {
			checks[c.ID] = c
		}
	}
	return checks, nil
}
