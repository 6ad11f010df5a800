package suites

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/lateness"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/scenario"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Suite is one run, from the first contact with the target to the result. Most
// programs need only [Run]; a Suite is for running the specs with your own
// Ginkgo: Open, Register, RunSpecs, Result, Close.
type Suite struct {
	options  Options
	selected []rules.Requirement
	env      *scenario.Environment
	watch    *lateness.Watch
	runner   *scenario.Runner
	target   report.Target
	notes    []string
	started  time.Time

	redactor *redact.Redactor
	learned  map[string]bool // scenarios whose secrets the redactor knows

	mu     sync.Mutex
	checks map[string]report.Check
}

// BaselineError is a baseline entry for a check that does not exist.
type BaselineError struct {
	Source string
	Line   int
	Check  string
}

func (e *BaselineError) Error() string {
	return fmt.Sprintf("%s:%d: baseline: there is no check %s: %s", e.Source, e.Line, e.Check, hint(e.Check))
}

var errNoProfile = errors.New("suites: Options.Profile is required")

// Open checks the options, contacts the target and prepares the user agent. It
// starts no scenario. Errors are a *[SelectorError], a *[BaselineError], a
// *[chromium.WantedError], a *[scenario.TargetError], or about the options.
func Open(ctx context.Context, o Options) (*Suite, error) {
	selected, err := o.check()
	if err != nil {
		return nil, err
	}
	trust, err := scenario.Trust(o.Profile.TLS)
	if err != nil {
		return nil, err
	}
	o.fillIn()
	s := &Suite{options: o, selected: selected, started: time.Now(), checks: map[string]report.Check{}, redactor: redact.New(o.Profile), learned: map[string]bool{}}
	if o.Unredacted {
		s.redactor = redact.None()
	}
	clock := scenario.NewClock(o.ClockRate)
	s.watch = lateness.Start()
	s.env = &scenario.Environment{
		Profile: o.Profile, Clock: clock, TimeBudget: o.TimeBudget, Seed: o.Seed, Watch: s.watch,
		Wire: wire.New(wire.Options{Timeout: o.Profile.Limits.Timeout, TLS: trust, InFlight: o.InFlight, Now: clock.Now}),
	}
	// The driver first: that it cannot be had shows before anything is sent.
	if err := s.chooseDriver(); err != nil {
		s.watch.Stop()
		return nil, err
	}
	if s.env.Target, err = scenario.Await(ctx, o.Profile, s.env.Wire, o.Wait); err != nil {
		_ = s.Close() // the reason why nothing runs matters more
		return nil, err
	}
	s.runner = scenario.NewRunner(s.env)
	s.target = s.describeTarget()
	s.notes = append(s.notes, s.remarks()...)
	return s, nil
}

// check refuses options that make no run, and says which requirements are meant.
func (o Options) check() ([]rules.Requirement, error) {
	if o.Profile == nil {
		return nil, errNoProfile
	}
	selected, err := Select(o.Select, o.Level)
	if err != nil {
		return nil, err
	}
	for _, d := range o.Profile.Baseline {
		if _, ok := rules.Find(d.Check); !ok {
			return nil, &BaselineError{Source: d.File, Line: d.Line, Check: d.Check}
		}
	}
	return selected, nil
}

// fillIn puts the defaults where nothing is set.
func (o *Options) fillIn() {
	o.TimeBudget = cmp.Or(o.TimeBudget, DefaultTimeBudget)
	o.InFlight = cmp.Or(o.InFlight, DefaultInFlight)
	o.Seed = cmp.Or(o.Seed, uint64(time.Now().UnixNano()))
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
}

// describeTarget is the target as the result names it.
func (s *Suite) describeTarget() report.Target {
	o, place := s.options, s.env.Target
	t := report.Target{
		Name: cmp.Or(o.Profile.Title, o.Profile.Name), Kind: o.Kind, Version: o.Version, Fidelity: o.Fidelity,
		Profile: o.Profile.Name, ProfileFile: o.Profile.Source, Issuer: place.Issuer, ClockRate: o.ClockRate,
	}
	if t.Kind == "" && place.Simulation != "" {
		t.Kind, t.Fidelity = "simulated", "devicegrant idp --personality "+place.Simulation
	}
	t.Kind = cmp.Or(t.Kind, "real")
	if s.env.Driver != nil {
		t.Driver = s.env.Driver.Name()
	}
	return t
}

// codesOfARun is about how many codes a whole run obtains besides limits.codes, and
// entriesOfARun how many codes its end users type, with their decisions.
const (
	codesOfARun   = 200
	entriesOfARun = 160
)

