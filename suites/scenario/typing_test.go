package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// TestTypingKeepsToTheMinute: no minute has more codes than the profile allows.
func TestTypingKeepsToTheMinute(t *testing.T) {
	const perMinute = 5
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock(1)
		ty := newTyping(clock, perMinute)
		var (
			mu    sync.Mutex
			typed []time.Duration
			all   sync.WaitGroup
		)
		for range 17 {
			all.Go(func() {
				e, err := ty.turn(t.Context(), time.Time{})
				if err != nil {
					t.Error(err)
					return
				}
				if !ty.begins(e) {
					t.Error("a turn that was just given is over")
				}
				mu.Lock()
				typed = append(typed, clock.Now())
				mu.Unlock()
				ty.typed(e, false, false)
			})
		}
		all.Wait()
		slices.Sort(typed)
		for i, at := range typed {
			if i >= perMinute && at-typed[i-perMinute] <= time.Minute {
				t.Errorf("code %d comes %s after the one %d before it", i+1, at-typed[i-perMinute], perMinute)
			}
		}
		if took := typed[len(typed)-1]; took > 4*time.Minute {
			t.Errorf("17 codes took %s", took)
		}
	})
}

// TestWhoHoldsACodeComesFirst: a code grows old in the queue, a person without one
// does not.
func TestWhoHoldsACodeComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ty := newTyping(NewClock(1), 1)
		if _, err := ty.turn(t.Context(), time.Time{}); err != nil {
			t.Fatal(err)
		}
		var (
			mu    sync.Mutex
			order []string
			all   sync.WaitGroup
		)
		wait := func(name string, expires time.Time) {
			all.Go(func() {
				if _, err := ty.turn(t.Context(), expires); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
			synctest.Wait()
		}
		wait("none yet", time.Time{})
		wait("late", time.Now().Add(10*time.Minute))
		wait("soon", time.Now().Add(5*time.Minute))
		all.Wait()
		if got := strings.Join(order, ", "); got != "soon, late, none yet" {
			t.Error(got)
		}
	})
}

// limitedPages are pages that look at so many codes a minute, counted from the
// first.
type limitedPages struct {
	most   int
	header map[string]string
	// decisions says that a decision counts, too.
	decisions bool

	mu    sync.Mutex
	began time.Time
	count int
}

func (p *limitedPages) Close() error { return nil }

func (p *limitedPages) Journey(ctx context.Context, task useragent.Task) transcript.Journey {
	j := transcript.Journey{Name: task.Name, Goal: task.Goal, Outcome: transcript.Approved, Steps: []transcript.Step{{Page: "code", Status: 200}}}
	if !p.counts() {
		return p.refuses(j)
	}
	if task.AtDecision != nil && task.AtDecision(ctx) != nil {
		j.Outcome = transcript.Unfinished
		return j
	}
	j.Decided = true
	if p.decisions && !p.counts() {
		return p.refuses(j)
	}
	return j
}

func (p *limitedPages) refuses(j transcript.Journey) transcript.Journey {
	j.Outcome = transcript.ErrorPage
	j.Steps[0] = transcript.Step{Page: "error", Status: 200, Alert: "Be patient, you are sending too many requests.", Header: p.header}
	return j
}

// counts says whether one more is looked at.
func (p *limitedPages) counts() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.began) >= time.Minute {
		p.began, p.count = time.Now(), 0
	}
	p.count++
	return p.count <= p.most
}

