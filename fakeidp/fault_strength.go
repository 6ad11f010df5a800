package fakeidp

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// strengthFaults: hostile input, talkative errors, transport, and weak codes.
var strengthFaults = []fault{
	{Fault{"F-DA-15", "invalid-text-falls-over", "A request with bytes that are not UTF-8 gets status 500", Defect},
		func() behaviour {
			return behaviour{request: func(x *exchange) bool {
				if !x.post(pathDeviceAuthorization) || !bytes.Contains(x.body, []byte("%FF")) {
					return false
				}
				x.reply(http.StatusInternalServerError, map[string]string{"error": "server_error"})
				return true
			}}
		}},
	{Fault{"F-DA-15b", "line-breaks-become-headers", "A line break in the scope starts a response header", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) {
				if _, after, ok := strings.Cut(x.form.Get("scope"), "\r\n"); ok && x.post(pathDeviceAuthorization) {
					if name, value, ok := strings.Cut(after, ": "); ok {
						x.header.Set(name, value)
					}
				}
			}}
		}},
	{Fault{"F-DA-15c", "grants-with-zero-fall-over", "A NUL in grant_type or refresh_token gets status 500", Defect},
		meet(func(x *exchange) bool {
			if !x.post(pathToken) || !strings.Contains(x.form.Get("grant_type")+x.form.Get("refresh_token"), "\x00") {
				return false
			}
			x.reply(http.StatusInternalServerError, map[string]string{"error": "server_error"})
			return true
		})},
	{Fault{"B84", "zero-is-forbidden", "A firewall answers 403 and a page to requests with a NUL", Benign},
		meet(func(x *exchange) bool {
			if !x.post(pathToken) && !x.post(pathDeviceAuthorization) || !bytes.Contains(x.body, []byte("%00")) {
				return false
			}
			x.status, x.header = http.StatusForbidden, http.Header{"Content-Type": {"text/html"}}
			x.answer = []byte("<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>")
			return true
		})},
	{Fault{"F-ERR-06", "errors-repeat-the-device-code", "The text of an error repeats the device code", Defect},
		describeErrors(func(x *exchange) string {
			code := x.form.Get("device_code")
			if !isScopeToken(code) || len(code) > 200 {
				return ""
			}
			return "no grant for device_code " + code
		})},
	{Fault{"F-ERR-06b", "errors-tell-the-machine", "The text of an error names the source file", Defect},
		describeErrors(func(*exchange) string { return "grant not found (/srv/idp/src/token.go:141)" })},
	{Fault{"F-SEC-01", "http-beside-https", "The HTTPS port serves plain HTTP too", Defect},
		func() behaviour {
			return behaviour{listen: func(s *Server, l net.Listener, _ *tls.Config) net.Listener {
				split := newSplitListener(l)
				s.serve(split.plain, s.IdP, nil)
				return split
			}}
		}},
	{Fault{"F-SEC-01b", "old-tls", "TLS 1.0 is accepted", Defect},
		func() behaviour {
			return behaviour{listen: func(_ *Server, l net.Listener, t *tls.Config) net.Listener {
				t.MinVersion = tls.VersionTLS10
				return l
			}}
		}},
	{Fault{"F-SEC-02", "device-code-is-a-hash", "A device code is the SHA-256 hash of its user code", Defect},
		func() behaviour {
			return behaviour{userCode: func(u userCodes, g *grant) string {
				code := u.draw()
				sum := sha256.Sum256([]byte(code))
				g.deviceCode = base64.RawURLEncoding.EncodeToString(sum[:])
				return code
			}}
		}},
	{Fault{"F-SEC-02b", "device-code-is-a-uuid", "A device code is a random UUID, which has 122 random bits", Defect},
		func() behaviour {
			return behaviour{issue: func(g *grant) {
				b, _ := base64.RawURLEncoding.DecodeString(randomToken()) // of our own encoding
				b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
				g.deviceCode = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
			}}
		}},
	{Fault{"F-SEC-03", "user-codes-are-a-series", "Each user code reveals the next one", Defect},
		func() behaviour {
			var issued atomic.Int64
			return behaviour{userCode: func(u userCodes, _ *grant) string {
				code, n := make([]byte, u.length), 123_456_789+issued.Add(1)*90_001
				for i := range code {
					code[len(code)-1-i] = u.alphabet[int(n)%len(u.alphabet)]
					n /= int64(len(u.alphabet))
				}
				return string(code)
			}}
		}},
	{Fault{"F-SEC-14", "host-header-is-trusted", "The URIs in a response have the host of the request", Defect},
		func() behaviour {
			return behaviour{response: func(x *exchange) {
				if _, own, ok := strings.Cut(x.p.config.Issuer, "://"); ok && x.post(pathDeviceAuthorization) {
					x.replace("://"+own+pathDevice, "://"+x.r.Host+pathDevice)
				}
			}}
		}},
	{Fault{"F-VERIFY-06", "user-codes-confuse", "User codes contain both zero and O, and both one and I", Defect},
		func() behaviour {
			return behaviour{configure: func(c *Config) { c.UserCodeAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" }}
		}},
}

// describeErrors gives the errors of the token endpoint about an unknown code
// another text; "" leaves one as it is.
func describeErrors(text func(*exchange) string) func() behaviour {
	return func() behaviour {
		return behaviour{response: func(x *exchange) {
			if !x.post(pathToken) || x.oauthError() != "invalid_grant" {
				return
			}
			if s := text(x); s != "" {
				x.edit(func(o map[string]any) { o["error_description"] = s })
			}
		}}
	}
}

// splitListener gives TLS connections to one server and all others to another.
type splitListener struct {
	net.Listener
	secure chan net.Conn
	plain  *plainListener
	closed chan struct{}
	once   sync.Once
}

type plainListener struct {
	*splitListener
	conns chan net.Conn
}

func newSplitListener(l net.Listener) *splitListener {
	s := &splitListener{Listener: l, secure: make(chan net.Conn), closed: make(chan struct{})}
	s.plain = &plainListener{s, make(chan net.Conn)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				_ = s.Close()
				return
			}
			go s.sort(conn)
		}
	}()
	return s
}

// sort looks at the first byte: a TLS connection begins with a handshake record.
func (s *splitListener) sort(conn net.Conn) {
	const handshake = 0x16
	first := make([]byte, 1)
	_ = conn.SetReadDeadline(time.Now().Add(headerTimeout))
	if n, err := conn.Read(first); err != nil || n == 0 {
		conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	to := s.plain.conns
	if first[0] == handshake {
		to = s.secure
	}
	select {
	case to <- &peekedConn{Conn: conn, first: first}:
	case <-s.closed:
		conn.Close()
	}
}

func (s *splitListener) Accept() (net.Conn, error) { return accept(s.secure, s.closed) }

func (s *splitListener) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Listener.Close()
}

func (l *plainListener) Accept() (net.Conn, error) { return accept(l.conns, l.closed) }

func accept(from chan net.Conn, closed chan struct{}) (net.Conn, error) {
	select {
	case conn := <-from:
		return conn, nil
	case <-closed:
		return nil, net.ErrClosed
	}
}

// peekedConn is a connection whose first byte was read already.
type peekedConn struct {
	net.Conn
	first []byte
}

func (c *peekedConn) Read(b []byte) (int, error) {
	if len(c.first) > 0 && len(b) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}
