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
	granted []time.Duration // when a request got another answer than 429, in the last minute
	// taken is when the turns were given that have no answer yet.
	taken   []time.Duration
	waiting []chan struct{} // those without a turn, in their order
	seen    string          // the first refusal
	// refusals counts all, held those that asked for a long pause.
	refusals, held int
	// set is when the pace was last set or raised, grown says which, and patience is
	// how long a pace is kept before more is tried.
	set      time.Duration
	grown    bool
	patience time.Duration
	waited   time.Time // when somebody last had to wait
}

// fewest is the slowest pace that a run keeps: at less, it would take hours, and
// what looks like such a limit is mostly another one.
const fewest = 4

func newCodeLimit(clock *Clock) *codeLimit {
	return &codeLimit{clock: clock, patience: 2 * aMinute}
}

// turn waits until one more request may be sent.
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
	l.taken = append(l.taken, l.clock.Now())
	return nil
}

// free says that a request may be sent now. A pace that nobody minded for a while
// grows by a quarter. The caller holds the lock.
func (l *codeLimit) free() bool {
	now := l.clock.Now()
	past := func(at time.Duration) bool { return now-at > aMinute+l.clock.Guard(0) }
	l.granted, l.taken = slices.DeleteFunc(l.granted, past), slices.DeleteFunc(l.taken, past)
	if l.most > 0 && now-l.set > l.patience {
		l.most, l.set, l.grown = l.most+max(1, l.most/4), now, true
	}
	return now >= l.from && (l.most == 0 || len(l.granted)+len(l.taken) < l.most)
}

// heard is told of every answer to a device authorization request. Where 429 asks
// for a long pause time and again, the target counts by the minute: the run keeps
// to as many requests as it answered otherwise in the last one, and tries more later,
// ever more rarely. A 429 that asks for no pause or a short one is a limit by the
// second, and is only waited for.
func (l *codeLimit) heard(x wire.Exchange) {
	if l == nil {
		return
	}
	pause, asked := retryAfter(x)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.taken) > 0 {
		l.taken = l.taken[1:]
	}
	now := l.clock.Now()
	if x.Status != 429 {
		if x.Answered() {
			l.granted = append(l.granted, now)
			// It may have been on its way already when the pace was set.
			if l.most > 0 && !l.grown && now-l.set < briefly {
				l.most = max(l.most, len(l.granted))
			}
		}
		return
	}
	l.refusals++
	l.seen = cmp.Or(l.seen, fmt.Sprintf("status %d", x.Status))
	if !asked || pause < briefly {
		return
	}
	l.from = max(l.from, now+min(pause, longestPause)+l.clock.Guard(0))
	if l.held++; l.held <= strayRefusals {
		return
	}
	n := max(len(l.granted), fewest)
	if l.most == 0 || n < l.most {
		l.most = n
	}
	if l.grown {
		l.patience *= 2 // more was tried, and refused
	}
	l.set, l.grown = now, false
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

// heldBack says that somebody waited for a turn since a moment.
func (l *codeLimit) heldBack(since time.Time) bool {
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
	return fmt.Sprintf("the server limits device authorization requests (%s): %d were refused, and the run kept to about %d a minute; to keep to that from the start, try limits.device_authorization_per_minute: %d in the profile, or lift the limit for the address of the test",
		l.seen, l.refusals, l.most, l.most)
}
