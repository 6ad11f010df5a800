package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// ending is what a scripted server does behind the bytes of an answer.
type ending int

const (
	goOn   ending = iota // waits for the next request
	hangUp               // closes the connection
	hold                 // keeps it open, and says nothing more
)

// scripted is a raw server on net.Pipe: it reads whole requests and sends bytes
// that nobody checks.
type scripted struct {
	// answer is the n-th answer on the conn-th connection, both from 0.
	answer func(conn, n int) (text string, then ending)
	// pieces are how many bytes go out at once; 0: all.
	pieces int

	mu       sync.Mutex
	dialled  int
	closed   int
	requests []string // as they came
}

func (s *scripted) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	s.mu.Lock()
	defer s.mu.Unlock()
	go s.serve(server, s.dialled)
	s.dialled++
	return client, nil
}

func (s *scripted) serve(c net.Conn, number int) {
	defer func() {
		c.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed++
	}()
	var seen bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &seen))
	for n := 0; ; n++ {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, seen.String())
		s.mu.Unlock()
		seen.Reset()
		text, then := s.answer(number, n)
		for len(text) > 0 {
			k := len(text)
			if s.pieces > 0 {
				k = min(k, s.pieces)
			}
			if _, err := io.WriteString(c, text[:k]); err != nil {
				return
			}
			text = text[k:]
		}
		switch then {
		case hangUp:
			return
		case hold:
			_, _ = io.Copy(io.Discard, c)
			return
		}
	}
}

// counts are the connections made and ended.
func (s *scripted) counts() (dialled, closed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialled, s.closed
}

// always gives the same answer.
func always(text string, then ending) func(int, int) (string, ending) {
	return func(int, int) (string, ending) { return text, then }
}

const ok2 = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// testTimeout is on the virtual clock of synctest, but for the few tests on
// loopback, which never wait for it.
const testTimeout = time.Minute

func transportOptions(t testing.TB, policy string, dial func(context.Context, string, string) (net.Conn, error)) Options {
	began := time.Now()
	return Options{Context: t.Context(), Policy: policy, Timeout: testTimeout, Dial: dial, Now: func() int64 { return int64(time.Since(began)) + 1 }}
}

// pollEndpoint is the token endpoint of most tests.
func pollEndpoint(t testing.TB, address string) *Endpoint {
	t.Helper()
	e := &Endpoint{URL: mustParse(t, address), Headers: []Header{{"Content-Type", "application/x-www-form-urlencoded"}},
		Form: FormParts{Before: "grant_type=g&device_code=", After: "&client_id=c"}}
	if err := e.Prepare(); err != nil {
		t.Fatal(err)
	}
	return e
}

// seen is an answer that may be kept.
type seen struct {
	Answer
	body    string
	failure Failure
}

// ask carries out one request, and ends it when it takes too long.
func ask(c Connection, e *Endpoint, slot int32) seen {
	timer := time.AfterFunc(testTimeout, c.Interrupt)
	defer timer.Stop()
	var a Answer
	failure := c.Do(&Request{Endpoint: e, Code: []byte("code"), Slot: slot}, &a)
	return seen{Answer: a, body: string(a.Body), failure: failure}
}

// askOnce asks a transport once for an answer of some bytes.
func askOnce(t *testing.T, make func(Options) Transport, text string, then ending, pieces int) (s seen, reused bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := &scripted{answer: always(text, then), pieces: pieces}
		tr := make(transportOptions(t, "reuse", server.dial))
		c := tr.Connect()
		s = ask(c, pollEndpoint(t, "http://127.0.0.1/token"), 0)
		synctest.Wait()
		_, closed := server.counts()
		reused = closed == 0
		c.Close()
		tr.Close()
	})
	return s, reused
}

// where the transports may differ, with the reason.
const (
	alike   = ""
	strict  = "lean is stricter: "
	looser  = "lean is looser: "
	another = "another reading: "
)

