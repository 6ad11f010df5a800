//go:build !linux

// Command bench needs Linux: it pins processes to processors, and its server
// uses epoll.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: the comparison of load generators needs Linux")
}
