package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Scenario is one scripted conversation.
type Scenario struct {
	// Name is how rules refer to it.
	Name string
	// About says in one line what happens.
	About string
	// Browser says that an end user at a page takes part.
	Browser bool
	// Pages says that it is about the pages, so that a hook can tell nothing.
	Pages bool
	// Login says that no part of it works without a login.
	Login bool
	// Expiry says that the scenario waits for a code to expire.
	Expiry bool
	// Hurry says that it sends requests at moments that it chooses, or many at
	// once, to the token endpoint: a limit there would change what it sees.
	Hurry bool
	// Rough says that it sends bursts, races or hostile requests: it waits until
	// the basic conversations have had their decisive answers.
	Rough bool
	// Last is above 0 for a scenario that waits for all others (see
	// conversation.last), except those with the same or a higher number.
	Last int
	// Late says that a part of the scenario waits for all others that are neither
	// late nor last (see conversation.afterMost).
	Late bool

	run func(*conversation) error
}

// Status says what a running scenario is waiting for.
type Status struct {
	Scenario string
	// Waiting says for what; "" during an exchange.
	Waiting string
	// Until is when the wait ends, in target time; 0 if unknown.
	Until time.Duration
}

// Runner starts scenarios and provides their transcripts as futures.
type Runner struct {
	env *Environment

	mu      sync.Mutex
	futures map[string]*future
	status  map[string]Status
	ended   int

	life context.Context // of all scenarios: it ends with the target, too
	stop context.CancelFunc

	alone sync.Mutex // held by the scenario that is told again
	again int        // how many were
	vain  int        // in a row that were as late as before
}

type future struct {
	done chan struct{}
	said transcript.Transcript
	// away is closed when the scenario's person has left the pages for good, ended
	// when the scenario has ended, although it may be told again.
	away, ended chan struct{}
	left        sync.Once
}

func (f *future) leavePages() { f.left.Do(func() { close(f.away) }) }

// NewRunner returns a runner without running scenarios.
func NewRunner(env *Environment) *Runner {
	env.setPace()
	env.dialect = wire.DialectOf(env.Profile.Responses.Format, env.Profile.Responses.Members, env.Profile.Responses.Errors)
	return &Runner{env: env, futures: map[string]*future{}, status: map[string]Status{}}
}

// Start starts the named scenarios, each in its own goroutine. A scenario that
// was started before is left alone. Unknown names are a programming error.
func (r *Runner) Start(ctx context.Context, names ...string) {
	ctx = r.lifeWithin(ctx)
	var begin []func()
	defer func() {
		// Only when all are known: some wait for others.
		for _, f := range begin {
			go f()
		}
	}()
	for _, name := range names {
		s, ok := ByName(name)
		if !ok {
			panic("scenario: no scenario is named " + name)
		}
		r.mu.Lock()
		if r.futures[name] != nil {
			r.mu.Unlock()
			continue
		}
		f := &future{done: make(chan struct{}), away: make(chan struct{}), ended: make(chan struct{})}
		r.futures[name] = f
		r.status[name] = Status{Scenario: name}
		r.mu.Unlock()
		begin = append(begin, func() {
			defer close(f.done)
			f.said = r.tell(ctx, s, f.leavePages, func(names []string, at stage) []<-chan struct{} { return r.others(s.Name, names, at) })
			f.leavePages()
			close(f.ended)
			if len(f.said.Late) > 0 && ctx.Err() == nil {
				f.said = r.tellAgain(ctx, s, f.said)
			}
			r.mu.Lock()
			delete(r.status, name)
			r.ended++
			r.mu.Unlock()
		})
	}
}

// lifeWithin is the context of all scenarios: that of the run, until the target
// is lost.
func (r *Runner) lifeWithin(ctx context.Context) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life == nil {
		r.life, r.stop = context.WithCancel(ctx)
		r.env.pulse = newPulse(r.env, r.aboutTarget, r.stop)
	}
	return r.life
}

// aboutTarget shows what the whole run waits for; no words end it.
func (r *Runner) aboutTarget(what string, until time.Duration) {
	const who = "the server"
	r.mu.Lock()
	defer r.mu.Unlock()
	if what == "" {
		delete(r.status, who)
		return
	}
	r.status[who] = Status{who, what, until}
}

