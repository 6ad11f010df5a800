package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// raceServer notes in which order warm-ups and whole requests arrive, and over
// which connections.
type raceServer struct {
	mu     sync.Mutex
	warmed map[string]int // by connection
	raced  map[string]int
	early  bool // a request was complete before all connections were warm
	want   int
}

func (s *raceServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // returns when the last byte is there
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		s.warmed[r.RemoteAddr]++
		if r.URL.RawQuery != "" {
			w.WriteHeader(500)
		}
		return
	}
	s.raced[r.RemoteAddr]++
	if len(s.warmed) < s.want {
		s.early = true
	}
	fmt.Fprintf(w, "%s %s %s", r.Host, r.Header.Get("X-N"), body)
}

func newRaceServer(want int) *raceServer {
	return &raceServer{warmed: map[string]int{}, raced: map[string]int{}, want: want}
}

// quiet takes what a server logs about handshakes that fail on purpose.
var quiet = log.New(io.Discard, "", 0)

// group is n different requests.
func group(url string, n int) (list []Request) {
	for i := range n {
		r := Post(fmt.Sprintf("race/%d", i), url+"/token?a=b", Form{{"n", fmt.Sprint(i)}})
		r.Header.Set("X-N", fmt.Sprint(i))
		list = append(list, r)
	}
	return list
}

func trusting(server *httptest.Server) *tls.Config {
	pool := x509.NewCertPool()
	if c := server.Certificate(); c != nil {
		pool.AddCert(c)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func TestTogetherSendsOverWarmConnectionsAtOnce(t *testing.T) {
	const n = 20
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %v", secure), func(t *testing.T) {
			handler := newRaceServer(n)
			server := httptest.NewUnstartedServer(handler)
			if secure {
				server.EnableHTTP2 = true // HTTP/1.1 is asked for, and granted
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			c := New(Options{TLS: trusting(server), InFlight: 2})
			defer c.Close()
			all := c.Together(context.Background(), group(server.URL, n))
			if len(all) != n {
				t.Fatalf("%d exchanges", len(all))
			}
			for i, x := range all {
				host := strings.TrimPrefix(strings.TrimPrefix(server.URL, "http://"), "https://")
				if want := fmt.Sprintf("%s %d n=%d", host, i, i); !x.Answered() || x.Status != 200 || string(x.Response.Body) != want {
					t.Fatalf("%d: status %d, failure %v, want body %q", i, x.Status, x.Failure, want)
				}
				if x.Release != LastByte || x.Label != fmt.Sprintf("race/%d", i) || x.Received < x.Sent || x.Proto != "HTTP/1.1" {
					t.Errorf("%d: %+v", i, x)
				}
			}
			asked := 0 // whether it speaks HTTP/2 only
			if secure {
				asked = 1
			}
			if handler.early || len(handler.warmed) != n+asked || len(handler.raced) != n {
				t.Errorf("early %v; %d connections warmed, %d used", handler.early, len(handler.warmed), len(handler.raced))
			}
			for address, times := range handler.raced {
				if times != 1 || handler.warmed[address] != 1 {
					t.Errorf("%s carried %d requests after %d warm-ups", address, times, handler.warmed[address])
				}
			}
		})
	}
}

// TestTogetherHoldsTheLastByte: until all have connected nothing is complete,
// however long that takes.
func TestTogetherHoldsTheLastByte(t *testing.T) {
	var mu sync.Mutex
	var dialled, complete int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost {
			complete++
		}
	}))
	defer server.Close()
	const n = 4
	c := New(Options{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		dialled++
		last := dialled == n
		mu.Unlock()
		if last {
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if complete > 0 {
				t.Errorf("%d requests were complete before the last connection was open", complete)
			}
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	for _, x := range c.Together(context.Background(), group(server.URL, n)) {
		if !x.Answered() {
			t.Error(x.Failure)
		}
	}
}

func TestTogetherWithoutABody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method) }))
	defer server.Close()
	all := New(Options{}).Together(context.Background(), []Request{Get("a", server.URL), {Label: "b", Method: "DELETE", URL: server.URL + "/x"}})
	if string(all[0].Response.Body) != "GET" || string(all[1].Response.Body) != "DELETE" {
		t.Errorf("%+v", all)
	}
}

