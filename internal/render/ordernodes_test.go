package render

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/internal/fetch"
	"github.com/dd8bf596/cutline/internal/transform"
)

// twoNodes are nodes that share a store and have carried out what there was until 4.
func twoNodes(t *testing.T) (a, b *node, shared *mapStore) {
	t.Helper()
	shared = newMapStore()
	a, b = newNode(t, shared), newNode(t, shared)
	a.Reached(at(4))
	b.Reached(at(4))
	return a, b, shared
}

// purged has a purge, told at a position, carried out at the nodes, the first of which was asked for it.
func purged(t *testing.T, p Purge, at Position, asked *node, others ...*node) {
	t.Helper()
	asked.PurgeAt(t.Context(), p, Order{At: at}, remote(t))
	asked.Apply(t.Context(), p, at, true, remote(t))
	asked.Reached(at)
	for _, n := range others {
		n.hears(t, p, at)
	}
}

// TestLearnedPurges verifies that a node which begins, and reads again what was purged before, leaves alone what was found out later:
// there may be nobody any more who has it.
func TestLearnedPurges(t *testing.T) {
	for name, tt := range map[string]struct {
		last  Purge
		empty bool // the node has lost its disk
		want  string
	}{
		"restored":                           {Restore, false, "two"},
		"restored, for an empty disk":        {Restore, true, "two"},
		"withdrawn again":                    {Withdraw, false, "withdrawn"},
		"withdrawn again, for an empty disk": {Withdraw, true, "withdrawn"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, shared := twoNodes(t)
				wantEdition(t, "B", b, "one")
				purged(t, Withdraw, at(5), a, b)
				purged(t, Restore, at(6), a, b)
				a.second()
				b.second()
				wantEdition(t, "A", a, "two")
				wantEdition(t, "B", b, "two")
				if tt.last != Restore {
					purged(t, tt.last, at(7), a, b)
				}
				has := a.has(t)
				if tt.empty {
					b.store = newMapStore()
				}
				b.begin()
				for _, n := range []*node{a, b} {
					n.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrUpstream })
				}
				b.Doubt(at(7), Position{Epoch: 7})
				b.hears(t, Withdraw, at(5))
				if got := b.edition(t); got != tt.want && !tt.empty {
					t.Errorf("B, which has learned the first, answers with %s, want %s", got, tt.want)
				}
				b.hears(t, Restore, at(6))
				if tt.last != Restore {
					b.hears(t, tt.last, at(7))
				}
				wantEdition(t, "B, which has begun,", b, tt.want)
				if got := b.has(t); got != has {
					t.Errorf("the shared store has %q, want %q", got, has)
				}
				wantEdition(t, "C, which has nothing,", newNode(t, shared), tt.want)
			})
		})
	}
}

// TestDoubtHasNoGap verifies that neither what is looked up between a doubt and the first message after it is taken for granted, nor what
// a flight from before it brings.
func TestDoubtHasNoGap(t *testing.T) {
	other := Position{Epoch: 8, Time: 1}
	t.Run("looked up before the first message", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newNode(t, newMapStore())
			b.Reached(at(4))
			wantEdition(t, "B", b, "one")
			b.second()
			b.Doubt(other, Position{Epoch: 8})
			wantEdition(t, "B, in doubt,", b, "two")
			wantEdition(t, "B, again,", b, "two")
			if n := b.origin.count(); n != 2 {
				t.Errorf("B has asked %d times, want twice: what was asked for is in doubt no more", n)
			}
		})
	})
	t.Run("fetched by a flight from before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, b, _ := twoNodes(t)
			gate := make(chan struct{})
			b.origin.set(func(o *fakeOrigin) { o.gate = gate })
			ctx, leave := context.WithCancel(t.Context())
			go func() { _, _ = b.Render(ctx, Request{Source: remote(t), Specs: []transform.Spec{webp(100)}}) }()
			synctest.Wait()
			leave() // its fetch goes on
			synctest.Wait()
			a.second()
			a.PurgeAt(t.Context(), Forget, Order{At: at(5)}, remote(t)) // B does not hear of it
			b.Doubt(other, Position{Epoch: 8})
			b.Reached(other)
			b.origin.set(func(o *fakeOrigin) { o.gate = nil })
			close(gate)
			synctest.Wait()
			b.second()
			wantEdition(t, "B", b, "two")
		})
	})
	t.Run("after a purge of its own that it owed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newNode(t, newMapStore())
			b.Reached(at(4))
			b.PurgeAt(t.Context(), Forget, Order{Owed: true}, remote(t))
			wantEdition(t, "B", b, "one")
			b.Apply(t.Context(), Forget, at(5), true, remote(t))
			b.Reached(at(5))
			wantEdition(t, "B", b, "one")
			b.second()
			b.Doubt(other, Position{Epoch: 8})
			b.Reached(other)
			wantEdition(t, "B, in doubt,", b, "two")
		})
	})
}

