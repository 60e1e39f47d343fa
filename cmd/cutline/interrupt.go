package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// An interrupt is the cause of a context that a signal ended.
type interrupt struct{ signal syscall.Signal }

func (i interrupt) Error() string { return i.signal.String() }

// exitCode is what a shell reports for a program that the signal ended: 130 for SIGINT, 143 for SIGTERM.
func (i interrupt) exitCode() int { return 128 + int(i.signal) }

// untilSignal returns a context that the first SIGINT or SIGTERM ends, with an interrupt as its cause. From then on the
// signals have their usual effect again, so that a second one ends a program that does not finish.
func untilSignal() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			if sig, ok := s.(syscall.Signal); ok {
				cancel(interrupt{sig})
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
