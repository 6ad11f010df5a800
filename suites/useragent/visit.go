package useragent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// Close ends the user agent.
func (s *TabAgent) Close() error {
	if s.reserved != nil {
		s.reserved()
	}
	return s.tab.Close()
}

// TakePlace waits for room for a journey, or for a task that costs as much;
// leave returns the place. The deadline is when the journey's code expires;
// zero: there is no hurry. An open but idle agent takes no room, nor does a
// journey that waits for others at the decision page, so two end users can meet
// there whatever the limit is.
func (s *TabAgent) TakePlace(ctx context.Context, deadline time.Time) (leave func(), err error) {
	if s.room == nil {
		return func() {}, nil
	}
	if leave, s.reserved = s.reserved, nil; leave != nil {
		return leave, nil
	}
	return s.room.enter(ctx, deadline)
}

// Prepare implements Preparer.
func (s *TabAgent) Prepare(ctx context.Context) error {
	if s.room == nil || s.reserved != nil {
		return nil
	}
	leave, err := s.room.enter(ctx, time.Time{})
	if err != nil {
		return err
	}
	s.reserved = leave
	return s.tab.Early(ctx)
}

// visit is one journey under way.
type visit struct {
	*TabAgent
	watched *Watch
	task    Task
	j       *transcript.Journey
	values  map[string]string // what a fill may type, by name
	sent    int               // requests before the last act

	// What has been done, in the order of a usual journey.
	codesSent, loginsSent, namesSent, approvals int
	loginSinceCode                              bool
	approved, denied, forgotten                 bool
	// declined: a question on the way was answered with no.
	declined bool
	seen     map[string]int
	// second is what was typed of the second factor.
	second secondFactor
	// earlier is what the pages said that asked for something.
	earlier []string
	// scripted says that a page had scripts.
	scripted bool
	hidden   pages.HiddenValues

	leave func() // gives the journey's room to another
	// pause stops the journey's clock until resume, and gives up its room.
	pause func() (resume func())
	// whole is the time of the journey; loggingIn ends the login under way.
	whole     *budget
	loggingIn func()
}

// Journey implements Agent.
func (s *TabAgent) Journey(ctx context.Context, task Task) transcript.Journey {
	j := transcript.Journey{
		Name: task.Name, Goal: task.Goal, Driver: s.driver, Start: task.Start, Started: s.now(),
	}
	leave, err := s.TakePlace(ctx, task.Deadline)
	if err != nil {
		class, cause := classOf(err)
		j.Outcome, j.Trouble, j.Ended = transcript.Unfinished, &transcript.Trouble{Class: class, Cause: cause, URL: task.Start}, s.now()
		return j
	}
	defer leave()
	j.Started = s.now()
	watched := newWatch(task)
	defer s.tab.Watch(nil)
	v := &visit{watched: watched, leave: leave, TabAgent: s, task: task, j: &j, values: map[string]string{"user_code": task.UserCode}, seen: map[string]int{}, hidden: pages.HiddenValues{}}
	if task.TypeCode {
		j.TypedCode = task.UserCode
	}
	if task.Account != nil {
		v.values["username"], v.values["password"] = task.Account.Username, task.Account.Password
	}
	limit := s.limits.Journey
	if task.Goal == transcript.Look {
		limit += task.Dwell
	}
	jctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	whole := startBudget(limit, s.strained, func() { cancel(errJourney) })
	defer whole.pause()
	v.whole, v.loggingIn = whole, func() {}
	defer func() { v.loggingIn() }()
	v.pause = func() func() {
		whole.pause()
		leave()
		return whole.resume
	}
	var end settled
	if task.Goal == transcript.Look {
		end = v.lookOnly(jctx)
	} else {
		end = v.travel(jctx)
	}
	j.Outcome = end.end
	j.StillAuthenticated = v.forgotten && v.tab.Authorized()
	watched.tell(ctx, &j)
	if end.trouble != nil {
		v.report(ctx, end)
	}
	cctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer stop()
	j.Cookies = v.tab.Cookies(cctx, v.hidden)
	if task.Account != nil {
		scrub(&j, task.Account.Password)
		for _, code := range v.second.typed {
			scrub(&j, code)
		}
	}
	j.Ended = s.now()
	if s.room != nil {
		s.room.travelled()
	}
	if s.learn != nil && len(j.Steps) > 0 {
		s.learn(&j, v.scripted)
	}
	return j
}

