//go:build linux

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

const (
	stallDevices = 10_000 // at 5 s: 2,000 polls a second
	stallFor     = 2 * time.Second
)

// stall is a run during which the server stood still for a while.
type stall struct {
	document
	stall float64 // measured, in seconds
	p99MS float64 // as reported, of all polls
}

// expectedP99MS is the 99th percentile of polls that are due at an even rate:
// one that is due some time into the stall waits for the rest of it, and the
// worst hundredth of all polls are those that are due in the first
// 0.01 * window of it.
func (s *stall) expectedP99MS() float64 { return 1000 * max(0, s.stall-0.01*s.window()) }

// stalled stops the stub in the middle of the window. The devices keep to their
// schedule, whatever the server does (client model fixed): that rate is even.
func (b *bench) stalled(ctx context.Context, connections int) (stall, error) {
	var s stall
	stop := func() (err error) {
		s.stall, err = b.stopStub(ctx, settled+(window-stallFor)/2, stallFor)
		return err
	}
	var err error
	if s.document, err = b.load(ctx, stallDevices, connections, settled, window, stop, "--client-model", "fixed"); err != nil {
		return s, err
	}
	s.p99MS, err = s.pollP99MS()
	return s, err
}

// stopStub lets the stub stand still, and measures for how many seconds it did.
func (b *bench) stopStub(ctx context.Context, after, length time.Duration) (float64, error) {
	wait(ctx, after)
	if err := b.stub.Process.Signal(syscall.SIGSTOP); err != nil {
		return 0, fmt.Errorf("stopping the stub: %w", err)
	}
	stopped := time.Now()
	wait(ctx, length)
	stood := time.Since(stopped)
	if err := b.stub.Process.Signal(syscall.SIGCONT); err != nil {
		return 0, fmt.Errorf("continuing the stub: %w", err)
	}
	return stood.Seconds(), nil
}

// wait returns early when the context ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
