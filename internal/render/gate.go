package render

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

	rejected [rejections]atomic.Int64

	mu    sync.Mutex
	lanes map[string]*lane // of hosts that have flights inside
	pace  pace
}

// A pace is how fast a queue moves, by the last flights that left while others waited.
type pace struct {
	left [paceOf]time.Time
	n    int // since somebody waits
}

// paceOf is how many that are: enough that one slow picture does not make a queue.
const paceOf = 16

// leave notes that a flight left, and whether others wait.
func (p *pace) leave(now time.Time, others bool) {
	if !others {
		p.n = 0
		return
	}
	p.left[p.n%paceOf] = now
	p.n++
}

// wait is how long who comes after waiting others will have to wait; 0 where nobody knows.
func (p *pace) wait(now time.Time, waiting int) time.Duration {
	if p.n < paceOf {
		return 0
	}
	return now.Sub(p.left[p.n%paceOf]) * time.Duration(waiting+1) / (paceOf - 1) // the first one is where the others are counted from
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
		return nil, err
	}
	return func() {
		<-g.slots
		if hostSlots != nil {
			<-hostSlots
		}
		leaveRoom()
		g.left()
	}, nil
}

// comeIn takes a place inside, or returns errFull. The slots are host's, nil where it has no share of its own.
func (g *gate) comeIn(host string) (slots chan struct{}, leave func(), err error) {
	if g.lacks() {
		g.rejected[byMemory].Add(1)
		return nil, nil, fmt.Errorf("%w: memory is short", errFull)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lanes[host]
	limited := host != "" && g.share != share{}
	if limited && l != nil && l.inside >= g.share.inside {
		g.rejected[byHost].Add(1)
		return nil, nil, fmt.Errorf("%w: %d flights to %s", errFull, l.inside, host)
	}
	if err := g.tooSlow(); err != nil {
		g.rejected[byPace].Add(1)
		return nil, nil, err
	}
	select {
	case g.room <- struct{}{}:
	default:
		g.rejected[byQueue].Add(1)
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

// hopeless returns errFull where whoever comes now would wait in vain. It takes no lock where nobody waits.
func (g *gate) hopeless() error {
	if g.waiting() <= 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.tooSlow()
	if err != nil {
		g.rejected[byPace].Add(1)
	}
	return err
}

// tooSlow is hopeless for who has the lock. It allows for half of the longest wait, because what comes differs. Of hosts with a
// share nobody can tell: each moves as fast as it does.
func (g *gate) tooSlow() error {
	if wait := g.pace.wait(time.Now(), g.waiting()); g.share == (share{}) && wait > g.wait/2 {
		return fmt.Errorf("%w: it would have to wait for %s", errFull, wait.Round(time.Second))
	}
	return nil
}

// left notes that a flight which had a slot is gone. Those who waited in vain do not make the queue faster.
func (g *gate) left() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pace.leave(time.Now(), g.waiting() > 0)
}

// waiting is how many flights wait for a slot, about.
func (g *gate) waiting() int { return len(g.room) - len(g.slots) - len(g.away) }

// take waits for one of slots.
func (g *gate) take(ctx context.Context, slots chan struct{}, timer *time.Timer) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-timer.C:
		g.rejected[byWait].Add(1)
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