// TestLeanAgainstNetHTTP: the same bytes, all at once and one by one, to both.
func TestLeanAgainstNetHTTP(t *testing.T) {
	const (
		chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		head    = "HTTP/1.1 200 OK\r\n"
		body2   = "Content-Length: 2\r\n\r\nok"
	)
	full := strings.Repeat("x", MaxBody)
	log.SetOutput(io.Discard) // net/http logs bytes that nobody asked for
	defer log.SetOutput(os.Stderr)
	for _, c := range []struct {
		name, text string
		then       ending
		want       Failure
		body       string // when there is no failure
		keeps      bool   // lean uses the connection again
		differs    string
	}{
		{"fixed length", ok2, hold, NoFailure, "ok", true, alike},
		{"no body", head + "Content-Length: 0\r\n\r\n", hold, NoFailure, "", true, alike},
		{"error status", "HTTP/1.1 400 Bad Request\r\n" + body2, hold, NoFailure, "ok", true, alike},
		{"no reason", "HTTP/1.1 200\r\n" + body2, hold, NoFailure, "ok", true, alike},
		{"empty reason", "HTTP/1.1 200 \r\n" + body2, hold, NoFailure, "ok", true, alike},
		{"unknown status", "HTTP/1.1 799 X\r\n" + body2, hold, NoFailure, "ok", true, alike},
		{"lower case names", head + "content-length:2\r\nCONNECTION:keep-alive\r\n\r\nok", hold, NoFailure, "ok", true, alike},
		{"tabs around a value", head + "Content-Length:\t 2 \t\r\n\r\nok", hold, NoFailure, "ok", true, alike},
		{"no value", head + "X:\r\n" + body2, hold, NoFailure, "ok", true, alike},
		{"bytes beyond ASCII in a value", head + "X: \xff\xc3\r\n" + body2, hold, NoFailure, "ok", true, alike},
		{"leading zeros", head + "Content-Length: 0002\r\n\r\nok", hold, NoFailure, "ok", true, alike},
		{"body at the bound", head + fmt.Sprintf("Content-Length: %d\r\n\r\n", MaxBody) + full, hold, NoFailure, full, true, alike},

		{"chunked", chunked + "1\r\no\r\n1\r\nk\r\n0\r\n\r\n", hold, NoFailure, "ok", true, alike},
		{"chunked and empty", chunked + "0\r\n\r\n", hold, NoFailure, "", true, alike},
		{"many zeros", chunked + "0002\r\nok\r\n0000\r\n\r\n", hold, NoFailure, "ok", true, alike},
		{"sixteen digits", chunked + "0000000000000002\r\nok\r\n0\r\n\r\n", hold, NoFailure, "ok", true, alike},
		{"seventeen digits", chunked + "00000000000000002\r\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"upper case hex", chunked + "0A\r\n0123456789\r\n00\r\n\r\n", hold, NoFailure, "0123456789", true, alike},
		{"lower case hex", chunked + "a\r\n0123456789\r\n0\r\n\r\n", hold, NoFailure, "0123456789", true, alike},
		{"chunk extension", chunked + "2;a=\"b\";c\r\nok\r\n0;x\r\n\r\n", hold, NoFailure, "ok", true, alike},
		{"space behind a chunk size", chunked + "2 \t\r\nok\r\n0\r\n\r\n", hold, NoFailure, "ok", true, alike},
		{"space before an extension", chunked + "2 ;a\r\nok\r\n0\r\n\r\n", hold, NoFailure, "ok", true, looser + "RFC 9112 section 7.1.1 has BWS there"},
		{"space before a chunk size", chunked + " 2\r\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"trailers", chunked + "2\r\nok\r\n0\r\nA: b\r\nC: d\r\n\r\n", hold, NoFailure, "ok", true, alike},
		{"trailer that is no field", chunked + "2\r\nok\r\n0\r\nnonsense\r\n\r\n", hold, NoFailure, "ok", true, looser + "nobody reads trailers; their end is certain"},
		{"trailer with bare LF", chunked + "2\r\nok\r\n0\r\nA: b\n\n", hold, NoFailure, "ok", true, looser + "net/http looks for CR LF CR LF only"},
		{"chunked in capitals", head + "TRANSFER-ENCODING: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n", hold, NoFailure, "ok", true, alike},
		{"no chunk size", chunked + "\r\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"chunk size of letters", chunked + "zz\r\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"negative chunk size", chunked + "-2\r\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"chunk size with 0x", chunked + "0x2\r\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"chunk larger than any", chunked + "ffffffffffffffff\r\nok", hold, FailureTooLarge, "", false, another + "net/http waits for the rest"},
		{"chunk beyond 32 bits", chunked + "80000002\r\nok\r\n0\r\n\r\n", hangUp, FailureTooLarge, "", false, alike},
		{"chunk longer than it says", chunked + "2\r\nokay\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"chunk shorter than it says", chunked + "4\r\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"bare LF behind a chunk size", chunked + "2\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"bare LF behind a chunk", chunked + "2\r\nok\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"CR in a chunk line", chunked + "2;\r \r\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"too many extensions", chunked + strings.Repeat("1;"+strings.Repeat("e", 2000)+"\r\nx\r\n", 40) + "0\r\n\r\n", hold, FailureTooLarge, "", false, alike},
		{"endless trailers", chunked + "0\r\n" + strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 40), hold, FailureTooLarge, "", false, alike},
		{"chunks beyond the bound", chunked + strings.Repeat("4000\r\n"+strings.Repeat("x", 0x4000)+"\r\n", 5) + "0\r\n\r\n", hold, FailureTooLarge, "", false, alike},

		{"100 before the answer", "HTTP/1.1 100 Continue\r\n\r\n" + ok2, hold, NoFailure, "ok", true, alike},
		{"103 twice before the answer", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 2) + ok2, hold, NoFailure, "ok", true, alike},
		{"1xx with a length", "HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n" + ok2, hold, NoFailure, "ok", true, alike},
		{"1xx without end", strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 2000), hold, FailureTooLarge, "", false, alike},
		{"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", hangUp, FailureMalformed, "", false, strict + "nobody asked for another protocol"},

		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n" + body2, hold, NoFailure, "ok", false, alike},
		{"HTTP/1.0 with keep-alive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + body2, hold, NoFailure, "ok", true, alike},
		{"HTTP/1.0 with close and keep-alive", "HTTP/1.0 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\n" + body2, hold, NoFailure, "ok", false, alike},
		{"HTTP/1.0 without a length", "HTTP/1.0 200 OK\r\n\r\nok", hangUp, NoFailure, "ok", false, alike},
		{"HTTP/1.0 with chunks", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok", hangUp, NoFailure, "2\r\nok", false, alike},
		{"HTTP/1.0 with chunks and a length", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n" + body2 + "more", hangUp, NoFailure, "okmore", false, another + "failurey framing (RFC 9112 section 6.1): up to the end is all that is certain"},
		{"close", head + "Connection: close\r\n" + body2, hold, NoFailure, "ok", false, alike},
		{"close in a list", head + "Connection: x, CLOSE\r\n" + body2, hold, NoFailure, "ok", false, alike},
		{"close in a second line", head + "Connection: keep-alive\r\nConnection: close\r\n" + body2, hold, NoFailure, "ok", false, alike},
		{"no length", head + "\r\nok", hangUp, NoFailure, "ok", false, alike},
		{"204", "HTTP/1.1 204 No Content\r\n\r\n", hold, NoFailure, "", true, alike},
		{"204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", hold, NoFailure, "", true, alike},
		{"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", hold, NoFailure, "", true, alike},
		{"204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", hold, NoFailure, "", false, alike},

		{"folded", head + "X: a\r\n b\r\n" + body2, hold, FailureMalformed, "", false, strict + "obs-fold has been obsolete since 2014, and hides lengths"},
		{"folded first line", head + " X: a\r\n" + body2, hold, FailureMalformed, "", false, alike},
		{"bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", hold, NoFailure, "ok", true, alike},
		{"mixed line ends", "HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok", hold, NoFailure, "ok", true, alike},
		{"space before a colon", head + "Content-Length : 2\r\n\r\nok", hangUp, FailureMalformed, "", false, strict + "RFC 9112 section 5.1; net/http reads another header"},
		{"no colon", head + "nonsense\r\n" + body2, hold, FailureMalformed, "", false, alike},
		{"no name", head + ": x\r\n" + body2, hold, FailureMalformed, "", false, alike},
		{"control characters in a name", head + "X\x01: y\r\n" + body2, hold, FailureMalformed, "", false, alike},
		{"control characters in a value", head + "X: \x01\x00\r\n" + body2, hold, NoFailure, "ok", true, looser + "values that nobody reads are not looked at"},

		{"the same length twice", head + "Content-Length: 2\r\n" + body2, hold, NoFailure, "ok", true, alike},
		{"the same length in other digits", head + "Content-Length: 02\r\n" + body2, hold, NoFailure, "ok", true, looser + "the same number"},
		{"two lengths", head + "Content-Length: 3\r\n" + body2, hold, FailureMalformed, "", false, alike},
		{"two lengths in one line", head + "Content-Length: 2, 2\r\n\r\nok", hold, FailureMalformed, "", false, alike},
		{"negative length", head + "Content-Length: -2\r\n\r\nok", hold, FailureMalformed, "", false, alike},
		{"length with a sign", head + "Content-Length: +2\r\n\r\nok", hold, FailureMalformed, "", false, alike},
		{"length of no digits", head + "Content-Length: \r\n\r\nok", hold, FailureMalformed, "", false, alike},
		{"length in hex", head + "Content-Length: 0x2\r\n\r\nok", hold, FailureMalformed, "", false, alike},
		{"huge length", head + "Content-Length: 9000000000000000000\r\n\r\nok", hangUp, FailureTooLarge, "", false, alike},
		{"length beyond 63 bits", head + "Content-Length: 99999999999999999999\r\n\r\nok", hold, FailureMalformed, "", false, alike},
		{"chunks and a length", head + "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", hold, NoFailure, "ok", false, alike},
		{"chunks and a length that is none", head + "Content-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"unknown transfer coding", head + "Transfer-Encoding: gzip\r\n\r\nok", hangUp, FailureMalformed, "", false, alike},
		{"two transfer codings", head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"chunked twice", head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", hold, FailureMalformed, "", false, alike},
		{"identity", head + "Transfer-Encoding: identity\r\n" + body2, hold, FailureMalformed, "", false, alike},

		{"more than was announced", ok2 + "more", hold, NoFailure, "ok", false, alike},
		{"a second answer", ok2 + ok2, hold, NoFailure, "ok", false, alike},
		{"body beyond the bound", head + fmt.Sprintf("Content-Length: %d\r\n\r\n", MaxBody+1) + full + "x", hold, FailureTooLarge, "", false, alike},
		{"endless body beyond the bound", head + "\r\n" + full + full, hold, FailureTooLarge, "", false, alike},
		{"head beyond the bound", head + strings.Repeat("X: "+strings.Repeat("y", 100)+"\r\n", 300), hold, FailureTooLarge, "", false, alike},
		{"line beyond the bound", head + "X: " + strings.Repeat("y", 2*MaxHead), hold, FailureTooLarge, "", false, alike},

		{"HTML", "<html>\r\n\r\n", hangUp, FailureMalformed, "", false, alike},
		{"SSH", "SSH-2.0-OpenSSH_9.9\r\n\r\n", hangUp, FailureMalformed, "", false, alike},
		{"zeros", strings.Repeat("\x00", 100) + "\n\n", hangUp, FailureMalformed, "", false, alike},
		{"leading empty line", "\r\n" + ok2, hold, FailureMalformed, "", false, alike},
		{"HTTP/2", "HTTP/2.0 200 OK\r\n" + body2, hold, FailureMalformed, "", false, strict + "it was not agreed on"},
		{"HTTP/1.2", "HTTP/1.2 200 OK\r\n" + body2, hold, FailureMalformed, "", false, strict + "there is none"},
		{"HTTP/0.9", "ok\r\n\r\n", hangUp, FailureMalformed, "", false, alike},
		{"two spaces before the status", "HTTP/1.1  200 OK\r\n" + body2, hold, FailureMalformed, "", false, strict + "RFC 9112 section 4 has one"},
		{"status of two digits", "HTTP/1.1 20 OK\r\n" + body2, hold, FailureMalformed, "", false, alike},
		{"status of four digits", "HTTP/1.1 2000 OK\r\n" + body2, hold, FailureMalformed, "", false, alike},
		{"status with a sign", "HTTP/1.1 +20 OK\r\n" + body2, hold, FailureMalformed, "", false, strict + "three digits"},
		{"status below 100", "HTTP/1.1 099 OK\r\n" + body2, hold, FailureMalformed, "", false, strict + "RFC 9110 section 15"},
		{"nothing", "", hangUp, FailureReset, "", false, alike},
	} {
		t.Run(c.name, func(t *testing.T) {
			other, _ := askOnce(t, NewStandard, c.text, c.then, 0)
			for _, pieces := range []int{0, 1} {
				if pieces > 0 && len(c.text) > 4<<10 {
					pieces = 1021
				}
				got, kept := askOnce(t, NewLean, c.text, c.then, pieces)
				if got.failure != c.want {
					t.Fatalf("in pieces of %d: failure %q (%v), want %q", pieces, got.failure, got.Err, c.want)
				}
				if got.failure == NoFailure && got.body != c.body {
					t.Errorf("in pieces of %d: body %.80q, want %.80q", pieces, got.body, c.body)
				}
				// One by one, bytes behind the answer come when nobody looks any more.
				if kept != c.keeps && pieces == 0 {
					t.Errorf("connection kept: %t, want %t", kept, c.keeps)
				}
				same := got.failure != NoFailure && other.failure != NoFailure ||
					got.failure == other.failure && got.Status == other.Status && got.body == other.body
				if strings.HasPrefix(c.differs, another) {
					same = same && got.failure == other.failure
				}
				if same != (c.differs == alike) {
					t.Errorf("lean: %q %d %.60q; net/http: %q (%v) %d %.60q; expected a difference: %q", got.failure, got.Status, got.body,
						other.failure, other.Err, other.Status, other.body, c.differs)
				}
			}
		})
	}
}

// TestCutOff: an answer that ends early, at every byte. A lost answer may have
// carried the only token, so that nothing is repeated.
func TestCutOff(t *testing.T) {
	for name, text := range map[string]string{
		"fixed length": ok2,
		"chunked":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\nA: b\r\n\r\n",
		"interim":      "HTTP/1.1 100 Continue\r\n\r\n" + ok2,
	} {
		t.Run(name, func(t *testing.T) {
			for n := range len(text) {
				synctest.Test(t, func(t *testing.T) {
					// On a fresh connection, and behind a good answer on a kept one.
					server := &scripted{answer: func(conn, i int) (string, ending) {
						if conn == 0 && i == 0 {
							return text, goOn
						}
						return text[:n], hangUp
					}}
					tr := NewLean(transportOptions(t, "reuse", server.dial))
					defer tr.Close()
					c := tr.Connect()
					defer c.Close()
					e := pollEndpoint(t, "http://127.0.0.1/token")
					if first := ask(c, e, 0); first.failure != NoFailure || first.body != "ok" || !first.Dialled {
						t.Fatalf("first: %q %v", first.failure, first.Err)
					}
					second := ask(c, e, 0)
					if second.failure != FailureReset {
						t.Fatalf("cut off after %d bytes: %q %d %v", n, second.failure, second.Status, second.Err)
					}
					if want := n == 0; second.Resent != want || second.Dialled != want {
						t.Errorf("cut off after %d bytes: sent again %t, dialled %t", n, second.Resent, second.Dialled)
					}
					third := ask(c, e, 0)
					if third.failure != FailureReset || third.Resent || !third.Dialled {
						t.Errorf("cut off after %d bytes on a fresh connection: %q, sent again %t", n, third.failure, third.Resent)
					}
				})
			}
		})
	}
}

// TestResent: a kept connection that the server closed is dialled anew, and
// the request goes out once more, only once.
func TestResent(t *testing.T) {
	for _, policy := range []string{"reuse", "per-device"} {
		t.Run(policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &scripted{answer: always(ok2, hangUp)}
				tr := NewLean(transportOptions(t, policy, server.dial))
				defer tr.Close()
				c := tr.Connect()
				defer c.Close()
				e := pollEndpoint(t, "http://127.0.0.1/token")
				for i := range 4 {
					got := ask(c, e, 7)
					if got.failure != NoFailure || got.body != "ok" || !got.Dialled || got.Resent != (i > 0) {
						t.Fatalf("request %d: %q, dialled %t, sent again %t", i, got.failure, got.Dialled, got.Resent)
					}
					synctest.Wait()
				}
				if n := len(server.requests); n != 4 {
					t.Errorf("the server saw %d requests", n)
				}
			})
		})
	}
}

// TestStrayBytes: what comes behind an answer belongs to nobody.
func TestStrayBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &scripted{answer: func(conn, _ int) (string, ending) {
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", conn) + ok2, goOn
		}}
		tr := NewLean(transportOptions(t, "reuse", server.dial))
		defer tr.Close()
		c := tr.Connect()
		defer c.Close()
		for i := range 3 {
			if got := ask(c, pollEndpoint(t, "http://127.0.0.1/token"), 0); got.body != fmt.Sprint(i) || !got.Dialled || got.Resent {
				t.Errorf("request %d: %q %q", i, got.failure, got.body)
			}
		}
	})
}

