package render

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
)

// A node is one of several renderers over a shared store, with a store and an origin of its own.
type node struct {
	*rig
	shared *mapStore
	lock   Locker
}

// newNode makes a node whose origin has the first edition, and answers for an hour.
func newNode(t *testing.T, shared *mapStore) *node {
	n := &node{rig: newRig(t), shared: shared}
	n.origin.fresh = time.Hour
	n.begin()
	return n
}

// begin makes a new Renderer over the same stores.
func (n *node) begin() {
	n.Renderer = New(Options{
		Store: cache.NewTiers(cache.TiersOptions{}, n.store, n.shared), Shared: n.shared, Private: n.store, Lock: n.lock,
		Fetch: n.origin, Transform: n.engine,
		Report: func(err error) { n.mu.Lock(); defer n.mu.Unlock(); n.reports = append(n.reports, err) },
	})
}

// second has the origin deliver the second edition.
func (n *node) second() {
	n.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("two"), `"2"` })
}

// edition is what a reader gets at the node: "one" or "two", "withdrawn", or an error.
func (n *node) edition(t *testing.T) string {
	t.Helper()
	rend, err := n.one(t, remote(t), 100)
	synctest.Wait()
	if e, ok := errors.AsType[*Error](err); ok && e.Class == Withdrawn {
		return "withdrawn"
	}
	if err != nil {
		return err.Error()
	}
	_, edition, _ := strings.Cut(string(rend.Body), " of ")
	return edition
}

// fetching has the node begin a fetch of the edition that its origin has; what is returned lets it end, and waits until all that comes of
// it is stored.
func (n *node) fetching(t *testing.T) (end func()) {
	t.Helper()
	gate := make(chan struct{})
	n.origin.set(func(o *fakeOrigin) { o.gate = gate })
	go func() { _, _ = n.one(t, remote(t), 100) }()
	synctest.Wait()
	return func() {
		n.origin.set(func(o *fakeOrigin) { o.gate = nil })
		close(gate)
		synctest.Wait()
	}
}

// has is what the shared store says of the source: an edition's tag, "withdrawn", or "" for nothing.
func (n *node) has(t *testing.T) string {
	t.Helper()
	p, known := n.read(t.Context(), n.shared, remote(t))
	switch {
	case !known:
		return ""
	case p.Withdrawn != nil:
		return "withdrawn"
	case p.Current == nil:
		return "a failure"
	}
	return p.Current.Validators.ETag
}

// at is the n-th position of the only epoch.
func at(n uint64) Position { return Position{Epoch: 7, Time: n} }

// apply has the node carry out what was told at a position, of which it is the last.
func (n *node) hears(t *testing.T, p Purge, at Position) {
	t.Helper()
	n.Apply(t.Context(), p, at, false, remote(t))
	n.Reached(at)
}

func wantEdition(t *testing.T, who string, n *node, want string) {
	t.Helper()
	if got := n.edition(t); got != want {
		t.Errorf("%s answers with %s, want %s", who, got, want)
	}
}

