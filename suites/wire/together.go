package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Release says how the requests of a group were sent simultaneously.
type Release string

const (
	// LastByte: each request waited on its own warm connection, complete except
	// for its last byte, and the last bytes were sent together.
	LastByte Release = "last byte"
	// Streams: the same with streams of HTTP/2, because the target speaks nothing
	// else.
	Streams Release = "last byte of a stream"
	// Parallel: the requests were only started together, because there is a proxy.
	// They may be milliseconds apart.
	Parallel Release = "parallel"
)

const (
	// MaxTogether is the maximum size of a group.
	MaxTogether = 64
	// settling lets what was written reach the target before the last bytes go.
	settling = 20 * time.Millisecond
	// gathering is how long streams may take until all but their last bytes are
	// written. A target that allows fewer streams than the group has is not waited for.
	gathering = 2 * time.Second
	// maxInterim is how many 1xx answers may come before the answer.
	maxInterim = 5
)

// Together sends the requests so that the target has all of them complete at
// the same moment, and returns their exchanges in the same order. Each request
// gets a new HTTP/1.1 connection, which a GET of the same address without query
// and credentials has warmed up: the handshake is over, and a worker of the
// target listens. Exchange.Sent is when the last byte was sent. A target that
// speaks HTTP/2 only gets the requests as streams of one connection.
//
// [Options.InFlight] would break up a group, so it does not apply here.
// Instead, no group is larger than [MaxTogether] (a longer list is cut), and
// groups run one after the other.
func (c *Client) Together(ctx context.Context, requests []Request) []Exchange {
	requests = slices.Clone(requests[:min(len(requests), MaxTogether)])
	all := make([]Exchange, len(requests))
	for i, r := range requests {
		requests[i] = r.completed()
		all[i] = exchange(requests[i])
	}
	fail := func(i int, err error) {
		all[i].Received = c.now()
		all[i].Failure = classify(ctx, err)
	}
	select {
	case c.group <- struct{}{}:
		defer func() { <-c.group }()
	case <-ctx.Done():
		for i := range all {
			fail(i, ctx.Err())
		}
		return all
	}

	if len(requests) > 0 && c.showing(requests[0].Certificate).needsHTTP2(ctx, requests[0]) {
		return c.streams(ctx, requests)
	}
	opening, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	held := make([]*connection, len(requests))
	errs := make([]error, len(requests))
	each(len(requests), func(i int) {
		all[i].Release, all[i].Sent = LastByte, c.now()
		held[i], errs[i] = c.showing(requests[i].Certificate).hold(opening, requests[i])
	})
	defer func() {
		for _, k := range held {
			if k != nil {
				k.conn.Close()
			}
		}
	}()
	for _, err := range errs {
		if errors.Is(err, errProxy) {
			return c.parallel(ctx, requests)
		}
	}

	_ = sleep(opening, settling) // cut short, the writes below fail
	var answers sync.WaitGroup
	gate := make(chan struct{})
	for i, k := range held {
		if k == nil {
			fail(i, errs[i])
			continue
		}
		answers.Go(func() {
			limited, cancel := context.WithTimeout(ctx, c.options.Timeout)
			defer cancel()
			defer k.boundBy(limited)()
			<-gate
			all[i].Sent = c.now()
			if _, err := k.conn.Write(k.last); err != nil {
				fail(i, err)
				return
			}
			resp, err := k.response(k.request)
			if err != nil {
				fail(i, err)
				return
			}
			k.limit.N = bodyAllowance(c.options.MaxBody)
			c.answer(ctx, &all[i], resp)
		})
	}
	close(gate)
	answers.Wait()
	return all
}

// streams is Together over HTTP/2. A request without a body has no last byte to hold
// back, and starts when the others are released.
func (c *Client) streams(ctx context.Context, requests []Request) []Exchange {
	c.warmFor(ctx, requests)
	all := make([]Exchange, len(requests))
	gate := make(chan struct{})
	var answers, writing sync.WaitGroup
	limited, cancel := context.WithTimeout(ctx, gathering+settling+c.options.Timeout)
	defer cancel()
	for i, r := range requests {
		x := &all[i]
		*x = exchange(r)
		x.Release = Streams
		writing.Add(1)
		written := sync.OnceFunc(writing.Done)
		answers.Go(func() {
			defer written()
			req, err := newRequest(limited, r)
			if err == nil && len(r.Body) > 0 {
				// A new one for a stream that the target refuses, as it may (RFC 9113 section 8.7).
				req.GetBody = func() (io.ReadCloser, error) {
					return io.NopCloser(&held{rest: r.Body, written: written, gate: gate, done: limited.Done()}), nil
				}
				req.Body, _ = req.GetBody()
			} else {
				written()
				<-gate
			}
			var resp *http.Response
			if err == nil {
				resp, err = c.showing(r.Certificate).transport.RoundTrip(req)
			}
			if err != nil {
				x.Received, x.Failure = c.now(), classify(ctx, err)
				return
			}
			c.answer(ctx, x, resp)
		})
	}
	waitFor(limited, &writing, gathering)
	_ = sleep(limited, settling) // cut short, the requests fail
	sent := c.now()
	close(gate)
	answers.Wait()
	for i := range all {
		all[i].Sent = min(sent, all[i].Received)
	}
	return all
}

