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

type hookAgent struct{ *hook }

// Close implements Agent.
func (hookAgent) Close() error { return nil }

// Journey implements Agent.
func (h hookAgent) Journey(ctx context.Context, task Task) transcript.Journey {
	j := transcript.Journey{Name: task.Name, Goal: task.Goal, Driver: h.Name(), Start: task.Start, Started: h.o.Now()}
	if task.AtDecision != nil {
		return unsupported(j, "a hook sees no page to pause at", h.o.Now())
	}
	decision, outcome := "approve", transcript.Approved
	switch task.Goal {
	case transcript.Approve:
	case transcript.Deny:
		decision, outcome = "deny", transcript.Denied
	default:
		return unsupported(j, "a hook can only approve and deny", h.o.Now())
	}
	if h.unfit(task.UserCode) || h.unfit(task.Start) {
		return unsupported(j, "the server's user code or URL has characters that are unsafe to pass to a hook", h.o.Now())
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
		err = h.run(ctx, expand)
	} else {
		step.Action = "call the hook's URL"
		step.Status, err = h.call(ctx, expand)
	}
	step.TookMS = float64(time.Since(began).Microseconds()) / 1000
	j.Steps, j.Outcome, j.Decided = []transcript.Step{step}, outcome, err == nil
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		class, cause := classOf(err)
		j.Outcome = transcript.Unfinished
		j.Trouble = &transcript.Trouble{Class: class, Step: 1, Page: "hook", Action: step.Action, Cause: cause,
			Hint: "see verification.hook in the profile"}
	}
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

// run starts the command without a shell, so that nothing in a user code or a
// URL is ever read as one.
func (h *hook) run(ctx context.Context, expand func(string) string) error {
	args := make([]string, len(h.spec.Command))
	for i, a := range h.spec.Command {
		args[i] = expand(a)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.WaitDelay = time.Second
	var said Tail
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return Failed(transcript.HookFailed, strings.TrimSuffix(fmt.Sprintf("the hook failed: %v: %s", err, pages.Tidy(said.String(), pages.MaxLabel)), ": "))
	}
	return nil
}

func (h *hook) call(ctx context.Context, expand func(string) string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, cmp.Or(h.spec.Method, http.MethodPost), expand(h.spec.URL), strings.NewReader(expand(h.spec.Body)))
	if err != nil {
		return 0, Failed(transcript.Unreachable, err.Error())
	}
	for name, value := range h.spec.Headers {
		r.Header.Set(name, expand(value.Reveal()))
	}
	resp, err := h.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, _ = io.Copy(&body, io.LimitReader(resp.Body, pages.MaxText))
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, Failed(transcript.HookFailed, fmt.Sprintf("the hook answered HTTP %d: %s", resp.StatusCode, pages.Tidy(body.String(), pages.MaxLabel)))
	}
	return resp.StatusCode, nil
}

// unsupported ends a journey that a driver cannot make.
func unsupported(j transcript.Journey, cause string, now time.Duration) transcript.Journey {
	j.Outcome, j.Ended = transcript.Unfinished, now
	j.Trouble = &transcript.Trouble{Class: transcript.Unsupported, Cause: cause, Hint: "use the browser or forms driver for this journey"}
	return j
}
