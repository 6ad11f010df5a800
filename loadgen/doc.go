// Package loadgen simulates many thousands of devices that poll one
// authorization server (RFC 8628 section 3.4), and measures both.
//
// A run is a [profiles.Plan] carried out against a [Site]:
//
//	plan ─► shard ─► wheel ─► devices that are due ─► connections ─► answers
//	                   ▲                                               │
//	                   └──────── the device's own decision ◄───────────┘
//
// One goroutine per shard turns the timing wheel and hands each device that is
// due to a connection, which is one goroutine, too. Between its polls a device
// is a few dozen bytes in an array, so a hundred thousand of them cost no more
// than their codes.
//
// A device is the client of the RFC: it waits its interval after each answer,
// five seconds more after every slow_down and for good, twice as long after a
// timeout, and stops at the end of its codes and at any other error. Impatient
// and greedy devices are not, on purpose.
//
// # What is measured
//
// Every request has four instants: intended (when the device wanted to send
// it), popped (when the generator took it up), written and answered. Latency
// counts from the intended instant, so that a server that stalls cannot hide
// the requests that it kept from being sent. What the generator itself is late
// (popped after intended) stands in a histogram of its own, and a run whose
// generator was late is invalid: it says nothing about the server.
//
// Beside the figures a ledger is kept: each approved device gets exactly one
// token, no other device any, and no token is given twice.
package loadgen
