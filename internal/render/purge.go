package render

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/source"
)

// A Purge is what becomes of a source.
type Purge int

// The purges.
const (
	Forget   Purge = iota // what is known of it is forgotten; the next reader has it fetched anew
	Withdraw              // the same, and nobody has it fetched any more: it is answered with Withdrawn
	Restore               // what Withdraw did is undone; a source that is not withdrawn is left as it is
)

// Purged is what a purge did to one source.
type Purged struct {
	Source source.Source
	Was    bool // something was known of it: an original, a failure, that it is withdrawn
	Done   bool // false of a Restore that found nothing to undo, and where Err says why
	Err    error
}

// Purge does p to sources, each once, and says in their order what came of them. Once it has returned, no answer that begins
// later has bytes that were fetched earlier, and none of what is under way, or waits, stores any: neither originals nor
// renditions, with words or without, neither choices nor failures. Answers under way are made anew.
//
// It deletes one object per source, the pointer: without it no rendition can be reached. The original stays where it is, for
// others may have the same bytes, until the store needs its place.
func (r *Renderer) Purge(ctx context.Context, p Purge, sources ...source.Source) []Purged {
	return r.PurgeAt(ctx, p, Order{}, sources...)
}

// PurgeAt is Purge on one of several nodes, the one that has told the others, or owes it to them. In what nodes share, nothing of
// sources counts any more that one of them found out before.
func (r *Renderer) PurgeAt(ctx context.Context, p Purge, at Order, sources ...source.Source) []Purged {
	r.purges.one.Lock()
	defer r.purges.one.Unlock()
	var done []Purged
	var distinct []source.Source
	seen := make(map[source.Source]bool, len(sources))
	for _, src := range sources {
		if !seen[src] {
			seen[src] = true
			over := r.order.overtaken(src, at) // what came later has done all of it that is to stay
			done = append(done, Purged{Source: src, Was: over, Done: over})
			if !over {
				distinct = append(distinct, src)
			}
		}
	}
	var tomb *withdrawal
	if p == Withdraw {
		tomb = &withdrawal{At: time.Now().UTC()}
		r.tombs.add(tomb, distinct...) // from here on; the store is only for the next start
	}
	var wg sync.WaitGroup
	next := make(chan *Purged)
	for range min(purging, len(done)) {
		wg.Go(func() {
			for d := range next {
				r.purge(ctx, p, at, tomb, d)
			}
		})
	}
	for i := range done {
		if !done[i].Done {
			next <- &done[i]
		}
	}
	close(next)
	wg.Wait()
	return done
}

// purging is how many sources are purged at one time. Each waits for a disk to say that it has forgotten.
const purging = 16

// purge does p to one source; tomb is what a Withdraw puts in the pointer's place. What could store something of the source
// waits for the lock, or is waited for.
func (r *Renderer) purge(ctx context.Context, p Purge, at Order, tomb *withdrawal, d *Purged) {
	lock := r.lock(d.Source)
	lock.Lock()
	defer lock.Unlock()
	_, err := r.o.Store.Get(ctx, pointerKey(d.Source))
	d.Was = err == nil
	if p == Restore && r.loadPointer(ctx, d.Source).Withdrawn == nil {
		return
	}
	r.order.set(d.Source, at, true) // whoever tells at once has told all before
	d.Err = r.repoint(ctx, r.o.Store, d.Source, tomb)
	if d.Done = d.Err == nil; d.Done && tomb == nil {
		r.tombs.lift(d.Source)
	}
	r.forgotten(d.Source)
}

// forgotten ends a purge of src, once no store has what was known of it. Whoever comes before the mark may find a flight from before, or
// what it stored, and is turned back by the mark; whoever comes after it finds neither.
func (r *Renderer) forgotten(src source.Source) {
	r.fetches.detach(fetchKey{src: src}, fetchKey{src: src, whole: true}, fetchKey{src: src, anew: true})
	r.purges.mark(src)
	r.changed(src)
	r.failures.forget(src)
}

// repoint deletes the pointer of src, and puts tomb in its place where there is one. A tier that cannot keep the tombstone
// shall have no pointer either, and a disk that fails shall be noticed, so it deletes first. Where one tier cannot forget, the
// others keep the tombstone all the same.
func (r *Renderer) repoint(ctx context.Context, in cache.Store, src source.Source, tomb *withdrawal) error {
	failed := in.Delete(ctx, pointerKey(src))
	if failed != nil {
		failed = fmt.Errorf("forget the pointer of %s: %w", src.Public(), failed)
	}
	if tomb == nil {
		return failed
	}
	p := pointer{Withdrawn: tomb}
	r.order.stamp(src, &p)
	o, err := pointerObject(p)
	if err == nil {
		put := in.Put
		if s, ok := in.(lasting); ok {
			put = s.PutLasting
		}
		err = put(ctx, pointerKey(src), o)
	}
	if err != nil {
		err = fmt.Errorf("keep that %s is withdrawn: %w", src.Public(), err)
	}
	return errors.Join(failed, err)
}

