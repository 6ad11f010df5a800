package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"time"
)

// standard is the transport of net/http: HTTP/2, proxies, and a second opinion.
type standard struct {
	o         Options
	transport *http.Transport
}

// NewStandard returns the transport of net/http.
func NewStandard(o Options) Transport {
	t := &standard{o: o, transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        o.TLS.Clone(),
		DialContext:            o.Dial,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      o.Policy == "per-poll",
		MaxIdleConns:           0,
		MaxIdleConnsPerHost:    1 << 20, // the workers are the bound
		MaxResponseHeaderBytes: MaxHead,
	}}
	if o.Dial == nil {
		t.transport.DialContext = (&lean{o: o}).dialTCP
	}
	return t
}

func (t *standard) Name() string { return "net/http" }

func (t *standard) Connect() Connection { return &standardConn{t: t} }

// Drop does nothing: connections belong to nobody here.
func (t *standard) Drop(int32) {}

func (t *standard) Close() { t.transport.CloseIdleConnections() }

type standardConn struct {
	t *standard

	mu          sync.Mutex
	cancel      context.CancelFunc
	interrupted bool
}

func (c *standardConn) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	if c.cancel != nil {
		c.cancel()
	}
}

func (c *standardConn) Close() {}

// Do implements [Connection].
func (c *standardConn) Do(r *Request, a *Answer) Failure {
	*a = Answer{}
	ctx, cancel := context.WithTimeout(c.t.o.Context, 2*c.t.o.Timeout)
	defer cancel()
	c.mu.Lock()
	c.cancel, c.interrupted = cancel, false
	c.mu.Unlock()

	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { a.Dialled = !info.Reused; a.Written = c.t.o.Now() },
	}
	e := r.Endpoint
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost, e.AddressWith(r.Code), strings.NewReader(e.BodyWith(r.Code)))
	if err != nil {
		a.Written, a.Err = c.t.o.Now(), err
		return FailureMalformed
	}
	// A device access token request is not idempotent: net/http must not repeat it.
	req.GetBody = nil
	for _, h := range e.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := c.t.transport.RoundTrip(req)
	if a.Written == 0 {
		a.Written = c.t.o.Now()
	}
	if err != nil {
		a.Err = err
		return c.failure(err)
	}
	defer resp.Body.Close()
	a.Status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		a.RetryAfter = time.Duration(s) * time.Second
	}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err != nil {
		a.Err = err
		return c.failure(err)
	}
	if len(a.Body) > MaxBody {
		a.Err = errTooLarge
		return FailureTooLarge
	}
	return NoFailure
}

// failure classifies what net/http says.
func (c *standardConn) failure(err error) Failure {
	c.mu.Lock()
	interrupted := c.interrupted
	c.mu.Unlock()
	var (
		op     *net.OpError
		record tls.RecordHeaderError
		cert   *tls.CertificateVerificationError
		alert  tls.AlertError
	)
	switch {
	case interrupted, errors.Is(err, context.DeadlineExceeded):
		return FailureTimeout
	case errors.As(err, &record), errors.As(err, &cert), errors.As(err, &alert):
		return FailureTLS
	case errors.As(err, &op) && op.Op == "dial":
		return FailureDial
	case strings.Contains(err.Error(), "malformed"), strings.Contains(err.Error(), "bad Content-Length"):
		return FailureMalformed
	case strings.Contains(err.Error(), "exceeded"):
		return FailureTooLarge
	}
	return FailureReset
}
