//go:build !unix

package child

import (
	"context"
	"os/exec"
)

// Start starts a command that runs this program. On this system, it is not
// known to end with its parent.
func Start(cmd *exec.Cmd) (release func(), err error) {
	return func() {}, cmd.Start()
}

// Interrupt kills the child: there is no gentler way.
func Interrupt(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// Kill does nothing more.
func Kill(*exec.Cmd) {}

// EndWithParent does nothing: see Start.
func EndWithParent(context.CancelFunc, int) {}
