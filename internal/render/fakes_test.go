package render

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A fakeOrigin is a Fetcher over one answer that tests change.
type fakeOrigin struct {
	mu    sync.Mutex
	body  []byte // current bytes
	etag  string
	err   error
	fresh time.Duration   // explicit when > 0
	never bool            // no-store
	says  fetch.Freshness // instead, when not zero
	gate  chan struct{}   // when set, Fetch waits for it
	calls int
	asked []fetch.Validators // what each call sent
}

func (o *fakeOrigin) Fetch(ctx context.Context, src source.Source, prior fetch.Validators) (*fetch.Original, error) {
	o.mu.Lock()
	o.calls++
	o.asked = append(o.asked, prior)
	gate := o.gate
	o.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return nil, fmt.Errorf("fetch %s: %w", src, o.err)
	}
	out := &fetch.Original{
		Validators: fetch.Validators{ETag: o.etag}, From: src,
		Freshness: fetch.Freshness{Fresh: o.fresh, Explicit: o.fresh > 0, NoStore: o.never},
	}
	if o.says != (fetch.Freshness{}) {
		out.Freshness = o.says
	}
	if o.etag != "" && prior.ETag == o.etag {
		out.NotModified = true
		return out, nil
	}
	out.Body = o.body
	return out, nil
}

func (o *fakeOrigin) set(change func(*fakeOrigin)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o)
}

func (o *fakeOrigin) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.calls
}

// A fakeEngine is a Transformer whose originals are any bytes and whose renditions say what they are made of. Originals
// that begin with "bad" cannot be decoded, with "html" are no image.
type fakeEngine struct {
	mu    sync.Mutex
	calls [][]transform.Spec
	panic bool
	err   error  // of Transform
	most  int    // widths above it are too large; 0 for none
	reads string // an original that is read although it begins with "bad"
	least int    // thousands of bytes that a limit has to leave; less is too large
	rev   string
	gate  chan struct{} // when set, Transform waits for it
	slow  chan struct{} // when set, Transform of AVIF waits for it
	takes atomic.Int64  // when set, Transform takes that long, a time.Duration, and more than one spec is too much
	probe chan struct{} // when set, Probe waits for it
	avif  bool          // AVIF can be written
	sizes map[transform.Format]int
	fails map[transform.Format]error
	file  []byte         // what renditions in JPEG are; nil for a text as of all others
	info  transform.Info // of originals; the zero Info is an opaque JPEG of 2000 × 1000 pixels
}

func (e *fakeEngine) Can(f transform.Format) transform.Ability {
	return transform.Ability{Decode: true, Encode: f != transform.AVIF || e.avif}
}

func (e *fakeEngine) Rev(transform.Format) string { return "rev" + e.rev }

func (e *fakeEngine) Probe(src []byte) (transform.Info, error) {
	if e.probe != nil {
		<-e.probe
	}
	if len(src) >= 4 && string(src[:4]) == "html" {
		return transform.Info{}, transform.ErrFormat
	}
	if e.info.Width > 0 {
		return e.info, nil
	}
	return transform.Info{Format: transform.JPEG, Width: 2000, Height: 1000, Orientation: 1, Frames: 1}, nil
}

func (e *fakeEngine) Transform(ctx context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error) {
	if e.gate != nil {
		<-e.gate
	}
	if e.slow != nil && slices.ContainsFunc(specs, func(s transform.Spec) bool { return s.Format == transform.AVIF }) {
		<-e.slow
	}
	if takes := time.Duration(e.takes.Load()); takes > 0 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(takes):
		}
		if len(specs) > 1 {
			return nil, transform.ErrTimeout
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, slices.Clone(specs))
	if e.panic {
		panic("engine")
	}
	if e.err != nil {
		return nil, e.err
	}
	if strings.HasPrefix(string(src), "bad") && string(src) != e.reads {
		return nil, transform.ErrCorrupt
	}
	var out []transform.Output
	for _, s := range specs {
		if e.most > 0 && s.Width > e.most {
			return nil, transform.ErrTooLarge
		}
		if s.MaxKB > 0 && s.MaxKB < e.least {
			return nil, transform.ErrTooLarge
		}
		if err := e.fails[s.Format]; err != nil {
			return nil, err
		}
		body := fmt.Appendf(nil, "%s of %s", s, src)
		if e.file != nil && s.Format == transform.JPEG {
			body = e.file
		}
		if size := e.sizes[s.Format]; size > 0 {
			body = append(body, make([]byte, size-len(body))...)
		}
		out = append(out, transform.Output{
			Body: body, Format: s.Format, Width: s.Width, Height: s.Height, Frames: 1, Quality: 71,
			Took: transform.Timing{Decode: 3 * time.Millisecond, Resize: 2 * time.Millisecond, Encode: time.Millisecond},
		})
	}
	return out, nil
}

