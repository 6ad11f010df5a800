// Package transport carries the requests of many devices over few connections.
//
// Two transports do the same. [NewLean] speaks just enough HTTP/1.1 to poll,
// and allocates nothing for a successful request. [NewStandard] uses net/http,
// for HTTP/2 and proxies, and to cross-check the first:
//
//	Endpoint ─┐
//	          ├─► Request ─► Connection.Do ─► Answer, or a Failure
//	code     ─┘
//
// An [Endpoint] is prepared once; only the device code differs between
// requests. [MaxHead] and [MaxBody] bound the size of responses. Anything that
// is not clean HTTP is a [Failure], never an answer: the devices of a run share
// connections, and no device may get the answer of another.
package transport

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Bounds of what is read from the target. The devices of a run share few
// connections, so the bounds are also those of the generator's memory.
const (
	MaxHead = 16 << 10
	MaxBody = 64 << 10
)

// Failure says how a request failed below OAuth.
type Failure uint8

// The failures.
const (
	NoFailure        Failure = iota
	FailureDial              // no connection: refused, unreachable, out of ports
	FailureTLS               // the handshake failed
	FailureTimeout           // no complete answer in time
	FailureReset             // the connection ended before the answer did
	FailureMalformed         // what came is not HTTP
	FailureTooLarge          // head or body beyond the bounds
	FailureKinds
)

var failureNames = [FailureKinds]string{"", "dial", "tls", "timeout", "reset", "malformed", "too-large"}

func (f Failure) String() string { return failureNames[f] }

// Request is one POST of one device.
type Request struct {
	Endpoint *Endpoint
	// Code is the device code, form-encoded; nil in a device authorization request.
	Code []byte
	// Slot is the device's number, for connections that belong to devices.
	Slot int32
}

// Answer is the response, and when the request was sent.
type Answer struct {
	// Written is the time before the first byte was written, on the run's
	// clock.
	Written int64
	Status  int
	// Body is valid until the next request on the same connection.
	Body []byte
	// RetryAfter is the header's value; 0: none.
	RetryAfter time.Duration
	// Dialled says that a new connection was opened; Resent says that a kept
	// connection turned out to be closed, so the request was sent again.
	Dialled, Resent bool
	// Err is the error behind a failure.
	Err error
}

// Connection carries one request at a time. It is opened for the first one.
type Connection interface {
	Do(r *Request, a *Answer) Failure
	// Interrupt makes the Do in progress end with FailureTimeout. Between two
	// requests it has no effect; to end the next one, call it again. It is the
	// only method that another goroutine may call.
	Interrupt()
	Close()
}

// Transport makes connections.
type Transport interface {
	Name() string
	Connect() Connection
	// Drop closes the connection that belongs to a device, if any.
	Drop(slot int32)
	Close()
}

// Options are for both transports.
type Options struct {
	// Context ends every dial.
	Context context.Context
	// Policy is reuse, per-device or per-poll.
	Policy  string
	Timeout time.Duration
	TLS     *tls.Config
	// Dial opens a TCP connection; nil: net.Dialer, from Sources in turn.
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Sources []net.IP
	// OnlyLoopback refuses every other address: a name may resolve to another
	// machine by the time of the dial.
	OnlyLoopback bool
	// Now is the run's clock.
	Now func() int64
}
