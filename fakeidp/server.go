package fakeidp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Server is an [IdP] that listens on the network.
type Server struct {
	*IdP
	// URL is the issuer, without a trailing slash.
	URL string
	// Addr is the address that it listens on.
	Addr string
	// ControlURL is the base of the control plane, empty if it is off.
	ControlURL string
	// Certificate is the one that clients must trust, nil without TLS.
	Certificate *x509.Certificate

	servers []*http.Server
	serving sync.WaitGroup
}

const (
	headerTimeout = 10 * time.Second
	// A device that keeps its connection sends something at least this often.
	idleTimeout    = 2 * time.Minute
	requestTimeout = 30 * time.Second
	maxHeader      = 32 << 10
	shutdownGrace  = 2 * time.Second
)

// NewServer starts a server and its control plane on free ports of 127.0.0.1.
// Like httptest.NewServer, it panics if it cannot. Call [Server.Close] when
// done.
func NewServer(config Config) *Server {
	s, err := Start(config, "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	return s
}

// Start starts a server on addr and its control plane on controlAddr, which
// must be a loopback address; empty: no control plane. An empty Config.Issuer
// becomes the URL of the listener.
func Start(config Config, addr, controlAddr string) (*Server, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("fakeidp: %w", err)
	}
	s, err := start(config, listener, controlAddr)
	if err != nil {
		listener.Close()
		return nil, err
	}
	return s, nil
}

func start(config Config, listener net.Listener, controlAddr string) (*Server, error) {
	secure := config.TLS || config.CertFile != ""
	if err := setIssuer(&config, listener.Addr(), secure); err != nil {
		return nil, err
	}
	idp, err := New(config)
	if err != nil {
		return nil, err
	}
	s := &Server{IdP: idp, URL: config.Issuer, Addr: listener.Addr().String()}
	var tlsConfig *tls.Config
	if secure {
		certificate, err := loadCertificate(&config)
		if err != nil {
			return nil, fmt.Errorf("fakeidp: %w", err)
		}
		s.Certificate = certificate.Leaf
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert}
	}
	if controlAddr != "" {
		control, err := listenLoopback(controlAddr)
		if err != nil {
			return nil, err
		}
		s.ControlURL = "http://" + control.Addr().String()
		s.serve(control, idp.Control(), nil)
	}
	if odd := idp.odd(""); odd.listen != nil && secure {
		listener = odd.listen(s, listener, tlsConfig)
	}
	s.serve(listener, idp, tlsConfig)
	return s, nil
}

// setIssuer names the server after its address, unless it has a name.
func setIssuer(config *Config, addr net.Addr, secure bool) error {
	if config.Issuer != "" {
		if secure && strings.HasPrefix(config.Issuer, "http:") {
			return fmt.Errorf("fakeidp: issuer %q is http, but the server speaks TLS", config.Issuer)
		}
		return nil
	}
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return errors.New("fakeidp: a server on all addresses needs an issuer")
	}
	issuer := url.URL{Scheme: "http", Host: addr.String()}
	if secure {
		issuer.Scheme = "https"
	}
	config.Issuer = issuer.String()
	return nil
}

// listenLoopback refuses an address that others could reach.
func listenLoopback(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("fakeidp: control plane: %w", err)
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		l.Close()
		return nil, fmt.Errorf("fakeidp: the control plane must listen on loopback, not on %s", addr)
	}
	return l, nil
}

func (s *Server) serve(l net.Listener, h http.Handler, tlsConfig *tls.Config) {
	server := &http.Server{
		Handler:           h,
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		// What clients do to their connections is not worth a line.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	s.servers = append(s.servers, server)
	s.serving.Go(func() {
		if tlsConfig != nil {
			_ = server.ServeTLS(l, "", "")
		} else {
			_ = server.Serve(l)
		}
	})
}

// Client returns an HTTP client that trusts the server's certificate.
func (s *Server) Client() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if s.Certificate != nil {
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport}
}

// Close stops listening, waits up to two seconds for running requests, and
// closes all connections.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	var stopping sync.WaitGroup
	for _, server := range s.servers {
		stopping.Go(func() {
			if server.Shutdown(ctx) != nil {
				server.Close()
			}
		})
	}
	stopping.Wait()
	s.serving.Wait()
}
