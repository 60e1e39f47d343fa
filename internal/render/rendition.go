package render

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// made is a rendition without words, as it is stored.
type made struct {
	body    []byte
	pixels  int // bytes of body before words were put into it
	sum     sum // of body then
	frames  int
	quality int
	took    transform.Timing
	queue   time.Duration
	here    bool   // nobody made it: it was in the store when its flight began
	meta    []byte // the object's that it was read from; nil when it was made
}

// madeMeta is what the store keeps beside a rendition's body.
type madeMeta struct {
	Sum     sum `json:"sum"`
	Frames  int `json:"frames,omitempty"`  // 0 is 1
	Quality int `json:"quality,omitempty"` // 0 is none
	Pixels  int `json:"pixels,omitempty"`  // bytes of the body without words; 0 is all
}

// renditionKey names a rendition: what it is made from, what is made of it, and by which revision of the engine. The words
// are not in it: they do not change pixels.
func (r *Renderer) renditionKey(original sum, spec transform.Spec) cache.Key {
	return cache.NewKey(cache.Rendition, string(original[:]), spec.String(), r.o.Transform.Rev(spec.Format))
}

func (r *Renderer) loadRendition(ctx context.Context, k cache.Key) (made, bool) {
	return r.load(ctx, r.o.Store, k)
}

func (r *Renderer) load(ctx context.Context, from cache.Store, k cache.Key) (made, bool) {
	o, err := from.Get(ctx, k)
	if err != nil {
		return made{}, false
	}
	var meta madeMeta
	if err := json.Unmarshal(o.Meta, &meta); err != nil {
		r.report(fmt.Errorf("read %s: %w", k, err))
		return made{}, false
	}
	return made{body: o.Body, pixels: cmp.Or(meta.Pixels, len(o.Body)), sum: meta.Sum, frames: meta.Frames, quality: meta.Quality, meta: o.Meta}, true
}

// keepRendition is load's inverse.
func (r *Renderer) keepRendition(ctx context.Context, in cache.Store, k cache.Key, m made, public *cache.Public) {
	kept := madeMeta{Sum: m.sum, Frames: m.frames, Quality: m.quality}
	if m.pixels != len(m.body) {
		kept.Pixels = m.pixels
	}
	meta, err := json.Marshal(kept)
	if err != nil {
		r.report(fmt.Errorf("write %s: %w", k, err))
		return
	}
	r.putIn(ctx, in, k, &cache.Object{Meta: meta, Body: m.body, Public: public})
}

// publicOf is what others are told of a rendition in a store that they can read: the words are those for which it was made, and
// stay when those of the posts change.
func publicOf(spec transform.Spec, w caption.Words) *cache.Public {
	return &cache.Public{
		ContentType: spec.Format.MIME(),
		Labels:      map[string]string{"alt": w.Alt, "credit": w.Credit, "cutline": w.Cutline},
	}
}

// A wish is one rendition that a call wants, and what came of it.
type wish struct {
	spec    transform.Spec // resolved, with room for the words
	key     cache.Key      // of the rendition without words
	maxKB   int            // the spec's bytes before room for the words was taken off
	splice  bool           // words go into the file
	spliced bool           // made has them
	found   bool           // made and outcome are set
	made    made
	outcome Outcome
	err     error
}

// wish makes spec concrete for the original. Its error is BadSpec: a format that cannot be written.
func (r *Renderer) wish(c *call, spec transform.Spec) (*wish, error) {
	if !r.o.Transform.Can(spec.Format).Encode {
		return nil, newError(c.req.Source, fmt.Errorf("%w: format %q cannot be written", transform.ErrSpec, spec.Format.Ext()))
	}
	v := c.located.ptr.Current
	spec.Animate = spec.Animate && v.Info.Frames > 1 // a still picture is one rendition, whether it may move or not
	spec = spec.Resolve(v.Info.Width, v.Info.Height, r.o.MaxOutput, r.o.Quality[spec.Format])
	w := &wish{maxKB: spec.MaxKB}
	w.spec, w.splice = makeRoom(spec, c.words)
	w.key = r.renditionKey(v.Sum, w.spec)
	return w, nil
}

// giveUpWords turns a wish that failed because of the room that its words take into one for the picture alone, which is what
// was asked for. It reports whether that is so.
func (r *Renderer) giveUpWords(c *call, w *wish) bool {
	e, ours := errors.AsType[*Error](w.err)
	if !ours || e.Class != TooLarge || w.spec.MaxKB == w.maxKB {
		return false
	}
	spec := w.spec
	spec.MaxKB = w.maxKB
	*w = wish{spec: spec, maxKB: spec.MaxKB, key: r.renditionKey(c.located.ptr.Current.Sum, spec)}
	return true
}

