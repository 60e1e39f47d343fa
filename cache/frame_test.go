package cache_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/dd8bf596/cutline/cache"
	"github.com/dd8bf596/cutline/cache/cachetest"
)

// FuzzUnframe verifies that no bytes make the readers of frames panic, that what they take for an object of a key is one, whole, and
// that nothing but damage and other versions is said of the rest.
func FuzzUnframe(f *testing.F) {
	k := cache.NewKey(cache.Rendition, "fuzzed")
	o := cachetest.Object(k, 1, 40)
	frame := append(cache.Head(k, o), o.Body...)
	f.Add(frame)
	f.Add(frame[:90])
	f.Add(frame[:20])
	f.Add(append(bytes.Clone(frame), 0))
	f.Add([]byte("\xff\xd8\xff\xe0 a picture"))
	f.Fuzz(func(t *testing.T, b []byte) {
		head, body, ok := cache.CutHead(b)
		if !ok && (head != nil || !bytes.Equal(body, b)) {
			t.Error("what is no frame is cut")
		}
		got, err := cache.Unframe(k, head, body)
		switch {
		case err == nil && !bytes.Equal(append(cache.Head(k, got), got.Body...), b):
			t.Error("an object that other bytes would give")
		case err != nil && !errors.Is(err, cache.ErrDamaged) && !errors.Is(err, cache.ErrVersion):
			t.Errorf("Unframe = %v", err)
		case err != nil && got != nil:
			t.Error("an object beside an error")
		}
	})
}
