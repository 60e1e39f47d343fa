package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/dd8bf596/cutline/cache"
)

// testMiss verifies that what was never put is ErrMiss, and nothing else.
func testMiss(t *testing.T, b *bench) {
	for _, kind := range kinds() {
		b.wantMiss(t, cache.NewKey(kind, "never put"))
	}
	b.wantMiss(t, cache.Key{})
}

// testRoundTrip verifies bytes and metadata of every kind and of sizes around the blocks and buffers of stores.
func testRoundTrip(t *testing.T, b *bench) {
	gets, hits := 0, 0
	for _, kind := range kinds() {
		for _, size := range []int{1, 87, 88, 4007, 4008, 4096, 65_536, 100_000} {
			k := cache.NewKey(kind, fmt.Sprint(size))
			o := Object(k, 1, size)
			o.Meta = append(o.Meta, 0, '\n', 0xff)
			for range 4 {
				if b.put(t, k, o) {
					gets++
					if b.want(t, k, o) {
						hits++
					}
				}
			}
		}
	}
	full := cache.NewKey(cache.Pointer, "full meta")
	b.put(t, full, &cache.Object{Meta: bytes.Repeat([]byte{7}, cache.MaxMeta)})
	b.want(t, full, &cache.Object{Meta: bytes.Repeat([]byte{7}, cache.MaxMeta)})
	if hits*10 < gets || hits == 0 {
		t.Errorf("%d hits of %d: too few to prove anything", hits, gets)
	}
}

// testOverwrite verifies that the last Put counts: longer, shorter and equal in length. Originals are left out: under the
// sum of its bytes nothing else is ever put.
func testOverwrite(t *testing.T, b *bench) {
	for _, kind := range []cache.Kind{cache.Pointer, cache.Rendition} {
		if kind == cache.Rendition && b.FirstWins {
			continue // testFirst
		}
		k := cache.NewKey(kind, "overwritten")
		for version, size := range []int{300, 5000, 200, 200, 0, 90_000, 300} {
			o := Object(k, version, size)
			if b.put(t, k, o) {
				b.want(t, k, o)
			}
		}
	}
}

// testFirst verifies that a store of which the first Put counts keeps it, says so to whoever comes later, takes the same bytes
// again, and can be put to anew after a Delete. Of a store that overwrites there is nothing to verify.
func testFirst(t *testing.T, b *bench) {
	if !b.FirstWins {
		return
	}
	k := cache.NewKey(cache.Rendition, "first")
	first, later := Object(k, 1, 5000), Object(k, 2, 300)
	b.put(t, k, first)
	if err := b.store.Put(t.Context(), k, later); !errors.Is(err, cache.ErrExists) || !errors.Is(err, cache.ErrNotKept) {
		t.Errorf("Put of another object = %v, want ErrExists and ErrNotKept", err)
	}
	b.want(t, k, first)
	b.put(t, k, first)
	b.remove(t, k)
	b.put(t, k, later)
	b.want(t, k, later)
}

// testDelete verifies that a deleted object is a miss, that its neighbour is not, and that it can be put again.
func testDelete(t *testing.T, b *bench) {
	k, neighbour := cache.NewKey(cache.Pointer, "a"), cache.NewKey(cache.Pointer, "b")
	o, other := Object(k, 1, 500), Object(neighbour, 1, 500)
	kept := b.put(t, neighbour, other)
	b.put(t, k, o)
	if b.remove(t, k) {
		b.wantMiss(t, k)
	}
	if kept {
		b.want(t, neighbour, other)
	}
	if b.put(t, k, o) {
		b.want(t, k, o)
	}
}

// testDeleteAbsent verifies that there is no error in deleting what is not there, once or twice.
func testDeleteAbsent(t *testing.T, b *bench) {
	k := cache.NewKey(cache.Rendition, "absent")
	b.remove(t, k)
	b.put(t, k, Object(k, 1, 10))
	once, twice := b.remove(t, k), b.remove(t, k)
	if once && twice {
		b.wantMiss(t, k)
	}
}

// testEmptyBody verifies that an object without body, or without anything, is not a miss.
func testEmptyBody(t *testing.T, b *bench) {
	for name, o := range map[string]*cache.Object{
		"meta only": {Meta: []byte("m")},
		"nothing":   {},
		"not nil":   {Meta: []byte{}, Body: []byte{}},
	} {
		k := cache.NewKey(cache.Pointer, name)
		if b.put(t, k, o) {
			b.want(t, k, o)
		}
	}
}

// testLargeBody verifies 8 MiB, more than any buffer on the way.
func testLargeBody(t *testing.T, b *bench) {
	k := cache.NewKey(cache.Original, "large")
	o := Object(k, 1, 8<<20)
	if b.put(t, k, o) {
		b.want(t, k, o)
	}
}

