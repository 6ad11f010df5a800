package useragent

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestRoomIsForTheUrgent: whose code expires first comes first, then who came first.
func TestRoomIsForTheUrgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(1)
		leave, err := r.enter(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		var order []string
		for _, g := range []struct {
			name     string
			deadline time.Time
		}{{"no code yet", time.Time{}}, {"ten minutes", now.Add(10 * time.Minute)}, {"twenty seconds", now.Add(20 * time.Second)}, {"no code either", time.Time{}}, {"ten minutes, too", now.Add(10 * time.Minute)}} {
			go func() {
				done, err := r.enter(t.Context(), g.deadline)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, g.name)
				done()
			}()
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		if want := []string{"twenty seconds", "ten minutes", "ten minutes, too", "no code yet", "no code either"}; !slices.Equal(order, want) {
			t.Errorf("they came in as %q, want %q", order, want)
		}
	})
}

// TestRoomFollowsTheMachine: one journey at first, more when the browser reacts
// at once, one again when it does not.
func TestRoomFollowsTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(2)
		enter := func() (func(), bool) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			leave, err := r.enter(ctx, time.Time{})
			return leave, err == nil
		}
		first, ok := enter()
		if _, second := enter(); !ok || second {
			t.Fatal("two journeys before anybody knows what one costs")
		}
		for range 10 {
			r.reacted(5 * time.Millisecond)
		}
		r.travelled()
		second, ok := enter()
		if _, third := enter(); !ok || third {
			t.Fatal("two journeys fit, and no more")
		}
		second()
		for range 50 {
			r.reacted(time.Second)
		}
		r.travelled()
		if _, ok := enter(); ok {
			t.Error("a second journey beside a browser that takes a second to react")
		}
		first()
		if leave, ok := enter(); !ok {
			t.Error("no journey at all")
		} else {
			leave()
		}
	})
}

// TestRoomGivesUp: who stops waiting is forgotten, and costs nobody a place.
func TestRoomGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(1)
		leave, _ := r.enter(t.Context(), time.Time{})
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := r.enter(ctx, time.Time{})
			ended <- err
		}()
		synctest.Wait()
		cancel(gone)
		if err := <-ended; !errors.Is(err, gone) {
			t.Errorf("it ended with %v", err)
		}
		leave()
		if leave, err := r.enter(t.Context(), time.Time{}); err != nil || r.inside != 1 {
			t.Errorf("%v, %d inside", err, r.inside)
		} else {
			leave()
		}
	})
}
