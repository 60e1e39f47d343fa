package imagetest

import (
	"bytes"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

// JPEG is Photo(w, h) as a baseline 4:2:0 JPEG of quality 90.
func JPEG(t testing.TB, w, h int) []byte {
	t.Helper()
	return EncodeJPEG(t, Photo(w, h), 90)
}

// PNG is a PNG of w × h pixels: Photo, or Fade where alpha is wanted.
func PNG(t testing.TB, w, h int, alpha bool) []byte {
	t.Helper()
	if alpha {
		return EncodePNG(t, Fade(w, h))
	}
	return EncodePNG(t, Photo(w, h))
}

// GIF is an animation of w × h pixels with the given number of frames: Photo in the web-safe palette first, then
// Quadrants for every other frame, so that a reader that takes the wrong frame shows.
func GIF(t testing.TB, w, h, frames int) []byte {
	t.Helper()
	var anim gif.GIF
	for i := range frames {
		src := Photo(w, h)
		if i > 0 {
			src = Quadrants(w, h)
		}
		frame := image.NewPaletted(src.Bounds(), palette.WebSafe)
		draw.Draw(frame, frame.Rect, src, image.Point{}, draw.Src)
		anim.Image, anim.Delay = append(anim.Image, frame), append(anim.Delay, 10)
	}
	var buf bytes.Buffer
	if err := gif.EncodeAll(&buf, &anim); err != nil {
		t.Fatalf("encode GIF: %v", err)
	}
	return buf.Bytes()
}

// EncodeJPEG encodes img with image/jpeg: 4:2:0 and baseline, or grey for an *image.Gray.
func EncodeJPEG(t testing.TB, img image.Image, quality int) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatalf("encode JPEG: %v", err)
	}
	return buf.Bytes()
}

// EncodePNG encodes img with image/png, which chooses depth and colour type by img's type.
func EncodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&buf, img); err != nil {
		t.Fatalf("encode PNG: %v", err)
	}
	return buf.Bytes()
}