// testCallerWritesLater verifies that a caller who breaks the rule and writes to its slices after Put does not reach the
// store.
func testCallerWritesLater(t *testing.T, b *bench) {
	k := cache.NewKey(cache.Rendition, "written later")
	mine := Object(k, 1, 10_000)
	if b.put(t, k, mine) {
		clear(mine.Body)
		clear(mine.Meta)
		b.want(t, k, Object(k, 1, 10_000))
	}
}

// testKindsAreApart verifies that objects of different kinds under one sum do not know of each other.
func testKindsAreApart(t *testing.T, b *bench) {
	sum := cache.NewKey(cache.Pointer, "one sum").Sum
	kept := map[cache.Kind]bool{}
	for i, kind := range kinds() {
		k := cache.Key{Kind: kind, Sum: sum}
		b.wantMiss(t, k)
		kept[kind] = b.put(t, k, Object(k, i, 100+i))
	}
	for i, kind := range kinds() {
		if k := (cache.Key{Kind: kind, Sum: sum}); kept[kind] {
			b.want(t, k, Object(k, i, 100+i))
		}
	}
	if k := (cache.Key{Kind: cache.Original, Sum: sum}); b.remove(t, k) {
		b.wantMiss(t, k)
	}
	if kept[cache.Pointer] {
		k := cache.Key{Kind: cache.Pointer, Sum: sum}
		b.want(t, k, Object(k, 0, 100))
	}
}

// testKeysAlike verifies that keys which differ in their last bit only are never mistaken for each other. A store that
// looks up by a part of the key may forget one of them.
func testKeysAlike(t *testing.T, b *bench) {
	one := cache.NewKey(cache.Rendition, "alike")
	two := one
	two.Sum[31] ^= 1
	b.put(t, one, Object(one, 1, 1000))
	b.wantMiss(t, two)
	if b.put(t, two, Object(two, 2, 1000)) {
		b.want(t, two, Object(two, 2, 1000))
	}
	if o, err := b.store.Get(t.Context(), one); err == nil {
		if _, err := Verify(one, o); err != nil {
			t.Error(err)
		}
	}
}

// testRefused verifies that no store keeps metadata above the limit or a key without a kind, and that it says so.
func testRefused(t *testing.T, b *bench) {
	big := cache.NewKey(cache.Pointer, "big meta")
	none := cache.Key{Sum: big.Sum}
	for k, o := range map[cache.Key]*cache.Object{
		big:  {Meta: make([]byte, cache.MaxMeta+1)},
		none: {Body: []byte("of no kind")},
	} {
		if err := b.store.Put(t.Context(), k, o); err == nil {
			t.Errorf("Put(%s) with %d bytes of meta = nil, want an error", k, len(o.Meta))
		}
		b.wantMiss(t, k)
	}
}

// testCancelled verifies that a context that has ended is returned as such, and that nothing is kept under it.
func testCancelled(t *testing.T, b *bench) {
	k, fresh := cache.NewKey(cache.Pointer, "there"), cache.NewKey(cache.Pointer, "not there")
	kept := b.put(t, k, Object(k, 1, 100))
	if _, err := b.store.Get(cancelled(), k); !errors.Is(err, context.Canceled) {
		t.Errorf("Get with an ended context = %v, want context.Canceled", err)
	}
	if err := b.store.Put(cancelled(), fresh, Object(fresh, 1, 100)); err == nil {
		t.Error("Put with an ended context = nil, want an error")
	}
	if err := b.store.Delete(cancelled(), k); err == nil {
		t.Error("Delete with an ended context = nil, want an error")
	}
	b.settle()
	b.wantMiss(t, fresh)
	if kept {
		b.want(t, k, Object(k, 1, 100))
	}
}

// testReopen verifies that what was there is there after a restart, and what was deleted is not. A store that nothing
// outlives starts empty.
func testReopen(t *testing.T, b *bench) {
	kept := map[cache.Key]bool{}
	gone := cache.NewKey(cache.Pointer, "gone")
	b.put(t, gone, Object(gone, 1, 100))
	deleted := b.remove(t, gone)
	for i := range 50 {
		k := cache.NewKey(kinds()[i%3], fmt.Sprint(i))
		kept[k] = b.put(t, k, Object(k, 7, i*100))
	}
	replaced := cache.NewKey(cache.Pointer, "0")
	replacement := b.put(t, replaced, Object(replaced, 8, 50))
	if b.Reopen == nil {
		b.store = b.New(t)
		for k := range kept {
			b.wantMiss(t, k)
		}
		return
	}
	b.store = b.Reopen(t, b.store)
	for round := range 2 { // before and after the store has found its feet
		for i := range 50 {
			k := cache.NewKey(kinds()[i%3], fmt.Sprint(i))
			switch {
			case k == replaced && replacement:
				b.want(t, k, Object(k, 8, 50))
			case k != replaced && kept[k]:
				b.want(t, k, Object(k, 7, i*100))
			}
		}
		if deleted {
			b.wantMiss(t, gone)
		}
		if round == 0 {
			b.settle()
		}
	}
}
