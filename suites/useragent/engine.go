package useragent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// tab is one user agent with one page open: what the engine needs of a driver.
type tab interface {
	open(ctx context.Context, url string) error
	look(ctx context.Context) (*pages.Snapshot, error)
	act(ctx context.Context, s *pages.Snapshot, o *order) error
	// forget drops cookies and storage, and nothing of the page.
	forget(ctx context.Context) error
	// authorized says that a request since forget carried an Authorization
	// header: a script held a token in the page's memory.
	authorized() bool
	// probe sends a request with the session's cookies; the page stays open.
	probe(ctx context.Context, method, url string, headers map[string]string) (status int, err error)
	// traffic counts the requests of the page so far, and those unanswered.
	traffic() (started, open int)
	// facts are what came with the page beside its content; cookies are those
	// that the user agent holds for it.
	facts() pages.Facts
	cookies(ctx context.Context) []transcript.Cookie
	// live says that a page may change by itself, by its scripts.
	live() bool
	// watch shows the traffic to w from now on; inspect shows it the page.
	watch(w *watch)
	inspect(ctx context.Context, w *watch)
	screenshot(ctx context.Context) []byte
	html(ctx context.Context) string
	close() error
}

// order is one act on known elements.
type order struct {
	do       pages.Deed
	elements []int
	text     string
	set      map[string]string
	// byScript clicks by a DOM call where a mouse click had no effect.
	byScript bool
}

