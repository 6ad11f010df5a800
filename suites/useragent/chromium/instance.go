package chromium

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// instance is a started, or attached, browser.
type instance struct {
	ctx    context.Context // chromedp's; ends when the browser does
	cancel context.CancelFunc
	dir    string
	// heavy is when a page's process was last ended for what it took.
	heavy atomic.Int64
}

// end ends a browser and removes its folder. One that is frozen is killed.
func (p *instance) end() error {
	// What belongs to it is known only as long as it lives.
	all := processesOf(p.dir)
	// In its own time: what was asked of it is waited for there.
	_ = bounded(context.Background(), endLimit, func() {}, func() error { p.cancel(); return nil })
	if p.dir == "" {
		return nil
	}
	for _, one := range all {
		one.kill()
	}
	return removeRunDir(p.dir)
}

// weigh ends the processes of pages that take too much memory, as long as the
// browser lives.
func (p *instance) weigh() {
	tick := time.NewTicker(weighEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
		for _, one := range processesOf(p.dir) {
			if one.renderer && one.memory() > mostMemory {
				p.heavy.Store(time.Now().UnixNano())
				one.kill()
			}
		}
	}
}

// tooHeavy says that a page's process was ended just now for its memory.
func (p *instance) tooHeavy() bool {
	at := p.heavy.Load()
	return at != 0 && time.Since(time.Unix(0, at)) < 10*weighEvery
}

// bounded runs f, and gives it up by calling abandon.
func bounded(ctx context.Context, limit time.Duration, abandon func(), f func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		abandon()
		return fmt.Errorf("no answer within %s", limit)
	case <-ctx.Done():
		abandon()
		return context.Cause(ctx)
	}
}
