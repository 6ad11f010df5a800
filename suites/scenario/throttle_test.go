package scenario

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// slowing is a server in memory with a throttle of one kind.
type slowing struct {
	interval int // advertised, in seconds
	// window is what is enforced at first; 0: nothing is.
	window time.Duration
	// grows is what each slow_down adds to it.
	grows time.Duration
	// fromAccepted counts it from the last poll that was not too early.
	fromAccepted bool
	// fromIssue counts the first one from the codes.
	fromIssue bool
	// chases moves the end of the window away from whoever polls: nobody who
	// was slowed down once is ever accepted again.
	chases bool
	// seconds truncates the times to whole seconds before comparing.
	seconds bool
	// strict wants more than the window.
	strict bool
	// limit answers 429 to the polls beyond so many in a second; 0: none.
	limit int
	// latency is how long a request travels, at random between the two.
	latency [2]time.Duration

	mu     sync.Mutex
	random *rand.Rand
	codes  map[string]*slowed
	second map[int64]int
}

type slowed struct {
	last   time.Time
	window time.Duration
	slows  int
}

func (s *slowing) travel() {
	s.mu.Lock()
	d := s.latency[0] + time.Duration(s.random.Int64N(int64(max(1, s.latency[1]-s.latency[0]))))
	s.mu.Unlock()
	time.Sleep(d)
}

func (s *slowing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.travel()
	defer s.travel()
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	now := time.Now()
	if r.URL.Path == "/device" {
		code := fmt.Sprint("code-", len(s.codes))
		c := &slowed{window: s.window}
		if s.fromIssue {
			c.last = now
		}
		s.codes[code] = c
		fmt.Fprintf(w, `{"device_code":%q,"user_code":"u","verification_uri":"http://scripted/","expires_in":600,"interval":%d}`, code, s.interval)
		return
	}
	if s.limit > 0 {
		if s.second[now.Unix()]++; s.second[now.Unix()] > s.limit {
			w.WriteHeader(429)
			return
		}
	}
	if err := r.ParseForm(); err != nil {
		w.WriteHeader(500)
		return
	}
	answer := "authorization_pending"
	if s.codes[r.PostForm.Get("device_code")].early(s, now) {
		answer = "slow_down"
	}
	w.WriteHeader(400)
	fmt.Fprintf(w, `{"error":%q}`, answer)
}

// early says whether a poll comes too early, and notes it.
func (c *slowed) early(s *slowing, now time.Time) bool {
	last := c.last
	since := now.Sub(last)
	if s.seconds {
		since = now.Truncate(time.Second).Sub(last.Truncate(time.Second))
	}
	early := s.window > 0 && !last.IsZero() && (since < c.window || s.strict && since == c.window)
	if early {
		c.slows++
		c.window += s.grows
		if s.chases {
			c.window = 1000 * time.Hour
		}
	}
	if !early || !s.fromAccepted {
		c.last = now
	}
	return early
}

// measure runs the throttle scenario against the server in virtual time.
func (s *slowing) measure(t *testing.T, clockRate float64) rules.Throttle {
	t.Helper()
	s.random, s.codes, s.second = rand.New(rand.NewPCG(1, 2)), map[string]*slowed{}, map[int64]int{}
	if s.interval == 0 {
		s.interval = 5
	}
	said := tellTo(t, s, transcript.Throttle, clockRate)
	if said.Broken != "" {
		t.Fatal(said.Broken)
	}
	measured, ok := rules.MeasureThrottle(said)
	if !ok {
		t.Fatal("nothing was measured:", said.Aborted)
	}
	if took := said.Ended - said.Started; took > 30*time.Second && s.interval == 5 && measured.Class != rules.ThrottleLivelock {
		t.Errorf("it took %s", took)
	}
	return measured
}

const (
	s5  = 5 * time.Second
	s10 = 10 * time.Second
)

