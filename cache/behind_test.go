package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

func newBehind(t testing.TB, s cache.Store, o cache.BehindOptions) *cache.Behind {
	t.Helper()
	b, err := cache.NewBehind(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, b) })
	return b
}

type behindDisk struct {
	*cache.Behind
	disk *cache.Disk
	dir  string
}

func newBehindDisk(t testing.TB, dir string) cache.Store {
	d := openDisk(t, dir, 0)
	return behindDisk{newBehind(t, d, cache.BehindOptions{}), d, dir}
}

func TestBehind(t *testing.T) {
	cachetest.Run(t, cachetest.Suite{
		New: func(t testing.TB) cache.Store { return newBehindDisk(t, t.TempDir()) },
		Reopen: func(t testing.TB, s cache.Store) cache.Store {
			old := s.(behindDisk)
			closeStore(t, old)
			closeStore(t, old.disk)
			return newBehindDisk(t, old.dir)
		},
		Settle: func(s cache.Store) { s.(behindDisk).disk.WaitBuilt() },
	})
}

// slowStore keeps objects in a map and takes its time for it.
type slowStore struct {
	takes time.Duration
	fail  atomic.Pointer[error]

	mu      sync.Mutex
	objects map[cache.Key]*cache.Object
	puts    int
	most    int // puts under way at one time
	now     int
}

func newSlowStore(takes time.Duration) *slowStore {
	return &slowStore{takes: takes, objects: map[cache.Key]*cache.Object{}}
}

func (s *slowStore) Get(_ context.Context, k cache.Key) (*cache.Object, error) {
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.objects[k]; ok {
		return o, nil
	}
	return nil, cache.ErrMiss
}

func (s *slowStore) Put(ctx context.Context, k cache.Key, o *cache.Object) error {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	if err := s.fail.Load(); err != nil {
		return *err
	}
	s.puts++
	s.objects[k] = o
	return ctx.Err()
}

func (s *slowStore) Delete(_ context.Context, k cache.Key) error {
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, k)
	return nil
}

func version(t testing.TB, s cache.Store, k cache.Key) int {
	t.Helper()
	o, err := s.Get(t.Context(), k)
	if errors.Is(err, cache.ErrMiss) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	v, err := cachetest.Verify(k, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// slowVersion is the version of k that s has, without s taking its time.
func slowVersion(t testing.TB, s *slowStore, k cache.Key) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects[k] == nil {
		return 0
	}
	v, err := cachetest.Verify(k, s.objects[k])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestBehindSlowDisk puts more than may wait on a disk that takes 200 ms for everything. No Put and no hit in memory waits
// for it; what waits is bounded; the rest is dropped, and counted; and what was not dropped is there in the end.
func TestBehindSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, waiting = 10_000, 20
		slow := newSlowStore(200 * time.Millisecond)
		b := newBehind(t, slow, cache.BehindOptions{MaxBytes: waiting * (size + 100)})
		tiers := cache.NewTiers(cache.TiersOptions{}, newSlowStore(0), b)
		keys := make([]cache.Key, 50)
		start := time.Now()
		for i := range keys {
			keys[i] = cache.NewKey(cache.Rendition, fmt.Sprint(i))
			put(t, tiers, keys[i], cachetest.Object(keys[i], 1, size))
			get(t, tiers, keys[i])
		}
		pointer, original := cache.NewKey(cache.Pointer, "leads to all else"), cache.NewKey(cache.Original, "archive")
		if took := time.Since(start); took != 0 {
			t.Errorf("Puts and hits took %s, want no time", took)
		}
		st := b.Stats()
		if dropped := int64(len(keys) - waiting); st.Puts != 50 || st.Dropped != dropped || st.Bytes > waiting*(size+100)+600 {
			t.Errorf("Stats = %+v; want %d dropped", st, dropped)
		}
		for _, k := range []cache.Key{original, pointer} { // of what waits the first to be written
			synctest.Wait() // until four are
			start = time.Now()
			put(t, tiers, k, cachetest.Object(k, 1, 500))
			if took := time.Since(start); took != 2*slow.takes || slowVersion(t, slow, k) != 1 {
				t.Errorf("%s took %s, and is there at version %d; want %s, 1", k, took, slowVersion(t, slow, k), 2*slow.takes)
			}
		}
		closeStore(t, b)
		kept := 0
		for _, k := range keys {
			kept += version(t, slow, k)
		}
		if kept != waiting || version(t, slow, pointer)+version(t, slow, original) != 2 || slow.most > 4 {
			t.Errorf("%d renditions kept, pointer and original: %d, %d at one time; want %d, 2, at most 4",
				kept, version(t, slow, pointer)+version(t, slow, original), slow.most, waiting)
		}
		if st := b.Stats(); st.Objects != 0 || st.Bytes != 0 {
			t.Errorf("Stats = %+v; want nothing waiting", st)
		}
	})
}

