//go:build linux

package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// conn is what a connection leaves behind between two events: nothing, mostly.
// Its buffers stay with the descriptor's number for the next connection.
type conn struct {
	pending []byte // the beginning of a request
	unsent  []byte // answers that the client has not made room for
	ending  bool   // closed as soon as unsent is sent
}

func (c *conn) reset() { c.pending, c.unsent, c.ending = c.pending[:0], c.unsent[:0], false }

// read answers what came; false: the connection is to be closed.
func (s *server) read(fd int32, c *conn) bool {
	held := copy(s.in, c.pending)
	n, err := unix.Read(int(fd), s.in[held:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return true
	case err != nil, n == 0:
		return false
	}
	out, rest, keep := s.answers.all(s.out[:0], s.in[:held+n])
	s.out = out
	c.pending = append(c.pending[:0], rest...)
	sent, ok := write(fd, out)
	switch {
	case !ok:
		return false
	case sent == len(out):
		return keep
	}
	// Until the client reads, nothing more is read from it.
	c.unsent = append(c.unsent[:0], out[sent:]...)
	c.ending = !keep
	return s.watch(unix.EPOLL_CTL_MOD, fd, unix.EPOLLOUT) == nil
}

// flush sends what was left over; false: the connection is to be closed.
func (s *server) flush(fd int32, c *conn) bool {
	sent, ok := write(fd, c.unsent)
	if !ok {
		return false
	}
	c.unsent = c.unsent[:copy(c.unsent, c.unsent[sent:])]
	switch {
	case len(c.unsent) > 0:
		return true
	case c.ending:
		return false
	}
	return s.watch(unix.EPOLL_CTL_MOD, fd, unix.EPOLLIN) == nil
}

// write sends as much as the socket takes.
func write(fd int32, b []byte) (sent int, ok bool) {
	for sent < len(b) {
		n, err := unix.Write(int(fd), b[sent:])
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return sent, true
		case err != nil:
			return sent, false
		default:
			sent += n
		}
	}
	return sent, true
}