// TestReset is a real RST on loopback, at once and within the answer.
func TestReset(t *testing.T) {
	for _, text := range []string{"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				_, _ = io.WriteString(c, text)
				_ = c.(*net.TCPConn).SetLinger(0)
				c.Close()
			}
		}()
		tr := NewLean(transportOptions(t, "reuse", nil))
		c := tr.Connect()
		got := ask(c, pollEndpoint(t, "http://"+l.Addr().String()+"/token"), 0)
		if got.failure != FailureReset || got.Resent || got.Err == nil {
			t.Errorf("reset behind %q: %q %v, sent again %t", text, got.failure, got.Err, got.Resent)
		}
		c.Close()
		tr.Close()
		l.Close()
	}
}

// TestNobodyListens: a refused connection is a failure of its own.
func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	tr := NewLean(transportOptions(t, "reuse", nil))
	defer tr.Close()
	if got := ask(tr.Connect(), pollEndpoint(t, "http://"+address+"/"), 0); got.failure != FailureDial || got.Written == 0 {
		t.Errorf("%q %v, written at %d", got.failure, got.Err, got.Written)
	}
}

// TestInterrupt: whatever a request waits for, Interrupt ends it, and the next
// one is not touched by it.
func TestInterrupt(t *testing.T) {
	for _, policy := range []string{"reuse", "per-device", "per-poll"} {
		for _, during := range []string{"dial", "handshake", "head", "body", "chunks", "body without a length"} {
			t.Run(policy+" "+during, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const wait = 3 * time.Second
					text := map[string]string{"head": "HTTP/1.1 200", "body": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
						"chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", "body without a length": "HTTP/1.1 200 OK\r\n\r\nok"}[during]
					server := &scripted{answer: func(conn, _ int) (string, ending) {
						if conn == 0 {
							return text, hold
						}
						return ok2, goOn
					}}
					dials := 0
					tr := NewLean(transportOptions(t, policy, func(ctx context.Context, n, a string) (net.Conn, error) {
						if dials++; dials == 1 {
							switch during {
							case "dial":
								<-ctx.Done()
								return nil, ctx.Err()
							case "handshake":
								client, silent := net.Pipe()
								go func() { _, _ = io.Copy(io.Discard, silent) }()
								return client, nil
							}
							return server.dial(ctx, n, a)
						}
						server.mu.Lock()
						server.dialled = max(server.dialled, 1)
						server.mu.Unlock()
						return server.dial(ctx, n, a)
					}))
					tr.(*lean).o.TLS = clientTLS
					defer tr.Close()
					c := tr.Connect()
					defer c.Close()
					e := pollEndpoint(t, "http://127.0.0.1/token")
					first := e
					if during == "handshake" {
						first = pollEndpoint(t, "https://127.0.0.1/token")
					}
					began := time.Now()
					time.AfterFunc(wait, c.Interrupt)
					if got := ask(c, first, 1); got.failure != FailureTimeout || got.Err == nil || got.Resent {
						t.Fatalf("%q %v, sent again %t", got.failure, got.Err, got.Resent)
					}
					if took := time.Since(began); took != wait {
						t.Errorf("ended after %s of the virtual clock, not %s", took, wait)
					}
					for range 2 {
						if got := ask(c, e, 1); got.failure != NoFailure || got.body != "ok" || got.Resent {
							t.Fatalf("the next request: %q %v", got.failure, got.Err)
						}
					}
				})
			})
		}
	}
}

