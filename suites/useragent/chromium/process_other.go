//go:build !linux

package chromium

// ownerOf does not know a process here well enough for its folder to be swept.
func ownerOf(pid int) owner { return owner{PID: pid} }

// browserProcess is one of a browser's. They are not looked for here.
type browserProcess struct{ renderer bool }

func (browserProcess) kill() {}

func (browserProcess) memory() int64 { return 0 }

func processesOf(string) []browserProcess { return nil }