// waitFor waits until the group is done, but no longer than limit or ctx.
func waitFor(ctx context.Context, group *sync.WaitGroup, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// held is a body whose last byte comes when the gate opens. The transport asks for
// it when it has written the others.
type held struct {
	rest    []byte
	written func()
	gate    <-chan struct{}
	done    <-chan struct{}
}

// Read implements io.Reader.
func (h *held) Read(p []byte) (int, error) {
	free := h.rest
	switch {
	case len(h.rest) == 0:
		return 0, io.EOF
	case len(h.rest) > 1:
		free = h.rest[:len(h.rest)-1]
	default:
		h.written()
		select {
		case <-h.gate:
		case <-h.done:
			return 0, io.ErrUnexpectedEOF
		}
	}
	n := copy(p, free)
	h.rest = h.rest[n:]
	return n, nil
}

// warmFor opens a connection where the requests will go.
func (c *Client) warmFor(ctx context.Context, requests []Request) {
	if len(requests) == 0 {
		return
	}
	if warm, err := warmUp(requests[0].URL); err == nil {
		warm.Certificate = requests[0].Certificate
		c.do(ctx, warm)
	}
}

// parallel is Together without a connection for each request.
func (c *Client) parallel(ctx context.Context, requests []Request) []Exchange {
	c.warmFor(ctx, requests)
	all := make([]Exchange, len(requests))
	each(len(requests), func(i int) {
		all[i] = c.do(ctx, requests[i])
		all[i].Release = Parallel
	})
	return all
}

// SendAndHangUp sends one complete request over a new connection and closes it
// at once, so that the response is lost; over HTTP/2, it resets the stream. The exchange has the failure
// [FailHungUp], unless not even the request could be sent.
func (c *Client) SendAndHangUp(ctx context.Context, r Request) Exchange {
	r, c = r.completed(), c.showing(r.Certificate)
	x := exchange(r)
	limited, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	hangUp := c.sendAndClose
	if c.needsHTTP2(limited, r) {
		hangUp = c.sendAndReset
	}
	x.Sent = c.now()
	err := hangUp(limited, r)
	x.Received = c.now()
	if err != nil {
		x.Failure = classify(ctx, err)
		return x
	}
	x.Failure = &Failure{FailHungUp, "the connection was closed on purpose right after the request"}
	return x
}

// sendAndClose is SendAndHangUp over HTTP/1.1. It returns nil if the whole request was
// sent.
func (c *Client) sendAndClose(ctx context.Context, r Request) error {
	k, err := c.connect(ctx, r)
	if err != nil {
		return err
	}
	defer k.conn.Close()
	whole, err := serialise(k.request)
	if err != nil {
		return err
	}
	_, err = k.conn.Write(whole)
	return err
}

// sendAndReset is SendAndHangUp over HTTP/2. It returns nil if the whole request was
// sent.
func (c *Client) sendAndReset(ctx context.Context, r Request) error {
	ctx, reset := context.WithCancel(ctx)
	defer reset()
	var sent atomic.Bool
	req, err := newRequest(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(w httptrace.WroteRequestInfo) {
		if w.Err == nil {
			sent.Store(true)
			reset()
		}
	}}), r)
	if err != nil {
		return err
	}
	resp, err := c.transport.RoundTrip(req)
	if err == nil {
		resp.Body.Close()
	}
	if sent.Load() {
		return nil
	}
	return err
}

// connection is one TCP or TLS connection that carries HTTP/1.1.
type connection struct {
	conn    net.Conn
	reader  *bufio.Reader
	limit   *io.LimitedReader // under reader: what the target may still send
	request *http.Request
	last    []byte // what Together holds back
}

