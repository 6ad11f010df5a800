package useragent

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Bounds of the forms driver.
const (
	// MaxBody is what is read of a page, or of any one answer, in bytes.
	MaxBody      = 2 << 20
	maxRedirects = 20
	// maxHops is how many pages in a row may move on by themselves.
	maxHops = 8
	// idleTimeout is short: an open connection occupies one of a server's few
	// synchronous workers, and the next page of a journey comes at once.
	idleTimeout = time.Second
)

// Forms is the driver that submits HTML forms directly. It runs no scripts.
type Forms struct {
	o         Options
	engine    *Engine
	transport *http.Transport
}

// NewForms returns a forms driver, like New.
func NewForms(o Options) (*Forms, error) {
	o = o.WithDefaults()
	engine, err := NewEngine("forms", o, 0, nil)
	if err != nil {
		return nil, err
	}
	config, err := o.TrustConfig()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	if o.LocalAddr != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(o.LocalAddr)}
	}
	return &Forms{o: o, engine: engine, transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     idleTimeout,
		ForceAttemptHTTP2:   true,
	}}, nil
}

// Name implements Driver.
func (f *Forms) Name() string { return "forms" }

// NewAgent implements Driver. An agent is cheap, so there is no limit.
func (f *Forms) NewAgent(context.Context) (Agent, error) {
	t := &formsTab{driver: f}
	if err := t.Forget(context.Background()); err != nil {
		return nil, err
	}
	return f.engine.NewAgent(t), nil
}

// Close implements Driver.
func (f *Forms) Close() error {
	f.transport.CloseIdleConnections()
	return nil
}

// Send sends one request as the driver would, but from no page and without
// cookies except those in the headers. It returns the HTTP status.
func (f *Forms) Send(ctx context.Context, method, to, body string, headers map[string]string) (status int, err error) {
	t := &formsTab{driver: f}
	if err := t.Forget(ctx); err != nil {
		return 0, err
	}
	return t.exchange(ctx, method, to, body, headers)
}
