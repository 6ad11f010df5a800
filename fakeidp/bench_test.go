package fakeidp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPendingPoll compares the CPU time of a poll for a pending code with
// that of a handler that answers the same bytes to anything, over the same kind
// of loopback connection with the same client. It reports "ratio", the pending
// polls per CPU-second divided by the constant answers per CPU-second: 1 would
// be a token endpoint that costs nothing beside net/http. The two take turns, so
// that whatever else the machine does hits both.
func BenchmarkPendingPoll(b *testing.B) {
	const devices, rounds = 512, 64
	s := NewServer(Config{DeviceCodeLifetime: 24 * time.Hour, Interval: time.Second, Clock: newManualClock()})
	defer s.Close()
	clock := s.clock.(*manualClock)
	constant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		errPending.write(w)
	}))
	defer constant.Close()

	client := s.clients["device-public"]
	codes := make([]string, devices)
	for i := range codes {
		g, ok := s.issue(client, client.Scopes, asked{})
		if !ok {
			b.Fatal("no user code was free")
		}
		codes[i] = g.deviceCode
	}
	polled := newBenchConn(b, s.URL, codes)
	answered := newBenchConn(b, constant.URL, codes)

	var pollCPU, constantCPU time.Duration
	b.ResetTimer()
	for done := 0; done < b.N; {
		n := min(rounds, b.N-done)
		before := cpuTime(b)
		for i := range n {
			// One turn of all devices later, the interval is over.
			if (done+i)%devices == 0 {
				clock.advance(time.Second)
			}
			polled.exchange(done + i)
		}
		between := cpuTime(b)
		for i := range n {
			answered.exchange(done + i)
		}
		pollCPU += between - before
		constantCPU += cpuTime(b) - between
		done += n
	}
	b.StopTimer()
	if seen := s.seen(mustFind(b, s.IdP, codes[0]), clock.Now()); seen.State != "pending" || seen.PollCount == 0 {
		b.Fatalf("the code was not just pending: %+v", seen)
	}
	b.ReportMetric(float64(constantCPU)/float64(pollCPU), "ratio")
	b.ReportMetric(float64(b.N)/pollCPU.Seconds(), "polls/cpu-s")
}

func mustFind(b *testing.B, p *IdP, code string) *grant {
	g, err := p.find(code)
	if err != nil {
		b.Fatal(err)
	}
	return g
}

// cpuTime is what this process has used, in user and kernel mode.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// benchConn is a client that costs next to nothing: its requests are ready, and
// it reads the header of an answer without understanding it.
type benchConn struct {
	b        *testing.B
	conn     net.Conn
	reader   *bufio.Reader
	requests [][]byte
}

func newBenchConn(b *testing.B, target string, codes []string) *benchConn {
	host := strings.TrimPrefix(target, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	c := &benchConn{b: b, conn: conn, reader: bufio.NewReader(conn)}
	for _, code := range codes {
		body := pollBody("device-public", code)
		c.requests = append(c.requests, fmt.Appendf(nil,
			"POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			host, formType, len(body), body))
	}
	return c
}

// exchange polls with the i-th code and takes the answer, which must be
// authorization_pending.
func (c *benchConn) exchange(i int) {
	if err := c.tryExchange(c.requests[i%len(c.requests)]); err != nil {
		c.b.Fatal(err)
	}
}

func (c *benchConn) tryExchange(request []byte) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
	}
	body, err := c.reader.Peek(len(errPending.body))
	if err != nil {
		return err
	}
	if string(body) != string(errPending.body) {
		return errors.New("another answer than authorization_pending")
	}
	_, err = io.CopyN(io.Discard, c.reader, int64(len(errPending.body)))
	return err
}
