package loadgen

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
	"github.com/devicegrant/devicegrant/profiles"
)

// hostile is a target that does its worst, on net.Pipe and the virtual clock.
type hostile struct {
	// do answers one request, and says whether the connection goes on.
	do func(h *hostile, w io.Writer, r *http.Request) bool
	// connect replaces the dial; nil: a pipe.
	connect func(ctx context.Context) (net.Conn, error)
	// polite serves device authorization requests as it should.
	polite bool

	requests, codes, sent atomic.Int64
	serving               sync.WaitGroup
}

const (
	pendingBody = `{"error":"authorization_pending"}`
	tokenBody   = `{"access_token":"of-somebody-else","token_type":"Bearer"}`
)

func answerOf(status int, fields, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s", status, fields, len(body), body)
}

// good is what an honest server would say.
func (h *hostile) good(r *http.Request) string {
	if r.URL.Path == "/device" {
		n := h.codes.Add(1)
		return answerOf(200, "", fmt.Sprintf(`{"device_code":"d%d","user_code":"U-%d","verification_uri":"http://127.0.0.1/","expires_in":3600,"interval":5}`, n, n))
	}
	return answerOf(400, "", pendingBody)
}

func (h *hostile) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if h.connect != nil {
		return h.connect(ctx)
	}
	client, server := net.Pipe()
	h.serving.Go(func() {
		defer server.Close()
		in := bufio.NewReader(server)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			h.requests.Add(1)
			if h.polite && r.URL.Path == "/device" {
				if _, err := io.WriteString(server, h.good(r)); err != nil {
					return
				}
				continue
			}
			if !h.do(h, server, r) {
				return
			}
		}
	})
	return &countedConn{client, &h.sent}, nil
}

