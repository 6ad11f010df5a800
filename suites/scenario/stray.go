package scenario

import (
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// strayPause is how long a request waits that is sent again, in target time.
const strayPause = 500 * time.Millisecond

// strays remembers which answers come again when the same is asked again. A
// gateway, a restart and a lost connection give answers that do not; a server
// that answers every bad request with a 500 does, and need not be asked thrice
// each time.
type strays struct {
	mu    sync.Mutex
	known map[string]*tally
}

// tally counts the requests that got one kind of answer and were sent again:
// those that then got another, and those that got the same.
type tally struct{ stray, same int }

// worth says that an answer may be about something else than its request, so
// that the same should be asked again.
func (s *strays) worth(x wire.Exchange) bool {
	kind := oddity(x)
	if kind == "" {
		return false
	}
	const enough = 3
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.known[kind]
	return t == nil || t.stray > 0 || t.same < enough
}

// heard notes what a request got that was sent again.
func (s *strays) heard(before, after wire.Exchange) {
	kind := oddity(before)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]*tally{}
	}
	t := s.known[kind]
	if t == nil {
		t = &tally{}
		s.known[kind] = t
	}
	if oddity(after) == kind {
		t.same++
	} else {
		t.stray++
	}
}

// oddity names the kind of an answer that may be about something else than its
// request: a lost connection, a server error, a limit, or a page of something in
// front of the server. "" for all others.
func oddity(x wire.Exchange) string {
	place := x.Method + " " + x.URL
	if u, err := url.Parse(x.URL); err == nil {
		place = x.Method + " " + u.Path
	}
	switch {
	case x.Failure != nil:
		if k := x.Failure.Kind; k == wire.FailTimeout || k == wire.FailReset {
			return fmt.Sprintf("%s: %s", place, k)
		}
	case x.Overloaded(), x.Status >= 500 && x.Status != 501:
		return fmt.Sprintf("%s: %d", place, x.Status)
	case x.Method == "POST" && x.Status >= 400:
		if _, err := x.Object(); err != nil {
			return fmt.Sprintf("%s: %d %s", place, x.Status, x.Header("Content-Type"))
		}
	}
	return ""
}

// pauseAfter is how long to wait before the same is asked again for the n-th time
// from 0, and whether it should be. Silence takes long, so it is met twice at most.
func pauseAfter(x wire.Exchange, n int) (pause time.Duration, again bool) {
	switch {
	case x.Failure != nil && x.Failure.Kind == wire.FailTimeout:
		return strayPause, n == 0
	case x.Overloaded():
		wanted, _ := retryAfter(x)
		return wanted, wanted <= longestPause
	}
	return strayPause, true
}

// supersede marks an answer that was not to the point: the same was asked again.
func (c *conversation) supersede(x wire.Exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said.Exchanges[x.N-1].Superseded = true
}

// sendWith is send through another client than the run's own.
func (c *conversation) sendWith(client *wire.Client, r wire.Request) wire.Exchange {
	x := c.once(client, r)
	for try := 0; try < maxRetries && c.strays.worth(x); try++ {
		pause, again := pauseAfter(x, try)
		if !again || c.sleep("a second try", pause) != nil {
			break
		}
		next := c.once(client, r)
		c.strays.heard(x, next)
		c.supersede(x)
		x = next
	}
	return x
}

// ask sends a request about this device's code and, where the answer is odd,
// once more at the pace that the device owes.
func (d *device) ask(r wire.Request) wire.Exchange {
	return d.askAgain(r, true, d.c.strays.worth)
}

// question is ask for a request whose answer says something about the request
// and not about the pace: slow_down is none.
func (d *device) question(r wire.Request) wire.Exchange {
	return d.askAgain(r, false, func(x wire.Exchange) bool {
		return x.OAuthError() == "slow_down" || d.c.strays.worth(x)
	})
}

// askOnce sends a request about this device's code.
func (d *device) askOnce(r wire.Request) wire.Exchange { return d.heard(d.c.once(d.c.Wire, r)) }

// askAgain sends a request about this device's code, and the same again while the
// answer is beside the point. poll says that it is a valid one.
func (d *device) askAgain(r wire.Request, poll bool, beside func(wire.Exchange) bool) wire.Exchange {
	x := d.askOnce(r)
	for try := 0; try < maxRetries && beside(x); try++ {
		pause, again := pauseAfter(x, try)
		pause = max(pause, d.interval+d.guard())
		if !again || !d.survives(pause) || d.beyondBudget(pause) != nil || d.c.sleep("a second try", d.last+pause-d.c.Clock.Now()) != nil {
			break
		}
		next := d.askOnce(r)
		if oddity(x) != "" {
			if next.OAuthError() == "invalid_grant" && !d.redeemed && poll {
				// The request may have used the code up, and the answer was lost:
				// only another code can tell.
				d.c.late(transcript.LateStray, 0, time.Now(), "%s (%s) may have used the code up", r.Label, oddity(x))
				return next
			}
			d.c.strays.heard(x, next)
		}
		d.c.supersede(x)
		x = next
	}
	return x
}

// survives says that the device's code will not have expired after a wait.
func (d *device) survives(wait time.Duration) bool {
	return d.mayExpire || d.lifetime <= 0 || d.last+wait <= d.issued+d.lifetime-d.guard()
}
