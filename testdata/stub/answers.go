//go:build linux

package main

import (
	"bytes"
	"fmt"
)

// The digits that make codes unique, in a template of zeros.
const (
	deviceDigits = 35
	userDigits   = 8
)

// answers are those of the server, ready to be sent.
type answers struct {
	pending, notFound []byte
	// issued is the template of an answer with codes. Their digits start at
	// deviceAt and userAt; its length never changes, so its Content-Length holds.
	issued           []byte
	deviceAt, userAt int
	count            uint64 // of the codes
}

func newAnswers(address string, interval, expires int) *answers {
	zeros := fmt.Sprintf("%0*d", deviceDigits, 0)
	a := &answers{
		pending:  answer("400 Bad Request", `{"error":"authorization_pending"}`),
		notFound: answer("404 Not Found", `{"error":"not_found"}`),
		issued: answer("200 OK", fmt.Sprintf(`{"device_code":"stub-%s","user_code":"STUB-%s","verification_uri":"http://%s/device","expires_in":%d,"interval":%d}`,
			zeros, zeros[:userDigits], address, expires, interval)),
	}
	a.deviceAt = bytes.Index(a.issued, []byte("stub-")) + len("stub-")
	a.userAt = bytes.Index(a.issued, []byte("STUB-")) + len("STUB-")
	return a
}

func answer(status, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// append adds the answer to a request.
func (a *answers) append(out []byte, r route) []byte {
	switch r {
	case poll:
		return append(out, a.pending...)
	case issue:
		a.count++
		digits(a.issued[a.deviceAt:][:deviceDigits], a.count)
		digits(a.issued[a.userAt:][:userDigits], a.count)
		return append(out, a.issued...)
	}
	return append(out, a.notFound...)
}

// digits writes the last digits of n that there is room for.
func digits(field []byte, n uint64) {
	for i := len(field) - 1; i >= 0; i-- {
		field[i] = '0' + byte(n%10)
		n /= 10
	}
}

// all appends the answers to all requests that b has in full. rest is what
// remains of b; keep is false when the connection ends with these answers.
func (a *answers) all(out, b []byte) (_, rest []byte, keep bool) {
	for len(b) > 0 {
		r, f := next(b)
		switch f {
		case partial:
			return out, b, true
		case refused:
			return out, nil, false
		}
		out = a.append(out, r.route)
		b = b[r.length:]
		if r.closing {
			return out, nil, false
		}
	}
	return out, nil, true
}
