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
	// harmless user agents cannot be attacked.
	harmless bool

	mu     sync.Mutex
	opened int
	closed int
	done   []errandDone
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
	j.CodeTyped = task.TypeCode
	c := a.people.at.typed(text)
	if c == nil {
		j.Steps[0].Text, j.Outcome = "This code is unknown", transcript.CodeRejected
		return
	}
	if a.who == "" {
		if !page("login", "Who are you?") {
			return
		}
		switch {
		case task.Account == nil:
			j.Outcome = transcript.AtLogin
			return
		case passwords[task.Account.Username] != task.Account.Password:
			j.Outcome = transcript.LoginFailed
			return
		}
		a.who, j.LoggedIn = task.Account.Username, true
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

func (a *agent) Search(_ context.Context, mark useragent.Mark) []string {
	return []string{"looked for " + mark.Name}
}

func (a *agent) Lure(_, path string) (string, error) { return "http://evil.test/" + path, nil }
func (a *agent) Landed(path string) []string         { return nil }

// hanging are people to whom one journey's page does not answer.
func hanging(name string) *telling {
	return &telling{by: &people{hangs: name}}
}
