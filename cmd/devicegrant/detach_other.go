//go:build !unix

package main

import (
	"context"
	"os/exec"
)

// detach does nothing: there is no group to leave.
func detach(*exec.Cmd) {}

// interruptGroup ends the child: there is no milder way.
func interruptGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// killGroup does nothing more.
func killGroup(*exec.Cmd) {}

// startBound starts a child. That it ends with us is not known to work here.
func startBound(cmd *exec.Cmd) (release func(), err error) {
	return func() {}, cmd.Start()
}

func endWithParent(context.CancelFunc) {}
