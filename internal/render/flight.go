package render

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// flights lets any number of callers wait for one piece of work per key.
//
// It differs from x/sync/singleflight in four ways that matter here (ADR 0006): the work does not run under the first
// caller's context, so a reader who leaves fails nobody; it has a deadline after which the key is free again even when
// the work is stuck; a panic becomes an error for all who wait; and the value is published before it is stored, so that
// nobody waits for a disk while later callers still find the flight.
//
// Work that nobody waits for any more is dropped while it is in the gate's queue: it has cost nothing yet, and whoever stays
// has its place. Once begun it is finished, for the cache: most of what it costs is spent, and a reader who left a page that
// was slow is likely to come back to it (ADR 22).
type flights[K comparable, V any] struct {
	timeout time.Duration
	gate    *gate
	report  func(error)                                // told of panics that nobody waits for
	host    func(K) string                             // whose share of the gate a key takes; nil takes no share
	queued  func(ctx context.Context, since time.Time) // told of each wait at the gate that was not in vain; nil is not
	wg      sync.WaitGroup                             // work and settling under way

	closing context.Context // ends when close begins
	end     context.CancelFunc

	mu     sync.Mutex
	byKey  map[K]*flight[V]
	closed bool
}

// A flight is the work on one key. val and err may be read once done is closed.
type flight[V any] struct {
	done  chan struct{} // closed when val and err are there
	gone  chan struct{} // closed when the flight has settled and cannot be joined any more
	once  sync.Once
	since time.Time // when the flight was claimed
	val   V
	err   error

	run    *run
	resign func(*run) // for a caller of claim who waits no longer
}

// A run is one piece of work, which may be for several flights. flights.mu guards it.
type run struct {
	waiting int                // callers of claim who have not resigned
	begun   bool               // past the gate
	drop    context.CancelFunc // ends the wait at the gate; nil before start
}

func newFlights[K comparable, V any](timeout time.Duration, gate *gate, report func(error)) *flights[K, V] {
	closing, end := context.WithCancel(context.Background()) //nolint:gosec // close calls end
	return &flights[K, V]{timeout: timeout, gate: gate, report: report, closing: closing, end: end, byKey: make(map[K]*flight[V])}
}

// claim returns the flight of every key, in order, and the positions of those that did not exist: the caller leads them
// and must start them. After close it leads all, under no key, so that late callers still get answers.
//
// Each flight's work counts on the caller until its wait ends early. Who claims and never waits wants the work done for its
// own sake, and it is never dropped.
func (g *flights[K, V]) claim(keys ...K) (all []*flight[V], led []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := &run{}
	for i, k := range keys {
		f, ok := g.byKey[k]
		if !ok {
			f = &flight[V]{done: make(chan struct{}), gone: make(chan struct{}), since: time.Now(), run: own, resign: g.resign}
			if !g.closed {
				g.byKey[k] = f
			}
			led = append(led, i)
		}
		f.run.waiting++
		all = append(all, f)
	}
	return all, led
}

// resign takes back what one claim of one flight counts for. When nobody else counts on work that has not begun, it is over:
// its context ends, and with it, by start, the flights under their keys.
func (g *flights[K, V]) resign(r *run) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.waiting--; r.waiting > 0 || r.begun || r.drop == nil {
		return
	}
	r.begun = true // it never will be
	for k, f := range g.byKey {
		if f.run == r { // under the lock, so that nobody joins what is being dropped
			g.remove(k, f)
		}
	}
	r.drop()
}

// begin reports whether r's work may begin: not when it was dropped.
func (g *flights[K, V]) begin(r *run) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.begun {
		return false
	}
	r.begun = true
	return true
}

