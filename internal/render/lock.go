package render

import (
	"context"
	"encoding/hex"
	"sync"
	"sync/atomic"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/source"
)

// A Locker lets one node after another do a piece of work; *cluster.Node is the one. It promises nothing: work that two do at one
// time is done twice.
type Locker interface {
	// Lock waits for the locks of keys, at most until ctx ends. look says that another node may have done the work meanwhile.
	// release is called once.
	Lock(ctx context.Context, keys ...string) (release func(), look bool)
}

// lockShare is the part of a flight's time that it waits for another node's: what is left is enough for its own work.
const lockShare = 6

// A hold is the locks that a flight has. It lets them go when the flight ends, however that comes, unless what it made is on its way to
// the shared store.
type hold struct {
	release func()
	handed  atomic.Bool
}

// alone takes the locks of keys for a flight, of which ctx is. It returns at once where nodes have no store in common: they could not find
// what another has made.
func (r *Renderer) alone(ctx context.Context, keys ...cache.Key) (h *hold, look bool) {
	h = &hold{release: func() {}}
	if r.o.Lock == nil || r.o.Shared == nil {
		return h, false
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Kind.String() + "/" + hex.EncodeToString(k.Sum[:16])
	}
	wait, cancel := context.WithTimeout(ctx, r.o.Timeout/lockShare)
	defer cancel()
	release, look := r.o.Lock.Lock(wait, names...)
	h.release = sync.OnceFunc(release)
	context.AfterFunc(ctx, func() {
		if !h.handed.Load() {
			h.release()
		}
	})
	return h, look
}

// aloneOutside is alone for a render flight, which leaves its slot to others while another node is at its work.
func (r *Renderer) aloneOutside(ctx context.Context, keys ...cache.Key) (h *hold, look bool) {
	if r.o.Lock == nil || r.o.Shared == nil {
		return r.alone(ctx)
	}
	if r.renders.gate.outside(func() { h, look = r.alone(ctx, keys...) }) != nil {
		return &hold{release: func() {}}, false // too many are: it works without
	}
	return h, look
}

// settler is what *cache.Tiers can: say when what was put has arrived.
type settler interface {
	Settled(ctx context.Context, keys ...cache.Key) error
}

var _ settler = (*cache.Tiers)(nil)

// handOver lets go of h once the shared store has keys, or has taken too long; behind the flight, which need not wait.
func (r *Renderer) handOver(h *hold, track func() func(), keys ...cache.Key) {
	s, ok := r.o.Store.(settler)
	if !ok || r.o.Lock == nil {
		h.release()
		return
	}
	h.handed.Store(true)
	done := track()
	go func() {
		defer done()
		defer h.release()
		ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
		defer cancel()
		_ = s.Settled(ctx, keys...) // else the next node finds nothing, and does the work
	}()
}

// bringAlone is bring's work where nodes share a store: one asks the origin, the others find what it has brought.
func (r *Renderer) bringAlone(ctx context.Context, k fetchKey, t token, p pointer, f *flight[located]) (settle func()) {
	h, look := r.alone(ctx, pointerKey(k.src))
	// Without a lock too, where it has a pointer of its own: another may have withdrawn the source, and this node not have heard of it.
	if look || p.Current != nil {
		found := r.fromShared(ctx, k.src, t, p)
		if found.Withdrawn != nil || !k.whole && !k.anew {
			p = found
		}
		if r.known(k, t, p, f) {
			h.release()
			return nil
		}
	}
	keep := r.ask(ctx, k, t, p, f)
	if keep == nil {
		h.release()
		return nil
	}
	return func() {
		keep()
		r.handOver(h, r.fetches.track, r.stored(k.src, f)...)
	}
}

// stored are the keys of what a flight has brought.
func (r *Renderer) stored(src source.Source, f *flight[located]) []cache.Key {
	keys := []cache.Key{pointerKey(src)}
	if f.ready() && f.err == nil && f.val.ptr.Current != nil {
		keys = append(keys, f.val.ptr.Current.Sum.key(), f.val.ptr.Current.Sum.looseKey())
	}
	return keys
}
