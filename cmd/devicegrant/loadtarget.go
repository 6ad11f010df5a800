package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
)

// loadTarget is the server that is loaded, and who decides there.
type loadTarget struct {
	profile *profiles.Profile
	site    *loadgen.Site
	notes   []string
	ceiling float64 // requests a second; 0: none
	close   func()
}

// openTarget loads the profile and finds its endpoints; for the built-in server
// it starts one.
func (f *loadFlags) openTarget(ctx context.Context) (t *loadTarget, err error) {
	t = &loadTarget{close: func() {}}
	set, getenv := f.set, os.Getenv
	own := f.profile == "builtin" && !given(f.set, "base_url=")
	if own {
		server, err := startChild(f.faults, f.expiresIn)
		if err != nil {
			return nil, err
		}
		t.close = server.stop
		set = append([]string{
			"base_url=" + server.issuer,
			"verification.hook.url=" + server.control + "/{decision}",
			"verification.hook.headers.Content-Type=application/json",
			`verification.hook.body={"user_code": "{user_code}", "user": "{username}"}`,
		}, set...)
		getenv = server.getenv
	} else if len(f.faults) > 0 || f.expiresIn > 0 {
		return nil, usageError{errors.New("--fault and --expires-in are for the built-in server that load starts itself")}
	}
	stop := t.close // a return sets t to nil before this is called
	defer func() {
		if err != nil {
			stop()
		}
	}()
	if t.profile, err = profiles.Load(f.profile, profiles.Options{Set: set, Getenv: getenv}); err != nil {
		return nil, err
	}
	t.ceiling = t.profile.Ceiling()
	simulated := ""
	if own {
		t.ceiling = 0 // it is nobody's
		simulated = "the built-in reference server, a test double"
		if len(f.faults) > 0 {
			simulated += " with the faults " + strings.Join(f.faults, ", ")
		}
	}
	if t.site, err = locate(ctx, t.profile, f.wait, simulated); err != nil {
		return nil, err
	}
	if t.profile.TLS.Insecure {
		t.notes = append(t.notes, "certificates are not verified (tls.insecure)")
	}
	return t, nil
}

func given(set []string, key string) bool {
	for _, s := range set {
		if strings.HasPrefix(s, key) {
			return true
		}
	}
	return false
}

// child is the reference server in a process of its own, so that what the
// generator uses is the generator's.
type child struct {
	issuer, control string
	// base is the address of a personality whose issuer is another.
	base    string
	secrets map[string]string
	stop    func()
}

// ownProgram is the program that has the verb idp: this one.
var ownProgram = os.Executable

// startChild starts it on free ports of loopback; more are further flags of idp.
func startChild(faults []string, expiresIn time.Duration, more ...string) (*child, error) {
	program, err := ownProgram()
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	args := []string{"idp", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}
	for _, fault := range faults {
		args = append(args, "--fault", fault)
	}
	args = append(args, more...)
	if expiresIn > 0 {
		args = append(args, "--expires-in", expiresIn.String())
	}
	c := &child{secrets: map[string]string{}}
	cmd := exec.Command(program, args...)
	cmd.Env = os.Environ()
	for _, name := range []string{"DEVICEGRANT_CLIENT_SECRET", "DEVICEGRANT_PASSWORD", "DEVICEGRANT_PASSWORD2", "DEVICEGRANT_PASSWORD3", "DEVICEGRANT_PASSWORD4"} {
		c.secrets[name] = rand.Text()
		cmd.Env = append(cmd.Env, name+"="+c.secrets[name])
	}
	detach(cmd) // an interrupt is for us: it would end before our last requests
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	release, err := startBound(cmd)
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	c.stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		release()
	}
	lines := bufio.NewScanner(out)
	for (c.issuer == "" || c.control == "") && lines.Scan() {
		switch words := strings.Fields(lines.Text()); {
		case len(words) == 3 && words[0] == "base":
			c.base = words[2]
		case len(words) == 2 && words[0] == "issuer":
			c.issuer = words[1]
		case len(words) == 2 && words[0] == "control":
			c.control = words[1]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if c.issuer == "" || c.control == "" {
		c.stop()
		return nil, usageError{fmt.Errorf("the built-in server did not start: %s", strings.TrimPrefix(strings.TrimSpace(complaint.String()), "devicegrant: "))}
	}
	return c, nil
}

func (c *child) getenv(name string) string {
	if value, ok := c.secrets[name]; ok {
		return value
	}
	return os.Getenv(name)
}

// approvers decide about the devices.
type approvers struct {
	approver, canary loadgen.Approver
	close            func()
}

// openPeople prepares them. A plan in which nobody decides needs nobody.
func (f *loadFlags) openApprovers(t *loadTarget, plan profiles.Plan) (*approvers, error) {
	c := &approvers{close: func() {}}
	wanted := func(share *float64) bool { return share != nil && *share > 0 }
	if f.findCapacity || !wanted(plan.Mix.Approve) && !wanted(plan.Mix.Deny) && !wanted(plan.Greedy.Share) {
		return c, nil
	}
	kind := plan.Approval.Driver
	if kind == "" {
		kind = "forms"
		if t.profile.Verification.Hook != nil {
			kind = "hook"
		}
	}
	people, err := suites.NewPeople(t.profile, kind, "")
	if err != nil {
		return nil, usageError{fmt.Errorf("%w; --approve 0 lets nobody decide", err)}
	}
	c.approver = visitor{people}
	c.close = func() { _ = people.Close() }
	if plan.Canary != nil && *plan.Canary {
		browser, err := suites.NewPeople(t.profile, "browser", "")
		if err != nil {
			c.close()
			return nil, fmt.Errorf("the canary: %w", err)
		}
		c.canary = visitor{browser}
		c.close = func() { _ = people.Close(); _ = browser.Close() }
	}
	return c, nil
}

// visitor lets people decide for the generator.
type visitor struct{ *suites.People }

// Decide implements loadgen.Approver.
func (v visitor) Decide(ctx context.Context, person int, d loadgen.Decision) error {
	return v.Visit(ctx, person, d.Approve, d.VerificationURI, d.UserCode)
}