// TestInterruptTooLate: an interrupt between two requests ends neither, and
// costs at most a connection.
func TestInterruptTooLate(t *testing.T) {
	for _, policy := range []string{"reuse", "per-device", "per-poll"} {
		t.Run(policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &scripted{answer: always(ok2, goOn)}
				tr := NewLean(transportOptions(t, policy, server.dial))
				defer tr.Close()
				c := tr.Connect()
				defer c.Close()
				e := pollEndpoint(t, "http://127.0.0.1/token")
				for i := range 3 {
					c.Interrupt()
					if got := ask(c, e, 1); got.failure != NoFailure || got.Resent {
						t.Fatalf("request %d: %q %v", i, got.failure, got.Err)
					}
				}
			})
		})
	}
}

// interruptAtEnd interrupts as soon as the last byte of an answer was read,
// before the transport has put the connection away.
type interruptAtEnd struct {
	net.Conn
	interrupt func()
}

func (c *interruptAtEnd) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if bytes.HasSuffix(b[:n], []byte("ok")) {
		c.interrupt()
	}
	return n, err
}

// TestInterruptAtTheEnd: the deadline of an interrupt stays on the connection.
// It must not be kept for the device's next poll.
func TestInterruptAtTheEnd(t *testing.T) {
	for _, policy := range []string{"reuse", "per-device", "per-poll"} {
		t.Run(policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &scripted{answer: always(ok2, goOn)}
				var first Connection
				tr := NewLean(transportOptions(t, policy, func(ctx context.Context, n, a string) (net.Conn, error) {
					c, err := server.dial(ctx, n, a)
					return &interruptAtEnd{c, func() { first.Interrupt() }}, err
				}))
				defer tr.Close()
				first = tr.Connect()
				defer first.Close()
				second := tr.Connect()
				defer second.Close()
				e := pollEndpoint(t, "http://127.0.0.1/token")
				for i, c := range []Connection{first, second, first, second} {
					if got := ask(c, e, 1); got.failure != NoFailure || got.Resent {
						t.Fatalf("request %d: %q %v", i, got.failure, got.Err)
					}
				}
			})
		})
	}
}

