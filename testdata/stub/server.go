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

// server is one epoll loop.
type server struct {
	address       string
	listener      int
	epoll         int
	conns         map[int32]*conn
	codes         uint64
	interval, end int
	out           []byte
}

// conn has what came of a request that is not all there.
type conn struct{ pending []byte }

var pendingAnswer = answer("400 Bad Request", `{"error":"authorization_pending"}`)
var notFound = answer("404 Not Found", `{"error":"not_found"}`)

func answer(status, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

func newServer(listen string, interval, expires int) (*server, error) {
	address, err := net.ResolveTCPAddr("tcp4", listen)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return nil, err
	}
	to := &unix.SockaddrInet4{Port: address.Port}
	copy(to.Addr[:], address.IP.To4())
	if err := unix.Bind(fd, to); err != nil {
		return nil, fmt.Errorf("bind %s: %w", listen, err)
	}
	if err := unix.Listen(fd, 4096); err != nil {
		return nil, err
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	port := bound.(*unix.SockaddrInet4).Port
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	s := &server{address: net.JoinHostPort(address.IP.String(), strconv.Itoa(port)), listener: fd, epoll: epoll,
		conns: map[int32]*conn{}, interval: interval, end: expires}
	return s, s.watch(fd)
}

func (s *server) watch(fd int) error {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// serve answers until something breaks that is no client's doing.
func (s *server) serve() error {
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 1024)
	in := make([]byte, 64<<10)
	for {
		n, err := unix.EpollWait(s.epoll, events, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, e := range events[:n] {
			if int(e.Fd) == s.listener {
				s.accept()
			} else if !s.read(e.Fd, in) {
				unix.Close(int(e.Fd))
				delete(s.conns, e.Fd)
			}
		}
	}
}

func (s *server) accept() {
	for {
		fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if s.watch(fd) != nil {
			unix.Close(fd)
			continue
		}
		s.conns[int32(fd)] = &conn{}
	}
}

// read answers what came on a connection; false: it is to be closed.
func (s *server) read(fd int32, in []byte) bool {
	n, err := unix.Read(int(fd), in)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return true
	}
	if err != nil || n <= 0 {
		return false
	}
	c := s.conns[fd]
	b := in[:n]
	if len(c.pending) > 0 {
		c.pending = append(c.pending, b...)
		b = c.pending
	}
	s.out = s.out[:0]
	keep := true
	for len(b) > 0 && keep {
		k, used, closing := parse(b)
		if used == 0 {
			break
		}
		if used < 0 {
			keep = false
			break
		}
		s.answer(k)
		b = b[used:]
		keep = !closing
	}
	c.pending = append(c.pending[:0], b...)
	for out := s.out; len(out) > 0; {
		n, err := unix.Write(int(fd), out)
		if err != nil {
			return false // a client that does not read is not one of ours
		}
		out = out[n:]
	}
	return keep
}

// answer writes the answer to one request.
func (s *server) answer(k kind) {
	switch k {
	case poll:
		s.out = append(s.out, pendingAnswer...)
	case issue:
		s.codes++
		body := fmt.Sprintf(`{"device_code":"stub-%036d","user_code":"STUB-%08d","verification_uri":"http://%s/device","expires_in":%d,"interval":%d}`,
			s.codes, s.codes, s.address, s.end, s.interval)
		s.out = append(s.out, answer("200 OK", body)...)
	default:
		s.out = append(s.out, notFound...)
	}
}
