package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/child"
	comparison "github.com/devicegrant/devicegrant/suites/compare"
	"github.com/devicegrant/devicegrant/suites/report"
)

// compared is one argument of compare.
type compared struct {
	name string
	// file is a result that exists; otherwise profile is run.
	file, profile string
	// simulate starts the reference server: the profile's personality, or the
	// built-in server with a fault.
	simulate bool
	fault    string
	set      []string
}

var (
	columnName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
)

// parseCompared reads the arguments, and gives each column a name of its own.
func parseCompared(args, set []string) ([]compared, error) {
	var list []compared
	byName := map[string]int{}
	for _, arg := range args {
		name, what, named := strings.Cut(arg, "=")
		if !named || !columnName.MatchString(name) {
			name, what = "", arg
		}
		t := compared{profile: what}
		if info, err := os.Stat(what); err == nil {
			switch {
			case info.IsDir():
				t.file = filepath.Join(what, "result.json")
			case strings.HasSuffix(what, ".json"), strings.HasSuffix(what, ".json.gz"):
				t.file = what
			}
		} else if profile, how, ok := strings.Cut(what, "@"); ok {
			t.profile, t.simulate = profile, true
			if how != "simulated" {
				t.fault = how
			}
			if t.fault != "" && profile != "builtin" {
				return nil, usageError{fmt.Errorf("%s: for a fault write builtin@%s, for a personality %s@simulated", arg, how, profile)}
			}
		}
		base := filepath.Base(what)
		if base == "result.json" {
			base = filepath.Base(filepath.Dir(what))
		}
		for _, ending := range []string{".gz", ".json", ".yaml", ".yml"} {
			base = strings.TrimSuffix(base, ending)
		}
		name = cmp.Or(name, strings.Trim(notInNames.ReplaceAllString(base, "-"), ".-"), "target")
		if _, taken := byName[name]; taken {
			return nil, usageError{fmt.Errorf("two columns would be named %s; write NAME=%s", name, what)}
		}
		byName[name] = len(list)
		t.name = name
		list = append(list, t)
	}
	for _, s := range set {
		name, value, ok := strings.Cut(s, ":")
		i, known := byName[name]
		if !ok || !known {
			return nil, usageError{fmt.Errorf("--set must be NAME:key=value, where NAME is a column, not %q", s)}
		}
		list[i].set = append(list[i].set, value)
	}
	return list, nil
}

// simulations are what the profiles need for the personalities, whose
// applications and limits are not the vendor's. See the heads of the profiles.
var simulations = map[string]struct {
	personality string
	set, flags  []string
}{
	"wso2":        {set: []string{shortLived}},
	"wso2-5":      {personality: "wso2-5.11", set: []string{shortLived}},
	"oracle":      {set: []string{shortLived, "limits.guesses=60"}},
	"lumoauth":    {set: []string{shortLived, "limits.guesses=60", "limits.token_per_minute=0"}, flags: []string{"--rate-limit", "off"}},
	"cloudentity": {set: []string{shortLived, "limits.guesses=60"}},
	"entra":       {set: []string{"vars.scope=demo:read"}},
	"google":      {set: []string{"vars.scope=demo:read", "vars.client=device-confidential"}},
	"github":      {},
}

// shortLived is the simulation's application whose codes live for 20 seconds.
const shortLived = "expiry.client.id=device-expiring"

// simulation starts the server of a column and returns it with the keys of the
// profile that lead there.
func (t compared) simulation() (*builtin.Process, []string, error) {
	if t.profile == "builtin" {
		var flags []string
		if t.fault != "" {
			flags = []string{"--fault", t.fault}
		}
		server, err := startProcess(flags...)
		if err != nil {
			return nil, nil, err
		}
		// The endpoints are named, so that a fault in the metadata stays there.
		return server, []string{"base_url=" + server.Issuer, "endpoints.device_authorization=" + server.Issuer + "/device_authorization", "endpoints.token=" + server.Issuer + "/token"}, nil
	}
	s := simulations[t.profile]
	flags := append([]string{"--personality", cmp.Or(s.personality, t.profile)}, s.flags...)
	server, err := startProcess(flags...)
	if err != nil {
		return nil, nil, err
	}
	set := []string{"base_url=" + cmp.Or(server.Base, server.Issuer), "tls.allow_http=true", "limits.rate=500"}
	return server, append(set, s.set...), nil
}

// errLost says why a column has no result.
type errLost struct{ reason string }

func (e errLost) Error() string { return e.reason }

