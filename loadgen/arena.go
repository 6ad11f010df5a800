package loadgen

// arena keeps the codes of the devices in large pieces without pointers.
type arena struct {
	chunks [][]byte
}

const (
	arenaChunk = 1 << 20
	// arenaUnit is what places are counted in, so that a place of 64 KiB in a
	// chunk fits into four numbers of 16 bits.
	arenaUnit = 16
	// mostChunks is a gigabyte of codes in one shard.
	mostChunks = 1 << 10
)

// span is a text in the arena, and the place that it may grow in.
type span struct {
	chunk    uint16
	len      uint16
	at, room uint16 // in units
}

// put stores a text. A place that is large enough is used again, and stays as
// large as it is. A text that is too long for any, or one too many, is not
// stored: the device goes without, and is told so.
func (a *arena) put(old span, text []byte) span {
	if len(text) > 0xffff {
		old.len = 0
		return old
	}
	room := (len(text) + arenaUnit - 1) / arenaUnit
	if room <= int(old.room) {
		if room > 0 {
			copy(a.chunks[old.chunk][int(old.at)*arenaUnit:], text)
		}
		old.len = uint16(len(text))
		return old
	}
	last := len(a.chunks) - 1
	if last < 0 || cap(a.chunks[last])-len(a.chunks[last]) < room*arenaUnit {
		if len(a.chunks) == mostChunks {
			old.len = 0
			return old
		}
		a.chunks = append(a.chunks, make([]byte, 0, arenaChunk))
		last++
	}
	chunk := a.chunks[last]
	s := span{chunk: uint16(last), len: uint16(len(text)), at: uint16(len(chunk) / arenaUnit), room: uint16(room)}
	a.chunks[last] = chunk[:len(chunk)+room*arenaUnit]
	copy(a.chunks[last][len(chunk):], text)
	return s
}

func (a *arena) get(s span) []byte {
	if s.len == 0 {
		return nil
	}
	at := int(s.at) * arenaUnit
	return a.chunks[s.chunk][at : at+int(s.len) : at+int(s.len)]
}
