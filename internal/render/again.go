package render

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/source"
)

// A lease is what an answer rests on: while none of it has changed, the same request has the same answer. The zero lease is
// over.
type lease struct {
	of    moment    // when the source's pointer was read
	until time.Time // the original's freshness ends
	key   cache.Key // of the body, in the near store
	meta  []byte    // of that object, which has the sum of its pixels
}

// A moment is a point in the history of a source: the number of changes that it saw. The zero moment is of no source.
type moment struct {
	changes *atomic.Uint64
	seen    uint64
}

// changeStripes is how many counters of changes all sources share. A pointer is written when an original's freshness is over: of
// pictures in the site's folder that are asked for, each second. What else has the same counter is then looked up anew.
const changeStripes = 4096

func (r *Renderer) moment(k cache.Key) moment {
	c := &r.changes[(uint(k.Sum[1])|uint(k.Sum[2])<<8)%changeStripes]
	return moment{changes: c, seen: c.Load()}
}

// changed ends all leases on src. It is called after what changed is there to be read, and before the change is reported.
func (r *Renderer) changed(src source.Source) { r.moment(pointerKey(src)).changes.Add(1) }

// lease is that of an answer which was had without asking anybody, and whose body a near store has or may have; else none.
func (r *Renderer) lease(c *call, w *wish) lease {
	l := c.located
	if r.o.Near == nil || l.seen.changes == nil || w.outcome != Hit || w.made.meta == nil || w.splice != w.spliced {
		return lease{}
	}
	key := w.key
	if w.spliced {
		key = r.splicedKey(w.key, c.wordsSum)
	}
	return lease{of: l.seen, until: l.ptr.Expires, key: key, meta: bytes.Clone(w.made.meta)} // theirs may be a part of a whole file
}

// Again returns the body of rend, which was answered before and has since lost its Body or not: it is one more answer to the same
// request, equal in all but Timings. ok is false where that cannot be told at once, and then the request is to be rendered: what
// was known of the source has changed or is not fresh any more, the near store has given the body up, or rend was not a plain
// hit.
//
// It looks at a counter, a clock and the near store: it computes no hash, allocates nothing, and takes no lock that all
// requests share.
func (r *Renderer) Again(ctx context.Context, rend *Rendition) (body []byte, ok bool) {
	l := &rend.lease
	if l.of.changes == nil || l.of.changes.Load() != l.of.seen {
		return nil, false
	}
	// An expiry further away than any that is ever given means that the clock was set back (pointer.fresh).
	if left := time.Until(l.until); left <= 0 || left > r.o.MaxFresh {
		return nil, false
	}
	o, err := r.o.Near.Get(ctx, l.key)
	if err != nil || !bytes.Equal(o.Meta, l.meta) {
		return nil, false
	}
	return o.Body, true
}

// Lasting reports whether Again may answer rend; it is worth keeping then.
func (rend *Rendition) Lasting() bool { return rend.lease.of.changes != nil }
