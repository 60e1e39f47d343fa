package goengine

import (
	"context"
	"errors"
	"image"
	"image/color"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A trap is a picture that panics when its pixels are looked at, as a decoder's defect would make one.
type trap struct{ image.Rectangle }

func (trap) ColorModel() color.Model   { return color.NRGBAModel }
func (t trap) Bounds() image.Rectangle { return t.Rectangle }
func (trap) At(_, _ int) color.Color   { panic("trap") }

// A trapped engine resizes pictures that no decoder should make.
type trapped struct {
	transform.Engine
	img   image.Image
	calls atomic.Int32
}

func (e *trapped) Transform(ctx context.Context, _ []byte, specs []transform.Spec) ([]transform.Output, error) {
	e.calls.Add(1)
	o := &original{size: e.img.Bounds().Size(), orientation: 1}
	o.take(e.img, header{format: transform.GIF})
	_, err := resizeAll(ctx, &resizer{original: o}, specs, []int{0}, make([]transform.Output, 1))
	return nil, err
}

// TestPixelsThatPanic is row D22: whatever the pixels of a picture do, they do it in a goroutine that recovers. In one of
// imaging's, this test would end with the process.
func TestPixelsThatPanic(t *testing.T) {
	r := image.Rect(0, 0, 400, 300)
	short := make([]byte, 16)
	src := []byte("GIF89a\x90\x01\x2c\x01\x00\x00\x00\x2c\x00\x00\x00\x00\x90\x01\x2c\x01\x00\x02\x01\x00\x00\x3b") // 400 × 300
	for name, img := range map[string]image.Image{
		"of a kind that nobody knows": trap{r},
		"NRGBA, too short":            &image.NRGBA{Pix: short, Stride: 1600, Rect: r},
		"RGBA, too short":             &image.RGBA{Pix: short, Stride: 1600, Rect: r},
		"NRGBA64, too short":          &image.NRGBA64{Pix: short, Stride: 3200, Rect: r},
		"grey, too short":             &image.Gray{Pix: short, Stride: 400, Rect: r},
		"grey of 16 bits, too short":  &image.Gray16{Pix: short, Stride: 800, Rect: r},
		"CMYK, too short":             &image.CMYK{Pix: short, Stride: 1600, Rect: r},
		"in a palette, too short":     &image.Paletted{Pix: short, Stride: 400, Rect: r, Palette: color.Palette{color.Black}},
		"YCbCr, too short":            &image.YCbCr{Y: short, Cb: short, Cr: short, YStride: 400, CStride: 400, Rect: r},
		"YCbCr and alpha, too short":  &image.NYCbCrA{YCbCr: image.YCbCr{Y: short, YStride: 400, CStride: 400, Rect: r}, A: short, AStride: 400},
		"as wide as it will be":       &image.NRGBA{Pix: short, Stride: 1600, Rect: image.Rect(0, 0, 100, 300)},
	} {
		e := &trapped{Engine: New(), img: img}
		tr := transform.New(e, transform.Options{Slots: 1, Queue: 1, MaxWait: time.Minute})
		s := transform.Spec{Width: 100, Format: transform.PNG}.Resolve(400, 300, 0, 0)
		for range 3 { // a slot that is not given back would be missed
			if _, err := tr.Transform(t.Context(), src, []transform.Spec{s}); !errors.Is(err, transform.ErrPanic) {
				t.Errorf("%s: got error %v, want %v", name, err, transform.ErrPanic)
			}
		}
		if n := e.calls.Load(); n != 3 {
			t.Errorf("%s: %d transforms were begun, want 3", name, n)
		}
	}
}

// TestPaletteOfTooFew is CVE-2023-36308's shape: an index behind the end of a palette is transparent.
func TestPaletteOfTooFew(t *testing.T) {
	img := image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.Black})
	for i := range img.Pix {
		img.Pix[i] = byte(i)
	}
	got, err := resampleGamma(t.Context(), img, img.Rect, 2, 2)
	if err != nil || got.Rect != image.Rect(0, 0, 2, 2) {
		t.Errorf("got %v, %v", got, err)
	}
}
