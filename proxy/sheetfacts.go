package proxy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/markup"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/srcset"
	"github.com/dd8bf596/cutline/internal/transform"
)

// What the contact sheet says of originals and renditions is what the cache knows. Nothing is fetched or made for it.

// A fact is what is known of one entry's original.
type fact struct {
	info    transform.Info // zero where there is no original
	sum     [32]byte
	bytes   int64
	failure render.Class // of the latest attempt to bring it
}

func newFact(g render.Glance) fact {
	if g.Original == nil {
		return fact{failure: g.Failure}
	}
	o := g.Original
	return fact{info: o.Info, sum: o.Sum, bytes: o.Bytes, failure: o.Failure}
}

func (f *fact) known() bool { return f.info.Width > 0 }

// traits are those that come of the fact.
func (f *fact) traits() traits {
	switch {
	case f.failure == render.Withdrawn:
		return isWithdrawn
	case f.known() && f.failure != "":
		return isFetched | isFailing | hasProblem
	case f.known():
		return isFetched
	case f.failure != "":
		return isBroken | hasError | hasProblem
	}
	return 0
}

// facts are those of all entries, as of a moment ago. To look at all pointers takes some microseconds each, so it is done behind
// whoever looks at the sheet, by one goroutine, and a twentieth of the time at most. The zero value is ready.
type facts struct {
	all     atomic.Pointer[[]fact] // parallel to the catalog's entries; not changed once it is there
	mu      sync.Mutex
	made    time.Time
	took    time.Duration
	running chan struct{} // closed when the look under way has ended; nil while there is none
}

const (
	// factsFresh is how long facts are taken for current at least: whoever works on a site sees what came of it at the next look.
	factsFresh = 2 * time.Second
	// factsWait is how long a page waits for them: as long as nobody notices. A thousand entries take less.
	factsWait = 150 * time.Millisecond
	// factsShare is how many times as long as a look took nothing is looked at.
	factsShare = 20
)

// outdate has the next look begin at once.
func (f *facts) outdate() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made = time.Time{}
}

// of returns the facts of entries; nil while there are none yet.
func (f *facts) of(ctx context.Context, r Renderer, entries []*catalog.Entry) []fact {
	f.mu.Lock()
	if f.running == nil && (f.made.IsZero() || time.Since(f.made) > max(factsFresh, factsShare*f.took)) {
		f.running = make(chan struct{})
		go f.look(context.WithoutCancel(ctx), r, entries, f.running)
	}
	running := f.running
	f.mu.Unlock()
	if running != nil {
		select {
		case <-running:
		case <-time.After(factsWait):
		case <-ctx.Done():
		}
	}
	if all := f.all.Load(); all != nil {
		return *all
	}
	return nil
}

func (f *facts) look(ctx context.Context, r Renderer, entries []*catalog.Entry, done chan struct{}) {
	start := time.Now()
	all := make([]fact, len(entries))
	defer func() {
		_ = recover() // a page about pictures is no reason for the server to end; what was seen is kept
		f.all.Store(&all)
		f.mu.Lock()
		f.made, f.took, f.running = start, time.Since(start), nil
		f.mu.Unlock()
		close(done)
	}()
	for i, e := range entries {
		all[i] = newFact(r.Glance(ctx, render.Request{Source: e.Source}))
	}
}

// A largestFile is the largest file of the whole picture that is known to have been made, and of those of its size the smallest: the most
// that a reader downloads.
type largestFile struct {
	original      [32]byte
	width, height int
	bytes         int64
	format        transform.Format
}

// largestFiles are those of entries by ID; at most one per entry.
type largestFiles struct{ sync.Map }

func (ws *largestFiles) of(id string) *largestFile {
	if w, ok := ws.Load(id); ok {
		return w.(*largestFile)
	}
	return nil
}

// add notes a rendition of e, whatever was known before. Two at the same time may leave either: the next one mends it.
func (ws *largestFiles) add(id string, rend *render.Rendition) {
	w := &largestFile{rend.Original, rend.Spec.Width, rend.Spec.Height, int64(len(rend.Body)), rend.Spec.Format}
	if last := ws.of(id); last != nil && last.original == w.original {
		if a, b := last.width*last.height, w.width*w.height; a > b || a == b && last.bytes <= w.bytes {
			return
		}
	}
	ws.Store(id, w)
}

// minRead is the narrowest file that is taken for what readers of an article get, in pixels, unless the original is narrower:
// others are thumbnails, and those of the sheet itself would make every picture a small one.
const minRead = 800

// weigh notes what a reader is being sent, where that is the whole picture of a post, in the size of an article.
func (n *snapshot) weigh(a sending) {
	if r := a.rend.Spec; posted(a.entry) && a.spec.Fit == transform.Contain && a.rend.Frames == a.rend.Of && (r.Width >= minRead || a.spec.Width > r.Width) {
		n.largest.add(a.entry.ID, a.rend)
	}
}

// glanceTime is what one page spends on reading files of the cache for what it says about pictures that were not looked at before.
const glanceTime = 25 * time.Millisecond

// A viewer collects what the cards of one page say. It reads from the cache until its time is over; what is left is found out for
// the next page.
type viewer struct {
	s     *Server
	at    *snapshot
	until time.Time
}

func (s *Server) viewer(at *snapshot) *viewer {
	return &viewer{s: s, at: at, until: time.Now().Add(glanceTime)}
}

// placeholder is that of e where it is known, or where the cache has what it is made from.
func (v *viewer) placeholder(ctx context.Context, e *catalog.Entry, f *fact) markup.Placeholder {
	if p, ok := v.at.placeholders.known(e, f.sum); ok {
		return p
	}
	if !f.known() || time.Now().After(v.until) {
		return markup.Placeholder{}
	}
	specs := srcset.Placeholder()
	g := v.s.o.Renderer.Glance(ctx, render.Request{Source: e.Source, Specs: specs[:]})
	if g.Renditions[0] == nil || g.Renditions[1] == nil {
		return markup.Placeholder{}
	}
	p, err := v.at.placeholders.make(e, g.Renditions)
	if err != nil {
		return markup.Placeholder{}
	}
	return p
}

// largest is that of e's picture; nil where the cache has no file of it that is worth telling.
func (v *viewer) largest(ctx context.Context, e *catalog.Entry, f *fact) *largestFile {
	w := v.at.largest.of(e.ID)
	if w != nil && w.original == f.sum {
		return w
	}
	if !f.known() || time.Now().After(v.until) {
		return nil
	}
	for _, r := range v.s.o.Renderer.Glance(ctx, render.Request{Source: e.Source, Specs: v.s.heroes(f.info), Words: e.Words}).Renditions {
		if r != nil {
			v.at.largest.add(e.ID, r)
		}
	}
	if w = v.at.largest.of(e.ID); w != nil && w.original == f.sum {
		return w
	}
	return nil
}

// heroes are the files of the whole picture that a page is likeliest to show as its largest.
func (s *Server) heroes(info transform.Info) []transform.Spec {
	spec := s.grammar.presets["hero"]
	if spec.Fit != transform.Contain || spec.Width == 0 {
		spec = transform.Spec{Width: s.grammar.snap(1600)}
	}
	var out []transform.Spec
	for _, f := range s.choice.Page(info) {
		spec.Format = f
		out = append(out, spec)
	}
	return out
}
