package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/render"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// benchBody is the size of a rendition: an 800 px photograph in WebP.
const benchBody = 80_000

// A bench is an origin and an engine of one picture, without network and pixels: what is measured is all the rest.
type bench struct{}

func (bench) Fetch(context.Context, source.Source, fetch.Validators) (*fetch.Original, error) {
	return &fetch.Original{Body: []byte("original")}, nil
}

func (bench) Can(transform.Format) transform.Ability {
	return transform.Ability{Decode: true, Encode: true}
}
func (bench) Rev(transform.Format) string { return "1" }
func (bench) Probe([]byte) (transform.Info, error) {
	return transform.Info{Format: transform.JPEG, Width: 3000, Height: 2000}, nil
}

func (bench) Transform(_ context.Context, _ []byte, specs []transform.Spec) ([]transform.Output, error) {
	var out []transform.Output
	for _, s := range specs {
		out = append(out, transform.Output{Body: make([]byte, benchBody), Format: s.Format, Width: s.Width, Height: s.Height, Frames: 1})
	}
	return out, nil
}

// A sink is a ResponseWriter that costs nothing.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (w *sink) Header() http.Header         { return w.header }
func (w *sink) WriteHeader(status int)      { w.status = status }
func (w *sink) Write(p []byte) (int, error) { w.bytes += len(p); return len(p), nil }

func serve(b *testing.B, h http.Handler, req *http.Request) {
	b.Helper()
	w := &sink{header: make(http.Header)}
	h.ServeHTTP(w, req)
	if w.status != http.StatusOK || w.bytes != benchBody {
		b.Fatalf("%d, %d bytes", w.status, w.bytes)
	}
}

// BenchmarkMemoryHit is a hit through the whole handler: routing, grammar, catalog, pointer, rendition, headers, access
// line. Beside it, Gin alone writing the same bytes.
func BenchmarkMemoryHit(b *testing.B) {
	memory, err := cache.NewMemory(cache.MemoryOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = memory.Close() }()
	r := render.New(render.Options{Store: cache.NewTiers(cache.TiersOptions{}, memory), Fetch: bench{}, Transform: bench{}})
	s, err := New(Options{Catalog: scan(b, posts), Renderer: r, Log: slog.New(slog.NewJSONHandler(&sink{}, nil))})
	if err != nil {
		b.Fatal(err)
	}
	e, _, err := s.o.Catalog.ByPost("fox")
	if err != nil {
		b.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, "/i/"+e.ID+"/hero.webp", nil)
	serve(b, s.Handler(), req)
	if err := r.Close(b.Context()); err != nil { // everything is stored
		b.Fatal(err)
	}
	b.Run("cutline", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			serve(b, s.Handler(), req)
		}
	})
	b.Run("gin", func(b *testing.B) {
		body := make([]byte, benchBody)
		bare := gin.New()
		bare.GET("/i/*address", func(c *gin.Context) { c.Data(http.StatusOK, "image/webp", body) })
		b.ReportAllocs()
		for b.Loop() {
			serve(b, bare, req)
		}
	})
}
