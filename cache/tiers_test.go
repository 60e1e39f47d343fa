package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// gate is a Store whose Get, once it has its answer, waits until it may return it.
type gate struct {
	cache.Store
	arrived, leave chan struct{}
}

func newGate(s cache.Store) *gate {
	return &gate{Store: s, arrived: make(chan struct{}), leave: make(chan struct{})}
}

func (g *gate) Get(ctx context.Context, k cache.Key) (*cache.Object, error) {
	o, err := g.Store.Get(ctx, k)
	g.arrived <- struct{}{}
	<-g.leave
	return o, err
}

// TestTiersFillRaces stops a Get between reading the slow tier and filling the fast one, changes the object, and expects
// that the fill does not bring the earlier object back.
func TestTiersFillRaces(t *testing.T) {
	k := cache.NewKey(cache.Pointer, "raced")
	old, replaced := cachetest.Object(k, 1, 300), cachetest.Object(k, 2, 300)
	for name, tt := range map[string]struct {
		change func(*cache.Tiers) error
		want   int // version in the fast tier afterwards; 0 is a miss
	}{
		"nothing happens": {func(*cache.Tiers) error { return nil }, 1},
		"deleted":         {func(s *cache.Tiers) error { return s.Delete(t.Context(), k) }, 0},
		"replaced":        {func(s *cache.Tiers) error { return s.Put(t.Context(), k, replaced) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			fast, slow := newMemory(t), newMemory(t)
			put(t, slow, k, old)
			gated := newGate(slow)
			s := cache.NewTiers(cache.TiersOptions{}, fast, gated)
			got := make(chan *cache.Object)
			go func() {
				o, err := s.Get(t.Context(), k)
				if err != nil {
					t.Errorf("Get = %v", err)
				}
				got <- o
			}()
			<-gated.arrived
			if err := tt.change(s); err != nil {
				t.Fatal(err)
			}
			close(gated.leave)
			if v, err := cachetest.Verify(k, <-got); v != 1 || err != nil {
				t.Errorf("the Get under way returned version %d, %v; want 1, which it had read", v, err)
			}
			if tt.want == 0 {
				wantMiss(t, fast, k)
			} else if v, err := cachetest.Verify(k, get(t, fast, k)); v != tt.want || err != nil {
				t.Errorf("fast tier has version %d, %v; want %d", v, err, tt.want)
			}
		})
	}
}

// slowDelete is a Store whose Delete waits before it does anything.
type slowDelete struct {
	cache.Store
	arrived, leave chan struct{}
}

func (s *slowDelete) Delete(ctx context.Context, k cache.Key) error {
	s.arrived <- struct{}{}
	<-s.leave
	return s.Store.Delete(ctx, k)
}

// TestTiersFillDuringDelete has a whole Get happen while a Delete is under way: the Get notes the generation after the
// Delete began and would fill before it ends.
func TestTiersFillDuringDelete(t *testing.T) {
	k := cache.NewKey(cache.Pointer, "raced")
	fast := newMemory(t)
	slow := &slowDelete{Store: newMemory(t), arrived: make(chan struct{}), leave: make(chan struct{})}
	put(t, slow, k, cachetest.Object(k, 1, 300))
	s := cache.NewTiers(cache.TiersOptions{}, fast, slow)
	deleted := make(chan error)
	go func() { deleted <- s.Delete(t.Context(), k) }()
	<-slow.arrived
	get(t, s, k) // does not wait for the Delete either
	wantMiss(t, fast, k)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, k, cachetest.Object(k, 2, 300)); !errors.Is(err, context.Canceled) {
		t.Errorf("Put that waits for the Delete, with an ended context = %v, want context.Canceled", err)
	}
	close(slow.leave)
	if err := <-deleted; err != nil {
		t.Errorf("Delete = %v", err)
	}
	wantMiss(t, s, k)
}

