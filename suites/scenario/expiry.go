package scenario

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

const (
	// expiryMargin is kept between the end of a lifetime and the first poll
	// that must see it ended.
	expiryMargin = 2 * time.Second
	// maxKeepAlive bounds the polls of the code that is polled all through.
	maxKeepAlive = 200
	// paused is how long, of our own time, an end user stands before a decision
	// at most, lest their login session ends first; long enough for slow pages
	// before it.
	paused = 45 * time.Second
	// lateDecision is what a late approval and the poll after it may take, of
	// our own time.
	lateDecision = 2 * time.Second
	// lateSlack is the same for a poll alone.
	lateSlack = 500 * time.Millisecond
	// loginFirst is the lifetime, of our own time, below which an end user logs in
	// before the code is issued: the browser and the login are the slow part.
	loginFirst = time.Minute
)

// expiry lets codes expire, all with one wait. Each has a story of its own:
//
//   - untouched: nobody does anything;
//   - polled: polled at the interval all through, since some stores extend a
//     record's life at each write;
//   - alive: polled once, late in its life;
//   - decided: approved late in its life, and polled at once;
//   - approved: approved, and not polled before the end;
//   - opened: an end user stands before the decision when the life ends, and then
//     approves;
//   - entered: the end user comes after the end.
//
// Where the codes live shortly, who has to decide in time has logged in before,
// with a code of its own that is left alone.
//
// Labels: STORY/device; login/STORY/device; untouched/expired/1 ...; polled/alive/1 ...,
// polled/expired/1 ...; alive/before, alive/poll; decided/before, decided/token; approved/expired;
// opened/poll; entered/poll. Journeys: decided, approved, opened, entered, and
// login STORY.
func expiry(c *conversation) error {
	client := c.Profile.Clients.Public
	if c.Profile.Expiry != nil && c.Profile.Expiry.Client != nil {
		client = c.Profile.Expiry.Client
	}
	untouched, err := c.issueAt(labels.Join(labels.Untouched, labels.Device), client, c.Target.Expiry)
	if err != nil {
		return err
	}
	if untouched.lifetime == 0 {
		return fmt.Errorf("the device authorization response has no usable expires_in")
	}
	if err := c.tooLong(untouched.lifetime); err != nil {
		return err
	}
	untouched.mayExpire = true
	e := &expiring{c: c, client: client, loginFirst: c.ownPace() && c.real(untouched.lifetime) < loginFirst}
	e.stories.Go(func() { e.note(untouched.outlive(labels.Untouched)) })
	e.tell(labels.Polled, func(d *device) error {
		if err := d.keepPolling(labels.Join(labels.Polled, labels.Alive)); err != nil {
			return err
		}
		return d.outlive(labels.Polled)
	})
	e.tell(labels.Alive, func(d *device) error {
		d.pollNow(labels.AliveBefore) // at once: the code may live shortly
		if err := d.until(d.issued + d.late(lateSlack)); err != nil {
			return err
		}
		d.pollNow(labels.AlivePoll)
		e.c.expiredUnder(d, d.margin(), "alive/poll")
		return nil
	})
	e.persons()
	e.stories.Wait()
	return e.err
}

// expiring is the stories of the expiry scenario.
type expiring struct {
	c       *conversation
	client  *profiles.Client
	stories sync.WaitGroup
	// loginFirst says that the codes live shortly.
	loginFirst bool

	mu  sync.Mutex
	err error // the first
}

func (e *expiring) note(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = err
	}
}

// tell begins a story with fresh codes; the others are told of its end.
func (e *expiring) tell(story string, goOn func(*device) error, ends ...func()) {
	e.stories.Go(func() {
		for _, end := range ends {
			defer end()
		}
		d, err := e.issue(labels.Join(story, labels.Device))
		if err == nil {
			err = goOn(d)
		}
		e.note(err)
	})
}

func (e *expiring) issue(label string) (*device, error) {
	d, err := e.c.issueAt(label, e.client, e.c.Target.Expiry)
	if err == nil {
		d.mayExpire = true
	}
	return d, err
}

// tellOf is tell for a story with somebody who has to decide in time.
func (e *expiring) tellOf(story string, goOn func(useragent.Agent, *device) error, ends ...func()) {
	e.stories.Go(func() {
		for _, end := range ends {
			defer end()
		}
		s, err := e.c.person()
		if err != nil {
			e.note(err)
			return
		}
		defer s.Close()
		if e.loginFirst {
			if d, err := e.issue(labels.Join(labels.Login, story, labels.Device)); err == nil {
				e.c.visitExpiring(s, d.task(labels.Of(labels.Login, story), transcript.ReachDecision))
			}
		}
		d, err := e.issue(labels.Join(story, labels.Device))
		if err == nil {
			err = goOn(s, d)
		}
		e.note(err)
	})
}

