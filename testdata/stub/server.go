//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// backlog is how many connections may wait to be accepted: a generator opens
// all of its own at once.
const backlog = 4096

// server is one epoll loop.
type server struct {
	address         string
	listener, epoll int
	answers         *answers
	conns           []conn // by descriptor
	in, out         []byte // of the connection that is being served
}

// newServer listens.
func newServer(listen string, interval, expires int) (*server, error) {
	address, err := net.ResolveTCPAddr("tcp4", listen)
	if err != nil {
		return nil, err
	}
	s := &server{in: make([]byte, 64<<10)}
	if s.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := unix.SetsockoptInt(s.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return nil, fmt.Errorf("SO_REUSEADDR: %w", err)
	}
	// Connections inherit it: each answer is all that its client waits for.
	if err := unix.SetsockoptInt(s.listener, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return nil, fmt.Errorf("TCP_NODELAY: %w", err)
	}
	at := &unix.SockaddrInet4{Port: address.Port}
	copy(at.Addr[:], address.IP.To4())
	if err := unix.Bind(s.listener, at); err != nil {
		return nil, fmt.Errorf("bind %s: %w", listen, err)
	}
	if err := unix.Listen(s.listener, backlog); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	bound, err := unix.Getsockname(s.listener)
	if err != nil {
		return nil, fmt.Errorf("getsockname: %w", err)
	}
	at, ok := bound.(*unix.SockaddrInet4)
	if !ok {
		return nil, fmt.Errorf("listening at %v, which is not IPv4", bound)
	}
	s.address = net.JoinHostPort(net.IP(at.Addr[:]).String(), strconv.Itoa(at.Port))
	s.answers = newAnswers(s.address, interval, expires)
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return s, s.watch(unix.EPOLL_CTL_ADD, int32(s.listener), unix.EPOLLIN)
}

// watch has epoll tell when the descriptor is ready.
func (s *server) watch(operation int, fd int32, events uint32) error {
	return unix.EpollCtl(s.epoll, operation, int(fd), &unix.EpollEvent{Events: events, Fd: fd})
}

// serve answers until something breaks that is no client's doing: it returns
// with an error or not at all. It stays in
// one thread, so that nothing moves it to another processor's caches.
func (s *server) serve() error {
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 1024)
	for {
		n, err := unix.EpollWait(s.epoll, events, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
		for i := range events[:n] {
			if err := s.ready(&events[i]); err != nil {
				return err
			}
		}
	}
}

// ready serves one descriptor. An event that is only an error or the end shows
// when the socket is read or written.
func (s *server) ready(e *unix.EpollEvent) error {
	if int(e.Fd) == s.listener {
		return s.accept()
	}
	c := &s.conns[e.Fd]
	var open bool
	if len(c.unsent) > 0 {
		open = s.flush(e.Fd, c)
	} else {
		open = s.read(e.Fd, c)
	}
	if !open {
		_ = unix.Close(int(e.Fd)) // the descriptor is gone whatever it says
	}
	return nil
}

// accept takes all connections that wait. Out of descriptors it cannot go on:
// epoll would report the same connection for ever.
func (s *server) accept() error {
	for {
		fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
			continue
		case err != nil:
			return fmt.Errorf("accept: %w", err)
		}
		for len(s.conns) <= fd {
			s.conns = append(s.conns, conn{})
		}
		s.conns[fd].reset()
		if err := s.watch(unix.EPOLL_CTL_ADD, int32(fd), unix.EPOLLIN); err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
	}
}