// TestTiersErrors verifies what follows from having no tier, one, or only failing ones.
func TestTiersErrors(t *testing.T) {
	k := cache.NewKey(cache.Pointer, "k")
	o := cachetest.Object(k, 1, 10)
	broken := func() cache.Store {
		return &cachetest.Faulty{Store: newMemory(t), Fail: func(cachetest.Op, cache.Key) bool { return true }}
	}
	for name, tt := range map[string]struct {
		stores []cache.Store
		kept   bool
	}{
		"none":              {nil, false},
		"broken":            {[]cache.Store{broken(), broken()}, false},
		"sound":             {[]cache.Store{newMemory(t)}, true},
		"broken over sound": {[]cache.Store{broken(), newMemory(t)}, true},
		"sound over broken": {[]cache.Store{newMemory(t), broken()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := cache.NewTiers(cache.TiersOptions{}, tt.stores...)
			wantMiss(t, s, k)
			err := s.PutLasting(t.Context(), k, o)
			if lasts := tt.kept && name != "sound over broken"; lasts != (err == nil) {
				t.Errorf("PutLasting = %v", err)
			}
			err = s.Put(t.Context(), k, o)
			if tt.kept {
				if err != nil {
					t.Fatalf("Put = %v", err)
				}
				get(t, s, k)
				return
			}
			if !errors.Is(err, cache.ErrNotKept) {
				t.Errorf("Put = %v, want ErrNotKept", err)
			}
			wantMiss(t, s, k)
			if err := s.Delete(t.Context(), k); (err != nil) != (tt.stores != nil) {
				t.Errorf("Delete = %v", err)
			}
		})
	}
}

// TestTiersFailedReplacement verifies that a tier which could not take the new object does not keep the earlier one,
// except an original, whose earlier bytes are the same.
func TestTiersFailedReplacement(t *testing.T) {
	for _, kind := range []cache.Kind{cache.Pointer, cache.Original, cache.Rendition} {
		t.Run(kind.String(), func(t *testing.T) {
			k := cache.NewKey(kind, "k")
			slow := newMemory(t)
			put(t, slow, k, cachetest.Object(k, 1, 10))
			full := &cachetest.Faulty{Store: slow, Fail: func(op cachetest.Op, _ cache.Key) bool { return op == cachetest.Put }}
			put(t, cache.NewTiers(cache.TiersOptions{}, newMemory(t), full), k, cachetest.Object(k, 1, 10))
			if _, err := slow.Get(t.Context(), k); (err == nil) != (kind == cache.Original) {
				t.Errorf("Get from the tier that failed = %v", err)
			}
		})
	}
}

// reports collects what Tiers report, as "TIER: ERROR" or "TIER: ok".
type reports []string

func (r *reports) report(tier int, err error) {
	text := "ok"
	switch {
	case errors.Is(err, cachetest.ErrFault):
		text = "fault"
	case err != nil:
		text = err.Error()
	}
	*r = append(*r, fmt.Sprintf("%d: %s", tier, text))
}

// declining is a sound Store that keeps nothing.
type declining struct{ cache.Store }

func (declining) Put(context.Context, cache.Key, *cache.Object) error { return cache.ErrNotKept }

// abandoned is a Store whose caller gives up during its Put.
type abandoned struct {
	cache.Store
	cancel context.CancelFunc
}

func (a abandoned) Put(ctx context.Context, _ cache.Key, _ *cache.Object) error {
	a.cancel()
	return ctx.Err()
}

