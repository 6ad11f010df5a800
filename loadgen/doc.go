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
// # The workload model
//
// How devices arrive is an open model: the plan's arrival rate (constant, ramp,
// steps, spike) does not depend on the server. Two settings close it: with the
// curve closed a device arrives when another has its codes, and with replace one
// that ends makes room for the next, so that their number stays the same.
//
// How one device polls is a closed model, because the RFC has it so: the next
// poll is due an interval after the answer to the last. The client model fixed is
// constant pacing: the next is due an interval after the last was due. That, too,
// is closed: no poll leaves before the last was answered.
//
// # What is measured
//
// Every request has four instants: intended (when the device wanted to send it),
// dequeued (when the wheel handed it out), written and answered. A generator that
// measured from written would wait for a server that stalls, send less meanwhile
// and call what it did not send fast: this is coordinated omission. So latency
// counts from the intended instant, and has the wait for a connection in it. What
// the generator itself is late (dequeued after intended) stands in a histogram of
// its own, and a run whose generator was late is invalid: it says nothing about
// the server.
//
// Beside the figures a ledger is kept: each approved device gets exactly one
// token, no other device any, and no token is given twice.
package loadgen
