package colour

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// BenchmarkConvert converts 800 × 533 pixels, which is what a page gets, by each kind of table.
func BenchmarkConvert(b *testing.B) {
	src := imagetest.Photo(800, 533).Pix
	dst := make([]byte, len(src))
	p3, table := Parse(imagetest.ICCDisplayP3(), 3), newProfile(named(p3Primaries(), decode), 3, false)
	cmyk := Parse(imagetest.ICCSwappedCMYK(), 4)
	for _, bb := range []struct {
		name    string
		convert func()
	}{
		{"sum", func() { p3.Convert(SRGB, dst, src) }},
		{"cube3", func() { table.Convert(SRGB, dst, src) }},
		{"cube4", func() { cmyk.CMYK(dst, src) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				bb.convert()
			}
		})
	}
}

// BenchmarkParse reads a profile of each kind.
func BenchmarkParse(b *testing.B) {
	for _, bb := range []struct {
		name       string
		profile    []byte
		components int
	}{
		{"srgb", imagetest.ICCSRGB(), 3}, {"p3", imagetest.ICCDisplayP3(), 3}, {"grey", imagetest.ICCGrey(1.8), 1},
		{"cmyk", imagetest.ICCSwappedCMYK(), 4},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse(bb.profile, bb.components)
			}
		})
	}
}
