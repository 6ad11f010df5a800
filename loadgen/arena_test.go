package loadgen

import (
	"bytes"
	"testing"
	"unsafe"
)

// TestArena: what is put in comes out, whatever its neighbours did.
func TestArena(t *testing.T) {
	var a arena
	spans, want := make([]span, 500), make([][]byte, 500)
	random := dice{1}
	for range 20_000 {
		i := random.between(0, int64(len(spans)))
		want[i] = bytes.Repeat([]byte{byte(random.next())}, int(random.between(0, 100)))
		if random.between(0, 100) == 0 {
			want[i] = bytes.Repeat([]byte{byte(random.next())}, int(random.between(0, 0xffff)))
		}
		spans[i] = a.put(spans[i], want[i])
		j := random.between(0, int64(len(spans)))
		for _, k := range []int64{i, j} {
			if got := a.get(spans[k]); !bytes.Equal(got, want[k]) {
				t.Fatalf("a text of %d bytes came back as %d", len(want[k]), len(got))
			}
		}
	}
}

// TestArenaOfASoak: devices whose codes are now longer, now shorter must not
// use up new places for ever.
func TestArenaOfASoak(t *testing.T) {
	var a arena
	spans := make([]span, 1000)
	for n := range 200 {
		for i := range spans {
			spans[i] = a.put(spans[i], bytes.Repeat([]byte("x"), 40+(n*7+i)%50))
		}
	}
	if len(a.chunks) > 1 {
		t.Errorf("%d MiB for %d codes of less than 100 bytes", len(a.chunks), len(spans))
	}
}

// TestArenaIsBounded: a server that hands out codes of 60 KB does not fill the
// machine, and no code is ever cut.
func TestArenaIsBounded(t *testing.T) {
	a := arena{chunks: make([][]byte, mostChunks)} // all of them full
	if s := a.put(span{}, []byte("x")); s.len != 0 || len(a.chunks) != mostChunks || a.get(s) != nil {
		t.Errorf("%+v in %d chunks", s, len(a.chunks))
	}
	var b arena
	s := b.put(span{}, []byte("short"))
	if s = b.put(s, make([]byte, 0x10000)); b.get(s) != nil {
		t.Errorf("a code of 64 KiB became one of %d bytes", len(b.get(s)))
	}
	if s = b.put(s, []byte("again")); string(b.get(s)) != "again" || len(b.chunks[0]) != arenaUnit {
		t.Errorf("%q in %d bytes", b.get(s), len(b.chunks[0]))
	}
	if size := unsafe.Sizeof(span{}); size != 8 {
		t.Errorf("a span of %d bytes: each device has two", size)
	}
}