// countedConn counts what the generator reads.
type countedConn struct {
	net.Conn
	n *atomic.Int64
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// says writes a text and goes on if it could.
func says(w io.Writer, text string) bool {
	if text == "" {
		return true // on a pipe that is a read of nothing
	}
	_, err := io.WriteString(w, text)
	return err == nil
}

// forEver writes a text until nobody reads it any more.
func forEver(start, text string) func(*hostile, io.Writer, *http.Request) bool {
	text = strings.Repeat(text, max(1, 1024/len(text)))
	return func(_ *hostile, w io.Writer, _ *http.Request) bool {
		for ok := says(w, start); ok; ok = says(w, text) {
		}
		return false
	}
}

// hostilePlan is a minute of some devices that nobody decides about.
func hostilePlan(policy, transport string) profiles.Plan {
	return profiles.Plan{Devices: 20, Duration: time.Minute, WarmUp: new(10 * time.Second), Timeout: 3 * time.Second, Phases: "none",
		Arrival: profiles.Arrival{Over: 5 * time.Second}, Mix: profiles.Mix{Approve: new(0.0), Expire: new(1.0)}, Transport: transport,
		Connections: profiles.Connections{Policy: policy}, Thresholds: []string{"poll_latency p(99)<1s", "errors rate<0.001"}}
}

// TestHostile: whatever the target does, a run ends when it should, within its
// bounds, and says what happened.
func TestHostile(t *testing.T) {
	const noFailure = ""
	for _, c := range []struct {
		name    string
		do      func(*hostile, io.Writer, *http.Request) bool
		connect func(context.Context) (net.Conn, error)
		outcome outcome
		failure string
	}{
		{"a byte every 100 ms", func(h *hostile, w io.Writer, r *http.Request) bool {
			for _, b := range h.good(r) {
				time.Sleep(100 * time.Millisecond)
				if !says(w, string(b)) {
					return false
				}
			}
			return true
		}, nil, outcomeTimedOut, "timeout"},
		{"never answers", func(_ *hostile, w io.Writer, _ *http.Request) bool {
			_, _ = io.Copy(io.Discard, w.(net.Conn))
			return false
		}, nil, outcomeTimedOut, "timeout"},
		{"an endless body", forEver("HTTP/1.1 200 OK\r\n\r\n", "x"), nil, outcomeLost, "too-large"},
		{"an endless body in chunks", forEver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "40\r\n"+strings.Repeat("x", 64)+"\r\n"), nil, outcomeLost, "too-large"},
		{"an endless chunk line", forEver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"), nil, outcomeLost, "too-large"},
		{"an endless trailer", forEver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"), nil, outcomeLost, "too-large"},
		{"an endless head", forEver("HTTP/1.1 200 OK\r\n", "X: y\r\n"), nil, outcomeLost, "too-large"},
		{"an endless line", forEver("HTTP/1.1 200 OK\r\nX: ", "y"), nil, outcomeLost, "too-large"},
		{"interim answers for ever", forEver("", "HTTP/1.1 102 X\r\n\r\n"), nil, outcomeLost, "too-large"},
		{"hangs up before an answer", func(*hostile, io.Writer, *http.Request) bool { return false }, nil, outcomeLost, "reset"},
		{"hangs up within an answer", func(h *hostile, w io.Writer, r *http.Request) bool {
			good := h.good(r)
			says(w, good[:len(good)-1])
			return false
		}, nil, outcomeLost, "reset"},
		{"garbage", func(_ *hostile, w io.Writer, _ *http.Request) bool {
			return says(w, strings.Repeat("\x16\x03\x01\x00\xffgarbage", 200)+"\n\n")
		}, nil, outcomeLost, "malformed"},
		{"two lengths", func(_ *hostile, w io.Writer, _ *http.Request) bool {
			return says(w, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx")
		}, nil, outcomeLost, "malformed"},
		{"503 only", func(_ *hostile, w io.Writer, _ *http.Request) bool {
			return says(w, answerOf(503, "Retry-After: 7\r\n", "busy"))
		}, nil, outcomeUnavailable, noFailure},
		{"503 with a Retry-After of years", func(_ *hostile, w io.Writer, _ *http.Request) bool {
			return says(w, answerOf(503, "Retry-After: 2147483640\r\n", "busy"))
		}, nil, outcomeUnavailable, noFailure},
		{"a login page", func(_ *hostile, w io.Writer, _ *http.Request) bool {
			return says(w, answerOf(200, "", "<html>please log in</html>"))
		}, nil, outcomeNotUnderstood, noFailure},
		{"redirects", func(_ *hostile, w io.Writer, _ *http.Request) bool {
			return says(w, answerOf(302, "Location: http://127.0.0.1/loop\r\n", ""))
		}, nil, outcomeNotUnderstood, noFailure},
		{"refuses connections", nil, func(context.Context) (net.Conn, error) { return nil, errors.New("connection refused") }, outcomeLost, "dial"},
		{"swallows connections", nil, func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }, outcomeTimedOut, "timeout"},
		{"hangs up at once", nil, func(context.Context) (net.Conn, error) {
			client, server := net.Pipe()
			server.Close()
			return client, nil
		}, outcomeLost, "reset"},
	} {
		for _, policy := range []string{"reuse", "per-device", "per-poll"} {
			for _, polite := range []bool{false, true} {
				// Both with the usual policy, one with each of the others.
				if polite && (c.connect != nil || policy == "per-poll") || !polite && c.connect == nil && policy == "per-device" {
					continue
				}
				name := c.name + ", " + policy
				if polite {
					name += ", to polls"
				}
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						h := &hostile{do: c.do, connect: c.connect, polite: polite}
						r := runHostile(t, h, hostilePlan(policy, "lean"))
						if r.Verdict != Missed || r.ExitCode != ExitMissed {
							t.Errorf("verdict %s, exit %d: %v %+v", r.Verdict, r.ExitCode, r.Validity.Reasons, r.Thresholds)
						}
						kind := kindIssue
						if polite {
							kind = kindPoll
						}
						bad := counted(r, kind, c.outcome)
						if want := int64(20); bad < want {
							t.Errorf("%d of %s %s, want at least %d: %+v", bad, kind, c.outcome, want, r.Requests)
						}
						for _, n := range r.Requests {
							if (n.Kind != kind.String() || n.Answer != c.outcome.String()) && (n.Kind != "issue" || n.Answer != "codes" || !polite) {
								t.Errorf("%+v, which never happened", n)
							}
						}
						failures := map[string]int64{}
						if c.failure != "" {
							failures[c.failure] = bad
						}
						if fmt.Sprint(r.Transport.Failures) != fmt.Sprint(failures) {
							t.Errorf("failures %v, want %v", r.Transport.Failures, failures)
						}
						if c.failure != "" && r.Transport.FirstFailures[c.failure] == "" {
							t.Errorf("no reason for the first failure: %v", r.Transport.FirstFailures)
						}
						if c.outcome == outcomeUnavailable && r.SlowDown.Unavailable != bad {
							t.Errorf("%d answers with 503, want %d", r.SlowDown.Unavailable, bad)
						}
						if counted(r, kindPoll, outcomeToken) != 0 || !r.Ledger.Clean {
							t.Errorf("tokens from nowhere: %+v", r.Ledger)
						}
					})
				})
			}
		}
	}
}