// TestTogetherWhereConnectionsDoNotLast: a target that hangs up after each
// answer gets cold connections.
func TestTogetherWhereConnectionsDoNotLast(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") }))
	server.Config.SetKeepAlivesEnabled(false)
	defer server.Close()
	for _, x := range New(Options{}).Together(context.Background(), group(server.URL, 3)) {
		if !x.Answered() || x.Release != LastByte {
			t.Errorf("%+v", x)
		}
	}
}

// onlyHTTP2Server speaks nothing else: it refuses other handshakes.
func onlyHTTP2Server(t *testing.T, handler http.HandlerFunc, adjust ...func(*http.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = quiet
	// Go's server would speak HTTP/1.1 after all: one that would not ends the handshake.
	server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, "h2") {
			return nil, nil
		}
		return &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"only"}}, nil
	}}
	for _, f := range adjust {
		f(server.Config)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestTogetherOverHTTP2(t *testing.T) {
	const n = 20
	server := onlyHTTP2Server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Header.Get("X-N"), body)
	})
	c := New(Options{TLS: trusting(server), InFlight: 1})
	defer c.Close()
	for i, x := range c.Together(context.Background(), group(server.URL, n)) {
		if want := fmt.Sprintf("%d n=%d", i, i); !x.Answered() || string(x.Response.Body) != want || x.Release != Streams || x.Proto != "HTTP/2.0" || x.Label != fmt.Sprintf("race/%d", i) || x.Received < x.Sent {
			t.Errorf("%+v, failure %v", x, x.Failure)
		}
	}
}

// TestTogetherHoldsTheLastBytesOfStreams: all streams have begun and sent the rest
// of their bodies before the first of them is complete. Frames tell, in the order in
// which they came: the handlers of a busy server run in any order.
func TestTogetherHoldsTheLastBytesOfStreams(t *testing.T) {
	const n = 20
	var begun int // one connection carries all streams
	early := make(chan string, n)
	show := func(f http2.Frame) {
		switch f := f.(type) {
		case *http2.HeadersFrame:
			if !f.StreamEnded() {
				begun++
			}
		case *http2.DataFrame:
			if !f.StreamEnded() && len(f.Data()) > 1 {
				break
			}
			if begun < n {
				early <- fmt.Sprintf("stream %d was complete when %d of %d had begun", f.StreamID, begun, n)
			}
		}
	}
	server := onlyHTTP2Server(t, nil, func(s *http.Server) {
		s.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) {
			serveFrames(conn, show)
		}}
	})
	c := New(Options{TLS: trusting(server)})
	defer c.Close()
	for _, x := range c.Together(context.Background(), group(server.URL, n)) {
		if !x.Answered() || x.Release != Streams {
			t.Errorf("%+v, failure %v", x, x.Failure)
		}
	}
	select {
	case text := <-early:
		t.Error(text)
	default:
	}
}

// serveFrames shows each frame, and answers each complete request with 200.
func serveFrames(conn net.Conn, show func(http2.Frame)) {
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	var ok bytes.Buffer
	if hpack.NewEncoder(&ok).WriteField(hpack.HeaderField{Name: ":status", Value: "200"}) != nil || framer.WriteSettings() != nil {
		return
	}
	for {
		f, err := framer.ReadFrame()
		if err != nil {
			return
		}
		show(f)
		ended := f.Header().Flags.Has(http2.FlagDataEndStream)
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				err = framer.WriteSettingsAck()
			}
		case *http2.HeadersFrame, *http2.DataFrame:
			if ended {
				err = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: f.Header().StreamID, BlockFragment: ok.Bytes(), EndHeaders: true, EndStream: true})
			}
		}
		if err != nil {
			return
		}
	}
}

