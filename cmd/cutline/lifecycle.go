package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	// drainTime is how long the server still takes requests after it has said that it is not ready. Load balancers look
	// every few seconds and go on sending until they have looked; Ctrl-C, a person at the keyboard, skips it.
	drainTime = 2 * time.Second
	// shutdownGrace is for the requests under way. With drainTime and flightGrace it stays below the 30 s after which
	// Kubernetes kills (terminationGracePeriodSeconds).
	shutdownGrace = 20 * time.Second
)

// A lifecycle runs one HTTP server from its listener to its end.
type lifecycle struct {
	http         *http.Server
	setReady     func(bool)    // tells load balancers to stay away
	drain, grace time.Duration // how long requests are still taken, and then waited for
	log          *slog.Logger
}

// run serves ln until ctx ends, then shuts down in order: not ready, drain, wait for requests under way, cut off the
// rest. It returns nil after SIGTERM, which is how a service is told to end; after anything else the context's cause.
func (l *lifecycle) run(ctx context.Context, ln net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- l.http.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	cause := context.Cause(ctx)
	stop, signalled := errors.AsType[interrupt](cause)
	l.log.Info("stopping", "cause", cause.Error())
	l.setReady(false)
	l.http.SetKeepAlivesEnabled(false) // each answer from here on sends its client elsewhere
	if signalled && stop.signal == syscall.SIGTERM && l.drain > 0 {
		select {
		case <-time.After(l.drain):
		case err := <-failed:
			return fmt.Errorf("serve %s: %w", ln.Addr(), err)
		}
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.grace)
	defer cancel()
	if err := l.http.Shutdown(grace); err != nil {
		l.log.Warn("requests cut off", "after", l.grace.String())
		_ = l.http.Close() // it has nothing to say that Shutdown has not
	}
	if signalled && stop.signal == syscall.SIGTERM {
		return nil
	}
	return cause
}
