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
	// Slot is the device's place, for connections that belong to devices.
	Slot int32
}

// Answer is what came back, and when the request left.
type Answer struct {
	// Written is the instant before the first byte was written, on the run's clock.
	Written int64
	Status  int
	// Body is good until the next request on the same connection.
	Body []byte
	// RetryAfter is the header's value; 0: none.
	RetryAfter time.Duration
	// Dialled says that a connection was made for it, Resent that a kept
	// connection turned out to be closed, so that the request was sent again.
	Dialled, Resent bool
	// Err is the error behind a failure.
	Err error
}

// Connection carries one request at a time. Nothing is dialled before the first.
type Connection interface {
	Do(r *Request, a *Answer) Failure
	// Interrupt lets the Do that is under way end with FailureTimeout. One that comes
	// between two requests is taken for late and forgotten: whoever wants the next
	// to end interrupts it again. It is the only method that another goroutine may
	// call.
	Interrupt()
	Close()
}

// Transport makes connections.
type Transport interface {
	Name() string
	Connect() Connection
	// Drop closes the connection that belongs to a device, if there is one.
	Drop(slot int32)
	Close()
}

// TransportOptions are what both transports need.
type Options struct {
	// Context ends every dial.
	Context context.Context
	// Policy is reuse, per-device or per-poll.
	Policy  string
	Timeout time.Duration
	TLS     *tls.Config
	// Dial makes a TCP connection; nil: net.Dialer, from Sources in turn.
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Sources []net.IP
	// Now is the run's clock.
	Now func() int64
}
