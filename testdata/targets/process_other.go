//go:build !linux

package targets

import "os/exec"

// Without process groups the closed pipe alone ends a server, and everything
// it started with it.
func isolate(*exec.Cmd) {}

func terminate(*exec.Cmd) {}

func kill(command *exec.Cmd) { _ = command.Process.Kill() }

type process struct{ id int }

func descendants(int) []process { return nil }

func (process) alive() bool { return false }

// Memory is not measured here.
func (s *Server) Memory() int64 { return 0 }
