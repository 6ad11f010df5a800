package wire

import (
	"net/http"
	"net/url"
	"strings"
)

// FormType is the media type of a request body (RFC 6749 appendix B).
const FormType = "application/x-www-form-urlencoded"

// Form is a request body under construction: ordered pairs, so that a
// parameter can be sent twice and bytes go out in the order they were added.
// Its methods return a changed copy.
type Form []Param

// Param is one name and value, not yet encoded.
type Param struct{ Name, Value string }

// Add appends a parameter, whether or not the name is there already.
func (f Form) Add(name, value string) Form {
	return append(f[:len(f):len(f)], Param{name, value})
}

// Set replaces the first parameter of that name, or appends it.
func (f Form) Set(name, value string) Form {
	g := append(Form(nil), f...)
	for i := range g {
		if g[i].Name == name {
			g[i].Value = value
			return g
		}
	}
	return append(g, Param{name, value})
}

// Get returns the value of the first parameter of that name, or "".
func (f Form) Get(name string) string {
	for _, p := range f {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Without removes every parameter of that name.
func (f Form) Without(name string) Form {
	var g Form
	for _, p := range f {
		if p.Name != name {
			g = append(g, p)
		}
	}
	return g
}

// Encode returns application/x-www-form-urlencoded text.
func (f Form) Encode() string {
	var b strings.Builder
	for i, p := range f {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.Value))
	}
	return b.String()
}

// Post returns a form POST as in RFC 8628 sections 3.1 and 3.4.
func Post(label, target string, form Form) Request {
	return Request{Label: label, Method: http.MethodPost, URL: target, Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {FormType}, "Accept": {"application/json"}}}
}

// Get returns a plain GET.
func Get(label, target string) Request {
	return Request{Label: label, Method: http.MethodGet, URL: target, Header: http.Header{"Accept": {"*/*"}}}
}

// BasicAuth returns the Authorization value of RFC 6749 section 2.3.1: id and
// secret are form-encoded before they are joined.
func BasicAuth(id, secret string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return r.Header.Get("Authorization")
}
