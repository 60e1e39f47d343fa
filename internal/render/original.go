package render

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
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
	ptr    pointer // Current is set
	body   []byte  // where the flight had it in hand; nil means that it is in the store
	had    bool    // nothing new came in: the bytes had been here before
	keep   bool    // the origin allows keeping it
	stale  bool    // past its freshness, or kept although the origin fails
	asked  bool    // something was had before, and the flight asked the origin about it
	status int     // with asked: what the origin answered; 0 for nothing that has one
	token  token   // from before anything of it was looked at
	seen   moment  // the same, where a fresh pointer is all that it rests on; else zero
}

// A fetchKey names a fetch flight. A flight for the whole original never shares one that asks for news only: that one may
// bring no bytes. Neither does one that asks the origin although what is had is fresh share one that need not.
type fetchKey struct {
	src   source.Source
	whole bool
	anew  bool
}

// locate says which original src stands for: from the cache when fresh; from the cache, stale, with a flight sent to
// revalidate it behind, or while its origin is known to fail; else by a flight that everybody who asks for src waits for.
func (r *Renderer) locate(ctx context.Context, src source.Source) (located, Outcome, error) {
	now, t, k := time.Now(), r.purges.now(), pointerKey(src)
	seen := r.moment(k)
	p := r.loadPointerAt(ctx, src, k)
	l := located{ptr: p, had: true, keep: true, token: t}
	if p.Withdrawn != nil {
		return located{}, "", withdrawn(src)
	}
	if p.fresh(now, r.o.MaxFresh) {
		l.seen = seen
		return l, Hit, nil
	}
	l.stale = true
	known := p.Failure != nil && r.spares(src, p, p.Failure.Class, now) // the origin fails, and that is no news
	flight := fetchKey{src: src}
	switch {
	case p.doubtful: // the flight looks whether others know better, before all else
	case p.resting(now) && known:
		return l, Stale, nil
	case p.resting(now):
		return located{}, "", p.Failure.remembered(src, now)
	case p.Current != nil && src.Remote() && (known || r.mayWait(src, p, now) || r.hangs(src, now)):
		r.fetch(ctx, flight)
		return l, Stale, nil
	}
	if err := r.failures.get(k, src, now); err != nil {
		return located{}, "", err
	}
	f, led := r.fetch(ctx, flight)
	wait := ctx
	if p.Current != nil && src.Remote() && r.archived(src) {
		var cancel context.CancelFunc
		wait, cancel = context.WithDeadline(ctx, f.since.Add(askedFirst))
		defer cancel()
	}
	found, outcome, err := r.join(wait, src, f, led)
	if err != nil && !errors.Is(err, errWithdrawn) && ctx.Err() == nil && p.Current != nil && r.archived(src) { // no time, or nobody who has any
		if src.Remote() && errors.Is(err, context.DeadlineExceeded) {
			r.hung(src)
		}
		return l, Stale, nil
	}
	return found, outcome, err
}

// waitFetch waits for a flight that brings k's source.
func (r *Renderer) waitFetch(ctx context.Context, k fetchKey) (located, Outcome, error) {
	f, led := r.fetch(ctx, k)
	return r.join(ctx, k.src, f, led)
}

