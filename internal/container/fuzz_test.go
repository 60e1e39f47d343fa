package container

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// FuzzWalk takes any bytes for each of the containers: nothing may panic, and every step goes forward and stays inside.
func FuzzWalk(f *testing.F) {
	for _, name := range []string{"progressive.jpg", "cmyk.jpg", "animated.webp", "alpha.avif", "animated.avif"} {
		f.Add(imagetest.File(f, name))
	}
	f.Add(imagetest.PNG(f, 3, 3, true))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x02\xff\xff\xd9"))
	f.Add([]byte("\x00\x00\x00\x01iloc\x00\x00\x00\x00\x00\x00\x00\x18\x02\x00\x00\x00\x44\x40\x00\x01"))
	f.Fuzz(func(t *testing.T, src []byte) {
		for at := 0; ; {
			s, err := NextSegment(src, at)
			if err != nil {
				break
			}
			if s.Start < at || s.End <= s.Start || s.End > len(src) || len(s.Body) > s.End-s.Start {
				t.Fatalf("segment %d…%d behind %d of %d", s.Start, s.End, at, len(src))
			}
			at = s.End
		}
		for at := 0; ; {
			c, err := NextPNGChunk(src, at)
			if err != nil {
				break
			}
			if c.Start != at || c.End != at+12+len(c.Body) || c.End > len(src) {
				t.Fatalf("chunk %d…%d behind %d of %d", c.Start, c.End, at, len(src))
			}
			at = c.End
		}
		total := 0
		count := func(n int) error {
			if total += n; total > len(src) {
				t.Fatalf("%d bytes in chunks or boxes, of %d", total, len(src))
			}
			return nil
		}
		_ = EachRIFFChunk(src, func(c Chunk) error { return count(len(c.Body)) }) // whether it is one is not asked
		_, _ = WebPChunks(src)
		total = 0
		_ = EachBox(src, func(b Box) error {
			walkBox(t, b.Body, src)
			return count(len(b.Body))
		})
		walkBox(t, src, src)
	})
}

// walkBox takes body for each of the boxes of numbers.
func walkBox(t *testing.T, body, file []byte) {
	t.Helper()
	_, _ = ItemInfos(body)
	_ = Locations(body, func(l Location) error {
		if data, err := l.Data(file, body); err == nil && len(data) > len(file) {
			t.Errorf("an item of %d bytes in a file of %d", len(data), len(file))
		}
		return nil
	})
	_, _ = References(body, func(r Reference) error {
		if len(r.To) > len(body) {
			t.Errorf("%d references in %d bytes", len(r.To), len(body))
		}
		return nil
	})
}
