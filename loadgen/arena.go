package loadgen

// arena keeps the codes of the devices in large pieces without pointers.
type arena struct {
	chunks [][]byte
}

const arenaChunk = 1 << 20

// put stores a text. A place that is large enough is used again.
func (a *arena) put(old span, text []byte) span {
	if len(text) > 0xffff {
		text = text[:0xffff]
	}
	if old.len > 0 && len(text) <= int(old.len) {
		copy(a.chunks[old.chunk][old.at:], text)
		old.len = uint16(len(text))
		return old
	}
	last := len(a.chunks) - 1
	if last < 0 || cap(a.chunks[last])-len(a.chunks[last]) < len(text) {
		if len(a.chunks) > 0xffff {
			return span{} // a gigabyte of codes: the device goes without, and is told so
		}
		a.chunks = append(a.chunks, make([]byte, 0, arenaChunk))
		last++
	}
	chunk := a.chunks[last]
	s := span{chunk: uint16(last), at: uint32(len(chunk)), len: uint16(len(text))}
	a.chunks[last] = append(chunk, text...)
	return s
}

func (a *arena) get(s span) []byte {
	if s.len == 0 {
		return nil
	}
	return a.chunks[s.chunk][s.at : s.at+uint32(s.len) : s.at+uint32(s.len)]
}
