//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is what the programs are built from, wherever in it this one started.
const module = "github.com/devicegrant/devicegrant/"

// bench is a folder with the programs, and the stub as it serves.
type bench struct {
	place place
	dir   string
	stub  *exec.Cmd
	url   string // of the stub
	wrk   string // "": not here
}

// openBench builds the programs and starts the stub.
func openBench(ctx context.Context, p place) (*bench, error) {
	dir, err := os.MkdirTemp("", "devicegrant-bench-")
	if err != nil {
		return nil, fmt.Errorf("a folder for the programs: %w", err)
	}
	b := &bench{place: p, dir: dir}
	if b.wrk, err = exec.LookPath("wrk"); err != nil {
		b.wrk = ""
	}
	for _, step := range []func(context.Context) error{b.build, b.start, b.prepare} {
		if err := step(ctx); err != nil {
			b.close()
			return nil, err
		}
	}
	return b, nil
}

// close ends the stub and takes everything away.
func (b *bench) close() {
	if b.stub != nil {
		_ = b.stub.Process.Kill()
		_ = b.stub.Wait()
	}
	os.RemoveAll(b.dir)
}

// path is a file in the folder.
func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// build compiles the programs as the released one is.
func (b *bench) build(ctx context.Context) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.dir+string(filepath.Separator),
		module+"cmd/devicegrant", module+"testdata/stub", module+"testdata/bench/nethttp")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// start starts the stub and learns its address.
func (b *bench) start(ctx context.Context) error {
	c := b.place.command(ctx, b.place.server, b.path("stub"))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return fmt.Errorf("the stub: %w", err)
	}
	if err := c.Start(); err != nil {
		return fmt.Errorf("the stub: %w", err)
	}
	b.stub = c
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the stub does not say where it listens: %w", err)
	}
	_, url, ok := strings.Cut(strings.TrimSpace(line), "listening ")
	if !ok {
		return fmt.Errorf("the stub says %q", line)
	}
	b.url = url
	return nil
}

// prepare writes what the generators read.
func (b *bench) prepare(context.Context) error {
	return errors.Join(
		os.WriteFile(b.path("stub.yaml"), fmt.Appendf(nil, profile, b.url), 0o644),
		os.WriteFile(b.path("poll.lua"), []byte(script), 0o644),
	)
}

// profile is the stub as devicegrant is told of it.
const profile = `base_url: %s
discovery: "off"
endpoints:
  device_authorization: "${base_url}/device_authorization"
  token: "${base_url}/token"
clients:
  public: {id: tv}
tls: {allow_http: true}
`

// script is a poll for wrk, with a body as long as devicegrant's.
const script = `wrk.method = "POST"
wrk.body = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=stub-00000000000000000000000000000000001&client_id=tv"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
`
