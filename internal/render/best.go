package render

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/transform"
)

// Best returns the smallest of the renditions of the one spec in req, which has no Format, in the formats that are
// accepted; of two of one size, a quick one.
//
// Only formats that suit the picture are candidates: PNG where it has transparency or is made without loss, JPEG where it
// is opaque, GIF where an animation is to keep moving, and then none that cannot. All quick formats are made by one decode,
// and the choice is kept. A slow format (Options.Slow) is a candidate once it is in the cache; until then it is made behind
// the answer, and the answer is Interim. A format that fails is left out for a
// while, and Best fails only when all do, as Render does.
func (r *Renderer) Best(ctx context.Context, req Request, accepted []transform.Format) (*Rendition, error) {
	rends, err := r.answer(ctx, req, func(c *call) ([]*Rendition, error) {
		rend, err := r.best(ctx, c, accepted)
		return []*Rendition{rend}, err
	})
	if err != nil {
		return nil, err
	}
	return rends[0], nil
}

func (r *Renderer) best(ctx context.Context, c *call, accepted []transform.Format) (*Rendition, error) {
	v, spec := c.located.ptr.Current, c.req.Specs[0]
	quick, slow := r.candidates(v.Info, spec, accepted)
	if len(quick) == 0 {
		return nil, newError(c.req.Source, fmt.Errorf("%w: no format is accepted", transform.ErrSpec))
	}
	all := slices.Concat(quick, slow)
	key := r.choiceKey(v.Sum, spec, all)
	if f, ok := r.loadChoice(ctx, key); ok && slices.Contains(all, f) {
		if w := r.chosen(ctx, c, in(spec, f), slices.Contains(quick, f)); w != nil {
			return r.rendition(ctx, c, w), nil
		}
	}
	wishes, pending, err := r.survey(ctx, c, quick, slow)
	if err != nil {
		return nil, err
	}
	r.fill(ctx, c, wishes)
	for _, w := range pending { // where all others fail too: it may be the one that can be made
		r.behind.add(slowJob{led: context.WithoutCancel(ctx), src: c.req.Source, words: c.req.Words, spec: in(spec, w.spec.Format), key: w.key})
	}
	smallest, err := pick(wishes)
	if err != nil {
		return nil, err
	}
	rend := r.rendition(ctx, c, smallest)
	interim, settled := r.outlook(wishes)
	rend.Interim = interim || len(pending) > 0
	rend.Unsettled = !settled
	rend.lease = lease{} // another format may take its place without any change of the source
	if settled && len(wishes) == len(all) && rend.Kept {
		r.behind.run(key, func() {
			r.commit(c.req.Source, c.located.token, func() { r.keepChoice(ctx, key, rend.Spec.Format) })
		})
	}
	return rend, nil
}

func in(s transform.Spec, f transform.Format) transform.Spec {
	s.Format = f
	return s
}

// candidates are the formats that suit the picture, of those that are accepted.
func (r *Renderer) candidates(info transform.Info, spec transform.Spec, accepted []transform.Format) (quick, slow []transform.Format) {
	spec = spec.Resolve(info.Width, info.Height, r.o.MaxOutput, 0) // nothing is padded where the picture fills the box
	moving := spec.Animate && info.Frames > 1 && slices.ContainsFunc(accepted, transform.Format.Animates)
	for _, f := range accepted {
		switch {
		case moving && !f.Animates(), !moving && !suits(f, info, spec, accepted):
		case slices.Contains(r.o.Slow, f):
			slow = append(slow, f)
		default:
			quick = append(quick, f)
		}
	}
	if len(quick) == 0 {
		return slow, nil // nothing else to answer with
	}
	return quick, slow
}

// suits reports whether f may be the best format for a still picture. Of JPEG and PNG one does, unless only the other is
// accepted: JPEG loses transparency, PNG of a photograph is many times its size. GIF never is.
func suits(f transform.Format, info transform.Info, spec transform.Spec, accepted []transform.Format) bool {
	transparent := (info.Alpha || spec.Fit == transform.Pad) && spec.Background == 0
	lossless := info.Format == transform.PNG || info.Format == transform.GIF
	switch f {
	case transform.JPEG:
		return !transparent || !slices.Contains(accepted, transform.PNG)
	case transform.PNG:
		return transparent || lossless || !slices.Contains(accepted, transform.JPEG)
	case transform.GIF:
		return len(accepted) == 1
	}
	return true
}

