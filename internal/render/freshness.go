package render

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
)

// What may be answered past an original's freshness, and what happens when its origin sends another one (ADR 20). Originals
// that posts show are an archive: their origin has the say as long as it delivers, and no longer. All others are a cache's,
// and RFC 9111 holds for them without exception.
const (
	// askedFirst is how long an answer from the archive waits for an origin that wants to be asked first. An origin that works
	// answers a conditional request in a fraction of it; readers notice when they wait for longer.
	askedFirst = time.Second
	// ownWhile and ownError are RFC 5861's windows of what no post shows, where its origin names none: those that our own
	// answers have, a week and a month.
	ownWhile = 7 * 24 * time.Hour
	ownError = 30 * 24 * time.Hour
)

// archived reports whether src is to outlive its origin. A file of the site always is: its origin is this machine.
func (r *Renderer) archived(src source.Source) bool {
	return !src.Remote() || r.o.Archived == nil || r.o.Archived(src)
}

// pins reports whether what is had of src stays when its origin sends something else.
func (r *Renderer) pins(src source.Source, p pointer) bool {
	return r.o.Pin && p.Current != nil && src.Remote() && r.archived(src)
}

// mayWait reports whether p's original may be shown past its freshness while a flight brings news of it (RFC 5861 §3).
func (r *Renderer) mayWait(src source.Source, p pointer, now time.Time) bool {
	switch s := p.Said; {
	case s.NoCache, s.NoStale, p.doubtful:
		return false
	case s.SaysWhile:
		return now.Before(p.Expires.Add(s.WhileRevalidate))
	}
	return r.archived(src) || now.Before(p.Expires.Add(ownWhile))
}

// hung notes that the host of src takes too long, so that readers of its other pictures do not find that out one by one.
func (r *Renderer) hung(src source.Source) {
	r.failures.add(hostKey(src), &Error{Class: TimedOut, Source: src}, time.Now())
}

// hangs reports whether the host of src took too long a moment ago, and src is of the archive, which need not ask it first.
func (r *Renderer) hangs(src source.Source, now time.Time) bool {
	return r.archived(src) && r.failures.get(hostKey(src), src, now) != nil
}

// hostKey is where a host's failures are remembered. No source's pointer has it: their keys are hashes of one field.
func hostKey(src source.Source) cache.Key { return cache.NewKey(cache.Pointer, "host", src.Host()) }

// spares reports whether p's original may be shown although its origin failed with class (RFC 5861 §4). That there is no such
// picture any more is not a failure but an answer, which only the archive does not take.
func (r *Renderer) spares(src source.Source, p pointer, class Class, now time.Time) bool {
	switch s := p.Said; {
	case p.Current == nil:
		return false
	case r.archived(src):
		return true
	case s.NoCache, s.NoStale, class == NotFound, class == Gone:
		return false
	case s.SaysError:
		return now.Before(p.Expires.Add(s.IfError))
	}
	return now.Before(p.Expires.Add(ownError))
}

// freshFor is how long what an origin said may be taken for current, within bounds; else the default.
func (r *Renderer) freshFor(src source.Source, said fetch.Freshness) time.Duration {
	switch {
	case !src.Remote():
		return localFresh
	case said.NoCache:
		return 0
	case said.Explicit:
		return min(max(said.Fresh, r.o.MinFresh), r.o.MaxFresh)
	}
	return r.o.Fresh
}

// Stats counts what came of originals since the Renderer was made. Counters only grow.
type Stats struct {
	Fetched  int64 // flights that brought an original, or word that it is the same
	Failed   int64 // flights that did not
	Spared   int64 // of these, those whose readers were shown what had been kept
	Replaced int64 // originals that an origin replaced behind their address
}

type counters struct{ fetched, failed, spared, replaced atomic.Int64 }

// Stats is a snapshot.
func (r *Renderer) Stats() Stats {
	c := &r.counters
	return Stats{Fetched: c.fetched.Load(), Failed: c.failed.Load(), Spared: c.spared.Load(), Replaced: c.replaced.Load()}
}

// Probe returns what is known of the original, fetching it when need be, or an *Error.
func (r *Renderer) Probe(ctx context.Context, src source.Source) (*Original, error) {
	return r.probe(ctx, src, r.locate)
}

// Revalidate is Probe for who would rather wait than be told what was true some time ago: where the original's freshness is
// over, the origin is asked first, unless it failed a moment ago.
func (r *Renderer) Revalidate(ctx context.Context, src source.Source) (*Original, error) {
	return r.probe(ctx, src, func(ctx context.Context, src source.Source) (located, Outcome, error) {
		l, outcome, err := r.locate(ctx, src)
		if err == nil && l.stale && !l.ptr.resting(time.Now()) {
			return r.refetch(ctx, src)
		}
		return l, outcome, err
	})
}

// probe is what locate finds, once more for each purge meanwhile.
func (r *Renderer) probe(
	ctx context.Context, src source.Source, locate func(context.Context, source.Source) (located, Outcome, error),
) (*Original, error) {
	l, outcome, err := locate(ctx, src)
	for err == nil && r.purges.since(src, l.token) {
		l, outcome, err = locate(ctx, src)
	}
	if err != nil {
		return nil, newError(src, err)
	}
	return newOriginal(l, outcome), nil
}

func newOriginal(l located, outcome Outcome) *Original {
	v := l.ptr.Current
	o := &Original{Info: v.Info, Sum: v.Sum, Bytes: v.Bytes, Modified: v.Modified, Found: v.Found, Outcome: outcome}
	if f := l.ptr.Failure; f != nil {
		o.Failure, o.Failing = f.Class, f.Since
	}
	if c := l.ptr.Replaced; c != nil {
		o.Replaced, o.Pinned = c.At, c.Sum != v.Sum
	}
	return o
}
