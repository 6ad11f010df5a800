package loadgen

import "github.com/devicegrant/devicegrant/loadgen/internal/transport"

// connections are those of a shard: one goroutine each.
type connections struct {
	all      []*worker
	free     []*worker // last in, first out, so that few connections are hot
	most     int
	inFlight int
}

// worker is one connection and what it is doing.
type worker struct {
	conn     transport.Connection
	request  transport.Request
	answer   transport.Answer
	reader   reader
	wake     chan struct{}
	slot     int32
	kind     kind
	intended int64
	dequeued int64
	began    int64 // 0: idle
}

// dispatch hands the devices of the backlog to free connections.
func (s *shard) dispatch(now int64) {
	c := &s.connections
	for !s.backlog.empty() {
		var w *worker
		switch n := len(c.free); {
		case n > 0:
			w = c.free[n-1]
			c.free = c.free[:n-1]
			s.assign(w, now)
			w.wake <- struct{}{}
		case len(c.all) < c.most:
			w = &worker{conn: s.run.transport.Connect(), wake: make(chan struct{}, 1), reader: reader{dialect: s.run.site.dialect}}
			c.all = append(c.all, w)
			s.assign(w, now)
			s.done.Go(func() { s.work(w) })
		default:
			return
		}
	}
}

// assign gives a connection the first device of the backlog.
func (s *shard) assign(w *worker, now int64) {
	slot := s.backlog.take()
	d := &s.devices[slot]
	d.inFlight++
	s.connections.inFlight++
	w.slot, w.intended, w.dequeued, w.began = slot, d.due, d.dequeued, max(now, 1)
	w.request = transport.Request{Endpoint: s.run.site.token, Code: s.arena.get(d.code), Slot: slot + int32(s.first)}
	w.kind = kindPoll
	if d.state == issuing {
		w.kind = kindIssue
		w.request.Endpoint, w.request.Code = s.run.site.deviceAuthorization, nil
	}
}

// work is the goroutine of one connection. It takes the shard's lock between
// two requests, never within one.
func (s *shard) work(w *worker) {
	defer w.conn.Close()
	for {
		failure := w.conn.Do(&w.request, &w.answer)
		done := s.run.now()
		var r reply
		o := outcomeLost
		switch failure {
		case transport.NoFailure:
			r = w.reader.read(w.answer.Status, w.answer.Body)
			o = r.outcome(w.kind, w.answer.Status)
		case transport.FailureTimeout:
			o = outcomeTimedOut
		}
		s.mu.Lock()
		s.latest = done
		s.complete(w, o, &r, failure, done)
		w.began = 0
		s.connections.inFlight--
		more := !s.backlog.empty()
		switch {
		case s.closed:
			s.mu.Unlock()
			return
		case more:
			s.assign(w, done)
		default:
			s.connections.free = append(s.connections.free, w)
		}
		s.mu.Unlock()
		if !more {
			if _, open := <-w.wake; !open {
				return
			}
		}
	}
}

// release ends the goroutines of those connections that have nothing to do.
func (c *connections) release() {
	for _, w := range c.free {
		close(w.wake)
	}
	c.free = nil
}

// interrupt ends the requests that began before an instant, and counts them.
func (c *connections) interrupt(before int64) (n int) {
	for _, w := range c.all {
		if w.began > 0 && w.began < before {
			w.conn.Interrupt()
			n++
		}
	}
	return n
}
