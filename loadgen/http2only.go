package loadgen

import (
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

const (
	settingsFrame = 4 // RFC 9113 section 6.5
	// greets is how long a server has to greet with a SETTINGS frame although it was
	// offered HTTP/1.1 alone. One of HTTP/1.1 says nothing before a request.
	greets = 250 * time.Millisecond
	reach  = 10 * time.Second
)

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

func onlyHTTP2(ctx context.Context, u *url.URL, config *tls.Config) bool {
	ctx, cancel := context.WithTimeout(ctx, reach)
	defer cancel()
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		// crypto/tls does not export the alert of RFC 7301 section 3.2.
		return strings.Contains(err.Error(), "no application protocol")
	}
	defer conn.Close()
	switch conn.(*tls.Conn).ConnectionState().NegotiatedProtocol {
	case "h2":
		return true
	case "http/1.1":
		return false
	}
	if err := conn.SetReadDeadline(time.Now().Add(greets)); err != nil {
		return false
	}
	var frame [9]byte
	n, _ := io.ReadFull(conn, frame[:]) // silence is HTTP/1.1
	return n == len(frame) && frame[3] == settingsFrame
}