// runHostile carries out a plan, and checks what holds for every target.
func runHostile(t *testing.T, h *hostile, plan profiles.Plan) Result {
	t.Helper()
	var before, after runtime.MemStats
	look := func(m *runtime.MemStats) {
		if plan.Connections.Policy == "reuse" { // one in three: it takes its time
			runtime.GC()
			runtime.ReadMemStats(m)
		}
	}
	look(&before)
	v := newVirtual(5*time.Second, time.Hour) // for its site
	r, err := Run(t.Context(), Options{Plan: plan, Site: v.site(t), dial: h.dial})
	if err != nil {
		t.Fatal(err)
	}
	h.serving.Wait()
	look(&after)
	// All on the virtual clock: nothing takes time but what waits.
	if most := (plan.Duration + plan.Timeout).Seconds() + 0.2; r.Aborted == "" && (r.EndedS < plan.Duration.Seconds() || r.EndedS > most) {
		t.Errorf("the run ended after %g s, planned were %s and at most a timeout of %s", r.EndedS, plan.Duration, plan.Timeout)
	}
	total := int64(0)
	for _, n := range r.Requests {
		total += n.Count
	}
	// A request that a kept connection took with it went out twice.
	if saw := h.requests.Load(); h.connect == nil && (saw < total || saw > total+r.Transport.Resent) {
		t.Errorf("the target saw %d requests, the generator counts %d: %+v", h.requests.Load(), total, r.Requests)
	}
	if most := total * 8 * (transport.MaxHead + transport.MaxBody); h.sent.Load() > most {
		t.Errorf("%d bytes were read in %d requests", h.sent.Load(), total)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
	for _, s := range r.Samples {
		if len(s.Request)+len(s.Response) > 3*maxSampleText {
			t.Errorf("a sample of %d bytes", len(s.Request)+len(s.Response))
		}
	}
	runtime.KeepAlive(r)
	return r
}

// TestHostileButRight: targets that only make connections hard lose nothing.
func TestHostileButRight(t *testing.T) {
	for _, policy := range []string{"reuse", "per-device", "per-poll"} {
		for _, c := range []struct {
			name     string
			do       func(*hostile, io.Writer, *http.Request) bool
			reusable bool
			resent   bool
		}{
			{"honest", func(h *hostile, w io.Writer, r *http.Request) bool { return says(w, h.good(r)) }, true, false},
			{"closes after each answer", func(h *hostile, w io.Writer, r *http.Request) bool { says(w, h.good(r)); return false }, false, true},
			{"says so", func(h *hostile, w io.Writer, r *http.Request) bool {
				says(w, strings.Replace(h.good(r), "\r\n", "\r\nConnection: close\r\n", 1))
				return false
			}, false, false},
			{"somebody else's token behind each answer", func(h *hostile, w io.Writer, r *http.Request) bool {
				return says(w, h.good(r)+answerOf(200, "", tokenBody))
			}, false, false},
			{"half an answer behind each answer", func(h *hostile, w io.Writer, r *http.Request) bool {
				return says(w, h.good(r)+"HTTP/1.1 200 OK\r\nContent-Le")
			}, false, false},
			{"pieces", func(h *hostile, w io.Writer, r *http.Request) bool {
				for _, b := range h.good(r) {
					if !says(w, string(b)) {
						return false
					}
					time.Sleep(time.Millisecond)
				}
				return true
			}, true, false},
		} {
			t.Run(c.name+", "+policy, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := &hostile{do: c.do}
					r := runHostile(t, h, hostilePlan(policy, "lean"))
					if r.Verdict != Held || r.ExitCode != ExitHeld {
						t.Errorf("verdict %s, exit %d: %+v %v", r.Verdict, r.ExitCode, r.Thresholds, r.Transport.FirstFailures)
					}
					codes, pending := counted(r, kindIssue, outcomeCodes), counted(r, kindPoll, outcomePending)
					if codes != 20 || pending < 20*10 || len(r.Requests) != 2 || !r.Ledger.Clean || r.Ledger.Tokens != 0 || len(r.Transport.Failures) != 0 {
						t.Errorf("%+v %+v %v", r.Requests, r.Ledger, r.Transport.Failures)
					}
					x := r.Transport
					if reused := x.Dialled < codes+pending; reused != (c.reusable && policy != "per-poll") {
						t.Errorf("%d connections for %d requests", x.Dialled, codes+pending)
					}
					if (x.Resent > 0) != (c.resent && policy != "per-poll") || x.Resent > x.Dialled {
						t.Errorf("%d sent again, on %d connections", x.Resent, x.Dialled)
					}
				})
			})
		}
	}
}

