package useragent

import (
	"slices"
	"sync"
)

// Tail keeps the end of a program's output, for the message if it fails. It is
// safe for concurrent use.
type Tail struct {
	mu  sync.Mutex
	end []byte
}

// Write implements io.Writer.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	if len(t.end) > 64<<10 {
		t.end = slices.Clone(t.end[len(t.end)-64<<10:])
	}
	return len(p), nil
}

// String returns what was kept: at most 64 KiB.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}