// TestPerPoll says so, and does so, even when the server would go on.
func TestPerPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &scripted{answer: always(ok2, goOn)}
		tr := NewLean(transportOptions(t, "per-poll", server.dial))
		defer tr.Close()
		c := tr.Connect()
		defer c.Close()
		for i := 1; i <= 3; i++ {
			if got := ask(c, pollEndpoint(t, "http://127.0.0.1/token"), 0); got.failure != NoFailure || !got.Dialled {
				t.Fatalf("%q, dialled %t", got.failure, got.Dialled)
			}
			synctest.Wait()
			if dialled, closed := server.counts(); dialled != i || closed != i {
				t.Errorf("after %d polls: %d connections made, %d closed", i, dialled, closed)
			}
		}
		for _, r := range server.requests {
			if !strings.Contains(r, "\r\nConnection: close\r\n") {
				t.Errorf("a request does not say close: %q", r)
			}
		}
	})
}

// TestPerDevice: each device has one connection, whichever worker serves it,
// and it ends with the device.
func TestPerDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &scripted{answer: func(conn, n int) (string, ending) {
			body := fmt.Sprintf("%d/%d", conn, n)
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body), goOn
		}}
		tr := NewLean(transportOptions(t, "per-device", server.dial))
		workers := []Connection{tr.Connect(), tr.Connect()}
		e := pollEndpoint(t, "http://127.0.0.1/token")
		for n := range 6 {
			for slot := range 3 {
				got := ask(workers[(n+slot)%2], e, int32(slot))
				if want := fmt.Sprintf("%d/%d", slot, n); got.body != want || got.Dialled != (n == 0) {
					t.Errorf("device %d, poll %d: %q %q, want %q", slot, n, got.failure, got.body, want)
				}
			}
		}
		for _, w := range workers {
			w.Close()
		}
		tr.Drop(1)
		tr.Drop(1)
		synctest.Wait()
		if _, closed := server.counts(); closed != 1 {
			t.Errorf("%d connections closed, want that of one device", closed)
		}
		tr.Close()
		synctest.Wait()
		if dialled, closed := server.counts(); dialled != 3 || closed != 3 {
			t.Errorf("%d connections, %d closed", dialled, closed)
		}
	})
}

