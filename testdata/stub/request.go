//go:build linux

package main

import "bytes"

// maxRequest is the longest request that is understood, head and body.
const maxRequest = 8 << 10

// route is what a request asks for.
type route uint8

const (
	elsewhere route = iota
	issue
	poll
)

// request is one request in a stream of them: where it goes, its length, and
// whether the connection ends with it.
type request struct {
	route   route
	length  int
	closing bool
}

// framing is what the beginning of a stream turned out to be.
type framing uint8

const (
	whole   framing = iota
	partial         // more is to come
	refused         // too long, or in a form that is not understood
)

var (
	lineEnd          = []byte("\r\n")
	headEnd          = []byte("\r\n\r\n")
	contentLength    = []byte("content-length")
	connection       = []byte("connection")
	transferEncoding = []byte("transfer-encoding")
	closeOption      = []byte("close")
	version10        = []byte(" HTTP/1.0")
)

// next finds the first request in b. Its path and the end of it are all that
// matters: the header fields that do not say where it ends are skipped.
func next(b []byte) (request, framing) {
	var r request
	head := bytes.Index(b, headEnd)
	if head < 0 {
		return r, incomplete(len(b) + 1)
	}
	first, fields, _ := bytes.Cut(b[:head+len(lineEnd)], lineEnd)
	r.route = routeOf(first)
	r.closing = bytes.HasSuffix(first, version10)
	body := 0
	for len(fields) > 0 {
		var line []byte
		line, fields, _ = bytes.Cut(fields, lineEnd)
		name, value, _ := bytes.Cut(line, []byte{':'})
		switch {
		case bytes.EqualFold(name, contentLength):
			if body = decimal(bytes.TrimSpace(value)); body < 0 {
				return r, refused
			}
		case bytes.EqualFold(name, transferEncoding):
			return r, refused // chunks hide where the request ends
		case bytes.EqualFold(name, connection):
			r.closing = r.closing || bytes.EqualFold(bytes.TrimSpace(value), closeOption)
		}
	}
	r.length = head + len(headEnd) + body
	if r.length > min(len(b), maxRequest) {
		return r, incomplete(r.length)
	}
	return r, whole
}

// incomplete judges a request of which at least this many bytes are needed.
func incomplete(needed int) framing {
	if needed > maxRequest {
		return refused
	}
	return partial
}

// routeOf reads the first line. Tools that cannot POST may GET the token
// endpoint.
func routeOf(line []byte) route {
	method, rest, _ := bytes.Cut(line, []byte{' '})
	path, _, _ := bytes.Cut(rest, []byte{' '})
	path, _, _ = bytes.Cut(path, []byte{'?'})
	switch post := string(method) == "POST"; {
	case string(path) == "/token" && (post || string(method) == "GET"):
		return poll
	case string(path) == "/device_authorization" && post:
		return issue
	}
	return elsewhere
}

// decimal is the number in text; -1: none, or more than any request may have.
func decimal(text []byte) int {
	if len(text) == 0 {
		return -1
	}
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' || n > maxRequest {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
