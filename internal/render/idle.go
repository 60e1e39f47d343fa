package render

import (
	"context"
	"time"
)

// An idleWork in a context marks what nobody waits for: flights that it began end when the Renderer closes.
type idleWork struct{}

func idleContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, idleWork{}, true)
}

// Idle waits for a time to make what nobody has asked for: until nothing else is being made; where that does not come about within
// patience, until less than half of what may be made at one time is. Memory that is short is no such time. The error is ctx's, or says
// that the time did not come within five minutes.
func (r *Renderer) Idle(ctx context.Context) error {
	return r.renders.gate.idle(ctx, time.Now())
}

// idle is Renderer.Idle for who waits since then.
func (g *gate) idle(ctx context.Context, since time.Time) error {
	tick := time.NewTicker(quietPoll)
	defer tick.Stop()
	for {
		waited := time.Since(since)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case waited >= longest:
			return errFull
		case g.quiet(), waited >= patience && g.spare():
			return nil
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}
