package wire

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyHTTP2(t *testing.T) {
	serve := func(protocols func(*http.Protocols), alpn ...string) *httptest.Server {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.Config.Protocols = new(http.Protocols)
		protocols(s.Config.Protocols)
		s.TLS = &tls.Config{NextProtos: alpn}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	one := func(p *http.Protocols) { p.SetHTTP1(true) }
	two := func(p *http.Protocols) { p.SetHTTP2(true) }
	both := func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) }
	older := serve(one, "http/1.1")
	refusing := onlyHTTP2Server(t, func(http.ResponseWriter, *http.Request) {})
	for _, c := range []struct {
		name, address string
		only          bool
	}{
		{"answers nothing to HTTP/1.1", serve(two, "h2").URL, true},
		{"refuses HTTP/1.1", refusing.URL, true},
		{"sends SETTINGS whatever it is asked", settings(t, &tls.Config{Certificates: older.TLS.Certificates, NextProtos: []string{"h2"}}), true},
		{"both", serve(both, "h2", "http/1.1").URL, false},
		{"HTTP/1.1", older.URL, false},
		{"neither", settings(t, &tls.Config{Certificates: older.TLS.Certificates}), false},
		{"nobody", "https://127.0.0.1:1", false},
		{"plain", "http://127.0.0.1:1", false},
	} {
		if got := OnlyHTTP2(t.Context(), c.address, trusting(older), nil); got != c.only {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// settings is a server that begins with a SETTINGS frame of HTTP/2.
func settings(t *testing.T, config *tls.Config) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func(conn net.Conn) {
				defer conn.Close()
				conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
			}(conn)
		}
	}()
	return "https://" + l.Addr().String()
}

// TestHTTP2IsAskedOnce: a host is asked once, and not at all through a proxy.
func TestHTTP2IsAskedOnce(t *testing.T) {
	server := onlyHTTP2Server(t, func(http.ResponseWriter, *http.Request) {})
	dialled := 0
	c := New(Options{TLS: trusting(server), DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled++
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	defer c.Close()
	for range 3 {
		if !c.needsHTTP2(t.Context(), Get("", server.URL)) {
			t.Error("HTTP/1.1")
		}
	}
	if dialled != 2 {
		t.Errorf("%d connections", dialled)
	}
}
