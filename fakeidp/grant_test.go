package fakeidp

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var epoch = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func newTestGrant() *grant {
	return &grant{
		client:    &Client{ID: "device"},
		requested: []string{"a", "b"},
		issued:    epoch,
		expires:   epoch.Add(10 * time.Minute),
		forgotten: epoch.Add(20 * time.Minute),
		interval:  5 * time.Second,
		polls:     history{limit: 8},
	}
}

var testUser = &User{Name: "alice"}

// reach brings a new grant into a state, with its latest poll at epoch.
func reach(t *testing.T, s state) *grant {
	t.Helper()
	g := newTestGrant()
	g.poll(epoch)
	var err error
	switch s {
	case stateSlowed:
		g.poll(epoch)
	case stateApproved, stateRedeemed:
		err = g.approve(epoch, testUser, []string{"a"})
	case stateDenied:
		err = g.deny(epoch)
	case stateExpired:
		err = g.expire(epoch)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s == stateRedeemed {
		g.poll(epoch)
	}
	if g.state != s {
		t.Fatalf("the grant is %v, want %v", g.state, s)
	}
	return g
}

// TestStateTable is the table at the head of grant.go.
func TestStateTable(t *testing.T) {
	const inTime, tooFast, afterLifetime = 15 * time.Second, time.Second, 10 * time.Minute
	for _, row := range []struct {
		state       state
		inTime      answer
		afterInTime state
		tooFast     answer
		afterFast   state
		refusal     error
		late        answer
		afterLate   state
	}{
		{statePending, answerPending, statePending, answerSlowDown, stateSlowed, nil, answerExpired, stateExpired},
		{stateSlowed, answerPending, stateSlowed, answerSlowDown, stateSlowed, nil, answerExpired, stateExpired},
		{stateApproved, answerTokens, stateRedeemed, answerTokens, stateRedeemed, ErrDecided, answerExpired, stateExpired},
		{stateDenied, answerDenied, stateDenied, answerDenied, stateDenied, ErrDecided, answerDenied, stateDenied},
		{stateExpired, answerExpired, stateExpired, answerExpired, stateExpired, ErrExpired, answerExpired, stateExpired},
		{stateRedeemed, answerInvalid, stateRedeemed, answerInvalid, stateRedeemed, ErrDecided, answerInvalid, stateRedeemed},
	} {
		t.Run(row.state.String(), func(t *testing.T) {
			for _, poll := range []struct {
				what  string
				after time.Duration
				want  answer
				then  state
			}{
				{"poll in time", inTime, row.inTime, row.afterInTime},
				{"poll too fast", tooFast, row.tooFast, row.afterFast},
				{"poll after the lifetime", afterLifetime, row.late, row.afterLate},
			} {
				g := reach(t, row.state)
				if got, _ := g.poll(epoch.Add(poll.after)); got != poll.want || g.state != poll.then {
					t.Errorf("%s: %v → %v, want %v → %v", poll.what, got, g.state, poll.want, poll.then)
				}
			}
			now := epoch.Add(time.Second)
			for what, decide := range map[string]func(*grant) error{
				"approve": func(g *grant) error { return g.approve(now, testUser, []string{"a"}) },
				"deny":    func(g *grant) error { return g.deny(now) },
			} {
				g := reach(t, row.state)
				if err := decide(g); !errors.Is(err, row.refusal) {
					t.Errorf("%s: %v, want %v", what, err, row.refusal)
				}
				if row.refusal != nil && g.state != row.state {
					t.Errorf("%s was refused, but left the grant %v", what, g.state)
				}
			}
		})
	}
}

func TestDecisionAfterTheLifetimeHasNoEffect(t *testing.T) {
	g := newTestGrant()
	if err := g.approve(g.expires, testUser, []string{"a"}); !errors.Is(err, ErrExpired) {
		t.Errorf("approve: %v, want %v", err, ErrExpired)
	}
	if a, _ := g.poll(g.expires); a != answerExpired {
		t.Errorf("poll: %v, want %v", a, answerExpired)
	}
}

func TestExpireTouchesNoFinalState(t *testing.T) {
	for _, s := range []state{stateDenied, stateRedeemed} {
		g := reach(t, s)
		if err := g.expire(epoch); !errors.Is(err, ErrDecided) || g.state != s {
			t.Errorf("expire of a %v grant: %v, and it is %v", s, err, g.state)
		}
	}
	g := reach(t, stateApproved)
	if err := g.expire(epoch); err != nil || g.state != stateExpired {
		t.Errorf("expire of an approved grant: %v, and it is %v", err, g.state)
	}
}

// TestPacing follows one grant through polls at given times.
func TestPacing(t *testing.T) {
	const p, s = answerPending, answerSlowDown
	for _, test := range []struct {
		name string
		at   []time.Duration // seconds
		want []answer
	}{
		{"the first poll is never too fast", []time.Duration{0}, []answer{p}},
		{"exactly the interval is in time", []time.Duration{0, 5, 10}, []answer{p, p, p}},
		{"one slow_down adds five seconds for good", []time.Duration{0, 4, 14, 23}, []answer{p, s, p, s}},
		{"and five are enough", []time.Duration{0, 4, 14, 24, 34}, []answer{p, s, p, p, p}},
		{"slow_downs add up", []time.Duration{0, 1, 2, 3, 22}, []answer{p, s, s, s, s}},
		{"and a patient device recovers", []time.Duration{0, 1, 2, 3, 23}, []answer{p, s, s, s, p}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newTestGrant()
			for i, at := range test.at {
				if got, _ := g.poll(epoch.Add(at * time.Second)); got != test.want[i] {
					t.Errorf("poll at %d s: %v, want %v", at, got, test.want[i])
				}
			}
		})
	}
}

