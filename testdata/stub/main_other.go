//go:build !linux

// Command stub needs epoll, which only Linux has.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "stub: needs Linux")
	os.Exit(1)
}
