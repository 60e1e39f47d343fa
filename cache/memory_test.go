package cache_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

func newMemoryOf(t testing.TB, maxBytes int64) *cache.Memory {
	t.Helper()
	m, err := cache.NewMemory(cache.MemoryOptions{MaxBytes: maxBytes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, m) })
	return m
}

// TestMemoryBudget puts ten times the budget, new and replaced, and expects never to hold more.
func TestMemoryBudget(t *testing.T) {
	const budget = 1 << 20
	m := newMemoryOf(t, budget)
	for i := range 1000 {
		k := cache.NewKey(cache.Rendition, fmt.Sprint(i%150))
		err := m.Put(t.Context(), k, cachetest.Object(k, i, 10_000+10*i))
		if err != nil && !errors.Is(err, cache.ErrNotKept) {
			t.Fatalf("Put = %v", err)
		}
		if st := m.Stats(); st.Bytes > budget || st.Bytes < 0 {
			t.Fatalf("after %d Puts: %d bytes, want at most %d", i+1, st.Bytes, budget)
		}
	}
	st := m.Stats()
	if st.Bytes < budget/2 || st.Evicted == 0 || st.Objects < 40 {
		t.Errorf("Stats = %+v; want a full store that evicted", st)
	}
}

// TestMemoryBudgetUnderLoad puts new and growing objects from eight goroutines, reads and deletes among them, and looks at
// each step: never more is held than the budget and the objects of the Puts under way, and nothing is booked for ever.
func TestMemoryBudgetUnderLoad(t *testing.T) {
	const budget, writers, largest = 1 << 20, 8, 30_000
	m := newMemoryOf(t, budget)
	var wg sync.WaitGroup
	for g := range writers {
		wg.Go(func() {
			for i := range 400 {
				k := cache.NewKey(cache.Rendition, fmt.Sprint((i*7+g)%120))
				switch i % 10 {
				case 8:
					_, _ = m.Get(t.Context(), k)
				case 9:
					_ = m.Delete(t.Context(), k)
				default:
					_ = m.Put(t.Context(), k, cachetest.Object(k, i, (i*g*37)%largest))
				}
				if st := m.Stats(); st.Bytes > budget+writers*(largest+1000) || st.Bytes < 0 {
					t.Errorf("%d bytes are held, want at most %d and what %d Puts are at", st.Bytes, budget, writers)
				}
			}
		})
	}
	wg.Wait()
	if st := m.Stats(); st.Bytes > budget || st.Bytes < budget/2 {
		t.Errorf("%d bytes are held in the end, want at most %d and more than half", st.Bytes, budget)
	}
	for i := range 120 {
		if err := m.Delete(t.Context(), cache.NewKey(cache.Rendition, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if st := m.Stats(); st.Bytes != 0 || st.Objects != 0 {
		t.Errorf("Stats = %+v after everything was deleted; want nothing held", st)
	}
}

// TestMemoryTooLarge verifies that an object above an eighth of the budget is refused, and that what it was to replace
// is forgotten rather than answered with.
func TestMemoryTooLarge(t *testing.T) {
	m := newMemoryOf(t, 80_000)
	k := cache.NewKey(cache.Pointer, "grows")
	put(t, m, k, cachetest.Object(k, 1, 5000))
	if err := m.Put(t.Context(), k, cachetest.Object(k, 2, 10_000)); !errors.Is(err, cache.ErrNotKept) {
		t.Errorf("Put = %v, want ErrNotKept", err)
	}
	wantMiss(t, m, k)
	if st := m.Stats(); st.Objects != 0 || st.Bytes != 0 || st.Dropped != 1 {
		t.Errorf("Stats = %+v; want nothing kept and one dropped", st)
	}
}

// TestMemoryOverhead measures what an object costs beside its bytes, against what is charged for it.
func TestMemoryOverhead(t *testing.T) {
	const objects = 50_000
	m := newMemoryOf(t, 1<<30)
	before := heap()
	for i := range objects {
		put(t, m, cache.NewKey(cache.Pointer, fmt.Sprint(i)), &cache.Object{})
	}
	each := (heap() - before) / objects
	charged := m.Stats().Bytes / objects
	t.Logf("%d bytes each, %d charged", each, charged)
	if each > charged || each < charged/4 {
		t.Errorf("an object without bytes takes %d bytes of heap, charged %d: want about that and not more", each, charged)
	}
	runtime.KeepAlive(m)
}

// TestMemoryClosed verifies that closing under load neither panics nor hangs, and that late calls are harmless.
func TestMemoryClosed(t *testing.T) {
	m := newMemoryOf(t, 1<<20)
	k := cache.NewKey(cache.Pointer, "k")
	started := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				switch g % 3 {
				case 0:
					// ErrNotKept once it is closed.
					_ = m.Put(t.Context(), k, cachetest.Object(k, i, 10))
				case 1:
					_ = m.Delete(t.Context(), k)
				default:
					_, _ = m.Get(t.Context(), k)
				}
				if i == 100 {
					started <- struct{}{}
				}
			}
		})
	}
	<-started
	closeStore(t, m)
	wg.Wait()
	closeStore(t, m)
	wantMiss(t, m, k)
	if err := m.Put(t.Context(), k, cachetest.Object(k, 1, 10)); !errors.Is(err, cache.ErrNotKept) {
		t.Errorf("Put after Close = %v, want ErrNotKept", err)
	}
	if err := m.Delete(t.Context(), k); err != nil {
		t.Errorf("Delete after Close = %v", err)
	}
}

func TestNewMemoryErrors(t *testing.T) {
	if _, err := cache.NewMemory(cache.MemoryOptions{MaxBytes: -1}); err == nil {
		t.Error("NewMemory of -1 bytes = nil, want an error")
	}
}
