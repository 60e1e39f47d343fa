//go:build compare

package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// TestCompareScale prints what catalogs take, in Markdown: memory, and the processor time of a scan and of one after a single post
// changed. A million posts are 8 GB of files.
func TestCompareScale(t *testing.T) {
	fmt.Print("\n### Catalogs\n\n| posts | bytes an entry | heap at its largest | scan | rescan, one post changed |\n|---|---|---|---|---|\n")
	for _, posts := range []int{100_000, 1_000_000} {
		dir := writePosts(t, posts)
		before := settledHeap()
		var peak uint64
		stop := watchHeap(&peak)
		start := spent(t)
		c := tracked(t, dir, nil, Options{})
		scan := spent(t) - start
		stop()
		each := (settledHeap() - before) / uint64(posts)
		if err := os.WriteFile(filepath.Join(dir, "_posts", "2023-01-01-bridge-repairs-0.md"), []byte(seedPost(posts)), 0o600); err != nil {
			t.Fatal(err)
		}
		start = spent(t)
		next := tracked(t, dir, c, Options{})
		fresh := len(next.Since(c).Fresh)
		rescan := spent(t) - start
		if len(c.Entries) != posts || fresh != 1 {
			t.Fatalf("%d entries, %d fresh: want %d and 1", len(c.Entries), fresh, posts)
		}
		fmt.Printf("| %d | %d | %d MB | %.1f s | %.1f s |\n", posts, each, peak/1_000_000, scan.Seconds(), rescan.Seconds())
		runtime.KeepAlive(c)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

func settledHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// spent is what this process had of the processors, user and system.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
