package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/devicegrant/devicegrant/suites/report"
)

// together is the time within which signals are one: a shell, a terminal that
// closes and a CI service send several.
const together = time.Second

// untilSignal is a context that ends with the first signal, after which a run
// ends in order and writes what there is. One that comes later ends the program at
// once. Ginkgo goes on swallowing signals, so it takes a channel of our own.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup wants it ignored
		list = append(list, syscall.SIGHUP)
	}
	// Whoever reads our output may stop to do so: writing to it fails then, and
	// the result is written all the same. Caught and not ignored, which children
	// would inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(parent)
	caught := make(chan os.Signal, 8)
	signal.Notify(caught, list...)
	go func() {
		<-caught
		first := time.Now()
		cancel()
		for range caught {
			if time.Since(first) > together {
				os.Exit(report.ExitInterrupted)
			}
		}
	}()
	return ctx, cancel
}