// join waits for f.
func (r *Renderer) join(ctx context.Context, src source.Source, f *flight[located], led bool) (located, Outcome, error) {
	ready := f.ready()
	l, err := f.wait(ctx)
	if err != nil {
		return located{}, "", newError(src, err)
	}
	if ready && !led {
		l.asked = false // for others, a moment ago
	}
	switch {
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
	if p.doubtful {
		p = r.fromShared(ctx, k.src, t, p)
	}
	if r.known(k, t, p, f) {
		return r.looked(ctx, k.src, t, p)
	}
	if k.src.Remote() {
		return r.bringAlone(ctx, k, t, p, f)
	}
	return r.ask(ctx, k, t, p, f)
}

// known ends a fetch flight for which p says all there is to say: a flight that ended between the caller's look and this one's start has
// done the work, or another node has.
func (r *Renderer) known(k fetchKey, t token, p pointer, f *flight[located]) bool {
	now := time.Now()
	switch {
	case p.Withdrawn != nil:
		f.finish(located{}, withdrawn(k.src))
	case k.whole || k.anew || p.Current == nil || !p.fresh(now, r.o.MaxFresh) && !p.resting(now):
		return false
	case p.resting(now) && !r.spares(k.src, p, p.Failure.Class, now):
		f.finish(located{}, p.Failure.remembered(k.src, now))
	default:
		f.finish(located{ptr: p, had: true, keep: true, stale: p.resting(now), token: t}, nil)
	}
	return true
}

// ask has the origin say what it has, p being what was had.
func (r *Renderer) ask(ctx context.Context, k fetchKey, t token, p pointer, f *flight[located]) (settle func()) {
	var prior fetch.Validators
	if !k.whole {
		prior = p.prior(r.pins(k.src, p))
	}
	// It ends before the flight does, so that what it ends in can be told and remembered.
	end, _ := ctx.Deadline()
	short, cancel := context.WithDeadline(ctx, end.Add(-r.o.Timeout/10))
	start := time.Now()
	o, err := r.o.Fetch.Fetch(short, k.src, prior)
	cancel()
	r.tally(k.src, o, err, time.Since(start))
	r.fetchStage(ctx, k.src, start, o, err)
	if err == nil {
		var l located
		if l, err = r.adopt(ctx, k, p, o); err == nil {
			r.counters.fetched.Add(1)
			l.token = t
			l.asked, l.status = p.Current != nil && k.src.Remote(), http.StatusOK
			if o.NotModified {
				l.status = http.StatusNotModified
			}
			f.finish(l, nil)
			return func() { r.keep(ctx, k.src, l) }
		}
	}
	return r.fallBack(ctx, k, located{ptr: p, token: t}, f, err)
}

// adopt makes a located original of what the origin sent.
func (r *Renderer) adopt(ctx context.Context, k fetchKey, p pointer, o *fetch.Original) (located, error) {
	now := time.Now()
	p.Failure, p.Asked, p.doubtful = nil, now.UTC().Truncate(time.Second), false
	p.asked = true
	if !o.NotModified || o.Freshness != (fetch.Freshness{}) { // a 304 that says nothing leaves what was said (RFC 9111 §4.3.4)
		p.Said = o.Freshness
		if r.o.KeepAll {
			p.Said.NoStore, p.Said.NoCache = false, false
		}
	}
	p.Expires = now.Add(r.freshFor(k.src, p.Said))
	pinned := r.pins(k.src, p) && !k.whole // whole: what was pinned is lost
	l := located{ptr: p, had: true, keep: !p.Said.NoStore || pinned}
	if o.NotModified {
		if p.Current == nil {
			return located{}, fmt.Errorf("fetch %s: %w: not modified, but nothing was known of it", k.src.Public(), fetch.ErrUpstream)
		}
		l.ptr = r.confirmed(ctx, p, o.Validators, pinned)
		return l, nil
	}
	v := &version{Sum: sha256.Sum256(o.Body), Bytes: int64(len(o.Body)), Modified: o.Modified, Validators: o.Validators}
	if v.Modified.IsZero() {
		v.Modified = now.UTC().Truncate(time.Second)
	}
	if p.Current != nil && p.Current.Sum == v.Sum {
		v.Info, v.Modified = p.Current.Info, p.Current.Modified
		v.Found, v.Read = p.Current.Found, p.Current.Read
		v.read(o.Body)
		l.ptr.Current, l.body = v, o.Body
		if p.Replaced != nil && p.Replaced.Sum != v.Sum {
			l.ptr.Replaced = nil // the one from before is back
		}
		return l, nil
	}
	return r.replace(k.src, l, v, o.Body, pinned)
}

// confirmed is p when the origin says that what it had last is what it still has.
func (r *Renderer) confirmed(ctx context.Context, p pointer, said fetch.Validators, pinned bool) pointer {
	current := *p.Current
	r.reread(ctx, &current)
	at := &current.Validators
	if pinned && p.Replaced != nil && p.Replaced.Sum != current.Sum {
		replaced := *p.Replaced
		p.Replaced, at = &replaced, &replaced.Validators
	}
	if said != (fetch.Validators{}) {
		*at = said
	}
	p.Current = &current
	return p
}

// replace makes v, which body is, the original of l; where the one from before is pinned, it only notes that v is there.
func (r *Renderer) replace(src source.Source, l located, v *version, body []byte, pinned bool) (located, error) {
	now, p := time.Now(), &l.ptr
	if p.Damaged.covers(v.Sum, now) {
		return located{}, &Error{Class: p.Damaged.Class, Source: src, Err: fmt.Errorf("%w: the same bytes as before", transform.ErrCorrupt)}
	}
	info, err := r.o.Transform.Probe(body)
	if err != nil {
		return located{}, err
	}
	if p.Current != nil && src.Remote() {
		if p.Replaced == nil || p.Replaced.Sum != v.Sum {
			r.counters.replaced.Add(1)
		}
		p.Replaced = p.replacedBy(v, now)
	}
	if pinned {
		return l, nil
	}
	v.Info = info
	if p.Current != nil && !v.Modified.After(p.Current.Modified) {
		v.Modified = now.UTC().Truncate(time.Second) // an older file in its place is news too
	}
	v.read(body)
	p.Current, p.Last, p.Damaged = v, p.Current, nil
	l.body, l.had = body, false
	return l, nil
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
	if body, ok := r.loadOriginal(ctx, v.Sum); ok { // else another time
		v.read(body)
	}
}

// loadOriginal returns an original's bytes from wherever they are kept.
func (r *Renderer) loadOriginal(ctx context.Context, s sum) (body []byte, ok bool) {
	for _, k := range []cache.Key{s.key(), s.looseKey()} {
		if o, err := r.o.Store.Get(ctx, k); err == nil {
			return o.Body, true
		}
	}
	return nil, false
}

// keep stores what a fetch flight brought: the original before the pointer that names it. Where the origin forbids keeping,
// an earlier pointer goes too, or it would be served, stale, for ever.
func (r *Renderer) keep(ctx context.Context, src source.Source, l located) {
	if !l.keep {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		r.commit(src, l.token, func() {
			if err := r.o.Store.Delete(ctx, pointerKey(src)); err != nil {
				r.report(fmt.Errorf("forget the pointer of %s: %w", src.Public(), err))
			}
			r.changed(src)
		})
		return
	}
	body, archived := l.body, r.archived(src)
	if body == nil && l.ptr.Loose && archived { // a post has come to show it
		body, _ = r.loadOriginal(ctx, l.ptr.Current.Sum)
	}
	if body != nil {
		k := l.ptr.Current.Sum.key()
		if l.ptr.Loose = !archived; !archived {
			k = l.ptr.Current.Sum.looseKey()
		}
		r.commit(src, l.token, func() { r.put(ctx, k, &cache.Object{Body: body}) })
	}
	in := r.o.Store
	if !src.Remote() && body == nil && r.o.Near != nil {
		in = r.o.Near // that a file of the site is as it was holds for a second: no disk needs to know
	}
	r.changeIn(ctx, in, src, l.token, func(latest pointer) (pointer, bool) {
		// Another machine may have been first, by a copy of the file or an answer with another date: the date is the earlier
		// one's, so that what several machines say of the same bytes does not differ for longer than this takes.
		if was := latest.Current; was != nil && !l.had && was.Sum == l.ptr.Current.Sum && was.Modified.Before(l.ptr.Current.Modified) {
			current := *l.ptr.Current
			current.Modified = was.Modified
			l.ptr.Current = &current
		}
		// News of an original in whose place another flight put one meanwhile are none.
		return l.ptr, body != nil || latest.Current == nil || latest.Current.Sum == l.ptr.Current.Sum
	})
}

// fallBack ends a fetch flight that failed: with the original that was had before, for as long as it takes (the origin may
// die, the picture stays), else with the error. Either way the failure is remembered for a while. l is what was had.
func (r *Renderer) fallBack(ctx context.Context, k fetchKey, l located, f *flight[located], err error) (settle func()) {
	e := newError(k.src, err)
	now := time.Now()
	r.counters.failed.Add(1)
	if e.Class == TimedOut && k.src.Remote() {
		r.hung(k.src)
	}
	if !k.whole && r.spares(k.src, l.ptr, e.Class, now) {
		r.counters.spared.Add(1)
		r.report(e)
		f.finish(located{
			ptr: l.ptr.failed(e, now), had: true, keep: true, stale: true, asked: k.src.Remote() && e.Class != Down, status: fetch.StatusOf(err), token: l.token,
		}, nil)
	} else {
		f.finish(located{}, e)
	}
	if e.pause() == 0 {
		return nil
	}
	in := r.o.Store
	if l.ptr.doubtful {
		in = r.private()
	}
	return func() {
		r.changeIn(ctx, in, k.src, l.token, func(latest pointer) (pointer, bool) {
			latest.asked = true
			return latest.failed(e, now), true
		})
	}
}
