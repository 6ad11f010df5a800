package scenario

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// person opens a fresh user agent.
func (c *conversation) person() (useragent.Agent, error) {
	return c.open(func(ctx context.Context, d useragent.Driver) (useragent.Agent, error) { return d.NewAgent(ctx) })
}

// personInTurn opens a fresh user agent whose first journey can begin at once:
// the code that it is for is asked for after this, and does not grow old in the
// queue for the browser.
func (c *conversation) personInTurn() (useragent.Agent, error) {
	s, err := c.person()
	if err != nil {
		return nil, err
	}
	return c.orClose(s, c.takeTurn(s))
}

// errander is personInTurn for errands: visits of which only the decision
// counts, so that no rule looks at their pages.
func (c *conversation) errander() (useragent.Agent, error) {
	s, err := c.open(func(ctx context.Context, d useragent.Driver) (useragent.Agent, error) {
		if e, ok := d.(useragent.Errander); ok {
			return e.NewErrand(ctx)
		}
		return d.NewAgent(ctx)
	})
	if err != nil {
		return nil, err
	}
	return c.orClose(s, c.takeTurn(s))
}

// orClose is a session that can be used, or none.
func (c *conversation) orClose(s useragent.Agent, err error) (useragent.Agent, error) {
	if err != nil {
		_ = s.Close() // what matters is that it is of no use
		return nil, err
	}
	return s, nil
}

func (c *conversation) open(session func(context.Context, useragent.Driver) (useragent.Agent, error)) (useragent.Agent, error) {
	if c.Driver == nil {
		return nil, fmt.Errorf("no user agent: %s", c.NoDriver)
	}
	c.wait("a free user agent", 0)
	s, err := session(c.ctx, c.Driver)
	if err != nil {
		return nil, fmt.Errorf("no user agent: %w", err)
	}
	return s, nil
}

// takeTurn waits until a user agent's next journey can begin at once, and a code
// be typed in it.
func (c *conversation) takeTurn(s useragent.Agent) error {
	if err := c.readyToType(); err != nil {
		return err
	}
	p, ok := s.(useragent.Preparer)
	if !ok {
		return nil
	}
	c.wait("a free user agent", 0)
	if err := p.Prepare(c.ctx); err != nil {
		return fmt.Errorf("no user agent: %w", err)
	}
	return nil
}

// visit lets an end user do one errand and records it.
func (c *conversation) visit(s useragent.Agent, task useragent.Task) transcript.Journey {
	start := time.Now()
	j := c.visitExpiring(s, task)
	if t := j.Trouble; t != nil && t.Cause == errNoTurn.Error() {
		return j // it is said already why
	}
	if by := time.Since(task.Deadline); !task.Deadline.IsZero() && by > 0 && c.ownPace() {
		c.late(c.lateCode(), by, start, "%s: the code expired before the visit ended; with the wait for its turn, it took %s", task.Name, time.Since(start).Round(100*time.Millisecond))
	}
	return j
}

// visitExpiring is visit for a code that may expire meanwhile.
func (c *conversation) visitExpiring(s useragent.Agent, task useragent.Task) transcript.Journey {
	c.wait("the user agent: "+task.Name, 0)
	c.mu.Lock()
	task.Unpictured = len(c.said.Journeys) >= transcript.JourneysPictured
	c.mu.Unlock()
	began, start := c.Clock.Now(), time.Now()
	var pressed time.Duration
	if held := task.AtDecision; held != nil {
		task.AtDecision = func(ctx context.Context) error {
			err := held(ctx)
			pressed = c.Clock.Now()
			return err
		}
	}
	if held := task.AtRequest; held != nil {
		task.AtRequest = func() {
			held()
			pressed = c.Clock.Now()
		}
	}
	j := c.journey(s, task)
	if j.Decided {
		j.Pressed = pressed
	}
	if t := j.Trouble; j.Outcome == transcript.Unfinished && t != nil && c.ctx.Err() == nil {
		lost := t.Class == transcript.BrowserLost
		slow := slices.Contains([]transcript.TroubleClass{transcript.NavTimeout, transcript.JourneyTimeout, transcript.ValueLost, transcript.ElementMissing}, t.Class)
		if lost || slow && c.strained(start) {
			c.late(transcript.LatePage, 0, start, "%s: %s", task.Name, t.Cause)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.visited += c.Clock.Now() - began
	c.said.Journeys = append(c.said.Journeys, j)
	return j
}

// visitOnce is visit in a user agent of its own.
func (c *conversation) visitOnce(task useragent.Task) (transcript.Journey, error) {
	s, err := c.person()
	if err != nil {
		return transcript.Journey{}, err
	}
	defer s.Close()
	return c.visit(s, task), nil
}
