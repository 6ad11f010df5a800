package loadgen

import (
	"sync"
	"time"
)

// shard is a part of the devices with a wheel, connections and figures of its
// own. One goroutine turns the wheel; each connection is another. They meet at
// one lock, which nobody holds while a disk or a peer keeps him waiting.
//
// Its parts, each in a file of its own: the wheel has the devices that wait, the
// backlog those that are due, the connections carry their requests, what comes
// of an answer is the life of a device, and the accounts write it down.
type shard struct {
	run   *run
	id    int
	first int // slot 0 is this one of the plan

	mu          sync.Mutex
	devices     []device
	wheel       *wheel
	arena       arena
	backlog     backlog
	connections connections
	accounts
	active   int // devices that have come and not gone
	waiting  int // devices that poll
	serials  uint32
	parked   int // the next slot of a closed arrival
	stopping bool
	closed   bool
	gap      int64 // longest between two looks at the clock
	latest   int64 // when the last answer came
	uris     []string

	sleepsUntil int64
	wake        chan struct{}
	done        sync.WaitGroup
}

func newShard(r *run, id, first, devices, connections int) *shard {
	s := &shard{run: r, id: id, first: first, devices: make([]device, devices), accounts: newAccounts(r.recorder), wake: make(chan struct{}, 1)}
	s.connections.most = connections
	s.wheel, s.backlog = newWheel(s.devices), newBacklog(s.devices)
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
		s.wheel.advance(now, func(slot int32) { s.dequeue(slot, now) })
		s.dispatch(now)
		if now-checked >= interruptEvery {
			checked = now
			s.connections.interrupt(now - int64(s.run.settings.timeout))
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

// dequeue takes a device that is due out of the wheel. From here on it is the
// server, or the want of a connection, that the device waits for; what it is late
// already is the generator's fault, and counted apart.
func (s *shard) dequeue(slot int32, now int64) {
	d := &s.devices[slot]
	measured := s.run.measures(d.due)
	if s.stopping && !measured && (d.state == issuing || !s.worthwhile(d, now)) {
		d.due = 0 // no longer: it is accounted for in the end
		if d.state == issuing {
			s.active--
			d.state = idle
		}
		return
	}
	s.accounts.due(d, now-d.due, measured)
	d.dequeued, d.copies = now, 1
	switch d.state {
	case issuing:
		s.serials++
		d.serial = (s.serials-1)*uint32(s.run.shards) + uint32(s.id) + 1
		if d.tries == 0 {
			s.tally.Devices.Started++
		}
	case waiting:
		if d.decided != 0 && d.firstAfter == 0 && d.due >= d.decided {
			d.firstAfter = d.due
		}
		if d.manner == greedy {
			s.greed(slot, d)
		}
	}
	s.backlog.push(slot)
}

// pending is what is under way, or was due before the end and is not dequeued.
func (s *shard) pending() int {
	n := s.connections.inFlight + s.backlog.length
	if s.wheel.turned*tick < s.run.to.Load() {
		n++
	}
	return n
}

// settle accounts for what is left when nothing moves any more.
func (s *shard) settle(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.backlog.empty() {
		d := &s.devices[s.backlog.drop()]
		s.accounts.censored(d, now, s.run.measures(d.due))
	}
	for i := range s.devices {
		if d := &s.devices[i]; d.state == waiting {
			s.run.ledger.ended(d, outcomePending, true)
			s.tally.gone(d)
		}
	}
	s.accounts.flush()
}

// unsent counts the requests that were due in the window and that the wheel
// never handed out.
func (s *shard) unsent() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, slot := range s.wheel.slots {
		for ; slot != nobody; slot = s.devices[slot].next {
			if s.run.measures(s.devices[slot].due) {
				n++
			}
		}
	}
	return n
}
