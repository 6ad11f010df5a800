package useragent

import (
	"context"
	"errors"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// perform does acts on a page. It returns the page as it was
// before the last act, and that act. leaving, if set, is called when the last act's
// request leaves.
func (v *visit) perform(ctx context.Context, p *pages.Sighting, acts []pages.Act, step *transcript.Step, leaving func()) (before *pages.Sighting, last *Order, end settled) {
	ctx, cancel := v.Step(ctx, 0)
	defer cancel()
	for i, a := range acts {
		if i > 0 && acts[i-1].With == "user_code" {
			v.awaitOwnSend(ctx, p)
		}
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
		o := Order{Do: a.Do, Elements: found, Text: v.values[a.With], Set: v.resolve(a.Set)}
		if i == len(acts)-1 {
			o.Leaving = leaving
		}
		v.sent, _ = v.tab.Traffic()
		before, last = p, &o
		err := v.tab.Act(ctx, p.Snapshot, &o)
		for try := 0; errors.Is(err, ErrStale) && try < 3; try++ {
			var moved bool
			if p, moved, end = v.refresh(ctx, p, a); moved || end.trouble != nil {
				return before, last, end
			}
			if o.Elements = a.Find(p); len(o.Elements) == 0 {
				break
			}
			before = p
			err = v.tab.Act(ctx, p.Snapshot, &o)
		}
		o.Leaving = nil // it is not for what settle does again
		if o.ByScript {
			step.Action += " (by script)"
		}
		v.j.Cleared = v.j.Cleared || a.Do == pages.Untick && err == nil
		if errors.Is(err, ErrMoving) {
			return before, last, settled{} // it went on by itself
		}
		if err != nil {
			return before, last, v.actFailed(ctx, p, a, what, err)
		}
	}
	return before, last, settled{}
}

// awaitOwnSend gives a page with scripts a moment to send what was typed by itself, and
// then time to get an answer: it must not be sent twice.
func (v *visit) awaitOwnSend(ctx context.Context, p *pages.Sighting) {
	const moment, answer = 150 * time.Millisecond, 2 * time.Second
	if !v.tab.Live() || !p.Scripted() {
		return
	}
	for start := time.Now(); ; sleep(ctx, lookEvery) {
		started, open := v.tab.Traffic()
		waited := time.Since(start)
		if ctx.Err() != nil || waited > answer || waited > moment && (started == v.sent || open == 0) {
			return
		}
	}
}

// refresh looks again before the next act, since the last one may
// have re-rendered the page, and waits a moment for the act's element.
func (v *visit) refresh(ctx context.Context, was *pages.Sighting, a pages.Act) (p *pages.Sighting, moved bool, end settled) {
	const moment = time.Second
	for start := time.Now(); ; sleep(ctx, lookEvery) {
		snap, err := v.tab.Look(ctx)
		switch {
		case errors.Is(err, ErrMoving):
			return was, true, settled{}
		case err != nil:
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return was, false, settled{Sighting: was, trouble: was.Trouble(classOf(err))}
		}
		p = v.recogniser.Recognise(snap, v.task.UserCode, v.earlier...)
		if snap.Mark != was.Mark || p.Role != was.Role && p.Role != "" {
			return was, true, settled{}
		}
		if p.Role == "" {
			p.Role, p.Entry = was.Role, was.Entry
		}
		if len(a.Find(p)) > 0 || a.Optional || !v.tab.Live() || time.Since(start) > moment {
			return p, false, settled{}
		}
	}
}

// actFailed sorts the ways in which an act can fail.
func (v *visit) actFailed(ctx context.Context, p *pages.Sighting, a pages.Act, what string, err error) settled {
	if errors.Is(err, errBlocked) || errors.Is(err, ErrLost) && a.With == "user_code" && !plainCode(v.task.UserCode) {
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

// Perform carries out actions on a page outside of any journey.
func (s *TabAgent) Perform(ctx context.Context, p *pages.Sighting, acts []pages.Act) error {
	v := &visit{TabAgent: s, j: &transcript.Journey{}, values: map[string]string{}, seen: map[string]int{}}
	if _, _, end := v.perform(ctx, p, acts, &transcript.Step{}, nil); end.trouble != nil {
		return end.trouble
	}
	return nil
}
