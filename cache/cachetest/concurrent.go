package cachetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dd8bf596/cutline/cache"
)

// testConcurrent verifies, with 64 goroutines on 8 keys, that nobody ever sees one object's body with another's meta, a
// mixture of two, or another key's object; and that one of the last Puts is left, whole.
func testConcurrent(t *testing.T, b *bench) {
	keys := make([]cache.Key, 8)
	for i := range keys {
		keys[i] = cache.NewKey(kinds()[i%3], fmt.Sprint(i))
	}
	var hits atomic.Int64
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for i := range 12 {
				k := keys[r.IntN(len(keys))]
				switch r.IntN(8) {
				case 0:
					if err := b.store.Delete(t.Context(), k); err != nil && !b.Lossy {
						t.Errorf("Delete(%s) = %v", k, err)
					}
				case 1, 2, 3:
					o := Object(k, g*1000+i, 1+r.IntN(20_000))
					if err := b.store.Put(t.Context(), k, o); err != nil && !b.Lossy && !(b.FirstWins && errors.Is(err, cache.ErrNotKept)) {
						t.Errorf("Put(%s) = %v", k, err)
					}
				default:
					if b.check(t, k) {
						hits.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	b.settle()
	for _, k := range keys {
		b.check(t, k)
	}
	if hits.Load() == 0 {
		t.Error("no hit at all: proves nothing")
	}
}

// check gets k and verifies that it is some object of k, whole, or a miss.
func (b *bench) check(t *testing.T, k cache.Key) (hit bool) {
	o, err := b.store.Get(t.Context(), k)
	if err != nil {
		if !errors.Is(err, cache.ErrMiss) {
			t.Errorf("Get(%s) = %v", k, err)
		}
		return false
	}
	if _, err := Verify(k, o); err != nil {
		t.Error(err)
	}
	return true
}

// testOverwriteIsVisible verifies that a Get that begins after a Put returned nil never returns an earlier version, while
// readers keep the faster tiers busy with whatever they found.
func testOverwriteIsVisible(t *testing.T, b *bench) {
	k := cache.NewKey(cache.Pointer, "counted up")
	var done atomic.Bool
	var kept atomic.Int64 // the last version that a Put kept
	kept.Store(-1)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !done.Load() {
				least := kept.Load()
				o, err := b.store.Get(t.Context(), k)
				if err != nil {
					continue
				}
				version, err := Verify(k, o)
				if err != nil {
					t.Error(err)
				}
				if int64(version) < least {
					t.Errorf("Get returned version %d after Put of version %d returned", version, least)
				}
			}
		})
	}
	for version := range 40 {
		// Sizes differ, so that the store replaces by smaller and by larger ones.
		if err := b.store.Put(t.Context(), k, Object(k, version, 100+version*37%900)); err == nil {
			kept.Store(int64(version))
		} else if !b.Lossy {
			t.Errorf("Put of version %d = %v", version, err)
		}
	}
	done.Store(true)
	wg.Wait()
}

// testDeleteIsVisible verifies that a Get that begins after a Delete returned nil misses, although readers were under way
// with the object, which they must not put back.
func testDeleteIsVisible(t *testing.T, b *bench) {
	k := cache.NewKey(cache.Pointer, "purged")
	for version := range 20 {
		b.put(t, k, Object(k, version, 300))
		var done atomic.Bool
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for !done.Load() {
					b.check(t, k)
				}
			})
		}
		if b.remove(t, k) {
			b.wantMiss(t, k)
		}
		done.Store(true)
		wg.Wait()
		if t.Failed() {
			return
		}
	}
}
