package transport

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Endpoint is one address of the target, with everything in a request that does
// not change from device to device.
type Endpoint struct {
	URL *url.URL
	// Headers are sent unchanged, in order.
	Headers []Header
	// Form is the body, or the query, around the device code.
	Form FormParts
	// Query puts Form into the query; Body is then the whole body.
	Query bool
	Body  string

	// head is everything before the code or the content length, prepared once.
	head []byte
	tail []byte
	// origin is the place that connections for it lead to.
	origin string
}

// Header is one header field.
type Header struct{ Name, Value string }

// FormParts is an encoded form before and after the device code.
type FormParts struct{ Before, After string }

// Prepare builds the constant parts of the HTTP/1.1 request.
func (e *Endpoint) Prepare() error {
	if e.URL == nil || e.URL.Host == "" || e.URL.Scheme != "http" && e.URL.Scheme != "https" {
		return errors.New("the endpoint is not an http or https URL")
	}
	e.origin = e.URL.Scheme + "://" + e.URL.Host
	var b strings.Builder
	target := e.URL.EscapedPath()
	if target == "" {
		target = "/"
	}
	b.WriteString("POST " + target)
	if e.Query {
		b.WriteString("?")
		if e.URL.RawQuery != "" {
			b.WriteString(e.URL.RawQuery + "&")
		}
		b.WriteString(e.Form.Before)
	} else if e.URL.RawQuery != "" {
		b.WriteString("?" + e.URL.RawQuery)
	}
	var rest strings.Builder
	if e.Query {
		rest.WriteString(e.Form.After)
	}
	rest.WriteString(" HTTP/1.1\r\nHost: " + e.URL.Host + "\r\n")
	for _, h := range e.Headers {
		if strings.ContainsAny(h.Name+h.Value, "\r\n\x00") || h.Name == "" {
			return fmt.Errorf("the header %q cannot be sent", h.Name)
		}
		rest.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	rest.WriteString("Content-Length: ")
	if strings.ContainsAny(b.String()[len("POST "):], " \r\n") || strings.ContainsAny(e.URL.Host, " \r\n") {
		return fmt.Errorf("the endpoint %q has characters that a URL cannot have", e.URL)
	}
	if e.Query {
		e.head = []byte(b.String())
		e.tail = []byte(rest.String() + strconv.Itoa(len(e.Body)) + "\r\n\r\n" + e.Body)
		return nil
	}
	e.head = []byte(b.String() + rest.String())
	return nil
}

// AppendRequest appends the HTTP/1.1 request for a device code to out.
func (e *Endpoint) AppendRequest(out, code []byte, closing bool) []byte {
	out = append(out, e.head...)
	if e.Query {
		out = append(out, code...)
		if closing {
			i := slices.Index(e.tail, '\r') + 2
			out = append(out, e.tail[:i]...)
			out = append(out, "Connection: close\r\n"...)
			return append(out, e.tail[i:]...)
		}
		return append(out, e.tail...)
	}
	out = strconv.AppendInt(out, int64(len(e.Form.Before)+len(code)+len(e.Form.After)), 10)
	if closing {
		out = append(out, "\r\nConnection: close"...)
	}
	out = append(out, "\r\n\r\n"...)
	out = append(out, e.Form.Before...)
	out = append(out, code...)
	return append(out, e.Form.After...)
}

// BodyWith is the body for a device code, and AddressWith the URL.
func (e *Endpoint) BodyWith(code []byte) string {
	if e.Query {
		return e.Body
	}
	return e.Form.Before + string(code) + e.Form.After
}

func (e *Endpoint) AddressWith(code []byte) string {
	if !e.Query {
		return e.URL.String()
	}
	u := *e.URL
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+e.Form.Before+string(code)+e.Form.After, "&")
	return u.String()
}