// look asks the cache for w, and then whether it failed a moment ago.
func (r *Renderer) look(ctx context.Context, c *call, w *wish) {
	if w.found = r.loadSpliced(ctx, c, w); !w.found {
		w.made, w.found = r.loadRendition(ctx, w.key)
	}
	if w.found {
		w.outcome = c.outcome
		return
	}
	if w.err = r.failures.get(w.key, c.req.Source, c.start); w.err != nil && r.giveUpWords(c, w) {
		r.look(ctx, c, w)
	}
}

// fill makes the wishes that were not found and have no error, by as few transforms as it can: one for all that nobody is
// making already. Afterwards each is found or has an error.
func (r *Renderer) fill(ctx context.Context, c *call, wishes []*wish) {
	var open []*wish
	var keys []cache.Key
	for _, w := range wishes {
		if !w.found && w.err == nil {
			open, keys = append(open, w), append(keys, w.key)
		}
	}
	if len(open) == 0 {
		return
	}
	all, mine := r.renders.claim(keys...)
	for i, f := range all {
		open[i].outcome = Joined
		if f.ready() {
			open[i].outcome = Hit
		}
	}
	if len(mine) > 0 {
		j := newJob(c.req.Source, c.located, c.words)
		for _, i := range mine {
			open[i].outcome = Filled
			j.keys = append(j.keys, keys[i])
			j.specs = append(j.specs, open[i].spec)
			j.flights = append(j.flights, all[i])
		}
		r.renders.start(ctx, j.keys, j.flights, func(ctx context.Context) func() { return r.work(ctx, j) })
	}
	again := false
	for i, f := range all {
		w := open[i]
		if w.made, w.err = f.wait(ctx); w.err != nil && r.giveUpWords(c, w) {
			r.look(ctx, c, w)
			again = true
			continue
		}
		if w.found = w.err == nil; w.made.here && w.outcome == Filled {
			w.outcome = c.outcome
		}
		if c.outcome == Filled {
			w.outcome = Filled // whoever brought the original has filled something, whoever made the rendition of it
		}
	}
	if again {
		r.fill(ctx, c, open)
	}
}

// A job is the work of one call that leads flights: renditions of one original, by one decode.
type job struct {
	src     source.Source
	located located
	words   caption.Words // of who leads; they change no pixel
	keys    []cache.Key
	specs   []transform.Spec
	flights []*flight[made]
}

// newJob makes a job. It has the original's bytes in hand only where no store will: jobs wait, and many jobs with large
// originals would be a lot of memory.
func newJob(src source.Source, l located, words caption.Words) job {
	if l.keep {
		l.body = nil
	}
	return job{src: src, located: l, words: words}
}

// work is a render flight: it makes the job's renditions, publishes them, and returns what stores them.
func (r *Renderer) work(ctx context.Context, j job) (settle func()) {
	j = r.dropFinished(ctx, j)
	if len(j.keys) == 0 {
		return nil
	}
	h, look := r.aloneOutside(ctx, j.keys...)
	if look {
		if j = r.dropFinished(ctx, j); len(j.keys) == 0 {
			h.release()
			return nil
		}
	}
	body, err := r.body(ctx, j)
	if err != nil {
		h.release()
		j.fail(err)
		return nil
	}
	keep := r.transform(ctx, j, body)
	if keep == nil {
		h.release()
		return nil
	}
	return func() {
		keep()
		r.handOver(h, r.renders.track, j.keys...)
	}
}

// fail ends the job's flights with err.
func (j job) fail(err error) {
	for _, f := range j.flights {
		f.finish(made{}, err)
	}
}

// transform makes the job's renditions by one decode; one by one where all fail for what may be the fault of one.
func (r *Renderer) transform(ctx context.Context, j job, body []byte) (settle func()) {
	start := time.Now()
	outs, err := r.lane(j.specs).Transform(ctx, body, j.specs)
	if err != nil {
		e := newError(j.src, err)
		switch many := len(j.keys) > 1 && e.ofOneRendition(); {
		case many && ctx.Err() == nil:
			return r.oneByOne(ctx, j, body)
		case many: // nothing is known of any of them
			j.fail(e)
			return nil
		}
		j.fail(r.remember(ctx, j, e))
		return nil
	}
	r.tallies.count(outs)
	r.transformStages(ctx, j.located.ptr.Current.Info.Format, start, outs)
	waited := time.Since(start)
	for i := range outs {
		if i == 0 {
			waited -= outs[i].Took.Decode
		}
		waited -= outs[i].Took.Resize + outs[i].Took.Encode
	}
	results := make([]made, len(outs))
	for i, o := range outs {
		results[i] = made{body: o.Body, pixels: len(o.Body), sum: sha256.Sum256(o.Body), frames: o.Frames, quality: o.Quality, took: o.Took, queue: max(waited, 0)}
		j.flights[i].finish(results[i], nil)
	}
	if !j.located.keep {
		return nil
	}
	return func() {
		for i, m := range results {
			r.commit(j.src, j.located.token, func() { r.keepRendition(ctx, r.o.Store, j.keys[i], m, publicOf(j.specs[i], j.words)) })
		}
	}
}

