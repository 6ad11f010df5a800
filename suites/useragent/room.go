package useragent

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Bounds of how quickly a browser answers a trivial question: above the first
// journeys go one after the other, below the second there may be more of them.
const (
	crowded = 80 * time.Millisecond
	roomy   = 30 * time.Millisecond
)

// room bounds how many journeys are under way at once. It begins with one, so
// that the first shows what a journey costs on this machine, and then follows
// the browser's reaction: journeys that starve each other all come too late.
// Whose code expires first is let in first.
type room struct {
	most int // never more

	mu       sync.Mutex
	limit    int // now
	inside   int
	waiting  queue
	arrived  int
	reaction time.Duration // of the browser, smoothed
}

func newRoom(most int) *room { return &room{most: max(1, most), limit: 1} }

// enter waits for a place. The deadline is when the code expires for which the
// journey is; without one, there is time.
func (r *room) enter(ctx context.Context, deadline time.Time) (leave func(), err error) {
	r.mu.Lock()
	if r.inside < r.limit && len(r.waiting) == 0 {
		r.inside++
		r.mu.Unlock()
		return sync.OnceFunc(r.leave), nil
	}
	r.arrived++
	g := &guest{deadline: deadline, order: r.arrived, in: make(chan struct{})}
	heap.Push(&r.waiting, g)
	r.mu.Unlock()
	select {
	case <-g.in:
		return sync.OnceFunc(r.leave), nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-g.in: // let in at this very moment
		r.inside--
		r.admit()
	default:
		heap.Remove(&r.waiting, g.index)
	}
	return nil, context.Cause(ctx)
}

func (r *room) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inside--
	r.admit()
}

// admit lets in who waits, as far as there is room. The caller holds the lock.
func (r *room) admit() {
	for r.inside < r.limit && len(r.waiting) > 0 {
		r.inside++
		close(heap.Pop(&r.waiting).(*guest).in)
	}
}

// reacted notes how long the browser took for a trivial answer.
func (r *room) reacted(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reaction += (took - r.reaction) / 16
	if r.reaction > crowded {
		r.limit = 1
	}
}

// travelled notes that a journey has ended.
func (r *room) travelled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reaction < roomy && r.limit < r.most {
		r.limit++
		r.admit()
	}
}

// guest is a journey that waits for room.
type guest struct {
	deadline time.Time
	order    int
	in       chan struct{}
	index    int
}

// queue is a heap of guests: the most urgent first, then who came first.
type queue []*guest

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if a.deadline.Equal(b.deadline) {
		return a.order < b.order
	}
	return !a.deadline.IsZero() && (b.deadline.IsZero() || a.deadline.Before(b.deadline))
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(x any) {
	g := x.(*guest)
	g.index = len(*q)
	*q = append(*q, g)
}

func (q *queue) Pop() any {
	old := *q
	g := old[len(old)-1]
	*q = old[:len(old)-1]
	return g
}