// TestTogetherWithTooFewStreams: a target that lets in less streams than the group
// has is not waited for.
func TestTogetherWithTooFewStreams(t *testing.T) {
	const n = 5
	server := onlyHTTP2Server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) },
		func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 2} })
	c := New(Options{TLS: trusting(server)})
	defer c.Close()
	for i, x := range c.Together(context.Background(), group(server.URL, n)) {
		if want := fmt.Sprintf("n=%d", i); !x.Answered() || string(x.Response.Body) != want {
			t.Errorf("%+v, failure %v", x, x.Failure)
		}
	}
}

// TestTogetherOverHTTP2WithoutABody: there is no last byte to hold back.
func TestTogetherOverHTTP2WithoutABody(t *testing.T) {
	server := onlyHTTP2Server(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method) })
	c := New(Options{TLS: trusting(server)})
	defer c.Close()
	all := c.Together(context.Background(), []Request{Get("a", server.URL), {Label: "b", Method: "DELETE", URL: server.URL + "/x"}})
	if !all[0].Answered() || string(all[0].Response.Body) != "GET" || !all[1].Answered() || string(all[1].Response.Body) != "DELETE" {
		t.Errorf("%+v", all)
	}
}

func TestSendAndHangUpOverHTTP2(t *testing.T) {
	got := make(chan string, 1)
	server := onlyHTTP2Server(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		<-r.Context().Done() // the stream was reset
		got <- fmt.Sprintf("%s %s %v", r.Method, body, err)
	})
	c := New(Options{TLS: trusting(server)})
	defer c.Close()
	x := c.SendAndHangUp(context.Background(), Post("lost", server.URL, Form{{"a", "b"}}))
	if x.Failure == nil || x.Failure.Kind != FailHungUp || x.Answered() {
		t.Errorf("%+v, failure %v", x, x.Failure)
	}
	if text := <-got; text != "POST a=b <nil>" {
		t.Errorf("the server got %q", text)
	}
}

