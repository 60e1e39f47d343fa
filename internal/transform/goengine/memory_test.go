package goengine

import (
	"image"
	"image/draw"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// measured is how many bytes f allocates.
func measured(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// TestDecodeBytes compares the estimates that the memory budget rests on with what decoding allocates: never less, so
// that the budget holds, and not much more, so that it is not wasted. The figures it logs are the table of bytes per pixel.
func TestDecodeBytes(t *testing.T) {
	const w, h = 500, 350 // not a multiple of a block
	photo := imagetest.Photo(w, h)
	grey, grey16 := image.NewGray(photo.Rect), image.NewGray16(photo.Rect)
	deep, clear16 := image.NewRGBA64(photo.Rect), image.NewNRGBA64(photo.Rect)
	for _, dst := range []draw.Image{grey, grey16, deep, clear16} {
		draw.Draw(dst, dst.Bounds(), photo, image.Point{}, draw.Src)
	}
	clear16.Pix[6] = 0
	for _, tt := range []struct {
		name   string
		src    []byte
		excess float64 // how much more than measured the estimate may be; 0 for any: what VP8L's codes take is not foreseen
	}{
		{"JPEG grey", imagetest.EncodeJPEG(t, grey, 90), 1.1},
		{"JPEG 4:2:0", imagetest.EncodeJPEG(t, photo, 90), 1.1},
		{"PNG grey", imagetest.EncodePNG(t, grey), 1.1},
		{"PNG 16-bit grey", imagetest.EncodePNG(t, grey16), 1.5},
		{"PNG RGB", imagetest.EncodePNG(t, photo), 1.1},
		{"PNG 16-bit RGB", imagetest.EncodePNG(t, deep), 1.1},
		{"PNG 16-bit RGBA", imagetest.EncodePNG(t, clear16), 1.1},
		{"GIF", imagetest.GIF(t, w, h, 1), 1.1},
		{"JPEG progressive 4:2:0", imagetest.File(t, "progressive.jpg"), 1.5},
		{"JPEG 4:4:4", imagetest.File(t, "444.jpg"), 1.5},
		{"JPEG CMYK", imagetest.File(t, "cmyk.jpg"), 1.5},
		{"JPEG CMYK with a profile", imagetest.WithICC(t, imagetest.File(t, "cmyk.jpg"), imagetest.ICCSwappedCMYK()), 0},
		{"JPEG with a profile", imagetest.WithICC(t, imagetest.EncodeJPEG(t, photo, 90), imagetest.ICCDisplayP3()), 0},
		{"PNG with a profile", imagetest.WithICC(t, imagetest.EncodePNG(t, photo), imagetest.ICCSwappedCMYK()), 0},
		{"PNG interlaced", imagetest.File(t, "interlaced.png"), 2},
		{"WebP lossy", imagetest.File(t, "lossy.webp"), 2},
		{"WebP lossy with alpha", imagetest.File(t, "alpha.webp"), 0},
		{"WebP lossless", imagetest.File(t, "lossless.webp"), 0},
		{"JPEG of RGB by Adobe's marker", adobeRGB(imagetest.EncodeJPEG(t, photo, 90)), 2},
		{"GIF of a part of its screen", partGIF(t, w, h, false), 1.5},
		{"GIF of a part, interlaced", partGIF(t, w, h, true), 1.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hd, err := parse(tt.src)
			if err != nil {
				t.Fatal(err)
			}
			bounds := image.Rect(0, 0, hd.width, hd.height)
			got := measured(func() {
				o, err := decode(t.Context(), tt.src, hd, 1)
				if err != nil {
					t.Fatal(err)
				}
				if o.img != nil {
					nrgba(o.img, bounds)
				}
			})
			pixels := int64(hd.width) * int64(hd.height)
			t.Logf("%.1f bytes per pixel allocated, %.1f estimated", float64(got)/float64(pixels), float64(hd.decodeBytes)/float64(pixels))
			const fixed = 256 << 10 // tables and read buffers, whatever the size
			if got > hd.decodeBytes+fixed {
				t.Errorf("got %d bytes allocated, where the header says %d", got, hd.decodeBytes)
			}
			if tt.excess > 0 && float64(hd.decodeBytes) > tt.excess*float64(got) {
				t.Errorf("got %d bytes allocated, where the header says as many as %d", got, hd.decodeBytes)
			}
		})
	}
}

// TestManyCodes is TestDecodeBytes for a file that is nothing but Huffman codes. A third of what their trees allocate is
// left behind as they grow, so that what is alive at one time counts: 143 MB of 215 MB, measured.
func TestManyCodes(t *testing.T) {
	imagetest.Long(t)
	src := imagetest.ManyCodes(204, 2600)
	hd, err := parse(src)
	if err != nil {
		t.Fatal(err)
	}
	got := measured(func() {
		if _, err := decode(t.Context(), src, hd, 1); err != nil {
			t.Fatal(err)
		}
	})
	if alive := got * 2 / 3; alive > hd.decodeBytes+(1<<20) {
		t.Errorf("got %d bytes alive, where the header of %d bytes says %d", alive, len(src), hd.decodeBytes)
	}
}

// peak is the most memory that f has alive at one time, beyond what is alive before it, as a collector that never rests
// sees it every 200 µs: a little more than is true, or less where it is short.
func peak(f func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(2))
	runtime.GC()
	objects := func() int64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	before := objects()
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		var high int64
		for {
			high = max(high, objects())
			select {
			case <-stop:
				most <- high
				return
			case <-time.After(200 * time.Microsecond):
			}
		}
	}()
	f()
	close(stop)
	return <-most - before
}

// TestEncoderBytes compares the figures of the encoders' budget with what they have alive.
func TestEncoderBytes(t *testing.T) {
	imagetest.Long(t)
	for _, f := range lossy(t) {
		c, _ := codecFor(f)
		for _, width := range []int{160, 480} {
			for _, full := range []bool{false, true} {
				img := imagetest.Photo(width, width*2/3)
				p := &plate{pixels: img, opaque: true, fullChroma: full}
				write := func() {
					if _, err := c.write(p, 95, true); err != nil {
						t.Fatal(err)
					}
				}
				write() // what is made once is not counted
				got, want := peak(write), transform.EncoderBytes(f, int64(len(img.Pix)/4))
				t.Logf("%s, %d pixels wide, full chroma %v: %.1f bytes per pixel, %.1f estimated", f, width, full,
					4*float64(got)/float64(len(img.Pix)), 4*float64(want)/float64(len(img.Pix)))
				if got > want {
					t.Errorf("%s, %d pixels wide, full chroma %v: got %d bytes, where the budget says %d", f, width, full, got, want)
				}
			}
		}
	}
}

// TestProgressiveAtOnce is row D10: eight progressive JPEGs that take 108 MB each while they are decoded, and within the budget
// of 256 MiB two at a time.
func TestProgressiveAtOnce(t *testing.T) {
	imagetest.Long(t)
	const budget = 256 << 20
	src := imagetest.Progressive(4_000, 3_000, 3)
	tr := transform.New(New(), transform.Options{Slots: 8, MemoryBudget: budget, Timeout: time.Minute, MaxWait: time.Minute})
	s := transform.Spec{Width: 24, Format: transform.PNG}.Resolve(4_000, 3_000, 0, 0)
	got := peak(func() {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := tr.Transform(t.Context(), src, []transform.Spec{s}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
	t.Logf("%d bytes at one time", got)
	if got > budget*5/4 || got < 72_000_000 { // less is none of them: its coefficients
		t.Errorf("got %d bytes at one time, want at most 5/4 of %d", got, budget)
	}
}
