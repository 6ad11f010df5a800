package loadgen

import (
	"bytes"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// shard is a part of the devices with a wheel, connections and figures of its
// own. One goroutine turns the wheel; each connection is another. They meet at
// one lock, which nobody holds while a disk or a peer keeps him waiting.
type shard struct {
	run   *run
	id    int
	first int // slot 0 is this one of the plan

	mu      sync.Mutex
	devices []device
	wheel   *wheel
	arena   arena
	// The queue has the devices that are due and have no connection yet.
	head, tail int32
	queued     int
	free       []*worker // last in, first out, so that few connections are hot
	workers    []*worker
	most       int
	tally      *tally
	window     window
	block      []byte // of records
	active     int    // devices that have come and not gone
	waiting    int    // devices that poll
	inFlight   int
	serials    uint32
	parked     int // the next slot of a closed arrival
	stopping   bool
	closed     bool
	gap        int64 // longest between two looks at the clock
	latest     int64 // when the last answer came
	uris       []string
	samples    map[sampleKey]int
	kept       []rawSample

	sleepsUntil int64
	wake        chan struct{}
	done        sync.WaitGroup
}

// window is what was seen since the sampler looked last.
type window struct {
	latency, lateness *hdrhistogram.Histogram
	polls, issued     int64
	tokens, slowDowns int64
	errors            int64
}

// windowDigits is enough for a plot.
const windowDigits = 2

func newWindow() window {
	return window{latency: hdrhistogram.New(leastMicros, mostMicros, windowDigits), lateness: hdrhistogram.New(leastMicros, mostMicros, windowDigits)}
}

// worker is one connection and what it is doing.
type worker struct {
	conn     Connection
	request  Request
	answer   Answer
	reader   reader
	wake     chan struct{}
	slot     int32
	kind     Kind
	intended int64
	popped   int64
	began    int64 // 0: idle
}

func newShard(r *run, id, first, devices, connections int) *shard {
	s := &shard{
		run: r, id: id, first: first, devices: make([]device, devices), head: nobody, tail: nobody, most: connections,
		tally: newTally(), window: newWindow(), wake: make(chan struct{}, 1), samples: map[sampleKey]int{},
	}
	s.wheel = newWheel(s.devices)
	for i := range s.devices {
		at := r.settings.arrival(first + i)
		if r.settings.curve == "closed" {
			at = 0
			if i >= max(1, r.settings.width/r.shards) {
				break // called by those before them
			}
		}
		s.arrive(int32(i), at)
		s.parked = i + 1
	}
	return s
}

// arrive lets a new device come at an instant.
func (s *shard) arrive(slot int32, at int64) {
	d := &s.devices[slot]
	tries := d.tries
	*d = device{due: at, code: d.code, user: d.user, state: issuing, tries: tries}
	s.active++
	s.add(slot)
}

// add puts a device into the wheel, and wakes its turner if it is due before he
// would look.
func (s *shard) add(slot int32) {
	s.wheel.add(slot)
	if s.devices[slot].due < s.sleepsUntil {
		s.rouse()
	}
}

func (s *shard) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// longestSleep is how often the clock is looked at even when nobody is due, so
// that a stopped generator notices. interruptEvery is how often requests are
// looked through for those that take too long.
const (
	longestSleep   = 20 * time.Millisecond
	interruptEvery = int64(50 * time.Millisecond)
)

// turn is the goroutine that turns the wheel, until the run closes the shard.
func (s *shard) turn() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	looked, checked := s.run.now(), int64(0)
	planned := looked
	for {
		now := s.run.now()
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return
		}
		s.gap = max(s.gap, now-max(planned, looked))
		looked = now
		s.wheel.advance(now, func(slot int32) { s.pop(slot, now) })
		s.dispatch(now)
		if now-checked >= interruptEvery {
			checked = now
			s.interruptLate(now)
		}
		horizon := int64(longestSleep) / tick
		planned = s.wheel.nextTick(horizon) * tick
		s.sleepsUntil = planned
		s.mu.Unlock()

		timer.Reset(time.Duration(planned - s.run.now()))
		select {
		case <-timer.C:
		case <-s.wake:
			planned = s.run.now()
		}
	}
}

