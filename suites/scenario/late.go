package scenario

import (
	"fmt"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// missedBy is by how much, of target time, a request may miss the moment that
// it is about, and leastMissed the same of our own time, for fast clocks.
const (
	missedBy    = clear / 2
	leastMissed = 250 * time.Millisecond
)

// late notes a step that came too late by our own fault, and how this machine
// kept up since a moment before. The scenario is told again, alone, for it.
func (c *conversation) late(kind transcript.LateKind, by time.Duration, since time.Time, format string, args ...any) {
	l := transcript.Late{Kind: kind, What: fmt.Sprintf(format, args...), ByMS: float64(by.Microseconds()) / 1000}
	l.Paused = c.pulse.paused(since) || c.codes.heldBack(since)
	if c.Watch != nil && !l.Paused {
		l.Machine = c.Watch.Since(since).String()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said.Late = append(c.said.Late, l)
}

// strained says that this machine did not keep up since a moment.
func (c *conversation) strained(since time.Time) bool {
	return c.Watch != nil && c.Watch.Since(since).Strained()
}

// ownPace says that it is up to this machine how long a visit takes.
func (c *conversation) ownPace() bool {
	return c.Driver != nil && (c.Driver.Name() == "browser" || c.Driver.Name() == "forms")
}

// lateCode is why a code was not used in time: where the target limits how many
// are typed or asked for, the others had to wait for their turn.
func (c *conversation) lateCode() transcript.LateKind {
	if c.typing != nil && c.typing.paced() || c.codes.perMinute() > 0 {
		return transcript.LateLimited
	}
	return transcript.LateCode
}

// expiredUnder notes that a code was at its end, or nearer to it than the distance,
// before what had to be done with it was done.
func (c *conversation) expiredUnder(d *device, distance time.Duration, what string) {
	if by := c.Clock.Now() - d.issued - d.lifetime + distance; d.lifetime > 0 && by > 0 && c.ownPace() {
		c.late(c.lateCode(), c.real(by), c.Clock.Until(d.issued), "%s: by then the code, with a lifetime of %s, had expired or was about to", what, d.lifetime)
	}
}

// missed notes that a request left late, by our own time.
func (c *conversation) missed(label string, by time.Duration) {
	if by > max(c.real(missedBy), leastMissed) {
		c.late(transcript.LateMoment, by, time.Now().Add(-by-time.Second), "%s was sent %s too late", label, by.Round(time.Millisecond))
	}
}

// pollInPace polls as soon as that is surely compliant, with so many guard bands.
// A poll that this machine made wait much longer would be accepted by a server
// that punishes the pace, too.
func (d *device) pollInPace(label string, guards int) (wire.Exchange, error) {
	before, pace := d.last, d.interval
	x, err := d.pollAfter(label, pace+time.Duration(guards)*d.guard())
	by := d.c.real(x.Sent-before-pace) - time.Duration(guards)*minGuard
	if since := time.Now().Add(-by - time.Second); err == nil && by > max(d.c.real(pace)/4, leastMissed) && d.c.strained(since) {
		d.c.late(transcript.LatePace, by, since, "%s was sent %s later than possible", label, by.Round(time.Millisecond))
	}
	return x, err
}

// real is a time of the target's clock in our own.
func (c *conversation) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / c.Clock.rate)
}

// sleepBurst waits between two polls of a burst. A burst that we stretch
// ourselves to the length of an interval is none.
func (d *device) sleepBurst(label string) error {
	start := time.Now()
	if err := d.c.Clock.SleepReal(d.c.ctx, burstGap); err != nil {
		return errInterrupted
	}
	if by := time.Since(start) - burstGap; by > d.c.real(d.interval)/4 {
		d.c.late(transcript.LateMoment, by, start, "%s was sent %s too late", label, by.Round(time.Millisecond))
	}
	return nil
}
