package cache_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

const benchBytes = 100 << 10 // a rendition of 1,600 pixels

func BenchmarkMemoryGet(b *testing.B) { benchmarkGet(b, newMemory(b)) }

func BenchmarkTiersGet(b *testing.B) { benchmarkGet(b, newStack(b, b.TempDir())) }

func BenchmarkDiskGet(b *testing.B) {
	b.SetBytes(benchBytes)
	benchmarkGet(b, openDisk(b, b.TempDir(), 0))
}

func benchmarkGet(b *testing.B, s cache.Store) {
	k := cache.NewKey(cache.Rendition, "hot")
	put(b, s, k, cachetest.Object(k, 1, benchBytes))
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Get(ctx, k); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTiersGetParallel(b *testing.B) {
	s := newStack(b, b.TempDir())
	keys := make([]cache.Key, 64)
	for i := range keys {
		keys[i] = cache.NewKey(cache.Rendition, fmt.Sprint(i))
		put(b, s, keys[i], cachetest.Object(keys[i], 1, 1000))
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			if _, err := s.Get(b.Context(), keys[i%len(keys)]); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkMemoryPut(b *testing.B) {
	for _, size := range []int{500, benchBytes} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkPut(b, newMemory(b), size) })
	}
}

func BenchmarkDiskPut(b *testing.B) { benchmarkPut(b, openDisk(b, b.TempDir(), 256<<20), benchBytes) }

func benchmarkPut(b *testing.B, s cache.Store, size int) {
	keys := make([]cache.Key, 256)
	for i := range keys {
		keys[i] = cache.NewKey(cache.Rendition, fmt.Sprint(i))
	}
	o := cachetest.Object(keys[0], 1, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		put(b, s, keys[i%len(keys)], o)
		i++
	}
}

// BenchmarkIndexBuild opens a folder of 100,000 small files until the index is complete, and reports the memory that the
// index keeps per object.
func BenchmarkIndexBuild(b *testing.B) {
	const objects = 100_000
	dir := b.TempDir()
	for i := range objects {
		write(b, fileOf(dir, cache.NewKey(cache.Rendition, fmt.Sprint(i))), nil)
	}
	for b.Loop() {
		before := heap()
		d, err := cache.OpenDisk(cache.DiskOptions{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		d.WaitBuilt()
		b.ReportMetric(float64(heap()-before)/objects, "heap-B/object")
		if st := d.Stats(); st.Objects != objects {
			b.Fatalf("%d objects, want %d", st.Objects, objects)
		}
		closeStore(b, d)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/objects*1e9, "ns/object")
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
