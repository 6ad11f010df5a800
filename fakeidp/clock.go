package fakeidp

import (
	"errors"
	"sync/atomic"
	"time"
)

// Clock is the server's clock. Every lifetime, interval and time stamp of the
// server comes from it, none from the time package.
type Clock interface {
	Now() time.Time
}

// RateClock is a [Clock] that starts at the current time and runs at a multiple
// of real time, so that a code with a lifetime of ten minutes can expire in
// two. It only moves forward. The zero value is not usable; see [NewRateClock].
type RateClock struct {
	line atomic.Pointer[timeline]
}

// timeline is a straight piece of the clock: at real time real it showed
// target, and from there it runs at rate.
type timeline struct {
	real   time.Time
	target time.Time
	rate   float64
}

func (l *timeline) at(real time.Time) time.Time {
	elapsed := real.Sub(l.real)
	if l.rate != 1 {
		elapsed = time.Duration(float64(elapsed) * l.rate)
	}
	return l.target.Add(elapsed)
}

// NewRateClock returns a clock that starts at the current time and runs at rate
// target seconds per real second. A rate of 0 means 1.
func NewRateClock(rate float64) *RateClock {
	if rate == 0 {
		rate = 1
	}
	now := time.Now()
	c := new(RateClock)
	c.line.Store(&timeline{real: now, target: now, rate: rate})
	return c
}

// Now returns the target's time.
func (c *RateClock) Now() time.Time {
	return c.line.Load().at(time.Now())
}

// Rate returns how many target seconds pass per real second.
func (c *RateClock) Rate() float64 {
	return c.line.Load().rate
}

// SetRate makes the clock run at rate from now on. The rate must be positive.
func (c *RateClock) SetRate(rate float64) error {
	if !(rate > 0 && rate <= maxRate) {
		return errors.New("fakeidp: the clock rate must be positive and at most 1000")
	}
	c.bend(func(l *timeline) { l.rate = rate })
	return nil
}

// maxRate keeps the product of a rate and a process lifetime far from the
// range of time.Duration.
const maxRate = 1000

// Jump moves the clock forward by d at once.
func (c *RateClock) Jump(d time.Duration) error {
	if d < 0 {
		return errors.New("fakeidp: the clock cannot jump back")
	}
	c.bend(func(l *timeline) { l.target = l.target.Add(d) })
	return nil
}

// bend ends the present piece of the timeline and starts another.
func (c *RateClock) bend(change func(*timeline)) {
	for {
		old := c.line.Load()
		now := time.Now()
		next := &timeline{real: now, target: old.at(now), rate: old.rate}
		change(next)
		if c.line.CompareAndSwap(old, next) {
			return
		}
	}
}
