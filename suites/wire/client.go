package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Defaults of [Options].
const (
	DefaultTimeout = 15 * time.Second
	DefaultMaxBody = 256 << 10
	maxHeaderBytes = 64 << 10
	// idleTimeout is well below the time after which servers hang up (five
	// seconds is common, and so is a polling interval of five seconds): a
	// request must not meet a connection that is just being closed.
	idleTimeout = time.Second
)

// UserAgent is the value of the User-Agent header of every request that sets none.
const UserAgent = "devicegrant (RFC 8628 conformance harness)"

// Options configure a [Client].
type Options struct {
	// Timeout of one exchange, from dialing to the last byte of the body.
	Timeout time.Duration
	// MaxBody is how many bytes of a response body are read, and MaxKept how
	// many bytes of all responses are kept, as JSON; see [Client.Keep].
	MaxBody int
	MaxKept int64
	// TLS is the transport's configuration; nil verifies as usual.
	TLS *tls.Config
	// InFlight is the maximum number of concurrent exchanges; 0: no limit.
	InFlight int
	// DialContext makes the connections; nil uses TCP.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Now returns the offset from the start of the run, for the times of
	// exchanges. Nil counts real time from New.
	Now func() time.Duration
}

// Client sends requests and reports exchanges. It is safe for concurrent use.
type Client struct {
	transport *http.Transport
	options   Options
	thrift    *thrift
	slots     chan struct{}
	// group is held by the call of Together that is under way.
	group chan struct{}
	// http2 says of each host that was asked whether it speaks HTTP/2 only.
	http2 sync.Map
	// shown are the clients that show a certificate, by its thumbprint.
	shown *sync.Map
}

// New returns a client with its own connections.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.MaxKept <= 0 {
		o.MaxKept = DefaultMaxKept
	}
	if o.Now == nil {
		start := time.Now()
		o.Now = func() time.Duration { return time.Since(start) }
	}
	c := &Client{options: o, thrift: &thrift{most: o.MaxKept}, group: make(chan struct{}, 1), shown: new(sync.Map), transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		// A copy: the transport writes its protocols into it.
		TLSClientConfig:    o.TLS.Clone(),
		DialContext:        o.DialContext,
		DisableCompression: true,
		// Unless the configuration chooses the protocols itself.
		ForceAttemptHTTP2:      o.TLS == nil || len(o.TLS.NextProtos) == 0,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}}
	if o.InFlight > 0 {
		c.slots = make(chan struct{}, o.InFlight)
	}
	return c
}

// WithTLS returns a client with the same options and a changed copy of the TLS
// configuration. It shares no connections with this one, and no limit except
// MaxKept.
func (c *Client) WithTLS(change func(*tls.Config)) *Client {
	o := c.options
	if o.TLS == nil {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	o.TLS = o.TLS.Clone()
	change(o.TLS)
	other := New(o)
	other.thrift = c.thrift
	return other
}

// now stamps an exchange.
func (c *Client) now() time.Duration { return c.options.Now().Round(resolution) }

// Close closes the idle connections.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
	c.shown.Range(func(_, other any) bool {
		other.(*Client).transport.CloseIdleConnections()
		return true
	})
}

