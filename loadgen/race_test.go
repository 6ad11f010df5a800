//go:build race

package loadgen

// raced says that the race detector slows everything down by a factor of ten.
const raced = true
