package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// TestDiskRestartWithinBudget opens a full folder with a smaller budget.
func TestDiskRestartWithinBudget(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, 4<<20)
	for i := range 100 {
		k := cache.NewKey(cache.Rendition, fmt.Sprint(i))
		put(t, d, k, cachetest.Object(k, 1, 30_000))
	}
	closeStore(t, d)
	d = openDisk(t, dir, 1<<20)
	d.WaitBuilt()
	closeStore(t, d)
	d = openDisk(t, dir, 1<<20)
	d.WaitBuilt()
	k := cache.NewKey(cache.Rendition, "one more")
	put(t, d, k, cachetest.Object(k, 1, 100_000))
	if st := d.Stats(); st.Bytes > 1<<20 || st.Bytes < 1<<19 {
		t.Errorf("%d bytes are kept, want at most %d and more than half of it", st.Bytes, 1<<20)
	}
}

// TestDiskEvictionOrder fills a disk and expects renditions to go first, then originals, pointers never while there is
// something else; and within a kind the least recently used first, before and after a restart.
func TestDiskEvictionOrder(t *testing.T) {
	const size = 30_000 // 32 KiB in blocks
	dir := t.TempDir()
	d := openDisk(t, dir, 1<<20) // room for 32
	key := func(kind cache.Kind, i int) cache.Key { return cache.NewKey(kind, fmt.Sprint("object", i)) }
	fill := func(kind cache.Kind, from, to int) {
		for i := from; i < to; i++ {
			put(t, d, key(kind, i), cachetest.Object(key(kind, i), 1, size))
		}
	}
	count := func(kind cache.Kind, n int) (there int) {
		for i := range n {
			if exists(fileOf(dir, key(kind, i))) {
				there++
			}
		}
		return there
	}
	fill(cache.Pointer, 0, 4)
	fill(cache.Original, 0, 10)
	fill(cache.Rendition, 0, 10)
	get(t, d, key(cache.Rendition, 0))
	fill(cache.Rendition, 10, 20) // two too many
	if exists(fileOf(dir, key(cache.Rendition, 1))) || !exists(fileOf(dir, key(cache.Rendition, 0))) {
		t.Error("want rendition 1 gone, which was used least recently, and rendition 0 there, which was read since")
	}
	if got := count(cache.Pointer, 4) + count(cache.Original, 10); got != 14 {
		t.Errorf("%d pointers and originals are left, want all 14 while there are renditions", got)
	}
	fill(cache.Original, 10, 40)
	if got := count(cache.Rendition, 20); got != 0 {
		t.Errorf("%d renditions are left, want none when originals had to go", got)
	}
	if got := count(cache.Pointer, 4); got != 4 {
		t.Errorf("%d pointers are left, want all 4", got)
	}
	closeStore(t, d)

	left := []int{}
	for i := range 40 {
		if exists(fileOf(dir, key(cache.Original, i))) {
			left = append(left, i)
		}
	}
	// A restart orders by the files' times; the one made newest here must stay longest.
	old := time.Now().Add(-1000 * time.Hour)
	for n, i := range left {
		when := old.Add(-time.Duration(n) * time.Hour)
		if err := os.Chtimes(fileOf(dir, key(cache.Original, i)), when, when); err != nil {
			t.Fatal(err)
		}
	}
	d = openDisk(t, dir, 1<<20)
	d.WaitBuilt()
	fill(cache.Original, 100, 100+40-len(left))
	if newest, oldest := left[0], left[len(left)-1]; !exists(fileOf(dir, key(cache.Original, newest))) ||
		exists(fileOf(dir, key(cache.Original, oldest))) {
		t.Errorf("after a restart: want original %d there and %d gone", newest, oldest)
	}
}

// TestDiskTempFiles leaves a temporary file as a kill between write and rename does.
func TestDiskTempFiles(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, 0)
	temp := filepath.Join(dir, "v1", "tmp", "KILLED")
	write(t, temp, []byte("half an obj"))

	second := openDisk(t, dir, 0)
	if !exists(temp) {
		t.Error("a second process removed a fresh temporary file of the first")
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(temp, old, old); err != nil {
		t.Fatal(err)
	}
	third := openDisk(t, dir, 0)
	if exists(temp) {
		t.Error("an old temporary file is still there")
	}
	write(t, temp, []byte("half an obj"))
	for _, s := range []*cache.Disk{d, second, third} {
		closeStore(t, s)
	}
	openDisk(t, dir, 0)
	if exists(temp) {
		t.Error("whoever opens the folder alone leaves a stray temporary file")
	}
	if b, err := os.ReadFile(filepath.Join(dir, "v1", "CACHEDIR.TAG")); !bytes.HasPrefix(b, []byte("Signature: 8a477f597d28d172789f06886806bc55")) {
		t.Errorf("CACHEDIR.TAG = %q, %v", b, err)
	}
}

