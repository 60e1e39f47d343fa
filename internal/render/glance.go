package render

import (
	"context"
	"time"

	"github.com/dd8bf596/cutline/internal/source"
)

// A Glance is what the cache knows of a source.
type Glance struct {
	Original   *Original    // nil where none is had; its Outcome says nothing
	Failure    Class        // without an Original: why the latest attempt to bring it failed; "" where nobody tried
	Renditions []*Rendition // one per spec, as Render would answer it; nil where it would have to be made
}

// Glance says what is known without asking anybody: it fetches and makes nothing, and keeps nothing that was not kept. It is for
// pages about pictures; what it says may be old by the time it is read.
func (r *Renderer) Glance(ctx context.Context, req Request) Glance {
	g := Glance{Renditions: make([]*Rendition, len(req.Specs))}
	p := r.loadPointer(ctx, req.Source)
	switch {
	case p.Withdrawn != nil:
		g.Failure = Withdrawn
		return g
	case p.Current == nil:
		g.Failure = r.failureOf(p, req.Source)
		return g
	}
	c := &call{req: req, located: located{ptr: p, had: true}, outcome: Hit, start: time.Now()} // not keep: the near store gets nothing
	g.Original = newOriginal(c.located, Hit)
	c.words, _ = req.Words.Over(p.Current.Found)
	c.wordsSum = wordsSum(c.words)
	for i, spec := range req.Specs {
		w, err := r.wish(c, spec)
		if err != nil {
			continue
		}
		if r.look(ctx, c, w); w.found {
			g.Renditions[i] = r.rendition(ctx, c, w)
		}
	}
	return g
}

// failureOf is why src was not to be had, as its pointer or the latest moments tell.
func (r *Renderer) failureOf(p pointer, src source.Source) Class {
	if p.Failure != nil {
		return p.Failure.Class
	}
	if err := r.failures.get(pointerKey(src), src, time.Now()); err != nil {
		return newError(src, err).Class
	}
	return ""
}
