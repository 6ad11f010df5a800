package loadgen

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestWheel: whatever is put in comes out once, never early, and not later than
// the next look, also after long stops and for instants many rounds away.
func TestWheel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const n = 2000
	devices := make([]device, n)
	w := newWheel(devices)
	add := func(i int, now int64) {
		devices[i].due = now + random.Int64N(int64(time.Minute))
		w.add(int32(i))
	}
	for i := range devices {
		add(i, 0)
	}
	now, dequeued := int64(0), 0
	for now < int64(5*time.Minute) {
		// Mostly short looks, sometimes a stop longer than a whole round.
		step := random.Int64N(int64(3 * time.Millisecond))
		if random.IntN(2000) == 0 {
			step = int64(40 * time.Second)
		}
		next := w.nextTick(1<<40/tick) * tick
		now += step
		w.advance(now, func(slot int32) {
			dequeued++
			if late := now - devices[slot].due; late < 0 || late > step+2*tick {
				t.Fatalf("at %d device %d is %s late after a step of %s", now, slot, time.Duration(late), time.Duration(step))
			}
			if devices[slot].due > now || next > now {
				t.Fatalf("the next look was to be at %s, and device %d came at %s", time.Duration(next), slot, time.Duration(now))
			}
			add(int(slot), now)
		})
		if w.count != n {
			t.Fatalf("%d devices in the wheel", w.count)
		}
	}
	if dequeued < 4*n {
		t.Errorf("only %d came out", dequeued)
	}
}

func BenchmarkWheel(b *testing.B) {
	devices := make([]device, 100_000)
	w := newWheel(devices)
	for i := range devices {
		devices[i].due = int64(i) * int64(5*time.Second) / int64(len(devices))
		w.add(int32(i))
	}
	now := int64(0)
	for i := 0; i < b.N; {
		now += tick
		w.advance(now, func(slot int32) {
			devices[slot].due += int64(5 * time.Second)
			w.add(slot)
			i++
		})
	}
}
