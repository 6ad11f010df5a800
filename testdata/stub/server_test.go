//go:build linux

package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestServer: requests that come in pieces, several at once, and too long ones.
func TestServer(t *testing.T) {
	s, err := newServer("127.0.0.1:0", 5, 60)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.serve() }()

	const request = "POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b"
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(c)
	expect := func(status int, text string) {
		t.Helper()
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != status || !strings.Contains(string(body), text) {
			t.Errorf("%d %s %v", r.StatusCode, body, err)
		}
	}
	for _, piece := range []string{request[:7], request[7:40], request[40:]} {
		if _, err := io.WriteString(c, piece); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	expect(400, "authorization_pending")
	if _, err := io.WriteString(c, request+request+strings.Replace(request, "/token", "/elsewhere", 1)); err != nil {
		t.Fatal(err)
	}
	expect(400, "authorization_pending")
	expect(400, "authorization_pending")
	expect(404, "not_found")

	if _, err := io.WriteString(c, "POST /token HTTP/1.1\r\nX: "+strings.Repeat("x", maxRequest)); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("an endless head is answered")
	}

	seen := map[string]bool{}
	for range 3 {
		resp, err := http.Post("http://"+s.address+"/device_authorization", "application/x-www-form-urlencoded", strings.NewReader("client_id=tv"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || seen[string(body)] {
			t.Errorf("%d %s %v", resp.StatusCode, body, err)
		}
		seen[string(body)] = true
	}
}