// TestBehindOrder changes one key while an earlier change is under way: Get sees the latest at every moment, changes that
// were overtaken are not done, and the store ends with the last.
func TestBehindOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newSlowStore(time.Second)
		b := newBehind(t, slow, cache.BehindOptions{})
		k := cache.NewKey(cache.Rendition, "k")
		for v := 1; v <= 5; v++ {
			put(t, b, k, cachetest.Object(k, v, 100))
			synctest.Wait() // version 1 is being written, the others wait
			if got := version(t, b, k); got != v {
				t.Errorf("Get = version %d, want %d", got, v)
			}
		}
		time.Sleep(5 * time.Second)
		if got := version(t, slow, k); got != 5 || slow.puts != 2 {
			t.Errorf("version %d after %d Puts, want 5 after 2", got, slow.puts)
		}
	})
}

// TestBehindDelete deletes what is being written and what waits behind it: when Delete returns, neither comes back.
func TestBehindDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newSlowStore(time.Second)
		b := newBehind(t, slow, cache.BehindOptions{})
		k := cache.NewKey(cache.Rendition, "k")
		put(t, b, k, cachetest.Object(k, 1, 100))
		synctest.Wait()
		put(t, b, k, cachetest.Object(k, 2, 100))
		if err := b.Delete(t.Context(), k); err != nil {
			t.Errorf("Delete = %v", err)
		}
		time.Sleep(time.Minute)
		if got, puts := version(t, b, k), slow.puts; got != 0 || puts != 1 {
			t.Errorf("after Delete: version %d after %d Puts, want none after 1", got, puts)
		}
		// A Delete whose caller leaves is done all the same, and after it what was put since.
		put(t, b, k, cachetest.Object(k, 3, 100))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := b.Delete(ctx, k); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Delete = %v, want the context's error", err)
		}
		if got := version(t, b, k); got != 0 {
			t.Errorf("version %d, want none", got)
		}
		put(t, b, k, cachetest.Object(k, 4, 100))
		time.Sleep(time.Minute)
		if got := version(t, slow, k); got != 4 {
			t.Errorf("version %d, want 4", got)
		}
	})
}

// TestBehindReports fails the disk and repairs it: each failure is told, and once that it works again; what was there
// before is not left; what is declined is no failure.
func TestBehindReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newSlowStore(0)
		var told []error
		b := newBehind(t, slow, cache.BehindOptions{Report: func(err error) { told = append(told, err) }})
		k, full := cache.NewKey(cache.Rendition, "k"), errors.New("disk full")
		for v, err := range []error{nil, full, cache.ErrNotKept, full, nil, nil} {
			if slow.fail.Store(&err); err == nil {
				slow.fail.Store(nil)
			}
			put(t, b, k, cachetest.Object(k, v+1, 100))
			synctest.Wait()
			want := v + 1
			if err != nil {
				want = 0
			}
			if got := version(t, b, k); got != want {
				t.Errorf("version %d, want %d", got, want)
			}
		}
		if fmt.Sprint(told) != fmt.Sprint([]error{full, full, nil}) {
			t.Errorf("told %v, want two failures, and then that it works again", told)
		}
		if st := b.Stats(); st.Dropped != 3 {
			t.Errorf("Stats = %+v; want 3 dropped", st)
		}
	})
}

// TestBehindPointers waits for a pointer until its context ends, and is told when the disk does not keep it.
func TestBehindPointers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newSlowStore(time.Second)
		b := newBehind(t, slow, cache.BehindOptions{})
		k := cache.NewKey(cache.Pointer, "k")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := b.Put(ctx, k, cachetest.Object(k, 1, 100)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Put = %v, want the context's error", err)
		}
		put(t, b, k, cachetest.Object(k, 2, 100))
		if got := slowVersion(t, slow, k); got != 2 {
			t.Errorf("version %d when Put returned, want 2", got)
		}
		full := errors.New("disk full")
		slow.fail.Store(&full)
		if err := b.Put(t.Context(), k, cachetest.Object(k, 3, 100)); !errors.Is(err, cache.ErrNotKept) {
			t.Errorf("Put on a full disk = %v, want ErrNotKept", err)
		}
		if got := version(t, b, k); got != 0 {
			t.Errorf("version %d after a Put that failed, want none", got)
		}
	})
}

// TestBehindClose closes in front of a disk that hangs, and says what was lost.
func TestBehindClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		b := newBehind(t, newSlowStore(time.Minute), cache.BehindOptions{Report: func(err error) { told = append(told, err) }})
		k := cache.NewKey(cache.Rendition, "k")
		put(t, b, k, cachetest.Object(k, 1, 100))
		closeStore(t, b)
		if want := "[cache: 1 objects were not written before the end]"; fmt.Sprint(told) != want {
			t.Errorf("told %v, want %s", told, want)
		}
		if err := b.Put(t.Context(), k, cachetest.Object(k, 2, 100)); !errors.Is(err, cache.ErrNotKept) {
			t.Errorf("Put after Close = %v, want ErrNotKept", err)
		}
		time.Sleep(time.Hour)
	})
	if _, err := cache.NewBehind(newSlowStore(0), cache.BehindOptions{MaxBytes: -1}); err == nil {
		t.Error("NewBehind with a negative size = nil, want an error")
	}
}
