package render

import (
	"fmt"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/source"
	"github.com/dd8bf596/cutline/internal/transform"
)

// BenchmarkPurge measures a purge through memory and disk, of one source and of a small site's.
func BenchmarkPurge(b *testing.B) {
	for name, p := range map[string]Purge{"forget": Forget, "withdraw": Withdraw} {
		for _, n := range []int{1, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				memory, err := cache.NewMemory(cache.MemoryOptions{MaxBytes: 64 << 20})
				if err != nil {
					b.Fatal(err)
				}
				defer memory.Close()
				disk, err := cache.OpenDisk(cache.DiskOptions{Dir: b.TempDir(), MaxBytes: 1 << 30})
				if err != nil {
					b.Fatal(err)
				}
				defer disk.Close()
				r := New(Options{Store: cache.NewTiers(cache.TiersOptions{}, memory, disk), Fetch: &fakeOrigin{}, Transform: &fakeEngine{}})
				sources := make([]source.Source, n)
				for i := range sources {
					if sources[i], err = source.Parse(fmt.Sprintf("https://origin.example/%d.jpg", i)); err != nil {
						b.Fatal(err)
					}
				}
				for b.Loop() {
					b.StopTimer()
					for _, src := range sources {
						r.savePointer(b.Context(), r.o.Store, src, pointer{Current: &version{Info: transform.Info{Width: 1, Height: 1}}})
					}
					b.StartTimer()
					for _, d := range r.Purge(b.Context(), p, sources...) {
						if !d.Done || !d.Was {
							b.Fatalf("purged %+v", d)
						}
					}
				}
			})
		}
	}
}
