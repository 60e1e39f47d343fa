package render

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A lockTable is the locks of all nodes.
type lockTable struct {
	mu   sync.Mutex
	held map[string]chan struct{}
	most atomic.Int64 // locks that were held at one time
}

// Lock implements Locker.
func (l *lockTable) Lock(ctx context.Context, keys ...string) (release func(), look bool) {
	var mine []string
	for _, k := range keys {
		for {
			l.mu.Lock()
			if l.held == nil {
				l.held = map[string]chan struct{}{}
			}
			other := l.held[k]
			if other == nil {
				l.held[k] = make(chan struct{})
				l.most.Store(max(l.most.Load(), int64(len(l.held))))
				l.mu.Unlock()
				mine = append(mine, k)
				break
			}
			l.mu.Unlock()
			select {
			case <-other:
				continue
			case <-ctx.Done():
			}
			break
		}
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, k := range mine {
			close(l.held[k])
			delete(l.held, k)
		}
	}, true
}

func (l *lockTable) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held)
}

// take holds a lock for nobody.
func (l *lockTable) take(t *testing.T, k string) {
	t.Helper()
	if _, look := l.Lock(t.Context(), k); !look {
		t.Fatal("no lock")
	}
}

// lockedPair is two nodes with one shared store and one table of locks, over one origin.
func lockedPair(t *testing.T) (a, b *node, l *lockTable) {
	l = &lockTable{}
	shared := newMapStore()
	a, b = newNode(t, shared), newNode(t, shared)
	b.origin = a.origin
	for _, n := range []*node{a, b} {
		n.lock = l
		n.begin()
	}
	return a, b, l
}

// TestOnePieceOfWork has 200 readers at each of two nodes ask for one cold picture.
func TestOnePieceOfWork(t *testing.T) {
	for _, locked := range []bool{true, false} {
		t.Run(fmt.Sprint("locked ", locked), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, l := lockedPair(t)
				if !locked {
					a.lock, b.lock = nil, nil
					a.begin()
					b.begin()
				}
				a.engine.takes.Store(int64(time.Second))
				b.engine.takes.Store(int64(time.Second))
				var failed atomic.Int64
				for i := range 400 {
					go func() {
						if _, err := []*node{a, b}[i%2].one(t, remote(t), 100); err != nil {
							failed.Add(1)
						}
					}()
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				callsA, _ := a.engine.made()
				callsB, _ := b.engine.made()
				most := 1 // of each
				if !locked {
					most = 2
				}
				if n := a.origin.count(); n < 1 || n > most || callsA+callsB < 1 || callsA+callsB > most || failed.Load() > 0 {
					t.Errorf("%d fetches, %d transforms, %d failures; want at most %d of each, and 0", n, callsA+callsB, failed.Load(), most)
				}
				if n := l.count(); n > 0 || locked && l.most.Load() == 0 {
					t.Errorf("%d locks are held at the end, %d were at most", n, l.most.Load())
				}
			})
		})
	}
}

// TestLocksThatNobodyReleases verifies that a lock which is never free costs a wait, and no answer.
func TestLocksThatNobodyReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, l := lockedPair(t)
		rend, err := a.one(t, remote(t), 100)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, k := range []string{"320", "640"} {
			l.take(t, k) // of something else: holds nobody up
		}
		src := mustParse(t, "https://origin.example/b.jpg")
		key := pointerKey(src)
		l.take(t, fmt.Sprintf("%s/%x", key.Kind, key.Sum[:16]))
		start := time.Now()
		if _, err := a.one(t, src, 100); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < time.Second || took > 10*time.Second {
			t.Errorf("it took %v, want a sixth of a flight's 30 s", took)
		}
		if rend == nil {
			t.Error("no rendition")
		}
	})
}

// TestLocksEndWithTheFlight verifies that work which fails, panics or takes too long leaves no lock behind.
func TestLocksEndWithTheFlight(t *testing.T) {
	for name, spoil := range map[string]func(n *node){
		"the origin fails":    func(n *node) { n.origin.err = fetch.ErrUpstream },
		"the engine panics":   func(n *node) { n.engine.panic = true },
		"the engine fails":    func(n *node) { n.engine.err = transform.ErrTooLarge },
		"the engine hangs":    func(n *node) { n.engine.takes.Store(int64(time.Hour)) },
		"the store panics":    func(n *node) { n.store.panics = true },
		"nothing may be kept": func(n *node) { n.origin.never = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _, l := lockedPair(t)
				spoil(a)
				_, _ = a.one(t, remote(t), 100)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if n := l.count(); n > 0 || l.most.Load() == 0 {
					t.Errorf("%d locks are held at the end, %d were at most", n, l.most.Load())
				}
			})
		})
	}
}

// TestWaitersLeaveTheirSlots verifies that pictures which another node is making do not keep this one from others.
func TestWaitersLeaveTheirSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, l := lockedPair(t)
		if _, err := b.one(t, remote(t), 50); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a.engine.takes.Store(int64(3 * time.Second))
		slots := 2 * runtime.GOMAXPROCS(0)
		for i := range slots {
			go func() { _, _ = a.one(t, remote(t), 100+i) }()
		}
		synctest.Wait()
		for i := range slots {
			go func() { _, _ = b.one(t, remote(t), 100+i) }()
		}
		synctest.Wait()
		start := time.Now()
		if _, err := b.one(t, remote(t), 900); err != nil || time.Since(start) > time.Second {
			t.Errorf("%v after %v, want it made at once", err, time.Since(start))
		}
		if l.count() == 0 {
			t.Error("nothing was being made: proves nothing")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if calls, _ := b.engine.made(); calls != 2 {
			t.Errorf("B has made %d, want what A did not", calls)
		}
	})
}
