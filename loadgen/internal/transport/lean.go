package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// lean is a transport that speaks just enough HTTP/1.1 to poll: POST, and one
// answer. It allocates nothing for a request that goes well, and reads no
// header that it does not need.
type lean struct {
	o    Options
	next atomic.Uint32 // of the sources

	mu sync.Mutex
	// kept are the connections that belong to devices, by slot.
	kept map[int32]kept
}

// kept is a connection that waits for its device's next request.
type kept struct {
	conn   net.Conn
	raw    rawConn
	origin string
}

// NewLean returns the lean transport.
func NewLean(o Options) Transport {
	t := &lean{o: o}
	if t.o.Dial == nil {
		t.o.Dial = t.dialTCP
	}
	if o.Policy == "per-device" {
		t.kept = map[int32]kept{}
	}
	return t
}

func (t *lean) Name() string { return "lean" }

func (t *lean) Connect() Connection { return &leanConn{t: t} }

func (t *lean) Drop(slot int32) {
	if k := t.take(slot); k.conn != nil {
		// The caller holds its shard's lock, and the end of a TLS connection waits for
		// a peer that does not read.
		go k.conn.Close()
	}
}

func (t *lean) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.kept {
		k.conn.Close()
	}
	t.kept = nil
}

// take hands out the connection of a device.
func (t *lean) take(slot int32) kept {
	if t.o.Policy != "per-device" {
		return kept{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kept[slot]
	delete(t.kept, slot)
	return k
}

// keep puts it back.
func (t *lean) keep(slot int32, k kept) {
	t.mu.Lock()
	other, taken := t.kept[slot]
	if t.kept != nil {
		t.kept[slot] = k
	}
	closed := t.kept == nil
	t.mu.Unlock()
	if taken {
		other.conn.Close() // a greedy device had several
	}
	if closed {
		k.conn.Close()
	}
}

func (t *lean) dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: t.o.Timeout, KeepAlive: -1}
	n := len(t.o.Sources)
	if n > 0 {
		d.LocalAddr = &net.TCPAddr{IP: t.o.Sources[int(t.next.Add(1))%n]}
	}
	d.Control = func(network, address string, c syscall.RawConn) error {
		if host, _, err := net.SplitHostPort(address); t.o.OnlyLoopback && (err != nil || !net.ParseIP(host).IsLoopback()) {
			return fmt.Errorf("%s is not on this machine any more", address)
		}
		if n > 0 {
			return portAtConnect(network, address, c)
		}
		return nil
	}
	return d.DialContext(ctx, network, address)
}

// dial makes a connection to an endpoint, until the context ends.
func (t *lean) dial(ctx context.Context, u *url.URL) (net.Conn, Failure, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	c, err := t.o.Dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) {
			return nil, FailureTimeout, err
		}
		return nil, FailureDial, err
	}
	if u.Scheme == "http" {
		return c, NoFailure, nil
	}
	config := t.o.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName = u.Hostname()
	}
	config.NextProtos = []string{"http/1.1"}
	secure := tls.Client(c, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		c.Close()
		if ctx.Err() != nil && t.o.Context.Err() == nil {
			return nil, FailureTimeout, err
		}
		return nil, FailureTLS, err
	}
	return secure, NoFailure, nil
}

// leanConn is one connection, its buffers, and the dialling anew.
type leanConn struct {
	t    *lean
	conn net.Conn
	// origin is where conn leads to.
	origin string
	// used says that conn has carried an answer, and unread what came after it.
	used   bool
	raw    rawConn
	unread unread
	one    [1]byte
	out    []byte
	buf    []byte // buf[at:end] was read and not used yet
	at     int
	end    int
	body   []byte

	mu          sync.Mutex
	interrupted bool
	current     net.Conn // that Interrupt may touch
	dialling    context.CancelFunc
}

// aLongTimeAgo is a deadline that ends every read and write at once.
var aLongTimeAgo = time.Unix(1, 0)

func (c *leanConn) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	if c.current != nil {
		_ = c.current.SetDeadline(aLongTimeAgo)
	}
	if c.dialling != nil {
		c.dialling()
	}
}

// wasInterrupted takes the mark away.
func (c *leanConn) wasInterrupted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.interrupted
	c.interrupted = false
	return was
}

func (c *leanConn) Close() {
	c.mu.Lock()
	conn := c.current
	c.current = nil
	c.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
	c.conn, c.used, c.at, c.end = nil, false, 0, 0
}

