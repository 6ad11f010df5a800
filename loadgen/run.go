package loadgen

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
	"github.com/devicegrant/devicegrant/profiles"
)

// Options are the inputs of a run besides its plan.
type Options struct {
	Plan profiles.Plan
	Site *Site
	// Approver decides about devices; nil: no one does. Canary is a second one,
	// in a real browser, for one device every 30 seconds.
	Approver, Canary Approver
	// Records is the file for one record of each request; "": none.
	Records string
	// Histograms is the file for the histograms, as a log for HDR tools; "": none.
	Histograms string
	// Observer is called once a second with the state of the run; it may be
	// nil.
	Observer func(Live)
	// Shards is how many wheels turn. Default 1, which uses one processor.
	Shards int
	// MostRequests is the maximum number of requests per second; 0: no limit.
	MostRequests float64
	// Allowed allows load on a target that is not on this machine.
	Allowed bool
	// Tool is the name and version of the program, for the result.
	Tool string

	// dial replaces TCP, for tests.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	// measureFor, when set, measures for so long as soon as all devices have
	// codes and have polled once, whatever the plan's duration is.
	measureFor time.Duration
}

// Live is the state of a run in progress.
type Live struct {
	Elapsed, Duration time.Duration
	// Phase is arriving, warming up, measuring or draining.
	Phase  string
	Now    Moment
	Totals DeviceCounts
	// Counts cover the whole run so far, by kind and answer.
	Counts   []RequestCount
	Failures map[string]int64
	// Aborting names the threshold that is ending the run.
	Aborting string
}

// run is one load run.
type run struct {
	o         Options
	site      *Site
	settings  settings
	transport transport.Transport
	shards    int
	all       []*shard
	approvers *approvers
	ledger    *ledger
	recorder  *recorder
	notes     []string

	start    time.Time
	from, to atomic.Int64 // the measured window
	over     atomic.Bool

	told      sync.Once
	interval  atomic.Int64 // as first advertised, in seconds; -1: absent
	expiresIn atomic.Int64

	sampler sampler
}

// now is the run's clock.
func (r *run) now() int64 { return int64(time.Since(r.start)) }

// measures says that an instant is in the measured window.
func (r *run) measures(at int64) bool { return at >= r.from.Load() && at < r.to.Load() }

func (r *run) ended() bool { return r.over.Load() }

// advertised notes what the first codes came with.
func (r *run) advertised(interval, expiresIn int64) {
	r.told.Do(func() { r.interval.Store(interval); r.expiresIn.Store(expiresIn) })
}

// Run carries out a plan. The error is a *[PlanError] if the plan cannot be
// carried out; nothing was sent then. Everything that the target does is in the
// result. When the context ends, Run starts nothing new and waits for requests
// in progress.
func Run(ctx context.Context, o Options) (Result, error) {
	plan, set, err := settle(o.Plan)
	if err != nil {
		return Result{}, err
	}
	o.Plan = plan
	if err := guard(o, &set); err != nil {
		return Result{}, err
	}
	if plan.Transport != "net/http" && o.dial == nil {
		if err := o.Site.speaksHTTP1(ctx); err != nil {
			return Result{}, err
		}
	}
	r := &run{o: o, site: o.Site, settings: set, shards: max(1, o.Shards), ledger: newLedger()}
	defer r.ledger.close()
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	r.transport = newTransport(life, &set, o, r.now)
	defer r.transport.Close()
	result := Result{Schema: Schema, Tool: o.Tool, Target: o.Site.target, Plan: plan}
	if *plan.AtRest {
		r.start = time.Now()
		rest := r.atRest(ctx)
		result.SlowDown.AtRest = &rest
	}
	records, err := r.openRecords()
	if err != nil {
		return result, err
	}
	r.carryOut(ctx, life, &result)
	if records != nil {
		if err := errors.Join(r.recorder.close(), records.Close()); err != nil {
			r.notes = append(r.notes, err.Error())
		}
	}
	r.conclude(&result)
	return result, nil
}

// guard refuses what may not or cannot be done.
func guard(o Options, s *settings) error {
	if o.Site == nil || o.Site.token == nil {
		return &PlanError{errors.New("Options.Site is required; NewSite makes one")}
	}
	loopback := o.Site.loopback(lookUp)
	if !loopback && !o.Allowed {
		return &PlanError{fmt.Errorf("%s is on another machine: load goes there only if the profile says load.allow: true and the command line says --i-may-load-this-target",
			o.Site.token.URL.Host)}
	}
	if cannot := s.rails(openFiles(), ephemeralPorts(), loopback); cannot != "" && o.dial == nil {
		return &PlanError{errors.New(cannot)}
	}
	if rate := s.peakRate(5); o.MostRequests > 0 && rate > o.MostRequests {
		return &PlanError{fmt.Errorf("the plan needs about %.0f requests per second, but the limits in the profile allow %.4g: lower devices or let them arrive over a longer time", rate, o.MostRequests)}
	}
	return nil
}

func newTransport(ctx context.Context, s *settings, o Options, now func() int64) transport.Transport {
	t := transport.Options{Context: ctx, Policy: s.plan.Connections.Policy, Timeout: s.timeout, TLS: tlsConfig(s, o.Site.tls), Dial: o.dial, Sources: s.sources, OnlyLoopback: !o.Allowed, Now: now}
	if s.plan.Transport == "net/http" {
		return transport.NewStandard(t)
	}
	return transport.NewLean(t)
}

// openRecords starts the file of records.
func (r *run) openRecords() (*os.File, error) {
	if r.o.Records == "" {
		return nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(r.o.Records), 0o755); err != nil {
		return nil, fmt.Errorf("the folder for the records: %w", err)
	}
	f, err := os.Create(r.o.Records)
	if err != nil {
		return nil, fmt.Errorf("the file of records: %w", err)
	}
	r.recorder = newRecorder(f)
	return f, nil
}

