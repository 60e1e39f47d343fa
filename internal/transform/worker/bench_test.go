package worker_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
	"github.com/dd8bf596/cutline/internal/transform/worker"
)

// BenchmarkEngine makes the same renditions in this process and in workers: one at a time, and as many as there are
// processors. What differs is what workers cost.
func BenchmarkEngine(b *testing.B) {
	count := runtime.GOMAXPROCS(0) + 1
	engines := []struct {
		name string
		transform.Engine
	}{
		{"here", goengine.New()},
		{"worker", newEngine(b, "goengine", worker.Options{Count: count})},
	}
	for _, tt := range []struct {
		name string
		w, h int
		spec transform.Spec
	}{
		{"small", 60, 40, transform.Spec{Width: 24, Format: transform.PNG}}, // nothing but the way there and back
		{"hero", 1600, 1066, transform.Spec{Width: 800, Format: transform.WebP}},
		{"large", 6000, 4000, transform.Spec{Width: 1280, Format: transform.JPEG}},
	} {
		src := imagetest.JPEG(b, tt.w, tt.h)
		specs := []transform.Spec{tt.spec.Resolve(tt.w, tt.h, 0, 80)}
		for _, e := range engines {
			// Every worker has compiled what it needs before the time is taken.
			if w, ok := e.Engine.(*worker.Engine); ok {
				start(b, w)
				children(b, count)
				if err := w.Warm(b.Context(), tt.spec.Format); err != nil {
					b.Fatal(err)
				}
			}
			work := func(b *testing.B) {
				if _, err := e.Transform(b.Context(), src, specs); err != nil {
					b.Error(err)
				}
			}
			b.Run(fmt.Sprintf("%s/%dKB/alone/%s", tt.name, len(src)/1000, e.name), func(b *testing.B) {
				for b.Loop() {
					work(b)
				}
			})
			b.Run(fmt.Sprintf("%s/%dKB/together/%s", tt.name, len(src)/1000, e.name), func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						work(b)
					}
				})
			})
		}
	}
}
