package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/lateness"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// mutant is one entry of mutants.yaml: a fault or a benign variant of the
// reference server, and what the suite must say of it.
type mutant struct {
	ID       string        `yaml:"id"`
	Title    string        `yaml:"title"`
	Kind     string        `yaml:"kind"` // fault or benign
	Expected []expectation `yaml:"expected"`
	Allowed  []allowance   `yaml:"allowed"`
	Run      mutantRun     `yaml:"run"`
}

// expectation is a check that has to leave the verdict of the clean server.
type expectation struct {
	ID string `yaml:"id"`
	// Verdict is the least severity that counts: fail, warn, or a changed
	// class: info, na.
	Verdict rules.Verdict `yaml:"verdict"`
}

// allowance is a check that the same fault also trips, and why.
type allowance struct {
	ID      string `yaml:"id"`
	Because string `yaml:"because"`
}

// mutantRun is how a mutant is run, where it differs from the rest.
type mutantRun struct {
	// ClockRate is the server's seconds in one of ours. Default: that of the verb.
	ClockRate float64 `yaml:"clock_rate"`
	// Driver browser adds a run in a real browser of the checks that need one,
	// and of the expected ones. Default forms.
	Driver string `yaml:"driver"`
	// Set are keys of the profile.
	Set map[string]string `yaml:"set"`
	// TLS serves https.
	TLS bool `yaml:"tls"`
	// Dear says that it takes two minutes; First that it begins before the others,
	// since it takes one.
	Dear  bool `yaml:"dear"`
	First bool `yaml:"first"`
	// Why says in a few words what the deviation is for.
	Why string `yaml:"why"`
}

// same identifies the runs that share one clean run.
func (r mutantRun) same(browser bool) string {
	return fmt.Sprint(r.ClockRate, r.TLS, browser, slices.Sorted(maps.Keys(r.Set)), r.Set)
}

// readMutants reads the list and refuses what it does not understand.
func readMutants(text []byte) ([]mutant, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var list []mutant
	if err := d.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("mutants.yaml: %w", err)
	}
	seen := map[string]bool{}
	for _, m := range list {
		switch {
		case m.ID == "" || m.Title == "" || seen[m.ID]:
			return nil, fmt.Errorf("mutants.yaml: %q: each entry needs an id of its own and a title", m.ID)
		case m.Kind != "fault" && m.Kind != "benign":
			return nil, fmt.Errorf("mutants.yaml: %s: the kind is fault or benign, not %q", m.ID, m.Kind)
		case m.Kind == "fault" && len(m.Expected) == 0:
			return nil, fmt.Errorf("mutants.yaml: %s: a fault has to trip something", m.ID)
		}
		seen[m.ID] = true
		for _, e := range m.Expected {
			if !slices.Contains(severities, e.Verdict) {
				return nil, fmt.Errorf("mutants.yaml: %s: %s: the verdict is fail, warn, info or na, not %q", m.ID, e.ID, e.Verdict)
			}
		}
		for _, a := range m.Allowed {
			if a.Because == "" {
				return nil, fmt.Errorf("mutants.yaml: %s allows %s: it has to have a reason", m.ID, a.ID)
			}
		}
	}
	return list, nil
}

// severities in falling order.
var severities = []rules.Verdict{rules.Fail, rules.Warn, rules.Info, rules.NA}

// trip is a check that left the verdict which the clean server gets.
type trip struct {
	ID      string        `json:"id"`
	Clean   rules.Verdict `json:"clean"`
	Verdict rules.Verdict `json:"verdict"`
	// Because says why the trip is allowed though it was not the aim.
	Because string `json:"because,omitempty"`
	Reason  string `json:"reason"`
}