// TestTogetherSurvivesTheTarget: nothing that a target answers can hold it up
// or fill the memory, neither at the warm-up nor at the request.
func TestTogetherSurvivesTheTarget(t *testing.T) {
	endless := func(prefix, piece string) func(net.Conn) {
		return func(c net.Conn) {
			fmt.Fprint(c, prefix)
			for {
				if _, err := fmt.Fprint(c, piece); err != nil {
					return
				}
			}
		}
	}
	for _, test := range []struct {
		name      string
		answer    func(net.Conn)
		kind      FailureKind // "" for none
		truncated bool
	}{
		{"closes at once", func(net.Conn) {}, FailReset, false},
		{"is not HTTP", func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-OpenSSH\r\n\r\n") }, FailProtocol, false},
		{"never answers", waitForEnd, FailTimeout, false},
		{"ends inside the body", func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") }, FailReset, true},
		{"answers without end", endless("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 32<<10)), "", true},
		{"a header without end", endless("HTTP/1.1 200 OK\r\n", "X-A: "+strings.Repeat("x", 1000)+"\r\n"), FailProtocol, false},
		{"a line without end", endless("HTTP/1.1 200 OK\r\nX-A: ", strings.Repeat("x", 1000)), FailProtocol, false},
		{"chunks of nothing", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;"+strings.Repeat("x", 2000)+"\r\na\r\n"), FailProtocol, true},
		{"interim without end", endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"), FailProtocol, false},
		{"one interim answer", func(c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok")
		}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := rawServer(t, test.answer)
			// Long enough for a busy machine where no time-out is wanted.
			timeout := 20 * time.Second
			if test.kind == FailTimeout {
				timeout = 200 * time.Millisecond
			}
			c := New(Options{Timeout: timeout})
			for _, x := range c.Together(context.Background(), group("http://"+address, 2)) {
				switch {
				case test.kind == "" && x.Failure != nil, test.kind != "" && (x.Failure == nil || x.Failure.Kind != test.kind):
					t.Errorf("failure %v, want %q", x.Failure, test.kind)
				case x.Truncated != test.truncated:
					t.Errorf("truncated %v", x.Truncated)
				case test.truncated && len(x.Response.Body) > DefaultMaxBody:
					t.Errorf("kept %d bytes", len(x.Response.Body))
				}
			}
		})
	}
}

func TestTogetherReportsWhoCouldNotConnect(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	var mu sync.Mutex
	dialled := 0
	c := New(Options{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if dialled++; dialled == 2 {
			return nil, io.EOF
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	answered := 0
	for _, x := range c.Together(context.Background(), group(server.URL, 3)) {
		if x.Answered() {
			answered++
		} else if x.Failure == nil || x.Failure.Kind != FailReset {
			t.Errorf("failure %v", x.Failure)
		}
	}
	if answered != 2 {
		t.Errorf("%d of 3 answered", answered)
	}
}

func TestTogetherEndsWithItsContext(t *testing.T) {
	address := rawServer(t, waitForEnd)
	c := New(Options{Timeout: time.Minute})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	for _, x := range c.Together(ctx, group("http://"+address, 2)) {
		if x.Failure == nil || x.Failure.Kind != FailCanceled {
			t.Errorf("failure %v", x.Failure)
		}
	}
	for _, x := range c.Together(ctx, group("http://"+address, MaxTogether)) {
		if x.Failure == nil || x.Failure.Kind != FailCanceled {
			t.Errorf("failure %v", x.Failure)
		}
	}
	if n := len(c.Together(ctx, group("http://"+address, MaxTogether+1))); n != MaxTogether {
		t.Errorf("a group of %d", n)
	}
	for _, bad := range []string{"http://", "ftp://h/x", ":", "http://h:x/"} {
		if x := New(Options{}).Together(context.Background(), []Request{{Method: "POST", URL: bad}})[0]; x.Failure == nil {
			t.Errorf("%q: no failure", bad)
		}
	}
}

func TestTogetherChecksCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = quiet
	server.StartTLS()
	defer server.Close()
	if x := New(Options{}).Together(context.Background(), group(server.URL, 1))[0]; x.Failure == nil || x.Failure.Kind != FailTLS {
		t.Errorf("failure %v", x.Failure)
	}
}

func TestSendAndHangUp(t *testing.T) {
	got := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			<-r.Context().Done() // the client has gone
		}
		got <- fmt.Sprintf("%s %s %v", r.Method, body, err)
	}))
	for _, secure := range []bool{false, true} {
		if secure {
			server = httptest.NewTLSServer(server.Config.Handler)
		} else {
			server.Start()
		}
		x := New(Options{TLS: trusting(server)}).SendAndHangUp(context.Background(), Post("lost", server.URL, Form{{"a", "b"}}))
		if x.Failure == nil || x.Failure.Kind != FailHungUp || x.Answered() || x.Label != "lost" {
			t.Errorf("TLS %v: %+v, failure %v", secure, x, x.Failure)
		}
		if text := <-got; text != "POST a=b <nil>" {
			t.Errorf("TLS %v: the server got %q", secure, text)
		}
		server.Close()
	}
	if x := New(Options{}).SendAndHangUp(context.Background(), Post("lost", server.URL, nil)); x.Failure == nil || x.Failure.Kind != FailRefused {
		t.Errorf("failure %v", x.Failure)
	}
}

// FuzzAnswer lets the target say anything on a connection of our own.
func FuzzAnswer(f *testing.F) {
	f.Add("POST", []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	f.Add("HEAD", []byte("HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"))
	f.Add("GET", []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 \r\n\r\n"))
	f.Add("GET", []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nx"))
	c := New(Options{MaxBody: 10})
	f.Fuzz(func(t *testing.T, method string, said []byte) {
		k := &connection{limit: &io.LimitedReader{R: bytes.NewReader(said)}}
		k.reader = bufio.NewReader(k.limit)
		var x Exchange
		resp, err := k.response(&http.Request{Method: method})
		if err != nil {
			return
		}
		c.answer(context.Background(), &x, resp)
		if len(x.Response.Body) > 10 || x.Status/100 == 1 && x.Status != 101 {
			t.Errorf("%+v", x)
		}
	})
}
