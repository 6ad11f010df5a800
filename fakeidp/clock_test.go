package fakeidp

import (
	"sync"
	"testing"
	"time"
)

// manualClock stands still until a test moves it.
type manualClock struct {
	mu  sync.Mutex
	now time.Time
}

func newManualClock() *manualClock {
	return &manualClock{now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestTimelineRunsAtItsRate(t *testing.T) {
	start := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		rate float64
		real time.Duration
		want time.Duration
	}{
		{1, time.Second, time.Second},
		{5, 2 * time.Second, 10 * time.Second},
		{0.5, 4 * time.Second, 2 * time.Second},
		{1000, 24 * time.Hour, 24000 * time.Hour},
	} {
		l := &timeline{real: start, target: start.Add(time.Hour), rate: test.rate}
		if got := l.at(start.Add(test.real)).Sub(l.target); got != test.want {
			t.Errorf("rate %v: %v of real time became %v, want %v", test.rate, test.real, got, test.want)
		}
	}
}

func TestRateClockOnlyMovesForward(t *testing.T) {
	c := NewRateClock(0)
	if c.Rate() != 1 {
		t.Errorf("rate = %v, want 1", c.Rate())
	}
	before := c.Now()
	if err := c.Jump(time.Hour); err != nil {
		t.Fatal(err)
	}
	if passed := c.Now().Sub(before); passed < time.Hour {
		t.Errorf("a jump of an hour moved the clock by %v", passed)
	}
	before = c.Now()
	if err := c.SetRate(0.001); err != nil {
		t.Fatal(err)
	}
	if c.Now().Before(before) {
		t.Error("changing the rate moved the clock back")
	}
	if c.Jump(-1) == nil || c.SetRate(0) == nil || c.SetRate(-1) == nil || c.SetRate(1e9) == nil {
		t.Error("a clock that stops, runs back or runs away was accepted")
	}
}