// mutantResult is what the suite said of one mutant.
type mutantResult struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Kind  string `json:"kind"`
	// Expected are the checks that must trip; Tripped those that did, the
	// allowed ones included; Unexpected those that nobody listed.
	Expected   []string `json:"expected"`
	Tripped    []string `json:"tripped"`
	Unexpected []string `json:"unexpected"`
	// Killed: a fault of which all Expected tripped. Clean: a benign variant
	// that tripped nothing beyond its list.
	Killed bool   `json:"killed"`
	Clean  bool   `json:"clean,omitempty"`
	Trips  []trip `json:"trips"`
	// Unjudged are checks that the fault made inconclusive, skipped or not
	// applicable: no accusation, and no proof either.
	Unjudged   []string `json:"unjudged,omitempty"`
	DurationMS int64    `json:"duration_ms"`
	Error      string   `json:"error,omitempty"`
}

// compare says what became of a mutant, from the verdicts on the clean server
// and on the mutant.
func compare(m mutant, clean, seen map[string]report.Check) mutantResult {
	r := mutantResult{ID: m.ID, Title: m.Title, Kind: m.Kind, Expected: []string{}, Tripped: []string{}, Unexpected: []string{}, Trips: []trip{}}
	missing := 0
	expected := map[string]bool{}
	for _, e := range m.Expected {
		r.Expected = append(r.Expected, e.ID)
		expected[e.ID] = true
		if !reached(clean[e.ID], seen[e.ID], e.Verdict) {
			missing++
		}
	}
	for _, requirement := range rules.Catalogue() {
		before, ran := clean[requirement.ID]
		after := seen[requirement.ID]
		if !ran || class(before) == class(after) {
			continue
		}
		t := trip{ID: after.ID, Clean: before.Verdict, Verdict: after.Verdict, Reason: after.Reason}
		i := slices.IndexFunc(m.Allowed, func(a allowance) bool { return a.ID == after.ID })
		switch {
		case expected[after.ID]:
		case i >= 0:
			t.Because = m.Allowed[i].Because
		case !accuses(before, after) && (m.Kind == "fault" || after.Verdict == rules.Info || after.Verdict == rules.NA):
			if after.Verdict != rules.Info {
				r.Unjudged = append(r.Unjudged, after.ID)
			}
			continue
		default:
			r.Unexpected = append(r.Unexpected, after.ID)
		}
		r.Tripped = append(r.Tripped, after.ID)
		r.Trips = append(r.Trips, t)
	}
	r.Killed = m.Kind == "fault" && missing == 0
	r.Clean = m.Kind == "benign" && len(r.Unexpected) == 0 && missing == 0
	return r
}

// class is what a change of shows: the verdict, and of a measurement the
// findings by their codes.
func class(c report.Check) string {
	if c.Verdict != rules.Info {
		return string(c.Verdict)
	}
	codes := ""
	for _, f := range c.Findings {
		codes += " " + f.Code
	}
	return string(c.Verdict) + codes
}

// accuses says that the mutant was judged worse than the clean server, or that
// the suite itself broke.
func accuses(before, after report.Check) bool {
	rank := map[rules.Verdict]int{rules.Warn: 1, rules.Fail: 2, rules.Broken: 3}
	return rank[after.Verdict] > rank[before.Verdict]
}

// reached says that a check left its clean verdict with at least the severity.
func reached(before, after report.Check, least rules.Verdict) bool {
	if class(before) == class(after) {
		return false
	}
	switch least {
	case rules.Fail:
		return after.Verdict == rules.Fail
	case rules.Warn:
		return after.Verdict == rules.Fail || after.Verdict == rules.Warn
	}
	return slices.Contains(severities, after.Verdict) || after.Verdict == rules.Pass
}

// mutation runs mutants beside each other.
type mutation struct {
	parallel  int
	clockRate float64
	// browser is what suites.Options.Browser gets for the runs that need one.
	browser string
	// limit ends a run that hangs.
	limit time.Duration
	// sample says which of the dear mutants are judged.
	sample nth

	// browsers has a token for each run in a browser that may be under way.
	browsers chan struct{}

	mu     sync.Mutex
	cleans map[string]func() (map[string]report.Check, error)
}