// TestTiersReport verifies that a medium's failures are told apart from an everyday refusal, on Puts and on fills, and
// that a recovery is told once.
func TestTiersReport(t *testing.T) {
	k := cache.NewKey(cache.Pointer, "k")
	o := cachetest.Object(k, 1, 10)
	ended, cancel := context.WithCancel(t.Context())
	defer cancel()
	broken := map[cachetest.Op]bool{}
	faulty := func(s cache.Store) cache.Store {
		return &cachetest.Faulty{Store: s, Fail: func(op cachetest.Op, _ cache.Key) bool { return broken[op] }}
	}
	for name, tt := range map[string]struct {
		build func() []cache.Store
		do    func(s *cache.Tiers, tiers []cache.Store)
		want  reports
	}{
		"a sound stack": {
			func() []cache.Store { return []cache.Store{newMemory(t), newMemory(t)} },
			func(s *cache.Tiers, _ []cache.Store) { put(t, s, k, o) },
			nil,
		},
		"a tier that declines": {
			func() []cache.Store { return []cache.Store{newMemory(t), declining{newMemory(t)}} },
			func(s *cache.Tiers, _ []cache.Store) { put(t, s, k, o) },
			nil,
		},
		"a tier that cannot write, and can again": {
			func() []cache.Store { return []cache.Store{newMemory(t), faulty(newMemory(t))} },
			func(s *cache.Tiers, _ []cache.Store) {
				broken[cachetest.Put] = true
				put(t, s, k, o)
				put(t, s, k, o)
				broken[cachetest.Put] = false
				put(t, s, k, o)
				put(t, s, k, o)
			},
			reports{"1: fault", "1: fault", "1: ok"},
		},
		"a tier that can neither write nor forget": {
			func() []cache.Store { return []cache.Store{newMemory(t), faulty(newMemory(t))} },
			func(s *cache.Tiers, _ []cache.Store) {
				broken[cachetest.Put], broken[cachetest.Delete] = true, true
				put(t, s, k, o)
			},
			reports{"1: fault", "1: fault"},
		},
		"a tier that declines and cannot forget": {
			func() []cache.Store { return []cache.Store{newMemory(t), faulty(declining{newMemory(t)})} },
			func(s *cache.Tiers, _ []cache.Store) {
				broken[cachetest.Delete] = true
				put(t, s, k, o)
			},
			reports{"1: fault"},
		},
		"every tier": {
			func() []cache.Store { return []cache.Store{faulty(newMemory(t)), faulty(newMemory(t))} },
			func(s *cache.Tiers, _ []cache.Store) {
				broken[cachetest.Put] = true
				if err := s.Put(t.Context(), k, o); !errors.Is(err, cache.ErrNotKept) {
					t.Errorf("Put = %v, want ErrNotKept", err)
				}
			},
			reports{"0: fault", "1: fault"},
		},
		"a fill": {
			func() []cache.Store { return []cache.Store{faulty(newMemory(t)), newMemory(t)} },
			func(s *cache.Tiers, tiers []cache.Store) {
				put(t, tiers[1], k, o)
				broken[cachetest.Put] = true
				get(t, s, k)
			},
			reports{"0: fault"},
		},
		"a caller that gives up": {
			func() []cache.Store { return []cache.Store{newMemory(t), abandoned{newMemory(t), cancel}} },
			func(s *cache.Tiers, _ []cache.Store) {
				if err := s.Put(ended, k, o); err != nil {
					t.Errorf("Put = %v; want nil, the first tier has it", err)
				}
			},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			clear(broken)
			var got reports
			tiers := tt.build()
			tt.do(cache.NewTiers(cache.TiersOptions{Report: got.report}, tiers...), tiers)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
		})
	}
}

// fixed is a Store that always has its object, without allocating.
type fixed struct {
	cache.Store
	object cache.Object
}

func (f *fixed) Get(context.Context, cache.Key) (*cache.Object, error) { return &f.object, nil }

// TestTiersHitAllocates verifies that a hit in the first tier costs no allocation beside the tier's own. Memory's are
// reported by BenchmarkMemoryGet: ristretto allocates for a batch of 64 Gets, and at random under the race detector.
func TestTiersHitAllocates(t *testing.T) {
	s := cache.NewTiers(cache.TiersOptions{}, &fixed{}, newMemory(t))
	k := cache.NewKey(cache.Rendition, "hot")
	ctx := t.Context()
	n := testing.AllocsPerRun(1000, func() {
		if _, err := s.Get(ctx, k); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per hit, want 0", n)
	}
}
