package render

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// errFull says that a gate's queue is full, or that the wait in it was too long.
var errFull = errors.New("too much is under way here")

// A gate lets a number of flights work at one time and a number of others wait. Flights hold originals in memory and
// outlive the readers who asked for them, so nothing else would bound what one visitor can set going.
//
// A gate with shares also bounds both for each host: one that hangs with hundreds of flights takes neither all slots nor the
// whole queue, and the pictures of the others come as fast as ever (ADR 22). A flight waits for its host's slot first and
// holds no other meanwhile.
type gate struct {
	room  chan struct{} // places inside, working or waiting
	slots chan struct{} // working
	wait  time.Duration // longest wait for a slot
	share share
	short func() bool   // memory is short: nobody comes in; nil is never
	away  chan struct{} // outside

	mu    sync.Mutex
	lanes map[string]*lane // of hosts that have flights inside
	pace  pace             // of a gate without shares; in others those who wait for a host tell nothing about the rest
}

// A share is what one host may have of a gate; the zero share is all of it.
type share struct {
	working int
	inside  int // working or waiting
}

// A lane is what one host has of a gate.
type lane struct {
	slots  chan struct{}
	inside int
}

func newGate(working, waiting int, wait time.Duration) *gate {
	return &gate{
		room: make(chan struct{}, working+waiting), slots: make(chan struct{}, working), wait: wait,
		away:  make(chan struct{}, fetching),
		lanes: make(map[string]*lane),
	}
}

// quiet reports whether nobody works or waits here, and memory is not short.
func (g *gate) quiet() bool { return len(g.room) == 0 && !g.lacks() }

// spare reports whether less than half of what may work is inside, and memory is not short. Of renditions that is fewer than there
// are processors.
func (g *gate) spare() bool { return len(g.room) < max(cap(g.slots)/2, 1) && !g.lacks() }

// lacks reports whether memory is short.
func (g *gate) lacks() bool { return g.short != nil && g.short() }

// enter waits for a slot of host, "" being no host's; at once with errFull where the queue is full. The caller must call
// leave once.
func (g *gate) enter(ctx context.Context, host string) (leave func(), err error) {
	hostSlots, leaveRoom, err := g.comeIn(host)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	if hostSlots != nil {
		if err := g.take(ctx, hostSlots, timer); err != nil {
			leaveRoom()
			return nil, err
		}
	}
	if err := g.take(ctx, g.slots, timer); err != nil {
		if hostSlots != nil {
			<-hostSlots
		}
		leaveRoom()
		g.turn(false)
		return nil, err
	}
	g.turn(true)
	return func() {
		<-g.slots
		if hostSlots != nil {
			<-hostSlots
		}
		leaveRoom()
	}, nil
}

// comeIn takes a place inside, or returns errFull. The slots are host's, nil where it has no share of its own.
func (g *gate) comeIn(host string) (slots chan struct{}, leave func(), err error) {
	if g.lacks() {
		return nil, nil, fmt.Errorf("%w: memory is short", errFull)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := g.waiting(); g.share == (share{}) && g.pace.wait(n, time.Now()) > g.wait/2 { // what comes differs
		return nil, nil, fmt.Errorf("%w: %d wait already, for too long", errFull, n)
	}
	l := g.lanes[host]
	limited := host != "" && g.share != share{}
	if limited && l != nil && l.inside >= g.share.inside {
		return nil, nil, fmt.Errorf("%w: %d flights to %s", errFull, l.inside, host)
	}
	select {
	case g.room <- struct{}{}:
	default:
		return nil, nil, fmt.Errorf("%w: %d flights wait", errFull, cap(g.room)-cap(g.slots))
	}
	if !limited {
		return nil, func() { <-g.room }, nil
	}
	if l == nil {
		l = &lane{slots: make(chan struct{}, g.share.working)}
		g.lanes[host] = l
	}
	l.inside++
	return l.slots, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		<-g.room
		if l.inside--; l.inside == 0 {
			delete(g.lanes, host)
		}
	}, nil
}

// waiting is how many wait for a slot while none is free, at about this moment.
func (g *gate) waiting() int {
	if len(g.slots) < cap(g.slots) {
		return 0
	}
	return max(len(g.room)-len(g.slots)-len(g.away), 0)
}

// turn notes that somebody who waited, or did not have to, has a slot, or has left without.
func (g *gate) turn(came bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch n := g.waiting(); {
	case came:
		g.pace.note(n > 0, cap(g.slots), time.Now())
	case n == 0:
		g.pace.behind = false
	}
}

// A pace tells how long a queue takes, by how fast it has moved of late. Without it a queue that has room for more than can be served
// in the longest wait has everybody wait that long, and then refuses most: under four times the load that can be borne, all whom it
// refuses. The zero value knows nothing yet. It needs a lock.
type pace struct {
	last   time.Time     // when somebody's turn came last
	behind bool          // others waited then
	slots  int           // for which they did
	gap    time.Duration // between two turns while others wait: the mean of some eight
}

// note notes that somebody's turn for one of slots has come, and whether others wait.
func (p *pace) note(others bool, slots int, now time.Time) {
	const some = 8
	switch gap := now.Sub(p.last); {
	case !p.behind:
	case p.gap == 0:
		p.gap = gap / time.Duration(slots) // all slots may have been taken at one time
	default:
		p.gap += (gap - p.gap) / some
	}
	p.last, p.behind, p.slots = now, others, slots
}

// wait is how long whoever comes behind n others is likely to wait. Where no turn has come for long, it is no less than that
// suggests.
func (p *pace) wait(n int, now time.Time) time.Duration {
	if n == 0 || !p.behind {
		return 0
	}
	return time.Duration(n) * max(p.gap, now.Sub(p.last)/time.Duration(p.slots))
}

// take waits for one of slots.
func (g *gate) take(ctx context.Context, slots chan struct{}, timer *time.Timer) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-timer.C:
		return fmt.Errorf("%w: waited %s", errFull, g.wait)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outside runs f, which waits for an original, without the slot that the caller has; it must have entered as no host. No more
// than are fetched at one time may be outside, for each will have an original in hand when it comes back; others get errFull.
func (g *gate) outside(f func()) error {
	select {
	case g.away <- struct{}{}:
	default:
		return fmt.Errorf("%w: %d wait for originals", errFull, cap(g.away))
	}
	<-g.slots
	defer func() {
		g.slots <- struct{}{} // leave needs one to give back, whatever has become of the flight meanwhile
		<-g.away
	}()
	f()
	return nil
}