// pop takes up a device that is due.
func (s *shard) pop(slot int32, now int64) {
	d := &s.devices[slot]
	if s.stopping && !s.run.measures(d.due) && (d.state == issuing || !s.worthwhile(d, now)) {
		d.due = 0 // no longer: it is accounted for in the end
		if d.state == issuing {
			s.active--
			d.state = idle
		}
		return
	}
	measured := s.run.measures(d.due)
	late := now - d.due
	if measured {
		observe(s.tally.lateness, late)
		if d.state == waiting {
			s.tally.intended++
		}
	}
	_ = s.window.lateness.RecordValue(min(max(late/1000, 0), mostMicros))
	d.popped, d.copies = now, 1
	switch d.state {
	case issuing:
		s.serials++
		d.serial = (s.serials-1)*uint32(s.run.shards) + uint32(s.id) + 1
		if d.tries == 0 {
			s.tally.census.Started++
		}
	case waiting:
		if d.decided != 0 && d.firstAfter == 0 && d.due >= d.decided {
			d.firstAfter = d.due
		}
		if d.manner == greedy {
			s.greed(slot, d)
		}
	}
	d.next = nobody
	if s.head == nobody {
		s.head = slot
	} else {
		s.devices[s.tail].next = slot
	}
	s.tail = slot
	s.queued++
}

// greed lets somebody decide in the moment of a poll, and sends several polls
// at once when the decision has been made. It does so once: where the token
// does not come, the device obeys, so that it can be told that nothing was
// decided.
func (s *shard) greed(slot int32, d *device) {
	switch {
	case d.wanted:
		d.wanted = false
		s.run.people.decide(errand{at: d.due, shard: s, slot: slot, serial: d.serial, now: true})
	case d.decided != 0 && d.pollsAfter == 0:
		d.copies = s.run.settings.greedyWidth
	}
}

// worthwhile says that a device still polls after the end of the run: it was
// approved and has not had its token.
func (s *shard) worthwhile(d *device, now int64) bool {
	if d.state != waiting || d.expires > 0 && now > d.expires+int64(10*time.Second) {
		return false
	}
	switch {
	case d.manner == greedy && d.tokens > 0:
		return d.again > 0
	case d.fate != approve || d.asked == 0 || d.failed:
		return false
	}
	return d.tokens == 0 && d.pendingAfter < pendingIsLost
}

// dispatch hands the devices of the queue to free connections.
func (s *shard) dispatch(now int64) {
	for s.head != nobody {
		var w *worker
		switch n := len(s.free); {
		case n > 0:
			w = s.free[n-1]
			s.free = s.free[:n-1]
			s.assign(w, now)
			w.wake <- struct{}{}
		case len(s.workers) < s.most:
			w = &worker{conn: s.run.transport.Connect(), wake: make(chan struct{}, 1), reader: reader{dialect: s.run.site.Dialect}}
			s.workers = append(s.workers, w)
			s.assign(w, now)
			s.done.Go(func() { s.work(w) })
		default:
			return
		}
	}
}

// assign gives a connection the first device of the queue.
func (s *shard) assign(w *worker, now int64) {
	slot := s.head
	d := &s.devices[slot]
	if d.copies--; d.copies == 0 {
		s.head = d.next
		if s.head == nobody {
			s.tail = nobody
		}
		d.next = nobody
		s.queued--
	}
	d.inFlight++
	s.inFlight++
	w.slot, w.intended, w.popped, w.began = slot, d.due, d.popped, max(now, 1)
	w.request = Request{Endpoint: s.run.site.Token, Code: s.arena.get(d.code), Slot: slot + int32(s.first)}
	w.kind = Poll
	if d.state == issuing {
		w.kind = Issue
		w.request.Endpoint, w.request.Code = s.run.site.DeviceAuthorization, nil
	}
}

