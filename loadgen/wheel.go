package loadgen

import "math/bits"

// The wheel has a slot for each quarter of a millisecond of the next sixteen
// seconds. Instants beyond that go round with it.
const (
	tick       = int64(250e3)
	wheelSlots = 1 << 16
)

// nobody ends a list of devices.
const nobody = int32(-1)

// wheel is a hashed timing wheel of devices, which are linked through
// device.next, so that it holds no pointer and never allocates. An instant is
// rounded up to a tick: no device is ever early.
type wheel struct {
	devices  []device
	slots    [wheelSlots]int32
	occupied [wheelSlots / 64]uint64
	// turned is the last tick that was looked at.
	turned int64
	count  int
}

func newWheel(devices []device) *wheel {
	w := &wheel{devices: devices, turned: -1}
	for i := range w.slots {
		w.slots[i] = nobody
	}
	return w
}

// tickOf is the first tick at or after an instant.
func tickOf(at int64) int64 { return (at + tick - 1) / tick }

// add puts a device in at its due instant.
func (w *wheel) add(slot int32) {
	at := max(tickOf(w.devices[slot].due), w.turned+1)
	i := at % wheelSlots
	w.devices[slot].next = w.slots[i]
	w.slots[i] = slot
	w.occupied[i/64] |= 1 << (i % 64)
	w.count++
}

// advance turns the wheel to an instant and hands out the devices that are due.
func (w *wheel) advance(now int64, due func(slot int32)) {
	target := now / tick
	if target-w.turned > wheelSlots {
		// After a long stop one round passes every slot.
		w.turned = target - wheelSlots
	}
	for w.turned < target {
		next := w.turned + 1
		if skip := w.empty(next); skip > 0 {
			w.turned = min(target, w.turned+skip)
			continue
		}
		w.turned = next
		i := next % wheelSlots
		list := w.slots[i]
		w.slots[i] = nobody
		w.occupied[i/64] &^= 1 << (i % 64)
		for list != nobody {
			slot := list
			d := &w.devices[slot]
			list = d.next
			w.count--
			if tickOf(d.due) > target {
				w.add(slot) // of a later round
				continue
			}
			d.next = nobody
			due(slot)
		}
	}
}

// empty is how many ticks from one on have nobody, as far as its word of the
// bitmap tells.
func (w *wheel) empty(at int64) int64 {
	i := at % wheelSlots
	word := w.occupied[i/64] >> (i % 64)
	if word == 0 {
		return 64 - i%64
	}
	return int64(bits.TrailingZeros64(word))
}

// nextTick is the first tick at which somebody may be due, at most horizon
// ticks from now.
func (w *wheel) nextTick(horizon int64) int64 {
	at, end := w.turned+1, w.turned+1+horizon
	for at < end {
		skip := w.empty(at)
		if skip == 0 {
			return at
		}
		at += skip
	}
	return end
}
