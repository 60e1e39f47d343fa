package proxy

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A countedRenderer counts what goes the long way.
type countedRenderer struct {
	*render.Renderer
	rendered atomic.Int64
}

func (r *countedRenderer) Render(ctx context.Context, req render.Request) ([]*render.Rendition, error) {
	r.rendered.Add(1)
	return r.Renderer.Render(ctx, req)
}

func (r *countedRenderer) Best(ctx context.Context, req render.Request, accepted []transform.Format) (*render.Rendition, error) {
	r.rendered.Add(1)
	return r.Renderer.Best(ctx, req, accepted)
}

// newHitServer is a Server over a real Renderer and memory, whose pictures are all the same bytes.
func newHitServer(t *testing.T) (*Server, *countedRenderer) {
	t.Helper()
	memory, err := cache.NewMemory(cache.MemoryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = memory.Close() })
	r := &countedRenderer{Renderer: render.New(render.Options{Store: memory, Near: memory, Fetch: bench{}, Transform: bench{}})}
	s, err := New(Options{Catalog: scan(t, posts), Renderer: r})
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

// TestAgainAnswersAlike verifies that an answer that is given again is the one that the long way gives: for every kind of address and
// every kind of request.
func TestAgainAnswersAlike(t *testing.T) {
	s, r := newHitServer(t)
	e, _, err := s.snapshot().catalog.ByPost("fox")
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, target string, h http.Header) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, target, nil)
		maps.Copy(req.Header, h)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, req)
		return w
	}
	// ready asks until the answer is kept: what it needs is stored behind earlier ones.
	ready := func(target string, h http.Header) {
		for range 2000 {
			before := r.rendered.Load()
			do(http.MethodGet, target, http.Header{"Accept": h["Accept"]})
			if r.rendered.Load() == before {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Fatalf("%s is never answered again", target)
	}
	etag := do(http.MethodGet, "/i/"+e.ID+"/w800.webp", nil).Header().Get("ETag")
	rends, err := r.Renderer.Render(t.Context(), render.Request{Source: e.Source, Specs: []transform.Spec{{Width: 800, Format: transform.WebP}}})
	if err != nil {
		t.Fatal(err)
	}
	version := versionOf(rends[0].Original)
	for _, target := range []string{
		"/i/ID/w800.webp", "/i/ID/hero.webp", "/i/ID/w800.webp?v=" + version, "/i/ID/thumb.webp", "/p/fox/w800.webp", "/i/ID/w800.auto", "/p/fox/hero.auto",
		"/https%3A%2F%2Forigin.example%2Ffox.jpg?w=800&fm=webp", "/https%3A%2F%2Forigin.example%2Ffox.jpg?w=800&auto=format&fm=webp",
	} {
		target = strings.Replace(target, "ID", e.ID, 1)
		for name, h := range map[string]http.Header{
			"plain": nil, "accepts": {"Accept": {"image/avif,image/webp,*/*"}}, "accepts in two": {"Accept": {"image/webp", "*/*"}},
			"has it": {"If-None-Match": {etag}}, "range": {"Range": {"bytes=10-19"}}, "behind": {"Range": {"bytes=999999-"}},
			"another": {"If-Match": {`"x"`}}, "since": {"If-Modified-Since": {"Thu, 01 Jan 2037 00:00:00 GMT"}},
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				t.Run(method+" "+target+" "+name, func(t *testing.T) {
					ready(target, h)
					s.snapshot().answers.young.Store(nil)
					s.snapshot().answers.old.Store(nil)
					before := r.rendered.Load()
					long := do(method, target, h)
					if r.rendered.Load() == before {
						t.Fatal("it did not go the long way")
					}
					ready(target, h)
					before = r.rendered.Load()
					short := do(method, target, h)
					if r.rendered.Load() != before {
						t.Fatal("it went the long way")
					}
					for _, w := range []*httptest.ResponseRecorder{long, short} {
						if w.Code < 400 && !strings.HasPrefix(w.Header().Get("Server-Timing"), "lookup;dur=") {
							t.Errorf("Server-Timing: %q", w.Header().Get("Server-Timing"))
						}
						w.Header().Del("Server-Timing")
					}
					if long.Code != short.Code || long.Body.String() != short.Body.String() || !maps.EqualFunc(long.Header(), short.Header(), slices.Equal) {
						t.Errorf("the long way: %d, %d bytes, %v\nagain: %d, %d bytes, %v",
							long.Code, long.Body.Len(), long.Header(), short.Code, short.Body.Len(), short.Header())
					}
				})
			}
		}
	}
}

// TestAgainKeepsNoJunk verifies that what only an attacker asks for is not kept, and that it pushes out nothing that is popular.
func TestAgainKeepsNoJunk(t *testing.T) {
	an, as := &answer{}, answers{}
	popular := ask{target: "/i/a/hero.webp"}
	as.keep(popular, an)
	for i := range 10 * maxAnswers {
		as.keep(ask{target: fmt.Sprintf("/x?ixid=%d", i)}, an)
		if i%100 == 0 && as.find(popular) == nil {
			t.Fatalf("forgotten after %d others", i+1)
		}
	}
	size := as.young.Load().Size() + as.old.Load().Size()
	if size > 2*maxAnswers+1 {
		t.Errorf("%d answers are kept, want at most %d", size, 2*maxAnswers)
	}
}

// TestAgainForgets verifies which targets are not kept, and that a rescan forgets all.
func TestAgainForgets(t *testing.T) {
	s, r := newHitServer(t)
	fox := "/https%3A%2F%2Forigin.example%2Ffox.jpg?w=800&fm=webp"
	e, _, err := s.snapshot().catalog.ByPost("fox")
	if err != nil {
		t.Fatal(err)
	}
	rendered := func(target string) bool {
		before := r.rendered.Load()
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", target, w.Code, w.Body)
		}
		return r.rendered.Load() > before
	}
	kept := func(target string) bool {
		for range 200 {
			if !rendered(target) {
				return true
			}
			time.Sleep(time.Millisecond)
		}
		return false
	}
	if !kept(fox) {
		t.Error("a plain one is not kept")
	}
	for _, target := range []string{fox + "&dl=a.webp", fox + "&ixid=" + strings.Repeat("x", 500), "/i/" + e.ID + "/w800.webp?v=0"} {
		if kept(target) {
			t.Errorf("kept: %.100s", target)
		}
	}
	s.current.Store(newSnapshot(s.snapshot().catalog, s.room(), s.snapshot()))
	if !rendered(fox) {
		t.Error("kept over a rescan")
	}
}
