// Package targets starts real third-party authorization servers on loopback,
// for tests that must not rest on our own server alone, and holds what people
// concluded of each (verdicts.yaml):
//
//	server := targets.Named(t, "keycloak").Start(t)
//	command := exec.Command(devicegrant, append([]string{"run"}, server.Args...)...)
//	command.Env = server.Environ()
//
// Each call starts a server of its own, with random secrets, and the end of
// the test ends it. A server that is not installed skips the test, and fails
// it where the environment has CI=true: there nothing may go untested
// unnoticed. DEVICEGRANT_REQUIRE_TARGETS=1 or 0 decides in either case.
package targets

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles/clientkey"
)

const (
	// On an idle machine the slowest, in Java, are up within half a minute.
	startLimit = 5 * time.Minute
	// A start script gives each of its servers ten seconds to end; see leash.sh.
	stopLimit = time.Minute
	// The exit status with which a server says that its port was taken.
	portTaken = 75
)

// Options of a server. Zero values take what the server has by default.
type Options struct {
	// ExpiresIn is the lifetime of the codes in seconds: 600 by default.
	ExpiresIn int
	// Interval is the polling interval in seconds: 5 by default.
	// oidc-provider has none to set, sends none, and ignores this.
	Interval int
	// Secrets are those of another server that this one stands in for, its Env;
	// nil: secrets of its own.
	Secrets map[string]string
}

// Server is a running server. It is ready for requests.
type Server struct {
	// Profile is the name of the shipped profile that describes it.
	Profile string
	// Args select the profile and set in it what a run needs, with a second
	// instance for short-lived codes: --profile and several --set. Only those of
	// [Target.Start] have it.
	Args []string
	// BaseURL is the profile's base_url: scheme, host and port.
	BaseURL string
	// Env holds the variables that the profile reads: the secret of the
	// confidential clients and the user's password.
	Env map[string]string

	output *output
	id     int
}

// Environ is the environment of a program that is to use Args: ours with Env.
func (s *Server) Environ() []string {
	list := os.Environ()
	for name, value := range s.Env {
		list = append(list, name+"="+value)
	}
	return list
}

// Log is all that the server printed so far.
func (s *Server) Log() string { return s.output.String() }

// OIDCProvider starts the npm package oidc-provider.
func OIDCProvider(t testing.TB, o Options) *Server {
	t.Helper()
	directory := filepath.Join(root(t), "oidc-provider")
	node := recentNode(t)
	if _, err := os.Stat(filepath.Join(directory, "node_modules", "oidc-provider")); err != nil {
		missing(t, "the npm package oidc-provider is not installed", setup)
	}
	s := &Server{Profile: "oidc-provider", Env: o.secrets()}
	environment := append(s.environment(), "PORT=0")
	if o.ExpiresIn != 0 {
		environment = append(environment, "DEVICE_TTL="+strconv.Itoa(o.ExpiresIn))
	}
	command := exec.Command(node, "server.mjs")
	command.Dir, command.Env = directory, environment
	if err := s.start(t, command); err != nil {
		t.Fatalf("oidc-provider: %v\n%s", err, s.Log())
	}
	return s
}

// Glewlwyd starts Debian's glewlwyd.
func Glewlwyd(t testing.TB, o Options) *Server {
	t.Helper()
	for _, name := range []string{"bash", "glewlwyd", "sqlite3", "openssl", "curl", "jq"} {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, name+" is not installed", setup)
		}
	}
	s := &Server{Profile: "glewlwyd", Env: o.secrets()}
	s.byScript(t, false, fmt.Sprintf("EXPIRES_IN=%d", cmp.Or(o.ExpiresIn, 600)), fmt.Sprintf("INTERVAL=%d", cmp.Or(o.Interval, 5)))
	return s
}

// byScript runs the folder's start.sh, which leash.sh describes, with these
// further variables. Short is the URL of the second instance, if there is to be
// one.
func (s *Server) byScript(t testing.TB, second bool, variables ...string) (short string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("this server is installed and started on Linux only")
	}
	for attempt := 1; ; attempt++ {
		command := exec.Command("bash", filepath.Join(root(t), s.Profile, "start.sh"),
			filepath.Join(t.TempDir(), "server"), strconv.Itoa(freePort(t)))
		if second {
			port := strconv.Itoa(freePort(t))
			command.Args = append(command.Args, port)
			short = "http://127.0.0.1:" + port
		}
		command.Env = append(s.environment(), variables...)
		err := s.start(t, command)
		if err == nil {
			return short
		}
		// A port that was free a moment ago may be another program's by now.
		var exit *exec.ExitError
		if attempt == 5 || !errors.As(err, &exit) || exit.ExitCode() != portTaken {
			t.Fatalf("%s: %v\n%s", s.Profile, err, s.Log())
		}
	}
}

