// Package wire is the raw HTTP client of the conformance suite.
//
// It is never lenient: it sends exactly the bytes that it is given and reports
// exactly what came back. It follows no redirect, fills in no default, merges
// no duplicate and cleans nothing up, because each of those would hide a fault
// that a device would see. One call is one [Exchange].
package wire

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"
)

// Request is one HTTP request, to be sent byte for byte as given.
type Request struct {
	// Label says what the caller is doing, for example "poll/3" or
	// "control/valid request". Rules find exchanges by it.
	Label  string
	Method string
	URL    string
	Header http.Header
	Body   []byte
	// Complete, if set, makes of the request what is sent each time: with a client
	// assertion or a proof that no server takes twice.
	Complete func(Request) Request
	// Certificate is shown in the TLS handshake; nil for none.
	Certificate *tls.Certificate
}

// completed is the request as it is sent now.
func (r Request) completed() Request {
	complete := r.Complete
	if complete == nil {
		return r
	}
	r.Complete, r.Header = nil, r.Header.Clone()
	return complete(r)
}

// Message is the header and body of a request or of a response.
type Message struct {
	Header http.Header `json:"headers,omitempty"`
	Body   Bytes       `json:"body,omitempty"`
}

// Exchange is one request and its result: a Response, a Failure, or both if the
// connection broke inside the body (Response then has its start).
type Exchange struct {
	// N counts the exchanges of one transcript from 1.
	N      int    `json:"n"`
	Label  string `json:"label"`
	Method string `json:"method"`
	URL    string `json:"url"`

	Request Message `json:"request"`
	// Certificate is the SHA-256 thumbprint of the certificate that the client
	// showed, as in x5t#S256 (RFC 8705 section 3.1); "" for none.
	Certificate string `json:"certificate,omitempty"`

	// Status is the HTTP status code, 0 if no response arrived.
	Status   int      `json:"status"`
	Proto    string   `json:"proto,omitempty"`
	Response *Message `json:"response,omitempty"`
	// Truncated says that the body was longer than the client reads, and that
	// Response.Body is its start.
	Truncated bool `json:"truncated,omitempty"`
	// Cut says that there was no room to keep the response: Response has its
	// start, and the rest is lost.
	Cut bool `json:"cut,omitempty"`
	// Length is how long a truncated body was, as far as it was read; SHA256 is
	// the hash of the whole body, "" if it was not read to its end.
	Length  int64    `json:"length,omitempty"`
	SHA256  string   `json:"sha256,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
	// Superseded says that this answer was about something else than the request
	// (a limit, the pace, a gateway, a lost connection), and that a later exchange
	// with the same label asked again.
	Superseded bool `json:"superseded,omitempty"`
	// Release is set by [Client.Together].
	Release Release `json:"release,omitempty"`
	// Dialect says where the target's responses differ from the RFCs; nil:
	// nowhere. It comes from the profile and is not recorded with each
	// exchange.
	Dialect *Dialect `json:"-"`

	// Sent and Received count from the start of the run, in the target's
	// seconds (see the scenario clock).
	Sent     time.Duration `json:"-"`
	Received time.Duration `json:"-"`
}

// exchangeJSON carries the two times as the milliseconds that result.json names.
type exchangeJSON struct {
	plainExchange
	SentMS     float64 `json:"sent_ms"`
	ReceivedMS float64 `json:"received_ms"`
}

type plainExchange Exchange

// MarshalJSON writes the times as sent_ms and received_ms.
func (x Exchange) MarshalJSON() ([]byte, error) {
	return json.Marshal(exchangeJSON{plainExchange(x), milliseconds(x.Sent), milliseconds(x.Received)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (x *Exchange) UnmarshalJSON(b []byte) error {
	var j exchangeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*x = Exchange(j.plainExchange)
	x.Sent, x.Received = fromMilliseconds(j.SentMS), fromMilliseconds(j.ReceivedMS)
	return nil
}

// resolution of the times: what a recording keeps, so that a rule finds the
// same figures in it as in the live run.
const resolution = time.Microsecond

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(resolution)) / float64(time.Millisecond)
}

func fromMilliseconds(ms float64) time.Duration {
	return time.Duration(ms * float64(time.Millisecond)).Round(resolution)
}

// Answered reports whether a complete HTTP response arrived, with any status,
// and was kept.
func (x Exchange) Answered() bool { return x.Response != nil && x.Failure == nil && !x.Cut }

// Header returns the first value of a response header, or "".
func (x Exchange) Header(name string) string {
	if x.Response == nil {
		return ""
	}
	return x.Response.Header.Get(name)
}

// Object decodes the response body as one flat JSON object, see [ParseObject],
// and translates it into the words of the RFCs.
func (x Exchange) Object() (Object, error) {
	if x.Dialect == nil {
		return x.Literal()
	}
	body, err := x.wholeBody()
	if err != nil {
		return Object{}, err
	}
	return x.Dialect.object(body)
}

// Spelled is Object with the target's own names: a form is parsed, but nothing
// is renamed.
func (x Exchange) Spelled() (Object, error) {
	if x.Dialect == nil || !x.Dialect.Form {
		return x.Literal()
	}
	x.Dialect = &Dialect{Form: true}
	return x.Object()
}

// Literal is Object without any translation: JSON, or an error.
func (x Exchange) Literal() (Object, error) {
	body, err := x.wholeBody()
	if err != nil {
		return Object{}, err
	}
	return ParseObject(body)
}

// Overdue is the JSON object of an answer that is whole, although its headers
// promise more than came.
func (x Exchange) Overdue() (o Object, ok bool) {
	if x.Response == nil || x.Cut || x.Failure == nil || x.Failure.Kind != FailReset && x.Failure.Kind != FailTimeout {
		return o, false
	}
	o, err := ParseObject(x.Response.Body)
	return o, err == nil
}

func (x Exchange) wholeBody() (Bytes, error) {
	switch {
	case x.Response == nil:
		return nil, fmt.Errorf("exchange %d has no response", x.N)
	case x.Truncated:
		return nil, fmt.Errorf("the body is longer than the %d bytes that are read", len(x.Response.Body))
	}
	return x.Response.Body, nil
}

// OAuthError returns the string member "error" of a JSON object body, or "" if
// there is none. It reads the body for any status.
func (x Exchange) OAuthError() string {
	o, err := x.Object()
	if err != nil {
		return ""
	}
	s, _ := o.String("error")
	return s
}

// EndsGrant says that the answer to a poll ends the grant for good (RFC 8628
// section 3.5): the device has no use for its code any more.
func (x Exchange) EndsGrant() bool {
	switch x.OAuthError() {
	case "access_denied", "expired_token", "invalid_grant":
		return true
	}
	return false
}

// Overloaded reports whether the response is about load and not about the
// request: 503, or 429 without one of the error codes that answer a poll.
func (x Exchange) Overloaded() bool {
	switch x.Status {
	case 503:
		return true
	case 429:
		switch x.OAuthError() {
		case "authorization_pending", "slow_down", "access_denied", "expired_token":
			return false
		}
		return true
	}
	return false
}

// Form returns the request's parameters, those of the body before those of the
// query. A parameter that was sent twice has two values.
func (x Exchange) Form() url.Values {
	v, _ := url.ParseQuery(string(x.Request.Body))
	u, err := url.Parse(x.URL)
	if err != nil {
		return v
	}
	for name, values := range u.Query() {
		v[name] = append(v[name], values...)
	}
	return v
}

// FailureKind is the class of a transport failure.
type FailureKind string

// The kinds of transport failure.
const (
	FailDNS      FailureKind = "dns"      // the host name does not resolve
	FailRefused  FailureKind = "refused"  // nothing listens there
	FailTLS      FailureKind = "tls"      // the handshake or the certificate failed
	FailTimeout  FailureKind = "timeout"  // no complete response within the limit
	FailReset    FailureKind = "reset"    // the connection ended before the response did
	FailProtocol FailureKind = "protocol" // the response is not HTTP, or its framing is broken
	FailCanceled FailureKind = "canceled" // the run was interrupted
	FailHungUp   FailureKind = "hung up"  // the client closed the connection itself, see Client.SendAndHangUp
)

// Failure says why no complete response arrived.
type Failure struct {
	Kind FailureKind `json:"kind"`
	Text string      `json:"text"`
}

func (f *Failure) Error() string { return fmt.Sprintf("%s: %s", f.Kind, f.Text) }

// Bytes is a body. In JSON it is a string, or {"base64": "..."} if it is not
// valid UTF-8, so that a recording keeps every byte.
type Bytes []byte

// MarshalJSON implements json.Marshaler.
func (b Bytes) MarshalJSON() ([]byte, error) {
	if utf8.Valid(b) {
		return json.Marshal(string(b))
	}
	return json.Marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString(b)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*b = Bytes(s)
		return nil
	}
	var enc struct {
		Base64 []byte `json:"base64"`
	}
	if err := json.Unmarshal(data, &enc); err != nil {
		return fmt.Errorf("a body is a string or {\"base64\": ...}: %w", err)
	}
	*b = enc.Base64
	return nil
}