// TestALimitIsFoundAndKept: what the pages did not look at is typed again, at the
// pace that they allow, and one line says so.
func TestALimitIsFoundAndKept(t *testing.T) {
	for _, test := range []struct {
		name     string
		pages    *limitedPages
		code     string
		approved int
		most     int
	}{
		{"by the words", &limitedPages{most: 5}, "MINE", 20, 5},
		{"with Retry-After", &limitedPages{most: 5, header: map[string]string{"Retry-After": "60"}}, "MINE", 20, 5},
		{"of decisions, too", &limitedPages{most: 5, decisions: true}, "MINE", 20, 5},
		{"none at all", &limitedPages{}, "MINE", 0, 0},
		{"no limit", &limitedPages{most: 100}, "MINE", 20, 0},
		{"of wrong codes", &limitedPages{most: 5}, "WRONG", 5, 0},
		{"a pause that nobody waits for", &limitedPages{most: 5, header: map[string]string{"Retry-After": "3600"}}, "MINE", 5, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := NewClock(1)
				e := &Environment{Profile: &profiles.Profile{}, Clock: clock, typing: newTyping(clock, 0)}
				var (
					mu       sync.Mutex
					approved int
					all      sync.WaitGroup
				)
				for range 20 {
					all.Go(func() {
						c := &conversation{Environment: e, ctx: t.Context(), wait: func(string, time.Duration) {}, userCodes: map[string]bool{"MINE": true}}
						j := c.journey(test.pages, useragent.Task{TypeCode: true, UserCode: test.code})
						mu.Lock()
						defer mu.Unlock()
						if j.Outcome == transcript.Approved {
							approved++
						}
					})
				}
				all.Wait()
				// Who comes first is chance: where decisions count too, the first minute may
				// have had a code or two less than is allowed; and a pace that no code ever
				// confirmed is a guess, of which nothing is said.
				found := e.typing.most
				if !e.typing.confirmed {
					found = 0
				}
				less := test.pages.decisions && found < test.most && found >= test.most-2
				if approved != test.approved || found != test.most && !less {
					t.Errorf("%d codes were approved, at %d a minute", approved, found)
				}
				if said := e.Typed(); (said != "") != (test.most > 0) || test.most > 0 && !strings.Contains(said, fmt.Sprintf("try limits.user_codes_per_minute: %d ", found)) {
					t.Errorf("%q", said)
				}
			})
		})
	}
}

// TestAtDecisionRunsOnce: what a scenario does at the decision it does once, also
// where the page then refuses the decision for a limit.
func TestAtDecisionRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock(1)
		e := &Environment{Profile: &profiles.Profile{}, Clock: clock, typing: newTyping(clock, 0)}
		c := &conversation{Environment: e, ctx: t.Context(), wait: func(string, time.Duration) {}, userCodes: map[string]bool{"MINE": true}}
		ran := make(chan struct{})
		j := c.journey(&limitedPages{most: 1, decisions: true}, useragent.Task{Name: "at once", TypeCode: true, UserCode: "MINE", AtDecision: func(context.Context) error {
			close(ran)
			return nil
		}})
		<-ran
		if j.Outcome != transcript.ErrorPage || len(c.said.Late) != 1 || c.said.Late[0].Kind != transcript.LateLimited {
			t.Errorf("%s, %+v", j.Outcome, c.said.Late)
		}
	})
}

// TestAnExpiredCodeTakesNoTurn: a code that expires in the queue is not typed; one
// that had expired before is, on purpose.
func TestAnExpiredCodeTakesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock(1)
		e := &Environment{Profile: &profiles.Profile{}, Clock: clock, typing: newTyping(clock, 1)}
		pages := &limitedPages{most: 100}
		visit := func(lives time.Duration) (transcript.Journey, *conversation) {
			c := &conversation{Environment: e, ctx: t.Context(), wait: func(string, time.Duration) {}, userCodes: map[string]bool{"MINE": true}}
			return c.visit(pages, useragent.Task{TypeCode: true, UserCode: "MINE", Deadline: time.Now().Add(lives)}), c
		}
		visit(time.Hour)
		start := time.Now()
		j, c := visit(10 * time.Second)
		if took := time.Since(start); j.Outcome != transcript.Unfinished || took > 11*time.Second || pages.count != 1 || len(c.said.Late) != 1 || c.said.Late[0].Kind != transcript.LateLimited {
			t.Errorf("%s after %s, %d visits, %+v", j.Outcome, took, pages.count, c.said.Late)
		}
		if j, _ := visit(-time.Second); j.Outcome != transcript.Approved || len(e.typing.last) != 1 {
			t.Errorf("%s, %d turns in the last minute", j.Outcome, len(e.typing.last))
		}
	})
}
