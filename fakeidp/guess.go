package fakeidp

import (
	"sync"
	"time"
)

// guessWindow is the time over which wrong guesses are counted.
const guessWindow = time.Minute

// guessLimiter counts wrong guesses (RFC 8628 section 5.1). A guess is counted
// before it is looked at and taken back when it was right, so that many at once
// cannot slip through, and a right one does not wipe out the wrong ones.
type guessLimiter struct {
	clock Clock
	mu    sync.Mutex
	// windows are the running ones, by who guesses.
	windows map[string]guesses
}

type guesses struct {
	started time.Time
	count   int
}

func newGuessLimiter(clock Clock) *guessLimiter {
	return &guessLimiter{clock: clock, windows: make(map[string]guesses)}
}

// manyWindows is when finished windows are thrown away.
const manyWindows = 4096

// take counts a guess by who, and says whether it is within the limit. A
// negative limit is none.
func (l *guessLimiter) take(who string, limit int) bool {
	if limit < 0 {
		return true
	}
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.windows[who]
	if !ok || now.Sub(g.started) >= guessWindow {
		g = guesses{started: now}
	}
	if g.count >= limit {
		return false
	}
	if !ok && len(l.windows) >= manyWindows {
		for k, old := range l.windows {
			if now.Sub(old.started) >= guessWindow {
				delete(l.windows, k)
			}
		}
	}
	g.count++
	l.windows[who] = g
	return true
}

// giveBack takes one guess of who back.
func (l *guessLimiter) giveBack(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g, ok := l.windows[who]; ok && g.count > 0 {
		g.count--
		l.windows[who] = g
	}
}

func (l *guessLimiter) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.windows)
}
