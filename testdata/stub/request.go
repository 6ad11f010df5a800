//go:build linux

package main

import "bytes"

// maxRequest is the longest request that is understood.
const maxRequest = 8 << 10

// kind is what a request asks for.
type kind uint8

const (
	other kind = iota
	issue
	poll
)

// parse finds the end of the first request in b. n is 0 when it is not all
// there yet, and -1 when it never will be.
func parse(b []byte) (k kind, n int, closing bool) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) >= maxRequest {
			return other, -1, true
		}
		return other, 0, false
	}
	head := b[:end+2]
	switch {
	case bytes.HasPrefix(head, []byte("POST /token")), bytes.HasPrefix(head, []byte("GET /token")):
		k = poll
	case bytes.HasPrefix(head, []byte("POST /device_authorization")):
		k = issue
	}
	length := 0
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case len(name) == len("content-length") && bytes.EqualFold(name, []byte("content-length")):
			for _, c := range bytes.TrimSpace(value) {
				if c < '0' || c > '9' || length > maxRequest {
					return other, -1, true
				}
				length = length*10 + int(c-'0')
			}
		case len(name) == len("connection") && bytes.EqualFold(name, []byte("connection")):
			closing = bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
		}
	}
	n = end + 4 + length
	switch {
	case n > maxRequest:
		return other, -1, true
	case n > len(b):
		return other, 0, false
	}
	return k, n, closing
}
