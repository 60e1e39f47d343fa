package goengine_test

import (
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine"
)

// The size of the benchmarks' original: 6.3 megapixels, as a camera of the middle range makes them.
const (
	benchWidth  = 3088
	benchHeight = 2056
)

// BenchmarkTransform renders one size of a 6.3 megapixel JPEG, as a first request for a picture does.
func BenchmarkTransform(b *testing.B) {
	for _, text := range []string{"w800.jpg", "w800.webp", "w800-h800-cover.jpg", "w800.png"} {
		b.Run(text, func(b *testing.B) { benchmark(b, [][]string{{text}}) })
	}
}

// BenchmarkColours renders BenchmarkTransform's original with a profile in it: of sRGB, which costs the reading of the
// profile alone, of Display P3, to sRGB and as it is, and of Adobe RGB to Display P3.
func BenchmarkColours(b *testing.B) {
	photo := imagetest.JPEG(b, benchWidth, benchHeight)
	for _, bb := range []struct {
		name, spec string
		src        []byte
	}{
		{"none", "w800.jpg", photo},
		{"srgb", "w800.jpg", imagetest.WithICC(b, photo, imagetest.ICCSRGB())},
		{"p3", "w800.jpg", imagetest.WithICC(b, photo, imagetest.ICCDisplayP3())},
		{"p3-p3", "w800-p3.jpg", imagetest.WithICC(b, photo, imagetest.ICCDisplayP3())},
		{"adobe-p3", "w800-p3.jpg", imagetest.WithICC(b, photo, imagetest.ICCAdobeRGB())},
	} {
		b.Run(bb.name, func(b *testing.B) { benchmarkOf(b, bb.src, [][]string{{bb.spec}}) })
	}
}

// family is the srcset that a page asks for.
var family = []string{
	"w320.jpg", "w640.jpg", "w960.jpg", "w1280.jpg", "w1600.jpg", "w320.webp", "w640.webp", "w960.webp", "w1280.webp", "w1600.webp",
}

// BenchmarkFamily renders a srcset in one call, and in one call per file.
func BenchmarkFamily(b *testing.B) {
	var separate [][]string
	for _, text := range family {
		separate = append(separate, []string{text})
	}
	b.Run("together", func(b *testing.B) { benchmark(b, [][]string{family}) })
	b.Run("separate", func(b *testing.B) { benchmark(b, separate) })
}

// BenchmarkProbe reads the header of a 6.3 megapixel JPEG: a walk over all its bytes.
func BenchmarkProbe(b *testing.B) {
	src := imagetest.JPEG(b, benchWidth, benchHeight)
	e := goengine.New()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Probe(src); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmark makes one call per list of specs in each iteration, and reports the megapixels of the original per second.
func benchmark(b *testing.B, calls [][]string) {
	benchmarkOf(b, imagetest.JPEG(b, benchWidth, benchHeight), calls)
}

// benchmarkOf is benchmark over an original of benchWidth × benchHeight pixels.
func benchmarkOf(b *testing.B, src []byte, calls [][]string) {
	e := goengine.New()
	var specs [][]transform.Spec
	for _, texts := range calls {
		var list []transform.Spec
		for _, text := range texts {
			s, err := transform.ParseSpec(text)
			if err != nil {
				b.Fatal(err)
			}
			list = append(list, s.Resolve(benchWidth, benchHeight, 2560, 80))
		}
		specs = append(specs, list)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, list := range specs {
			if _, err := e.Transform(b.Context(), src, list); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(benchWidth*benchHeight)*float64(b.N)/b.Elapsed().Seconds()/1e6, "MP/s")
}

// BenchmarkAnimation keeps an animation of twenty frames moving, at two thirds of its size.
func BenchmarkAnimation(b *testing.B) {
	const w, h, frames = 600, 450, 20
	src := imagetest.MovingGIF(b, w, h, frames)
	e := goengine.New()
	for _, text := range []string{"w400-anim.webp", "w400-anim.gif", "w400.webp"} {
		b.Run(text, func(b *testing.B) {
			s, err := transform.ParseSpec(text)
			if err != nil {
				b.Fatal(err)
			}
			specs := []transform.Spec{s.Resolve(w, h, 2560, 80)}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Transform(b.Context(), src, specs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(w*h*frames)*float64(b.N)/b.Elapsed().Seconds()/1e6, "MP/s")
		})
	}
}
