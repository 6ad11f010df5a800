// Package mutation tests the suite itself. It runs the suite against the
// reference server with one fault at a time, and against unusual but conforming
// variants, and compares the verdicts with those for the clean server. A fault
// is killed if every check that its entry names gets a different verdict; any
// other check that trips must be listed with a reason. Together, the results
// are the kill matrix.
package mutation
