package wire

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// Dial opens a connection, as [net.Dialer.DialContext] does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// http2Question is how long [OnlyHTTP2] takes at most.
const http2Question = 5 * time.Second

// OnlyHTTP2 says that the server at an https address negotiates HTTP/2, and either
// refuses HTTP/1.1 or does not answer in it. What cannot be found out is false. It
// asks with at most three connections and a GET of "/". dial nil is the usual one.
func OnlyHTTP2(ctx context.Context, address string, config *tls.Config, dial Dial) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, http2Question)
	defer cancel()
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	offering := func(protocol string) (*tls.Conn, error) {
		own := &tls.Config{MinVersion: tls.VersionTLS12}
		if config != nil {
			own = config.Clone()
		}
		own.NextProtos, own.ServerName = []string{protocol}, cmp.Or(own.ServerName, u.Hostname())
		conn, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
		if err != nil {
			return nil, err
		}
		secure := tls.Client(conn, own)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		return secure, nil
	}
	conn, err := offering("h2")
	if err != nil {
		return false
	}
	defer conn.Close()
	if conn.ConnectionState().NegotiatedProtocol != "h2" {
		return false
	}
	plain, err := offering("http/1.1")
	if err != nil {
		// crypto/tls does not export the alert of RFC 7301 section 3.2.
		return strings.Contains(err.Error(), "no application protocol")
	}
	defer plain.Close()
	if plain.ConnectionState().NegotiatedProtocol == "http/1.1" {
		return false
	}
	// It took no notice of the offer: what it answers tells.
	end, _ := ctx.Deadline()
	if err := plain.SetDeadline(end); err != nil {
		return false
	}
	if _, err := fmt.Fprintf(plain, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", u.Host); err != nil {
		return true
	}
	var start [len("HTTP/1.")]byte
	n, err := io.ReadFull(plain, start[:])
	if e, ok := err.(net.Error); ok && e.Timeout() {
		return false // silence is no answer in another protocol
	}
	return string(start[:n]) != "HTTP/1."
}

// needsHTTP2 is OnlyHTTP2 for a request, once a host. Through a proxy it is never
// asked.
func (c *Client) needsHTTP2(ctx context.Context, r Request) bool {
	req, err := newRequest(ctx, r)
	if err != nil || req.URL.Scheme != "https" {
		return false
	}
	if via, err := c.transport.Proxy(req); err != nil || via != nil {
		return false
	}
	if known, ok := c.http2.Load(req.URL.Host); ok {
		return known.(bool)
	}
	only := OnlyHTTP2(ctx, r.URL, c.options.TLS, c.options.DialContext)
	if ctx.Err() == nil {
		c.http2.Store(req.URL.Host, only)
	}
	return only
}