// work is the goroutine of one connection.
func (s *shard) work(w *worker) {
	defer w.conn.Close()
	for {
		fault := w.conn.Do(&w.request, &w.answer)
		done := s.run.now()
		var r reply
		o := Lost
		switch fault {
		case NoFault:
			r = w.reader.read(w.answer.Status, w.answer.Body)
			o = r.outcome(w.kind, w.answer.Status)
		case FaultTimeout:
			o = TimedOut
		}
		s.mu.Lock()
		s.latest = done
		s.complete(w, o, &r, fault, done)
		w.began = 0
		s.inFlight--
		more := s.head != nobody
		switch {
		case s.closed:
			s.mu.Unlock()
			return
		case more:
			s.assign(w, done)
		default:
			s.free = append(s.free, w)
		}
		s.mu.Unlock()
		if !more {
			if _, open := <-w.wake; !open {
				return
			}
		}
	}
}

// interruptLate ends the requests that take too long.
func (s *shard) interruptLate(now int64) {
	for _, w := range s.workers {
		if w.began > 0 && now-w.began > int64(s.run.settings.timeout) {
			w.conn.Interrupt()
		}
	}
}

// complete accounts for an answer, and lets the device decide what comes next.
func (s *shard) complete(w *worker, o Outcome, r *reply, fault Fault, done int64) {
	d := &s.devices[w.slot]
	d.inFlight--
	t := s.tally
	if s.closed && o.unanswered() {
		o, fault = Censored, NoFault // it was us who ended it
	}
	measured := s.run.measures(w.intended)
	latency := done - w.intended
	t.counts[w.kind][o]++
	if measured {
		t.measured[w.kind][o]++
		observe(t.histogram(w.kind, o), latency)
		observe(t.wait, w.answer.Written-w.popped)
		if w.kind == Poll && fault != FaultDial {
			t.sent++
		}
	}
	if w.answer.Dialled {
		t.dialled++
	}
	if w.answer.Resent {
		t.resent++
	}
	switch w.answer.Status {
	case 429:
		t.status429++
	case 503:
		t.status503++
	}
	if fault != NoFault {
		t.faults[fault]++
		if t.firstFaults[fault] == "" && w.answer.Err != nil {
			t.firstFaults[fault] = w.answer.Err.Error()
		}
	}
	s.see(w.kind, o, latency)
	n := uint16(0)
	if w.kind == Poll {
		n = uint16(min(d.polls+1, 0xffff))
	}
	s.record(Record{Intended: time.Duration(w.intended), Popped: time.Duration(w.popped), Written: time.Duration(w.answer.Written), Answered: time.Duration(done),
		Device: d.serial, Poll: n, Status: uint16(w.answer.Status), Kind: w.kind, Outcome: o, Fault: fault, Resent: w.answer.Resent, Measured: measured})
	s.sample(w, o, d, done)
	if w.kind == Issue {
		s.issued(w, d, o, r, done)
	} else {
		s.polled(w, d, o, r, done)
	}
}

// see counts for the picture of the running second.
func (s *shard) see(k Kind, o Outcome, latency int64) {
	win := &s.window
	if k == Poll {
		win.polls++
		_ = win.latency.RecordValue(min(max(latency/1000, 0), mostMicros))
	} else if o == Codes {
		win.issued++
	}
	switch {
	case o == Token:
		win.tokens++
	case o == SlowDownHeard:
		win.slowDowns++
	case o.failed():
		win.errors++
	}
}

func (s *shard) record(r Record) {
	if s.run.recorder == nil {
		return
	}
	if s.block == nil {
		s.block = s.run.recorder.block()
	}
	s.block = r.append(s.block)
	if len(s.block) >= recordBlock {
		s.flush()
	}
}

func (s *shard) flush() {
	if len(s.block) > 0 {
		s.run.recorder.hand(s.block)
	}
	s.block = nil
}