// run judges every mutant and reports each in the order of the list, as soon as
// the ones before it are there.
func (n *mutation) run(ctx context.Context, list []mutant, done func(mutantResult)) {
	n.cleans = map[string]func() (map[string]report.Check, error){}
	n.browsers = make(chan struct{}, max(1, runtime.NumCPU()/2))
	slots := make(chan struct{}, n.parallel)
	results := make([]chan mutantResult, len(list))
	order := make([]int, len(list))
	for i := range list {
		results[i], order[i] = make(chan mutantResult, 1), i
	}
	// What takes longest begins first, so that nothing waits for it in the end.
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(list[a].Run.rank(n.clockRate), list[b].Run.rank(n.clockRate))
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
				results[i] <- n.judge(ctx, list[i])
			}()
		}
	}()
	for i := range list {
		done(<-results[i])
	}
}

// crowded is how late timers may fire before no further run begins.
const crowded = 50 * time.Millisecond

// nth is every nth of a list, beginning with the first-th; the zero value is all.
type nth struct{ first, n int }

func (s nth) has(i int) bool { return s.n == 0 || i%s.n == s.first%s.n }

// take leaves out the dear mutants that are not in the sample.
func (s nth) take(list []mutant) (taken []mutant) {
	dear := 0
	for _, m := range list {
		if m.Run.dear() {
			dear++
			if !s.has(dear - 1) {
				continue
			}
		}
		taken = append(taken, m)
	}
	return taken
}

// dear says that a run takes minutes, or a browser.
func (r mutantRun) dear() bool { return r.Dear || r.Driver == "browser" }

// rank is the order in which runs begin: the long ones first.
func (r mutantRun) rank(usual float64) float64 {
	if r.First || r.dear() {
		return 0
	}
	return r.rate(usual)
}

// rate is the clock rate of the run.
func (r mutantRun) rate(usual float64) float64 { return cmp.Or(r.ClockRate, usual) }

// judge runs one mutant: always with the forms driver, and with a browser
// besides where its entry says so. The run of the clean server, if nobody has
// made it yet, goes beside the mutant's.
func (n *mutation) judge(ctx context.Context, m mutant) mutantResult {
	start := time.Now()
	m.Run.ClockRate = m.Run.rate(n.clockRate)
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
			return mutantResult{ID: m.ID, Title: m.Title, Kind: m.Kind, Error: err.Error(), DurationMS: time.Since(start).Milliseconds()}
		}
	}
	r := compare(m, clean, seen)
	r.DurationMS = time.Since(start).Milliseconds()
	return r
}

// selection is what a run looks at: everything that fits its clock, or in a
// browser what needs one and what the mutant is about.
func selection(m mutant, browser bool) []string {
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
func fitting(r mutantRun) []string {
	if r.ClockRate <= 1 {
		return nil
	}
	return []string{"!SEC-04", "!SEC-05", "!SEC-06"}
}

// clean is the verdicts on the server without a fault, run in the same way,
// once for all mutants that are.
func (n *mutation) clean(ctx context.Context, r mutantRun, browser bool) (map[string]report.Check, error) {
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
func (n *mutation) checks(ctx context.Context, r mutantRun, browser bool, fault string, selected []string) (map[string]report.Check, error) {
	if browser {
		n.browsers <- struct{}{}
		defer func() { <-n.browsers }()
	}
	ctx, cancel := context.WithTimeout(ctx, n.limit)
	defer cancel()
	config := fakeidp.DefaultConfig()
	config.ClockRate, config.TLS = r.ClockRate, r.TLS
	if fault != "" {
		config.Faults = []string{fault}
	}
	server, err := startBuiltinWith(config)
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
	profile, err := profiles.Load("builtin", profiles.Options{Set: set, Getenv: server.getenv})
	if err != nil {
		return nil, err
	}
	o := suites.Options{Profile: profile, ClockRate: r.ClockRate, Select: selected, Browser: "none", Seed: 1, Unredacted: true}
	if browser {
		o.Browser = n.browser
	}
	result, err := suites.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("the run did not end within %s", n.limit)
	}
	checks := map[string]report.Check{}
	for _, c := range result.Checks {
		if c.Reason != "not selected" {
			checks[c.ID] = c
		}
	}
	return checks, nil
}
