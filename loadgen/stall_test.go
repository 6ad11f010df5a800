package loadgen

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// TestStall: two thousand polls a second, and a server that stands still for
// two seconds of ten. One poll in five waits for up to two seconds, so the 99th
// percentile is 1.9 s, however few connections there are to wait in.
func TestStall(t *testing.T) {
	for _, connections := range []int{64, 512} {
		t.Run(fmt.Sprint(connections), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const devices, stall, window = 10_000, 2 * time.Second, 10 * time.Second
				v := newVirtual(5*time.Second, time.Hour)
				time.AfterFunc(16*time.Second, func() {
					frozen := make(chan struct{})
					v.mu.Lock()
					v.frozen = frozen
					v.mu.Unlock()
					time.AfterFunc(stall, func() {
						v.mu.Lock()
						v.frozen = nil
						v.mu.Unlock()
						close(frozen)
					})
				})
				r := runVirtual(t, v, profiles.Plan{
					Devices: devices, Duration: 12*time.Second + window, WarmUp: new(12 * time.Second), ClientModel: "fixed", Replace: new(false),
					Arrival: profiles.Arrival{Over: 5 * time.Second}, Mix: profiles.Mix{Approve: new(0.0), Expire: new(1.0)},
					Connections: profiles.Connections{Max: connections},
				})
				if !r.Validity.Valid {
					t.Errorf("the server stalled, and the run is called invalid: %v", r.Validity.Reasons)
				}
				poll := latencyOf(t, r, kindPoll)
				want := float64(stall.Milliseconds()) * (1 - 0.01*float64(window)/float64(stall))
				if math.Abs(poll.P99MS-want) > want*0.05 {
					t.Errorf("p99 %g ms, want %g ms within 5 %%", poll.P99MS, want)
				}
				if r.Generator.Wait.P99MS < 1000 && connections == 64 {
					t.Errorf("the wait for a connection is %g ms: where was the stall?", r.Generator.Wait.P99MS)
				}
				if r.Generator.Lateness.P99MS > 1 {
					t.Errorf("the scheduler is said to have been %g ms late", r.Generator.Lateness.P99MS)
				}
				if r.SlowDown.Obedient.SlowDowns > 0 {
					t.Errorf("polls that came too close together after the stall count as obedient: %+v", r.SlowDown)
				}
			})
		})
	}
}

// latencyOf is the distribution of all requests of a kind.
func latencyOf(t *testing.T, r Result, k kind) Latency {
	t.Helper()
	for _, l := range r.Latencies {
		if l.Kind == k.String() && l.Answer == "" {
			return l
		}
	}
	t.Fatalf("no latency of kind %s", k)
	return Latency{}
}
