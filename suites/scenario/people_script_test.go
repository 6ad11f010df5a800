package scenario

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// people are a Driver in memory: persons who know the pages of an [idp], with
// user agents that hostile pages can get at.
type people struct {
	at *idp
	// name is the driver's; "": browser.
	name string
	// takes is how long each page takes.
	takes time.Duration
	// absent is why there is no user agent at all.
	absent error
	// meet ends a journey in its own way; n counts the journeys from 1.
	meet func(n int, task useragent.Task) (transcript.Outcome, bool)
	// hangs is the name of a journey whose first page does not come.
	hangs string
	// full is why a user agent's turn does not come.
	full error
	// loginLast asks who somebody is only after the decision, loginFirst before
	// it looks at the code.
	loginLast, loginFirst bool
	// limit is how many wrong codes in a row are looked at; after those, none is
	// for forgets. 0: any number.
	limit   int
	forgets time.Duration
	// oddEnd: nobody recognizes the page after the decision.
	oddEnd bool
	// harmless user agents cannot be attacked.
	harmless bool

	mu      sync.Mutex
	errands int
	wrongs  int
	since   time.Time // the last wrong one
	opened  int
	closed  int
	done    []errandDone
}

// errandDone is what a person was told, and when they were at it.
type errandDone struct {
	task       useragent.Task
	outcome    transcript.Outcome
	from, till time.Time
}

var passwords = map[string]string{"anna": "annas-pass-1", "bert": "berts-pass-2", "carl": "carls-pass-3", "dora": "doras-pass-4"}

func (p *people) Name() string {
	if p.name == "" {
		return "browser"
	}
	return p.name
}
func (p *people) Close() error { return nil }

func (p *people) NewAgent(context.Context) (useragent.Agent, error) {
	if p.absent != nil {
		return nil, p.absent
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened++
	if a := (&agent{people: p}); !p.harmless {
		return a, nil
	} else {
		return plainAgent{a}, nil
	}
}

// NewErrand is NewAgent, counted.
func (p *people) NewErrand(ctx context.Context) (useragent.Agent, error) {
	p.mu.Lock()
	p.errands++
	p.mu.Unlock()
	return p.NewAgent(ctx)
}

// counts says whether somebody has typed too many wrong codes, and notes one more.
func (p *people) counts(wrong bool) (held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit == 0 {
		return false
	}
	if time.Since(p.since) > p.forgets {
		p.wrongs = 0
	}
	if p.wrongs >= p.limit {
		return true
	}
	if !wrong {
		p.wrongs = 0
		return false
	}
	p.wrongs, p.since = p.wrongs+1, time.Now()
	return false
}

// plainAgent is one that cannot be attacked.
type plainAgent struct{ useragent.Agent }

// agent is one person's browser.
type agent struct {
	*people
	who  string // is logged in
	at   *code  // whose decision page is open
	gone bool
}

func (a *agent) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return errors.New("closed twice")
	}
	a.gone = true
	a.closed++
	return nil
}

func (a *agent) Prepare(context.Context) error { return a.full }

func (a *agent) Journey(ctx context.Context, task useragent.Task) transcript.Journey {
	from := time.Now()
	j := transcript.Journey{Name: task.Name, Goal: task.Goal, Driver: a.Name(), Start: task.Start}
	a.mu.Lock()
	a.done = append(a.done, errandDone{task: task, from: from})
	n := len(a.done)
	a.mu.Unlock()
	a.walk(ctx, n, task, &j)
	a.mu.Lock()
	a.done[n-1].outcome, a.done[n-1].till = j.Outcome, time.Now()
	a.mu.Unlock()
	return j
}