// TestPurgesThatCross verifies that of two purges at two nodes the later one holds at both, and in what they share.
func TestPurgesThatCross(t *testing.T) {
	for name, tt := range map[string]struct {
		first, last Purge
		want        string
	}{
		"a take-down after a purge":    {Forget, Withdraw, "withdrawn"},
		"a take-down after a restore":  {Restore, Withdraw, "withdrawn"},
		"a restore after a take-down":  {Withdraw, Restore, "two"},
		"a purge after a take-down":    {Withdraw, Forget, "two"},
		"a take-down after another":    {Withdraw, Withdraw, "withdrawn"},
		"a purge after another of two": {Forget, Forget, "two"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, shared := twoNodes(t)
				wantEdition(t, "B", b, "one")
				wantEdition(t, "A", a, "one")
				if tt.first == Restore {
					purged(t, Withdraw, at(5), a, b)
				}
				a.second()
				b.second()
				// A has told the first, and hears of it and of the last before it carries it out.
				b.hears(t, tt.first, at(6))
				b.PurgeAt(t.Context(), tt.last, Order{At: at(7)}, remote(t))
				a.Apply(t.Context(), tt.first, at(6), true, remote(t))
				a.hears(t, tt.last, at(7))
				a.PurgeAt(t.Context(), tt.first, Order{At: at(6)}, remote(t))
				b.Apply(t.Context(), tt.last, at(7), true, remote(t))
				b.Reached(at(7))
				wantEdition(t, "A", a, tt.want)
				wantEdition(t, "B", b, tt.want)
				c := newNode(t, shared)
				c.second()
				c.hears(t, tt.first, at(6))
				c.hears(t, tt.last, at(7))
				wantEdition(t, "C", c, tt.want)
			})
		})
	}
}

// TestSeveralOwedPurges verifies that a node which hears of its own purges, late, changes nothing: it has carried out all of them.
func TestSeveralOwedPurges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNode(t, newMapStore())
		a.Reached(at(4))
		all := []Purge{Withdraw, Restore, Forget, Withdraw}
		for _, p := range all {
			a.PurgeAt(t.Context(), p, Order{Owed: true}, remote(t))
		}
		wantEdition(t, "A", a, "withdrawn")
		for i, p := range all {
			a.Apply(t.Context(), p, at(uint64(5+i)), true, remote(t))
			a.Reached(at(uint64(5 + i)))
			wantEdition(t, "A, while it hears itself,", a, "withdrawn")
		}
		a.PurgeAt(t.Context(), Restore, Order{At: at(9)}, remote(t))
		wantEdition(t, "A, restored,", a, "one")
	})
}

