// Package loadgen simulates many thousands of devices that poll one
// authorization server (RFC 8628 section 3.4), and measures the server and
// itself.
//
// A run carries out a [profiles.Plan] against a [Site]:
//
//	plan ─► shard ─► wheel ─► devices that are due ─► connections ─► answers
//	                   ▲                                               │
//	                   └──────── the device's own decision ◄───────────┘
//
// One goroutine per shard turns the timing wheel and hands each device that is
// due to a connection, which is a goroutine too. Between polls, a device is
// about 170 bytes in an array plus its codes.
//
// A device follows the RFC: it waits one interval after each response, adds
// five seconds permanently after every slow_down, doubles its wait after a
// timeout, and stops when its codes expire or on any other error. Impatient and
// greedy devices break these rules on purpose.
//
// # The workload model
//
// Arrivals are an open model: the plan's arrival rate (constant, ramp, steps,
// spike) does not depend on the server. Two settings close it: with the curve
// closed, a device arrives when another one has its codes; with replace, a new
// device takes the place of each one that ends, so their number stays constant.
//
// The polls of one device are a closed model, because the RFC requires it: the
// next poll is due one interval after the response to the last. The client
// model fixed is constant pacing: the next poll is due one interval after the
// last one was due. It is closed too: no poll leaves before the response to the
// last.
//
// # What is measured
//
// Every request has four instants: intended (when the device wanted to send
// it), dequeued (when the wheel handed it out), written and answered. A
// generator that measured from written would wait for a stalled server, send
// less in the meantime and report low latencies for what it did not send: this
// is coordinated omission. Latency therefore counts from the intended instant
// and includes the wait for a connection. The generator's own lateness
// (dequeued minus intended) has a separate histogram. A run whose generator was
// late is invalid: it says nothing about the server.
//
// A ledger checks the grants: each approved device gets exactly one token, no
// other device gets any, and no token is issued twice.
package loadgen