// issued is what follows a device authorization request.
func (s *shard) issued(w *worker, d *device, o Outcome, r *reply, done int64) {
	if s.run.settings.curve == "closed" && s.parked < len(s.devices) && !s.stopping {
		next := s.parked
		s.parked++
		s.arrive(int32(next), done)
	}
	if o != Codes {
		s.without(w, d, done)
		return
	}
	c := &s.run.settings
	t := s.tally
	t.census.Issued++
	f, m, random := c.character(d.serial)
	d.tries, d.fate, d.manner, d.issued, d.heardAt = 0, f, m, done, done
	d.advertised = 5000 // where the answer has none (section 3.2)
	if r.interval >= 0 {
		d.advertised = int32(min(r.interval, int64(longestInterval/1000)) * 1000)
	}
	s.run.advertised(r.interval, r.expiresIn)
	d.interval, d.owed = d.advertised, d.advertised
	if m == hurried || m == forgetful {
		d.interval = int32(float64(d.advertised) * c.pace)
	}
	if r.expiresIn > 0 {
		d.expires = done + r.expiresIn*int64(time.Second)
	}
	s.run.ledger.issued(d, r.deviceCode)
	d.code = s.arena.put(d.code, escaped(r.deviceCode))
	d.user = s.arena.put(d.user, r.userCode)
	d.uri = s.place(r.verificationURI)
	if c.issueOnly || d.code.len == 0 {
		t.census.Abandoned++
		s.leave(w.slot, d, done)
		return
	}
	d.state = waiting
	s.waiting++
	switch f {
	case approve, deny:
		at := done + random.between(c.thinkMin, c.thinkMax)
		if c.decideAt > 0 {
			at = max(done, c.decideAt)
		}
		s.run.people.decide(errand{at: at, shard: s, slot: w.slot, serial: d.serial})
	case abandon:
		d.stopAt = done + random.between(2, 12)*int64(max(d.interval, 1000))*1e6
	}
	wait := int64(d.interval)*1e6 + d.guard()
	if c.spread {
		wait += random.between(0, wait)
	}
	s.schedule(w.slot, d, done+wait)
}

// without is what follows when there were no codes: another try, later and
// later.
func (s *shard) without(w *worker, d *device, done int64) {
	if s.stopping {
		s.leave(w.slot, d, done)
		return
	}
	wait := max(int64(time.Second)<<min(d.tries, 5), int64(min(w.answer.RetryAfter, time.Minute)))
	if d.tries++; d.tries > 5 && !s.run.settings.replace {
		s.tally.census.Failed++
		s.leave(w.slot, d, done)
		return
	}
	d.tries = min(d.tries, 200)
	// Not all in the same moment.
	random := dice{s.run.settings.seed ^ uint64(d.serial)<<8}
	s.active--
	s.arrive(w.slot, done+wait+random.between(0, wait/2))
}

// polled is what follows a device access token request.
func (s *shard) polled(w *worker, d *device, o Outcome, r *reply, done int64) {
	t := s.tally
	written := w.answer.Written
	before := d.tokens
	d.polls++
	d.sumLatency += uint32(min((done-w.intended)/10_000, 1<<24))
	if d.manner != greedy && (o == Pending || o == SlowDownHeard) {
		t.paced(d, d.paceOf(written, done), o == SlowDownHeard)
	}
	d.sent, d.endedAt = written, done
	if o.answered() {
		t.longestWait = max(t.longestWait, done-d.heardAt-int64(d.interval)*1e6)
		d.heardAt = done
		if d.decided != 0 && written > d.decided {
			d.pollsAfter++
			if o == Pending {
				d.pendingAfter++
			}
		}
	}
	if (!o.answered() || w.answer.Resent) && d.asked != 0 {
		d.lost = true
	}
	switch {
	case o == Token:
		s.run.ledger.token(d, r.accessToken, func() []byte { return raw(w) })
		if before == 0 {
			t.census.Tokens++
			s.timeToken(d, w, done)
		}
	case o == ExpiredToken && d.expires > 0:
		t.heardExpiry++
		if early := d.expires - done; early > int64(time.Second) {
			t.earlyExpiry++
			t.earlyMax = max(t.earlyMax, early)
		}
	case o == Pending && d.expires > 0 && written > d.expires:
		t.lateExpiry++
		t.lateMax = max(t.lateMax, written-d.expires)
	}
	if d.inFlight > 0 || d.copies > 0 {
		if o == SlowDownHeard {
			d.hear(o, 0) // one of several polls in one moment
		}
		return
	}
	s.goOn(w, d, o, done)
}