// report completes a trouble with what can still be seen. It uses a context of
// its own, since the journey's may be over.
func (v *visit) report(ctx context.Context, end settled) {
	t := end.trouble
	t.Step = len(v.j.Steps)
	if v.j.Outcome == "" {
		v.j.Outcome = transcript.Unfinished
		if t.Step == 0 {
			t.Step = 1
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		t.Screenshot, t.HTML = v.tab.Screenshot(ctx), v.tab.HTML(ctx)
	}
	v.j.Trouble = t
}

// travel goes from page to page until the goal is reached or nothing is left to do.
func (v *visit) travel(ctx context.Context) settled {
	start := time.Now()
	if t := v.start(ctx); t != nil {
		return settled{trouble: t}
	}
	opening := time.Since(start)
	var before *pages.Sighting
	var last *Order
	for {
		s := v.settle(ctx, before, last)
		v.loggingIn()
		if s.trouble != nil || s.end != "" {
			if s.Sighting != nil && s.end != "" {
				v.note(ctx, s)
			}
			return s
		}
		s.took += opening
		opening = 0
		step := v.note(ctx, s)
		if len(v.j.Steps) > v.limits.Pages {
			return settled{trouble: s.Trouble(transcript.Loop, fmt.Sprintf("more than %d pages", v.limits.Pages))}
		}
		m := v.decide(s.Sighting)
		if m.end != "" || m.trouble != nil {
			return settled{Sighting: s.Sighting, end: m.end, trouble: m.trouble}
		}
		if m.decides {
			if t := v.atDecisionPage(ctx, s.Sighting); t != nil {
				return settled{trouble: t}
			}
		}
		if t := v.alone(ctx, s.Sighting); t != nil {
			return settled{trouble: t}
		}
		if t := v.oneTimeCode(ctx, s.Sighting); t != nil {
			return settled{trouble: t}
		}
		acts := m.acts
		if acts == nil {
			acts = s.Acts(m.way, m.typeCode)
		}
		if len(acts) == 0 {
			return settled{trouble: s.Trouble(transcript.ElementMissing, fmt.Sprintf("the page has no control to %s with", m.way))}
		}
		if m.way == pages.Approve && v.task.Clear != nil {
			acts = pages.Clearing(v.task.Clear, acts)
		}
		if m.forget {
			step.Action = transcript.Forgetting
			if len(v.tab.Cookies(ctx, nil)) == 0 {
				step.Action = transcript.ForgettingNone
			}
			if err := v.tab.Forget(ctx); err != nil {
				return settled{trouble: s.Trouble(classOf(err))}
			}
			v.forgotten, v.loggedIn = true, false
		}
		var end settled
		var leaving func()
		if m.decides {
			leaving = v.leaving()
		}
		if before, last, end = v.perform(ctx, s.Sighting, acts, step, leaving); end.trouble != nil || end.end != "" {
			return end
		}
	}
}

// alone waits, at a page that takes a password, until nobody else logs in with the
// same account.
func (v *visit) alone(ctx context.Context, p *pages.Sighting) *transcript.Trouble {
	switch p.Role {
	case pages.RoleLogin, pages.RoleLoginError, pages.RolePassword:
	default:
		return nil
	}
	if v.task.Account == nil {
		return nil
	}
	v.whole.pause()
	defer v.whole.resume()
	leave, err := v.logins.enter(ctx, v.task.Account.Username)
	if err != nil {
		return p.Trouble(classOf(err))
	}
	v.loggingIn = leave
	return nil
}

// atDecisionPage lets the task's owner do something while the page that asks
// for the decision is open.
func (v *visit) atDecisionPage(ctx context.Context, p *pages.Sighting) *transcript.Trouble {
	held := v.task.AtDecision
	if held == nil {
		return nil
	}
	v.task.AtDecision = nil
	resume := v.pause()
	defer resume()
	err := held(ctx)
	if err == nil && ctx.Err() == nil {
		return nil
	}
	v.j.Decided = false
	if ctx.Err() != nil {
		return p.Trouble(classOf(context.Cause(ctx)))
	}
	return p.Trouble(transcript.JourneyCanceled, err.Error())
}

// leaving is what to do when the request with the decision leaves; nil: nothing.
func (v *visit) leaving() func() {
	at := v.task.AtRequest
	if at == nil {
		return nil
	}
	return func() {
		v.task.AtRequest = nil
		at()
	}
}

// start opens the first page.
func (v *visit) start(ctx context.Context) *transcript.Trouble {
	fail := func(err error) *transcript.Trouble {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		class, cause := classOf(err)
		return &transcript.Trouble{Class: class, Cause: cause, URL: v.task.Start, Action: "open the page"}
	}
	if err := v.tab.Ready(ctx, v.task.Start); err != nil {
		return fail(err)
	}
	v.tab.Watch(v.watched)
	step, cancel := v.Step(ctx, 0)
	defer cancel()
	if err := v.tab.Open(step, v.task.Start); err != nil {
		if step.Err() != nil && ctx.Err() == nil {
			err = context.Cause(step)
		}
		return fail(err)
	}
	return nil
}

// note records a page as a step.
func (v *visit) note(ctx context.Context, s settled) *transcript.Step {
	v.tab.Inspect(ctx, v.watched)
	facts := v.tab.Facts()
	v.scripted = v.scripted || s.Scripted()
	v.hidden.Add(s.Snapshot)
	if s.AsksForInput() || s.AsksForDecision() {
		v.earlier = append(v.earlier, s.Said())
	}
	var picture []byte
	if !v.task.Unpictured && (s.Role != pages.RoleMFA || len(v.second.typed) == 0) {
		picture = v.tab.Screenshot(ctx)
	}
	v.j.Steps = append(v.j.Steps, transcript.Step{
		N: len(v.j.Steps) + 1, Page: cmp.Or(s.Role, "unknown"), Reason: s.Reason, Question: s.Question(),
		URL: s.URL, Title: s.Title, Alert: s.Alert, Status: s.Status, Text: s.Text, Fields: v.shownValues(s.Sighting), Usability: s.Usability(),
		Header: facts.Header, Foreign: facts.Foreign,
		TookMS: float64(s.took.Microseconds()) / 1000, Screenshot: picture, Ways: s.Ways(),
	})
	return &v.j.Steps[len(v.j.Steps)-1]
}

// shownValues are what stands in the page's text fields, except for the name
// and the one-time code that the end user typed.
func (v *visit) shownValues(p *pages.Sighting) []string {
	var values []string
	if p.Role == pages.RoleMFA {
		return nil
	}
	for i := range p.Elements {
		e := &p.Elements[i]
		if e.Kind == pages.TextField && e.Visible && e.Value != "" && e.Value != v.values["username"] && e.Value != v.values["totp"] && len(values) < maxShown {
			values = append(values, pages.Tidy(e.Value, pages.MaxLabel))
		}
	}
	return values
}

// maxShown bounds the values that are kept of a page: one-character boxes are many.
const maxShown = 16

// resolve replaces the names of values by the values; "=text" is the text.
func (v *visit) resolve(set map[string]string) map[string]string {
	if len(set) == 0 {
		return nil
	}
	out := make(map[string]string, len(set))
	for name, value := range set {
		if literal, ok := strings.CutPrefix(value, "="); ok {
			out[name] = literal
		} else {
			out[name] = v.values[value]
		}
	}
	return out
}

// lookOnly opens the page, lets its scripts run, touches nothing, and then
// sends what a link preview and a prefetching browser would send.
func (v *visit) lookOnly(ctx context.Context) settled {
	start := time.Now()
	if t := v.start(ctx); t != nil {
		return settled{trouble: t}
	}
	v.leave() // waiting takes no room
	sleep(ctx, v.task.Dwell)
	var snap *pages.Snapshot
	for {
		var err error
		if snap, err = v.tab.Look(ctx); err == nil {
			break
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		} else if errors.Is(err, ErrMoving) {
			sleep(ctx, lookEvery)
			continue
		}
		return settled{trouble: (*pages.Sighting)(nil).Trouble(classOf(err))}
	}
	p := v.recogniser.Recognise(snap, v.task.UserCode)
	v.note(ctx, settled{Sighting: p, took: time.Since(start)}).Action = "look"
	for _, probe := range []struct {
		name, method string
		headers      map[string]string
	}{
		{"HEAD", "HEAD", nil},
		{"prefetch GET", "GET", map[string]string{"Sec-Purpose": "prefetch", "Purpose": "prefetch"}},
	} {
		began := time.Now()
		step, cancel := v.Step(ctx, 0)
		status, err := v.tab.Probe(step, probe.method, v.task.Start, probe.headers)
		cancel()
		reason := ""
		if err != nil {
			_, reason = classOf(err)
		}
		v.j.Steps = append(v.j.Steps, transcript.Step{
			N: len(v.j.Steps) + 1, Page: "probe", Reason: reason, Action: probe.name, URL: v.task.Start,
			Status: status, TookMS: float64(time.Since(began).Microseconds()) / 1000,
		})
	}
	return settled{Sighting: p, end: transcript.Looked}
}
