package scenario

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// codeLimit paces the device authorization requests of a run, all together, once
// the target has shown how many it allows a minute: a run that goes on without
// gets codes in bursts, with pauses in which those that it has expire.
type codeLimit struct {
	clock *Clock

	mu      sync.Mutex
	most    int             // requests a minute; 0: no limit is known
	from    time.Duration   // nobody asks before
	sent    []time.Duration // of the last minute
	waiting []chan struct{} // those without a turn, in their order
	seen    string          // the first refusal
	// limits counts the refusals that look like a limit by the minute, refusals all.
	limits, refusals int
	waited           time.Time // when somebody last had to wait
}

func newCodeLimit(clock *Clock) *codeLimit { return &codeLimit{clock: clock} }

// turn waits until one more request may be sent, and counts it.
func (l *codeLimit) turn(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	self := make(chan struct{})
	l.waiting = append(l.waiting, self)
	defer func() {
		l.waiting = slices.DeleteFunc(l.waiting, func(other chan struct{}) bool { return other == self })
		l.mu.Unlock()
	}()
	for l.waiting[0] != self || !l.free() {
		l.waited = time.Now()
		l.mu.Unlock()
		err := l.clock.SleepReal(ctx, lookForTurn)
		l.mu.Lock()
		if err != nil {
			return err
		}
	}
	l.sent = append(l.sent, l.clock.Now())
	return nil
}

// free says that a request may be sent now. The caller holds the lock.
func (l *codeLimit) free() bool {
	now := l.clock.Now()
	l.sent = slices.DeleteFunc(l.sent, func(at time.Duration) bool { return now-at > aMinute+l.clock.Guard(0) })
	return now >= l.from && (l.most == 0 || len(l.sent) < l.most)
}

// heard is told of every answer to a device authorization request. Where 429 comes
// often and asks for more than a moment, the run keeps to as many requests a
// minute as were answered otherwise in the last one.
func (l *codeLimit) heard(x wire.Exchange) {
	if l == nil || x.Status != 429 {
		return
	}
	pause, asked := retryAfter(x)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	l.refusals++
	l.seen = cmp.Or(l.seen, fmt.Sprintf("status %d", x.Status))
	if len(l.sent) > 0 {
		l.sent = l.sent[:len(l.sent)-1] // it did not count
	}
	if asked && pause < briefly {
		return
	}
	if l.limits++; l.limits <= strayRefusals {
		return
	}
	if n := len(l.sent); n > 0 && (l.most == 0 || n < l.most) {
		l.most = n
	}
	l.from = max(l.from, now+min(pause, longestPause)+l.clock.Guard(0))
}

// perMinute is how many requests a minute the target allows, 0 if that is unknown.
func (l *codeLimit) perMinute() int {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most
}

// held says that somebody waited for a turn since a moment.
func (l *codeLimit) held(since time.Time) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waited.After(since)
}

// CodesLimited says in a line what limit on device authorization requests the run
// met, "" for none.
func (e *Environment) CodesLimited() string {
	l := e.codes
	if l.perMinute() == 0 {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("the server limits device authorization requests (%s): %d were refused, and the run kept to %d a minute; to keep to that from the start, try limits.device_authorization_per_minute: %d in the profile, or lift the limit for the address of the test",
		l.seen, l.refusals, l.most, l.most)
}
