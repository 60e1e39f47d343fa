package render

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errFull says that a gate's queue is full, or that the wait in it was too long.
var errFull = errors.New("too much is under way here")

// A gate lets a number of flights work at one time and a number of others wait. Flights hold originals in memory and
// outlive the readers who asked for them, so nothing else would bound what one visitor can set going.
type gate struct {
	room  chan struct{} // places inside, working or waiting
	slots chan struct{} // working
	wait  time.Duration // longest wait for a slot
}

func newGate(working, waiting int, wait time.Duration) *gate {
	return &gate{room: make(chan struct{}, working+waiting), slots: make(chan struct{}, working), wait: wait}
}

// quiet reports whether nobody works or waits here.
func (g *gate) quiet() bool { return len(g.room) == 0 }

// spare reports whether less than half of what may work is inside. Of renditions that is fewer than there are processors.
func (g *gate) spare() bool { return len(g.room) < max(cap(g.slots)/2, 1) }

// enter waits for a slot. The caller must call leave once.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.room <- struct{}{}:
	default:
		return nil, fmt.Errorf("%w: %d flights wait", errFull, cap(g.room)-cap(g.slots))
	}
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots; <-g.room }, nil
	case <-timer.C:
		err = fmt.Errorf("%w: waited %s", errFull, g.wait)
	case <-ctx.Done():
		err = ctx.Err()
	}
	<-g.room
	return nil, err
}
