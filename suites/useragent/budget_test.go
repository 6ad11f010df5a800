package useragent

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// TestBudget: the limit holds on a machine that keeps up, is granted again, a
// few times, on one that does not, and stands still while it is paused.
func TestBudget(t *testing.T) {
	never := func(time.Time) bool { return false }
	always := func(time.Time) bool { return true }
	once := func() func(time.Time) bool {
		asked := 0
		return func(time.Time) bool { asked++; return asked == 1 }
	}
	for _, c := range []struct {
		name     string
		strained func(time.Time) bool
		pause    time.Duration
		want     time.Duration
	}{
		{"nobody watches", nil, 0, 10 * time.Second},
		{"a machine that keeps up", never, 0, 10 * time.Second},
		{"one stall", once(), 0, 20 * time.Second},
		{"a machine that never keeps up", always, 0, 40 * time.Second},
		{"a pause", never, time.Hour, time.Hour + 10*time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				over := make(chan time.Duration, 1)
				b := startBudget(10*time.Second, c.strained, func() { over <- time.Since(start) })
				if c.pause > 0 {
					time.Sleep(4 * time.Second)
					b.pause()
					time.Sleep(c.pause)
					b.resume()
				}
				if got := <-over; got != c.want {
					t.Errorf("over after %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestStepNamesTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &TabAgent{limits: profiles.JourneyLimits{Step: time.Second}}
		ctx, cancel := s.Step(t.Context(), 0)
		defer cancel()
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), errStep) {
			t.Errorf("the cause is %v", context.Cause(ctx))
		}
		done, stop := s.Step(t.Context(), 0)
		stop()
		time.Sleep(time.Minute)
		if errors.Is(context.Cause(done), errStep) {
			t.Error("a step that ended in time ran out of it afterwards")
		}
	})
}
