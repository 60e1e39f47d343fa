package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/prefetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/telemetry"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/worker"
	"github.com/dd8bf596/cutline/proxy"
)

// A stack is the parts behind the listener, or, without proxy, those that bring originals. Close it once.
type stack struct {
	proxy    *proxy.Server
	renderer *render.Renderer
	fetcher  *fetch.Fetcher
	engine   warmer
	workers  []*worker.Engine   // none where pictures are made in this process
	instance string             // what this run calls itself in CDN-Loop
	near     cache.Store        // the memory tier
	private  cache.Store        // all tiers that are this machine's, and common the one that machines share; nil where none is
	common   cache.Store        //
	node     *node              // nil where this server is alone
	health   health             // of the cache folder
	shared   health             // of the bucket
	adopted  func(k cache.Key)  // told of renditions that the bucket had from another machine; set with the renderer
	metrics  *telemetry.Metrics // nil where nobody is served
	tracing  *telemetry.Tracing // nil where nobody asked for traces
	tiers    []telemetry.Tier   // of the cache, fastest first
	lanes    []telemetry.Lane
	pressure pressure
	cacheDir string // what people are told: a folder, or memoryOnly
	flight   time.Duration
	grace    time.Duration  // that close gives work under way
	closers  []func() error // in the order of making
}

// newStack puts the parts of a server together, down to the proxy.
func newStack(s *site, c *catalog.Catalog, tracing *telemetry.Tracing, log *slog.Logger) (*stack, error) {
	var server *proxy.Server // whose catalog changes; nothing is rendered before it is there
	observer := telemetry.Both{Metrics: telemetry.NewMetrics(telemetryBuild()), Tracing: tracing}
	archived := func(src source.Source) bool { return server.Shows(src) }
	st, err := newRenderStack(s, renderUse{serves: true, archived: archived, observer: observer}, log)
	if err != nil {
		return nil, err
	}
	st.metrics, st.tracing = observer.Metrics, tracing
	if err := st.startWorkers(log); err != nil {
		return nil, errors.Join(err, st.close())
	}
	st.warm(log)
	server, err = proxy.New(proxy.Options{
		Catalog:    c,
		Scan:       s.rescan,
		Degraded:   st.degraded,
		Observer:   observer,
		Renderer:   st.renderer,
		Ahead:      st.renderer,
		AheadBytes: aheadBytes(s.config.config, st.cacheDir),
		Presets:    s.config.Presets,
		Widths:     s.config.Widths,
		Formats:    s.config.Formats,
		Hosts:      s.config.Fetch.Hosts,
		Keys:       s.config.signKeys,
		ImgixToken: s.config.imgixToken,
		MaxOutput:  s.config.maxOutput(),
		PublicURL:  s.config.PublicURL,
		Instance:   st.instance,
		Peers:      st.peers(),
		Log:        log,
	})
	if err != nil {
		return nil, &usageError{errors.Join(err, st.close())}
	}
	st.proxy = server
	st.closers = append(st.closers, func() error { server.Close(); return nil })
	st.listenToNodes(log)
	return st, nil
}

// A renderUse says for whom renditions are made. The zero value is for readers.
type renderUse struct {
	archived func(source.Source) bool // tells the sources that posts show; nil has all
	observer render.Observer          // is told of what is made; nil is nobody
	build    *mill                    // for who makes files of them
	serves   bool                     // beside other machines, which are told what is purged
}

// newRenderStack puts together what every verb that looks at pictures needs: originals from the network or the site folder,
// an engine inside its limits, the tiers of the cache, and the one path through them.
func newRenderStack(s *site, use renderUse, log *slog.Logger) (*stack, error) {
	conf := s.config
	for _, prefix := range conf.Fetch.AllowPrivate {
		log.Warn("private addresses may be fetched: anyone who can write a post can make this program ask them", "prefix", prefix.String())
	}
	st := &stack{flight: flightTime(conf.config), instance: newInstance(), grace: flightGrace}
	adopted := make(chan struct{}) // closed when renderer is there: the bucket has nothing to adopt before
	st.adopted = func(k cache.Key) { <-adopted; st.renderer.Adopted(k) }
	store, err := st.openCache(s, log)
	if err != nil {
		return nil, errors.Join(err, st.close())
	}
	if use.serves {
		if err := st.openNode(s, log); err != nil {
			return nil, errors.Join(err, st.close())
		}
	}
	st.fetcher = newFetcher(s, st.instance)
	st.closers = append(st.closers, func() error { st.fetcher.Close(); return nil })
	o := render.Options{
		Store:     store,
		Near:      st.near,
		Private:   st.private,
		Shared:    st.common,
		Lock:      st.locker(),
		Fetch:     st.fetcher,
		MaxOutput: conf.maxOutput(),
		Quality:   conf.Quality,
		Fresh:     conf.Cache.Fresh,
		Timeout:   st.flight,
		Archived:  use.archived,
		Pin:       slices.Contains(conf.Fetch.Ignore, ignoreChanges),
		KeepAll:   slices.Contains(conf.Fetch.Ignore, ignoreNoStore),
		Short:     st.pressure.pressed,
		Observer:  use.observer,
		Report:    func(err error) { log.Log(context.Background(), severity(err), "behind an answer", "err", err) },
	}
	if use.build != nil {
		use.build.equip(st, &o, conf, log)
	} else {
		// AVIF takes many times as long to encode as WebP, the more so where libavif runs as WebAssembly.
		o.Slow = []transform.Format{transform.AVIF}
		o.Transform, o.Aside = st.transformers(conf, log)
	}
	st.renderer = render.New(o)
	close(adopted)
	st.closers = append(st.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), st.grace)
		defer cancel()
		err := st.renderer.Close(ctx)
		if st.grace > 0 && errors.Is(err, context.DeadlineExceeded) { // as of a bucket that does not answer: nobody waits for it
			log.Warn("work behind answers given up", "after", st.grace.String())
			return nil
		}
		return err
	})
	return st, nil
}

