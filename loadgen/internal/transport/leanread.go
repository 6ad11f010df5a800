package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// exchange sends the request and reads the answer. keep says that the
// connection may carry another, any that a byte of an answer came.
func (c *leanConn) exchange(a *Answer) (keep, any bool, err error) {
	_, broken := c.conn.Write(c.out)
	if broken != nil {
		// The server may have answered before it hung up: 413, 503.
		if c.fill() != nil {
			return false, false, broken
		}
	}
	for interim := 0; ; {
		h, err := c.head()
		any = any || c.end > 0
		if err != nil {
			return false, any, err
		}
		if h.status == 101 {
			return false, true, fmt.Errorf("%w: an unrequested status 101", errMalformed)
		}
		if h.status/100 == 1 {
			if interim++; interim > mostInterim {
				return false, true, fmt.Errorf("%w: more than %d interim answers", errTooLarge, mostInterim)
			}
			continue
		}
		a.Status, a.RetryAfter = h.status, h.retryAfter
		keep, err := c.readBody(h)
		a.Body = c.body
		if err != nil {
			return false, true, err
		}
		// Bytes that nobody asked for: whose answer would they be?
		return keep && !h.close && broken == nil && c.at == c.end, true, nil
	}
}

// mostInterim is how many answers with a status 1xx may come before the one that
// counts: each has its bounds, and all together need one, too.
const mostInterim = 16

var (
	errMalformed = errors.New("this is not HTTP/1.1")
	errTooLarge  = errors.New("larger than the limits")
)

// fill reads more into buf.
func (c *leanConn) fill() error {
	if c.at == c.end {
		c.at, c.end = 0, 0
	}
	if c.buf == nil {
		c.buf = make([]byte, 2<<10)
	}
	if c.end == len(c.buf) {
		if c.at > 0 {
			copy(c.buf, c.buf[c.at:c.end])
			c.at, c.end = 0, c.end-c.at
		} else {
			if len(c.buf) >= MaxHead {
				return fmt.Errorf("%w: a line or head of more than %d bytes", errTooLarge, MaxHead)
			}
			c.buf = append(c.buf, make([]byte, len(c.buf))...)
		}
	}
	n, err := c.conn.Read(c.buf[c.end:])
	c.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// head reads up to the empty line and parses it.
func (c *leanConn) head() (head, error) {
	from := 0
	for {
		// A lone LF ends a line, too (RFC 9112 section 2.2).
		pending := c.buf[c.at:c.end]
		if i := endOfHead(pending, from); i >= 0 {
			h, err := parseHead(pending[:i])
			c.at += i
			return h, err
		}
		from = max(0, len(pending)-3)
		if len(pending) >= MaxHead {
			return head{}, fmt.Errorf("%w: a head of more than %d bytes", errTooLarge, MaxHead)
		}
		if err := c.fill(); err != nil {
			return head{}, err
		}
	}
}

// endOfHead finds the end of the empty line, from an offset on; -1: not there.
func endOfHead(b []byte, from int) int {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1
		}
		i += from + 1
		switch {
		case i < len(b) && b[i] == '\n':
			return i + 1
		case i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n':
			return i + 2
		}
		from = i
	}
}

// readBody reads the body that a head announces into c.body.
func (c *leanConn) readBody(h head) (keep bool, err error) {
	c.body = c.body[:0]
	switch {
	case h.status == 204 || h.status == 304:
		return true, nil
	case h.chunked:
		return true, c.readChunks()
	case h.length >= 0:
		if h.length > MaxBody {
			return false, fmt.Errorf("%w: a body of %d bytes", errTooLarge, h.length)
		}
		return true, c.readN(int(h.length))
	}
	// Without a length the body ends with the connection.
	for {
		c.body = append(c.body, c.buf[c.at:c.end]...)
		c.at = c.end
		if len(c.body) > MaxBody {
			return false, fmt.Errorf("%w: a body of more than %d bytes", errTooLarge, MaxBody)
		}
		if err := c.fill(); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return false, nil
			}
			return false, err
		}
	}
}

// readN reads n bytes more of the body.
func (c *leanConn) readN(n int) error {
	if len(c.body)+n > MaxBody {
		return fmt.Errorf("%w: a body of more than %d bytes", errTooLarge, MaxBody)
	}
	for n > 0 {
		if c.at == c.end {
			if err := c.fill(); err != nil {
				return err
			}
		}
		k := min(n, c.end-c.at)
		c.body = append(c.body, c.buf[c.at:c.at+k]...)
		c.at += k
		n -= k
	}
	return nil
}

// readChunks reads a chunked body and its trailer (RFC 9112 section 7.1).
func (c *leanConn) readChunks() error {
	// Extensions cost bytes that are no body: they are bounded, too.
	for overhead := 0; ; {
		line, err := c.chunkLine()
		if err != nil {
			return err
		}
		if overhead += len(line); overhead > MaxBody {
			return fmt.Errorf("%w: too many tiny chunks", errTooLarge)
		}
		size, err := chunkSize(line)
		if err != nil {
			return err
		}
		if size == 0 {
			break
		}
		if err := c.readN(size); err != nil {
			return err
		}
		if err := c.chunkEnd(); err != nil {
			return err
		}
	}
	for trailer := 0; ; {
		line, err := c.line()
		if err != nil || len(line) == 0 {
			return err
		}
		if trailer += len(line); trailer > MaxHead {
			return fmt.Errorf("%w: the trailer", errTooLarge)
		}
	}
}

// chunkEnd reads the CR LF behind a chunk, and waits for no more than that.
func (c *leanConn) chunkEnd() error {
	for _, want := range []byte("\r\n") {
		if c.at == c.end {
			if err := c.fill(); err != nil {
				return err
			}
		}
		if c.buf[c.at] != want {
			return fmt.Errorf("%w: a chunk longer than it says", errMalformed)
		}
		c.at++
	}
	return nil
}

// chunkLine is line where a lone LF ends nothing: RFC 9112 forgives that in
// heads only, and elsewhere two readers would part there.
func (c *leanConn) chunkLine() ([]byte, error) {
	line, err := c.line()
	if err == nil && (c.at < 2 || c.buf[c.at-2] != '\r' || bytes.IndexByte(line, '\r') >= 0) {
		err = fmt.Errorf("%w: chunk size %.40q does not end in CR LF", errMalformed, line)
	}
	return line, err
}

// line reads one line, without its end.
func (c *leanConn) line() ([]byte, error) {
	for {
		pending := c.buf[c.at:c.end]
		if i := bytes.IndexByte(pending, '\n'); i >= 0 {
			c.at += i + 1
			return bytes.TrimSuffix(pending[:i], []byte("\r")), nil
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}
