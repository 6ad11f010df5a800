//go:build linux

// Command stub is an authorization server that costs next to nothing: a
// benchmark against it measures the load generator and not its target. A real
// server spends most of a poll on its own bookkeeping, and a generator beside it
// looks fast or slow as that server does.
//
// It issues codes that nobody can approve and answers every poll
// authorization_pending (RFC 8628 section 3.5). It remembers no code, checks no
// parameter, and runs in one thread: epoll tells which connections have
// something to read, each read may bring many requests, and all their answers
// leave in one write. No request that goes well allocates anything.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "IPv4 address; port 0: any free one")
	interval := flag.Int("interval", 5, "interval in the answers, in seconds")
	expires := flag.Int("expires-in", 1800, "expires_in in the answers, in seconds")
	flag.Parse()
	s, err := newServer(*listen, *interval, *expires)
	if err == nil {
		fmt.Printf("listening http://%s\n", s.address)
		err = s.serve()
	}
	fmt.Fprintln(os.Stderr, "stub:", err)
	os.Exit(1)
}