// oneByOne makes the job's renditions by a decode each, so that one that cannot be made takes no other with it.
func (r *Renderer) oneByOne(ctx context.Context, j job, body []byte) (settle func()) {
	var settles []func()
	for i := range j.keys {
		if err := ctx.Err(); err != nil { // those that nobody tried are no failures to remember
			job{flights: j.flights[i:]}.fail(newError(j.src, err))
			break
		}
		one := job{src: j.src, located: j.located, words: j.words, keys: j.keys[i : i+1], specs: j.specs[i : i+1], flights: j.flights[i : i+1]}
		if settle := r.transform(ctx, one, body); settle != nil {
			settles = append(settles, settle)
		}
	}
	return func() {
		for _, settle := range settles {
			settle()
		}
	}
}

// dropFinished finishes the flights whose renditions were stored between the caller's look and this one's start.
func (r *Renderer) dropFinished(ctx context.Context, j job) job {
	rest := job{src: j.src, located: j.located, words: j.words}
	for i, k := range j.keys {
		if m, ok := r.loadRendition(ctx, k); ok {
			m.here = true
			j.flights[i].finish(m, nil)
			continue
		}
		rest.keys = append(rest.keys, k)
		rest.specs = append(rest.specs, j.specs[i])
		rest.flights = append(rest.flights, j.flights[i])
	}
	return rest
}

// body returns the original's bytes: in hand, from the store, or, where the store forgot them, from the origin once more.
func (r *Renderer) body(ctx context.Context, j job) ([]byte, error) {
	want := j.located.ptr.Current.Sum
	if j.located.body != nil {
		return j.located.body, nil
	}
	for _, k := range []fetchKey{{src: j.src}, {src: j.src, whole: true}, {src: j.src, anew: true}} {
		if l, ok := r.fetches.peek(k); ok && l.body != nil && l.ptr.Current.Sum == want {
			return l.body, nil
		}
	}
	if body, ok := r.loadOriginal(ctx, want); ok {
		return body, nil
	}
	now := time.Now()
	if p := r.loadPointer(ctx, j.src); p.resting(now) {
		return nil, p.Failure.remembered(j.src, now)
	}
	var l located
	var err error
	// An origin that hangs shall not hold the slots of pictures whose originals are here.
	full := r.renders.gate.outside(func() { l, _, err = r.waitFetch(ctx, fetchKey{src: j.src, whole: true}) })
	if err = cmp.Or(full, err); err != nil {
		return nil, err
	}
	if l.ptr.Current.Sum != want {
		return nil, &changedError{l}
	}
	return l.body, nil
}

// remember keeps the job's failure from being repeated for every reader: for the original when its bytes are to blame, else
// for these renditions. It returns e, or errChanged where there is another original to show instead.
func (r *Renderer) remember(ctx context.Context, j job, e *Error) error {
	// Probe has passed the original, so whatever is too large now is too large for this rendition only.
	if e.Class == NotAnImage || e.Class == Undecodable {
		return r.condemn(ctx, j, e)
	}
	r.commit(j.src, j.located.token, func() {
		for _, k := range j.keys {
			r.failures.add(k, e, time.Now())
		}
	})
	return e
}

// condemn remembers that the original cannot be made into pixels. One of which nothing is known but that workers ended over it keeps
// its place, unless there is another to show: the machine's memory may have run short, and nobody may have that original any more.
func (r *Renderer) condemn(ctx context.Context, j job, e *Error) (err error) {
	r.report(e)
	// The flight that brought the original may not have stored its pointer yet.
	r.fetches.settled(ctx, fetchKey{src: j.src})
	r.fetches.settled(ctx, fetchKey{src: j.src, whole: true})
	r.fetches.settled(ctx, fetchKey{src: j.src, anew: true})
	err = e
	r.change(ctx, j.src, j.located.token, func(p pointer) (pointer, bool) {
		now := time.Now()
		switch {
		case p.Current == nil: // not kept, or condemned already
			r.failures.add(pointerKey(j.src), e, now)
			return p, false
		case p.Current.Sum != j.located.ptr.Current.Sum: // replaced meanwhile
			err = errChanged
			return p, false
		case p.Last == nil && errors.Is(e, transform.ErrEnded):
			for _, k := range j.keys {
				r.failures.add(k, e, now)
			}
			return p, false
		}
		if p = p.damaged(e, now); p.Current != nil {
			err = errChanged
		}
		return p, true
	})
	return err
}