// Settle waits, after all scenarios have ended, until it is known whether the
// target is still there.
func (r *Runner) Settle(ctx context.Context) { r.env.pulse.settle(ctx) }

// Lost says why the run ended early: the target is gone. "" if it is not.
func (r *Runner) Lost() string {
	lost, _ := r.env.pulse.verdict()
	return lost
}

// tell runs one scenario to its end.
func (r *Runner) tell(ctx context.Context, s Scenario, leavePages func(), others func([]string, stage) []<-chan struct{}) (said transcript.Transcript) {
	c := &conversation{Environment: r.env, ctx: ctx, random: newRandom(r.env.Seed, s.Name), leavePages: leavePages, others: others}
	c.said.Scenario = s.Name
	c.said.Started, c.said.Began = r.env.Clock.Now(), time.Now()
	c.wait = func(what string, until time.Duration) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.status[s.Name] = Status{s.Name, what, until}
	}
	defer func() {
		if p := recover(); p != nil {
			c.said.Broken = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
		c.said.Ended = r.env.Clock.Now()
		said = c.said
	}()
	if s.Login {
		if c.said.Aborted = r.env.nobody(); c.said.Aborted != "" {
			return
		}
	}
	if s.Pages && r.env.hooked() {
		c.said.Skipped = "the hook sees no pages: a run with the browser driver tells"
		return
	}
	if ceiling := r.env.Profile.Limits.TokenPerMinute; s.Hurry && ceiling > 0 {
		c.said.Skipped = fmt.Sprintf("the server allows %d token requests a minute (limits.token_per_minute); this scenario needs more, at fixed times", ceiling)
		return
	}
	var err error
	if s.Rough {
		err = c.afterPages(basic...)
	}
	if err == nil {
		err = s.run(c)
	}
	var (
		missing *Absent
		skipped *Skipped
	)
	switch {
	case errors.As(err, &missing):
		c.said.Absent = missing.Reason
	case errors.As(err, &skipped):
		c.said.Skipped = skipped.Reason
	case ctx.Err() != nil:
		c.said.Aborted = cmp.Or(r.Lost(), errInterrupted.Error())
	case err != nil:
		c.said.Aborted = err.Error()
	}
	return
}

// others lists the channels that close when other scenarios, if they were
// started, have reached a stage. No names means all that do not themselves wait
// for this one.
func (r *Runner) others(self string, names []string, at stage) (list []<-chan struct{}) {
	own, _ := ByName(self)
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, f := range r.futures {
		other, _ := ByName(name)
		named := slices.Contains(names, name) || slices.Contains(names, most) && other.Last == 0 && !other.Late
		if name == self || len(names) > 0 && !named || len(names) == 0 && other.Last >= own.Last {
			continue
		}
		switch at {
		case leftPages:
			list = append(list, f.away)
		case ended:
			list = append(list, f.ended)
		default:
			list = append(list, f.done)
		}
	}
	return list
}

// Wait returns the transcript of a started scenario when it has ended.
func (r *Runner) Wait(name string) transcript.Transcript {
	r.mu.Lock()
	f := r.futures[name]
	r.mu.Unlock()
	if f == nil {
		return transcript.Transcript{Scenario: name, Aborted: "the scenario did not start"}
	}
	<-f.done
	return r.env.pulse.withoutTheDead(f.said)
}

// Started reports whether the scenario was started.
func (r *Runner) Started(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.futures[name] != nil
}

// Progress returns how many scenarios have ended, how many were started, and
// what the others are waiting for, the longest wait last.
func (r *Runner) Progress() (ended, started int, waiting []Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.status {
		waiting = append(waiting, s)
	}
	slices.SortFunc(waiting, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Until, b.Until), cmp.Compare(a.Scenario, b.Scenario))
	})
	return r.ended, len(r.futures), waiting
}

// Transcripts returns the transcripts of all scenarios that have ended.
func (r *Runner) Transcripts() []transcript.Transcript {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []transcript.Transcript
	for _, f := range r.futures {
		select {
		case <-f.done:
			all = append(all, r.env.pulse.withoutTheDead(f.said))
		default:
		}
	}
	slices.SortFunc(all, func(a, b transcript.Transcript) int { return cmp.Compare(a.Scenario, b.Scenario) })
	return all
}