// transformers are the engine inside its limits, and once more for AVIF, which is made one at a time beside all else, within
// limits of its own: one picture may need all the memory there is.
func (st *stack) transformers(conf *effective, log *slog.Logger) (transformer, aside *transform.Transformer) {
	limits := conf.transformLimits()
	engine, asideEngine := st.engines(conf.config, log)
	transformer = transform.New(engine, limits)
	limits.Slots, limits.MaxEncode = 1, limits.MaxEncode/2 // beside what needs as much as there may be
	aside = transform.New(asideEngine, limits)
	st.closers = append(st.closers, transformer.Close, aside.Close)
	st.lanes = []telemetry.Lane{{Name: "readers", Stats: transformer.Stats}, {Name: "aside", Stats: aside.Stats}}
	return transformer, aside
}

// transformLimits are those of an engine, asked for before workers have their share of the memory.
func (c *effective) transformLimits() transform.Options {
	limits := transform.Options{
		MaxBytes:     c.Fetch.MaxBytes,
		MaxPixels:    c.Limits.Pixels,
		MaxOutput:    c.maxOutput(),
		MemoryBudget: c.Limits.Memory,
		Slots:        c.slots(),
		Timeout:      c.Limits.Timeout,
	}
	limits.EncodeBudget, limits.MaxEncode = encodeBudgets(c.config, debug.SetMemoryLimit(-1))
	return limits
}

// warmDelay leaves the first readers, and a server that is soon stopped again, alone.
const warmDelay = 2 * time.Second

// warm makes the engine ready beside all else, so that no reader waits for it. What it is at cannot be stopped, and the end
// does not wait for it.
func (st *stack) warm(log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	st.closers = append(st.closers, func() error { cancel(); return nil })
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(warmDelay):
		}
		switch err := st.engine.Warm(ctx); {
		case err == nil:
			log.Debug("all encoders are ready")
		case ctx.Err() == nil:
			log.Warn("an encoder does not work", "err", err)
		}
	}()
}

// newFetcher brings originals as s is configured. A wrapper that answers with anything but a picture has failed, whatever
// status it sent.
func newFetcher(s *site, instance string) *fetch.Fetcher {
	return fetch.New(fetch.Options{
		Policy:    fetch.Policy{Public: true, AllowPrivate: s.config.Fetch.AllowPrivate, Own: s.own},
		Site:      s.root,
		MaxBytes:  s.config.Fetch.MaxBytes,
		Timeout:   s.config.Fetch.Timeout,
		UserAgent: s.config.Fetch.UserAgent,
		Instance:  instance,
		Accept: func(body []byte) error {
			_, err := transform.Sniff(body)
			return err
		},
	})
}

// newInstance is what one run calls itself in CDN-Loop: fetcher and proxy must agree on it, no other cutline on the way
// may have it, and nobody shall guess it, for then they could have requests refused.
func newInstance() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it never returns an error
	return hex.EncodeToString(id[:])
}

// severity of what happens behind an answer. That a sound store declines an object (too large, asked for too seldom) is
// everyday; what a medium failed to do, openCache's tierLog has said.
func severity(err error) slog.Level {
	if errors.Is(err, cache.ErrNotKept) || errors.Is(err, prefetch.ErrOffline) || errors.Is(err, context.Canceled) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// flightGrace is how long work that nobody waits for any more may go on at the end, so that what it fetched is kept.
const flightGrace = 5 * time.Second

// flightTime bounds one original's whole way: fetched, decoded, resized, encoded, with 5 s for its waits.
func flightTime(c *config) time.Duration { return c.Fetch.Timeout + c.Limits.Timeout + 5*time.Second }

// server returns an HTTP server that a slow or hostile client cannot hold: a header within 5 s and 16 KB, an answer within a
// minute after it had to be made. Over a steadyListener, the last is that the answer is taken steadily instead.
func (st *stack) server(log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           st.tracing.Handler(st.proxy.Handler()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      st.flight + time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		// "OPTIONS *" too is answered with the headers that all answers have.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// close closes the parts, last made first: the renderer ends its flights before what they use goes away.
func (st *stack) close() error {
	var errs []error
	for _, closePart := range slices.Backward(st.closers) {
		errs = append(errs, closePart())
	}
	return errors.Join(errs...)
}
