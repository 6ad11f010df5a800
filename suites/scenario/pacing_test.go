package scenario

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// scripted is a server in memory that issues codes and answers polls from a
// script, and notes when each poll came.
type scripted struct {
	issue string
	// polls are "error" or "status Retry-After"; the last one repeats.
	polls []string

	mu    sync.Mutex
	times []time.Time
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/device" {
		fmt.Fprint(w, s.issue)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.polls[min(len(s.times), len(s.polls)-1)]
	s.times = append(s.times, time.Now())
	var status, after int
	if n, _ := fmt.Sscanf(answer, "%d %d", &status, &after); n == 2 {
		w.Header().Set("Retry-After", fmt.Sprint(after))
		w.WriteHeader(status)
		return
	}
	w.WriteHeader(400)
	fmt.Fprintf(w, `{"error":%q}`, answer)
}

// tell runs one scenario against a scripted server in virtual time, and
// returns the gaps between polls, the first one from the issue of the code.
func (s *scripted) tell(t *testing.T, name string, rate float64) (said transcript.Transcript, gaps []time.Duration) {
	t.Helper()
	var last time.Time
	said = tellTo(t, s, name, rate, func() { last = time.Now() })
	for _, poll := range s.times {
		gaps = append(gaps, poll.Sub(last))
		last = poll
	}
	return said, gaps
}

// tellTo runs one scenario against a server in virtual time.
func tellTo(t *testing.T, handler http.Handler, name string, rate float64, before ...func()) (said transcript.Transcript) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pipes := &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: handler}
		go server.Serve(pipes)
		defer server.Close()
		clock := NewClock(rate)
		client := wire.New(wire.Options{Now: clock.Now, DialContext: pipes.dial})
		defer client.Close()
		at := profiles.Endpoints{DeviceAuthorization: "http://scripted/device", Token: "http://scripted/token"}
		r := NewRunner(&Environment{
			Profile: &profiles.Profile{Clients: profiles.Clients{Public: &profiles.Client{ID: "c"}}},
			Target:  Target{Endpoints: at, Expiry: at}, Wire: client, Clock: clock, Seed: 1,
		})
		for _, f := range before {
			f()
		}
		r.Start(t.Context(), name)
		said = r.Wait(name)
	})
	return said
}

// pipeListener accepts net.Pipe connections, which virtual time can see.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.connections <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.connections:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

const codesFor5s = `{"device_code":"d","user_code":"u","verification_uri":"http://scripted/","expires_in":600,"interval":5}`

func TestPacing(t *testing.T) {
	const s = time.Second
	repeat := func(n int, d time.Duration) (list []time.Duration) {
		for range n {
			list = append(list, d)
		}
		return list
	}
	for _, test := range []struct {
		name     string
		scenario string
		issue    string
		polls    []string
		rate     float64
		want     []time.Duration
	}{
		{"the interval and a guard band", transcript.SteadyPolling, codesFor5s, []string{"authorization_pending"}, 1, repeat(6, 6*s)},
		{"five seconds when none is named", transcript.SteadyPolling, `{"device_code":"d","expires_in":600}`, []string{"authorization_pending"}, 1, repeat(6, 6*s)},
		{"a hostile interval is bounded", transcript.SteadyPolling, `{"device_code":"d","interval":1e300}`, []string{"authorization_pending"}, 1, repeat(6, maxInterval+s)},
		{"the guard band does not shrink with the clock", transcript.SteadyPolling, codesFor5s, []string{"authorization_pending"}, 5, repeat(6, 2*s)},
		{"a second run with twice the guard band", transcript.SteadyPolling, codesFor5s, []string{"slow_down", "authorization_pending"}, 1,
			append(repeat(6, 6*s), repeat(6, 7*s)...)},
		{"too fast until slow_down, then five seconds more", transcript.ImpatientPolling, codesFor5s, []string{"authorization_pending", "slow_down", "authorization_pending"}, 1,
			[]time.Duration{0, burstGap, 11 * s, 11 * s, 11 * s}},
		{"five more for each slow_down", transcript.ImpatientPolling, codesFor5s, []string{"slow_down", "slow_down", "authorization_pending"}, 1,
			[]time.Duration{0, 11 * s, 16 * s, 16 * s}},
		{"no slow_down", transcript.ImpatientPolling, codesFor5s, []string{"authorization_pending"}, 1,
			[]time.Duration{0, burstGap, burstGap, burstGap, burstGap, 6 * s, 6 * s, 6 * s}},
		{"Retry-After is honoured, twice, but never below the interval", transcript.SteadyPolling, codesFor5s, []string{"503 7", "503 3", "503 7", "authorization_pending"}, 1,
			append([]time.Duration{6 * s, 7 * s}, repeat(6, 6*s)...)},
		{"a Retry-After longer than a run waits is no pause", transcript.SteadyPolling, codesFor5s, []string{"503 86400", "authorization_pending"}, 1, repeat(6, 6*s)},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &scripted{issue: test.issue, polls: test.polls}
			said, gaps := server.tell(t, test.scenario, test.rate)
			if said.Aborted != "" || said.Broken != "" {
				t.Fatalf("%s%s", said.Aborted, said.Broken)
			}
			if fmt.Sprint(gaps) != fmt.Sprint(test.want) {
				t.Errorf("polls after\n%v, want\n%v", gaps, test.want)
			}
		})
	}
}

func TestExpiryIsWaitedForOnce(t *testing.T) {
	server := &scripted{issue: `{"device_code":"d","expires_in":20,"interval":5}`, polls: []string{"authorization_pending"}}
	said, _ := server.tell(t, transcript.Expiry, 1)
	if n := len(said.Labelled("polled/alive")); n != 3 {
		t.Errorf("%d polls while the code lived, want 3", n)
	}
	for _, label := range []string{"untouched/expired", "polled/expired"} {
		polls := said.Labelled(label)
		if len(polls) != len(expiredAfter) {
			t.Errorf("%s: %d polls", label, len(polls))
			continue
		}
		if apart := polls[2].Sent - polls[0].Sent; apart < 15*time.Second || apart > 20*time.Second {
			t.Errorf("%s: the last poll came %s after the first one, want three intervals", label, apart)
		}
		if first := polls[0].Sent; first < 22*time.Second || first > 25*time.Second {
			t.Errorf("%s: the first poll came %s after the start, want shortly after the end at 20s", label, first)
		}
	}
	if total := said.Ended - said.Started; total > 45*time.Second {
		t.Errorf("two codes took %s: they did not share the wait", total)
	}
}

// TestShortLifetimesEndTheTheme: what an expired code is answered says nothing
// about pacing, so such a poll is not sent.
func TestShortLifetimesEndTheTheme(t *testing.T) {
	server := &scripted{issue: `{"device_code":"d","expires_in":30,"interval":5}`, polls: []string{"authorization_pending"}}
	said, gaps := server.tell(t, transcript.SteadyPolling, 1)
	if len(gaps) != 4 || said.Aborted == "" {
		t.Errorf("%d polls, aborted %q", len(gaps), said.Aborted)
	}
}

func TestLongLifetimesAreSkippedWithAWayOut(t *testing.T) {
	c := &conversation{Environment: &Environment{TimeBudget: time.Minute}}
	err := c.tooLong(10 * time.Minute)
	if err == nil {
		t.Fatal("ten minutes fit into one")
	}
	if got := err.Error(); got != "the code lifetime is 10m0s and the time budget is 1m0s: use --time-budget 11m0s, or set an expiry target with short-lived codes in the profile" {
		t.Error(got)
	}
	if err := c.tooLong(30 * time.Second); err != nil {
		t.Error(err)
	}
}