// carryOut lets the devices come, poll and go.
func (r *run) carryOut(ctx, life context.Context, result *Result) {
	s := &r.settings
	r.sampler.prepare(r)
	r.ledger.expect(s.devices)
	r.approvers = newApprovers(r, r.o.Approver, r.o.Canary)
	for i, first := 0, 0; i < r.shards; i++ {
		n := (s.devices - first) / (r.shards - i)
		r.all = append(r.all, newShard(r, i, first, n, max(1, s.connections/r.shards)))
		first += n
	}
	r.start = time.Now()
	result.Started = timestamp(r.start)
	r.from.Store(s.warmUp)
	r.to.Store(s.duration)

	deciding, dismiss := context.WithCancel(life)
	defer dismiss()
	r.approvers.start(deciding)
	var turning sync.WaitGroup
	for _, shard := range r.all {
		turning.Go(shard.turn)
	}
	sampled := make(chan struct{})
	go func() { defer close(sampled); r.sampler.run() }()

	result.Interrupted, result.Aborted = r.untilEnd(ctx)
	r.to.Store(min(r.to.Load(), r.now()))
	r.from.Store(min(r.from.Load(), r.to.Load()))
	r.over.Store(true)
	r.sampler.close()
	r.stopStarting()
	r.drain(ctx, result.Interrupted)
	dismiss()
	r.approvers.wait()
	r.finishRequests()
	turning.Wait()
	for _, shard := range r.all {
		shard.done.Wait()
		shard.settle(r.now())
	}
	r.sampler.stop()
	<-sampled
	result.EndedS = seconds(r.now())
}

// untilEnd waits for the end of the plan: its duration, somebody's interrupt, a
// threshold that aborts, or the last device.
func (r *run) untilEnd(ctx context.Context) (interrupted bool, aborted string) {
	begin := time.NewTimer(time.Duration(r.from.Load() - r.now()))
	defer begin.Stop()
	end := time.NewTimer(time.Duration(r.settings.duration - r.now()))
	defer end.Stop()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	ready := r.o.measureFor == 0
	for {
		select {
		case <-ctx.Done():
			return true, ""
		case <-begin.C:
			r.sampler.open()
		case <-end.C:
			return false, ""
		case why := <-r.sampler.abort:
			return false, why
		case <-tick.C:
			if r.sum(func(s *shard) int { return s.active }) == 0 {
				return false, ""
			}
			if ready {
				continue
			}
			have := r.sum(func(s *shard) int { return s.tally.Devices.Issued })
			if ready = have == r.settings.devices; ready {
				if polling := r.sum(func(s *shard) int { return s.waiting }); float64(polling) < allPoll*float64(have) {
					return false, fmt.Sprintf("when the last of %d devices got its codes, only %d were polling; the codes of the others had expired", have, polling)
				}
				// Two intervals, so that every device is in its rhythm.
				from := r.now() + 2*max(r.interval.Load(), 1)*int64(time.Second)
				r.from.Store(from)
				r.to.Store(from + int64(r.o.measureFor))
				begin.Reset(time.Duration(from - r.now()))
				end.Reset(time.Duration(from + int64(r.o.measureFor) - r.now()))
			} else if r.now() > int64(slowestIssue) {
				return false, fmt.Sprintf("%d of %d devices had codes after %s", have, r.settings.devices, slowestIssue)
			}
		}
	}
}

// slowestIssue is how long the devices of a capacity search may take to get
// their codes.
const slowestIssue = 2 * time.Minute

// allPoll is the share of these devices that have to poll when they are measured.
const allPoll = 0.999

// sum adds up something of all shards.
func (r *run) sum(of func(*shard) int) (n int) {
	for _, s := range r.all {
		s.mu.Lock()
		n += of(s)
		s.mu.Unlock()
	}
	return n
}

// stopStarting lets no new device come, and those go that have nothing to wait for.
func (r *run) stopStarting() {
	for _, s := range r.all {
		s.mu.Lock()
		s.stopping = true
		s.tally.Devices.Waiting = s.waiting
		s.mu.Unlock()
		s.rouse()
	}
}

// drain waits for the devices whose approval came late.
func (r *run) drain(ctx context.Context, interrupted bool) {
	deadline := r.now() + r.settings.drain
	if interrupted {
		deadline = r.now() + min(r.settings.drain, int64(2*time.Second))
	}
	for r.now() < deadline {
		now := r.now()
		left := r.sum(func(s *shard) (n int) {
			for i := range s.devices {
				if d := &s.devices[i]; d.state == waiting && s.worthwhile(d, now) {
					n++
				}
			}
			return n
		})
		if left == 0 {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			if !interrupted {
				deadline, interrupted = min(deadline, r.now()+int64(2*time.Second)), true
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// lastWait bounds how long answers are waited for that are still to come.
const lastWait = 10 * time.Second

// finishRequests waits for the requests under way, and ends the rest.
func (r *run) finishRequests() {
	deadline := r.now() + int64(min(lastWait, r.settings.timeout+time.Duration(2*interruptEvery)))
	for r.now() < deadline && r.sum((*shard).pending) > 0 {
		time.Sleep(5 * time.Millisecond)
	}
	for _, s := range r.all {
		s.mu.Lock()
		s.closed = true
		s.connections.release()
		s.mu.Unlock()
		s.rouse()
	}
	// Again and again: an interrupt that comes in the moment in which a request
	// begins belongs to the one before.
	for r.sum(func(s *shard) int { return s.connections.interrupt(math.MaxInt64) }) > 0 {
		time.Sleep(5 * time.Millisecond)
	}
}
