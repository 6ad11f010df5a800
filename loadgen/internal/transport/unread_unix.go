//go:build unix

package transport

import (
	"crypto/tls"
	"net"
	"syscall"
)

// rawConn is how the kernel's side of a connection is looked at; nil: it cannot be.
type rawConn = syscall.RawConn

// rawOf is that of a connection.
func rawOf(c net.Conn) rawConn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// unread looks whether something has come on a connection that nobody has read:
// bytes, or its end.
type unread struct {
	look func(fd uintptr) bool // made once, so that a look allocates nothing
	came bool
}

func (u *unread) any(raw rawConn) bool {
	if raw == nil {
		return false
	}
	if u.look == nil {
		u.look = func(fd uintptr) bool {
			var b [1]byte
			_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			u.came = err != syscall.EAGAIN && err != syscall.EINTR
			return true
		}
	}
	u.came = false
	return raw.Read(u.look) != nil || u.came
}