// start runs work for flights that the caller leads: detached from ctx's end but with its values, bounded in time, and let
// in by the gate (errFull when it is not). work finishes each flight it was given; the settle it returns (nil for none)
// runs afterwards, while the flights can still be joined. Flights that work leaves unfinished, by returning, panicking or
// outlasting the deadline, fail.
func (g *flights[K, V]) start(ctx context.Context, keys []K, led []*flight[V], work func(context.Context) (settle func())) {
	release := g.track()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.timeout)
	host := ""
	if g.host != nil {
		host = g.host(keys[0])
	}
	g.mu.Lock()
	led[0].run.drop = cancel
	g.mu.Unlock()
	if ctx.Value(idleWork{}) != nil {
		unhook := context.AfterFunc(g.closing, cancel)
		context.AfterFunc(ctx, func() { unhook() })
	}
	// The flights fail at the deadline even if work does not notice it; only then can the keys be tried again.
	stop := context.AfterFunc(ctx, func() {
		g.fail(led, ctx.Err())
		g.forget(keys, led)
	})
	go func() {
		defer release()
		defer cancel()
		defer g.forget(keys, led)
		since := time.Now()
		leave, err := g.gate.enter(ctx, host)
		if err != nil {
			g.fail(led, err)
			return
		}
		if g.queued != nil {
			g.queued(ctx, since)
		}
		defer leave() // after settling: until then what was brought is in memory
		if !g.begin(led[0].run) {
			g.fail(led, context.Canceled)
			return
		}
		settle, err := recovered(ctx, work)
		stop()
		g.fail(led, err)
		if settle != nil && ctx.Err() == nil { // past the deadline others may have stored something newer
			g.settle(settle)
		}
	}()
}

// track counts work that close waits for. Work begun after close is not waited for: WaitGroup forbids an Add that races
// with Wait.
func (g *flights[K, V]) track() (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return func() {}
	}
	g.wg.Add(1)
	return g.wg.Done
}

// settle runs what work left to be stored. The answers are out already: a panic here is nobody's error but the log's.
func (g *flights[K, V]) settle(settle func()) {
	defer func() {
		if p := recover(); p != nil {
			g.report(fmt.Errorf("%w: %v", errPanic, p))
		}
	}()
	settle()
}

// recovered runs work; a panic becomes an error, and so does leaving a flight unfinished (the caller's fail uses it).
func recovered(ctx context.Context, work func(context.Context) func()) (settle func(), err error) {
	err = errUnfinished
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return work(ctx), err
}

func (g *flights[K, V]) fail(led []*flight[V], err error) {
	var zero V
	for _, f := range led {
		f.finish(zero, err)
	}
}

// finish publishes the result. Only the first call counts.
func (f *flight[V]) finish(val V, err error) {
	f.once.Do(func() {
		f.val, f.err = val, err
		close(f.done)
	})
}

// forget removes the flights, unless they are removed already.
func (g *flights[K, V]) forget(keys []K, led []*flight[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, k := range keys {
		if g.byKey[k] == led[i] {
			g.remove(k, led[i])
		}
	}
}

// remove takes f from under k. The caller holds mu.
func (g *flights[K, V]) remove(k K, f *flight[V]) {
	delete(g.byKey, k)
	close(f.gone)
}

// settled waits until the flight on k, if there is one, has stored what it brought, or until ctx ends.
func (g *flights[K, V]) settled(ctx context.Context, k K) {
	g.mu.Lock()
	f := g.byKey[k]
	g.mu.Unlock()
	if f == nil {
		return
	}
	select {
	case <-f.gone:
	case <-ctx.Done():
	}
}

// wait returns the flight's result, or ctx's error when ctx ends first. It is called at most once for each claim.
func (f *flight[V]) wait(ctx context.Context) (V, error) {
	select {
	case <-f.done:
		return f.val, f.err
	default:
	}
	select {
	case <-f.done:
		return f.val, f.err
	case <-ctx.Done():
		f.resign(f.run)
		var zero V
		return zero, ctx.Err() // not its cause, which is anything and has no class
	}
}

// peek returns the result of the flight on k while it is published and not yet settled.
func (g *flights[K, V]) peek(k K) (val V, ok bool) {
	g.mu.Lock()
	f := g.byKey[k]
	g.mu.Unlock()
	if f == nil || !f.ready() || f.err != nil {
		return val, false
	}
	return f.val, true
}

// ready reports whether the result is published: who joins then waits for nobody, and has a hit in all but the store.
func (f *flight[V]) ready() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// close stops sharing, ends what nobody waits for, and waits for the other work under way, at most until ctx ends.
func (g *flights[K, V]) close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.end()
	idle := make(chan struct{})
	go func() {
		g.wg.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
