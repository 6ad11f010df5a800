package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/loadgen/approver"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/builtin"
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
		server, err := startProcess(f.serverFlags()...)
		if err != nil {
			return nil, err
		}
		t.close = server.Close
		set = append([]string{
			"base_url=" + server.Issuer,
			"verification.hook.url=" + server.Control + "/{decision}",
			"verification.hook.headers.Content-Type=application/json",
			`verification.hook.body={"user_code": "{user_code}", "user": "{username}"}`,
		}, set...)
		getenv = server.Getenv
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
		simulated = "a test double"
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

// ownProgram is the program that has the verb idp: this one.
var ownProgram = os.Executable

// startProcess starts the reference server in a process of its own.
func startProcess(flags ...string) (*builtin.Process, error) {
	program, err := ownProgram()
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	p, err := builtin.StartProcess(program, flags...)
	if refused := (*builtin.StartError)(nil); errors.As(err, &refused) {
		return nil, usageError{err}
	}
	return p, err
}

// serverFlags are those of the verb idp for the server that load starts.
func (f *loadFlags) serverFlags() (flags []string) {
	for _, fault := range f.faults {
		flags = append(flags, "--fault", fault)
	}
	if f.expiresIn > 0 {
		flags = append(flags, "--expires-in", f.expiresIn.String())
	}
	return flags
}

// approvers decide about the devices.
type approvers struct {
	approver, canary loadgen.Approver
	close            func()
}

// openApprovers prepares them. A plan in which nobody decides needs nobody.
func (f *loadFlags) openApprovers(t *loadTarget, plan profiles.Plan) (*approvers, error) {
	c := &approvers{close: func() {}}
	wanted := func(share *float64) bool { return share != nil && *share > 0 }
	if f.findCapacity || !wanted(plan.Mix.Approve) && !wanted(plan.Mix.Deny) && !wanted(plan.Greedy.Share) {
		return c, nil
	}
	driver := plan.Approval.Driver
	if driver == "" {
		driver = "forms"
		if t.profile.Verification.Hook != nil {
			driver = "hook"
		}
	}
	usual, err := approver.New(t.profile, driver)
	if err != nil {
		return nil, usageError{fmt.Errorf("%w; use --approve 0 to run without approvals", err)}
	}
	c.approver = usual
	c.close = func() { _ = usual.Close() }
	if plan.Canary != nil && *plan.Canary {
		browser, err := approver.New(t.profile, "browser")
		if err != nil {
			c.close()
			return nil, fmt.Errorf("the canary: %w", err)
		}
		c.canary = browser
		c.close = func() { _ = usual.Close(); _ = browser.Close() }
	}
	return c, nil
}