// showing is the client whose connections show a certificate: this one for none.
// The limits are those of this one.
func (c *Client) showing(certificate *tls.Certificate) *Client {
	if certificate == nil || len(certificate.Certificate) == 0 {
		return c
	}
	key := Thumbprint(certificate)
	if known, ok := c.shown.Load(key); ok {
		return known.(*Client)
	}
	other := c.WithTLS(func(config *tls.Config) {
		// Whatever authorities the server lists: it is the server that refuses.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	})
	other.slots, other.group, other.shown = c.slots, c.group, c.shown
	known, _ := c.shown.LoadOrStore(key, other)
	return known.(*Client)
}

// Thumbprint is x5t#S256 of a certificate (RFC 8705 section 3.1); "" for none.
func Thumbprint(certificate *tls.Certificate) string {
	if certificate == nil || len(certificate.Certificate) == 0 {
		return ""
	}
	sum := sha256.Sum256(certificate.Certificate[0])
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Do sends one request and reads the response, whatever it is. It follows no
// redirects and keeps no cookies.
func (c *Client) Do(ctx context.Context, r Request) Exchange {
	if c.slots != nil {
		select {
		case c.slots <- struct{}{}:
			defer func() { <-c.slots }()
		case <-ctx.Done():
			x := exchange(r)
			x.Failure = classify(ctx, ctx.Err())
			return x
		}
	}
	return c.do(ctx, r)
}

// do is Do without the bound of Options.InFlight.
func (c *Client) do(ctx context.Context, r Request) Exchange {
	r, c = r.completed(), c.showing(r.Certificate)
	x := exchange(r)
	limited, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()

	req, err := newRequest(limited, r)
	if err != nil {
		x.Failure = &Failure{FailProtocol, err.Error()}
		return x
	}
	x.Sent = c.now()
	resp, err := c.transport.RoundTrip(req)
	x.Received = c.now()
	if err != nil {
		x.Failure = classify(ctx, err)
		return x
	}
	c.answer(ctx, &x, resp)
	return x
}

// exchange is what is known of an exchange before anything is sent.
func exchange(r Request) Exchange {
	return Exchange{Label: r.Label, Method: r.Method, URL: r.URL, Certificate: Thumbprint(r.Certificate),
		Request: Message{Header: r.Header.Clone(), Body: bytes.Clone(r.Body)}}
}

// newRequest is r as net/http sends it.
func newRequest(ctx context.Context, r Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	req.Header = r.Header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", UserAgent)
	}
	if req.Header.Get("Accept-Encoding") == "" {
		// Without this any coding would do (RFC 9110 section 12.5.3), and the
		// body shall be seen as it is.
		req.Header.Set("Accept-Encoding", "identity")
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	if len(r.Body) == 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		req.Body = http.NoBody
	}
	return req, nil
}

// answer reads a response into the exchange, no further than the limit.
func (c *Client) answer(ctx context.Context, x *Exchange, resp *http.Response) {
	defer resp.Body.Close()
	body, err := read(resp.Body, c.options.MaxBody, x)
	x.Received = c.now()
	x.Status, x.Proto = resp.StatusCode, resp.Proto
	x.Response = &Message{Header: resp.Header, Body: body}
	if err != nil {
		x.Failure = classify(ctx, err)
		x.Truncated = true
	}
}

// classify names the kind of a transport error. ctx is the caller's context:
// when that one ended, the run was interrupted and the target is not to blame.
func classify(ctx context.Context, err error) *Failure {
	text := err.Error()
	var (
		dns         *net.DNSError
		unknownRoot x509.UnknownAuthorityError
		hostname    x509.HostnameError
		invalid     x509.CertificateInvalidError
		verify      *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		timeout     net.Error
	)
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return &Failure{FailCanceled, "the run was interrupted"}
	case errors.As(err, &dns):
		return &Failure{FailDNS, text}
	case errors.As(err, &unknownRoot), errors.As(err, &hostname), errors.As(err, &invalid),
		errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert):
		return &Failure{FailTLS, text}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &Failure{FailTimeout, "no complete answer within the time limit"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Failure{FailRefused, text}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &Failure{FailReset, "the connection ended before the answer did: " + text}
	case strings.Contains(text, "server gave HTTP response to HTTPS client"), strings.Contains(text, "remote error: tls: "):
		return &Failure{FailTLS, text}
	}
	return &Failure{FailProtocol, text}
}

// TrustConfig is a TLS configuration that trusts the system's roots and, in
// addition, the PEM certificates of roots (which may be empty). insecure
// switches verification off.
func TrustConfig(roots []byte, insecure bool) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}
	if len(roots) == 0 {
		return config, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(roots) {
		return nil, fmt.Errorf("the CA file contains no PEM certificate")
	}
	config.RootCAs = pool
	return config, nil
}
