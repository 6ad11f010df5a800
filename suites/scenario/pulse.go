package scenario

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// pulse watches whether the target answers at all. When so many requests in a row
// got no answer, everybody waits while the target is asked once more, plainly and
// alone; when that gets none either, the target is lost, and the run ends: what a
// dead server does not answer says nothing about the requirement at hand.
type pulse struct {
	// ask sends the plain request, now is the run's clock, announce says what is
	// waited for, and end ends the run.
	ask      func(context.Context) wire.Exchange
	now      func() time.Duration
	rate     float64 // of the clock: the target's seconds in one of ours
	announce func(what string, until time.Duration)
	end      context.CancelFunc

	mu sync.Mutex
	// silent and refused count requests in a row: without an answer, and with one
	// that is about load and not about the request.
	silent, refused int
	alive           time.Duration // when the last answer came
	asking          chan struct{} // nil: nobody asks
	asked           time.Time     // when somebody last did
	lost            string
}

const (
	mostSilent  = 3
	mostRefused = 10
	// askLimit is how long the plain request waits for its answer, and reviveAfter
	// when it is repeated where nobody listened: a server may be restarting.
	askLimit    = 10 * time.Second
	reviveAfter = 5 * time.Second
	// longestPause is the longest that a target may ask the run to wait, and
	// usualPause what one gets that only says no.
	longestPause = time.Minute
	usualPause   = 50 * time.Second
)

// newPulse watches the target of an environment.
func newPulse(e *Environment, announce func(what string, until time.Duration), end context.CancelFunc) *pulse {
	return &pulse{now: e.Clock.Now, rate: e.Clock.rate, announce: announce, end: end, ask: func(ctx context.Context) wire.Exchange {
		ctx, cancel := context.WithTimeout(ctx, askLimit)
		defer cancel()
		c := &conversation{Environment: e, ctx: ctx}
		client := e.Profile.Clients.Public
		// Through connections of its own: those of the run may all be waiting.
		alone := e.Wire.WithTLS(func(*tls.Config) {})
		defer alone.Close()
		return alone.Do(ctx, c.deviceRequest(labels.Alive, client, c.deviceForm(client)))
	}}
}

// heard is told of every exchange of the run.
func (p *pulse) heard(ctx context.Context, x wire.Exchange) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case unanswered(x):
		p.silent++
	case x.Failure != nil:
		return // our doing, or a sign of life that is not HTTP
	case x.Overloaded():
		p.refused++
	default:
		p.silent, p.refused, p.alive = 0, 0, max(p.alive, x.Received)
		return
	}
	if p.asking == nil && p.lost == "" && (p.silent >= mostSilent || p.refused >= mostRefused) {
		p.begin(ctx)
	}
}

// begin lets everybody wait while the target is asked. The caller holds the lock.
func (p *pulse) begin(ctx context.Context) {
	p.asking = make(chan struct{})
	go p.verify(ctx)
}

// unanswered says that a request met nobody, or nobody who spoke.
func unanswered(x wire.Exchange) bool {
	if x.Failure == nil || x.Response != nil {
		return false
	}
	switch x.Failure.Kind {
	case wire.FailTimeout, wire.FailRefused, wire.FailReset, wire.FailDNS:
		return true
	}
	return false
}

// wait lets a request go when nobody is asking whether the target is there.
func (p *pulse) wait(ctx context.Context) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	asking := p.asking
	p.mu.Unlock()
	if asking == nil {
		return nil
	}
	select {
	case <-asking:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// verify asks the target once more, and ends the run without an answer.
func (p *pulse) verify(ctx context.Context) {
	why := p.gone(ctx)
	p.announce("", 0)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent, p.refused = 0, 0
	if why != "" && ctx.Err() == nil {
		p.lost = why
		p.end()
	}
	close(p.asking)
	p.asking, p.asked = nil, time.Now()
}

// gone is why the target is lost, "" when it answers again.
func (p *pulse) gone(ctx context.Context) string {
	p.announce("the server does not answer: asking once more", p.now()+askLimit)
	again := p.ask(ctx)
	if unanswered(again) && again.Failure.Kind != wire.FailTimeout {
		p.announce("the server refuses connections: asking once more", p.now()+reviveAfter)
		if pause(ctx, reviveAfter) != nil {
			return ""
		}
		again = p.ask(ctx)
	}
	switch {
	case unanswered(again):
		return fmt.Sprintf("the server no longer answers: the last requests got no answer, nor did a plain one (%s)", again.Failure)
	case again.Overloaded():
		return p.refuses(ctx, again)
	}
	return ""
}

// refuses is why a target that refuses a plain request, too, is lost. What it asks
// for is obeyed, as long as a run can wait.
func (p *pulse) refuses(ctx context.Context, x wire.Exchange) string {
	length, asked := retryAfter(x)
	switch {
	case !asked:
		length = time.Duration(float64(usualPause) / max(p.rate, 1))
	case length > longestPause:
		return fmt.Sprintf("the server rejects every request (status %d) and asks for a pause of %s; a run waits at most %s", x.Status, length, longestPause)
	}
	p.announce(fmt.Sprintf("the server rejects every request (status %d): a pause", x.Status), p.now()+length)
	if pause(ctx, length) != nil {
		return ""
	}
	again := p.ask(ctx)
	switch {
	case again.Overloaded():
		return fmt.Sprintf("the server rejects every request: status %d, even after a pause of %s", again.Status, length)
	case unanswered(again):
		return fmt.Sprintf("the server no longer answers, after it rejected every request (%s)", again.Failure)
	}
	return ""
}

// pause waits in our own time.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle waits until nobody asks any more whether the target is there, and asks
// once where its last requests got no answer and there were too few to tell.
func (p *pulse) settle(ctx context.Context) {
	if p == nil {
		return
	}
	p.mu.Lock()
	if p.asking == nil && p.lost == "" && p.silent > 0 && ctx.Err() == nil {
		p.begin(ctx)
	}
	p.mu.Unlock()
	_ = p.wait(ctx) // interrupted: then there is nothing to know
}

// paused says that the run waited for the target at some time since a moment.
func (p *pulse) paused(since time.Time) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asking != nil || p.asked.After(since)
}

// verdict is why the target is lost, "" if it is not, and when it last answered.
func (p *pulse) verdict() (lost string, alive time.Duration) {
	if p == nil {
		return "", 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost, p.alive
}

// withoutTheDead is a transcript in which nobody is blamed for requests that met
// a target which had gone: they are as if the run had been interrupted.
func (p *pulse) withoutTheDead(t transcript.Transcript) transcript.Transcript {
	lost, alive := p.verdict()
	if lost == "" {
		return t
	}
	exchanges := make([]wire.Exchange, len(t.Exchanges))
	for i, x := range t.Exchanges {
		if unanswered(x) && x.Received > alive {
			x.Failure = &wire.Failure{Kind: wire.FailCanceled, Text: "the server was lost: " + x.Failure.Text}
		}
		exchanges[i] = x
	}
	t.Exchanges = exchanges
	return t
}
