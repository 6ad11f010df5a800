package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// portAtConnect lets the kernel choose the port when it knows both ends.
// Without it a bound source address has one set of ports for all targets.
func portAtConnect(_, _ string, c syscall.RawConn) error {
	var failed error
	if err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}); err != nil {
		return err
	}
	return failed
}
