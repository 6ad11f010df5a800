package useragent

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// hook is the driver that decides without pages: a command or an HTTP call.
type hook struct {
	o      Options
	spec   profiles.Hook
	client http.Client
}

func newHook(o Options) (*hook, error) {
	h := o.Verification.Hook
	if h == nil || len(h.Command) == 0 && h.URL == "" {
		return nil, errors.New("the profile has no verification.hook")
	}
	config, err := o.TrustConfig()
	if err != nil {
		return nil, err
	}
	return &hook{o: o, spec: *h, client: http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, MaxIdleConnsPerHost: 64},
	}}, nil
}

func (h *hook) Name() string                            { return "hook" }
func (h *hook) NewAgent(context.Context) (Agent, error) { return &hookAgent{h}, nil }

func (h *hook) Close() error {
	h.client.CloseIdleConnections()
	return nil
}

// With these, a hook says that it did its work and the server refused the code or
// the login. No shell, no signal, no usual tool and no HTTP server uses them, so
// that a hook which does not know them never says so by chance.
const (
	codeRefusedExit  = 117
	loginRefusedExit = 118
	codeRefusedHTTP  = 477
	loginRefusedHTTP = 478
)

// refusal is the error of a hook whose decision the server refused.
type refusal struct {
	outcome transcript.Outcome
	said    string // by the hook
}

func (r *refusal) Error() string { return "the server refused: " + string(r.outcome) }

// refusalOf is the refusal that a status tells; nil: none.
func refusalOf(status, code, login int, said string) error {
	said = pages.Tidy(said, pages.MaxLabel)
	switch status {
	case code:
		return &refusal{transcript.CodeRejected, said}
	case login:
		return &refusal{transcript.LoginFailed, said}
	}
	return nil
}

type hookAgent struct{ *hook }

// Close implements Agent.
func (hookAgent) Close() error { return nil }

// Journey implements Agent.
func (h hookAgent) Journey(ctx context.Context, task Task) transcript.Journey {
	j := transcript.Journey{Name: task.Name, Goal: task.Goal, Driver: h.Name(), Start: task.Start, Started: h.o.Now()}
	decision, outcome := "approve", transcript.Approved
	switch task.Goal {
	case transcript.Approve:
	case transcript.Deny:
		decision, outcome = "deny", transcript.Denied
	default:
		return withoutPages(j, "the hook sees no pages, and can only approve and deny", h.o.Now())
	}
	if h.unfit(task.UserCode) || h.unfit(task.Start) {
		return unsupported(j, "the server's user code or URL has characters that are unsafe to pass to a hook", h.o.Now())
	}
	if task.AtDecision != nil {
		// A hook decides at once: the last moment before it is that of the decision.
		if err := task.AtDecision(ctx); err != nil {
			class, cause := classOf(err)
			j.Outcome, j.Ended = transcript.Unfinished, h.o.Now()
			j.Trouble = &transcript.Trouble{Class: class, Page: "hook", Cause: cause}
			return j
		}
	}
	if task.AtRequest != nil {
		task.AtRequest()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, h.o.Verification.Limits.Step, errStep)
	defer cancel()
	username := ""
	if task.Account != nil {
		username = task.Account.Username
	}
	expand := func(s string) string {
		return strings.NewReplacer("{user_code}", task.UserCode, "{username}", username,
			"{decision}", decision, "{verification_uri}", task.Start).Replace(s)
	}
	began := time.Now()
	step := transcript.Step{N: 1, Page: "hook", URL: task.Start}
	var err error
	if len(h.spec.Command) > 0 {
		step.Action = "run " + h.spec.Command[0]
		step.Reason, err = h.run(ctx, expand)
	} else {
		step.Action = "call the hook's URL"
		step.Status, step.Reason, err = h.call(ctx, expand)
	}
	step.TookMS = float64(time.Since(began).Microseconds()) / 1000
	j.Outcome, j.Decided = outcome, err == nil
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		j.Outcome, step.Alert = refused.outcome, refused.said
	case err != nil:
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		class, cause := classOf(err)
		j.Outcome = transcript.Unfinished
		j.Trouble = &transcript.Trouble{Class: class, Step: 1, Page: "hook", Action: step.Action, Cause: cause,
			Hint: "see verification.hook in the profile; where the server refused the code, let the hook exit with status 117, or answer HTTP 477"}
	}
	j.Steps = []transcript.Step{step}
	if task.Account != nil {
		scrub(&j, task.Account.Password)
	}
	j.Ended = h.o.Now()
	return j
}

// unfit says that a value of the target could change the meaning of what it is
// put into: as an option of the command, or as a part of the URL or the JSON.
// There is no shell, so a command may get any other character.
func (h *hook) unfit(value string) bool {
	if len(h.spec.Command) > 0 {
		return strings.HasPrefix(value, "-") || strings.Contains(value, "\x00")
	}
	return strings.IndexFunc(value, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"'\\`<>{}", c)
	}) >= 0
}

// answered is the hook's status and what it said.
func answered(status, said string) string {
	return strings.TrimSuffix(status+": "+pages.Tidy(said, pages.MaxLabel), ": ")
}

// run starts the command without a shell, so that nothing in a user code or a
// URL is ever read as one. It returns what the command answered.
func (h *hook) run(ctx context.Context, expand func(string) string) (string, error) {
	args := make([]string, len(h.spec.Command))
	for i, a := range h.spec.Command {
		args[i] = expand(a)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.WaitDelay = time.Second
	var said Tail
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	answer := ""
	if cmd.ProcessState != nil {
		answer = answered(cmd.ProcessState.String(), said.String())
	}
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			if refused := refusalOf(exit.ExitCode(), codeRefusedExit, loginRefusedExit, said.String()); refused != nil {
				return answer, refused
			}
		}
		return answer, Failed(transcript.HookFailed, answered("the hook failed: "+err.Error(), said.String()))
	}
	return answer, nil
}

// call sends the request, and returns the status and what the hook answered.
func (h *hook) call(ctx context.Context, expand func(string) string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, cmp.Or(h.spec.Method, http.MethodPost), expand(h.spec.URL), strings.NewReader(expand(h.spec.Body)))
	if err != nil {
		return 0, "", Failed(transcript.Unreachable, err.Error())
	}
	for name, value := range h.spec.Headers {
		r.Header.Set(name, expand(value.Reveal()))
	}
	resp, err := h.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, _ = io.Copy(&body, io.LimitReader(resp.Body, pages.MaxText))
	answer := answered(fmt.Sprintf("HTTP %d", resp.StatusCode), body.String())
	if refused := refusalOf(resp.StatusCode, codeRefusedHTTP, loginRefusedHTTP, body.String()); refused != nil {
		return resp.StatusCode, answer, refused
	}
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, answer, Failed(transcript.HookFailed, "the hook answered "+answer)
	}
	return resp.StatusCode, answer, nil
}

// unsupported ends a journey that a driver cannot make.
func unsupported(j transcript.Journey, cause string, now time.Duration) transcript.Journey {
	j.Outcome, j.Ended = transcript.Unfinished, now
	j.Trouble = &transcript.Trouble{Class: transcript.Unsupported, Cause: cause, Hint: "use the browser or forms driver for this journey"}
	return j
}

// withoutPages is unsupported for what only a page shows.
func withoutPages(j transcript.Journey, cause string, now time.Duration) transcript.Journey {
	j = unsupported(j, cause, now)
	j.Trouble.Hint = "a run with the browser driver tells"
	return j
}
