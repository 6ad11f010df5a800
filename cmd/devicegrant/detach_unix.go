//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// detach keeps a terminal's interrupt from a child.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
