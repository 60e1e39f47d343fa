package render

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// localFresh is how long a file of the site is taken for unchanged: long enough that a popular picture costs one stat a
// second, short enough that whoever edits the site sees the change at once.
const localFresh = time.Second

// located is an original as a flight found it.
type located struct {
	ptr   pointer // Current is set
	body  []byte  // where the flight had it in hand; nil means that it is in the store
	had   bool    // nothing new came in: the bytes had been here before
	keep  bool    // the origin allows keeping it
	stale bool    // past its freshness, or kept although the origin fails
	token token   // from before anything of it was looked at
}

// A fetchKey names a fetch flight. A flight for the whole original never shares one that asks for news only: that one may
// bring no bytes.
type fetchKey struct {
	src   source.Source
	whole bool
}

// locate says which original src stands for: from the cache when fresh; from the cache, stale, with a flight sent to
// revalidate it behind; else by a flight that everybody who asks for src waits for.
func (r *Renderer) locate(ctx context.Context, src source.Source) (located, Outcome, error) {
	now, t := time.Now(), r.purges.now()
	p := r.loadPointer(ctx, src)
	switch {
	case p.Withdrawn != nil:
		return located{}, "", withdrawn(src)
	case p.fresh(now, r.o.MaxFresh):
		return located{ptr: p, had: true, keep: true, token: t}, Hit, nil
	case p.Current != nil && p.resting(now):
		return located{ptr: p, had: true, keep: true, stale: true, token: t}, Stale, nil
	case p.Current != nil && src.Remote():
		r.fetch(ctx, fetchKey{src: src})
		return located{ptr: p, had: true, keep: true, stale: true, token: t}, Stale, nil
	case p.resting(now):
		return located{}, "", p.Failure.remembered(src, now)
	}
	if err := r.failures.get(pointerKey(src), src, now); err != nil {
		return located{}, "", err
	}
	l, outcome, err := r.waitFetch(ctx, fetchKey{src: src})
	if err != nil && p.Current != nil && ctx.Err() == nil { // a file of the site, and nobody had time to look at it
		return located{ptr: p, had: true, keep: true, stale: true, token: t}, Stale, nil
	}
	return l, outcome, err
}

// waitFetch waits for a flight that brings k's source.
func (r *Renderer) waitFetch(ctx context.Context, k fetchKey) (located, Outcome, error) {
	f, led := r.fetch(ctx, k)
	ready := f.ready()
	l, err := f.wait(ctx)
	switch {
	case err != nil:
		return located{}, "", newError(k.src, err)
	case l.stale:
		return l, Stale, nil
	case l.had, ready && !led:
		return l, Hit, nil
	case led:
		return l, Filled, nil
	}
	return l, Joined, nil
}

// fetch joins the flight that brings k's source, or starts one. A whole one brings the bytes even where the origin would
// say that they did not change: they are missing from the store.
func (r *Renderer) fetch(ctx context.Context, k fetchKey) (f *flight[located], led bool) {
	all, mine := r.fetches.claim(k)
	if len(mine) == 1 {
		r.fetches.start(ctx, []fetchKey{k}, all, func(ctx context.Context) func() {
			return r.bring(ctx, k, all[0])
		})
	}
	return all[0], len(mine) == 1
}

// bring is the work of a fetch flight.
func (r *Renderer) bring(ctx context.Context, k fetchKey, f *flight[located]) (settle func()) {
	t := r.purges.now()
	p := r.loadPointer(ctx, k.src)
	if p.Withdrawn != nil {
		f.finish(located{}, withdrawn(k.src))
		return nil
	}
	// A flight that ended between the caller's look and this one's start has done the work already.
	if now := time.Now(); !k.whole && p.Current != nil && (p.fresh(now, r.o.MaxFresh) || p.resting(now)) {
		f.finish(located{ptr: p, had: true, keep: true, stale: p.resting(now), token: t}, nil)
		return nil
	}
	var prior fetch.Validators
	if p.Current != nil && !k.whole {
		prior = p.Current.Validators
	}
	o, err := r.o.Fetch.Fetch(ctx, k.src, prior)
	if err == nil {
		var l located
		if l, err = r.adopt(ctx, k.src, p, o); err == nil {
			l.token = t
			f.finish(l, nil)
			return func() { r.keep(ctx, k.src, l) }
		}
	}
	return r.fallBack(ctx, k, located{ptr: p, had: true, keep: true, stale: true, token: t}, f, err)
}

