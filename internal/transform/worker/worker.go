// Package worker runs an engine in processes of its own, so that a picture that breaks it breaks no more than that: Engine is
// a transform.Engine whose Transform is done by child processes of the same program, and Serve is what such a child does.
//
// A worker has one job at a time, an empty environment, and no files, network or programs (sandbox_linux.go); it is killed
// when the job's context ends, when it takes more memory than it may, and when its parent dies. What the sandbox is made
// of, and what it costs, is in ADR 25.
//
// Limits, queues and deadlines are not this package's job: transform.Transformer wraps every engine in them.
package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

// Both are none of the Engine contract's errors, and so transform.ErrPanic in the end.
var (
	// errCrash is a worker that ended by itself.
	errCrash = errors.New("a worker process ended")
	// errIdle is one that ended before it began with the job that it was to do: that is not the source's fault.
	errIdle = errors.New("before it began")
)

// Options shapes an Engine. The zero value of each field means what is said there.
type Options struct {
	Args        []string          // that make this program a worker, its name first; required
	Count       int               // processes at one time; 0 means 1
	Procs       int               // GOMAXPROCS of each; 0 means what the machine has
	Memory      int64             // bytes, what a job's soft limit (GOMEMLIMIT) is at most; 0 means no bound but the job's own need
	MaxData     int64             // bytes a worker may allocate beside what it started with, hard (RLIMIT_DATA); 0 means 1.5 GiB
	MaxResident int64             // bytes in memory after a job beyond which a worker is replaced; 0 means 512 MiB
	MaxJobs     int               // after which a worker is replaced; 0 means 1,000
	Open        bool              // no sandbox: limits alone
	Report      func(event error) // is told of every worker that ends by itself; nil is nobody
}

func (o Options) withDefaults() Options {
	if o.Count == 0 {
		o.Count = 1
	}
	if o.MaxData == 0 {
		o.MaxData = 3 << 29
	}
	if o.MaxResident == 0 {
		o.MaxResident = 512 << 20
	}
	if o.MaxJobs == 0 {
		o.MaxJobs = 1000
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	return o
}

// An Engine has its transforms done by workers. Can, Probe and Rev are those of an engine in this process, which must be
// the same: a worker that says otherwise is not used. Workers are started when there is something to do. It is safe for
// concurrent use.
type Engine struct {
	local      transform.Engine
	pool       *pool
	quarantine *quarantine
}

var _ transform.Engine = (*Engine)(nil)

// New makes an Engine that starts no process yet. local belongs to it from then on; of untrusted bytes, it is only given
// headers to read.
func New(local transform.Engine, o Options) *Engine {
	o = o.withDefaults()
	return &Engine{local: local, pool: newPool(o, abilities(local)), quarantine: newQuarantine(time.Now)}
}

// Can reports what the engine does with f.
func (e *Engine) Can(f transform.Format) transform.Ability { return e.local.Can(f) }

// Rev names the revision of everything that shapes the bytes in f.
func (e *Engine) Rev(f transform.Format) string { return e.local.Rev(f) }

// Probe reads the header of src, in this process: it is our own code in a language without wild pointers, allocates in
// proportion to src, and decodes nothing.
func (e *Engine) Probe(src []byte) (transform.Info, error) { return e.local.Probe(src) }

// Start starts the workers, returns when the first one is ready, and tells how much of a sandbox it has. An error means
// that there can be none on this machine.
func (e *Engine) Start(ctx context.Context) (Sandbox, error) {
	return e.pool.start(ctx)
}

// Warm has every worker made ready for formats, of which there must be some, those included that replace others later, one at a time. It returns when those of today
// are, or when ctx ends.
func (e *Engine) Warm(ctx context.Context, formats ...transform.Format) error {
	return e.pool.warmAll(ctx, formats)
}

// Transform has src decoded, and one Output per spec made, in a worker. When ctx ends, the worker is killed. When the worker
// ends by itself, another one has a second try; a source that ended two is ErrCorrupt and ErrEnded, for an hour.
func (e *Engine) Transform(ctx context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.quarantine.has(src) {
		return nil, fmt.Errorf("%w: %w: two workers, a while ago", transform.ErrCorrupt, transform.ErrEnded)
	}
	leave, err := e.pool.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	for crashes, tries := 0, 0; ; tries++ {
		outputs, err := e.pool.transform(ctx, src, specs)
		if !errors.Is(err, errCrash) {
			return outputs, err
		}
		if !errors.Is(err, errIdle) {
			crashes++
		}
		if crashes == 2 {
			e.quarantine.add(src)
			return nil, fmt.Errorf("%w: %w: two workers: %w", transform.ErrCorrupt, transform.ErrEnded, err)
		}
		if tries > e.pool.o.Count { // all that were there, and one that was not
			return nil, err
		}
	}
}

// Stats is what an Engine's workers are, and what became of others since it was made. All but Workers and Busy only grow.
type Stats struct {
	Workers, Busy int
	Started       int64 // processes
	Crashed       int64 // of these, those that ended by themselves: killed, out of memory, broken
	Retired       int64 // of these, those that were replaced in time: MaxJobs, MaxResident
	Failing       bool  // the last one that was to be started was not
}

// Stats is a snapshot.
func (e *Engine) Stats() Stats { return e.pool.snapshot() }

func (p *pool) snapshot() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Workers, s.Busy, s.Failing = len(p.all), max(len(p.all)-len(p.idle), 0), p.failed
	return s
}

func (p *pool) count(f func(*Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.stats)
}

// Close ends all workers and releases the engine in this process. No other call may follow.
func (e *Engine) Close() error {
	e.pool.close()
	return e.local.Close()
}
