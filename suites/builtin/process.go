package builtin

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/devicegrant/devicegrant/suites/child"
)

// Process is the reference server in its own process, so that its resource
// usage does not count as the load generator's.
type Process struct {
	Issuer, Control string
	// Base is the address of a personality whose issuer is another; "" otherwise.
	Base string
	// Secrets are the server's secrets, by the variables that the profile
	// builtin reads.
	Secrets map[string]string

	stop func()
}

// StartError says that the server did not start, with its output: for example
// an unknown fault.
type StartError struct{ Said string }

func (e *StartError) Error() string { return "the built-in server did not start: " + e.Said }

// StartProcess runs the verb idp of a devicegrant program, with additional
// flags.
func StartProcess(program string, flags ...string) (*Process, error) {
	args := append([]string{"idp", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}, flags...)
	p := &Process{Secrets: map[string]string{}}
	cmd := exec.Command(program, args...)
	cmd.Env = os.Environ()
	for _, name := range []string{"DEVICEGRANT_CLIENT_SECRET", "DEVICEGRANT_PASSWORD", "DEVICEGRANT_PASSWORD2", "DEVICEGRANT_PASSWORD3", "DEVICEGRANT_PASSWORD4"} {
		p.Secrets[name] = rand.Text()
		cmd.Env = append(cmd.Env, name+"="+p.Secrets[name])
	}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	// As a child it does not hear an interrupt, which is for us: it would end
	// before our last requests.
	release, err := child.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	p.stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		release()
	}
	lines := bufio.NewScanner(out)
	for (p.Issuer == "" || p.Control == "") && lines.Scan() {
		switch words := strings.Fields(lines.Text()); {
		case len(words) == 3 && words[0] == "base":
			p.Base = words[2]
		case len(words) == 2 && words[0] == "issuer":
			p.Issuer = words[1]
		case len(words) == 2 && words[0] == "control":
			p.Control = words[1]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if p.Issuer == "" || p.Control == "" {
		p.stop()
		return nil, &StartError{strings.TrimPrefix(strings.TrimSpace(complaint.String()), "devicegrant: ")}
	}
	return p, nil
}

// Getenv reads the environment, extended by the server's secrets.
func (p *Process) Getenv(name string) string { return getenv(p.Secrets, name) }

// Close ends the process.
func (p *Process) Close() { p.stop() }