// walk goes from page to page.
func (a *agent) walk(ctx context.Context, n int, task useragent.Task, j *transcript.Journey) {
	stop := func(class transcript.TroubleClass, cause string) {
		j.Outcome, j.Trouble = transcript.Unfinished, &transcript.Trouble{Class: class, Step: len(j.Steps), Cause: cause}
	}
	page := func(role, text string) bool {
		j.Steps = append(j.Steps, transcript.Step{N: len(j.Steps) + 1, Page: role, URL: task.Start + "#" + role, Text: text, Status: 200})
		if a.takes > 0 {
			timer := time.NewTimer(a.takes)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			stop(transcript.JourneyCanceled, "the run was interrupted")
		}
		return ctx.Err() == nil
	}
	if task.Name == a.hangs {
		stop(transcript.NavTimeout, "the page did not come")
		return
	}
	if a.meet != nil {
		if outcome, met := a.meet(n, task); met {
			if stop(transcript.NotRecognised, "a scripted end"); outcome != transcript.Unfinished {
				j.Outcome, j.Trouble = outcome, nil
			}
			return
		}
	}
	a.at = nil
	if !page("code", "Enter the code") {
		return
	}
	if task.Goal == transcript.Look {
		j.Outcome = transcript.Looked
		return
	}
	text := task.UserCode
	if u, err := url.Parse(task.Start); err == nil && !task.TypeCode {
		text = u.Query().Get("user_code")
	}
	j.CodeTyped = task.TypeCode && !a.loginFirst
	c := a.people.at.typed(text)
	if a.counts(c == nil) {
		j.Steps[0].Text, j.Steps[0].Status, j.Outcome = "Too many codes, try again later", 429, transcript.ErrorPage
		return
	}
	login := func() bool {
		if a.who != "" {
			return true
		}
		if !page("login", "Who are you?") {
			return false
		}
		switch {
		case task.Account == nil:
			j.Outcome = transcript.AtLogin
		case passwords[task.Account.Username] != task.Account.Password:
			j.Outcome = transcript.LoginFailed
		default:
			a.who, j.LoggedIn = task.Account.Username, true
		}
		return j.LoggedIn
	}
	if a.loginFirst && !login() {
		return
	}
	j.CodeTyped = task.TypeCode
	if c == nil {
		j.Steps[0].Text, j.Outcome = "This code is unknown", transcript.CodeRejected
		return
	}
	if !a.loginLast && !login() {
		return
	}
	if !page("consent", "Will you?") {
		return
	}
	j.ApproveOffered, j.DenyOffered = true, true
	a.at = c
	if task.Goal == transcript.ReachDecision {
		j.Outcome = transcript.AtDecision
		return
	}
	if task.AtDecision != nil {
		if err := task.AtDecision(ctx); err != nil {
			stop(transcript.JourneyCanceled, err.Error())
			return
		}
	}
	if task.AtRequest != nil {
		task.AtRequest()
	}
	if !login() {
		return
	}
	j.Decided = true
	state, outcome := "approved", transcript.Approved
	switch task.Goal {
	case transcript.Deny:
		state, outcome = "denied", transcript.Denied
	case transcript.ApproveWithoutSession:
		a.who, j.Outcome = "", transcript.AtLogin
		return
	}
	if !a.people.at.decides(c, a.who, state) {
		j.Outcome = transcript.ErrorPage
		return
	}
	j.Cleared = task.Clear != nil
	if a.oddEnd {
		stop(transcript.NotRecognised, "an end that nobody knows")
		return
	}
	if page("success", "Done") {
		j.Outcome, j.Confirmed = outcome, true
	}
}

// Hold gives the request that approve sends: the code, and a token that only
// this session knows.
func (a *agent) Hold(context.Context) (useragent.Request, error) {
	if a.at == nil {
		return useragent.Request{}, errors.New("no decision page is open")
	}
	return useragent.Request{Method: "POST", URL: "http://scripted/activate/decide", ContentType: "application/x-www-form-urlencoded",
		Body: "user_code=" + a.at.user + "&action=approve&csrf=" + a.who + "-" + strings.ToLower(a.at.user)}, nil
}

func (a *agent) Replay(_ context.Context, name string, r useragent.Request, origin string) transcript.Attack {
	return transcript.Attack{Name: name, Method: r.Method, URL: r.URL, Delivered: true, Seen: []string{"origin " + origin, r.Body}}
}

func (a *agent) CrossSite(_ context.Context, name string, r useragent.Request) transcript.Attack {
	return transcript.Attack{Name: name, From: "http://evil.test/", Method: r.Method, URL: r.URL, Delivered: true, Seen: []string{r.Body}}
}

func (a *agent) Frame(_ context.Context, name, address string) transcript.Attack {
	return transcript.Attack{Name: name, From: "http://evil.test/", Method: "GET", URL: address, Delivered: true, Blocked: "frame-ancestors"}
}

func (a *agent) Inject(_ context.Context, name, address string, mark useragent.Mark) transcript.Attack {
	return transcript.Attack{Name: name, Method: "GET", URL: address, Delivered: true, Forged: mark.Name}
}

func (a *agent) Search(_ context.Context, mark useragent.Mark) ([]string, bool) {
	return []string{"looked for " + mark.Name}, true
}

func (a *agent) Lure(_, path string) (string, error) { return "http://evil.test/" + path, nil }
func (a *agent) Landed(path string) []string         { return nil }

// hanging are people to whom one journey's page does not answer.
func hanging(name string) *telling {
	return &telling{by: &people{hangs: name}}
}
