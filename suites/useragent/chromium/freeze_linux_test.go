package chromium

import (
	"syscall"
	"testing"
)

// freeze stops processes as a debugger would.
func freeze(t *testing.T, list []browserProcess) {
	for _, p := range list {
		if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
			t.Log(err)
		}
	}
}

// lives says that a process has not ended. One that its parent has not yet asked
// about is a zombie, and has.
func lives(p browserProcess) bool {
	_, started := parentAndStart(p.pid)
	return started == p.started && p.memory() > 0
}
