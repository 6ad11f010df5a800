//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// place is where the two sides run.
type place struct {
	server, generator int    // processors
	taskset           string // the program that pins; "": nothing is pinned
	obstacle          string // why nothing is
}

// choosePlace takes the first two processors that this process may use, which
// in a container need not be 0 and 1.
func choosePlace() place {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return place{obstacle: "the processors are not known: " + err.Error()}
	}
	var cpus []int
	for cpu := 0; len(cpus) < 2 && cpu < len(allowed)*strconv.IntSize; cpu++ {
		if allowed.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	if len(cpus) < 2 {
		return place{obstacle: "there is one processor"}
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return place{obstacle: "there is no taskset (Debian package util-linux)"}
	}
	return place{server: cpus[0], generator: cpus[1], taskset: taskset}
}

func (p place) String() string {
	if p.taskset == "" {
		return p.obstacle + ": server and generator share what there is, and the figures are rough"
	}
	return fmt.Sprintf("server on processor %d, generator on processor %d", p.server, p.generator)
}

// command is a program on a processor. taskset becomes the program, so that its
// process id and its times are the program's. The kernel ends it if we are
// killed, even when it is stopped.
func (p place) command(ctx context.Context, cpu int, program string, args ...string) *exec.Cmd {
	argv := append([]string{program}, args...)
	if p.taskset != "" {
		argv = append([]string{p.taskset, "--cpu-list", strconv.Itoa(cpu)}, argv...)
	}
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}