// TestPerDeviceTwoOrigins: the endpoints may be on two hosts. A connection to
// one must never carry what is for the other.
func TestPerDeviceTwoOrigins(t *testing.T) {
	for _, policy := range []string{"reuse", "per-device"} {
		t.Run(policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hosts := map[string]*scripted{}
				for _, host := range []string{"a.example:80", "b.example:80", "a.example:8080"} {
					hosts[host] = &scripted{answer: always(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(host), host), goOn)}
				}
				tr := NewLean(transportOptions(t, policy, func(ctx context.Context, n, address string) (net.Conn, error) {
					return hosts[address].dial(ctx, n, address)
				}))
				defer tr.Close()
				c := tr.Connect()
				defer c.Close()
				for range 2 {
					for _, at := range []string{"http://a.example/device", "http://b.example/token", "http://a.example:8080/token"} {
						e := pollEndpoint(t, at)
						want := e.URL.Host
						if !strings.Contains(want, ":") {
							want += ":80"
						}
						if got := ask(c, e, 3); got.body != want {
							t.Errorf("a request for %s went to %q (%q)", want, got.body, got.failure)
						}
					}
				}
			})
		})
	}
}

// TestRequestBytes: what goes out is exactly this.
func TestRequestBytes(t *testing.T) {
	headers := []Header{{"Accept", "application/json"}, {"Authorization", "Basic x"}}
	for _, c := range []struct {
		name, address string
		e             Endpoint
		code          string
		want, perPoll string
	}{
		{name: "poll", address: "http://127.0.0.1:8080/a/token", e: Endpoint{Form: FormParts{"grant_type=g&device_code=", "&client_id=c&client_secret=s"}}, code: "c%2B1",
			want:    "POST /a/token HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 58\r\n\r\ngrant_type=g&device_code=c%2B1&client_id=c&client_secret=s",
			perPoll: "POST /a/token HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 58\r\nConnection: close\r\n\r\ngrant_type=g&device_code=c%2B1&client_id=c&client_secret=s"},
		{name: "device authorization", address: "http://as.example", e: Endpoint{Form: FormParts{"client_id=c&scope=a+b", ""}},
			want:    "POST / HTTP/1.1\r\nHost: as.example\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 21\r\n\r\nclient_id=c&scope=a+b",
			perPoll: "POST / HTTP/1.1\r\nHost: as.example\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 21\r\nConnection: close\r\n\r\nclient_id=c&scope=a+b"},
		{name: "query of the address", address: "http://as.example/t?tenant=a%20b", e: Endpoint{Form: FormParts{"device_code=", ""}}, code: "x",
			want:    "POST /t?tenant=a%20b HTTP/1.1\r\nHost: as.example\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 13\r\n\r\ndevice_code=x",
			perPoll: "POST /t?tenant=a%20b HTTP/1.1\r\nHost: as.example\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 13\r\nConnection: close\r\n\r\ndevice_code=x"},
		{name: "query", address: "http://as.example/t?a=b", e: Endpoint{Query: true, Form: FormParts{"device_code=", "&client_id=c"}, Body: "client_secret=s"}, code: "x",
			want:    "POST /t?a=b&device_code=x&client_id=c HTTP/1.1\r\nHost: as.example\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 15\r\n\r\nclient_secret=s",
			perPoll: "POST /t?a=b&device_code=x&client_id=c HTTP/1.1\r\nConnection: close\r\nHost: as.example\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 15\r\n\r\nclient_secret=s"},
		{name: "query without a body", address: "http://as.example/t", e: Endpoint{Query: true, Form: FormParts{"device_code=", ""}}, code: "x",
			want:    "POST /t?device_code=x HTTP/1.1\r\nHost: as.example\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 0\r\n\r\n",
			perPoll: "POST /t?device_code=x HTTP/1.1\r\nConnection: close\r\nHost: as.example\r\nAccept: application/json\r\nAuthorization: Basic x\r\nContent-Length: 0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for policy, want := range map[string]string{"reuse": c.want, "per-device": c.want, "per-poll": c.perPoll} {
				synctest.Test(t, func(t *testing.T) {
					e := c.e
					e.URL, e.Headers = mustParse(t, c.address), headers
					if err := e.Prepare(); err != nil {
						t.Fatal(err)
					}
					server := &scripted{answer: always(ok2, goOn)}
					tr := NewLean(transportOptions(t, policy, server.dial))
					defer tr.Close()
					conn := tr.Connect()
					defer conn.Close()
					for range 2 { // the second goes over the same buffers
						var a Answer
						if failure := conn.Do(&Request{Endpoint: &e, Code: []byte(c.code)}, &a); failure != NoFailure {
							t.Fatal(failure, a.Err)
						}
					}
					if !slices.Equal(server.requests, []string{want, want}) {
						t.Errorf("%s sends\n%q\nwant\n%q", policy, server.requests, want)
					}
				})
			}
		})
	}
}

