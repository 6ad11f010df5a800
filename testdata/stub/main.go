//go:build linux

// Command stub is an authorization server that costs next to nothing, so that a
// benchmark measures the load generator and not its target. It issues codes
// that nobody can approve and answers every poll authorization_pending, from one
// thread, without a parser and without keeping anything.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	interval := flag.Int("interval", 5, "interval in the answers, in seconds")
	expires := flag.Int("expires-in", 1800, "expires_in in the answers, in seconds")
	flag.Parse()
	s, err := newServer(*listen, *interval, *expires)
	if err != nil {
		fmt.Fprintln(os.Stderr, "stub:", err)
		os.Exit(1)
	}
	fmt.Printf("listening http://%s\n", s.address)
	if err := s.serve(); err != nil {
		fmt.Fprintln(os.Stderr, "stub:", err)
		os.Exit(1)
	}
}
