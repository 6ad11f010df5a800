package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"sync"
	"unicode/utf8"
)

// Bounds of what all answers of a run may add to its evidence. Nothing that a
// server sends on purpose comes near them.
const (
	// DefaultMaxKept is how much of all answers is kept, as JSON has it.
	DefaultMaxKept = 16 << 20
	// thriftyBody and thriftyValue are how much of a body, and of a header's value,
	// is kept after that; thriftyHeader is how many values.
	thriftyBody   = 2 << 10
	thriftyValue  = 256
	thriftyHeader = 40
	// maxDrained is how much of a body is read to tell its length and hash.
	maxDrained = 4 << 20
)

// thrift keeps the evidence of a run within bounds. The clients of a run share it.
type thrift struct {
	most int64

	mu   sync.Mutex
	kept int64
	cut  int // answers that were cut for it
}

// Kept returns how many bytes of responses the clients of this run keep, as
// JSON, and how many responses were cut because that was too much.
func (c *Client) Kept() (bytes int64, cut int) {
	c.thrift.mu.Lock()
	defer c.thrift.mu.Unlock()
	return c.thrift.kept, c.thrift.cut
}

// Keep returns the exchange to keep: unchanged as long as there is room, and
// then without most of its response.
func (c *Client) Keep(x Exchange) Exchange {
	if x.Response == nil || c.thrift.takes(x.Response) {
		return x
	}
	cut := Message{Header: thriftily(x.Response.Header), Body: x.Response.Body}
	if len(cut.Body) > thriftyBody {
		if !x.Truncated {
			x.Length, x.SHA256 = int64(len(cut.Body)), sum(cut.Body)
		}
		cut.Body, x.Truncated = bytes.Clone(cut.Body[:thriftyBody]), true
	}
	x.Response, x.Cut = &cut, true
	return x
}

// takes accounts for an answer, and says whether there is room for it.
func (t *thrift) takes(m *Message) bool {
	size := weight(m.Body)
	for name, values := range m.Header {
		for _, value := range values {
			size += int64(len(name)) + weight([]byte(value))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept+size > t.most {
		t.cut++
		return false
	}
	t.kept += size
	return true
}

// thriftily is a header within bounds.
func thriftily(h http.Header) http.Header {
	out := http.Header{}
	left := thriftyHeader
	for name, values := range h {
		for _, value := range values {
			if left--; left < 0 || len(name) > thriftyValue {
				break
			}
			out[name] = append(out[name], value[:min(len(value), thriftyValue)])
		}
	}
	return out
}

// weight is about how long bytes are in JSON: a NUL takes six.
func weight(b []byte) (n int64) {
	if !utf8.Valid(b) {
		return int64(len(b)) * 4 / 3
	}
	for _, c := range b {
		switch {
		case c < ' ' || c == '<' || c == '>' || c == '&':
			n += 6
		case c == '"' || c == '\\':
			n += 2
		default:
			n++
		}
	}
	return n
}

// read reads a body of which so many bytes are kept. Of a longer one it goes on
// for a while, to tell its length and hash.
func read(body io.Reader, most int, x *Exchange) (kept []byte, err error) {
	kept, err = io.ReadAll(io.LimitReader(body, int64(most)+1))
	if len(kept) <= most {
		return kept, err
	}
	hash := sha256.New()
	_, _ = hash.Write(kept) // never fails
	// What is needed was read: that the rest does not come is no fault.
	more, broken := io.Copy(hash, io.LimitReader(body, maxDrained))
	x.Length, x.Truncated = int64(len(kept))+more, true
	if broken == nil && more < maxDrained {
		x.SHA256 = hex.EncodeToString(hash.Sum(nil))
	}
	return kept[:most:most], nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
