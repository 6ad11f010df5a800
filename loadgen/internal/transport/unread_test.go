//go:build unix

package transport

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// moody is a server on loopback whose first connection does something of its own
// after the first answer. Later connections answer "again".
type moody struct {
	listener net.Listener
	raw      *corked
	// then has the first connection, after its first answer and with its reader.
	then func(c net.Conn, in *bufio.Reader)
}

func startMoody(t *testing.T, secure bool, then func(net.Conn, *bufio.Reader)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raw := &corked{Listener: l}
	l = raw
	scheme := "http"
	if secure {
		donor := httptest.NewUnstartedServer(nil)
		donor.StartTLS()
		donor.Close()
		l, scheme = tls.NewListener(l, &tls.Config{Certificates: donor.TLS.Certificates}), "https"
	}
	t.Cleanup(func() { l.Close() })
	m := &moody{listener: l, raw: raw, then: then}
	go m.serve()
	return fmt.Sprintf("%s://%s/token", scheme, l.Addr())
}

func (m *moody) serve() {
	for n := 0; ; n++ {
		c, err := m.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			in := bufio.NewReader(c)
			for k := 0; ; k++ {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				body := "again"
				if n == 0 {
					body = "first"
				}
				answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n%s", body)
				if n == 0 && m.then == nil {
					m.together(c, answer, ok2)
					_, _ = io.Copy(io.Discard, in)
					return
				}
				_, _ = io.WriteString(c, answer)
				if n == 0 {
					m.then(c, in)
					return
				}
			}
		}()
	}
}

// together sends two writes, two records of TLS, in one segment.
func (m *moody) together(c net.Conn, first, second string) {
	m.raw.hold()
	_, _ = io.WriteString(c, first)
	_, _ = io.WriteString(c, second)
	m.raw.release()
}

// corked is a listener whose first connection can hold back what is written.
type corked struct {
	net.Listener
	first *corkedConn
}

func (l *corked) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil || l.first != nil {
		return c, err
	}
	l.first = &corkedConn{Conn: c}
	return l.first, nil
}

func (l *corked) hold()    { l.first.held = []byte{} }
func (l *corked) release() { b := l.first.held; l.first.held = nil; _, _ = l.first.Conn.Write(b) }

type corkedConn struct {
	net.Conn
	held []byte // nil: nothing is held back
}

func (c *corkedConn) Write(b []byte) (int, error) {
	if c.held == nil {
		return c.Conn.Write(b)
	}
	c.held = append(c.held, b...)
	return len(b), nil
}

const (
	timedOut = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
	refused  = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)

