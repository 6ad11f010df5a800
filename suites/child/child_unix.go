//go:build unix

package child

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// parentPipe names the variable with the number of a pipe whose other end only
// the parent holds: it closes when the parent ends, by SIGKILL too.
const parentPipe = "DEVICEGRANT_PARENT_PIPE"

// Start starts a command that runs this program. Call release after it has
// ended.
func Start(cmd *exec.Cmd) (release func(), err error) {
	// A group of its own keeps the terminal's interrupt away.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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

// Interrupt asks a child and all that it started to end.
func Interrupt(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

// Kill kills what is left of them.
func Kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// partial is how long a child has to write what there is.
const partial = 10 * time.Second

// EndWithParent is for a program that may be a child: it cancels the run when
// the parent is gone, and exits with the status if the run goes on.
func EndWithParent(cancel context.CancelFunc, status int) {
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
		os.Exit(status)
	}()
}