// TestEarlyAnswer: a server that answers and hangs up before it has read the
// request is heard, and its connection not used again.
func TestEarlyAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		tr := NewLean(transportOptions(t, "reuse", func(context.Context, string, string) (net.Conn, error) {
			dials++
			return &early{text: strings.NewReader("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")}, nil
		}))
		c := tr.Connect()
		defer c.Close()
		for i := 1; i <= 2; i++ {
			got := ask(c, pollEndpoint(t, "http://127.0.0.1/"), 0)
			if got.failure != NoFailure || got.Status != 413 || got.body != "no" || dials != i || got.Resent {
				t.Errorf("request %d: %q %d %q, %d connections, sent again %t", i, got.failure, got.Status, got.body, dials, got.Resent)
			}
		}
	})
}

// early is a connection that can be read but not written.
type early struct {
	net.Conn
	text io.Reader
}

func (e *early) Write([]byte) (int, error)     { return 0, errors.New("broken pipe") }
func (e *early) Read(b []byte) (int, error)    { return e.text.Read(b) }
func (e *early) Close() error                  { return nil }
func (e *early) SetDeadline(t time.Time) error { return nil }

// TestBoundedBuffers: whatever the server sends, a connection keeps no more
// than the bounds.
func TestBoundedBuffers(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "",
	} {
		for _, filling := range []string{"x", "X: y\r\n", "1\r\nx\r\n", "10000\r\n", "HTTP/1.1 100 X\r\n\r\n"} {
			synctest.Test(t, func(t *testing.T) {
				endless := &endlessConn{text: text, filling: filling}
				tr := NewLean(transportOptions(t, "reuse", func(context.Context, string, string) (net.Conn, error) { return endless, nil }))
				c := tr.Connect().(*leanConn)
				defer c.Close()
				got := ask(c, pollEndpoint(t, "http://127.0.0.1/"), 0)
				// What follows the last chunk is a trailer, which may be anything.
				done := strings.HasSuffix(text, "0\r\n") && strings.HasSuffix(filling, "\r\n\r\n") && got.failure == NoFailure
				if got.failure != FailureTooLarge && got.failure != FailureMalformed && !done {
					t.Errorf("%q and %q for ever: %q %v", text, filling, got.failure, got.Err)
				}
				// Framing costs bytes, too, but not without limit.
				if most := 8 * (MaxBody + MaxHead); endless.sent > most {
					t.Errorf("%q and %q for ever: %d bytes were read, more than %d", text, filling, endless.sent, most)
				}
				if cap(c.buf) > 2*MaxHead || cap(c.body) > 2*MaxBody || cap(c.out) > 4<<10 {
					t.Errorf("%q and %q for ever: buffers of %d and %d bytes", text, filling, cap(c.buf), cap(c.body))
				}
			})
		}
	}
}

