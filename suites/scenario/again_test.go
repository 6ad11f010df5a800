package scenario

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/lateness"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// brief is a server in memory whose codes live a minute.
type brief struct {
	// takes is how long an answer takes, and watch, if there is one, sees a browser
	// that needs a second to react.
	takes time.Duration
	watch *lateness.Watch

	mu       sync.Mutex
	issued   map[string]time.Time
	approved map[string]bool
}

const briefLife = time.Minute

func (s *brief) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(s.takes)
	if s.watch != nil {
		s.watch.Browser(time.Second)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/device" {
		code := fmt.Sprint("code-", len(s.issued))
		s.issued[code] = time.Now()
		fmt.Fprintf(w, `{"device_code":%q,"user_code":%q,"verification_uri":"http://scripted/","expires_in":%d,"interval":5}`, code, code, int(briefLife.Seconds()))
		return
	}
	_ = r.ParseForm() // the suite's own forms
	code := r.PostForm.Get("device_code")
	switch {
	case s.approved[code]:
		fmt.Fprint(w, `{"access_token":"t","token_type":"Bearer"}`)
	case time.Since(s.issued[code]) > briefLife:
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error":"expired_token"}`)
	default:
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error":"authorization_pending"}`)
	}
}

// sluggish is a person on a machine that needs so long for each visit, the last
// of the times for all further ones.
type sluggish struct {
	server *brief

	mu    sync.Mutex
	takes []time.Duration
}

func (d *sluggish) Name() string { return "forms" }
func (d *sluggish) Close() error { return nil }
func (d *sluggish) NewAgent(context.Context) (useragent.Agent, error) {
	return sluggishAgent{d}, nil
}

type sluggishAgent struct{ d *sluggish }

func (sluggishAgent) Close() error { return nil }

func (s sluggishAgent) Journey(ctx context.Context, task useragent.Task) transcript.Journey {
	s.d.mu.Lock()
	takes := s.d.takes[0]
	if len(s.d.takes) > 1 {
		s.d.takes = s.d.takes[1:]
	}
	s.d.mu.Unlock()
	time.Sleep(takes)
	j := transcript.Journey{Name: task.Name, Goal: task.Goal, Outcome: transcript.ErrorPage}
	if time.Now().Before(task.Deadline) {
		s.d.server.mu.Lock()
		s.d.server.approved[task.UserCode] = true
		s.d.server.mu.Unlock()
		j.Outcome, j.Confirmed = transcript.Approved, true
	}
	return j
}

// tellBriefly runs scenarios in virtual time with visits that take so long.
func tellBriefly(t *testing.T, takes []time.Duration, names ...string) map[string]transcript.Transcript {
	t.Helper()
	return tellTheBrief(t, 0, false, takes, names...)
}

func tellTheBrief(t *testing.T, answer time.Duration, strained bool, takes []time.Duration, names ...string) map[string]transcript.Transcript {
	t.Helper()
	said := map[string]transcript.Transcript{}
	synctest.Test(t, func(t *testing.T) {
		handler := &brief{takes: answer, issued: map[string]time.Time{}, approved: map[string]bool{}}
		if strained {
			handler.watch = lateness.Start()
			defer handler.watch.Stop()
		}
		pipes := &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: handler}
		go server.Serve(pipes)
		defer server.Close()
		clock := NewClock(1)
		client := wire.New(wire.Options{Now: clock.Now, DialContext: pipes.dial})
		defer client.Close()
		at := profiles.Endpoints{DeviceAuthorization: "http://scripted/device", Token: "http://scripted/token"}
		r := NewRunner(&Environment{
			Profile: &profiles.Profile{
				Clients: profiles.Clients{Public: &profiles.Client{ID: "c"}},
				Users:   profiles.Users{First: &profiles.User{Username: profiles.NewSecret("a"), Password: profiles.NewSecret("b")}},
			},
			Target: Target{Endpoints: at, Expiry: at}, Wire: client, Clock: clock, Seed: 1,
			Driver: &sluggish{server: handler, takes: takes}, Watch: handler.watch,
		})
		r.Start(t.Context(), names...)
		for _, name := range names {
			said[name] = r.Wait(name)
		}
	})
	return said
}

// TestToldAgain: a visit for which the code did not live long enough is made
// again with a fresh code, and what was said then is what counts.
func TestToldAgain(t *testing.T) {
	const name = transcript.EarlyApproval
	for _, c := range []struct {
		what        string
		takes       []time.Duration
		again, late bool
	}{
		{"a machine that keeps up", []time.Duration{time.Second}, false, false},
		{"late once", []time.Duration{70 * time.Second, time.Second}, true, false},
		{"too slow, also alone", []time.Duration{70 * time.Second}, true, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			said := tellBriefly(t, c.takes, name)[name]
			if got := len(said.Again) > 0; got != c.again {
				t.Errorf("told again: %v", got)
			}
			if got := len(said.Late) > 0; got != c.late {
				t.Errorf("late in the end: %v, %+v", got, said.Late)
			}
			for _, l := range append(said.Again, said.Late...) {
				if l.Kind != transcript.LateCode || l.ByMS < 9_000 || l.ByMS > 11_000 || !strings.Contains(l.What, "expired") {
					t.Errorf("%+v", l)
				}
			}
			want := transcript.Approved
			if c.late {
				want = transcript.ErrorPage
			}
			if len(said.Journeys) != 1 || said.Journeys[0].Outcome != want {
				t.Errorf("%+v", said.Journeys)
			}
		})
	}
}

