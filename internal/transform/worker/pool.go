package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

var (
	// errClosed is a pool that is no more.
	errClosed = errors.New("workers are closed")
	// errStart is a worker that does not come to be. No source has to do with it.
	errStart = errors.New("a worker cannot be started")
)

// respawnPause keeps a program that cannot be started from being started all the time.
const respawnPause = 100 * time.Millisecond

// A pool is the workers of one Engine. Whoever uses one, or makes one, holds a ticket, of which there are as many as there
// may be workers: so one that waits for nothing else finds a worker idle or has the right to start one.
type pool struct {
	o       Options
	want    []ability
	spawner *spawner
	tickets chan struct{}
	ctx     context.Context //nolint:containedctx // ends with close; refills outlive the calls that make them necessary
	cancel  context.CancelFunc
	running sync.WaitGroup // refills

	mu     sync.Mutex
	idle   []*child // the one used last is at the end: it is the warmest, and others can give back memory
	all    map[*child]bool
	filled bool // a refill is under way
	closed bool
	warm   []transform.Format // that workers are made ready for before they are used

	stats  Stats // without Workers and Busy
	failed bool  // the last worker that was to be started was not
}

func newPool(o Options, want []ability) *pool {
	ctx, cancel := context.WithCancel(context.Background())
	return &pool{
		o: o, want: want, spawner: newSpawner(), tickets: make(chan struct{}, o.Count),
		ctx: ctx, cancel: cancel, all: map[*child]bool{},
	}
}

// enter waits for a ticket. The caller must call leave once.
func (p *pool) enter(ctx context.Context) (leave func(), err error) {
	select {
	case p.tickets <- struct{}{}:
		return func() { <-p.tickets }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ctx.Done():
		return nil, errClosed
	}
}

// start starts the workers and returns when the first one is ready.
func (p *pool) start(ctx context.Context) (Sandbox, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return Sandbox{}, err
	}
	c, err := p.take()
	if err != nil {
		leave()
		return Sandbox{}, err
	}
	p.put(c)
	leave()
	p.refill()
	return c.sandbox, nil
}

// transform does one job in a worker. The caller holds a ticket.
func (p *pool) transform(ctx context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error) {
	c, err := p.take()
	if err != nil {
		return nil, err
	}
	outputs, err := c.transform(ctx, src, specs)
	p.put(c)
	if errors.Is(err, errCrash) {
		p.count(func(s *Stats) { s.Crashed++ })
		p.o.Report(err)
	}
	return outputs, err
}

// take returns an idle worker, or a new one where none is. The caller holds a ticket.
func (p *pool) take() (*child, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, errClosed
		}
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			c, err := p.spawn()
			if err == nil {
				p.refill() // an earlier one may have given up
			}
			return c, err
		}
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if !c.gone() {
			return c, nil
		}
		p.lost(c)
	}
}

// watch waits for the end of a worker, and replaces one that was idle then. One that was not, put replaces.
func (p *pool) watch(c *child) {
	<-c.exited
	p.mu.Lock()
	i := slices.Index(p.idle, c)
	if i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		p.lost(c)
	}
}

// lost replaces a worker that ended while it was idle.
func (p *pool) lost(c *child) {
	p.count(func(s *Stats) { s.Crashed++ })
	p.o.Report(fmt.Errorf("%w while it was idle: %s", errCrash, c.obituary()))
	p.drop(c)
	p.refill()
}

// spawn starts a worker and waits until it is ready. One that is killed on the way has a successor.
func (p *pool) spawn() (c *child, err error) {
	for range 2 {
		if c, err = p.spawnOne(); err == nil || !errors.Is(err, errCrash) {
			break
		}
	}
	if !errors.Is(err, errClosed) {
		p.mu.Lock()
		p.failed = err != nil
		p.mu.Unlock()
	}
	switch {
	case errors.Is(err, errClosed):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %s", errStart, err)
	}
	go p.watch(c)
	return c, nil
}

func (p *pool) spawnOne() (*child, error) {
	c, err := p.spawner.start(p.o)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.stats.Started++
	closed := p.closed
	if !closed {
		p.all[c] = true
	}
	p.mu.Unlock()
	if closed {
		c.end()
		return nil, errClosed
	}
	if err := c.greet(p.ctx, p.o, p.want); err != nil {
		p.drop(c)
		return nil, err
	}
	return c, nil
}

// put takes a worker back, or has it replaced. One that has had no job is never too large: what follows it would be as large, and
// be replaced, and so on.
func (p *pool) put(c *child) {
	if c.broken || c.jobs >= p.o.MaxJobs || c.jobs > 0 && c.resident() > p.o.MaxResident {
		if !c.broken {
			p.count(func(s *Stats) { s.Retired++ })
		}
		p.drop(c)
		p.refill()
		return
	}
	p.mu.Lock()
	gone := c.gone() // since its last answer; from here on, watch sees it
	if !gone && !p.closed {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if gone {
		p.lost(c)
	}
}

// drop ends a worker.
func (p *pool) drop(c *child) {
	c.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, c)
}

// refill starts workers until there are as many as there may be, beside all else. After three failures it gives up, until a
// worker is needed.
func (p *pool) refill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.filled || p.closed {
		return
	}
	p.filled = true
	p.running.Go(func() {
		const tries = 3
		for failures := 0; failures < tries; {
			full, err := p.add()
			if full {
				return
			}
			if err == nil {
				failures = 0
				continue
			}
			failures++
			if p.ctx.Err() == nil {
				p.o.Report(err)
			}
			select {
			case <-p.ctx.Done():
			case <-time.After(respawnPause):
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.filled = false
	})
}

// add starts one worker where one is missing; full is true where none is, and refill's work is done.
func (p *pool) add() (full bool, err error) {
	leave, err := p.enter(p.ctx)
	if err == nil {
		defer leave()
	}
	p.mu.Lock()
	full = err != nil || p.closed || len(p.all) >= p.o.Count
	if full {
		p.filled = false
	}
	p.mu.Unlock()
	if full {
		return true, nil
	}
	c, err := p.spawn()
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	formats := p.warm
	p.mu.Unlock()
	if len(formats) > 0 {
		err = c.warmUp(p.ctx, formats)
	}
	p.put(c)
	return false, err
}

// warmAll warms the workers that there are, one at a time, and has those that follow warmed before they are used.
func (p *pool) warmAll(ctx context.Context, formats []transform.Format) error {
	p.mu.Lock()
	p.warm = formats
	p.mu.Unlock()
	for {
		c, leave, err := p.cold(ctx)
		if c == nil {
			return err
		}
		err = c.warmUp(ctx, formats)
		p.put(c)
		leave()
		if err != nil {
			return err
		}
	}
}

// cold takes an idle worker that was not warmed; nil where there is none.
func (p *pool) cold(ctx context.Context) (*child, func(), error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.idle, func(c *child) bool { return !c.warmed })
	if i < 0 {
		leave()
		return nil, nil, nil
	}
	c := p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	return c, leave, nil
}

// close ends all workers. Those with a job are killed in the middle of it.
func (p *pool) close() {
	p.cancel()
	p.mu.Lock()
	p.closed = true
	all := p.all
	p.all = map[*child]bool{}
	p.idle = nil
	p.mu.Unlock()
	for c := range all {
		c.end()
	}
	p.running.Wait()
	p.spawner.close()
}
