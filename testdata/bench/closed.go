//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"
)

// A closed loop: each connection polls again as soon as it has its answer, so
// that the generator is what limits the rate.
const (
	loopConns  = 64
	loopWindow = 4 * time.Second
)

// usage is what some polls cost.
type usage struct {
	polls, cpu, seconds float64
}

func (u usage) rate() float64   { return u.polls / u.seconds }
func (u usage) perCPU() float64 { return u.polls / u.cpu }

// closedLoop is the three generators, one after the other.
type closedLoop struct {
	wrk         *usage // nil: not here
	netHTTP     usage
	devicegrant document
}

func (b *bench) closedLoops(ctx context.Context) (c closedLoop, err error) {
	if b.wrk != "" {
		u, err := b.runWrk(ctx)
		if err != nil {
			return c, err
		}
		c.wrk = &u
	}
	if c.netHTTP, err = b.runNetHTTP(ctx); err != nil {
		return c, err
	}
	// The devices of a closed loop come over 5 s like all others.
	c.devicegrant, err = b.load(ctx, loopConns, loopConns, 6*time.Second, loopWindow, nil, "--closed-loop")
	return c, err
}

// runWrk takes wrk's processor time from the kernel: wrk does not tell it.
func (b *bench) runWrk(ctx context.Context) (usage, error) {
	c := b.place.command(ctx, b.place.generator, b.wrk, "--threads", "1", "--connections", strconv.Itoa(loopConns),
		"--duration", strconv.Itoa(int(loopWindow.Seconds()))+"s", "--script", b.path("poll.lua"), b.url+"/token")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return usage{}, fmt.Errorf("wrk: %w", err)
	}
	cpu := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return readWrk(string(out), cpu)
}

var (
	wrkTotal  = regexp.MustCompile(`(\d+) requests in ([0-9.]+)s,`)
	wrkErrors = regexp.MustCompile(`Socket errors: .*`)
)

// readWrk reads what wrk prints. Its "Non-2xx" responses are the polls.
func readWrk(out string, cpu time.Duration) (usage, error) {
	if complaint := wrkErrors.FindString(out); complaint != "" {
		return usage{}, fmt.Errorf("wrk: %s", complaint)
	}
	m := wrkTotal.FindStringSubmatch(out)
	if m == nil {
		return usage{}, fmt.Errorf("wrk printed no total: %q", out)
	}
	polls, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return usage{}, fmt.Errorf("wrk: %w", err)
	}
	seconds, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return usage{}, fmt.Errorf("wrk: %w", err)
	}
	return usage{polls: polls, cpu: cpu.Seconds(), seconds: seconds}, nil
}

func (b *bench) runNetHTTP(ctx context.Context) (usage, error) {
	c := b.place.command(ctx, b.place.generator, b.path("nethttp"), "--token", b.url+"/token", "--for", loopWindow.String())
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return usage{}, fmt.Errorf("nethttp: %w", err)
	}
	var got struct {
		Polls   float64 `json:"polls"`
		CPU     float64 `json:"cpu_s"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		return usage{}, fmt.Errorf("nethttp: %w", err)
	}
	return usage{got.Polls, got.CPU, got.Seconds}, nil
}