// endlessConn answers without end.
type endlessConn struct {
	early
	text, filling string
	sent          int
}

func (e *endlessConn) Write(b []byte) (int, error) { return len(b), nil }
func (e *endlessConn) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		if e.text == "" {
			e.text = e.filling
		}
		k := copy(b[n:], e.text)
		e.text = e.text[k:]
		n += k
	}
	e.sent += n
	return n, nil
}

// TestNoAllocations: a poll that goes well allocates nothing, on any kept
// connection, whatever the framing of the answer.
func TestNoAllocations(t *testing.T) {
	for _, policy := range []string{"reuse", "per-device"} {
		for name, text := range map[string]string{
			"fixed length": "HTTP/1.1 400 Bad Request\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: 33\r\nCache-Control: no-store\r\n\r\n" + `{"error":"authorization_pending"}`,
			"chunked":      "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n21\r\n" + `{"error":"authorization_pending"}` + "\r\n0\r\n\r\n",
		} {
			t.Run(policy+" "+name, func(t *testing.T) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				e := pollEndpoint(t, "http://"+l.Addr().String()+"/token")
				var a Answer
				request := Request{Endpoint: e, Code: []byte("a-device-code"), Slot: 1}
				size := len(e.AppendRequest(nil, request.Code, false))
				go func() { // which allocates nothing, either
					c, err := l.Accept()
					if err != nil {
						return
					}
					defer c.Close()
					in, out := make([]byte, size), []byte(text)
					for {
						if _, err := io.ReadFull(c, in); err != nil {
							return
						}
						if _, err := c.Write(out); err != nil {
							return
						}
					}
				}()
				tr := NewLean(transportOptions(t, policy, nil))
				defer tr.Close()
				c := tr.Connect()
				defer c.Close()
				got := testing.AllocsPerRun(200, func() {
					if failure := c.Do(&request, &a); failure != NoFailure {
						t.Error(failure, a.Err)
					}
				})
				if got != 0 {
					t.Errorf("%.1f allocations for each poll", got)
				}
			})
		}
	}
}

// mustParse is a URL of a test.
func mustParse(t testing.TB, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
