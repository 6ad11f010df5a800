//go:build !linux

package transport

import "syscall"

// portAtConnect has no counterpart elsewhere.
func portAtConnect(_, _ string, _ syscall.RawConn) error { return nil }
