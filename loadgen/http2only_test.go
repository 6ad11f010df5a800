package loadgen

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
)

// TestHTTP2OnlyIsTold: where a server does not speak HTTP/1.1, nothing is started,
// and the error names the option that helps.
func TestHTTP2OnlyIsTold(t *testing.T) {
	serve := func(protocols ...string) *httptest.Server {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{NextProtos: protocols}
		s.EnableHTTP2 = len(protocols) > 0 && protocols[0] == "h2"
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	plain := serve("http/1.1")
	http2Only := httptest.NewUnstartedServer(http.NotFoundHandler())
	http2Only.Config.Protocols = new(http.Protocols)
	http2Only.Config.Protocols.SetHTTP2(true)
	http2Only.Config.ErrorLog = log.New(io.Discard, "", 0)
	http2Only.TLS = &tls.Config{NextProtos: []string{"h2"}}
	http2Only.StartTLS()
	t.Cleanup(http2Only.Close)
	for _, c := range []struct {
		name, address string
		only          bool
	}{
		{"HTTP/2 only", http2Only.URL, true},
		{"HTTP/2 whatever was offered", unlike(t, &tls.Config{Certificates: plain.TLS.Certificates, NextProtos: []string{"h2"}}), true},
		{"neither", unlike(t, &tls.Config{Certificates: plain.TLS.Certificates}), false},
		{"both", serve("h2", "http/1.1").URL, false},
		{"HTTP/1.1 only", plain.URL, false},
	} {
		roots := x509.NewCertPool()
		roots.AddCert(plain.Certificate())
		p := &profiles.Profile{Clients: profiles.Clients{Public: &profiles.Client{ID: "device"}}}
		site, err := NewSite(p, profiles.Endpoints{DeviceAuthorization: c.address + "/device", Token: c.address + "/token"}, SiteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = site.speaksHTTP1(t.Context(), &tls.Config{RootCAs: roots})
		var only *HTTP2OnlyError
		if errors.As(err, &only) != c.only || c.only && !strings.Contains(err.Error(), "--transport net/http") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// unlike is a server that sends SETTINGS whatever it is asked.
func unlike(t *testing.T, config *tls.Config) string {
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