// TestToldAgainAlone: nothing else runs beside the second telling.
func TestToldAgainAlone(t *testing.T) {
	said := tellBriefly(t, []time.Duration{70 * time.Second, time.Second}, transcript.EarlyApproval, transcript.SteadyPolling, transcript.ImpatientPolling)
	again := said[transcript.EarlyApproval]
	if len(again.Again) == 0 {
		t.Fatal("it was not told again")
	}
	for name, other := range said {
		if name != again.Scenario && again.Started < other.Ended {
			t.Errorf("%s ended at %s, and the second telling began at %s", name, other.Ended, again.Started)
		}
	}
}

// TestTooShortByOurFault: what visits used up of a code's life is not the
// target's doing, and a code that is too short for a conversation is not ours.
func TestTooShortByOurFault(t *testing.T) {
	said := tellBriefly(t, []time.Duration{57 * time.Second, time.Second}, transcript.LostAnswers)[transcript.LostAnswers]
	if len(said.Again) != 1 || !strings.Contains(said.Again[0].What, "the visits to the pages") || said.Aborted != "" {
		t.Errorf("%+v, then %q", said.Again, said.Aborted)
	}
}

// TestPaceLost: a poll that waits for long since answers take long proves less
// where this machine is why they do, and as much as ever where the target is far.
func TestPaceLost(t *testing.T) {
	for _, c := range []struct {
		name     string
		answer   time.Duration
		strained bool
		late     bool
	}{
		{"near", 0, false, false},
		{"near, on a machine that is slow", 0, true, false},
		{"far", 2 * time.Second, false, false},
		{"far, or so it seems", 2 * time.Second, true, true},
	} {
		said := tellTheBrief(t, c.answer, c.strained, []time.Duration{0}, transcript.SteadyPolling)[transcript.SteadyPolling]
		if got := len(said.Late) > 0; got != c.late || c.late && said.Late[0].Kind != transcript.LatePace {
			t.Errorf("%s: %+v", c.name, said.Late)
		}
		if got := len(said.Labelled("poll")); got < steadyPolls-1 {
			t.Errorf("%s: %d polls", c.name, got)
		}
	}
}

// TestOtherPacesAreNotOurs: a hook and a real person take the time that they take.
func TestOtherPacesAreNotOurs(t *testing.T) {
	for name, want := range map[string]bool{"browser": true, "forms": true, "hook": false, "manual": false} {
		c := &conversation{Environment: &Environment{Driver: named(name)}}
		if c.ownPace() != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

type named string

func (n named) Name() string                                    { return string(n) }
func (named) Close() error                                      { return nil }
func (named) NewAgent(context.Context) (useragent.Agent, error) { return nil, nil }

// TestVainRepetitionsEnd: a machine that is too slow for one conversation alone
// is not asked again and again.
func TestVainRepetitionsEnd(t *testing.T) {
	r := &Runner{env: &Environment{Clock: NewClock(1), Profile: &profiles.Profile{}}, futures: map[string]*future{}, status: map[string]Status{}}
	told := 0
	s := Scenario{Name: "hopeless", run: func(c *conversation) error {
		told++
		c.late(transcript.LateMoment, time.Second, time.Now(), "a poll")
		return nil
	}}
	was := transcript.Transcript{Late: []transcript.Late{{What: "a poll"}}}
	for range 3 * mostAgain {
		if said := r.tellAgain(t.Context(), s, was); len(said.Late) == 0 {
			t.Fatal("it was in time")
		}
	}
	if told != mostInVain {
		t.Errorf("told %d times", told)
	}
}

// TestOthersFaultsAreToldAgain: what is not this machine's doing counts towards no
// bound.
func TestOthersFaultsAreToldAgain(t *testing.T) {
	for _, kind := range []transcript.LateKind{transcript.LateStray, transcript.LateForgotten, transcript.LateLimited} {
		r := &Runner{env: &Environment{Clock: NewClock(1), Profile: &profiles.Profile{}}, futures: map[string]*future{}, status: map[string]Status{}}
		told := 0
		s := Scenario{Name: "unlucky", run: func(c *conversation) error {
			told++
			c.late(kind, 0, time.Now(), "a poll")
			return nil
		}}
		for range 2 * mostAgain {
			r.tellAgain(t.Context(), s, transcript.Transcript{Late: []transcript.Late{{Kind: kind, What: "a poll"}}})
		}
		if told != 2*mostAgain || r.again+r.vain > 0 {
			t.Errorf("%s: told %d times", kind, told)
		}
	}
}

// TestTheDeviceKnowsTheEnd: where nobody recognizes the page after the decision, the
// device collects its token all the same.
func TestTheDeviceKnowsTheEnd(t *testing.T) {
	for _, name := range []string{transcript.Approval, transcript.EarlyApproval} {
		said := (&telling{by: &people{oddEnd: true}}).one(t, name)
		last := said.Labelled(labels.Token)
		if said.Aborted != "" || len(last) == 0 || last[len(last)-1].Status != 200 {
			t.Errorf("%s: %q, %d polls", name, said.Aborted, len(last))
		}
	}
}
