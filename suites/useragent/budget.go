package useragent

import (
	"context"
	"sync"
	"time"
)

// regrants is how often a time limit is granted again, each time because this
// machine did not keep up while it ran.
const regrants = 3

// budget is the time that a step or a journey may take. What this machine lost
// is not charged to the target's pages.
type budget struct {
	limit    time.Duration
	strained func(since time.Time) bool // nil: never
	over     func()

	mu      sync.Mutex
	timer   *time.Timer
	began   time.Time
	left    time.Duration // when it is paused
	granted int
}

// startBudget calls over when the limit has passed.
func startBudget(limit time.Duration, strained func(time.Time) bool, over func()) *budget {
	b := &budget{limit: limit, strained: strained, over: over, left: limit}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(limit, b.expire)
	b.began = time.Now()
	return b
}

func (b *budget) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.granted < regrants && b.strained != nil && b.strained(b.began) {
		b.granted++
		b.began, b.left = time.Now(), b.limit
		b.timer.Reset(b.limit)
		return
	}
	b.over()
}

// pause stops the clock, for good or until resume.
func (b *budget) pause() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer.Stop()
	b.left = max(0, b.left-time.Since(b.began))
}

func (b *budget) resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.began = time.Now()
	b.timer.Reset(b.left)
}

// Step limits a context to the time that a step may take, plus more.
func (s *TabAgent) Step(ctx context.Context, more time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	b := startBudget(s.limits.Step+more, s.strained, func() { cancel(errStep) })
	return ctx, func() {
		b.pause()
		cancel(context.Canceled)
	}
}