// remarks are what a reader of the result has to know before the first check.
func (s *Suite) remarks() (notes []string) {
	p, place := s.options.Profile, s.env.Target
	if p.TLS.Insecure {
		notes = append(notes, "certificates are not verified (tls.insecure)")
	}
	notes = append(notes, p.Dropped...)
	if v := p.Verification; v.Hook != nil && !slices.Contains(v.Drivers, "hook") {
		notes = append(notes, "verification.hook is unused: verification.drivers does not include hook")
	}
	notes = append(notes, place.Refused...)
	if n := p.Limits.DeviceAuthorizationPerMinute; n > 0 && len(s.selected) == len(rules.All()) {
		codes := codesOfARun + p.Limits.Codes + p.Limits.Repeat
		notes = append(notes, fmt.Sprintf("limits.device_authorization_per_minute: at %d a minute, the about %d codes of a whole run take about %s", n, codes, (time.Duration(codes)*time.Minute/time.Duration(n)).Round(time.Minute)))
	}
	if n := p.Limits.UserCodesPerMinute; n > 0 && len(s.selected) == len(rules.All()) {
		entries := entriesOfARun + 2*p.Limits.Repeat
		notes = append(notes, fmt.Sprintf("limits.user_codes_per_minute: at %d a minute, the about %d user codes and decisions of a whole run take about %s", n, entries, (time.Duration(entries)*time.Minute/time.Duration(n)).Round(time.Minute)))
	}
	if place.Metadata == "" {
		return notes
	}
	for _, endpoint := range []string{place.Endpoints.DeviceAuthorization, place.Endpoints.Token} {
		if !sameHost(endpoint, place.Metadata) {
			notes = append(notes, fmt.Sprintf("the metadata at %s sends requests, and credentials, to another host: %s", place.Metadata, endpoint))
		}
	}
	return notes
}

func sameHost(a, b string) bool {
	u, errU := url.Parse(a)
	v, errV := url.Parse(b)
	return errU == nil && errV == nil && u.Host == v.Host
}

// Close ends the user agent and closes the connections.
func (s *Suite) Close() error {
	s.env.Wire.Close()
	s.watch.Stop()
	if s.env.Driver == nil {
		return nil
	}
	return s.env.Driver.Close()
}

// Environment returns what the scenarios of the suite share.
func (s *Suite) Environment() *scenario.Environment { return s.env }

// chooseDriver takes the first of the profile's drivers that can work here.
func (s *Suite) chooseDriver() error {
	o := s.options
	settings := useragent.Options{
		Verification: o.Profile.Verification, TLS: o.Profile.TLS, Headed: o.Headed,
		Note: s.note, Secret: s.redactor.Cookie, In: o.In, Out: o.Out, Now: s.env.Clock.Now, Parallel: o.Parallel,
		Strained: func(since time.Time) bool { return s.watch.Since(since).Strained() }, Reacted: s.watch.Browser,
	}
	kinds := o.Profile.Verification.Drivers
	switch o.Browser {
	case "", "auto":
	case "none": // nobody opens one by hand, either
		kinds = slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k == "browser" || k == "manual" })
	case "manual":
		kinds = []string{"manual"}
	default:
		kinds = []string{"browser"}
	}
	s.env.NoDriver = "no driver in the profile can run here (verification.drivers)"
	for _, kind := range kinds {
		if kind == "browser" {
			wanted := o.Browser
			if wanted == "auto" {
				wanted = ""
			}
			found, err := chromium.Find(wanted, o.Getenv)
			switch {
			case err != nil && wanted != "":
				return &chromium.WantedError{Err: err}
			case err != nil:
				s.notes = append(s.notes, chromium.Explain(err)) // once; the checks only say that there was none
				s.env.NoDriver = "no browser was found"
				continue
			}
			settings.Browser = found.Path
		}
		driver, err := chromium.NewDriver(kind, settings)
		if err != nil {
			return fmt.Errorf("the %s driver: %w", kind, err)
		}
		s.env.Driver = driver
		return nil
	}
	return nil
}

// note adds what a reader of the whole result has to know. It may be called at any
// time.
func (s *Suite) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, text)
}

// start begins every scenario that the selected checks read.
func (s *Suite) start(ctx context.Context) {
	names := s.scenarios()
	if s.options.Observer != nil {
		outline := Outline{Target: s.target, Scenarios: names, Notes: s.notes, Progress: s.runner.Progress, Now: s.env.Clock.Now}
		for _, r := range s.selected {
			outline.Checks = append(outline.Checks, r.ID)
		}
		s.options.Observer.Started(outline)
	}
	s.runner.Start(ctx, names...)
}

// scenarios lists what the selected rules read, in the order of scenario.All,
// which begins with the long ones.
func (s *Suite) scenarios() []string {
	needed := map[string]bool{}
	for _, r := range s.selected {
		if rule, ok := rules.ForID(r.ID); ok {
			for _, name := range rule.Scenarios {
				needed[name] = true
			}
		}
	}
	var names []string
	for _, sc := range scenario.All() {
		if needed[sc.Name] {
			names = append(names, sc.Name)
		}
	}
	return names
}

