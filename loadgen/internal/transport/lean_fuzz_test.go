package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"testing"
	"time"
)

// answerSeeds are whole answers, good and bad.
var answerSeeds = []string{
	ok2,
	"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n{\"error\":\"authorization_pending\"}",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nok\r\n0A\r\n0123456789\r\n0\r\nA: b\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: <x>\r\n\r\n" + ok2,
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.0 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\nConnection: x, close\n\nup to the end",
	"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\n\r\nstray",
	"HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\n \r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 02\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n80000002\r\nok\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 ;\r\nokay\r\n0\r\n\r\n",
	"HTTP/1.1 503 X\r\nRetry-After: 120\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1  +20 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 20", "\r\n\r\n", "", "<html></html>\n\n",
}

// netHTTP reads an answer as the client of net/http does: what it accepts, and
// what it leaves.
func netHTTP(data []byte) (response *http.Response, body, left []byte, err error) {
	source := bytes.NewReader(data)
	in := bufio.NewReaderSize(source, 4<<10)
	for {
		if response, err = http.ReadResponse(in, &http.Request{Method: http.MethodPost}); err != nil {
			return nil, nil, nil, err
		}
		if response.StatusCode/100 != 1 || response.StatusCode == 101 {
			break
		}
	}
	if body, err = io.ReadAll(response.Body); err != nil {
		return nil, nil, nil, err
	}
	left, err = io.ReadAll(io.MultiReader(in, source))
	return response, body, left, err
}

// What net/http accepts and lean does not, as TestLeanAgainstNetHTTP has it.
var (
	oddFields = regexp.MustCompile(`(?m)^[ \t]|^[^:\n]* [^:\n]*:`)                                        // obs-fold, and spaces in names
	oddStatus = regexp.MustCompile(`(?m)^HTTP/[02-9]\.|^HTTP/\d\.[2-9]|^HTTP/1\.[01] ( |[^1-9]|10[1] ?)`) // versions, signs, below 100, 101
	oldChunks = regexp.MustCompile(`(?mi)^HTTP/1\.0 (?s:.*)^transfer-encoding:`)                          // RFC 9112 section 6.1
	interims  = regexp.MustCompile(`(?m)^HTTP/1\.[01] 1\d\d`)
)

// FuzzHead: a head never panics, and means what net/http reads in it.
func FuzzHead(f *testing.F) {
	for _, s := range answerSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		end := endOfHead(data, 0)
		if end < 0 {
			return
		}
		h, err := parseHead(data[:end])
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Fatalf("an error without a kind: %v", err)
			}
			return
		}
		if h.status < 100 || h.status > 999 || h.length < -1 || h.retryAfter < 0 || h.chunked && h.length >= 0 {
			t.Fatalf("no head at all: %+v", h)
		}
		r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data[:end])), &http.Request{Method: http.MethodPost})
		if err != nil {
			return
		}
		if r.StatusCode != h.status {
			t.Fatalf("status %d, net/http reads %d", h.status, r.StatusCode)
		}
		if h.status/100 == 1 || h.status == 204 || h.status == 304 || oldChunks.Match(data[:end]) {
			return
		}
		if chunked := len(r.TransferEncoding) > 0; chunked != h.chunked || r.ContentLength != h.length {
			t.Fatalf("length %d, chunked %t; net/http reads %d, %t", h.length, h.chunked, r.ContentLength, chunked)
		}
		if certain := h.chunked || h.length >= 0; certain && r.Close && !h.close {
			t.Fatal("net/http closes the connection")
		}
	})
}

// bytesConn is a connection whose other end has said everything already.
type bytesConn struct {
	early
	data   []byte
	pieces int
	read   int
	closed bool
}

func (c *bytesConn) Write(b []byte) (int, error) { return len(b), nil }
func (c *bytesConn) Close() error                { c.closed = true; return nil }
func (c *bytesConn) Read(b []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), c.pieces)], c.data)
	c.data = c.data[n:]
	c.read += n
	return n, nil
}

// FuzzAnswer: whatever a server sends, in whatever pieces, lean ends, stays
// within its bounds, and reads what net/http reads.
func FuzzAnswer(f *testing.F) {
	for _, s := range answerSeeds {
		f.Add([]byte(s), uint16(0))
		f.Add([]byte(s), uint16(1))
	}
	endpoint := pollEndpoint(f, "http://127.0.0.1/")
	f.Fuzz(func(t *testing.T, data []byte, pieces uint16) {
		if pieces == 0 {
			pieces = 1 << 15
		}
		server := &bytesConn{data: data, pieces: int(pieces)}
		// Not t.Context, which would cost a goroutine each time.
		tr := NewLean(Options{Context: context.Background(), Policy: "reuse", Timeout: time.Minute, Now: func() int64 { return 1 },
			Dial: func(context.Context, string, string) (net.Conn, error) { return server, nil }})
		c := tr.Connect().(*leanConn)
		var a Answer
		failure := c.Do(&Request{Endpoint: endpoint}, &a)
		if cap(c.buf) > 2*MaxHead || cap(c.body) > 2*MaxBody || len(a.Body) > MaxBody {
			t.Fatalf("buffers of %d and %d bytes, a body of %d", cap(c.buf), cap(c.body), len(a.Body))
		}
		switch failure {
		case NoFailure, FailureReset, FailureMalformed, FailureTooLarge:
		default:
			t.Fatalf("failure %s: %v", failure, a.Err)
		}
		if (a.Err == nil) != (failure == NoFailure) || a.Resent {
			t.Fatalf("failure %q, error %v, sent again %t", failure, a.Err, a.Resent)
		}
		kept := c.conn != nil
		if kept == server.closed || kept && failure != NoFailure {
			t.Fatalf("kept %t, closed %t, failure %q", kept, server.closed, failure)
		}
		r, body, left, err := netHTTP(data)
		if err != nil {
			return
		}
		head := data[:len(data)-len(left)]
		switch {
		case len(body) > MaxBody && failure != NoFailure:
		case failure == FailureTooLarge && (len(head)-len(body) > MaxHead || len(interims.FindAll(head, mostInterim+1)) > mostInterim):
		case failure == FailureMalformed && (oddFields.Match(head) || oddStatus.Match(head) || oldChunks.Match(head)):
		case failure == NoFailure && oldChunks.Match(head):
		case failure != NoFailure:
			t.Fatalf("failure %s (%v); net/http reads %d %.80q", failure, a.Err, r.StatusCode, body)
		case a.Status != r.StatusCode || !bytes.Equal(a.Body, body):
			t.Fatalf("%d %.80q; net/http reads %d %.80q", a.Status, a.Body, r.StatusCode, body)
		case kept && server.read != len(head):
			t.Fatalf("the answer ends after %d bytes, net/http says %d", server.read, len(head))
		}
	})
}
