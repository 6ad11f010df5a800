//go:build !unix

package child

import (
	"context"
	"os/exec"
)

// Start starts a command that runs this program. That it ends with us is not
// known to work here.
func Start(cmd *exec.Cmd) (release func(), err error) {
	return func() {}, cmd.Start()
}

// Interrupt ends the child: there is no milder way.
func Interrupt(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// Kill does nothing more.
func Kill(*exec.Cmd) {}

// EndWithParent does nothing: see Start.
func EndWithParent(context.CancelFunc, int) {}
