package render

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A behind does what no answer waits for: it makes slow renditions, one at a time and with what readers leave of the
// machine, and stores choices.
//
// A slow rendition waits until nothing else is being made; where that does not come about within patience, for a processor
// that has nothing to do; and when it has waited for longest, it is dropped. What is dropped, or finds the queue full, is
// asked for again by a later reader. What was tried is not tried again for a while, however it ended: it is in the cache
// now, or cannot be made, or the cache does not keep it.
type behind struct {
	r    *Renderer
	ctx  context.Context // of the work; ends with stop
	end  context.CancelFunc
	idle sync.WaitGroup

	mu      sync.Mutex
	known   map[cache.Key]bool // waiting or under way
	tried   map[cache.Key]time.Time
	queue   []slowJob
	working bool
}

// A slowJob is one slow rendition.
type slowJob struct {
	led   context.Context //nolint:containedctx // never ends: the values of the request that it is made for
	src   source.Source
	words caption.Words
	spec  transform.Spec // unresolved, with its Format
	key   cache.Key      // of the rendition
	since time.Time
}

const (
	waitingBehind = 64 // slow renditions that may wait
	quietPoll     = 100 * time.Millisecond
	patience      = 10 * time.Second
	longest       = 5 * time.Minute
	triedFor      = time.Hour
)

func newBehind(r *Renderer) *behind {
	ctx, end := context.WithCancel(context.Background())
	return &behind{r: r, ctx: ctx, end: end, known: make(map[cache.Key]bool), tried: make(map[cache.Key]time.Time)}
}

// open reports whether the rendition under k is on its way, or worth a try: it was not tried of late.
func (b *behind) open(k cache.Key) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.tried[k]
	return !ok || time.Since(at) >= triedFor
}

// add has j made, unless it is on its way, too much is, or b has stopped.
func (b *behind) add(j slowJob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known[j.key] || len(b.queue) >= waitingBehind || b.ctx.Err() != nil {
		return
	}
	b.known[j.key] = true
	j.since = time.Now()
	b.queue = append(b.queue, j)
	if !b.working {
		b.working = true
		b.idle.Go(b.work)
	}
}

// run does f, which is quick, unless one under k is under way or b has stopped.
func (b *behind) run(k cache.Key, f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known[k] || b.ctx.Err() != nil {
		return
	}
	b.known[k] = true
	b.idle.Go(func() {
		defer b.forget(k)
		b.r.renders.settle(f)
	})
}

func (b *behind) forget(k cache.Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.known, k)
}

// work empties the queue.
func (b *behind) work() {
	for {
		b.mu.Lock()
		if len(b.queue) == 0 || b.ctx.Err() != nil {
			b.working = false
			b.mu.Unlock()
			return
		}
		j := b.queue[0]
		b.queue = b.queue[1:]
		b.mu.Unlock()
		if b.r.renders.gate.idle(b.ctx, j.since) == nil {
			b.make(j)
		}
		b.forget(j.key)
	}
}

func (b *behind) make(j slowJob) {
	ctx, cancel := context.WithTimeout(idleContext(j.led), b.r.o.Timeout)
	defer cancel()
	defer context.AfterFunc(b.ctx, cancel)()
	_, err := b.r.Render(ctx, Request{Source: j.src, Specs: []transform.Spec{j.spec}, Words: j.words})
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Class == Canceled {
			return
		}
		b.r.report(fmt.Errorf("make %s behind: %w", j.spec, err))
		if e.Class == Busy {
			return
		}
	}
	b.r.renders.settled(ctx, j.key) // found from now on, or never
	b.rest(j.key)
}

// rest notes that the rendition under k was tried.
func (b *behind) rest(k cache.Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.tried) >= maxFailures {
		clear(b.tried) // they are hints, as failures are
	}
	b.tried[k] = time.Now()
}

// stop gives up what waits, lets go of what is being made, and waits until b rests, at most until ctx ends.
func (b *behind) stop(ctx context.Context) error {
	b.mu.Lock()
	b.end() // under the lock: nothing is begun after it
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		b.idle.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lane is what makes specs.
func (r *Renderer) lane(specs []transform.Spec) Transformer {
	fast := slices.ContainsFunc(specs, func(s transform.Spec) bool { return !slices.Contains(r.o.Slow, s.Format) })
	if fast || r.o.Aside == nil {
		return r.o.Transform
	}
	return r.o.Aside
}
