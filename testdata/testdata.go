// Package testdata holds the list of mutants for the verb that runs them.
package testdata

import _ "embed"

// Mutants is mutants.yaml: the faults and benign variants of the reference
// server, and what the suite must say of each.
//
//go:embed mutants.yaml
var Mutants []byte
