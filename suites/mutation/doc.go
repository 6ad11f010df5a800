// Package mutation tests the suite itself. It runs the suite against the
// reference server with one fault at a time, and against variants that are
// unusual and conforming, and compares the verdicts with those of the server
// without a fault. A fault is killed when every check that its entry names
// leaves the clean verdict; whatever else trips has to be listed with its cause.
// Together the results are the kill matrix.
package mutation
