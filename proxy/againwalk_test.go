package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/catalog"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A plainStore is a Store that forgets only what it is told to, so that a walk has the same course each time.
type plainStore struct {
	mu      sync.Mutex
	objects map[cache.Key]*cache.Object
}

func (s *plainStore) Get(_ context.Context, k cache.Key) (*cache.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.objects[k]; o != nil {
		return o, nil
	}
	return nil, cache.ErrMiss
}

func (s *plainStore) Put(_ context.Context, k cache.Key, o *cache.Object) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[k] = &cache.Object{Meta: bytes.Clone(o.Meta), Body: bytes.Clone(o.Body)}
	return nil
}

func (s *plainStore) Delete(_ context.Context, k cache.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, k)
	return nil
}

func (s *plainStore) Stats() cache.Stats { return cache.Stats{} }

// A walkOrigin is an origin and an engine whose pictures, moods and answers change.
type walkOrigin struct {
	bench
	mu      sync.Mutex
	version int
	err     error
	says    fetch.Freshness
}

func (o *walkOrigin) Fetch(_ context.Context, src source.Source, prior fetch.Validators) (*fetch.Original, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return nil, o.err
	}
	now, says := fetch.Validators{ETag: fmt.Sprintf(`"%d"`, o.version)}, o.says
	if !src.Remote() {
		says = fetch.Freshness{}
	}
	if prior == now {
		return &fetch.Original{NotModified: true, Validators: now, Freshness: says}, nil
	}
	return &fetch.Original{Body: fmt.Append(nil, src, "|", o.version), Validators: now, Freshness: says}, nil
}

func (o *walkOrigin) Transform(_ context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error) {
	var out []transform.Output
	_, after, _ := bytes.Cut(src, []byte("|"))
	version, _ := strconv.Atoi(string(after))
	for _, s := range specs {
		body, sum := webpOf(200+2*int(s.Format)), sha256.Sum256(fmt.Append(nil, string(src), s))
		copy(body[len(body)-len(sum):], sum[:])
		out = append(out, transform.Output{Body: body, Format: s.Format, Width: s.Width, Height: s.Height, Frames: 1, Quality: version})
	}
	return out, nil
}

// A walk is a server, and what happens to it.
type walk struct {
	t      *testing.T
	random *rand.Rand
	server *Server
	r      *countedRenderer
	near   *plainStore
	far    *plainStore
	origin *walkOrigin
	sites  []*catalog.Catalog
	log    []string // what happened so far
	short  int      // answers that were given again
}

