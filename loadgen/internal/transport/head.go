package transport

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// head is what a device has to know of an answer's head.
type head struct {
	status     int
	length     int64 // -1: not given
	chunked    bool
	close      bool
	retryAfter time.Duration
}

// parseHead parses a status line and header fields, up to and with the empty
// line. It refuses what net/http's client refuses about framing: an answer whose
// end is not certain would shift all that follow it.
func parseHead(b []byte) (head, error) {
	h := head{length: -1}
	line, rest := cutLine(b)
	// HTTP/1.x SP 3DIGIT SP reason
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return h, fmt.Errorf("%w: it begins with %.40q", errMalformed, line)
	}
	if len(line) > 12 && line[12] != ' ' {
		return h, fmt.Errorf("%w: status line %.40q", errMalformed, line)
	}
	for _, d := range line[9:12] {
		if d < '0' || d > '9' {
			return h, fmt.Errorf("%w: status line %.40q", errMalformed, line)
		}
		h.status = h.status*10 + int(d-'0')
	}
	if h.status < 100 {
		return h, fmt.Errorf("%w: status %d", errMalformed, h.status)
	}
	old := line[7] == '0'
	keep, encoded := !old, false
	for {
		line, rest = cutLine(rest)
		if len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || !isToken(line[:colon]) {
			return h, fmt.Errorf("%w: header line %.40q", errMalformed, line)
		}
		name, value := line[:colon], trimSpace(line[colon+1:])
		switch {
		case equalFold(name, "content-length"):
			n, ok := parseDigits(value, math.MaxInt64)
			if !ok || h.length >= 0 && h.length != n {
				return h, fmt.Errorf("%w: Content-Length %.40q", errMalformed, value)
			}
			h.length = n
		case equalFold(name, "transfer-encoding"):
			if encoded || !equalFold(value, "chunked") {
				return h, fmt.Errorf("%w: Transfer-Encoding %.40q", errMalformed, value)
			}
			encoded = true
			// HTTP/1.0 has no chunks (RFC 9112 section 6.1).
			h.chunked = !old
		case equalFold(name, "connection"):
			h.close = h.close || hasToken(value, "close")
			keep = keep || hasToken(value, "keep-alive")
		case equalFold(name, "retry-after"):
			// A date would need a wall clock that is right; seconds are what servers
			// under load send.
			if n, ok := parseDigits(value, math.MaxInt32); ok {
				h.retryAfter = time.Duration(n) * time.Second
			}
		}
	}
	h.close = h.close || !keep
	if encoded && h.length >= 0 {
		h.length = -1
		h.close = true // two lengths: a smuggler's trick (RFC 9112 section 6.3)
	}
	return h, nil
}

// cutLine splits off the first line, without its end.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	return bytes.TrimSuffix(b[:i], []byte("\r")), b[i+1:]
}

func trimSpace(b []byte) []byte { return bytes.Trim(b, " \t") }

// equalFold compares with a lower-case ASCII word.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// hasToken looks for a word in a list with commas.
func hasToken(list []byte, word string) bool {
	for part := range bytes.SplitSeq(list, []byte(",")) {
		if equalFold(trimSpace(part), word) {
			return true
		}
	}
	return false
}

// isToken says that a name has only the characters of RFC 9110 section 5.6.2.
func isToken(b []byte) bool {
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0:
		default:
			return false
		}
	}
	return true
}

func parseDigits(b []byte, most int64) (n int64, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' || n > (most-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// chunkSize reads the line before a chunk. As with net/http there are at most
// 16 digits; more than MaxBody is as good as any.
func chunkSize(line []byte) (int, error) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 16 {
		return 0, fmt.Errorf("%w: chunk size %.40q", errMalformed, line)
	}
	size := 0
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			size = size<<4 | int(c-'0')
		case 'a' <= c && c <= 'f':
			size = size<<4 | int(c-'a'+10)
		case 'A' <= c && c <= 'F':
			size = size<<4 | int(c-'A'+10)
		default:
			return 0, fmt.Errorf("%w: chunk size %.40q", errMalformed, line)
		}
		size = min(size, MaxBody+1) // before it overflows
	}
	return size, nil
}