// judge waits for a rule's scenarios, applies it, and records the check.
func (s *Suite) judge(id string) report.Check {
	check := s.check(id)
	s.mu.Lock()
	s.checks[id] = check
	s.mu.Unlock()
	check = report.RedactCheck(s.redactor, check)
	if s.options.Observer != nil {
		s.options.Observer.Checked(check)
	}
	return check
}

// judgeAgain judges what was judged before the target was lost: then nobody knew
// that the last requests met nobody.
func (s *Suite) judgeAgain() {
	s.mu.Lock()
	judged := slices.Collect(maps.Keys(s.checks))
	s.mu.Unlock()
	for _, id := range judged {
		check := s.check(id)
		s.mu.Lock()
		s.checks[id] = check
		s.mu.Unlock()
	}
}

// check waits for a rule's scenarios and applies it.
func (s *Suite) check(id string) report.Check {
	evidence := rules.Evidence{
		Profile: s.env.Profile, Issuer: s.env.Target.Issuer, Endpoints: s.env.Target.Endpoints,
		Transcripts: map[string]transcript.Transcript{},
	}
	rule, _ := rules.ForID(id)
	for _, name := range rule.Reads() {
		if s.runner.Started(name) {
			t := s.runner.Wait(name)
			evidence.Transcripts[name] = t
			s.learn(t)
		}
	}
	by := judgedBy{option: s.options.Browser, noBaseline: s.options.NoBaseline, now: s.started}
	if s.env.Driver != nil {
		by.driver = s.env.Driver.Name()
	}
	return by.judge(rule, evidence)
}

// learn makes the redactor know a transcript's secrets, once.
func (s *Suite) learn(t transcript.Transcript) {
	if !s.learned[t.Scenario] {
		s.learned[t.Scenario] = true
		report.Learn(s.redactor, t)
	}
}

// Result summarizes the run. Selected checks that were not judged, because the
// run was interrupted, are skipped with that reason; so are unselected ones.
func (s *Suite) Result(ctx context.Context) report.Result {
	r := report.Result{
		Schema: report.Schema, Tool: report.Tool{Version: s.options.Tool}, Target: s.target,
		Started: s.started.UTC(), Finished: time.Now().UTC(),
		Interrupted: ctx.Err() != nil,
	}
	r.DurationMS = r.Finished.Sub(r.Started).Milliseconds()
	if ctx.Err() == nil {
		s.runner.Settle(ctx)
	}
	if r.Lost = s.runner.Lost(); r.Lost != "" && !r.Interrupted {
		s.judgeAgain()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Notes = slices.Clone(s.notes)
	if kept, cut := s.env.Wire.Kept(); cut > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("the server's answers exceed %d MiB: the report keeps only the beginning of %d of them, and checks that need the rest are inconclusive", kept>>20, cut))
	}
	if note := r.LostNote(); note != "" {
		r.Notes = append(r.Notes, note)
	}
	for _, requirement := range rules.Catalogue() {
		check, judged := s.checks[requirement.ID]
		if !judged {
			check = newCheck(requirement)
			check.Verdict, check.Reason = rules.Skip, notSelected
			if slices.ContainsFunc(s.selected, func(x rules.Requirement) bool { return x.ID == requirement.ID }) {
				check.Reason = interrupted
			}
		}
		r.Checks = append(r.Checks, check)
	}
	evidence := rules.Evidence{
		Profile: s.env.Profile, Issuer: s.env.Target.Issuer, Endpoints: s.env.Target.Endpoints,
		Transcripts: map[string]transcript.Transcript{},
	}
	for _, t := range s.runner.Transcripts() {
		evidence.Transcripts[t.Scenario] = t
		r.Scenarios = append(r.Scenarios, report.NewScenario(t))
		r.Throttle = cmp.Or(r.Throttle, throttleOf(t))
	}
	for _, note := range []string{lockout(r.Scenarios), forgotten(r.Scenarios), s.env.CodesLimited(), s.env.Typed()} {
		if note != "" {
			r.Notes = append(r.Notes, note)
		}
	}
	r.Machine = machine(s.watch.All(), r.Scenarios)
	if mattered := r.Machine.Summary(); mattered != "" {
		r.Notes = append(r.Notes, mattered)
	}
	r.Counts = report.Count(r.Checks)
	r.Policy, r.ExitCode = s.options.Policy, report.ExitCode(r, s.options.Policy)
	r.Recorded = &report.Recorded{Browser: s.options.Browser, Unredacted: s.options.Unredacted}
	return asWritten(r, evidence, s.redactor)
}

// failure renders a check's findings for a terminal or a test log.
func failure(c report.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s (%s)", c.ID, c.Verdict, c.Reason, c.Source)
	for _, f := range c.Findings {
		if f.Severity == rules.Info {
			continue
		}
		fmt.Fprintf(&b, "\n  %s  expected %s\n        observed %s", f.Severity, f.Expected, f.Observed)
	}
	return b.String()
}
