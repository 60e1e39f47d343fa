package telemetry

import (
	"net/http"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/proxy"
)

// BenchmarkAnswered is what a request costs to be counted: by one processor, and by all at once.
func BenchmarkAnswered(b *testing.B) {
	a := proxy.Answered{Route: "/i/{id}/{spec}", Method: http.MethodGet, Status: http.StatusOK, Result: "hit", ID: "x", Bytes: 80_000, Took: 25 * time.Microsecond}
	both := Both{Metrics: NewMetrics(Build{})}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			both.Answered(b.Context(), a)
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				both.Answered(b.Context(), a)
			}
		})
	})
}

// TestAnsweredAllocates verifies that a request is counted without a byte of memory.
func TestAnsweredAllocates(t *testing.T) {
	a := proxy.Answered{Route: "/i/{id}/{spec}", Method: http.MethodGet, Status: http.StatusOK, Result: "hit", Bytes: 80_000, Took: 25 * time.Microsecond}
	both := Both{Metrics: NewMetrics(Build{})}
	if n := testing.AllocsPerRun(100, func() { both.Answered(t.Context(), a) }); n > 0 {
		t.Errorf("%v allocations for a request, want none", n)
	}
}
