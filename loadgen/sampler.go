package loadgen

import (
	"runtime/debug"
	"sync/atomic"
	"time"
)

// sampler looks at the run once a second: for the timeline, for those who
// watch, for thresholds that abort, and for what the generator uses.
type sampler struct {
	r        *run
	quit     chan struct{}
	abort    chan string
	timeline []Moment
	span     int // seconds in one moment of the timeline
	last     int64
	peak     int

	baseRSS, peakRSS int64
	cpuFrom, cpuTo   time.Duration
	atFrom, atTo     int64
	measuring        atomic.Bool
}

// longestTimeline is how many moments are kept; beyond it two become one.
const longestTimeline = 600

func (p *sampler) prepare(r *run) {
	p.r, p.quit, p.abort, p.span = r, make(chan struct{}), make(chan string, 1), 1
	debug.FreeOSMemory()
	p.baseRSS = residentBytes()
}

// run samples until stop.
func (p *sampler) run() {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-second.C:
			p.look()
		case <-p.quit:
			p.look()
			return
		}
	}
}

// open and close take the figures of the process at the ends of the measured
// window.
func (p *sampler) open() {
	p.cpuFrom, p.atFrom = cpuTime(), p.r.now()
	p.measuring.Store(true)
}

func (p *sampler) close() {
	p.cpuTo, p.atTo = cpuTime(), p.r.now()
}

func (p *sampler) stop() { close(p.quit) }

// look is one second.
func (p *sampler) look() {
	r := p.r
	now := r.now()
	sum := newWindow()
	m := Moment{AtS: seconds(now), SpanS: seconds(now - p.last), Measured: r.measures(now - 1)}
	var total numbers
	for _, s := range r.all {
		fresh := newWindow()
		s.mu.Lock()
		seen, counted := s.window, s.tally.numbers
		s.window = fresh
		m.Waiting += s.waiting
		m.InFlight += s.connections.inFlight
		m.Queued += s.backlog.length
		s.mu.Unlock()
		addUp(&total, &counted)
		addUp(&m.AnswerCounts, &seen.AnswerCounts)
		sum.latency.Merge(seen.latency)
		sum.lateness.Merge(seen.lateness)
	}
	census := total.Devices
	p.last = now
	p.peak = max(p.peak, m.Waiting)
	p.peakRSS = max(p.peakRSS, residentBytes())
	m.Ended = census.Tokens + census.Refused + census.Expired + census.Abandoned + census.Failed
	if sum.latency.TotalCount() > 0 {
		m.P50MS = float64(sum.latency.ValueAtQuantile(50)) / 1000
		m.P99MS = float64(sum.latency.ValueAtQuantile(99)) / 1000
		m.MaxMS = float64(sum.latency.Max()) / 1000
	}
	if sum.lateness.TotalCount() > 0 {
		m.LatenessP99MS = float64(sum.lateness.ValueAtQuantile(99)) / 1000
	}
	if m.SpanS > 0.05 {
		p.keep(m)
	}
	live := Live{Elapsed: time.Duration(now), Duration: time.Duration(r.settings.duration), Phase: p.phase(now), Now: m, Totals: census,
		Counts: total.requests(), Failures: total.failures(), Aborting: p.breach()}
	if r.o.Observer != nil {
		r.o.Observer(live)
	}
}

func (p *sampler) phase(now int64) string {
	switch {
	case p.r.ended():
		return "draining"
	case now < p.r.from.Load():
		return "warming up"
	}
	return "measuring"
}

// breach looks at the thresholds that abort.
func (p *sampler) breach() string {
	r := p.r
	if r.ended() || !p.measuring.Load() || seconds(r.now()-r.from.Load()) < 2 {
		return ""
	}
	var m *measurement
	for i := range r.settings.thresholds {
		t := &r.settings.thresholds[i]
		if !t.abort {
			continue
		}
		if m == nil {
			m = r.measure()
		}
		if got := t.judge(m); got.Measured && !got.OK {
			select {
			case p.abort <- t.text + ": " + got.Observed:
			default:
			}
			return t.text
		}
	}
	return ""
}

// keep adds a moment. A long run has longer ones.
func (p *sampler) keep(m Moment) {
	if n := len(p.timeline); n > 0 && p.timeline[n-1].SpanS < float64(p.span)-0.5 && p.timeline[n-1].Measured == m.Measured {
		p.timeline[n-1] = p.timeline[n-1].Joined(m)
	} else {
		p.timeline = append(p.timeline, m)
	}
	if len(p.timeline) < longestTimeline {
		return
	}
	half := p.timeline[:0]
	for i := 0; i+1 < len(p.timeline); i += 2 {
		half = append(half, p.timeline[i].Joined(p.timeline[i+1]))
	}
	p.timeline, p.span = half, 2*p.span
}
