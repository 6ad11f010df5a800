//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Devices come over 5 s, and their first polls are due 5 s after that: from then
// on the rate is even.
const (
	settled = 11 * time.Second
	window  = 10 * time.Second
)

// load is a run of devicegrant with devices that nobody approves. meanwhile,
// if any, is called as soon as it has started.
func (b *bench) load(ctx context.Context, devices, connections int, warmUp, window time.Duration, meanwhile func() error, more ...string) (document, error) {
	args := append([]string{
		"load", "--profile", b.path("stub.yaml"), "--workload", "steady", "--approve", "0",
		"--devices", strconv.Itoa(devices), "--connections", strconv.Itoa(connections),
		"--warm-up", warmUp.String(), "--duration", (warmUp + window).String(),
		"--json", "--no-progress", "--out", b.path("out"),
	}, more...)
	var out, complaint strings.Builder
	c := b.place.command(ctx, b.place.generator, b.path("devicegrant"), args...)
	c.Stdout, c.Stderr = &out, &complaint
	if err := c.Start(); err != nil {
		return document{}, fmt.Errorf("devicegrant load: %w", err)
	}
	var failed error
	if meanwhile != nil {
		failed = meanwhile()
	}
	err := c.Wait()
	if failed != nil {
		return document{}, failed
	}
	// A run that missed a threshold has its figures all the same.
	var status *exec.ExitError
	if err != nil && (!errors.As(err, &status) || out.Len() == 0) {
		return document{}, fmt.Errorf("devicegrant load: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	if err := ctx.Err(); err != nil {
		return document{}, err
	}
	return readDocument([]byte(out.String()))
}

// steadyState lets so many devices poll every 5 s.
func (b *bench) steadyState(ctx context.Context, devices int) (document, error) {
	return b.load(ctx, devices, 512, settled, window, nil)
}