func newWalk(t *testing.T, seed uint64, pin bool, sites []*catalog.Catalog) *walk {
	t.Helper()
	near, far := &plainStore{objects: map[cache.Key]*cache.Object{}}, &plainStore{objects: map[cache.Key]*cache.Object{}}
	w := &walk{t: t, random: rand.New(rand.NewPCG(seed, 1)), near: near, far: far, origin: &walkOrigin{}, sites: sites}
	var server *Server
	w.r = &countedRenderer{Renderer: render.New(render.Options{
		Store: cache.NewTiers(cache.TiersOptions{}, near, far), Near: near, Fetch: w.origin, Transform: w.origin, Pin: pin,
		Slow: []transform.Format{transform.AVIF}, Archived: func(src source.Source) bool { return server.Shows(src) },
	})}
	server, err := New(Options{
		Catalog: sites[0], Renderer: w.r, Hosts: []string{"listed.example"},
		Formats: []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG},
		Scan: func(context.Context, *catalog.Catalog, bool) (*catalog.Catalog, error) {
			return sites[w.random.IntN(len(sites))], nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server = server
	return w
}

// happen does one thing that may change an answer.
func (w *walk) happen() {
	site := w.server.snapshot().catalog
	src := site.Entries[w.random.IntN(len(site.Entries))].Source
	switch n := w.random.IntN(12); n {
	case 0, 1, 2:
		d := []time.Duration{time.Millisecond, time.Second, time.Minute, time.Hour, 25 * time.Hour}[w.random.IntN(5)]
		time.Sleep(d)
		w.log = append(w.log, d.String())
	case 3, 4, 5:
		p := []render.Purge{render.Forget, render.Withdraw, render.Restore}[n-3]
		w.r.Purge(w.t.Context(), p, src)
		w.log = append(w.log, fmt.Sprintf("purge %d %s", p, src))
	case 6:
		_, err := w.server.Rescan(w.t.Context())
		w.log = append(w.log, fmt.Sprint("rescan ", err))
	case 7:
		for _, store := range []*plainStore{w.near, w.far} {
			store.mu.Lock()
			keys := slices.SortedFunc(maps.Keys(store.objects), func(a, b cache.Key) int { return bytes.Compare(a.Sum[:], b.Sum[:]) })
			for _, k := range keys { // in an order, so that a walk can be gone again
				if k.Kind != cache.Pointer && w.random.IntN(2) == 0 {
					delete(store.objects, k)
				}
			}
			store.mu.Unlock()
		}
		w.log = append(w.log, "evict")
	default:
		w.origin.mu.Lock()
		w.origin.version += w.random.IntN(2)
		w.origin.err = []error{nil, nil, nil, fetch.ErrUpstream}[w.random.IntN(4)]
		w.origin.says = []fetch.Freshness{{}, {}, {NoCache: true}, {NoStore: true}, {Explicit: true, Fresh: time.Hour, NoStale: true}}[w.random.IntN(5)]
		w.log = append(w.log, fmt.Sprintf("origin %d %v %+v", w.origin.version, w.origin.err, w.origin.says))
		w.origin.mu.Unlock()
	}
}

// ask sends a request, and where the answer was given again, once more the long way.
func (w *walk) ask() {
	e := w.server.snapshot().catalog.Entries[0]
	target := []string{
		"/i/" + e.ID + "/w800.webp", "/i/" + w.sites[0].Entries[0].ID + "/card.webp", "/p/fox/card.auto", "/p/logo/w800.webp", "/p/fox/meta.json",
		"/https%3A%2F%2Forigin.example%2Ffox.jpg?w=800&auto=format&fm=jpg", "/https%3A%2F%2Flisted.example%2Fa.jpg?w=800&fm=webp", "/img/a.jpg?w=320&fm=webp",
	}[w.random.IntN(8)]
	method := []string{http.MethodGet, http.MethodGet, http.MethodHead}[w.random.IntN(3)]
	h := []http.Header{{}, {"Accept": {"image/webp"}}, {"Accept": {"image/avif,image/webp"}}, {"Range": {"bytes=3-5"}}}[w.random.IntN(4)]
	do := func() (*httptest.ResponseRecorder, bool) {
		before := w.r.rendered.Load()
		req := httptest.NewRequest(method, target, nil)
		maps.Copy(req.Header, h)
		rec := httptest.NewRecorder()
		w.server.Handler().ServeHTTP(rec, req)
		synctest.Wait()
		rec.Header().Del("Server-Timing")
		return rec, w.r.rendered.Load() == before && rec.Header().Get("Image-Quality")+rec.Header().Get("Content-Location") != "" && rec.Code < 400
	}
	as := &w.server.snapshot().answers
	again, short := do()
	w.log = append(w.log, fmt.Sprintf("%s %s %v: %d again %v", method, target, h, again.Code, short))
	if !short || strings.HasSuffix(target, "meta.json") {
		return
	}
	w.short++
	young, old := as.young.Swap(nil), as.old.Swap(nil)
	long, _ := do()
	as.young.Store(young)
	as.old.Store(old)
	if strings.Contains(target, "auto") && !strings.HasPrefix(long.Header().Get("Cache-Status"), "cutline; hit") || strings.HasSuffix(long.Header().Get("Cache-Status"), "interim") {
		return // the stores forgot which format is the smallest; the kept answer is of it, and as good as it was
	}
	if again.Code != long.Code || again.Body.String() != long.Body.String() || !maps.EqualFunc(again.Header(), long.Header(), slices.Equal) {
		w.t.Fatalf("%s\nagain: %d, %d bytes, %v\nthe long way: %d, %d bytes, %v", strings.Join(w.log[max(len(w.log)-40, 0):], "\n"),
			again.Code, again.Body.Len(), again.Header(), long.Code, long.Body.Len(), long.Header())
	}
}

// TestAgainAfterAnything verifies that whatever has happened, in whatever order, an answer that is given again is the one that the
// long way gives.
func TestAgainAfterAnything(t *testing.T) {
	var sites []*catalog.Catalog
	for _, fox := range []string{"credit: Ann", "credit: Ben", "credit: Ann\n  focus: 10% 90%", ""} {
		site := map[string]string{"_posts/2026-01-05-local.md": "---\nimage: /img/a.jpg\n---\n", "_posts/2026-01-03-logo.md": posts["_posts/2026-01-03-logo.md"]}
		if fox != "" {
			site["_posts/2026-01-02-fox.md"] = "---\nfeatured-image:\n  path: https://origin.example/fox.jpg\n  alt-text: A fox\n  " + fox + "\n---\n"
		}
		sites = append(sites, scan(t, site))
	}
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWalk(t, seed, seed%2 == 1, sites)
				for range 150 {
					for range 6 {
						w.ask()
					}
					w.happen()
				}
				if w.short < 50 {
					t.Errorf("%d answers were given again: too few to tell", w.short)
				}
				if err := w.r.Close(t.Context()); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		})
	}
}

// TestAgainBesideChanges verifies that no answer which begins after a purge, a take-down or a rescan has returned is one from before,
// while many others are being given and kept.
func TestAgainBesideChanges(t *testing.T) {
	site := func(credit string) *catalog.Catalog {
		return scan(t, map[string]string{"_posts/2026-01-02-fox.md": "---\nfeatured-image:\n  path: https://origin.example/fox.jpg\n  credit: " + credit + "\n---\n"})
	}
	w := newWalk(t, 1, false, []*catalog.Catalog{site("one"), site("two")})
	src := w.sites[0].Entries[0].Source
	var rescans atomic.Int64
	w.server.o.Scan = func(context.Context, *catalog.Catalog, bool) (*catalog.Catalog, error) {
		return w.sites[rescans.Add(1)%2], nil
	}
	get := func() *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		w.server.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/p/fox/w800.webp", nil))
		return rec
	}
	stop, done := make(chan struct{}), sync.WaitGroup{}
	for range 4 {
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					get()
				}
			}
		})
	}
	for i := 1; i <= 90; i++ {
		w.origin.mu.Lock()
		w.origin.version = i
		w.origin.mu.Unlock()
		w.r.Purge(t.Context(), render.Withdraw, src)
		if rec := get(); rec.Code != http.StatusGone {
			t.Fatalf("step %d: %d after a take-down", i, rec.Code)
		}
		w.r.Purge(t.Context(), render.Restore, src)
		if rec := get(); rec.Header().Get("Image-Quality") != strconv.Itoa(i) {
			t.Fatalf("step %d: the picture of step %s, %d", i, rec.Header().Get("Image-Quality"), rec.Code)
		}
		if _, err := w.server.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
		credit := []string{`%"one"`, `%"two"`}[rescans.Load()%2]
		if rec := get(); rec.Header().Get("Image-Credit") != credit {
			t.Fatalf("step %d: credit %s, want %s", i, rec.Header().Get("Image-Credit"), credit)
		}
	}
	close(stop)
	done.Wait()
	if err := w.r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
