package loadgen

import (
	"bytes"
	"net/url"
	"slices"
	"time"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
)

// The life of a device: what comes of each answer. The caller of all of this
// holds the shard's lock.

// complete accounts for an answer, and lets the device decide what comes next.
func (s *shard) complete(w *worker, o outcome, r *reply, failure transport.Failure, done int64) {
	d := &s.devices[w.slot]
	d.inFlight--
	if s.closed && o.unanswered() {
		o, failure = outcomeCensored, transport.NoFailure // it was us who ended it
	}
	s.accounts.request(w, d, o, failure, done, s.run.measures(w.intended))
	if w.kind == kindIssue {
		s.issued(w, d, o, r, done)
	} else {
		s.polled(w, d, o, r, done)
	}
}

// issued is what follows a device authorization request.
func (s *shard) issued(w *worker, d *device, o outcome, r *reply, done int64) {
	if s.run.settings.curve == "closed" && s.parked < len(s.devices) && !s.stopping {
		next := s.parked
		s.parked++
		s.arrive(int32(next), done)
	}
	if o != outcomeCodes {
		s.without(w, d, done)
		return
	}
	c := &s.run.settings
	t := s.tally
	t.Devices.Issued++
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
		t.Devices.Abandoned++
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
		s.run.approvers.plan(errand{at: at, shard: s, slot: w.slot, serial: d.serial})
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
		s.tally.Devices.Failed++
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
func (s *shard) polled(w *worker, d *device, o outcome, r *reply, done int64) {
	s.accounts.poll(w, d, o, done)
	d.polled(o, w.intended, w.answer.Written, done, w.answer.Resent)
	if o == outcomeToken {
		first := d.tokens == 0
		s.run.ledger.token(d, r.accessToken, func() []byte { return raw(w) })
		if first {
			s.accounts.token(d, done, s.run.measures(w.intended))
		}
	}
	if d.inFlight > 0 || d.copies > 0 {
		if o == outcomeSlowDown {
			d.hear(o, 0) // one of several polls in one moment
		}
		return
	}
	s.goOn(w, d, o, done)
}

// goOn lets the device poll again, or go.
func (s *shard) goOn(w *worker, d *device, o outcome, done int64) {
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
	case s.run.settings.constantPacing && o.answered():
		// A little more than the interval: counted from the arrival of the last
		// poll it would otherwise be too short by the way there.
		from = w.intended + int64(pacingGuard)
	default:
		from += d.guard()
	}
	due := from + wait
	switch {
	case then == stop:
		s.end(w.slot, d, o, done)
		return
	case d.stopAt > 0 && due > d.stopAt:
		s.tally.Devices.Abandoned++
		s.leave(w.slot, d, done)
		return
	case d.expires > 0 && due > d.expires:
		// Once more, to hear that the codes have ended.
		d.last = true
		due = max(due, d.expires+int64(time.Second))
	}
	s.schedule(w.slot, d, due)
}

// pacingGuard is what a device with constant pacing (the client model fixed) waits
// beyond its interval.
const pacingGuard = 50 * time.Millisecond

// end is the last answer of a device.
func (s *shard) end(slot int32, d *device, o outcome, done int64) {
	s.confirm(d, o)
	s.accounts.ended(d, o, done)
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
		s.dequeue(slot, s.latest) // at once: no wheel has to turn for it
	default:
		s.add(slot)
	}
}

// greed lets somebody decide in the moment of a poll, and sends several polls
// at once when the decision has been made. It does so once: where the token
// does not come, the device obeys, so that it can be told that nothing was
// decided.
func (s *shard) greed(slot int32, d *device) {
	switch {
	case d.wanted:
		d.wanted = false
		s.run.approvers.plan(errand{at: d.due, shard: s, slot: slot, serial: d.serial, now: true})
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
