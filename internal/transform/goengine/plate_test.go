package goengine

import (
	"image"
	"image/color"
	"image/draw"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// lines is red lines of one pixel on white, or on nothing.
func lines(w, h int, ground color.Color) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	for y := 0; y < h; y += 6 {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{R: 220, A: 255})
		}
	}
	return img
}

// slopes is red from left to right and green from top to bottom.
func slopes(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{R: byte(x * 255 / w), G: byte(y * 255 / h), B: 7, A: 255})
		}
	}
	return img
}

func TestNewPlate(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 64, 64))
	draw.Draw(grey, grey.Rect, imagetest.Photo(64, 64), image.Point{}, draw.Src)
	clear := imagetest.NRGBA(grey)
	clear = &image.NRGBA{Pix: append([]byte(nil), clear.Pix...), Stride: clear.Stride, Rect: clear.Rect}
	clear.Pix[3] = 0
	for _, tt := range []struct {
		name                     string
		pic                      *picture
		opaque, grey, fullChroma bool
	}{
		{"colours that change slowly", &picture{pixels: slopes(64, 64)}, true, false, false},
		{"grey", &picture{pixels: imagetest.NRGBA(grey)}, true, true, false},
		{"grey plane", &picture{planes: planarGrey(grey).planes}, true, true, false},
		{"grey with a transparent pixel", &picture{pixels: clear}, false, false, false},
		{"red lines", &picture{pixels: lines(64, 64, color.White)}, true, false, true},
		{"red lines on nothing", &picture{pixels: lines(64, 64, color.Transparent)}, false, false, true},
		{"one pixel", &picture{pixels: slopes(1, 1)}, true, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlate(tt.pic)
			if p.opaque != tt.opaque || p.grey != tt.grey || p.fullChroma != tt.fullChroma {
				t.Errorf("got opaque %v, grey %v, full chroma %v, want %v, %v, %v", p.opaque, p.grey, p.fullChroma, tt.opaque, tt.grey, tt.fullChroma)
			}
		})
	}
}

// TestHalfChromaStaysHalf verifies that chroma which the original holds at half the resolution is not written at full.
func TestHalfChromaStaysHalf(t *testing.T) {
	full := image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio444)
	for i := range full.Y {
		full.Y[i] = 128
		full.Cr[i] = byte(255 * (i & 1))
		full.Cb[i] = 128
	}
	half := image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420)
	copy(half.Y, full.Y)
	for i := range half.Cr {
		half.Cr[i], half.Cb[i] = byte(255*(i&1)), 128
	}
	if !newPlate(&picture{planes: planarYCbCr(full).planes}).fullChroma {
		t.Error("stripes of one pixel in full chroma: got half the resolution")
	}
	if newPlate(&picture{planes: planarYCbCr(half).planes}).fullChroma {
		t.Error("chroma of half the resolution: got full")
	}
}

// TestSample verifies that a sample is of the picture, from all over it, and that a small picture is its own.
func TestSample(t *testing.T) {
	small := &plate{pixels: imagetest.Photo(400, 300)}
	if small.sample() != small {
		t.Error("a small picture: got a sample of it")
	}
	for _, size := range []image.Point{{1600, 900}, {900, 1600}, {4000, 64}} {
		img := slopes(size.X, size.Y)
		s := (&plate{pixels: img, opaque: true, fullChroma: true}).sample()
		if got := s.pixels.Rect.Dx() * s.pixels.Rect.Dy(); got != sampleTiles*sampleTile*sampleTile {
			t.Errorf("%v: got a sample of %d pixels, want %d", size, got, sampleTiles*sampleTile*sampleTile)
		}
		if !s.opaque || !s.fullChroma || s.grey {
			t.Errorf("%v: the sample says otherwise than the picture", size)
		}
		low, high := [2]byte{255, 255}, [2]byte{}
		for i := 0; i < len(s.pixels.Pix); i += 4 {
			for c := range 2 {
				low[c], high[c] = min(low[c], s.pixels.Pix[i+c]), max(high[c], s.pixels.Pix[i+c])
			}
			if s.pixels.Pix[i+2] != 7 || s.pixels.Pix[i+3] != 255 {
				t.Fatalf("%v: pixel %d is not of the picture", size, i/4)
			}
		}
		if low[0] > 40 || low[1] > 40 || high[0] < 215 || high[1] < 215 {
			t.Errorf("%v: got a sample from %v to %v, want one of all the picture", size, low, high)
		}
	}
}
