package prefetch

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// maxWaits is what one picture waits for its origin in all, or for memory, at most. It is also the longest that fetch says of a host, for
// one that wants an hour too: that is not waited for.
const maxWaits = 5 * time.Minute

// build is Renderer.Build, again after a pause where the origin asks for one, or where too much is under way here.
func (r *run) build(ctx context.Context, e *catalog.Entry, choose func(*render.Original) []transform.Spec) (*render.Original, []*render.Rendition, error) {
	b := render.Build{Source: e.Source, Words: e.Words, Ask: r.o.Ask, MaxAge: r.o.MaxAge, Choose: choose}
	for waited := time.Duration(0); ; {
		o, rends, err := r.o.Renderer.Build(ctx, b)
		wait := pauseOf(err)
		if wait == 0 || !r.waitsFor(e.Source, waited+wait) {
			if err == nil {
				r.answers(e.Source)
			}
			return o, rends, err
		}
		r.waits(e, wait)
		select {
		case <-time.After(wait):
			waited += wait
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// waitsFor reports whether a picture may wait for so long in all. Where one has waited in vain, no other of its host waits, until the
// host answers: a hundred pictures shall not take turns at it.
func (r *run) waitsFor(src source.Source, all time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !src.Remote() {
		return all < maxWaits
	}
	if all >= maxWaits {
		r.silent[src.Host()] = true
	}
	return !r.silent[src.Host()]
}

// answers notes that a host has brought a picture.
func (r *run) answers(src source.Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.silent, src.Host())
}

func (r *run) waits(e *catalog.Entry, wait time.Duration) {
	if r.o.Report == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.progress
	now.Entry, now.Waits = e, wait
	r.o.Report(now)
}

// ourPause is how long to leave this machine alone when it has too much under way.
const ourPause = time.Second

// pauseOf is for how long whoever answered with err wants to be left alone, where that is worth waiting for; else 0. A host that failed
// for ten pictures wants nothing: the next run asks it. What is remembered of an answer does not tell the two apart, and is waited for: it
// is over in seconds.
func pauseOf(err error) time.Duration {
	e, ok := errors.AsType[*render.Error](err)
	if !ok {
		return 0
	}
	down, failed := errors.AsType[*fetch.DownError](err)
	switch {
	case errors.Is(err, ErrOffline):
		return 0
	case e.Class == render.Busy:
		return cmp.Or(e.RetryAfter, ourPause)
	case e.Class == render.Down && (!failed || down.Paused):
		return e.RetryAfter
	}
	return 0
}