// result runs a live target in a process of its own, or reads the file. folder
// is where the run's own files go.
func (t compared) result(ctx context.Context, folder string, args []string, limit time.Duration) (report.Result, error) {
	if t.file != "" {
		return report.Read(t.file, nil)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLost{fmt.Sprintf("the run did not end within %s", limit)})
	defer cancel()
	var set []string
	env := os.Environ()
	if t.simulate {
		server, keys, err := t.simulation()
		if err != nil {
			return report.Result{}, fmt.Errorf("the simulation did not start: %w", err)
		}
		defer server.Close()
		set = keys
		for name, value := range server.Secrets {
			env = append(env, name+"="+value)
		}
	}
	path := filepath.Join(folder, "result.json")
	// A run that is killed must not be answered for by an older one.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return report.Result{}, fmt.Errorf("the folder of the column: %w", err)
	}
	program, err := ownProgram()
	if err != nil {
		return report.Result{}, fmt.Errorf("cannot find this program: %w", err)
	}
	line := append([]string{"run", "--profile", t.profile, "--out", folder, "--quiet", "--no-progress"}, args...)
	for _, s := range append(set, t.set...) {
		line = append(line, "--set="+s)
	}
	var said tail
	cmd := exec.CommandContext(ctx, program, line...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &said, &said
	cmd.Cancel = func() error { return child.Interrupt(cmd) }
	cmd.WaitDelay = 10 * time.Second // for the partial result
	release, err := child.Start(cmd)
	if err == nil {
		err = cmd.Wait()
		release()
		child.Kill(cmd)
	}
	switch cause := (errLost{}); {
	case errors.As(context.Cause(ctx), &cause):
		return report.Result{}, cause
	case ctx.Err() != nil:
		return report.Result{}, errLost{"interrupted"}
	case cmd.ProcessState == nil:
		return report.Result{}, fmt.Errorf("the run did not start: %w", err)
	case !cmd.ProcessState.Exited():
		return report.Result{}, errLost{fmt.Sprintf("the run ended before its time (%s)", cmd.ProcessState)}
	}
	r, err := report.Read(path, nil)
	if err != nil {
		return r, errLost{fmt.Sprintf("the run made no result (%s): %s", cmd.ProcessState, said.last())}
	}
	if r.Interrupted {
		return r, errLost{"the run was interrupted"}
	}
	if r.Lost != "" {
		return r, errLost{r.Lost}
	}
	if t.simulate {
		r.Target.Kind = "simulated"
		if t.profile == "builtin" {
			r.Target.Fidelity = "a test double"
			if t.fault != "" {
				r.Target.Fidelity += ", with the fault " + t.fault
			}
			// The run was told an address only, and took it for a real server.
			if err := rewrite(path, r); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// rewrite replaces a result.json, so that no later reader takes the target for
// a real one.
func rewrite(path string, r report.Result) error {
	return report.WriteFile(path, func(w io.Writer) error { return report.WriteJSON(w, r) })
}

// column is the result as the comparison takes it; an error loses this column only.
func (t compared) column(ctx context.Context, out string, args []string, limit time.Duration) comparison.Column {
	c := comparison.Column{Name: t.name}
	folder := filepath.Join(out, t.name)
	r, err := t.result(ctx, folder, args, limit)
	if err != nil {
		c.Lost = clean(err.Error())
		return c
	}
	c.Result = r
	path := cmp.Or(t.file, filepath.Join(folder, "result.json"))
	c.Link = linkFrom(out, path)
	if beside := filepath.Join(filepath.Dir(path), "report.html"); isFile(beside) {
		c.Report = linkFrom(out, beside)
	}
	return c
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// linkFrom is the way from a folder to a file, "" if there is none.
func linkFrom(folder, file string) string {
	from, err := filepath.Abs(folder)
	if err != nil {
		return ""
	}
	to, err := filepath.Abs(file)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(rel)
}

// tail keeps the end of what a child prints.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.kept = append(t.kept, p...)
	if len(t.kept) > most {
		t.kept = slices.Clone(t.kept[len(t.kept)-most:])
	}
	return len(p), nil
}

// last is the last line that says something.
func (t *tail) last() string {
	lines := strings.Split(strings.TrimSpace(string(t.kept)), "\n")
	// The error's first line says what happened; hints follow it.
	for _, line := range slices.Backward(lines) {
		if said, ok := strings.CutPrefix(line, "devicegrant: "); ok {
			return said
		}
	}
	return lines[len(lines)-1]
}
