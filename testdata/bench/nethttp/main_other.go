//go:build !linux

// Command nethttp is part of a benchmark that needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "nethttp: needs Linux")
	os.Exit(1)
}