// TestOrderOfPurges goes through what may happen at B while A purges, with a store between them (ADR 35).
func TestOrderOfPurges(t *testing.T) {
	cases := map[string]func(t *testing.T, a, b *node){
		"B has stored before": func(t *testing.T, a, b *node) {
			wantEdition(t, "B", b, "one")
			a.PurgeAt(t.Context(), Forget, Order{At: at(5)}, remote(t))
			if a.has(t) != "" {
				t.Error("the shared store has it still")
			}
			b.hears(t, Forget, at(5))
			wantEdition(t, "A", a, "two")
			wantEdition(t, "B", b, "two")
			if n := b.origin.count(); n != 1 {
				t.Errorf("B has asked %d times, want once: A has brought the second edition", n)
			}
		},
		"B stores before it hears": func(t *testing.T, a, b *node) {
			end := b.fetching(t)
			a.PurgeAt(t.Context(), Forget, Order{At: at(5)}, remote(t))
			end()
			if a.has(t) != `"1"` {
				t.Fatalf("the shared store has %q: proves nothing", a.has(t))
			}
			wantEdition(t, "B, which has not heard,", b, "one")
			wantEdition(t, "A", a, "two")
			c := newNode(t, a.shared)
			c.second()
			c.hears(t, Forget, at(5))
			wantEdition(t, "C, which is new and has heard,", c, "two")
			b.second()
			b.hears(t, Forget, at(5))
			wantEdition(t, "B", b, "two")
			if b.has(t) != `"2"` {
				t.Errorf("the shared store has %s", b.has(t))
			}
		},
		"B hears before it stores": func(t *testing.T, a, b *node) {
			end := b.fetching(t)
			a.PurgeAt(t.Context(), Forget, Order{At: at(5)}, remote(t))
			b.hears(t, Forget, at(5))
			b.origin.set(func(o *fakeOrigin) { o.never = true }) // what it brings once more is not kept: what was stored shows
			end()
			if a.has(t) != "" {
				t.Errorf("the shared store has %s", a.has(t))
			}
		},
		"B begins after it has heard": func(t *testing.T, a, b *node) {
			a.PurgeAt(t.Context(), Forget, Order{At: at(5)}, remote(t))
			b.second()
			b.hears(t, Forget, at(5))
			wantEdition(t, "B", b, "two")
			wantEdition(t, "A", a, "two")
			if n := a.origin.count(); n != 0 {
				t.Errorf("A has asked %d times although B has brought it", n)
			}
		},
		"A ends before it deletes": func(t *testing.T, a, b *node) {
			wantEdition(t, "A", a, "one") // it told, and ended
			a.second()
			b.second()
			b.hears(t, Forget, at(5))
			a.begin()
			a.hears(t, Forget, at(5))
			wantEdition(t, "A", a, "two")
			wantEdition(t, "B", b, "two")
		},
		"B stores over a tombstone": func(t *testing.T, a, b *node) {
			end := b.fetching(t)
			a.PurgeAt(t.Context(), Withdraw, Order{At: at(5)}, remote(t))
			end()
			if a.has(t) != `"1"` {
				t.Fatalf("the shared store has %q: proves nothing", a.has(t))
			}
			wantEdition(t, "A", a, "withdrawn")
			b.hears(t, Withdraw, at(5))
			wantEdition(t, "B", b, "withdrawn")
			wantEdition(t, "C, which is new,", newNode(t, a.shared), "withdrawn")
			a.PurgeAt(t.Context(), Restore, Order{At: at(6)}, remote(t))
			b.second()
			b.hears(t, Restore, at(6))
			wantEdition(t, "A, restored,", a, "two")
			wantEdition(t, "B, restored,", b, "two")
		},
		"an earlier purge comes late": func(t *testing.T, a, b *node) {
			a.PurgeAt(t.Context(), Forget, Order{At: at(6)}, remote(t))
			wantEdition(t, "A", a, "two")
			a.hears(t, Withdraw, at(5))
			a.hears(t, Forget, at(6))
			wantEdition(t, "A", a, "two")
			if n := a.origin.count(); n != 1 {
				t.Errorf("A has asked %d times, want once", n)
			}
		},
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := newMapStore()
				a, b := newNode(t, shared), newNode(t, shared)
				if name != "A ends before it deletes" {
					a.second()
				}
				a.Reached(at(4))
				b.Reached(at(4))
				run(t, a, b)
			})
		})
	}
}

