//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/devicegrant/devicegrant/suites/report"
)

// detach keeps a terminal's interrupt from a child.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interruptGroup asks a detached child and all it started to end.
func interruptGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

// killGroup ends what is left of them.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// parentPipe names the variable with the number of a pipe whose other end only
// the parent holds: it closes when the parent ends, by SIGKILL too.
const parentPipe = "DEVICEGRANT_PARENT_PIPE"

// startBound starts a child of this program that ends when we do. release is for
// after its end.
func startBound(cmd *exec.Cmd) (release func(), err error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("a pipe to a child: %w", err)
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	cmd.Env = append(cmd.Env, parentPipe+"="+strconv.Itoa(2+len(cmd.ExtraFiles)))
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		ours.Close()
		return nil, err
	}
	return func() { ours.Close() }, nil
}

// partial is how long a child has to write what there is.
const partial = 10 * time.Second

// endWithParent cancels a run whose parent is gone.
func endWithParent(cancel context.CancelFunc) {
	n, err := strconv.Atoi(os.Getenv(parentPipe))
	if err != nil || n < 3 {
		return
	}
	os.Unsetenv(parentPipe)
	syscall.CloseOnExec(n) // a browser must not hold it
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(uintptr(n), "parent"))
		cancel()
		time.Sleep(partial)
		os.Exit(report.ExitInterrupted)
	}()
}