// dial makes a connection to an endpoint, unless it is interrupted.
func (c *leanConn) dial(u *url.URL) (net.Conn, Failure, error) {
	ctx, cancel := context.WithTimeout(c.t.o.Context, c.t.o.Timeout)
	defer cancel()
	c.mu.Lock()
	c.dialling = cancel
	if c.interrupted {
		cancel()
	}
	c.mu.Unlock()
	conn, failure, err := c.t.dial(ctx, u)
	c.mu.Lock()
	c.dialling = nil
	if failure != NoFailure && c.interrupted {
		failure = FailureTimeout
	}
	c.mu.Unlock()
	return conn, failure, err
}

// use makes a connection the one that requests go over.
func (c *leanConn) use(k kept, used bool) {
	conn := k.conn
	c.conn, c.raw, c.origin, c.used, c.at, c.end = conn, k.raw, k.origin, used, 0, 0
	c.mu.Lock()
	c.current = conn
	late := c.interrupted
	c.mu.Unlock()
	if late {
		_ = conn.SetDeadline(aLongTimeAgo)
	}
}

// release leaves the connection to its device, unless an interrupt that came too
// late has left its deadline on it.
func (c *leanConn) release(slot int32) {
	c.mu.Lock()
	conn, late := c.current, c.interrupted
	c.current = nil
	c.mu.Unlock()
	switch {
	case conn == nil:
	case late:
		conn.Close()
	default:
		c.t.keep(slot, kept{conn, c.raw, c.origin})
	}
	c.conn, c.used = nil, false
}

// Do implements [Connection]. A request that met a kept connection in the
// moment in which the server closed it is sent once more; one of which any byte
// came back never is: a lost answer may have carried the only token. The exception
// is 408 on a kept connection: the server gave up waiting for a request (RFC 9110
// section 15.5.9). What came before the request left is no answer to it.
func (c *leanConn) Do(r *Request, a *Answer) Failure {
	if c.wasInterrupted() {
		c.Close() // too late for the last request, and its deadline is on the connection
	}
	*a = Answer{}
	e := r.Endpoint
	if c.conn != nil && c.origin != e.origin {
		c.Close()
	}
	policy := c.t.o.Policy
	if policy == "per-device" && c.conn == nil {
		switch k := c.t.take(r.Slot); {
		case k.conn == nil:
		case k.origin == e.origin:
			c.use(k, true)
		default:
			k.conn.Close()
		}
	}
	if c.conn != nil && c.used && (c.unread.any(c.raw) || c.buffered()) {
		c.Close()
	}
	c.out = e.AppendRequest(c.out[:0], r.Code, policy == "per-poll")
	for {
		if c.conn == nil {
			conn, failure, err := c.dial(e.URL)
			if failure != NoFailure {
				a.Err = err
				if a.Written == 0 {
					a.Written = c.t.o.Now()
				}
				c.wasInterrupted()
				return failure
			}
			a.Dialled = true
			c.use(kept{conn, rawOf(conn), e.origin}, false)
		}
		if a.Written == 0 {
			a.Written = c.t.o.Now()
		}
		reused := c.used
		keep, any, err := c.exchange(a)
		switch {
		case err == nil && reused && a.Status == http.StatusRequestTimeout:
			c.Close()
			a.Resent, a.Status, a.Body = true, 0, nil
			continue
		case err == nil && (!keep || policy == "per-poll"):
			c.Close()
			return NoFailure
		case err == nil:
			c.used = true
			if policy == "per-device" {
				c.release(r.Slot)
			}
			return NoFailure
		}
		c.Close()
		if c.wasInterrupted() || errors.Is(err, os.ErrDeadlineExceeded) {
			a.Err = err
			return FailureTimeout
		}
		if reused && !any && !errors.Is(err, errMalformed) && !errors.Is(err, errTooLarge) {
			a.Resent = true
			continue
		}
		a.Err = err
		switch {
		case errors.Is(err, errTooLarge):
			return FailureTooLarge
		case errors.Is(err, errMalformed):
			return FailureMalformed
		}
		return FailureReset
	}
}

// buffered says that something which nobody asked for is in TLS's own buffer: it
// reads more than one record at a time.
func (c *leanConn) buffered() bool {
	secure, ok := c.conn.(*tls.Conn)
	if !ok {
		return false
	}
	// A read that must not wait. One that runs out of time leaves TLS as it was.
	_ = secure.SetReadDeadline(aLongTimeAgo)
	n, err := secure.Read(c.one[:])
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.interrupted {
		_ = secure.SetReadDeadline(time.Time{})
	}
	return n > 0 || !errors.Is(err, os.ErrDeadlineExceeded)
}