// What a tab may answer beside a *fault.
var (
	// errMoving: the page is being replaced; look again.
	errMoving = errors.New("the page is being replaced")
	// errStale: the element is no longer there, though the page is.
	errStale = errors.New("the element was replaced while it was used")
	// errBlocked: the form's own checks did not let the input out.
	errBlocked = errors.New("the form's own checks refuse the input")
	// errLost: the page did not keep what was typed.
	errLost = errors.New("the page did not keep what was typed")
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
// come to rest, and is recognised.
func (v *visit) settle(ctx context.Context, before *pages.Sighting, last *order) settled {
	start := time.Now()
	ctx, cancel := v.within(ctx, v.limits.Step, errStep)
	defer cancel()
	sent := v.sent
	var (
		p       *pages.Sighting
		err     error
		rest    = start // since when the page has not changed
		print   uint64
		retried bool
		pause   = lookEvery
		calm    = start // since when nothing was asked for
		asked   int
	)
	done := func(s settled) settled {
		s.took = time.Since(start)
		return s
	}
	for ; ; sleep(ctx, pause) {
		pause = lookEvery
		if ctx.Err() != nil {
			return done(v.timeout(ctx, p, before))
		}
		var snap *pages.Snapshot
		looked := time.Now()
		if snap, err = v.tab.look(ctx); err != nil {
			if errors.Is(err, errMoving) || ctx.Err() != nil {
				rest = time.Now()
				continue
			}
			return done(settled{Sighting: p, trouble: p.Trouble(classOf(err))})
		}
		p = v.recogniser.Recognise(snap, v.task.UserCode)
		if !v.tab.live() {
			return done(settled{Sighting: p})
		}
		reaction := time.Since(looked)
		if started, open := v.tab.traffic(); started != asked || open > 0 {
			asked, calm = started, time.Now()
		}
		if f := snap.Fingerprint(); f != print {
			print, rest, pause = f, time.Now(), lookAgain
			continue
		}
		resting := time.Since(rest)
		started, open := v.tab.traffic()
		idle := before != nil && snap.Mark == before.Mark && started == sent
		switch {
		case before != nil && !snap.Changed(before.Snapshot) || idle && p.Role == before.Role:
			// Nothing has come of the last act, at most a word of the page's own.
			if !idle || resting < idleClick {
				continue
			}
			refused := snap.Refused()
			if refused == "" && !snap.Changed(before.Snapshot) && !retried && last != nil && last.do == pages.Press {
				retried = true
				again := *last
				again.byScript = true
				if err := v.tab.act(ctx, before.Snapshot, &again); err == nil {
					rest = time.Now()
				}
				continue
			}
			if p.Role == before.Role && p.AsksForInput() {
				return done(settled{Sighting: p, end: transcript.InputBlocked})
			}
		case p.Role == "" && !v.mayEnd():
		case snap.Ready != "complete" && resting < quietBusy, open > 0 && resting < quietBusy:
		case open == 0 && snap.Scripted() && time.Since(calm) < max(lull, reactions*reaction):
		case p.Role == "" && resting < quietBusy:
		case before != nil && snap.Mark == before.Mark && p.Role == before.Role && resting < quietSame:
		default:
			return done(settled{Sighting: p})
		}
	}
}

// timeout tells which budget ended, and what was missing.
func (v *visit) timeout(ctx context.Context, p, before *pages.Sighting) settled {
	if cause := context.Cause(ctx); !errors.Is(cause, errStep) {
		class, text := classOf(cause)
		return settled{Sighting: p, trouble: p.Trouble(class, text)}
	}
	limit := v.limits.Step
	switch {
	case p == nil:
		return settled{trouble: p.Trouble(transcript.NavTimeout, fmt.Sprintf("no page within %s", limit))}
	case before != nil && !p.Changed(before.Snapshot):
		return settled{Sighting: p, trouble: p.Trouble(transcript.NavTimeout, fmt.Sprintf("the page did not change within %s", limit))}
	case p.Role == "":
		return settled{Sighting: p, trouble: v.notRecognised(p)}
	}
	return settled{Sighting: p, trouble: p.Trouble(transcript.NavTimeout, fmt.Sprintf("the page did not come to rest within %s", limit))}
}

// perform does the acts of a plan on a page. It returns the page as it was
// before the last act, and that act.
func (v *visit) perform(ctx context.Context, p *pages.Sighting, acts []pages.Act, step *transcript.Step) (before *pages.Sighting, last *order, end settled) {
	ctx, cancel := v.within(ctx, v.limits.Step, errStep)
	defer cancel()
	for i, a := range acts {
		found := a.Find(p)
		if i > 0 || len(found) == 0 && !a.Optional {
			var moved bool
			if p, moved, end = v.refresh(ctx, p, a); moved || end.trouble != nil {
				return p, nil, end
			}
			found = a.Find(p)
		}
		if len(found) == 0 {
			if a.Optional {
				continue
			}
			if a.Do == pages.Press && p.Waits() && p.AsksForInput() {
				// The page keeps its button disabled for what was typed.
				return p, nil, settled{Sighting: p, end: transcript.InputBlocked}
			}
			t := p.Trouble(transcript.ElementMissing, "the page has no such element")
			t.Action, t.Selector = string(a.Do), a.Selector
			return p, nil, settled{Sighting: p, trouble: t}
		}
		what := a.Describe(p)
		if step.Action != "" {
			step.Action += "; "
		}
		step.Action += what
		o := order{do: a.Do, elements: found, text: v.values[a.With], set: v.resolve(a.Set)}
		v.sent, _ = v.tab.traffic()
		before, last = p, &o
		err := v.tab.act(ctx, p.Snapshot, &o)
		for try := 0; errors.Is(err, errStale) && try < 3; try++ {
			var moved bool
			if p, moved, end = v.refresh(ctx, p, a); moved || end.trouble != nil {
				return before, last, end
			}
			if o.elements = a.Find(p); len(o.elements) == 0 {
				break
			}
			before = p
			err = v.tab.act(ctx, p.Snapshot, &o)
		}
		if o.byScript {
			step.Action += " (by script)"
		}
		v.j.Cleared = v.j.Cleared || a.Do == pages.Untick && err == nil
		if errors.Is(err, errMoving) {
			return before, last, settled{} // it went on by itself
		}
		if err != nil {
			return before, last, v.actFailed(ctx, p, a, what, err)
		}
	}
	return before, last, settled{}
}

// refresh looks again before the next act of a plan, since the last one may
// have re-rendered the page, and waits a moment for the act's element.
func (v *visit) refresh(ctx context.Context, was *pages.Sighting, a pages.Act) (p *pages.Sighting, moved bool, end settled) {
	const moment = time.Second
	for start := time.Now(); ; sleep(ctx, lookEvery) {
		snap, err := v.tab.look(ctx)
		switch {
		case errors.Is(err, errMoving):
			return was, true, settled{}
		case err != nil:
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return was, false, settled{Sighting: was, trouble: was.Trouble(classOf(err))}
		}
		p = v.recogniser.Recognise(snap, v.task.UserCode)
		if snap.Mark != was.Mark || p.Role != was.Role && p.Role != "" {
			return was, true, settled{}
		}
		if p.Role == "" {
			p.Role, p.Entry = was.Role, was.Entry
		}
		if len(a.Find(p)) > 0 || a.Optional || !v.tab.live() || time.Since(start) > moment {
			return p, false, settled{}
		}
	}
}

// actFailed sorts the ways in which an act can fail.
func (v *visit) actFailed(ctx context.Context, p *pages.Sighting, a pages.Act, what string, err error) settled {
	if errors.Is(err, errBlocked) || errors.Is(err, errLost) && a.With == "user_code" && !plainCode(v.task.UserCode) {
		return settled{Sighting: p, end: transcript.InputBlocked}
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	t := p.Trouble(classOf(err))
	t.Action, t.Selector = what, a.Selector
	return settled{Sighting: p, trouble: t}
}

// plainCode says that a code looks like one that a server would issue.
func plainCode(code string) bool {
	if code == "" || len(code) > 64 {
		return false
	}
	for _, r := range code {
		if r > '~' || r < ' ' {
			return false
		}
	}
	return true
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