// TestOwedPurge verifies that a purge which others could not be told of takes no word of theirs, and that what came of it stays when they
// are.
func TestOwedPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newMapStore()
		a, b := newNode(t, shared), newNode(t, shared)
		end := b.fetching(t)
		a.second()
		a.PurgeAt(t.Context(), Forget, Order{Owed: true}, remote(t))
		end()
		if a.has(t) != `"1"` {
			t.Fatalf("the shared store has %q: proves nothing", a.has(t))
		}
		wantEdition(t, "A", a, "two")
		wantEdition(t, "A, again,", a, "two")
		a.Apply(t.Context(), Forget, at(9), true, remote(t))
		a.Reached(at(9))
		wantEdition(t, "A, when all have been told,", a, "two")
		if n := a.origin.count(); n != 1 {
			t.Errorf("A has asked %d times, want once", n)
		}
		b.second()
		b.hears(t, Forget, at(9))
		wantEdition(t, "B", b, "two")
		a.PurgeAt(t.Context(), Forget, Order{Owed: true}, remote(t))
		a.origin.set(func(o *fakeOrigin) { o.body, o.etag = []byte("three"), `"3"` })
		wantEdition(t, "A, after another purge,", a, "three")
	})
}

// TestDoubt verifies that a node which may have missed something asks the shared store, and the origin where that is in doubt too,
// before it answers as before.
func TestDoubt(t *testing.T) {
	for name, tt := range map[string]struct {
		shared Position // up to where the shared store is in doubt
		origin func(*fakeOrigin)
		want   string
		asked  int // times after the first
	}{
		"the shared store knows better": {Position{}, nil, "two", 0},
		"nobody knows":                  {at(100), func(o *fakeOrigin) { o.body, o.etag = []byte("three"), `"3"` }, "three", 1},
		"nothing has changed":           {at(100), nil, "one", 1},
		"the origin fails":              {at(100), func(o *fakeOrigin) { o.err = fetch.ErrUpstream }, "one", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, _ := twoNodes(t)
				wantEdition(t, "B", b, "one")
				a.second()
				a.PurgeAt(t.Context(), Forget, Order{At: at(5)}, remote(t)) // B does not hear of it
				wantEdition(t, "A", a, "two")
				if tt.origin != nil {
					b.origin.set(tt.origin)
				}
				b.Doubt(at(50), tt.shared)
				b.Reached(at(50))
				wantEdition(t, "B", b, tt.want)
				if n := b.origin.count() - 1; n != tt.asked {
					t.Errorf("B has asked %d times, want %d", n, tt.asked)
				}
				wantEdition(t, "B, again,", b, tt.want)
				if n := b.origin.count() - 1; n != tt.asked {
					t.Errorf("B has asked %d times, want %d: what was looked up is in doubt no more", n, tt.asked)
				}
			})
		})
	}
}

// TestForgottenMarks verifies that purges which are too many to remember leave what is shared in doubt, and not in force.
func TestForgottenMarks(t *testing.T) {
	var o order
	o.reached.Store(&Position{Epoch: 7, Time: 1})
	src := remote(t)
	o.set(src, Order{At: at(5)}, false)
	for i := range uint64(maxMarks) {
		o.set(mustParse(t, "https://origin.example/"+string(rune('a'+i%26))+time.Duration(i).String()), Order{At: at(6)}, false)
	}
	p := pointer{Seen: at(4)}
	if !o.outdated(src, &p) && !o.doubts(&p, true) {
		t.Error("a pointer from before a purge that was forgotten is taken for granted")
	}
	if q := (pointer{Seen: at(7)}); o.outdated(src, &q) || o.doubts(&q, true) {
		t.Error("a pointer from after it is not")
	}
}

// TestPositions checks the order of positions.
func TestPositions(t *testing.T) {
	for _, tt := range []struct {
		p, q Position
		want bool
	}{
		{Position{}, Position{}, false},
		{Position{}, at(1), true},
		{at(1), Position{}, false},
		{at(1), at(2), true},
		{at(2), at(1), false},
		{at(1), at(1), false},
		{Position{7, 1, 1}, Position{7, 1, 2}, true},
		{Position{7, 1, 2}, Position{7, 1, 1}, false},
		{Position{6, 9, 0}, at(1), true}, // of another epoch than this node's
		{at(1), Position{6, 9, 0}, false},
		{Position{6, 9, 0}, Position{5, 9, 0}, true},
	} {
		if got := tt.p.before(tt.q, 7); got != tt.want {
			t.Errorf("%v before %v: %v, want %v", tt.p, tt.q, got, tt.want)
		}
	}
}