// TestThrottleClasses lets servers of every kind be measured, near and far.
func TestThrottleClasses(t *testing.T) {
	ms := time.Millisecond
	networks := map[string][2]time.Duration{
		"on loopback":     {0, ms},
		"30 ms away":      {10 * ms, 20 * ms},
		"300 ms ± 200 ms": {50 * ms, 250 * ms},
	}
	for _, test := range []struct {
		name   string
		server *slowing
		want   rules.ThrottleClass
		first  bool
		from   string
	}{
		{name: "none", server: &slowing{}, want: rules.ThrottleNone},
		{name: "from accepted", server: &slowing{window: s5, fromAccepted: true}, want: rules.ThrottleAccepted, from: "accepted poll"},
		{name: "from any", server: &slowing{window: s5}, want: rules.ThrottleAny, from: "any poll"},
		{name: "from any, strict", server: &slowing{window: s5, strict: true}, want: rules.ThrottleAny, from: "any poll"},
		{name: "from any, whole seconds", server: &slowing{window: s5, seconds: true}, want: rules.ThrottleAny, from: "any poll"},
		{name: "from any, the first from the codes", server: &slowing{window: s5, fromIssue: true}, want: rules.ThrottleAny, first: true, from: "any poll"},
		{name: "escalating", server: &slowing{window: s5, grows: s5}, want: rules.ThrottleEscalating, from: "any poll"},
		{name: "escalating, whole seconds", server: &slowing{window: s5, grows: s5, seconds: true}, want: rules.ThrottleEscalating},
		{name: "escalating from accepted", server: &slowing{window: s5, grows: s5, fromAccepted: true}, want: rules.ThrottleEscalating, from: "accepted poll"},
		{name: "escalating, the first from the codes", server: &slowing{window: s5, grows: s5, fromIssue: true}, want: rules.ThrottleEscalating, first: true, from: "any poll"},
		{name: "escalating by three", server: &slowing{window: s5, grows: 3 * time.Second}, want: rules.ThrottleEscalating},
		{name: "ten more for each", server: &slowing{window: s5, grows: s10}, want: rules.ThrottleLivelock},
		{name: "runs away", server: &slowing{window: s5, chases: true}, want: rules.ThrottleLivelock},
		{name: "a hard limit", server: &slowing{limit: 3}, want: rules.ThrottleLimit},
	} {
		for network, latency := range networks {
			t.Run(test.name+"/"+network, func(t *testing.T) {
				test.server.latency = latency
				got := test.server.measure(t, 1)
				if got.Class != test.want || got.FirstPoll != test.first || test.from != "" && got.CountedFrom != test.from {
					t.Errorf("%s, first poll %t, from %q; want %s, %t, %q\n%s\n%s", got.Class, got.FirstPoll, got.CountedFrom, test.want, test.first, test.from, got, got.Picture())
				}
			})
		}
	}
}

// TestThrottleFigures: what is said about the boundary is true of the server.
func TestThrottleFigures(t *testing.T) {
	ms := time.Millisecond
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		window := time.Duration(4000+r.IntN(1500)) * ms
		grows := time.Duration(r.IntN(11)) * 500 * ms
		latency := time.Duration(r.IntN(300)) * ms
		server := &slowing{window: window, grows: grows, latency: [2]time.Duration{latency / 4, latency}}
		got := server.measure(t, 1)
		within := func(what string, r *rules.ThrottleRange, truth time.Duration) {
			if r == nil {
				return
			}
			at, off := float64(truth-s5)/float64(ms), r.UncertaintyMS+1
			if r.RefusedMS != nil && *r.RefusedMS-off > at || r.AcceptedMS != nil && *r.AcceptedMS+off < at {
				t.Errorf("seed %d, %s: %v is not within %+v\n%s", seed, what, truth, r, got)
			}
		}
		within("the boundary", got.Boundary, window)
		within("after one", got.AfterOne, window+grows)
		within("after three", got.AfterThree, window+3*grows)
	}
}

// TestThrottleAtAFastClock: what belongs to the network does not shrink, and
// the class is the same.
func TestThrottleAtAFastClock(t *testing.T) {
	for want, server := range map[rules.ThrottleClass]*slowing{
		rules.ThrottleNone:       {},
		rules.ThrottleAny:        {window: time.Second},
		rules.ThrottleEscalating: {window: time.Second, grows: time.Second},
		rules.ThrottleAccepted:   {window: time.Second, fromAccepted: true},
	} {
		server.latency = [2]time.Duration{0, 2 * time.Millisecond}
		if got := server.measure(t, 5); got.Class != want {
			t.Errorf("%s, want %s\n%s\n%s", got.Class, want, got, got.Picture())
		}
	}
}

// TestThrottleOfOtherIntervals: where the interval is too short for one of the
// questions, the others are still answered.
func TestThrottleOfOtherIntervals(t *testing.T) {
	for _, interval := range []int{1, 2, 30} {
		server := &slowing{interval: interval, window: time.Duration(interval) * time.Second}
		got := server.measure(t, 1)
		if !strings.HasPrefix(string(got.Class), "fixed") {
			t.Errorf("interval %d: %s\n%s", interval, got, got.Picture())
		}
	}
}
