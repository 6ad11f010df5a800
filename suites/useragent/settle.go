package useragent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// Pacing of the looks at a live page, in real time.
const (
	lookEvery = 15 * time.Millisecond
	lookAgain = 3 * time.Millisecond
	// quietSame is how long an unchanged document must rest before the same
	// role counts as an answer: a button that says "Loading ..." is none.
	quietSame = 700 * time.Millisecond
	// lull is how long a page with scripts must have asked for nothing: between two
	// requests of a page that is being put together it rests for a moment, too. A
	// browser that reacts slowly is given as much more time.
	lull      = 80 * time.Millisecond
	reactions = 4
	// quietBusy is how long a page must rest that has requests under way or
	// has not finished loading, for example a font that never comes.
	quietBusy = 1200 * time.Millisecond
	// idleClick is how long a click may have no effect at all before it is
	// repeated by script, and then again before it is given up.
	idleClick = 900 * time.Millisecond
)

// settled is what a wait for a page ended with: a page, or the end.
type settled struct {
	*pages.Sighting
	end     transcript.Outcome
	trouble *transcript.Trouble
	took    time.Duration
}

// settle waits until a page is there that differs from the one before, has
// come to rest, and is recognized.
func (v *visit) settle(ctx context.Context, before *pages.Sighting, last *Order) settled {
	start := time.Now()
	ctx, cancel := v.Step(ctx, 0)
	defer cancel()
	w := &settling{visit: v, before: before, last: last, sent: v.sent, rest: start, calm: start}
	s := w.wait(ctx)
	s.took = time.Since(start)
	return s
}

// settling is the wait for one page.
type settling struct {
	*visit
	before *pages.Sighting // nil for the first page
	last   *Order          // what was done on it; nil: nothing
	sent   int             // requests before that

	print   uint64    // of the page at the last look
	rest    time.Time // since when it has not changed
	asked   int       // requests at the last look
	calm    time.Time // since when nothing was asked for
	retried bool      // the last act was done again, by script
}

// wait looks until the page has settled.
func (w *settling) wait(ctx context.Context) settled {
	var p *pages.Sighting
	pause := lookEvery
	for ; ; sleep(ctx, pause) {
		pause = lookEvery
		if ctx.Err() != nil {
			return w.timeout(ctx, p, w.before)
		}
		looked := time.Now()
		snap, err := w.tab.Look(ctx)
		if err != nil {
			if errors.Is(err, ErrMoving) || ctx.Err() != nil {
				w.rest = time.Now()
				continue
			}
			return settled{Sighting: p, trouble: p.Trouble(classOf(err))}
		}
		p = w.recogniser.Recognise(snap, w.task.UserCode, w.earlier...)
		if !w.tab.Live() {
			return settled{Sighting: p}
		}
		reaction := time.Since(looked)
		if w.changing(p) {
			pause = lookAgain
			continue
		}
		if end, over := w.settled(ctx, p, reaction); over {
			return settled{Sighting: p, end: end}
		}
	}
}

// changing notes what has happened since the last look, and says that the page is
// no longer the same.
func (w *settling) changing(p *pages.Sighting) bool {
	if started, open := w.tab.Traffic(); started != w.asked || open > 0 {
		w.asked, w.calm = started, time.Now()
	}
	if f := p.Fingerprint(); f != w.print {
		w.print, w.rest = f, time.Now()
		return true
	}
	return false
}

// settled says that the wait is over, with a page or with an end, once the page is
// the same at two looks.
func (w *settling) settled(ctx context.Context, p *pages.Sighting, reaction time.Duration) (end transcript.Outcome, over bool) {
	resting := time.Since(w.rest)
	started, open := w.tab.Traffic()
	idle := w.before != nil && p.Mark == w.before.Mark && started == w.sent
	if w.before != nil && !p.Changed(w.before.Snapshot) || idle && p.Role == w.before.Role && p.Covered() == w.before.Covered() {
		// Nothing has come of the last act, at most a word of the page's own.
		if idle && resting >= idleClick && !w.again(ctx, p) && p.Role == w.before.Role && p.AsksForInput() {
			return transcript.InputBlocked, true
		}
		return "", false
	}
	return "", !w.restless(p, open, resting, reaction)
}

// again repeats the last act by script, once, if it was a click that nothing came
// of and the form's own checks do not complain.
func (w *settling) again(ctx context.Context, p *pages.Sighting) bool {
	if p.Refused() != "" || p.Changed(w.before.Snapshot) || w.retried || w.last == nil || w.last.Do != pages.Press {
		return false
	}
	w.retried = true
	again := *w.last
	again.ByScript = true
	if err := w.tab.Act(ctx, w.before.Snapshot, &again); err == nil {
		w.rest = time.Now()
	}
	return true
}

// restless says that more may come of the page, which has been the same for a
// while; open requests of its are unanswered.
func (w *settling) restless(p *pages.Sighting, open int, resting, reaction time.Duration) bool {
	switch {
	case p.Role == "" && !w.mayEnd():
		return true
	case p.Ready != "complete" && resting < quietBusy, open > 0 && resting < quietBusy:
		return true
	case open == 0 && p.Scripted() && time.Since(w.calm) < max(lull, reactions*reaction):
		return true
	case p.Role == "" && resting < quietBusy:
		return true
	}
	same := w.before != nil && p.Mark == w.before.Mark && p.Role == w.before.Role
	return same && (resting < quietSame || w.loggingIn(p))
}

// loggingIn says that a script may still be at a login: the page is the same and
// does not complain.
func (w *settling) loggingIn(p *pages.Sighting) bool {
	return w.loginsSent > 0 && p.AsksForPassword() && !p.Complains(w.earlier)
}

// timeout tells which budget ended, and what was missing.
func (v *visit) timeout(ctx context.Context, p, before *pages.Sighting) settled {
	if cause := context.Cause(ctx); !errors.Is(cause, errStep) {
		class, text := classOf(cause)
		return settled{Sighting: p, trouble: p.Trouble(class, text)}
	}
	limit := v.limits.Step
	switch {
	case p != nil && before != nil && p.Mark == before.Mark && p.Changed(before.Snapshot) && p.Role == before.Role && p.AsksForPassword() && v.loginsSent > 0:
		return settled{Sighting: p} // all the time of a step, and still the login
	case p == nil:
		return settled{trouble: p.Trouble(transcript.NavTimeout, fmt.Sprintf("no page within %s", limit))}
	case before != nil && !p.Changed(before.Snapshot):
		return settled{Sighting: p, trouble: p.Trouble(transcript.NavTimeout, fmt.Sprintf("the page did not change within %s", limit))}
	case p.Role == "":
		return settled{Sighting: p, trouble: v.notRecognised(p)}
	}
	return settled{Sighting: p, trouble: p.Trouble(transcript.NavTimeout, fmt.Sprintf("the page did not settle within %s", limit))}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
