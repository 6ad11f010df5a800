//go:build !linux

package targets

import "os/exec"

// Without process groups the closed pipe alone ends a server, and everything
// it started with it.
func isolate(*exec.Cmd) {}

func terminate(*exec.Cmd) {}

func kill(command *exec.Cmd) { _ = command.Process.Kill() }
