//go:build integration && linux

package cache_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// TestIntegrationDiskKilled is TestDiskKilled with 200 cycles.
func TestIntegrationDiskKilled(t *testing.T) {
	const cycles = 200
	t.Logf("%d cycles, %d reads verified", cycles, killCycles(t, cycles))
}

// mountTmpfs mounts a file system of 8 MiB, for which it needs root.
func mountTmpfs(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Fatalf("mount: %v; it needs root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("umount: %v", err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|flags, "size=8m"); err != nil {
		t.Fatalf("remount: %v", err)
	}
}

func wantNoTemps(t *testing.T, dir string) {
	t.Helper()
	if temps, err := os.ReadDir(filepath.Join(dir, "v1", "tmp")); len(temps) != 0 || err != nil {
		t.Errorf("temporary files: %v, %v; want none", temps, err)
	}
}

// TestIntegrationDiskFull writes to a file system far smaller than the budget: room is made by giving up renditions, nothing
// half stays, and what is there is whole; when somebody else's file takes the room Puts fail, until it
// is gone, without a restart.
func TestIntegrationDiskFull(t *testing.T) {
	dir := mountTmpfs(t)
	d := openDisk(t, filepath.Join(dir, "cache"), 1<<30)
	d.WaitBuilt()
	original := cache.NewKey(cache.Original, "archive")
	put(t, d, original, cachetest.Object(original, 1, 100_000))
	key := func(i int) cache.Key { return cache.NewKey(cache.Rendition, fmt.Sprint(i)) }
	for i := range 500 { // six times what fits
		put(t, d, key(i), cachetest.Object(key(i), 1, 100_000))
	}
	if st := d.Stats(); st.Evicted < 300 || st.Errors > 0 {
		t.Errorf("Stats = %+v; want room made for what does not fit, and no failure", st)
	}
	wantNoTemps(t, filepath.Join(dir, "cache"))
	there := 0
	for i := range 500 {
		there += version(t, d, key(i))
		if err := d.Delete(t.Context(), key(i)); err != nil {
			t.Fatal(err)
		}
	}
	if there == 0 || version(t, d, original) != 1 {
		t.Errorf("%d renditions are there, original at version %d; want some, and 1", there, version(t, d, original))
	}

	others := filepath.Join(dir, "others")
	f, err := os.Create(others)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), key(1000), cachetest.Object(key(1000), 1, 900_000)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Put without room = %v, want ENOSPC", err)
	}
	get(t, d, original)
	if err := os.Remove(others); err != nil {
		t.Fatal(err)
	}
	put(t, d, key(1000), cachetest.Object(key(1000), 2, 900_000))
	if got := version(t, d, key(1000)); got != 2 {
		t.Errorf("version %d when there is room again, want 2", got)
	}
	if st := d.Stats(); st.Corrupt != 0 {
		t.Errorf("Stats = %+v; want nothing damaged", st)
	}
}

// TestIntegrationDiskReadOnly remounts the file system read-only under an open Disk, opens another one on it, and makes it
// writable again: what is there is served all the time, Puts fail and say why, and work again without a restart.
func TestIntegrationDiskReadOnly(t *testing.T) {
	dir := mountTmpfs(t)
	running := openDisk(t, dir, 0)
	k, fresh := cache.NewKey(cache.Rendition, "k"), cache.NewKey(cache.Rendition, "new")
	put(t, running, k, cachetest.Object(k, 1, 1000))
	remount(t, dir, syscall.MS_RDONLY)
	started := openDisk(t, dir, 0)
	started.WaitBuilt()
	for name, d := range map[string]*cache.Disk{"running": running, "started": started} {
		if got := version(t, d, k); got != 1 {
			t.Errorf("%s, read-only: version %d, want 1", name, got)
		}
		if err := d.Put(t.Context(), fresh, cachetest.Object(fresh, 1, 1000)); !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s, read-only: Put = %v, want EROFS", name, err)
		}
		if err := d.Delete(t.Context(), k); !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s, read-only: Delete = %v, want EROFS", name, err)
		}
	}
	remount(t, dir, 0)
	for i, d := range []*cache.Disk{running, started} {
		put(t, d, fresh, cachetest.Object(fresh, 2+i, 1000))
		if got := version(t, d, fresh); got != 2+i {
			t.Errorf("writable again: version %d, want %d", got, 2+i)
		}
	}
	wantNoTemps(t, dir)
}

// TestIntegrationDiskProcesses has two processes write the same objects while a third reads them, and kills the two.
func TestIntegrationDiskProcesses(t *testing.T) {
	dir := t.TempDir()
	for g := range 2 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", killDirEnv, (g+1)*1_000_000, dir))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	}
	d := openDisk(t, dir, 0)
	reads, byWriter := 0, map[int]int{}
	for len(byWriter) < 2 || reads < 50_000 {
		if v := version(t, d, killKey(reads%killKeys)); v != 0 {
			byWriter[v/1_000_000]++
		}
		reads++
	}
	t.Logf("%d reads, %v by the number of the process whose object it was", reads, byWriter)
	if st := d.Stats(); st.Corrupt != 0 || st.Errors != 0 {
		t.Errorf("Stats = %+v; want nothing damaged or failed", st)
	}
}
