package loadgen

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Decision is what an end user must decide about one device.
type Decision struct {
	Approve         bool // or deny
	UserCode        string
	VerificationURI string
}

// Approver decides in the end users' place: it approves or denies. Several
// goroutines call it, each with its own number from 0, so that each may be
// another end user; the canary has -1.
type Approver interface {
	Name() string
	Decide(ctx context.Context, person int, d Decision) error
}

// canaryEvery is how often the canary approves a device: a browser takes as
// much of a processor as ten thousand devices do.
const canaryEvery = 30 * time.Second

// errand is a decision that is to be made at an instant.
type errand struct {
	at     int64
	shard  *shard
	slot   int32
	serial uint32
	now    bool // a greedy device asks for it
}

// approvers decide about devices when their time has come, some at once.
type approvers struct {
	run      *run
	approver Approver
	canary   Approver

	mu       sync.Mutex
	errands  errands
	changed  chan struct{}
	jobs     chan errand
	canaries chan errand
	done     sync.WaitGroup

	figures sync.Mutex
	asked   int
	made    int
	failed  int
	first   string
	took    *hdrhistogram.Histogram
	late    *hdrhistogram.Histogram
	visits  Canary
	visit   *hdrhistogram.Histogram
}

func newApprovers(r *run, approver, canary Approver) *approvers {
	return &approvers{run: r, approver: approver, canary: canary, changed: make(chan struct{}, 1), jobs: make(chan errand), canaries: make(chan errand),
		took: newHistogram(), late: newHistogram(), visit: newHistogram()}
}

// decide plans a decision. It may be called with a shard's lock held.
func (p *approvers) plan(e errand) {
	if p.approver == nil {
		return
	}
	p.mu.Lock()
	heap.Push(&p.errands, e)
	soonest := p.errands[0] == e
	p.mu.Unlock()
	if soonest {
		select {
		case p.changed <- struct{}{}:
		default:
		}
	}
}

// start lets them work until the context ends.
func (p *approvers) start(ctx context.Context) {
	if p.approver == nil {
		return
	}
	for i := range p.run.settings.plan.Approval.Workers {
		p.done.Go(func() {
			for e := range p.jobs {
				p.do(ctx, p.approver, i, e)
			}
		})
	}
	if p.canary != nil {
		p.done.Go(func() {
			for e := range p.canaries {
				p.do(ctx, p.canary, -1, e)
			}
		})
	}
	p.done.Go(func() { p.dispatch(ctx) })
}

// dispatch hands out the errands when their time has come.
func (p *approvers) dispatch(ctx context.Context) {
	defer close(p.jobs)
	defer close(p.canaries)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	free, nextVisit := int64(0), int64(0) // when the rate allows the next
	for {
		now := p.run.now()
		p.mu.Lock()
		wait, ready := time.Hour, false
		var e errand
		if len(p.errands) > 0 {
			at := max(p.errands[0].at, free)
			if ready = at <= now; ready {
				e = heap.Pop(&p.errands).(errand)
			} else {
				wait = time.Duration(at - now)
			}
		}
		p.mu.Unlock()
		if !ready {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-p.changed:
			case <-ctx.Done():
				return
			}
			continue
		}
		if rate := p.run.settings.plan.Approval.Rate; rate > 0 {
			free = max(now, free) + int64(float64(time.Second)/rate)
		}
		if p.canary != nil && now >= nextVisit {
			select {
			case p.canaries <- e:
				nextVisit = now + int64(canaryEvery)
				continue
			default: // the last visit is not over
			}
		}
		select {
		case p.jobs <- e:
		case <-ctx.Done():
			return
		}
	}
}

// do makes one decision.
func (p *approvers) do(ctx context.Context, who Approver, person int, e errand) {
	began := p.run.now()
	d, ok := e.shard.begin(e, began)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	err := who.Decide(ctx, person, d)
	ended := p.run.now()
	made := e.shard.finish(e, d, ended, err)
	p.figures.Lock()
	defer p.figures.Unlock()
	p.asked++
	if who == p.canary {
		p.visits.Journeys++
		observe(p.visit, ended-began)
	} else {
		observe(p.took, ended-began)
	}
	observe(p.late, began-e.at)
	if err == nil || made {
		p.made++
		return
	}
	if ctx.Err() != nil && p.run.ended() {
		p.asked-- // nobody was there any more
		return
	}
	p.failed++
	if p.first == "" {
		p.first = err.Error()
	}
	if who == p.canary {
		p.visits.Failed++
		if p.visits.FirstFailure == "" {
			p.visits.FirstFailure = err.Error()
		}
	}
}

// begin tells the shard that somebody is about to decide about a device, and
// hands out what they need. False: it has gone meanwhile.
func (s *shard) begin(e errand, now int64) (decision Decision, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.devices[e.slot]
	if d.serial != e.serial || d.state != waiting || s.stopping && !e.now || d.expires > 0 && now > d.expires-int64(time.Second) {
		return decision, false
	}
	if d.manner == greedy && !e.now {
		d.wanted = true
		return decision, false
	}
	d.asked = now
	return Decision{Approve: d.fate == approve, UserCode: string(s.arena.get(d.user)), VerificationURI: s.uris[d.uri]}, true
}

// finish tells the shard that the decision was acknowledged, or failed. made says
// that it was made although the page did not say so: the device has its token.
func (s *shard) finish(e errand, decision Decision, now int64, err error) (made bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.devices[e.slot]
	same := d.serial == e.serial
	made = same && decision.Approve && d.tokens > 0
	if err == nil || made {
		s.count(decision.Approve)
	}
	if !same || d.state != waiting {
		return made // it was faster than the acknowledgement
	}
	if err != nil && !made {
		d.failed = true
		return made
	}
	d.decided = now
	return made
}

// count counts a decision that was made.
func (s *shard) count(approved bool) {
	if approved {
		s.tally.Devices.Approved++
	} else {
		s.tally.Devices.Denied++
	}
}

// confirm counts a decision that was taken for failed, since the page after it was
// not the expected one, and whose device then heard of it. The device knows.
func (s *shard) confirm(d *device, o outcome) {
	approved := d.fate == approve && d.tokens > 0
	if !d.failed || !approved && (d.fate != deny || o != outcomeDenied) {
		return
	}
	d.failed = false
	s.count(approved)
	p := s.run.approvers
	p.figures.Lock()
	defer p.figures.Unlock()
	p.made++
	p.failed--
}

func (p *approvers) wait() { p.done.Wait() }

func (p *approvers) failures() int {
	p.figures.Lock()
	defer p.figures.Unlock()
	return p.failed
}

func (p *approvers) result() Approvals {
	p.figures.Lock()
	defer p.figures.Unlock()
	a := Approvals{Asked: p.asked, Done: p.made, Failed: p.failed, FirstFailure: p.first, Took: quantiles(p.took), Late: quantiles(p.late)}
	if p.failed == 0 {
		a.FirstFailure = "" // its device heard of the decision
	}
	if p.approver != nil {
		a.Driver = p.approver.Name()
	}
	if p.canary != nil {
		c := p.visits
		c.Took = quantiles(p.visit)
		a.Canary = &c
	}
	return a
}

// errands is a heap by time.
type errands []errand

func (e errands) Len() int           { return len(e) }
func (e errands) Less(i, j int) bool { return e[i].at < e[j].at }
func (e errands) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *errands) Push(x any)        { *e = append(*e, x.(errand)) }
func (e *errands) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}
