package fakeidp

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Script sets what a client gets, response by response, whatever the state of
// its codes: for authors of device clients who want to test them on a rough
// network. After the last step, the server responds normally.
type Script struct {
	// Client is the client_id that the script is for.
	Client string `json:"client"`
	// DeviceAuthorization and Token are the responses of the two endpoints, in
	// order.
	DeviceAuthorization []Step `json:"device_authorization,omitempty"`
	Token               []Step `json:"token,omitempty"`
	// Repeat starts again after the last step.
	Repeat bool `json:"repeat,omitempty"`
}

// Step is one response, or several equal ones.
type Step struct {
	// Answer is an error code of RFC 8628 or RFC 6749; "token", which approves
	// the code for the first user and returns real tokens; or "real" (the
	// default), which is the server's normal response.
	Answer string `json:"answer,omitempty"`
	// Times is how often in a row the step applies. Default 1.
	Times int `json:"times,omitempty"`
	// Status and Headers replace those of the response; Body replaces the whole
	// body.
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	// DelayMS delays the response, in real milliseconds.
	DelayMS int `json:"delay_ms,omitempty"`
	// Reset closes the connection instead of responding. The request is not
	// processed.
	Reset bool `json:"reset,omitempty"`
	// Truncate sends only this many bytes of the body, as if they were all.
	Truncate int `json:"truncate,omitempty"`
}

// stepErrors are the codes that a step can answer.
var stepErrors = []string{
	"authorization_pending", "slow_down", "access_denied", "expired_token", "invalid_grant", "invalid_request", "invalid_client",
	"unauthorized_client", "unsupported_grant_type", "invalid_scope", "server_error", "temporarily_unavailable",
}

const (
	maxStepTimes = 10_000
	maxStepDelay = 10 * 60 * 1000 // milliseconds
)

// check says what is wrong with a script.
func (s *Script) check() error {
	for _, part := range []struct {
		name  string
		steps []Step
	}{{"device_authorization", s.DeviceAuthorization}, {"token", s.Token}} {
		for i, step := range part.steps {
			known := step.Answer == "" || step.Answer == "real" || step.Answer == "token" && part.name == "token" || slices.Contains(stepErrors, step.Answer)
			switch at := fmt.Sprintf("%s, step %d", part.name, i+1); {
			case !known:
				return fmt.Errorf("%s: unknown answer %q", at, step.Answer)
			case step.Times < 0 || step.Times > maxStepTimes:
				return fmt.Errorf("%s: times must be 1 to %d", at, maxStepTimes)
			case step.Status != 0 && (step.Status < 200 || step.Status > 599):
				return fmt.Errorf("%s: status %d is not a response status", at, step.Status)
			case step.DelayMS < 0 || step.DelayMS > maxStepDelay:
				return fmt.Errorf("%s: delay_ms must be 0 to %d", at, maxStepDelay)
			case step.Truncate < 0:
				return fmt.Errorf("%s: truncate must not be negative", at)
			}
		}
	}
	return nil
}

// Play replaces all active scripts. A client has at most one script; without
// arguments, all scripts stop.
func (p *IdP) Play(scripts ...Script) error {
	plays := map[string]*play{}
	for i := range scripts {
		s := scripts[i]
		if _, known := p.clients[s.Client]; !known {
			return fmt.Errorf("fakeidp: script: unknown client %q", s.Client)
		}
		if plays[s.Client] != nil {
			return fmt.Errorf("fakeidp: script: the client %q has two scripts", s.Client)
		}
		if err := s.check(); err != nil {
			return fmt.Errorf("fakeidp: script of %q: %w", s.Client, err)
		}
		plays[s.Client] = &play{script: s, at: map[string]*place{pathDeviceAuthorization: {steps: s.DeviceAuthorization}, pathToken: {steps: s.Token}}}
	}
	p.plays.Store(&plays)
	return nil
}

// Playing returns the clients that have a script.
func (p *IdP) Playing() []string {
	var clients []string
	if plays := p.plays.Load(); plays != nil {
		for c := range *plays {
			clients = append(clients, c)
		}
	}
	slices.Sort(clients)
	return clients
}

// play is a script that runs.
type play struct {
	script Script
	mu     sync.Mutex
	at     map[string]*place
}

// place is how far an endpoint has got.
type place struct {
	steps      []Step
	step, done int
}

// next is the step for the next request to a path, if there is one left.
func (s *play) next(path string) (Step, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at[path]
	if at == nil || len(at.steps) == 0 {
		return Step{}, false
	}
	if at.step == len(at.steps) {
		if !s.script.Repeat {
			return Step{}, false
		}
		at.step = 0
	}
	step := at.steps[at.step]
	if at.done++; at.done >= max(1, step.Times) {
		at.step, at.done = at.step+1, 0
	}
	return step, true
}

// playFor is the script of a request's client.
func (x *exchange) playFor() (Step, bool) {
	plays := x.p.plays.Load()
	if plays == nil || x.r.Method != http.MethodPost {
		return Step{}, false
	}
	s := (*plays)[x.client()]
	if s == nil {
		return Step{}, false
	}
	return s.next(x.path)
}

// perform answers a request as a step says.
func (x *exchange) perform(step Step) {
	switch {
	case step.Reset:
		x.hangUp = true
		return
	case step.Body != "" && step.Answer == "":
		x.reply(http.StatusOK, nil)
	case step.Answer == "" || step.Answer == "real":
		x.serve()
	case step.Answer == "token":
		if g, err := x.p.find(x.form.Get("device_code")); err == nil {
			_ = x.p.approve(g, &x.p.config.Users[0], g.requested) // a code that was decided stays so
		}
		x.serve()
	default:
		x.refuse(http.StatusBadRequest, step.Answer)
	}
	if step.Body != "" {
		x.answer = []byte(step.Body)
	}
	if step.Status != 0 {
		x.status = step.Status
	}
	for name, value := range step.Headers {
		x.header.Set(name, value)
	}
	if step.Truncate > 0 && step.Truncate < len(x.answer) {
		x.answer = x.answer[:step.Truncate]
	}
	x.delay = time.Duration(step.DelayMS) * time.Millisecond
}

// controlScript is POST /script: a list of scripts, in the place of all others.
func (p *IdP) controlScript(w http.ResponseWriter, r *http.Request) {
	var scripts []Script
	if err := decodeJSON(w, r, &scripts); err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	err := p.Play(scripts...)
	controlAnswer(w, map[string][]string{"scripts": p.Playing()}, err)
}
