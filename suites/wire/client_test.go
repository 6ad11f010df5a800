package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestClientReportsWhatCameBack(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "/cookie":
			w.Header().Add("Set-Cookie", "a=b")
			fmt.Fprint(w, r.Header.Get("Cookie"))
		case "/html":
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(200)
			fmt.Fprint(w, "<h1>it works</h1>")
		case "/big":
			fmt.Fprint(w, strings.Repeat("x", 10<<20))
		default:
			t.Errorf("a request for %s: the client followed a redirect", r.URL.Path)
		}
	}))
	defer server.Close()
	c := New(Options{})
	defer c.Close()
	for _, test := range []struct {
		path      string
		status    int
		body      string
		truncated bool
	}{
		{"/redirect", 302, "", false},
		{"/cookie", 200, "", false},
		{"/cookie", 200, "", false},
		{"/html", 200, "<h1>it works</h1>", false},
		{"/big", 200, strings.Repeat("x", DefaultMaxBody), true},
	} {
		x := c.Do(context.Background(), Request{Method: "POST", URL: server.URL + test.path})
		if !x.Answered() || x.Status != test.status || string(x.Response.Body) != test.body && test.status == 200 || x.Truncated != test.truncated {
			t.Errorf("%s: status %d, truncated %v, failure %v, %d bytes", test.path, x.Status, x.Truncated, x.Failure, len(x.Response.Body))
		}
	}
}

// TestClientNamesFailures speaks raw TCP, because these answers are not HTTP
// as a server library would write it.
func TestClientNamesFailures(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(net.Conn)
		kind   FailureKind
	}{
		{"closes at once", func(net.Conn) {}, FailReset},
		{"is not HTTP", func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-OpenSSH\r\n\r\n") }, FailProtocol},
		{"ends inside the body", func(c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		}, FailReset},
		{"never answers", func(c net.Conn) { waitForEnd(c) }, FailTimeout},
		{"never ends the body", func(c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
			waitForEnd(c)
		}, FailTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := rawServer(t, test.answer)
			c := New(Options{Timeout: 300 * time.Millisecond})
			defer c.Close()
			x := c.Do(context.Background(), Request{Method: "POST", URL: "http://" + address + "/"})
			if x.Failure == nil || x.Failure.Kind != test.kind {
				t.Errorf("failure %v, want %s", x.Failure, test.kind)
			}
			if x.Answered() {
				t.Error("a broken answer counts as answered")
			}
		})
	}
}

// TestClientBoundsAnEndlessBody sends data for ever: the client has to stop
// reading at its limit and not at its deadline.
func TestClientBoundsAnEndlessBody(t *testing.T) {
	address := rawServer(t, func(c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n")
		for {
			if _, err := c.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	c := New(Options{Timeout: time.Minute})
	defer c.Close()
	x := c.Do(context.Background(), Get("", "http://"+address+"/"))
	if !x.Truncated || len(x.Response.Body) != DefaultMaxBody || x.Failure != nil {
		t.Errorf("truncated %v, failure %v", x.Truncated, x.Failure)
	}
}

func TestClientNamesUnreachableTargets(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, test := range []struct {
		name, url string
		ctx       context.Context
		kind      FailureKind
	}{
		{"nothing listens", "http://" + closed, context.Background(), FailRefused},
		{"unknown certificate", secure.URL, context.Background(), FailTLS},
		{"http behind https", strings.Replace(plain.URL, "http:", "https:", 1), context.Background(), FailTLS},
		{"interrupted", plain.URL, canceled, FailCanceled},
	} {
		c := New(Options{})
		x := c.Do(test.ctx, Get("", test.url))
		if x.Failure == nil || x.Failure.Kind != test.kind {
			t.Errorf("%s: failure %v, want %s", test.name, x.Failure, test.kind)
		}
		c.Close()
	}
}

// rawServer answers every connection by hand after it has read the request's header.
func rawServer(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					line, err := r.ReadString('\n')
					if err != nil || strings.TrimSpace(line) == "" {
						break
					}
				}
				answer(c)
			}()
		}
	}()
	return listener.Addr().String()
}

// waitForEnd returns when the client has hung up.
func waitForEnd(c net.Conn) {
	_, _ = c.Read(make([]byte, 1))
}

// TestWithTLS: a changed client has its own protocols, and leaves the first
// client's alone, also after both were used.
func TestWithTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	first := New(Options{TLS: server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()})
	defer first.Close()
	for i, want := range []struct{ change, proto string }{{"none", "HTTP/2.0"}, {"HTTP/1.1 only", "HTTP/1.1"}, {"none", "HTTP/2.0"}} {
		client := first.WithTLS(func(c *tls.Config) {
			if want.change != "none" {
				c.NextProtos = []string{"http/1.1"}
			}
		})
		for _, c := range []*Client{first, client} {
			x := c.Do(t.Context(), Get("x", server.URL))
			if proto := want.proto; x.Status != http.StatusTeapot || c == client && x.Proto != proto {
				t.Errorf("%d, change %s: status %d, %s, %v", i, want.change, x.Status, x.Proto, x.Failure)
			}
		}
		client.Close()
	}
}
