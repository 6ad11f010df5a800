package scenario

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/suites/wire"
)

func refusedFor(seconds int) wire.Exchange {
	header := http.Header{}
	if seconds > 0 {
		header.Set("Retry-After", strconv.Itoa(seconds))
	}
	return wire.Exchange{Status: 429, Response: &wire.Message{Header: header}}
}

// TestCodeLimitIsFound: a target that issues ten codes a minute and refuses the
// others is asked for ten a minute from then on.
func TestCodeLimitIsFound(t *testing.T) {
	const allowed = 10
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock(1)
		l := newCodeLimit(clock)
		var (
			mu      sync.Mutex
			issued  []time.Duration
			refused int
			all     sync.WaitGroup
		)
		// ask is the target: it counts any minute.
		ask := func() wire.Exchange {
			mu.Lock()
			defer mu.Unlock()
			now, n := clock.Now(), 0
			for _, at := range issued {
				if now-at < time.Minute {
					n++
				}
			}
			if n >= allowed {
				refused++
				return refusedFor(30)
			}
			issued = append(issued, now)
			return wire.Exchange{Status: 200, Response: &wire.Message{}}
		}
		for range 40 {
			all.Go(func() {
				for range 3 {
					if err := l.turn(t.Context()); err != nil {
						t.Error(err)
						return
					}
					time.Sleep(50 * time.Millisecond)
					x := ask()
					l.heard(x)
					if x.Status == 200 {
						return
					}
					time.Sleep(30 * time.Second)
				}
				t.Error("somebody got no code in three tries")
			})
		}
		all.Wait()
		if l.perMinute() != allowed || refused > 30+allowed {
			t.Errorf("%d a minute, %d refused", l.perMinute(), refused)
		}
		e := Environment{codes: l}
		if said := e.CodesLimited(); !strings.Contains(said, "limits.device_authorization_per_minute: 10 ") {
			t.Errorf("said %q", said)
		}
	})
}

// TestALimitBySecondIsNoPace: a gateway that allows five a second and refuses the
// others without a word of when to come again does not slow the run down.
func TestALimitBySecondIsNoPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newCodeLimit(NewClock(1))
		var (
			mu     sync.Mutex
			recent []time.Time
			all    sync.WaitGroup
		)
		ask := func() wire.Exchange {
			mu.Lock()
			defer mu.Unlock()
			recent = slices.DeleteFunc(recent, func(at time.Time) bool { return time.Since(at) >= time.Second })
			if len(recent) >= 5 {
				return refusedFor(0)
			}
			recent = append(recent, time.Now())
			return wire.Exchange{Status: 200, Response: &wire.Message{}}
		}
		began := time.Now()
		for range 40 {
			all.Go(func() {
				for codes := 0; codes < 5; {
					if err := l.turn(t.Context()); err != nil {
						t.Error(err)
						return
					}
					x := ask()
					if l.heard(x); x.Status == 200 {
						codes++
					} else {
						time.Sleep(defaultRetryAfter)
					}
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took > 3*time.Minute || l.perMinute() != 0 {
			t.Errorf("200 codes took %s, at %d a minute", took, l.perMinute())
		}
	})
}

// TestThePaceRecovers: what was learned from a bad moment does not last, and a turn
// that nobody uses blocks nobody for long.
func TestThePaceRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newCodeLimit(NewClock(1))
		for range 2 {
			if err := l.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.heard(refusedFor(20))
		}
		if l.perMinute() != fewest {
			t.Errorf("%d a minute", l.perMinute())
		}
		began := time.Now()
		for i := range 100 {
			if err := l.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
			if i != 10 { // whose request was never sent
				l.heard(wire.Exchange{Status: 200, Response: &wire.Message{}})
			}
		}
		if took := time.Since(began); took > 15*time.Minute {
			t.Errorf("100 codes took %s", took)
		}
	})
}

// TestOneRefusalIsNoLimit: a stray 429, and those that ask for a moment only.
func TestOneRefusalIsNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newCodeLimit(NewClock(1))
		hear := func(x wire.Exchange) {
			if err := l.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.heard(x)
		}
		for range 20 {
			hear(wire.Exchange{Status: 200, Response: &wire.Message{}})
			hear(refusedFor(1))
		}
		hear(refusedFor(60))
		e := Environment{codes: l}
		if n, said := l.perMinute(), e.CodesLimited(); n != 0 || said != "" {
			t.Errorf("%d a minute, said %q", n, said)
		}
	})
}
