//go:build !unix

package main

import "os/exec"

// detach does nothing: there is no group to leave.
func detach(*exec.Cmd) {}

// interruptGroup ends the child: there is no milder way.
func interruptGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// killGroup does nothing more.
func killGroup(*exec.Cmd) {}
