package main

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dd8bf596/cutline/internal/prefetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
	"github.com/dd8bf596/cutline/internal/transform/worker"
)

// A mill is what is different where files are made: nobody waits for any one of them, and all of a picture come of one decode, AVIF
// among them.
type mill struct {
	run     context.Context // whose end ends what is under way
	offline bool
	delay   time.Duration // between two requests to one host

	// What equip makes.
	fetcher     *prefetch.Fetcher
	transformer *prefetch.Transformer
	broken      atomic.Pointer[error] // why no worker could be started
}

// failed is why nothing could be made; nil where something could, or nothing had to be.
func (b *mill) failed() error {
	if err := b.broken.Load(); err != nil {
		return *err
	}
	return nil
}

const (
	// familyTime is how many times limits.timeout all files of one picture may take together. A hero of 2,560 pixels with all that is
	// made of it takes 7 s on an idle processor of 2026; a machine that builds is not idle.
	familyTime = 30
	// buildQueue is how many pictures may wait for an engine: more than are ever under way.
	buildQueue = 1024
)

// equip puts the parts of b into o.
func (b *mill) equip(st *stack, o *render.Options, conf *effective, log *slog.Logger) {
	limits := conf.transformLimits()
	limits.Timeout *= familyTime
	limits.Queue = buildQueue
	limits.MaxWait = buildQueue * limits.Timeout // whoever is in the queue has its turn
	st.flight = conf.Fetch.Timeout + limits.MaxWait
	o.Timeout = st.flight
	transformer := transform.New(st.buildEngine(conf.config, log), limits)
	st.closers = append(st.closers, transformer.Close)
	start := sync.OnceValue(func() error { // before the first picture: most runs make none
		err := st.startWorkers(log)
		if err != nil {
			b.broken.Store(&err)
		}
		return err
	})
	b.fetcher = &prefetch.Fetcher{Next: o.Fetch, Run: b.run, Offline: b.offline, Delay: b.delay}
	b.transformer = &prefetch.Transformer{Transformer: transformer, Run: b.run, Start: start}
	o.Fetch, o.Transform = b.fetcher, b.transformer
}

// buildEngine is one engine for all formats: in workers, or in this process.
func (st *stack) buildEngine(c *config, log *slog.Logger) transform.Engine {
	count := c.workers()
	if count == 0 {
		return goengine.New()
	}
	o := st.workerOptions(c, log)
	o.Count = count
	e := worker.New(goengine.New(), o)
	st.workers = []*worker.Engine{e}
	return e
}