func (o Options) secrets() map[string]string {
	if o.Secrets != nil {
		return o.Secrets
	}
	secret, password := rand.Text(), rand.Text()
	_, key, err := clientkey.Generate("device-key-1")
	if err != nil {
		panic(err) // there is no randomness
	}
	return map[string]string{
		"DEVICEGRANT_CLIENT_SECRET": secret,
		"DEVICEGRANT_CLIENT_KEY":    key,
		// As leash.sh makes it.
		"DEVICEGRANT_RESERVED_SECRET": "p%:w+d ~" + secret,
		"DEVICEGRANT_PASSWORD":        password,
		"DEVICEGRANT_PASSWORD2":       password,
		"DEVICEGRANT_PASSWORD3":       password,
	}
}

// environment is ours with the server's secrets in the names that the servers
// look at first.
func (s *Server) environment() []string {
	return append(os.Environ(),
		"CLIENT_SECRET="+s.Env["DEVICEGRANT_CLIENT_SECRET"],
		"CLIENT_KEY="+s.Env["DEVICEGRANT_CLIENT_KEY"],
		"USER_PASSWORD="+s.Env["DEVICEGRANT_PASSWORD"])
}

// start runs the command until it says that it is ready, and has the test end
// it. An error of type *exec.ExitError: it ended first.
func (s *Server) start(t testing.TB, command *exec.Cmd) error {
	t.Helper()
	s.output = &output{ready: make(chan string, 1)}
	command.Stdout, command.Stderr = s.output, s.output
	// Both servers end when this pipe closes, which it does when we die.
	leash, err := command.StdinPipe()
	if err != nil {
		return err
	}
	// A child that holds the output open must not hold up the test.
	command.WaitDelay = stopLimit
	isolate(command)
	if err := command.Start(); err != nil {
		return err
	}
	s.id = command.Process.Pid
	var ended error
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended = command.Wait()
	}()
	t.Cleanup(func() {
		running := descendants(s.id)
		// The pipe is closed even where no signal can be sent.
		_ = leash.Close()
		terminate(command)
		select {
		case <-done:
		case <-time.After(stopLimit):
			kill(command)
			<-done
		}
		running = slices.DeleteFunc(running, func(p process) bool { return !p.alive() })
		if len(running) > 0 {
			t.Errorf("%s left processes behind: %v", s.Profile, running)
		}
		if t.Failed() {
			t.Logf("%s printed, in the end:\n%s", s.Profile, lastLines(s.Log(), 30))
		}
	})
	select {
	case s.BaseURL = <-s.output.ready:
		return nil
	case <-done:
		if ended == nil {
			return errors.New("it ended before it was ready")
		}
		return ended
	case <-time.After(startLimit):
		return fmt.Errorf("it was not ready within %v", startLimit)
	}
}

func lastLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// output collects what a server prints and spots the line "ready URL".
type output struct {
	mu    sync.Mutex
	text  strings.Builder
	line  strings.Builder
	ready chan string
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	for _, b := range p {
		if b != '\n' {
			o.line.WriteByte(b)
			continue
		}
		if url, ok := strings.CutPrefix(o.line.String(), "ready "); ok {
			select {
			case o.ready <- url:
			default: // said twice: the first counts
			}
		}
		o.line.Reset()
	}
	return len(p), nil
}

func (o *output) String() string {
	if o == nil {
		return ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// root is the directory of this package. A test runs in the directory of its
// own package, somewhere in the same module.
func root(t testing.TB) string {
	t.Helper()
	directory, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(directory, "go.mod")); err == nil {
			return filepath.Join(directory, "testdata", "targets")
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			t.Fatal("there is no go.mod above the working directory")
		}
		directory = parent
	}
}

// recentNode is a Node.js that can run oidc-provider: the one that setup put
// here, because the machine's own is too old, or the machine's.
func recentNode(t testing.TB) string {
	t.Helper()
	own, _ := filepath.Glob(filepath.Join(root(t), "node", "node_modules", "node-*", "bin", "node"))
	found := false
	for _, name := range append(own, "node") {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		found = true
		if exec.Command(path, "-e", `process.exit(typeof URL.parse === "function" ? 0 : 1)`).Run() == nil {
			return path
		}
	}
	if found {
		missing(t, "node is too old for oidc-provider", setup)
	}
	missing(t, "node is not installed", setup)
	return ""
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// setup is the command that brings what most tests use.
const setup = "make setup"

// missing ends a test for which something is not installed that the command
// brings.
func missing(t testing.TB, what, bring string) {
	t.Helper()
	if required(os.Getenv) {
		t.Fatalf("%s: run %s (DEVICEGRANT_REQUIRE_TARGETS=0 skips this test)", what, bring)
	}
	t.Skipf("%s: run %s", what, bring)
}

func required(getenv func(string) string) bool {
	switch getenv("DEVICEGRANT_REQUIRE_TARGETS") {
	case "1":
		return true
	case "0":
		return false
	}
	return getenv("CI") == "true"
}
