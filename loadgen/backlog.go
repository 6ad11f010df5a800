package loadgen

// backlog is the queue of the devices that are due and have no connection yet.
// Like the wheel it links them through device.next, and never allocates.
type backlog struct {
	devices    []device
	head, tail int32
	length     int
}

func newBacklog(devices []device) backlog {
	return backlog{devices: devices, head: nobody, tail: nobody}
}

func (b *backlog) empty() bool { return b.head == nobody }

func (b *backlog) push(slot int32) {
	b.devices[slot].next = nobody
	if b.head == nobody {
		b.head = slot
	} else {
		b.devices[b.tail].next = slot
	}
	b.tail = slot
	b.length++
}

// take hands out the first device for one request. It stays the first as long as
// copies of its request are to be sent.
func (b *backlog) take() int32 {
	slot := b.head
	if d := &b.devices[slot]; d.copies > 1 {
		d.copies--
		return slot
	}
	return b.drop()
}

// drop hands out the first device whatever it has still to send.
func (b *backlog) drop() int32 {
	slot := b.head
	d := &b.devices[slot]
	b.head = d.next
	if b.head == nobody {
		b.tail = nobody
	}
	d.copies, d.next = 0, nobody
	b.length--
	return slot
}