// lasting is what *cache.Tiers can: a tombstone that only its memory has kept is none.
type lasting interface {
	PutLasting(ctx context.Context, k cache.Key, o *cache.Object) error
}

var _ lasting = (*cache.Tiers)(nil)

// Withdrawn reports whether src is withdrawn.
func (r *Renderer) Withdrawn(ctx context.Context, src source.Source) bool {
	return r.loadPointer(ctx, src).Withdrawn != nil
}

// withdrawn is the error of a source that is.
func withdrawn(src source.Source) *Error {
	return &Error{Class: Withdrawn, Source: src, Err: errWithdrawn}
}

var (
	errWithdrawn = errors.New("withdrawn by a purge")
	errPurged    = errors.New("purged while an answer was made")
)

// lock is the lock of src's pointer, and of what is stored on its account.
func (r *Renderer) lock(src source.Source) *sync.RWMutex {
	return &r.locks[pointerKey(src).Sum[0]%pointerLocks]
}

// commit runs store, which stores something that was made of src as it was at t, unless src was purged since. A purge waits
// for it. Several may run at one time.
func (r *Renderer) commit(src source.Source, t token, store func()) {
	lock := r.lock(src)
	lock.RLock()
	defer lock.RUnlock()
	if !r.purges.since(src, t) {
		store()
	}
}

// A token is a point in the order of purges. Whatever is found out about a source notes it first.
type token uint64

// purges is which source was purged when, as far back as matters. The zero value is ready. It is safe for concurrent use.
type purges struct {
	one  sync.Mutex    // held by Purge: of two that contradict each other, one comes last
	last atomic.Uint64 // the latest purge's token

	mu    sync.RWMutex
	at    map[source.Source]token
	floor token // of the sources that are not in at: none was purged later
}

// maxPurges bounds the map. What it forgets is what flights under way would have to know; they take every source for purged.
const maxPurges = 4096

// now is the token of what begins now.
func (p *purges) now() token { return token(p.last.Load()) }

// mark notes that src was purged.
func (p *purges) mark(src source.Source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = make(map[source.Source]token)
	}
	if len(p.at) >= maxPurges {
		clear(p.at)
		p.floor = p.now()
	}
	p.at[src] = p.now() + 1
	p.last.Add(1)
}

// markAll takes every source for purged.
func (p *purges) markAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.at)
	p.floor = p.now() + 1
	p.last.Add(1)
}

// since reports whether src was purged after t, or may have been. Where nothing at all was, it takes no lock: each hit asks.
func (p *purges) since(src source.Source, t token) bool {
	if p.now() == t {
		return false
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return max(p.at[src], p.floor) > t
}

// tombs are the tombstones that were put or seen: a store may forget one, or fail to read it, and then its source would be
// fetched. There are as few as somebody has typed, so each change copies them, and readers take no lock. The zero value is
// ready. It is safe for concurrent use.
type tombs struct {
	mu     sync.Mutex // of changes
	all    atomic.Pointer[map[source.Source]*withdrawal]
	lifted atomic.Uint64 // how often any was
}

// of returns the tombstone of src, or nil.
func (t *tombs) of(src source.Source) *withdrawal {
	if all := t.all.Load(); all != nil {
		return (*all)[src]
	}
	return nil
}

// add gives w to sources.
func (t *tombs) add(w *withdrawal, sources ...source.Source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.change(w, sources...)
}

// learn gives src w, which a store had, unless one was lifted since lifted was what it is given: it may be the one that was read.
func (t *tombs) learn(w *withdrawal, src source.Source, lifted uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lifted.Load() == lifted {
		t.change(w, src)
	}
}

// lift takes the tombstone of src away. It comes after the stores have forgotten it.
func (t *tombs) lift(src source.Source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lifted.Add(1)
	t.change(nil, src)
}

// change gives w to sources; nil takes theirs away. It needs mu.
func (t *tombs) change(w *withdrawal, sources ...source.Source) {
	if !slices.ContainsFunc(sources, func(src source.Source) bool { return t.of(src) != w }) {
		return // a node that begins reads thousands of purges
	}
	all := make(map[source.Source]*withdrawal)
	if old := t.all.Load(); old != nil {
		all = maps.Clone(*old)
	}
	for _, src := range sources {
		all[src] = w
		if w == nil {
			delete(all, src)
		}
	}
	t.all.Store(&all)
}

// forget drops what is remembered of src.
func (f *failures) forget(src source.Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.byKey, func(_ cache.Key, of failed) bool { return of.src == src })
}

// detach ends sharing of the flights on keys: who comes from now on leads another. Those who wait for them go on waiting.
func (g *flights[K, V]) detach(keys ...K) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range keys {
		if f := g.byKey[k]; f != nil {
			g.remove(k, f)
		}
	}
}

// detachAll is detach for all flights.
func (g *flights[K, V]) detachAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k, f := range g.byKey {
		g.remove(k, f)
	}
}
