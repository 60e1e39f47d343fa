package proxy

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
		out = append(out, transform.Output{Body: webpOf(benchBody), Format: s.Format, Width: s.Width, Height: s.Height, Frames: 1})
	}
	return out, nil
}

// webpOf is a WebP file of n bytes, n even, as far as its container goes: 800 × 533 pixels of nothing (RFC 9649 §2.5).
func webpOf(n int) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(n-8))
	b = binary.LittleEndian.AppendUint32(append(b, "WEBPVP8 "...), uint32(n-20))
	b = append(b, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x20, 0x03, 0x15, 0x02)
	return append(b, make([]byte, n-len(b))...)
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

// An audience hears everything and does nothing; what metrics do with it is measured in internal/telemetry.
type audience struct{}

func (audience) Answered(context.Context, Answered)   {}
func (audience) Rescanned(time.Duration, error)       {}
func (audience) Purged(_ string, sources, failed int) {}

func serve(b *testing.B, h http.Handler, req *http.Request) {
	b.Helper()
	w := &sink{header: make(http.Header)}
	h.ServeHTTP(w, req)
	if w.status != http.StatusOK || w.bytes < benchBody {
		b.Fatalf("%d, %d bytes", w.status, w.bytes)
	}
}

// BenchmarkMemoryHit is a hit through the whole handler: routing, grammar, catalog, pointer, rendition, headers, access
// line; of a picture with words in its file, kept in the near store or put in for every answer, and of one too small for
// them; the same by an address of imgix's clients, and such a one for which the original has to be looked at. Beside it, Gin
// alone writing the same bytes.
func BenchmarkMemoryHit(b *testing.B) {
	for _, bm := range []struct {
		name, path string
		near       bool
	}{
		{"words", "/i/ID/hero.webp", true}, {"spliced anew", "/i/ID/hero.webp", false}, {"thumbnail", "/i/ID/thumb.webp", true},
		{"dialect", "/https%3A%2F%2Forigin.example%2Ffox.jpg?ixlib=js-3.8.0&w=1600&fm=webp", true},
		{"dialect box", "/https%3A%2F%2Forigin.example%2Ffox.jpg?w=800&h=450&fit=min&crop=faces&fm=webp&q=75", true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			memory, err := cache.NewMemory(cache.MemoryOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = memory.Close() }()
			o := render.Options{Store: cache.NewTiers(cache.TiersOptions{}, memory), Fetch: bench{}, Transform: bench{}}
			if bm.near {
				o.Near = memory
			}
			r := render.New(o)
			s, err := New(Options{Catalog: scan(b, posts), Renderer: r, Log: slog.New(slog.NewJSONHandler(&sink{}, nil)), Observer: audience{}})
			if err != nil {
				b.Fatal(err)
			}
			e, _, err := s.snapshot().catalog.ByPost("fox")
			if err != nil {
				b.Fatal(err)
			}
			req := httptest.NewRequest(http.MethodGet, strings.Replace(bm.path, "ID", e.ID, 1), nil)
			serve(b, s.Handler(), req)
			if err := r.Close(b.Context()); err != nil { // everything is stored
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				serve(b, s.Handler(), req)
			}
		})
	}
	b.Run("gin", func(b *testing.B) {
		body := make([]byte, benchBody)
		bare := gin.New()
		bare.GET("/i/*address", func(c *gin.Context) { c.Data(http.StatusOK, "image/webp", body) })
		req := httptest.NewRequest(http.MethodGet, "/i/a/hero.webp", nil)
		b.ReportAllocs()
		for b.Loop() {
			serve(b, bare, req)
		}
	})
}