var errProxy = errors.New("a proxy is in between, so the connection would not lead to the target")

// connect opens a connection to where the request goes. Nothing on it lasts
// longer than the deadline of ctx.
func (c *Client) connect(ctx context.Context, r Request) (*connection, error) {
	req, err := newRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	if via, err := c.transport.Proxy(req); err != nil || via != nil {
		return nil, errProxy
	}
	dial := c.options.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	port := req.URL.Port()
	switch {
	case req.URL.Hostname() == "":
		return nil, fmt.Errorf("%q names no host", r.URL)
	case port == "" && req.URL.Scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(req.URL.Hostname(), port))
	if err != nil {
		return nil, err
	}
	switch req.URL.Scheme {
	case "http":
	case "https":
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		if c.options.TLS != nil {
			config = c.options.TLS.Clone()
		}
		config.NextProtos = []string{"http/1.1"}
		if config.ServerName == "" {
			config.ServerName = req.URL.Hostname()
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		conn = secure
	default:
		conn.Close()
		return nil, fmt.Errorf("unsupported protocol scheme %q", req.URL.Scheme)
	}
	k := &connection{conn: conn, request: req, limit: &io.LimitedReader{R: conn}}
	k.reader = bufio.NewReader(k.limit)
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // a connection that is gone says so at the next write
	}
	return k, nil
}

// hold opens a warm connection and sends the request up to its last byte.
func (c *Client) hold(ctx context.Context, r Request) (*connection, error) {
	k, err := c.connect(ctx, r)
	if err != nil {
		return nil, err
	}
	release := k.boundBy(ctx)
	if !c.warm(ctx, k, r) {
		// It answered in a way that ends the connection: a cold one has to do.
		release()
		k.conn.Close()
		if k, err = c.connect(ctx, r); err != nil {
			return nil, err
		}
		release = k.boundBy(ctx)
	}
	defer release()
	whole, err := serialise(k.request)
	if err == nil {
		_, err = k.conn.Write(whole[:len(whole)-1])
	}
	if err != nil {
		k.conn.Close()
		return nil, err
	}
	k.last = whole[len(whole)-1:]
	return k, nil
}

// warm exchanges something harmless and says whether the connection is still
// good afterwards.
func (c *Client) warm(ctx context.Context, k *connection, r Request) bool {
	r, err := warmUp(r.URL)
	if err != nil {
		return false
	}
	req, err := newRequest(ctx, r)
	if err != nil {
		return false
	}
	whole, err := serialise(req)
	if err != nil {
		return false
	}
	if _, err = k.conn.Write(whole); err != nil {
		return false
	}
	resp, err := k.response(req)
	if err != nil || resp.Close {
		return false
	}
	k.limit.N = bodyAllowance(c.options.MaxBody)
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && k.reader.Buffered() == 0
}

// warmUp is the request that warms a connection for address.
func warmUp(address string) (Request, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Request{}, err
	}
	u.RawQuery, u.ForceQuery = "", false
	return Get("", u.String()), nil
}

// response reads the header of the answer to req, and its body on demand.
// Closing the body does nothing: it would read a hostile one to its end.
func (k *connection) response(req *http.Request) (*http.Response, error) {
	for range maxInterim + 1 {
		k.limit.N = maxHeaderBytes
		resp, err := http.ReadResponse(k.reader, req)
		if err != nil {
			if k.limit.N <= 0 {
				err = fmt.Errorf("the header of the answer is longer than %d bytes", maxHeaderBytes)
			}
			return nil, err
		}
		if resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			resp.Body = io.NopCloser(resp.Body)
			return resp, nil
		}
	}
	return nil, fmt.Errorf("more than %d interim answers", maxInterim)
}

// bodyAllowance is how much may come over the wire for a body of which limit
// bytes are read: chunks have frames, at worst some bytes for each byte.
func bodyAllowance(limit int) int64 { return 8*int64(limit) + maxHeaderBytes }

// boundBy makes reads and writes end when ctx does, until the returned function
// is called.
func (k *connection) boundBy(ctx context.Context) (release func()) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = k.conn.SetDeadline(deadline)
	}
	past := time.Unix(1, 0)
	stop := context.AfterFunc(ctx, func() { _ = k.conn.SetDeadline(past) })
	return func() { stop() }
}

// serialise is the request byte for byte. It is never empty.
func serialise(r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// each calls f(0) to f(n-1) at once and waits for all.
func each(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// sleep waits for d of our own time, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
