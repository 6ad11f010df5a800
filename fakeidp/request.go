package fakeidp

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	maxBody   = 64 << 10
	maxParams = 64
	formType  = "application/x-www-form-urlencoded"
)

// form are the parameters of one request to an API endpoint. There are few, so
// a list is faster than a map.
type form []param

type param struct{ name, value string }

// get returns the value of a parameter. One without a value counts as absent
// (RFC 6749 section 3.2), and so does one that is.
func (f form) get(name string) string {
	for _, p := range f {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

var bodies = sync.Pool{New: func() any { return new([maxBody + 1]byte) }}

// readForm reads the parameters of a POST (RFC 6749 section 3.2). The query of
// the URI is not among them: parameters that arrive there end up in logs.
func readForm(r *http.Request) (form, *oauthError) {
	if r.Method != http.MethodPost {
		return nil, errMethod
	}
	if !isForm(r.Header["Content-Type"]) {
		return nil, errContentType
	}
	if r.URL.RawQuery != "" && r.URL.Query().Has("client_secret") {
		return nil, errSecretInURI
	}
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	buffer := bodies.Get().(*[maxBody + 1]byte)
	defer bodies.Put(buffer)
	n, err := readUpTo(r.Body, buffer[:])
	switch {
	case err != nil:
		return nil, errBody
	case n > maxBody:
		return nil, errTooLarge
	}
	return parseForm(string(buffer[:n]))
}

// readUpTo fills the buffer or reads to the end, whichever comes first.
func readUpTo(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) {
		m, err := r.Read(buffer[n:])
		n += m
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func isForm(contentType []string) bool {
	if len(contentType) != 1 {
		return false
	}
	if contentType[0] == formType {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType[0])
	return err == nil && t == formType
}

// parseForm decodes application/x-www-form-urlencoded. Unlike net/url it
// refuses a name that occurs twice (RFC 6749 section 3.2), even when one of
// them has no value.
func parseForm(body string) (form, *oauthError) {
	f := make(form, 0, 8)
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, errEncoding
		}
		for _, p := range f {
			if p.name == name {
				return nil, errRepeated
			}
		}
		if len(f) == maxParams {
			return nil, errTooMany
		}
		f = append(f, param{name, value})
	}
	return f, nil
}
