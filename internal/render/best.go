package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/transform"
)

// Best returns the smallest of the renditions of the one spec in req, which has no Format, in the formats that are
// accepted. JPEG and PNG are everybody's: of them those are candidates that suit the picture, PNG where it has
// transparency or comes from a lossless file, JPEG where it is opaque.
//
// All quick formats are made by one decode, and the choice is kept. A slow format (Options.Slow) is a candidate once it is
// in the cache; until then it is made behind the answer, and the answer is Interim. Best fails as Render does.
func (r *Renderer) Best(ctx context.Context, req Request, accepted []transform.Format) (*Rendition, error) {
	b := &best{r: r, spec: req.Specs[0], accepted: accepted}
	rends, err := r.answer(ctx, req, b.specs)
	if err != nil {
		return nil, err
	}
	smallest := slices.MinFunc(rends, func(x, y *Rendition) int { return len(x.Body) - len(y.Body) })
	switch {
	case len(b.pending) > 0:
		smallest.Interim = true
		for _, s := range b.pending {
			r.behind.add(r, req, s)
		}
	case !b.chosen && smallest.Kept:
		r.keepChoice(ctx, b.key, smallest.Spec.Format)
	}
	return smallest, nil
}

// A best is one choice on its way.
type best struct {
	r        *Renderer
	spec     transform.Spec
	accepted []transform.Format
	key      cache.Key
	chosen   bool             // by an earlier call
	pending  []transform.Spec // slow ones that are to be made
}

// specs are what to make, or to find, of the original.
func (b *best) specs(ctx context.Context, req Request, l located) []transform.Spec {
	*b = best{r: b.r, spec: b.spec, accepted: b.accepted}
	quick, slow := b.candidates(l.ptr.Current.Info)
	b.key = b.r.choiceKey(l.ptr.Current.Sum, b.spec, append(quick, slow...))
	if f, ok := b.r.loadChoice(ctx, b.key); ok && (slices.Contains(quick, f) || b.r.has(ctx, l, b.in(f))) {
		b.chosen = true
		return []transform.Spec{b.in(f)}
	}
	specs := make([]transform.Spec, 0, len(quick)+len(slow))
	for _, f := range quick {
		specs = append(specs, b.in(f))
	}
	for _, f := range slow {
		s := b.in(f)
		switch key := b.r.renditionKey(l.ptr.Current.Sum, b.r.concrete(l, s)); {
		case b.r.has(ctx, l, s):
			specs = append(specs, s)
		case l.keep && b.r.failures.get(key, req.Source, time.Now()) == nil:
			b.pending = append(b.pending, s)
		}
	}
	return specs
}

func (b *best) in(f transform.Format) transform.Spec {
	s := b.spec
	s.Format = f
	return s
}

// candidates are the formats that suit the picture, of those that are accepted and can be written.
func (b *best) candidates(info transform.Info) (quick, slow []transform.Format) {
	lossless := info.Format == transform.PNG || info.Format == transform.GIF
	for _, f := range b.accepted {
		switch {
		case f == transform.JPEG && info.Alpha && slices.Contains(b.accepted, transform.PNG),
			f == transform.PNG && !info.Alpha && !lossless && slices.Contains(b.accepted, transform.JPEG):
		case slices.Contains(b.r.o.Slow, f):
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

// choiceKey names the choice among formats for an unresolved spec; a new revision of an encoder chooses anew.
func (r *Renderer) choiceKey(original sum, spec transform.Spec, formats []transform.Format) cache.Key {
	parts := []string{string(original[:]), "best", spec.String(), fmt.Sprint(r.o.MaxOutput)}
	for _, f := range formats {
		parts = append(parts, f.Ext(), fmt.Sprint(r.quality(f)), r.o.Transform.Rev(f))
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

// has reports whether the rendition is in the cache.
func (r *Renderer) has(ctx context.Context, l located, s transform.Spec) bool {
	_, ok := r.loadRendition(ctx, r.renditionKey(l.ptr.Current.Sum, r.concrete(l, s)))
	return ok
}

// waitingBehind bounds the slow renditions that wait; more are dropped, and asked for again by a later reader.
const waitingBehind = 64

// A behind makes slow renditions while nobody waits for them: one at a time, and only when no other is being made, so that
// no reader's picture waits for one. The zero value is ready.
type behind struct {
	mu      sync.Mutex
	known   map[cache.Key]bool // waiting or being made
	turn    sync.Mutex         // whose turn it is
	wg      sync.WaitGroup
	stopped chan struct{}
}

func newBehind() *behind {
	return &behind{known: make(map[cache.Key]bool), stopped: make(chan struct{})}
}

// add makes s of req's source behind, unless it is on its way, or too many are.
func (b *behind) add(r *Renderer, req Request, s transform.Spec) {
	k := cache.NewKey(cache.Rendition, req.Source.String(), s.String())
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.stopped:
		return
	default:
	}
	if b.known[k] || len(b.known) >= waitingBehind {
		return
	}
	b.known[k] = true
	b.wg.Go(func() {
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.known, k)
		}()
		b.turn.Lock()
		defer b.turn.Unlock()
		if !b.idle(r) {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), r.o.Timeout)
		defer cancel()
		_, err := r.Render(ctx, Request{Source: req.Source, Specs: []transform.Spec{s}, Words: req.Words})
		if err != nil {
			r.report(fmt.Errorf("make %s behind: %w", s, err))
		}
	})
}

// quietPoll is how often a slow rendition looks whether others are being made.
const quietPoll = 100 * time.Millisecond

// idle waits until no rendition is being made. It is false when the wait was ended by stop.
func (b *behind) idle(r *Renderer) bool {
	tick := time.NewTicker(quietPoll)
	defer tick.Stop()
	for {
		select {
		case <-b.stopped:
			return false
		default:
		}
		if r.renders.gate.quiet() {
			return true
		}
		select {
		case <-b.stopped:
			return false
		case <-tick.C:
		}
	}
}

// stop gives up what waits and waits for what is being made, at most until ctx ends.
func (b *behind) stop(ctx context.Context) error {
	b.mu.Lock()
	select {
	case <-b.stopped:
	default:
		close(b.stopped)
	}
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		b.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answer renders what choose wants of the original.
func (r *Renderer) answer(ctx context.Context, req Request, choose func(context.Context, Request, located) []transform.Spec) ([]*Rendition, error) {
	rends, err := r.render(ctx, req, r.locate, choose)
	if errors.Is(err, errChanged) {
		// Another original took the place of the one that was looked up. The flight that brought it tells which.
		rends, err = r.render(ctx, req, r.refetch, choose)
	}
	if err != nil {
		return nil, newError(req.Source, err)
	}
	return rends, nil
}
