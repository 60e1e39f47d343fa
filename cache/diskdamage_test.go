package cache_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

func fileOf(dir string, k cache.Key) string {
	kind, sum, _ := strings.Cut(k.String(), "/")
	return filepath.Join(dir, "v1", kind, sum[:2], sum)
}

func put(t testing.TB, s cache.Store, k cache.Key, o *cache.Object) {
	t.Helper()
	if err := s.Put(t.Context(), k, o); err != nil {
		t.Fatalf("Put(%s) = %v", k, err)
	}
}

func get(t testing.TB, s cache.Store, k cache.Key) *cache.Object {
	t.Helper()
	o, err := s.Get(t.Context(), k)
	if err != nil {
		t.Fatalf("Get(%s) = %v", k, err)
	}
	return o
}

func wantMiss(t testing.TB, s cache.Store, k cache.Key) error {
	t.Helper()
	o, err := s.Get(t.Context(), k)
	if !errors.Is(err, cache.ErrMiss) {
		t.Fatalf("Get(%s) = %v, %v; want ErrMiss", k, o, err)
	}
	return err
}

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// TestDiskDamage alters a file in every way that an accident can, and expects each time: a miss with a reason, the file
// gone, one count, and the next Put whole. Only the version byte is not damage but another format, and left alone.
func TestDiskDamage(t *testing.T) {
	const versionAt = 7
	dir := t.TempDir()
	d := openDisk(t, dir, 0)
	k := cache.NewKey(cache.Rendition, "damaged")
	o := cachetest.Object(k, 1, 40)
	put(t, d, k, o)
	name := fileOf(dir, k)
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	wantDamaged := func(what string, at int, b []byte, leftAlone bool) {
		t.Helper()
		before := d.Stats().Corrupt
		write(t, name, b)
		wantMiss(t, d, k)
		counted := d.Stats().Corrupt - before
		if leftAlone && (counted != 0 || !exists(name)) {
			t.Errorf("%s at %d: counted %d, file there: %t; want left alone", what, at, counted, exists(name))
		}
		if !leftAlone && (counted != 1 || exists(name)) {
			t.Errorf("%s at %d: counted %d, file there: %t; want 1, false", what, at, counted, exists(name))
		}
	}
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			wantDamaged("bit flipped", i, bad, i == versionAt)
		}
	}
	for n := range good {
		wantDamaged("truncated", n, good[:n], false)
		wantDamaged("zero-filled", n, append(bytes.Clone(good[:n]), make([]byte, len(good)-n)...), n <= versionAt && n > 6)
	}
	wantDamaged("junk appended", len(good), append(bytes.Clone(good), 0), false)
	wantDamaged("doubled", len(good), append(bytes.Clone(good), good...), false)
	put(t, d, k, o)
	if got := get(t, d, k); !bytes.Equal(got.Body, o.Body) {
		t.Errorf("after repair: %q, want %q", got.Body, o.Body)
	}
}

// TestDiskMisplaced puts one object's sound file at another's name.
func TestDiskMisplaced(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, 0)
	k := cache.NewKey(cache.Rendition, "one")
	put(t, d, k, cachetest.Object(k, 1, 100))
	b, err := os.ReadFile(fileOf(dir, k))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []cache.Key{cache.NewKey(cache.Rendition, "two"), {Kind: cache.Original, Sum: k.Sum}} {
		write(t, fileOf(dir, other), b)
		wantMiss(t, d, other)
	}
	get(t, d, k)
}
