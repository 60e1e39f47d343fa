package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// seedPost is front matter of the shape that most of the product's users write, with a body of 4 KB.
func seedPost(i int) string {
	return fmt.Sprintf(`---
title: Councillors Vote on Bridge %[1]d - Repairs Begin after the Winter
subhed: The vote follows two years of debate about costs and detours.
author: Mara Lind
author-title: Staff Writer
featured-image:
  path: "https://external-content.duckduckgo.com/iu/?u=https%%3A%%2F%%2Fimages.example.org%%2Fnews%%2F2023%%2FSep%%2F%[1]d_bridge.jpg&f=1&nofb=1&ipt=1f4a3113aff947aa428b1032e16c05c92e19080d8772f8ead200d61be80%[1]d&ipo=images"
  cutline: The old bridge at low water, seen from the north bank, number %[1]d.
  credit: Harbour Gazette
  alt-text: A stone bridge with four arches over a shallow river, picture %[1]d
layout: post
category: News
date: 2023-09-18 10:09
---
%[2]s`, i, strings.Repeat("The mayor said that the work would take a year. ", 85))
}

func writePosts(tb testing.TB, n int) string {
	tb.Helper()
	dir := tb.TempDir()
	posts := filepath.Join(dir, "_posts")
	if err := os.Mkdir(posts, 0o755); err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		name := fmt.Sprintf("2023-%02d-%02d-bridge-repairs-%d.md", 1+i%12, 1+i%28, i)
		if err := os.WriteFile(filepath.Join(posts, name), []byte(seedPost(i)), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func BenchmarkScan1k(b *testing.B)   { benchmarkScan(b, 1_000) }
func BenchmarkScan100k(b *testing.B) { benchmarkScan(b, 100_000) }

// benchmarkScan reports posts/s; B/post is what one post leaves in memory while the catalog lives; MB-peak is the most that
// the heap held during the scan, garbage included.
func benchmarkScan(b *testing.B, posts int) {
	root := openRoot(b, writePosts(b, posts))
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak uint64
	var c *Catalog
	for b.Loop() {
		stop := watchHeap(&peak)
		var err error
		if c, err = Scan(b.Context(), root, Options{}); err != nil {
			b.Fatal(err)
		}
		stop()
		if len(c.Entries) != posts {
			b.Fatalf("got %d entries, want %d", len(c.Entries), posts)
		}
	}
	b.ReportMetric(float64(posts)*float64(b.N)/b.Elapsed().Seconds(), "posts/s")
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(posts), "B/post")
	b.ReportMetric(float64(peak)/1e6, "MB-peak")
	runtime.KeepAlive(c)
}

// watchHeap notes the largest heap until the returned function is called.
func watchHeap(peak *uint64) (stop func()) {
	done, idle := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(idle)
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				metrics.Read(sample)
				*peak = max(*peak, sample[0].Value.Uint64()+sample[1].Value.Uint64())
			}
		}
	}()
	return func() { close(done); <-idle }
}

func openRoot(tb testing.TB, dir string) *os.Root {
	tb.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { root.Close() })
	return root
}
