//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	pollRequest = "POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b"
	overlong    = "POST /token HTTP/1.1\r\nX: "
)

// start serves for the rest of the tests: only the end of the process ends it.
func start(t *testing.T) *server {
	t.Helper()
	s, err := newServer("127.0.0.1:0", 7, 60)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := s.serve(); err != nil {
			panic(err)
		}
	}()
	return s
}

// client is one connection.
type client struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func dial(t *testing.T, s *server) *client {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &client{c, t, bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) expect(status int, text string) {
	c.t.Helper()
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != status || !strings.Contains(string(body), text) {
		c.t.Fatalf("%d %q %v, want %d with %s", r.StatusCode, body, err, status, text)
	}
	if r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Cache-Control") != "no-store" {
		c.t.Errorf("header %v", r.Header)
	}
}

// expectEnd wants the connection closed without another answer.
func (c *client) expectEnd() {
	c.t.Helper()
	if b, err := c.in.ReadByte(); err == nil {
		c.t.Fatalf("an answer that starts with %q instead of the end", b)
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		c.t.Fatal("the connection stays open")
	}
}

func TestSplitRequest(t *testing.T) {
	c := dial(t, start(t))
	for at := range len(pollRequest) {
		c.send(pollRequest[:at])
		time.Sleep(2 * time.Millisecond) // so that the server sees the pieces
		c.send(pollRequest[at:])
		c.expect(400, "authorization_pending")
	}
}

func TestPipelinedRequests(t *testing.T) {
	c := dial(t, start(t))
	c.send(pollRequest + "GET /token HTTP/1.1\r\n\r\n" + strings.Replace(pollRequest, "/token", "/tokens", 1) + pollRequest[:30])
	c.expect(400, "authorization_pending")
	c.expect(400, "authorization_pending")
	c.expect(404, "not_found")
	c.send(pollRequest[30:])
	c.expect(400, "authorization_pending")
}

// TestUnreadAnswers: a client that sends a lot before it reads gets everything.
func TestUnreadAnswers(t *testing.T) {
	const requests = 200_000
	c := dial(t, start(t))
	go func() {
		many := strings.Repeat(pollRequest, 1000)
		for range requests / 1000 {
			if _, err := io.WriteString(c, many); err != nil {
				t.Error(err)
				return
			}
		}
		if _, err := io.WriteString(c, "GET /elsewhere HTTP/1.1\r\nConnection: close\r\n\r\n"); err != nil {
			t.Error(err)
		}
	}()
	time.Sleep(300 * time.Millisecond)
	for range requests {
		c.expect(400, "authorization_pending")
	}
	c.expect(404, "not_found")
	c.expectEnd()
}

func TestRefusedRequests(t *testing.T) {
	s := start(t)
	for name, text := range map[string]string{
		"endless head": overlong + strings.Repeat("x", maxRequest),
		"long head":    overlong + strings.Repeat("x", maxRequest) + "\r\n\r\n",
		"long body":    fmt.Sprintf("POST /token HTTP/1.1\r\nContent-Length: %d\r\n\r\n", maxRequest),
		"huge length":  "POST /token HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
		"no length":    "POST /token HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"chunks":       "POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.send(pollRequest)
			c.expect(400, "authorization_pending")
			c.send(text)
			c.expectEnd()
		})
	}
}

func TestLongestRequest(t *testing.T) {
	head := fmt.Sprintf("POST /token HTTP/1.1\r\nContent-Length: %d\r\n\r\n", maxRequest-100)
	c := dial(t, start(t))
	c.send(head + strings.Repeat("x", maxRequest-100))
	c.expect(400, "authorization_pending")
	c.send(pollRequest)
	c.expect(400, "authorization_pending")
}

func TestClosing(t *testing.T) {
	s := start(t)
	for _, text := range []string{
		"POST /token HTTP/1.1\r\nCONNECTION:close\r\nContent-Length: 3\r\n\r\na=b",
		"GET /token HTTP/1.0\r\n\r\n",
	} {
		c := dial(t, s)
		c.send(text)
		c.expect(400, "authorization_pending")
		c.expectEnd()
	}
}

// TestNetHTTP: an ordinary client, on a kept connection and on one of its own,
// gets different codes every time.
func TestNetHTTP(t *testing.T) {
	s := start(t)
	seen := map[string]bool{}
	for i := range 4 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.address+"/device_authorization", strings.NewReader("client_id=tv"))
		if err != nil {
			t.Fatal(err)
		}
		r.Close = i%2 == 1
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var codes struct {
			DeviceCode string `json:"device_code"`
			UserCode   string `json:"user_code"`
			URI        string `json:"verification_uri"`
			ExpiresIn  int    `json:"expires_in"`
			Interval   int    `json:"interval"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&codes); err != nil || resp.StatusCode != 200 {
			t.Fatal(resp.StatusCode, err)
		}
		resp.Body.Close()
		if len(codes.DeviceCode) != 40 || len(codes.UserCode) != 13 || codes.URI != "http://"+s.address+"/device" || codes.ExpiresIn != 60 || codes.Interval != 7 {
			t.Errorf("%+v", codes)
		}
		if seen[codes.DeviceCode] || seen[codes.UserCode] {
			t.Errorf("given out before: %+v", codes)
		}
		seen[codes.DeviceCode], seen[codes.UserCode] = true, true
	}
}

func TestManyConnections(t *testing.T) {
	s := start(t)
	var all []*client
	for range 600 {
		all = append(all, dial(t, s))
	}
	for _, c := range all {
		c.send(pollRequest)
	}
	for _, c := range all {
		c.expect(400, "authorization_pending")
	}
}

// TestAllocations: neither polls nor codes cost the collector anything.
func TestAllocations(t *testing.T) {
	a := newAnswers("127.0.0.1:1", 5, 60)
	in := []byte(pollRequest + strings.Replace(pollRequest, "/token", "/device_authorization", 1) + pollRequest[:20])
	out := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { out, _, _ = a.all(out[:0], in) }); n > 0 {
		t.Errorf("framing and answering two requests allocates %g times", n)
	}
	c := dial(t, start(t))
	request, back := []byte(pollRequest), make([]byte, len(a.pending))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, back); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("a poll over a socket allocates %g times", n)
	}
}
