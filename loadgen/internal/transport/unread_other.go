//go:build !unix

package transport

import "net"

// Nothing is seen here of what came on a connection before it is used.

type rawConn struct{}

func rawOf(net.Conn) rawConn { return rawConn{} }

type unread struct{}

func (*unread) any(rawConn) bool { return false }