// adopt makes a located original of what the origin sent.
func (r *Renderer) adopt(ctx context.Context, src source.Source, p pointer, o *fetch.Original) (located, error) {
	p.Failure = nil
	p.Expires = time.Now().Add(r.freshFor(src, o))
	if o.NotModified {
		if p.Current == nil {
			return located{}, fmt.Errorf("fetch %s: %w: not modified, but nothing was known of it", src, fetch.ErrUpstream)
		}
		current := *p.Current
		r.reread(ctx, &current)
		if o.Validators != (fetch.Validators{}) {
			current.Validators = o.Validators
		}
		p.Current = &current
		return located{ptr: p, had: true, keep: !o.NoStore}, nil
	}
	v := &version{Sum: sha256.Sum256(o.Body), Bytes: int64(len(o.Body)), Modified: o.Modified, Validators: o.Validators}
	if v.Modified.IsZero() {
		v.Modified = time.Now().UTC().Truncate(time.Second)
	}
	if p.Current != nil && p.Current.Sum == v.Sum {
		v.Info, v.Modified = p.Current.Info, p.Current.Modified
		v.Found, v.Read = p.Current.Found, p.Current.Read
		v.read(o.Body)
		p.Current = v
		return located{ptr: p, body: o.Body, had: true, keep: !o.NoStore}, nil
	}
	if p.Damaged.covers(v.Sum, time.Now()) {
		return located{}, &Error{Class: p.Damaged.Class, Source: src, Err: fmt.Errorf("%w: the same bytes as before", transform.ErrCorrupt)}
	}
	info, err := r.o.Transform.Probe(o.Body)
	if err != nil {
		return located{}, err
	}
	v.Info = info
	v.read(o.Body)
	p.Current, p.Last, p.Damaged = v, p.Current, nil
	return located{ptr: p, body: o.Body, keep: !o.NoStore}, nil
}

// read finds the words in body, unless that was done by what does it today. What the metadata's damage hides is not said; the
// pixels may be sound.
func (v *version) read(body []byte) {
	if v.Read != caption.ReadRev {
		v.Found, _ = caption.Extract(body)
		v.Read = caption.ReadRev
	}
}

// reread is read for an original whose bytes the origin did not send again.
func (r *Renderer) reread(ctx context.Context, v *version) {
	if v.Read == caption.ReadRev {
		return
	}
	if o, err := r.o.Store.Get(ctx, v.Sum.key()); err == nil { // else another time
		v.read(o.Body)
	}
}

// freshFor is how long o may be taken for current: what the origin says, within bounds, else the default.
func (r *Renderer) freshFor(src source.Source, o *fetch.Original) time.Duration {
	switch {
	case !src.Remote():
		return localFresh
	case o.Explicit:
		return min(max(o.Fresh, r.o.MinFresh), r.o.MaxFresh)
	}
	return r.o.Fresh
}

// keep stores what a fetch flight brought: the original before the pointer that names it. Where the origin forbids keeping,
// an earlier pointer goes too, or it would be served, stale, for ever.
func (r *Renderer) keep(ctx context.Context, src source.Source, l located) {
	if !l.keep {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		r.commit(src, l.token, func() {
			if err := r.o.Store.Delete(ctx, pointerKey(src)); err != nil {
				r.report(fmt.Errorf("forget the pointer of %s: %w", src, err))
			}
		})
		return
	}
	if l.body != nil {
		r.commit(src, l.token, func() { r.put(ctx, l.ptr.Current.Sum.key(), &cache.Object{Body: l.body}) })
	}
	r.change(ctx, src, l.token, func(pointer) (pointer, bool) { return l.ptr, true })
}

// fallBack ends a fetch flight that failed: with the original that was had before, for as long as it takes (the origin may
// die, the picture stays), else with the error. Either way the failure is remembered for a while. l is what was had.
func (r *Renderer) fallBack(ctx context.Context, k fetchKey, l located, f *flight[located], err error) (settle func()) {
	e := newError(k.src, err)
	now := time.Now()
	if l.ptr.Current != nil && !k.whole {
		r.report(e)
		l.ptr = l.ptr.failed(e, now)
		f.finish(l, nil)
	} else {
		f.finish(located{}, e)
	}
	if e.pause() == 0 {
		return nil
	}
	return func() {
		r.change(ctx, k.src, l.token, func(latest pointer) (pointer, bool) { return latest.failed(e, now), true })
	}
}