// goOn lets the device poll again, or go.
func (s *shard) goOn(w *worker, d *device, o Outcome, done int64) {
	if d.manner == greedy && d.tokens > 0 {
		switch d.again {
		case 0: // the first of its tokens
			d.again = 3
			s.schedule(w.slot, d, done)
		case 3, 2:
			d.again--
			s.schedule(w.slot, d, done+int64(d.owed)*1e6)
		default:
			d.again = 0
			s.end(w.slot, d, o, done)
		}
		return
	}
	then, wait := d.hear(o, w.answer.RetryAfter)
	from := done
	switch {
	case s.run.settings.fixed && o.answered():
		// A little more than the interval: counted from the arrival of the last
		// poll it would otherwise be too short by the way there.
		from = w.intended + int64(fixedGuard)
	default:
		from += d.guard()
	}
	due := from + wait
	switch {
	case then == stop:
		s.end(w.slot, d, o, done)
		return
	case d.stopAt > 0 && due > d.stopAt:
		s.tally.census.Abandoned++
		s.leave(w.slot, d, done)
		return
	case d.expires > 0 && due > d.expires:
		// Once more, to hear that the codes have ended.
		d.last = true
		due = max(due, d.expires+int64(time.Second))
	}
	s.schedule(w.slot, d, due)
}

// fixedGuard is what a device of the model fixed waits beyond its interval.
const fixedGuard = 50 * time.Millisecond

// timeToken measures how long an approved device waited.
func (s *shard) timeToken(d *device, w *worker, done int64) {
	if d.manner != obedient || d.decided == 0 || !s.run.measures(w.intended) {
		return
	}
	t := s.tally
	observe(t.timeToToken, done-d.decided)
	excess := int64(0)
	if d.firstAfter > 0 {
		excess = done - d.firstAfter
	}
	observe(t.excess, excess)
	polls := max(1, d.pollsAfter)
	t.tokensMeasured++
	t.pollsToToken += int64(polls)
	t.mostPollsToToken = max(t.mostPollsToToken, polls)
}

// end is the last answer of a device.
func (s *shard) end(slot int32, d *device, o Outcome, done int64) {
	c := &s.tally.census
	switch {
	case d.tokens > 0:
	case o == Denied:
		c.Refused++
	case d.forgotten(o, done):
		c.Forgotten++
		c.Failed++
	case o == ExpiredToken, d.last:
		c.Expired++
	default:
		c.Failed++
	}
	s.run.ledger.ended(d, o, false)
	s.leave(slot, d, done)
}

// leave frees the place of a device, for another one if the plan says so.
func (s *shard) leave(slot int32, d *device, now int64) {
	if d.state == waiting {
		s.waiting--
		s.tally.gone(d)
	}
	s.active--
	d.state = idle
	s.run.transport.Drop(slot + int32(s.first))
	c := &s.run.settings
	if !c.replace || s.stopping {
		return
	}
	d.tries = 0
	at := now
	if !c.issueOnly {
		random := dice{c.seed ^ uint64(d.serial)}
		at += random.between(0, int64(max(d.advertised, 1000))*1e6)
	}
	s.arrive(slot, at)
}

// schedule plans the next request of a device.
func (s *shard) schedule(slot int32, d *device, due int64) {
	d.due = due
	switch {
	case s.stopping && !s.worthwhile(d, due):
	case due <= s.latest:
		s.pop(slot, s.latest) // at once: no wheel has to turn for it
	default:
		s.add(slot)
	}
}

// place is the number of a verification URI; almost always there is one.
func (s *shard) place(uri []byte) uint8 {
	if i := slices.IndexFunc(s.uris, func(u string) bool { return u == string(uri) }); i >= 0 {
		return uint8(i)
	}
	if len(s.uris) == 256 {
		return 0
	}
	s.uris = append(s.uris, string(uri))
	return uint8(len(s.uris) - 1)
}

// escaped is a device code as a form has it.
func escaped(code []byte) []byte {
	plain := func(c rune) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
	}
	if bytes.IndexFunc(code, func(c rune) bool { return !plain(c) }) < 0 {
		return code
	}
	return []byte(url.QueryEscape(string(code)))
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

// finish tells the shard that the decision was acknowledged, or failed.
func (s *shard) finish(e errand, decision Decision, now int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
	case decision.Approve:
		s.tally.census.Approved++
	default:
		s.tally.census.Denied++
	}
	d := &s.devices[e.slot]
	if d.serial != e.serial || d.state != waiting {
		return // it was faster than the acknowledgement
	}
	if err != nil {
		d.failed = true
		return
	}
	d.decided = now
}
