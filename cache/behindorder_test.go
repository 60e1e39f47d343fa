package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// orderedStore notes which pointer is put while the original before it is missing.
type orderedStore struct {
	*slowStore
	original func(pointer cache.Key) cache.Key
	early    int
}

func (s *orderedStore) Put(ctx context.Context, k cache.Key, o *cache.Object) error {
	if k.Kind == cache.Original {
		time.Sleep(10 * s.takes) // large
	} else if k.Kind == cache.Pointer {
		s.mu.Lock()
		if s.objects[s.original(k)] == nil {
			s.early++
		}
		s.mu.Unlock()
	}
	return s.slowStore.Put(ctx, k, o)
}

// TestBehindNoWait verifies, over a store that takes a second for everything, that no Put waits but PutLasting, that a pointer is put
// after the originals before it, also after a later pointer took its place, and that Settled waits for exactly its keys.
func TestBehindNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		originals := map[cache.Key]cache.Key{}
		slow := &orderedStore{slowStore: newSlowStore(time.Second), original: func(k cache.Key) cache.Key { return originals[k] }}
		b := newBehind(t, slow, cache.BehindOptions{NoWait: true})
		begun := time.Now()
		put := func(k cache.Key, v int) {
			t.Helper()
			if err := b.Put(t.Context(), k, cachetest.Object(k, v, 100)); err != nil {
				t.Errorf("Put(%s) = %v", k, err)
			}
		}
		var pointers []cache.Key
		for i := range 6 {
			original, pointer := cache.NewKey(cache.Original, fmt.Sprint(i)), cache.NewKey(cache.Pointer, fmt.Sprint(i))
			originals[pointer] = original
			pointers = append(pointers, pointer)
			put(original, 1)
			put(pointer, 1)
			put(pointer, 2)
		}
		rendition := cache.NewKey(cache.Rendition, "made")
		put(rendition, 1)
		if took := time.Since(begun); took != 0 {
			t.Errorf("Puts waited for %v", took)
		}
		if got := version(t, b, pointers[0]); got != 2 {
			t.Errorf("while it waits: version %d, want 2", got)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := b.Settled(short, pointers[0]); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Settled = %v before anything is, want the context's end", err)
		}
		if err := b.Settled(t.Context(), append(pointers, rendition)...); err != nil {
			t.Errorf("Settled = %v", err)
		}
		for _, k := range pointers {
			if got := slowVersion(t, slow.slowStore, k); got != 2 {
				t.Errorf("%s: version %d, want 2", k, got)
			}
		}
		if slowVersion(t, slow.slowStore, rendition) != 1 || slow.early != 0 {
			t.Errorf("settled without the rendition, or %d pointers before their originals", slow.early)
		}
		begun = time.Now()
		if err := b.Settled(t.Context(), rendition, cache.NewKey(cache.Original, "never put")); err != nil || time.Since(begun) != 0 {
			t.Errorf("Settled of what is = %v after %v, want nil at once", err, time.Since(begun))
		}
		if err := b.PutLasting(t.Context(), pointers[0], cachetest.Object(pointers[0], 3, 10)); err != nil || time.Since(begun) == 0 {
			t.Errorf("PutLasting = %v after %v, want nil when it is kept", err, time.Since(begun))
		}
		failure := errors.New("no")
		slow.fail.Store(&failure)
		if err := b.PutLasting(t.Context(), pointers[0], cachetest.Object(pointers[0], 4, 10)); !errors.Is(err, failure) {
			t.Errorf("PutLasting on a store that fails = %v", err)
		}
		closeStore(t, b)
	})
}

// firstWins keeps the first rendition under a key.
type firstWins struct{ *slowStore }

func (s firstWins) Put(ctx context.Context, k cache.Key, o *cache.Object) error {
	s.mu.Lock()
	_, there := s.objects[k]
	s.mu.Unlock()
	if there && k.Kind == cache.Rendition {
		return fmt.Errorf("%w: %w", cache.ErrNotKept, cache.ErrExists)
	}
	return s.slowStore.Put(ctx, k, o)
}

// TestTiersAdopt verifies that the faster tiers have in the end what another machine put first into the shared one, which keeps it.
func TestTiersAdopt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := firstWins{newSlowStore(time.Second)}
		near, disk := newSlowStore(0), newSlowStore(0)
		var tiers *cache.Tiers
		adopted := make(chan bool, 1)
		b := newBehind(t, shared, cache.BehindOptions{NoWait: true, Exists: func(k cache.Key) { adopted <- tiers.Adopt(t.Context(), k) }})
		tiers = cache.NewTiers(cache.TiersOptions{}, near, disk, b)
		k := cache.NewKey(cache.Rendition, "made twice")
		if err := shared.Put(t.Context(), k, cachetest.Object(k, 1, 100)); err != nil {
			t.Fatal(err)
		}
		if err := tiers.Put(t.Context(), k, cachetest.Object(k, 2, 100)); err != nil {
			t.Errorf("Put = %v", err)
		}
		if got := version(t, tiers, k); got != 2 {
			t.Errorf("at first: version %d, want its own", got)
		}
		if !<-adopted {
			t.Error("Adopt = false")
		}
		for name, s := range map[string]*slowStore{"near": near, "disk": disk, "shared": shared.slowStore} {
			if got := slowVersion(t, s, k); got != 1 {
				t.Errorf("%s: version %d, want the first", name, got)
			}
		}
		if err := tiers.Settled(t.Context(), k); err != nil {
			t.Errorf("Settled = %v", err)
		}
		closeStore(t, b)
	})
}

// TestTiersPutLasting verifies that what must last has reached the slowest tier, or is an error, although others keep it.
func TestTiersPutLasting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newSlowStore(time.Second)
		near := newSlowStore(0)
		b := newBehind(t, shared, cache.BehindOptions{NoWait: true})
		tiers := cache.NewTiers(cache.TiersOptions{}, near, b)
		k := cache.NewKey(cache.Pointer, "tombstone")
		if err := tiers.PutLasting(t.Context(), k, cachetest.Object(k, 1, 10)); err != nil || slowVersion(t, shared, k) != 1 {
			t.Errorf("PutLasting = %v with version %d in the slowest tier", err, slowVersion(t, shared, k))
		}
		failure := errors.New("no")
		shared.fail.Store(&failure)
		if err := tiers.PutLasting(t.Context(), k, cachetest.Object(k, 2, 10)); !errors.Is(err, failure) || slowVersion(t, near, k) != 2 {
			t.Errorf("PutLasting = %v, version %d in the fast tier; want the failure, and 2", err, slowVersion(t, near, k))
		}
		closeStore(t, b)
	})
}