// made counts renditions.
func (e *fakeEngine) made() (calls, specs int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.calls {
		specs += len(c)
	}
	return len(e.calls), specs
}

// A mapStore is a Store in a map that can be told to fail.
type mapStore struct {
	mu      sync.Mutex
	objects map[cache.Key]*cache.Object
	broken  bool
	panics  bool          // in Put
	gate    chan struct{} // when set, Put waits for it
	refuses int           // when set, the size of bodies that are not kept
	gets    int
	puts    int
	deletes int
}

func newMapStore() *mapStore { return &mapStore{objects: make(map[cache.Key]*cache.Object)} }

var errBroken = errors.New("disk on fire")

func (s *mapStore) Get(_ context.Context, k cache.Key) (*cache.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if o, ok := s.objects[k]; ok && !s.broken {
		return o, nil
	}
	return nil, cache.ErrMiss
}

func (s *mapStore) Put(_ context.Context, k cache.Key, o *cache.Object) error {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panics {
		panic("store")
	}
	if s.broken || s.refuses > 0 && len(o.Body) == s.refuses {
		return errBroken
	}
	s.objects[k] = o
	s.puts++
	return nil
}

func (s *mapStore) putCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

func (s *mapStore) Delete(_ context.Context, k cache.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, k)
	s.deletes++
	return nil
}

// drop forgets all objects of a kind.
func (s *mapStore) drop(kind cache.Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.objects, func(k cache.Key, _ *cache.Object) bool { return k.Kind == kind })
}

func (s *mapStore) count(kind cache.Kind) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.objects {
		if k.Kind == kind {
			n++
		}
	}
	return n
}

// A rig is a Renderer over fakes.
type rig struct {
	*Renderer
	origin *fakeOrigin
	engine *fakeEngine
	store  *mapStore

	mu      sync.Mutex
	reports []error
}

func newRig(*testing.T) *rig {
	g := &rig{origin: &fakeOrigin{body: []byte("one"), etag: `"1"`}, engine: &fakeEngine{}, store: newMapStore()}
	g.restart()
	return g
}

// restart makes a new Renderer over the same store.
func (g *rig) restart() { g.configure(Options{}) }

// configure is restart with options.
func (g *rig) configure(o Options) {
	o.Store, o.Fetch, o.Transform = g.store, g.origin, g.engine
	o.Report = func(err error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.reports = append(g.reports, err)
	}
	g.Renderer = New(o)
}

func (g *rig) reported() []error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.reports)
}

// one renders a single width.
func (g *rig) one(t *testing.T, src source.Source, width int) (*Rendition, error) {
	t.Helper()
	rends, err := g.Render(t.Context(), Request{Source: src, Specs: []transform.Spec{webp(width)}})
	if err != nil {
		return nil, err
	}
	if len(rends) != 1 {
		t.Fatalf("got %d renditions, want 1", len(rends))
	}
	return rends[0], nil
}

// warm renders 320 pixels and waits until everything that comes of it is stored. It is for synctest bubbles.
func (g *rig) warm(t *testing.T, src source.Source) *Rendition {
	t.Helper()
	rend, err := g.one(t, src, 320)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return rend
}

func webp(width int) transform.Spec { return transform.Spec{Width: width, Format: transform.WebP} }

func remote(t *testing.T) source.Source { return mustParse(t, "https://origin.example/a.jpg") }
func local(t *testing.T) source.Source  { return mustParse(t, "/img/a.jpg") }

func mustParse(t *testing.T, text string) source.Source {
	t.Helper()
	src, err := source.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return src
}
