package loadgen

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

// HTTP2OnlyError says that a target does not speak HTTP/1.1, the one protocol of the
// lean transport. Nothing was measured.
type HTTP2OnlyError struct{ Host string }

func (e *HTTP2OnlyError) Error() string {
	return fmt.Sprintf("%s speaks HTTP/2 only, and the lean transport speaks HTTP/1.1: use --transport net/http", e.Host)
}

// reach is how long the question may take.
const reach = 10 * time.Second

// speaksHTTP1 is an *[HTTP2OnlyError] where one of the endpoints does not speak
// HTTP/1.1. Anything else that fails is left to the run, which measures it.
func (s *Site) speaksHTTP1(ctx context.Context, config *tls.Config) error {
	seen := map[string]bool{}
	for _, u := range []*url.URL{s.deviceAuthorization.URL, s.token.URL} {
		if u.Scheme != "https" || seen[u.Host] {
			continue
		}
		seen[u.Host] = true
		if onlyHTTP2(ctx, u, config) {
			return &HTTP2OnlyError{u.Host}
		}
	}
	return nil
}

// onlyHTTP2 says that a server negotiates HTTP/2, and either refuses HTTP/1.1 or does
// not answer in it.
func onlyHTTP2(ctx context.Context, u *url.URL, config *tls.Config) bool {
	ctx, cancel := context.WithTimeout(ctx, reach)
	defer cancel()
	conn, err := dialFor(ctx, u, config, "http/1.1")
	if err != nil {
		// crypto/tls does not export the alert of RFC 7301 section 3.2.
		return strings.Contains(err.Error(), "no application protocol") && negotiatesHTTP2(ctx, u, config)
	}
	defer conn.Close()
	if conn.ConnectionState().NegotiatedProtocol == "http/1.1" {
		return false
	}
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return false
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", u.Host); err != nil {
		return negotiatesHTTP2(ctx, u, config)
	}
	var start [7]byte
	n, _ := io.ReadFull(conn, start[:])
	return string(start[:n]) != "HTTP/1." && negotiatesHTTP2(ctx, u, config)
}

func negotiatesHTTP2(ctx context.Context, u *url.URL, config *tls.Config) bool {
	conn, err := dialFor(ctx, u, config, "h2")
	if err != nil {
		return false
	}
	defer conn.Close()
	return conn.ConnectionState().NegotiatedProtocol == "h2"
}

// dialFor connects and offers one protocol.
func dialFor(ctx context.Context, u *url.URL, config *tls.Config, protocol string) (*tls.Conn, error) {
	config = config.Clone()
	config.NextProtos = []string{protocol}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
	if err != nil {
		return nil, err
	}
	return conn.(*tls.Conn), nil
}
