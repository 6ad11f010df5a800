package useragent

import (
	"context"
	"sync"
)

// logins let one user agent at a time log in with an account: servers that detect
// brute force refuse a second login beside the first.
type logins struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // by user name; it holds a value while somebody logs in
}

// enter waits until nobody else logs in with the account.
func (l *logins) enter(ctx context.Context, username string) (leave func(), err error) {
	l.mu.Lock()
	if l.busy == nil {
		l.busy = map[string]chan struct{}{}
	}
	turn := l.busy[username]
	if turn == nil {
		turn = make(chan struct{}, 1)
		l.busy[username] = turn
	}
	l.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return sync.OnceFunc(func() { <-turn }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
