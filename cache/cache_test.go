package cache_test

import (
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/cache"
)

func TestNewKey(t *testing.T) {
	same := cache.NewKey(cache.Rendition, "ab", "c")
	if got := cache.NewKey(cache.Rendition, "ab", "c"); got != same {
		t.Errorf("NewKey = %s, then %s", same, got)
	}
	// Keys outlive processes: changing what is hashed without changing keySchema would be noticed here.
	const want = "rendition/"
	if got := same.String(); !strings.HasPrefix(got, want) || len(got) != len(want)+64 {
		t.Errorf("String() = %q, want %q and 64 hex digits", got, want)
	}
	for name, k := range map[string]cache.Key{
		"fields divided otherwise": cache.NewKey(cache.Rendition, "a", "bc"),
		"fields joined":            cache.NewKey(cache.Rendition, "abc"),
		"an empty field more":      cache.NewKey(cache.Rendition, "ab", "c", ""),
		"no field":                 cache.NewKey(cache.Rendition),
		"a length in the text":     cache.NewKey(cache.Rendition, "ab\x01c"),
		"another kind":             cache.NewKey(cache.Original, "ab", "c"),
	} {
		if k == same {
			t.Errorf("%s: the same key", name)
		}
	}
}

func TestKindString(t *testing.T) {
	for kind, want := range map[cache.Kind]string{
		cache.Pointer: "pointer", cache.Original: "original", cache.Rendition: "rendition", 0: "unknown", 9: "unknown",
	} {
		if got := kind.String(); got != want {
			t.Errorf("Kind(%d).String() = %q, want %q", kind, got, want)
		}
	}
}
