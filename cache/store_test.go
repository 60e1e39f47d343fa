package cache_test

import (
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// TestMain fails when a test leaves a goroutine behind. In a process of TestDiskKilled it is the writer.
func TestMain(m *testing.M) {
	if from := os.Getenv(killDirEnv); from != "" {
		fmt.Fprintln(os.Stderr, writeForEver(from))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// newMemory is large enough for an object of 8 MiB.
func newMemory(t testing.TB) *cache.Memory {
	t.Helper()
	m, err := cache.NewMemory(cache.MemoryOptions{MaxBytes: 128 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, m) })
	return m
}

func openDisk(t testing.TB, dir string, maxBytes int64) *cache.Disk {
	t.Helper()
	d, err := cache.OpenDisk(cache.DiskOptions{Dir: dir, MaxBytes: maxBytes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, d) })
	return d
}

func closeStore(t testing.TB, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}

// stack is Tiers with what they stand on.
type stack struct {
	*cache.Tiers
	disk *cache.Disk
	dir  string
}

func newStack(t testing.TB, dir string) *stack {
	d := openDisk(t, dir, 0)
	return &stack{Tiers: cache.NewTiers(cache.TiersOptions{}, newMemory(t), d), disk: d, dir: dir}
}

func TestMemory(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		New: func(t testing.TB) cache.Store { return newMemory(t) },
	})
}

type dirDisk struct {
	*cache.Disk
	dir string
}

func TestDisk(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		New: func(t testing.TB) cache.Store {
			dir := t.TempDir()
			return dirDisk{openDisk(t, dir, 0), dir}
		},
		Reopen: func(t testing.TB, s cache.Store) cache.Store {
			old := s.(dirDisk)
			closeStore(t, old)
			return dirDisk{openDisk(t, old.dir, 0), old.dir}
		},
		Settle: func(s cache.Store) { s.(dirDisk).WaitBuilt() },
	})
}

func TestTiers(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		New: func(t testing.TB) cache.Store { return newStack(t, t.TempDir()) },
		Reopen: func(t testing.TB, s cache.Store) cache.Store {
			old := s.(*stack)
			closeStore(t, old.disk)
			return newStack(t, old.dir)
		},
		Settle: func(s cache.Store) { s.(*stack).disk.WaitBuilt() },
	})
}

// everyNth fails each nth operation that is one of ops.
func everyNth(n int64, ops ...cachetest.Op) func(cachetest.Op, cache.Key) bool {
	var count atomic.Int64
	return func(op cachetest.Op, _ cache.Key) bool {
		if slices.Contains(ops, op) {
			return count.Add(1)%n == 0
		}
		return false
	}
}

// TestFaulty verifies that the suite can tell a store that loses from one that lies.
func TestFaulty(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		New: func(t testing.TB) cache.Store {
			return &cachetest.Faulty{Store: newMemory(t), Fail: everyNth(3, cachetest.Get, cachetest.Put, cachetest.Delete)}
		},
		Lossy: true,
	})
}

// TestTiersOverFaults verifies that a stack with one failing tier loses at most, and that it never answers with what it
// replaced or deleted. Deletes of the failing tier work: a tier that can neither write nor remove cannot be helped.
func TestTiersOverFaults(t *testing.T) {
	for name, build := range map[string]func(failing, sound cache.Store) *cache.Tiers{
		"FastTierFails": func(failing, sound cache.Store) *cache.Tiers {
			return cache.NewTiers(cache.TiersOptions{}, failing, sound)
		},
		"SlowTierFails": func(failing, sound cache.Store) *cache.Tiers {
			return cache.NewTiers(cache.TiersOptions{}, sound, failing)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cachetest.Run(t, cachetest.Suite{
				New: func(t testing.TB) cache.Store {
					failing := &cachetest.Faulty{Store: newMemory(t), Fail: everyNth(2, cachetest.Get, cachetest.Put)}
					return build(failing, newMemory(t))
				},
			})
		})
	}
}
