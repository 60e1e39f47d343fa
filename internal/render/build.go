package render

import (
	"context"
	"time"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A Build asks for all renditions of one source at once, by who makes files of them and would rather wait than have what was true
// some time ago.
type Build struct {
	Source source.Source
	Words  caption.Words
	// Ask has the origin asked, or the file looked at, although the original is fresh, where that was not done for MaxAge. What is had
	// stays where it fails.
	Ask    bool
	Idle   bool // nobody waits for it: it is given up when the Renderer closes
	MaxAge time.Duration
	// Choose names the specs, each with a Format, when the original is known; none makes nothing.
	Choose func(*Original) []transform.Spec
}

// Build returns what is known of the original and one Rendition per spec, in order; or neither, and an *Error. The original is located
// once: one fetch at most, and one decode for all that the cache does not have. Where its freshness is over, the origin is
// asked first, unless it failed a moment ago.
func (r *Renderer) Build(ctx context.Context, b Build) (*Original, []*Rendition, error) {
	if b.Idle {
		ctx = idleContext(ctx)
	}
	var original *Original
	locate := func(ctx context.Context, src source.Source) (located, Outcome, error) {
		return r.locateAnew(ctx, src, b)
	}
	rends, err := r.answerFrom(ctx, Request{Source: b.Source, Words: b.Words}, locate, func(c *call) ([]*Rendition, error) {
		original = newOriginal(c.located, c.outcome)
		return r.make(ctx, c, b.Choose(original))
	})
	if err != nil {
		return nil, nil, err
	}
	return original, rends, nil
}

// locateAnew is locate, but waits for the origin where the original is stale, or was not asked for as long as b wants.
func (r *Renderer) locateAnew(ctx context.Context, src source.Source, b Build) (located, Outcome, error) {
	l, outcome, err := r.locate(ctx, src)
	if err != nil || outcome == Filled || outcome == Joined || l.ptr.resting(time.Now()) {
		return l, outcome, err
	}
	switch {
	case l.stale:
		return r.refetch(ctx, src)
	case b.Ask && !l.asked && time.Since(l.ptr.Asked) >= b.MaxAge:
		return r.waitFetch(ctx, fetchKey{src: src, anew: true})
	}
	return l, outcome, nil
}