// TestWithdrawnUnheard verifies that a take-down of which a node was not told holds there as soon as it would ask the origin, and that it
// does not put what it knew in the tombstone's place.
func TestWithdrawnUnheard(t *testing.T) {
	for name, tt := range map[string]struct {
		order Order
		hear  func(b *node)
	}{
		"without Redis, when what is known is not fresh any more": {Order{}, func(*node) { time.Sleep(2 * time.Hour) }},
		"the teller has ended, and doubts":                        {Order{Owed: true}, func(b *node) { b.Doubt(at(50), at(50)); b.Reached(at(50)) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := newMapStore()
				a, b := newNode(t, shared), newNode(t, shared)
				if tt.order.Owed {
					a.Reached(at(4))
					b.Reached(at(4))
				}
				wantEdition(t, "B", b, "one")
				a.PurgeAt(t.Context(), Withdraw, tt.order, remote(t))
				tt.hear(b)
				for range 2 { // the first may be answered while it is asked for
					b.edition(t)
				}
				wantEdition(t, "B", b, "withdrawn")
				if got := b.has(t); got != "withdrawn" {
					t.Errorf("the shared store has %s", got)
				}
				shared.drop(cache.Pointer)
				b.begin()
				wantEdition(t, "B, which has begun anew,", b, "withdrawn")
			})
		})
	}
}

// TestOwedTakeDown verifies that a take-down of which others have yet to be told is not lifted by what they tell meanwhile.
func TestOwedTakeDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _ := twoNodes(t)
		a.PurgeAt(t.Context(), Withdraw, Order{Owed: true}, remote(t))
		b.PurgeAt(t.Context(), Forget, Order{At: at(5)}, remote(t))
		a.hears(t, Forget, at(5))
		wantEdition(t, "A, which has heard of an earlier purge,", a, "withdrawn")
		a.Apply(t.Context(), Withdraw, at(6), true, remote(t))
		a.Reached(at(6))
		b.hears(t, Forget, at(5))
		b.hears(t, Withdraw, at(6))
		wantEdition(t, "A", a, "withdrawn")
		wantEdition(t, "B", b, "withdrawn")
	})
}

// TestLearningCostsNoDisk verifies that a node which begins writes nothing for purges of what it does not have: there may be thousands.
func TestLearningCostsNoDisk(t *testing.T) {
	b := newNode(t, newMapStore())
	b.Doubt(at(4), Position{Epoch: 7})
	b.hears(t, Forget, at(5))
	b.hears(t, Restore, at(6))
	if b.store.deletes+b.store.puts > 0 {
		t.Errorf("%d deletions and %d writes", b.store.deletes, b.store.puts)
	}
	b.hears(t, Withdraw, at(7))
	if b.store.puts != 1 {
		t.Errorf("%d writes of a tombstone", b.store.puts)
	}
	b.begin()
	b.hears(t, Withdraw, at(7))
	if b.store.puts != 1 {
		t.Errorf("%d writes of a tombstone that was there", b.store.puts)
	}
}

// TestDoubtWhileTheOriginFails verifies that what is in doubt is looked up in the shared store before a failure that is remembered has it
// shown, and once.
func TestDoubtWhileTheOriginFails(t *testing.T) {
	for name, withdraw := range map[string]bool{"taken down": true, "as it was": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, shared := twoNodes(t)
				wantEdition(t, "B", b, "one")
				b.origin.set(func(o *fakeOrigin) { o.err = fetch.ErrUpstream })
				time.Sleep(2 * time.Hour)
				b.edition(t)
				wantEdition(t, "B, whose origin fails,", b, "one")
				want := "one"
				if withdraw {
					want = "withdrawn"
					a.PurgeAt(t.Context(), Withdraw, Order{At: at(5)}, remote(t))
				}
				b.Doubt(at(50), at(50))
				b.Reached(at(50))
				wantEdition(t, "B, in doubt,", b, want)
				looks := shared.gets
				wantEdition(t, "B, again,", b, want)
				if n := shared.gets - looks; n > 0 {
					t.Errorf("B has looked %d times more", n)
				}
			})
		})
	}
}
