package scenario

import (
	"context"
	"time"
)

// Clock counts the target's seconds. At rate 1 they are ours; at rate 5 a
// target with the same rate lives five seconds in one of ours, so that waits
// of the protocol shrink. What belongs to the network does not shrink: see
// [Clock.Guard].
type Clock struct {
	start time.Time
	rate  float64
}

// NewClock starts a clock. A rate of 0 means 1.
func NewClock(rate float64) *Clock {
	if rate <= 0 {
		rate = 1
	}
	return &Clock{start: time.Now(), rate: rate}
}

// Now is how much target time has passed since the clock was made.
func (c *Clock) Now() time.Duration {
	return time.Duration(float64(time.Since(c.start)) * c.rate)
}

// Sleep waits for d of target time, or until ctx ends.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	return c.SleepReal(ctx, time.Duration(float64(d)/c.rate))
}

// SleepReal waits for d of our own time, or until ctx ends.
func (c *Clock) SleepReal(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Until is the moment of our own time at which the target's clock shows t.
func (c *Clock) Until(t time.Duration) time.Time {
	return c.start.Add(time.Duration(float64(t) / c.rate))
}

// minGuard is the least distance that a compliant poll keeps from the end of
// its interval: servers compare with a strict ">" or truncate to whole seconds.
const minGuard = time.Second

// Guard is the extra wait, in target time, that makes a poll surely compliant:
// one second or twice the round trip of our own time, whichever is longer. It
// does not shrink with the rate, because jitter does not.
func (c *Clock) Guard(roundTrip time.Duration) time.Duration {
	real := max(minGuard, 2*time.Duration(float64(roundTrip)/c.rate))
	return time.Duration(float64(real) * c.rate)
}