// chosen is the rendition of an earlier choice, or nil when there is none any more: a slow one was evicted, a quick one was
// too and could not be made again.
func (r *Renderer) chosen(ctx context.Context, c *call, spec transform.Spec, quick bool) *wish {
	w, err := r.wish(c, spec)
	if err != nil {
		return nil
	}
	r.look(ctx, c, w)
	r.hasLooked(ctx, c)
	if quick {
		r.fill(ctx, c, []*wish{w})
	}
	if !w.found {
		return nil
	}
	return w
}

// survey looks for all candidates: wishes can be answered with now, pending are slow and still to be made. What was tried
// and is not there is neither, unless nothing else is left.
func (r *Renderer) survey(ctx context.Context, c *call, quick, slow []transform.Format) (wishes, pending []*wish, err error) {
	var rested []*wish
	for i, f := range slices.Concat(quick, slow) {
		w, err := r.wish(c, in(c.req.Specs[0], f))
		if err != nil {
			return nil, nil, err
		}
		// Asked before the cache is: what is made in between is found there.
		open := r.behind.open(w.key)
		r.look(ctx, c, w)
		switch {
		case w.found, open && i < len(quick):
			wishes = append(wishes, w)
		case i < len(quick):
			rested = append(rested, w)
		case open && c.located.keep:
			pending = append(pending, w)
		}
	}
	if len(wishes) == 0 {
		wishes = rested
	}
	r.hasLooked(ctx, c)
	return wishes, pending, nil
}

// pick returns the smallest that was made, of those with the most frames, or why none was: an animation that one format keeps
// moving is not answered with another's first frame, which is always smaller.
func pick(wishes []*wish) (smallest *wish, err error) {
	for _, w := range wishes {
		switch {
		case errors.Is(w.err, errChanged):
			return nil, w.err
		case w.err != nil:
			err = cmp.Or(err, w.err)
		case smallest == nil || better(w.made, smallest.made):
			smallest = w
		}
	}
	if smallest == nil {
		return nil, err
	}
	return smallest, nil
}

func better(a, b made) bool {
	if x, y := max(a.frames, 1), max(b.frames, 1); x != y {
		return x > y
	}
	return a.pixels < b.pixels // without words, which are near in one format and not yet in another
}

// outlook says what comes of the wishes that failed where another did not: nothing, of one that is too large; nothing for a
// while, of one that takes too long or that its encoder fails on, lest every so often a reader waits for it in vain; else it
// is made for the next reader, so the answer is interim. The choice is settled when nothing will come.
func (r *Renderer) outlook(wishes []*wish) (interim, settled bool) {
	settled = true
	for _, w := range wishes {
		if w.err == nil {
			continue
		}
		e, ours := errors.AsType[*Error](w.err)
		switch {
		case ours && e.Class == TooLarge:
		case ours && e.ofOneRendition():
			settled = false
			r.behind.rest(w.key)
		default:
			interim, settled = true, false
		}
	}
	return interim, settled
}

// choiceKey names the choice among formats for an unresolved spec; a new revision of an encoder chooses anew.
func (r *Renderer) choiceKey(original sum, spec transform.Spec, formats []transform.Format) cache.Key {
	parts := []string{string(original[:]), "best", spec.String(), fmt.Sprint(r.o.MaxOutput)}
	for _, f := range formats {
		parts = append(parts, f.Ext(), fmt.Sprint(r.o.Quality[f]), r.o.Transform.Rev(f))
	}
	return cache.NewKey(cache.Rendition, parts...)
}

// A choice is what the store keeps of one.
type choice struct {
	Format string `json:"format"` // its extension
}

func (r *Renderer) loadChoice(ctx context.Context, k cache.Key) (transform.Format, bool) {
	o, err := r.o.Store.Get(ctx, k)
	if err != nil {
		return 0, false
	}
	var c choice
	if err := json.Unmarshal(o.Meta, &c); err != nil {
		r.report(fmt.Errorf("read %s: %w", k, err))
		return 0, false
	}
	f, err := transform.ParseFormat(c.Format)
	return f, err == nil
}

func (r *Renderer) keepChoice(ctx context.Context, k cache.Key, f transform.Format) {
	meta, err := json.Marshal(choice{Format: f.Ext()})
	if err != nil {
		r.report(fmt.Errorf("write %s: %w", k, err))
		return
	}
	r.put(ctx, k, &cache.Object{Meta: meta})
}