// TestUnasked: what a server sends on a kept connection before a request left is
// the answer to none; what comes when one has left is its answer, but for 408,
// which says that there was no request. net/http agrees, and takes 408 for an
// answer where it cannot know.
func TestUnasked(t *testing.T) {
	say := func(text string) func(net.Conn, *bufio.Reader) {
		return func(c net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(c, text) }
	}
	within := func(text string) func(net.Conn, *bufio.Reader) {
		return func(c net.Conn, in *bufio.Reader) {
			_, _ = in.ReadString('\n') // the request has begun
			_, _ = io.WriteString(c, text)
		}
	}
	behind := func(text string) func(net.Conn, *bufio.Reader) {
		return func(c net.Conn, in *bufio.Reader) {
			if r, err := http.ReadRequest(in); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			_, _ = io.WriteString(c, text)
		}
	}
	for _, test := range []struct {
		name string
		then func(net.Conn, *bufio.Reader)
		// early says that it comes before the second request. When net/http notices,
		// it does not tell.
		early bool
		want  string // body, or status
		// standard is what net/http gives, where that is something else.
		standard string
	}{
		{"408 before", say(timedOut), true, "again", ""},
		{"400 before", say(refused), true, "again", ""},
		{"an answer before", say(ok2), true, "again", ""},
		{"an answer in the same segment", nil, true, "again", ""},
		{"the end before", say(""), true, "again", ""},
		{"close_notify", func(c net.Conn, in *bufio.Reader) {
			if secure, ok := c.(*tls.Conn); ok {
				_ = secure.CloseWrite()
				_, _ = io.Copy(io.Discard, in)
			}
		}, false, "again", "reset"},
		{"408 within", within(timedOut), false, "again", "408"},
		{"408 behind", behind(timedOut), false, "again", "408"},
		{"400 within", within(refused), false, "400", ""},
		{"400 behind", behind(refused), false, "400", ""},
		{"the end behind", behind(""), false, "again", "reset"},
	} {
		for _, secure := range []bool{false, true} {
			for _, policy := range []string{"reuse", "per-device"} {
				t.Run(fmt.Sprintf("%s/%s/tls=%t", test.name, policy, secure), func(t *testing.T) {
					o := transportOptions(t, policy, nil)
					o.TLS = &tls.Config{InsecureSkipVerify: true}
					tr := NewLean(o).(*lean)
					defer tr.Close()
					c := tr.Connect().(*leanConn)
					defer c.Close()
					e := pollEndpoint(t, startMoody(t, secure, test.then))
					if got := ask(c, e, 3); got.body != "first" {
						t.Fatalf("%q %v", got.body, got.Err)
					}
					if test.early && test.then != nil {
						awaitUnread(t, tr, c, policy)
					}
					if got := outcomeOf(ask(c, e, 3)); got != test.want {
						t.Errorf("%s, want %s", got, test.want)
					}
				})
			}
			if test.early {
				continue
			}
			t.Run(fmt.Sprintf("%s/net/http/tls=%t", test.name, secure), func(t *testing.T) {
				o := transportOptions(t, "reuse", nil)
				o.TLS = &tls.Config{InsecureSkipVerify: true}
				tr := NewStandard(o)
				defer tr.Close()
				c := tr.Connect()
				defer c.Close()
				e := pollEndpoint(t, startMoody(t, secure, test.then))
				if got := ask(c, e, 3); got.body != "first" {
					t.Fatalf("%q %v", got.body, got.Err)
				}
				want := test.want
				if test.standard != "" {
					want = test.standard
				}
				// It may have noticed before the request.
				if got := outcomeOf(ask(c, e, 3)); got != want && got != test.want {
					t.Errorf("%s, want %s", got, want)
				}
			})
		}
	}
}

func outcomeOf(s seen) string {
	switch {
	case s.failure != NoFailure:
		return s.failure.String()
	case s.body != "":
		return s.body
	}
	return fmt.Sprint(s.Status)
}

// awaitUnread waits until what the server sent has come.
func awaitUnread(t *testing.T, tr *lean, c *leanConn, policy string) {
	t.Helper()
	raw := c.raw
	if policy == "per-device" {
		tr.mu.Lock()
		raw = tr.kept[3].raw
		tr.mu.Unlock()
	}
	if raw == nil {
		return // it came with the answer, and the connection was not kept
	}
	for began := time.Now(); !c.unread.any(raw); time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("nothing came from the server within a minute")
		}
	}
}

// TestUnaskedByNetHTTP: net/http, too, gives nobody what came before a request.
func TestUnaskedByNetHTTP(t *testing.T) {
	for _, text := range []string{timedOut, refused} {
		noticed := make(chan struct{})
		address := startMoody(t, false, func(c net.Conn, in *bufio.Reader) {
			_, _ = io.WriteString(c, text)
			_, _ = io.Copy(io.Discard, in) // it hangs up when it has noticed
			close(noticed)
		})
		tr := NewStandard(transportOptions(t, "reuse", nil))
		c := tr.Connect()
		e := pollEndpoint(t, address)
		if got := ask(c, e, 3); got.body != "first" {
			t.Fatalf("%q %v", got.body, got.Err)
		}
		<-noticed
		if got := ask(c, e, 3); got.body != "again" {
			t.Errorf("after %q: %s", strings.Fields(text)[1], outcomeOf(got))
		}
		c.Close()
		tr.Close()
	}
}
