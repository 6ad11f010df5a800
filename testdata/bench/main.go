//go:build linux

// Command bench tells what the load generator costs, and whether it tells the
// truth. A number of polls per second means nothing without the machine it was
// measured on, so everything here is a ratio of things measured in one run on
// one machine: devicegrant beside wrk, which does nothing but send, and beside
// the client that one would write with net/http.
//
// The target is testdata/stub, alone on one processor, with the generator alone
// on another. Three questions are asked, in every round:
//
//   - closed loop: how many polls does a second of processor time buy?
//   - steady: with so many devices that poll every 5 s, how late is the
//     generator, and what does a device cost?
//   - stall: when the server stands still, is the time that devices waited in
//     the reported latencies? A generator that waits with its server leaves it
//     out: "coordinated omission".
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often everything is measured; the table has the medians")
	quick := flag.Bool("quick", false, "one round")
	flag.Parse()
	if *quick {
		*rounds = 1
	}
	if *rounds < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	got, err := measure(ctx, *rounds)
	switch {
	case ctx.Err() != nil:
		os.Exit(130) // whatever else failed, failed of this
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	fmt.Print(got.table())
}

// The populations whose steady state is measured, and the connections with
// which the stalled server is.
var (
	populations = []int{1_000, 10_000, 100_000, 200_000}
	stallConns  = []int{64, 512}
)

// measure asks all questions so many times.
func measure(ctx context.Context, rounds int) (results, error) {
	at := choosePlace()
	fmt.Fprintln(os.Stderr, at)
	r := results{place: at, rounds: rounds, steady: make([][]document, len(populations)), stalls: make([][]stall, len(stallConns))}
	b, err := openBench(ctx, r.place)
	if err != nil {
		return r, err
	}
	defer b.close()
	for round := range rounds {
		if err := b.round(ctx, fmt.Sprintf("round %d of %d: ", round+1, rounds), &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

// round asks every question once. What is compared is measured side by side, so
// that a slow minute of the machine is in all of it.
func (b *bench) round(ctx context.Context, prefix string, r *results) error {
	say := func(what string) { fmt.Fprintln(os.Stderr, prefix+what) }
	say("closed loop")
	closed, err := b.closedLoops(ctx)
	if err != nil {
		return err
	}
	r.closed = append(r.closed, closed)
	for i, n := range populations {
		say(thousands(float64(n)) + " devices")
		d, err := b.steadyState(ctx, n)
		if err != nil {
			return err
		}
		r.steady[i] = append(r.steady[i], d)
	}
	for i, n := range stallConns {
		say(fmt.Sprintf("stall with %d connections", n))
		s, err := b.stalled(ctx, n)
		if err != nil {
			return err
		}
		r.stalls[i] = append(r.stalls[i], s)
	}
	return nil
}
