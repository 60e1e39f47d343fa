// Package cachetest holds the suite that every cache.Store passes, and a Store that fails on request.
//
// It knows no particular store: what differs between them is said in Suite.
package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/cache"
)

// Suite describes the stores under test. New is required.
type Suite struct {
	// New makes an empty store that keeps at least 96 MiB and objects of 8 MiB. It registers its own cleanup.
	New func(t testing.TB) cache.Store
	// Reopen closes s and opens what it left behind. nil means that nothing outlives a store, as in memory.
	Reopen func(t testing.TB, s cache.Store) cache.Store
	// Settle waits until s has done what it does behind its callers' backs. nil means that there is nothing.
	Settle func(s cache.Store)
	// Lossy means that a Put or a Delete may fail and a Get may miss at any time. Without it a miss of what was put is a
	// failure. Even a lossy store must answer a tenth of its Gets, or the suite would prove nothing.
	Lossy bool
	// FirstWins means that the first Put of a rendition with a body counts: another object under its key is cache.ErrExists.
	FirstWins bool
}

// Run runs all cases, each on a new store.
func Run(t *testing.T, s Suite) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"Miss", testMiss},
		{"RoundTrip", testRoundTrip},
		{"Overwrite", testOverwrite},
		{"First", testFirst},
		{"Delete", testDelete},
		{"DeleteAbsent", testDeleteAbsent},
		{"EmptyBody", testEmptyBody},
		{"LargeBody", testLargeBody},
		{"CallerWritesLater", testCallerWritesLater},
		{"KindsAreApart", testKindsAreApart},
		{"KeysAlike", testKeysAlike},
		{"Refused", testRefused},
		{"Cancelled", testCancelled},
		{"Concurrent", testConcurrent},
		{"OverwriteIsVisible", testOverwriteIsVisible},
		{"DeleteIsVisible", testDeleteIsVisible},
		{"Reopen", testReopen},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, &bench{Suite: s, store: s.New(t)})
		})
	}
}

// bench is one store under test.
type bench struct {
	Suite
	store cache.Store
}

func (b *bench) settle() {
	if b.Settle != nil {
		b.Settle(b.store)
	}
}

// put reports whether o was kept.
func (b *bench) put(t testing.TB, k cache.Key, o *cache.Object) bool {
	t.Helper()
	err := b.store.Put(t.Context(), k, o)
	if err != nil && !b.Lossy {
		t.Fatalf("Put(%s) = %v", k, err)
	}
	b.settle()
	return err == nil
}

// remove reports whether k was forgotten.
func (b *bench) remove(t testing.TB, k cache.Key) bool {
	t.Helper()
	err := b.store.Delete(t.Context(), k)
	if err != nil && !b.Lossy {
		t.Fatalf("Delete(%s) = %v", k, err)
	}
	b.settle()
	return err == nil
}

// want fails unless k is want, or a miss where that is allowed. It reports whether it was a hit.
func (b *bench) want(t testing.TB, k cache.Key, want *cache.Object) bool {
	t.Helper()
	got, err := b.store.Get(t.Context(), k)
	if err != nil {
		if !b.Lossy || !errors.Is(err, cache.ErrMiss) {
			t.Fatalf("Get(%s) = %v", k, err)
		}
		return false
	}
	if !bytes.Equal(got.Meta, want.Meta) || !bytes.Equal(got.Body, want.Body) {
		t.Fatalf("Get(%s) returned other bytes than were put (-want +got):\n%s", k,
			cmp.Diff(short(want), short(got)))
	}
	return true
}

// wantMiss fails unless k is a miss.
func (b *bench) wantMiss(t testing.TB, k cache.Key) {
	t.Helper()
	o, err := b.store.Get(t.Context(), k)
	if !errors.Is(err, cache.ErrMiss) || o != nil {
		t.Fatalf("Get(%s) = %v, %v; want nil, ErrMiss", k, o, err)
	}
}

// short makes an object printable.
func short(o *cache.Object) string {
	return fmt.Sprintf("meta %.80q, body of %d bytes %.40q", o.Meta, len(o.Body), o.Body)
}

// Object makes an object that tells what it is: its meta names k, version and size, its body follows from them. So a
// body under another object's meta, or a mixture of two versions, is recognised by Verify.
func Object(k cache.Key, version, size int) *cache.Object {
	var seed [32]byte
	copy(seed[:], fmt.Sprintf("%d %d %d", k.Kind, version, size))
	body := make([]byte, size)
	// It never fails (math/rand/v2).
	_, _ = rand.NewChaCha8(seed).Read(body)
	return &cache.Object{Meta: fmt.Appendf(nil, "%s %d %d", k, version, size), Body: body}
}

// Verify returns the version of an object that Object made for k, or an error.
func Verify(k cache.Key, o *cache.Object) (version int, err error) {
	var name string
	var size int
	if _, err := fmt.Sscanf(string(o.Meta), "%s %d %d", &name, &version, &size); err != nil {
		return 0, fmt.Errorf("meta %q: %w", o.Meta, err)
	}
	if name != k.String() {
		return 0, fmt.Errorf("object of %s under %s", name, k)
	}
	if !bytes.Equal(Object(k, version, size).Body, o.Body) {
		return 0, fmt.Errorf("%s: body of %d bytes does not belong to meta %q", k, len(o.Body), o.Meta)
	}
	return version, nil
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// kinds lists all kinds.
func kinds() []cache.Kind { return []cache.Kind{cache.Pointer, cache.Original, cache.Rendition} }
