package targets

import (
	"os/exec"
	"syscall"
)

// isolate puts the command into a process group of its own, so that it ends
// with all its children, and has the kernel end it should we be killed.
func isolate(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

func terminate(command *exec.Cmd) { signalGroup(command, syscall.SIGTERM) }

func kill(command *exec.Cmd) { signalGroup(command, syscall.SIGKILL) }

// signalGroup has nothing to say about a group that is gone already.
func signalGroup(command *exec.Cmd, signal syscall.Signal) {
	_ = syscall.Kill(-command.Process.Pid, signal)
}