// TestHostileAborts: a threshold that aborts ends a hopeless run early.
func TestHostileAborts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hostile{do: func(*hostile, io.Writer, *http.Request) bool { return false }}
		plan := hostilePlan("reuse", "lean")
		plan.Thresholds = []string{"errors rate<0.5 abort"}
		r := runHostile(t, h, plan)
		if r.Verdict != Missed || r.ExitCode != ExitMissed || !strings.Contains(r.Aborted, "errors") || r.EndedS > 20 {
			t.Errorf("verdict %s, exit %d, aborted %q after %g s", r.Verdict, r.ExitCode, r.Aborted, r.EndedS)
		}
	})
}

// TestHostileWithoutThreshold: a plan that asks nothing about errors, or about
// polls that never came to be, must not pass where nothing worked.
func TestHostileWithoutThreshold(t *testing.T) {
	for name, do := range map[string]func(*hostile, io.Writer, *http.Request) bool{
		"503":        func(_ *hostile, w io.Writer, _ *http.Request) bool { return says(w, answerOf(503, "", "")) },
		"login page": func(_ *hostile, w io.Writer, _ *http.Request) bool { return says(w, answerOf(200, "", "<html>")) },
		"reset":      func(*hostile, io.Writer, *http.Request) bool { return false },
		"no client": func(_ *hostile, w io.Writer, _ *http.Request) bool {
			return says(w, answerOf(400, "", `{"error":"invalid_client"}`))
		},
	} {
		for _, thresholds := range [][]string{nil, {"poll_latency p(99)<1s"}} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					plan := hostilePlan("reuse", "lean")
					plan.Thresholds = thresholds
					if r := runHostile(t, &hostile{do: do}, plan); r.Verdict == Held || r.ExitCode == 0 {
						t.Errorf("thresholds %v: verdict %s, exit %d, answers %+v", thresholds, r.Verdict, r.ExitCode, r.Requests)
					}
				})
			})
		}
	}
}

// TestHostileInterrupted: somebody ends a run against a target that never
// answers. Nothing is waited for much longer than the timeout.
func TestHostileInterrupted(t *testing.T) {
	for name, connect := range map[string]func(context.Context) (net.Conn, error){
		"silent":   nil,
		"swallows": func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hostile{connect: connect, do: func(_ *hostile, w io.Writer, _ *http.Request) bool {
					_, _ = io.Copy(io.Discard, w.(net.Conn))
					return false
				}}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(20500*time.Millisecond, cancel)
				plan := hostilePlan("reuse", "lean")
				plan.Timeout = 40 * time.Second // longer than anybody waits
				r, err := Run(ctx, Options{Plan: plan, Site: newVirtual(time.Second, time.Hour).site(t), dial: h.dial})
				if err != nil {
					t.Fatal(err)
				}
				h.serving.Wait()
				if r.Verdict != Stopped || r.ExitCode != ExitInterrupted || r.EndedS > 20.5+lastWait.Seconds()+0.5 {
					t.Errorf("verdict %s, exit %d after %g s", r.Verdict, r.ExitCode, r.EndedS)
				}
				if counted(r, kindIssue, outcomeCensored) != 20 || len(r.Requests) != 1 || len(r.Transport.Failures) != 0 {
					t.Errorf("%+v, failures %v", r.Requests, r.Transport.Failures)
				}
			})
		})
	}
}