// TestDiskTwoProcesses has two Disks on one folder write, read and delete the same keys.
func TestDiskTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	disks := []*cache.Disk{openDisk(t, dir, 2<<20), openDisk(t, dir, 2<<20)}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 60 {
				k, d := cache.NewKey(cache.Rendition, fmt.Sprint(i%7)), disks[g%2]
				if i%5 == g%5 {
					// What the other removed in the same moment may be an error; it must not be a wrong answer.
					_ = d.Put(t.Context(), k, cachetest.Object(k, g*100+i, 1000*g+i))
					continue
				}
				o, err := d.Get(t.Context(), k)
				if err == nil {
					_, err = cachetest.Verify(k, o)
				}
				if err != nil && !errors.Is(err, cache.ErrMiss) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, d := range disks {
		if st := d.Stats(); st.Corrupt != 0 {
			t.Errorf("Stats = %+v; want nothing damaged", st)
		}
	}
}

// TestDiskSeesOthersFiles verifies that what another process wrote is found and counted.
func TestDiskSeesOthersFiles(t *testing.T) {
	dir := t.TempDir()
	one, two := openDisk(t, dir, 0), openDisk(t, dir, 0)
	one.WaitBuilt()
	k := cache.NewKey(cache.Original, "shared")
	put(t, two, k, cachetest.Object(k, 1, 5000))
	get(t, one, k)
	if st := one.Stats(); st.Objects != 1 || st.Bytes != 8192 {
		t.Errorf("Stats = %+v; want 1 object of 8192 bytes", st)
	}
	if err := two.Delete(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	wantMiss(t, one, k)
	if st := one.Stats(); st.Objects != 0 || st.Bytes != 0 {
		t.Errorf("Stats = %+v; want nothing after the other deleted it", st)
	}
}

// TestDiskDeletedFolder deletes parts of the folder, and all of it, under an open Disk.
func TestDiskDeletedFolder(t *testing.T) {
	for _, part := range []string{"", "v1", "v1/tmp", "v1/rendition"} {
		t.Run("/"+part, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			d := openDisk(t, dir, 0)
			d.WaitBuilt()
			k := cache.NewKey(cache.Rendition, "deleted under us")
			put(t, d, k, cachetest.Object(k, 1, 5000))
			if err := os.RemoveAll(filepath.Join(dir, part)); err != nil {
				t.Fatal(err)
			}
			if part != "v1/tmp" {
				wantMiss(t, d, k)
			}
			put(t, d, k, cachetest.Object(k, 2, 5000))
			if v, err := cachetest.Verify(k, get(t, d, k)); v != 2 || err != nil {
				t.Errorf("version %d, %v; want 2", v, err)
			}
			if st := d.Stats(); st.Objects != 1 || st.Bytes != 8192 {
				t.Errorf("Stats = %+v; want 1 object of 8192 bytes", st)
			}
		})
	}
}

// TestDiskClosed verifies that calls after Close are misses and errors.
func TestDiskClosed(t *testing.T) {
	d := openDisk(t, t.TempDir(), 0)
	k := cache.NewKey(cache.Pointer, "late")
	put(t, d, k, cachetest.Object(k, 1, 10))
	closeStore(t, d)
	closeStore(t, d)
	wantMiss(t, d, k)
	if err := d.Put(t.Context(), k, cachetest.Object(k, 2, 10)); err == nil {
		t.Error("Put after Close = nil, want an error")
	}
}

func TestOpenDiskErrors(t *testing.T) {
	occupied := filepath.Join(t.TempDir(), "file")
	write(t, occupied, nil)
	for name, o := range map[string]cache.DiskOptions{
		"no folder":       {},
		"negative budget": {Dir: t.TempDir(), MaxBytes: -1},
		"a file":          {Dir: occupied},
		"under a file":    {Dir: filepath.Join(occupied, "cache")},
	} {
		if d, err := cache.OpenDisk(o); err == nil {
			t.Errorf("%s: OpenDisk = nil, want an error", name)
			closeStore(t, d)
		}
	}
	d := openDisk(t, t.TempDir(), 80_000)
	k := cache.NewKey(cache.Original, "large")
	if err := d.Put(t.Context(), k, cachetest.Object(k, 1, 20_000)); !errors.Is(err, cache.ErrNotKept) {
		t.Errorf("Put of a quarter of the budget = %v, want ErrNotKept", err)
	}
}
