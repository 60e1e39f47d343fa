package goengine

import (
	"bytes"
	"fmt"
	"image"
	"math"

	"github.com/gen2brain/avif"
)

// avifSpeed is libaom's trade of time for bytes, 0…10: a photograph of 800 × 533 pixels takes 220 ms at 10 and 9, 1 s at 8.
const avifSpeed = 10

// encodeAVIF writes img at a quality of 1…100, 4:2:0 with 8 bits. An opaque picture has no alpha in the file. Where there
// is one, it is written at half the loss of the colours: its edges are the picture's outline, and it takes few bytes.
//
// The encoder works with 34 bytes per pixel and 5 MB, at most two and a quarter times that while its memory grows. It
// cannot be stopped.
func encodeAVIF(img *image.NRGBA, quality int) ([]byte, error) {
	var buf bytes.Buffer
	err := avif.Encode(&buf, multiplied(packed(img)), avif.Options{
		Quality: quality, QualityAlpha: (quality + 101) / 2, Speed: avifSpeed, ChromaSubsampling: image.YCbCrSubsampleRatio420,
	})
	if err != nil {
		return nil, fmt.Errorf("libavif: %w", err)
	}
	return buf.Bytes(), nil
}

// multiplied is img, whose rows lie one behind the other, with colours multiplied by alpha, which is what the library
// hands to libavif; that divides them again. An opaque picture shares its pixels.
func multiplied(img *image.NRGBA) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	r := image.Rect(0, 0, w, h)
	pix := img.Pix[:4*w*h]
	if img.Opaque() {
		return &image.RGBA{Pix: pix, Stride: 4 * w, Rect: r}
	}
	dst := image.NewRGBA(r)
	for i := 0; i < len(pix); i += 4 {
		a := uint32(pix[i+3])
		for c := range 3 {
			dst.Pix[i+c] = byte((uint32(pix[i+c])*a + math.MaxUint8/2) / math.MaxUint8)
		}
		dst.Pix[i+3] = pix[i+3]
	}
	return dst
}
