package loadgen

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// limited is a virtual server that does so many requests a second, one after
// the other.
type limited struct {
	*virtual
	each  time.Duration
	free  time.Time
	first time.Time // when it was first asked, see began
}

func (l *limited) wait(*http.Request) {
	l.mu.Lock()
	now := time.Now()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(l.each)
	until := l.free
	l.mu.Unlock()
	time.Sleep(time.Until(until))
}

// TestFindCapacity: a server of 400 polls a second carries two thousand
// devices at five seconds, and the search finds it within a tenth.
func TestFindCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limited{virtual: newVirtual(5*time.Second, time.Hour), each: time.Second / 400}
		l.before = l.wait
		var steps []Step
		r, err := FindCapacity(t.Context(), Options{Plan: profiles.Plan{Workload: "steady"}, Site: l.site(t), dial: l.dial}, Search{
			SLO: []string{"poll_latency p(99)<250ms"}, From: 200, Most: 20_000, Within: time.Hour, Step: 15 * time.Second,
			Stepped: func(s Step) { steps = append(steps, s) },
		})
		if err != nil {
			t.Fatal(err)
		}
		c := r.Capacity
		if c.Polls < 360 || c.Polls > 440 || c.Devices < 1800 || c.Devices > 2200 || c.Bound != "" || c.Broke == "" || r.ExitCode != ExitHeld {
			t.Errorf("%+v %d", c, r.ExitCode)
		}
		if len(steps) != len(c.Steps) || !steps[len(steps)-1].Confirms || !steps[len(steps)-1].Held {
			t.Errorf("%+v", steps)
		}
	})
}

// TestFindCapacityEnds: at the most devices, at the end of the time, when
// somebody interrupts, and when not even the first step holds.
func TestFindCapacityEnds(t *testing.T) {
	search := func(t *testing.T, ctx context.Context, each time.Duration, q Search) Result {
		l := &limited{virtual: newVirtual(5*time.Second, time.Hour), each: each}
		l.before = l.wait
		q.SLO, q.Step = []string{"poll_latency p(99)<250ms"}, 10*time.Second
		r, err := FindCapacity(ctx, Options{Site: l.site(t), dial: l.dial}, q)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	synctest.Test(t, func(t *testing.T) {
		r := search(t, t.Context(), time.Microsecond, Search{From: 50, Most: 120, Within: time.Hour})
		if r.Capacity.Devices != 120 || r.Capacity.Bound == "" || r.Capacity.Broke != "" {
			t.Errorf("%+v", r.Capacity)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := search(t, t.Context(), time.Microsecond, Search{From: 50, Most: 1 << 20, Within: 30 * time.Second})
		if len(r.Capacity.Steps) > 2 || r.Capacity.Devices == 0 || r.Capacity.Bound == "" {
			t.Errorf("%+v", r.Capacity)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(20*time.Second, func() { cancel(errors.New("enough")) })
		r := search(t, ctx, time.Microsecond, Search{From: 50, Most: 1 << 20, Within: time.Hour})
		if r.Verdict != Stopped || r.ExitCode != ExitInterrupted {
			t.Errorf("%s %+v", r.Verdict, r.Capacity)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := search(t, t.Context(), 500*time.Millisecond, Search{From: 20, Most: 100, Within: time.Hour})
		if r.Capacity.Broke == "" || r.Capacity.BrokeDevices == 0 {
			t.Errorf("%+v", r.Capacity)
		}
	})
}

// TestFindCapacityWithinLimits: the profile's limits end a search, and what held
// below them stands.
func TestFindCapacityWithinLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(5*time.Second, time.Hour)
		r, err := FindCapacity(t.Context(), Options{Site: v.site(t), dial: v.dial, MostRequests: 50},
			Search{SLO: []string{"poll_latency p(99)<250ms"}, From: 100, Most: 100_000, Within: time.Hour, Step: 10 * time.Second})
		if err != nil || r.Capacity.Devices != 200 || !strings.Contains(r.Capacity.Bound, "limits in the profile allow 50") {
			t.Errorf("%v %+v", err, r.Capacity)
		}
	})
}

// TestFindCapacityForgotten: a server that forgets all but its last grants answers
// the others quickly, and carries them no more.
func TestFindCapacityForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(5*time.Second, time.Hour)
		v.most = 500
		r, err := FindCapacity(t.Context(), Options{Site: v.site(t), dial: v.dial},
			Search{SLO: []string{"poll_latency p(99)<250ms"}, From: 100, Most: 100_000, Within: time.Hour, Step: 10 * time.Second})
		// Each run begins with the grants of the run before.
		if err != nil || r.Capacity.Devices < 400 || r.Capacity.Devices > 500 || !strings.HasPrefix(r.Capacity.Broke, "grants_forgotten") {
			t.Errorf("%v %+v", err, r.Capacity)
		}
	})
}

// TestFindCapacityOfTheWeakest: a server that holds one poll a second, and then
// not even that, is never put under a load that the search did not come to.
func TestFindCapacityOfTheWeakest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limited{virtual: newVirtual(5*time.Second, time.Hour), each: 200 * time.Millisecond}
		l.before = func(r *http.Request) {
			l.wait(r)
			if time.Since(began(l)) > 4*time.Minute {
				time.Sleep(time.Second) // tired by now
			}
		}
		r, err := FindCapacity(t.Context(), Options{Site: l.site(t), dial: l.dial},
			Search{SLO: []string{"poll_latency p(99)<250ms"}, From: 16, Most: 1000, Within: time.Hour, Step: 20 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Capacity.Steps {
			if s.Devices < 1 || s.Devices > 32 {
				t.Errorf("a run with %d devices, which is not between one and twice the first", s.Devices)
			}
		}
		if c := r.Capacity; c.Devices != 0 || c.Bound != fewerThanOne || r.Verdict != Missed || r.ExitCode != ExitMissed {
			t.Errorf("%s (%d) %+v", r.Verdict, r.ExitCode, c)
		}
	})
}

// began is when the first codes were issued.
func began(l *limited) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first.IsZero() {
		l.first = time.Now()
	}
	return l.first
}

func TestNoDevicesAreNoLoad(t *testing.T) {
	v := newVirtual(5*time.Second, time.Hour)
	for _, devices := range []int{0, -1} {
		_, err := Run(t.Context(), Options{Plan: profiles.Plan{Devices: devices}, Site: v.site(t), dial: v.dial})
		if plan := (*PlanError)(nil); !errors.As(err, &plan) {
			t.Errorf("%d devices: %v", devices, err)
		}
	}
}
