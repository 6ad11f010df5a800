package scenario

import (
	"context"
	"time"
)

// Clock counts the target's seconds. At rate 1 they are real seconds. At rate
// 5, a target with the same rate goes through five seconds per real second, so
// the protocol's waits shrink. Network delays do not shrink: see [Clock.Guard].
type Clock struct {
	start time.Time
	rate  float64
}

// NewClock returns a running clock. A rate of 0 means 1.
func NewClock(rate float64) *Clock {
	if rate <= 0 {
		rate = 1
	}
	return &Clock{start: time.Now(), rate: rate}
}

// Now returns how much target time has passed since the clock was created.
func (c *Clock) Now() time.Duration {
	return time.Duration(float64(time.Since(c.start)) * c.rate)
}

// Wall is the target's time of day, as far as it started with ours.
func (c *Clock) Wall() time.Time { return c.start.Add(c.Now()) }

// Sleep waits for d of target time, or until ctx ends.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	return c.SleepReal(ctx, time.Duration(float64(d)/c.rate))
}

// SleepReal waits for d of real time, or until ctx ends.
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

// Until returns the real time at which the target's clock shows t.
func (c *Clock) Until(t time.Duration) time.Time {
	return c.start.Add(time.Duration(float64(t) / c.rate))
}

// minGuard is the least distance that a compliant poll keeps from the end of
// its interval: servers compare with a strict ">" or truncate to whole seconds.
const minGuard = time.Second

// Guard returns the extra wait, in target time, that makes a poll safely
// compliant: one second or twice the round trip in real time, whichever is
// longer. It does not shrink with the rate, because jitter does not.
func (c *Clock) Guard(roundTrip time.Duration) time.Duration {
	real := max(minGuard, 2*time.Duration(float64(roundTrip)/c.rate))
	return time.Duration(float64(real) * c.rate)
}
