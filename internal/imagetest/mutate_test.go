package imagetest_test

import (
	"bytes"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestMutated verifies that mutations are the same every time, that hardly two are alike, and that none changes a seed.
func TestMutated(t *testing.T) {
	for _, name := range []string{"progressive.jpg", "interlaced.png", "alpha.webp", "animated.avif", "film"} {
		seed := imagetest.Films(t)[0].Body
		if name != "film" {
			seed = bytes.Clone(imagetest.File(t, name))
		}
		before := bytes.Clone(seed)
		seen := map[string]bool{}
		for n := range uint64(500) {
			b := imagetest.Mutated([][]byte{seed, imagetest.JPEG(t, 9, 9)}, n)
			if !bytes.Equal(b, imagetest.Mutated([][]byte{seed, imagetest.JPEG(t, 9, 9)}, n)) {
				t.Errorf("%s, %d: other bytes the second time", name, n)
			}
			seen[string(b)] = true
		}
		if len(seen) < 450 {
			t.Errorf("%s: %d of 500 differ", name, len(seen))
		}
		if !bytes.Equal(seed, before) {
			t.Errorf("%s: the seed was changed", name)
		}
	}
}

func TestCuts(t *testing.T) {
	got := imagetest.Cuts([]byte("abcdefghijkl"), 5)
	for i, want := range []string{"ab", "abcd", "abcdef", "abcdefgh", "abcdefghij"} {
		if string(got[i]) != want {
			t.Errorf("cut %d: got %q, want %q", i, got[i], want)
		}
	}
}