// persons begins the stories with somebody at a page. Who has to stand before
// a decision goes first: some servers do not ask again after an approval.
func (e *expiring) persons() {
	var standing sync.WaitGroup
	standing.Add(2)
	for _, story := range []struct {
		name string
		act  func(*device) time.Duration
		poll string
	}{
		{labels.Decided, func(d *device) time.Duration { return d.issued + d.late(lateDecision) }, labels.Join(labels.Decided, labels.Token)},
		{labels.Opened, (*device).over, labels.Join(labels.Opened, labels.Poll)},
	} {
		stands := sync.OnceFunc(standing.Done)
		e.tellOf(story.name, func(s useragent.Agent, d *device) error {
			if story.name == labels.Decided {
				d.pollNow(labels.DecidedBefore) // at once, like alive/before
			}
			act := story.act(d)
			if err := d.until(act - time.Duration(float64(paused)*e.c.Clock.rate)); err != nil {
				return err
			}
			hold := func() error {
				e.c.expiredUnder(d, 0, story.name+", before the end user reached the decision")
				stands()
				return d.until(act)
			}
			if err := e.approve(s, d, story.name, hold); err != nil {
				return err
			}
			if act < d.issued+d.lifetime {
				e.c.expiredUnder(d, 0, story.name+", before the end user approved")
			}
			d.pollNow(story.poll)
			return nil
		}, stands)
	}
	e.tellOf("approved", func(s useragent.Agent, d *device) error {
		if e.client == e.c.Profile.Clients.Public && e.c.Target.Expiry == e.c.Target.Endpoints {
			standing.Wait()
			if err := e.c.afterPages(transcript.Denial, transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI); err != nil {
				return err
			}
		}
		if err := e.approve(s, d, labels.Approved, func() error { standing.Wait(); return nil }); err != nil {
			return err
		}
		e.c.expiredUnder(d, d.margin(), "approved, before the end user approved")
		if err := d.until(d.over()); err != nil {
			return err
		}
		d.pollNow(labels.Join(labels.Approved, labels.Expired))
		return nil
	})
	e.tell(labels.Entered, func(d *device) error {
		if err := d.until(d.over()); err != nil {
			return err
		}
		s, err := e.c.person()
		if err != nil {
			return err
		}
		defer s.Close()
		e.c.visitExpiring(s, d.task(labels.Entered, transcript.Approve))
		d.pollNow(labels.Join(labels.Entered, labels.Poll))
		return nil
	})
}

// approve lets an end user approve when hold returns: they stand before the
// decision meanwhile, or, with a driver that has no page to stand before, they
// come only then.
func (e *expiring) approve(s useragent.Agent, d *device, name string, hold func() error) error {
	task := d.task(name, transcript.Approve)
	if e.c.ownPace() {
		task.AtDecision = func(context.Context) error { return hold() }
	} else if err := hold(); err != nil {
		return err
	}
	e.c.visitExpiring(s, task)
	return nil
}

// late is the latest moment of a code's life, counted from its issue, that is
// surely within it: at 0.9 of it, and away from the end by the rounding of
// clocks. took is what it takes to act then, of our own time.
func (d *device) late(took time.Duration) time.Duration {
	slack := max(time.Duration(float64(took)*d.c.Clock.rate), 4*d.roundTrip)
	return max(min(d.lifetime*9/10, d.lifetime-d.margin()-slack)-d.roundTrip, d.lifetime/2)
}

// margin is what the rounding of clocks leaves unsure of the end of a life.
func (d *device) margin() time.Duration {
	if d.lifetime >= time.Minute {
		return 5 * time.Second
	}
	return 2 * minGuard
}

// over is when the code has surely expired.
func (d *device) over() time.Duration {
	return d.issued + d.lifetime + d.guard() + expiryMargin
}

// until waits for a moment of the target's clock.
func (d *device) until(t time.Duration) error {
	return d.c.sleep("a code to expire", t-d.c.Clock.Now())
}

// tooLong is the error for a lifetime beyond the time budget.
func (c *conversation) tooLong(lifetime time.Duration) error {
	if c.TimeBudget <= 0 || lifetime <= c.TimeBudget {
		return nil
	}
	return &Skipped{fmt.Sprintf("the code lifetime is %s and the time budget is %s: use --time-budget %s, or set an expiry target with short-lived codes in the profile",
		lifetime, c.TimeBudget, (lifetime + time.Minute).Round(time.Minute))}
}

// keepPolling polls at the interval until the lifetime is nearly over.
func (d *device) keepPolling(label string) error {
	for i := 1; i <= maxKeepAlive; i++ {
		next := d.last + d.interval + d.guard()
		if next > d.issued+d.lifetime-d.guard() {
			break
		}
		if _, err := d.poll(labels.Nth(label, i)); err != nil {
			return err
		}
	}
	return nil
}

// expiredAfter is when a code is polled whose lifetime is over, in intervals after
// that: a server that tidies up now and then may have done so just before the
// first poll.
var expiredAfter = []int{0, 1, 3}

// outlive waits until the code has surely expired, then polls it at once, after
// one interval and after three.
func (d *device) outlive(label string) error {
	if err := d.until(d.over()); err != nil {
		return err
	}
	over := d.c.Clock.Now()
	for i, n := range expiredAfter {
		pace := d.interval + d.guard()
		due := over + time.Duration(n)*pace
		if _, err := d.pollAfter(labels.Nth(labels.Join(label, labels.Expired), i+1), max(due-d.last, pace)); err != nil {
			return err
		}
	}
	return nil
}