// TestObedientDeviceIsNeverSlowed delays requests and answers at will: a device
// that waits the interval from the receipt of an answer is always in time.
func TestObedientDeviceIsNeverSlowed(t *testing.T) {
	g := newTestGrant()
	now := epoch
	for i := range 50 {
		request := time.Duration(i*7919%400) * time.Millisecond
		response := time.Duration(i*104729%900) * time.Millisecond
		now = now.Add(request)
		if a, _ := g.poll(now); a != answerPending {
			t.Fatalf("poll %d: %v", i, a)
		}
		now = now.Add(response).Add(g.interval)
	}
}

func TestThrottleIsPerGrant(t *testing.T) {
	hammered, other := newTestGrant(), newTestGrant()
	for range 10 {
		hammered.poll(epoch)
	}
	if a, _ := other.poll(epoch); a != answerPending {
		t.Errorf("another grant was answered %v", a)
	}
}

// TestSingleUseUnderRace runs with -race in mind: one of many simultaneous
// polls gets the tokens.
func TestSingleUseUnderRace(t *testing.T) {
	for range 200 {
		g := reach(t, stateApproved)
		var winners atomic.Int32
		var ready, done sync.WaitGroup
		start := make(chan struct{})
		for range 16 {
			ready.Add(1)
			done.Go(func() {
				ready.Done()
				<-start
				if a, family := g.poll(epoch.Add(time.Minute)); a == answerTokens && family != nil {
					winners.Add(1)
				}
			})
		}
		ready.Wait()
		close(start)
		done.Wait()
		if winners.Load() != 1 {
			t.Fatalf("%d polls were given tokens", winners.Load())
		}
	}
}

// TestOneDecisionUnderRace lets two people decide while the device polls.
func TestOneDecisionUnderRace(t *testing.T) {
	for range 200 {
		g := newTestGrant()
		var effective atomic.Int32
		var done sync.WaitGroup
		for _, user := range []*User{testUser, {Name: "bob"}} {
			done.Go(func() {
				if g.approve(epoch, user, []string{"a"}) == nil {
					effective.Add(1)
				}
			})
		}
		done.Go(func() {
			if g.deny(epoch) == nil {
				effective.Add(1)
			}
		})
		done.Go(func() { g.poll(epoch) })
		done.Wait()
		if effective.Load() != 1 {
			t.Fatalf("%d decisions had an effect", effective.Load())
		}
	}
}

func TestHistoryKeepsTheLatest(t *testing.T) {
	g := newTestGrant()
	for i := range 11 {
		g.poll(epoch.Add(time.Duration(i*10) * time.Second))
	}
	polls := g.polls.polls()
	if len(polls) != 8 || g.polls.count != 11 {
		t.Fatalf("%d polls are kept of %d, want 8 of 11", len(polls), g.polls.count)
	}
	for i, poll := range polls {
		if want := float64((i + 3) * 10); poll.At != want {
			t.Errorf("poll %d is at %v s, want %v s", i, poll.At, want)
		}
	}
	var none history
	none.add(0, answerPending, true)
	if len(none.polls()) != 0 || none.early != 1 {
		t.Errorf("a history without room keeps %v and counts %d", none.polls(), none.early)
	}
}
