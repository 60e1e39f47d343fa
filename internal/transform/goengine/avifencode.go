package goengine

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math"

	"github.com/gen2brain/avif"

	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
)

// avifSpeed is libaom's trade of time for bytes, 0…10: a photograph of 800 × 533 pixels takes 220 ms at 10 and 9, 1 s at 8.
const avifSpeed = 10

// avifFullPixels bounds the pictures that keep chroma at full resolution: it takes half as much memory again.
const avifFullPixels = 600_000

// writeAVIF encodes with libavif and libaom, 8 bits. An opaque picture has no alpha in the file. Where there is one, it is
// written at half the loss of the colours: its edges are the picture's outline, and it takes few bytes. It cannot be
// stopped.
func writeAVIF(p *plate, quality int, _ bool) ([]byte, error) {
	o := avif.Options{Quality: quality, QualityAlpha: (quality + 101) / 2, Speed: avifSpeed, ChromaSubsampling: image.YCbCrSubsampleRatio420}
	if p.fullChroma && len(p.pixels.Pix) <= 4*avifFullPixels {
		o.ChromaSubsampling = image.YCbCrSubsampleRatio444
	}
	var buf bytes.Buffer
	if err := avif.Encode(&buf, multiplied(p), o); err != nil {
		return nil, fmt.Errorf("libavif: %w", err)
	}
	return buf.Bytes(), nil
}

// lumaOfAVIF reads a file that writeAVIF made; that is no file from outside, whatever code reads it.
func lumaOfAVIF(ctx context.Context, body []byte) (resample.Plane, error) {
	h, err := parse(body)
	if err != nil {
		return resample.Plane{}, err
	}
	img, err := decodeAVIF(ctx, h)
	if err != nil {
		return resample.Plane{}, err
	}
	return lumaOf(nrgba(img, img.Bounds())), nil
}

// multiplied is p's pixels with colours multiplied by alpha, which is what the library hands to libavif; that divides them
// again. An opaque picture shares its pixels.
func multiplied(p *plate) *image.RGBA {
	if p.opaque {
		return asRGBA(p.pixels)
	}
	dst, pix := image.NewRGBA(p.pixels.Rect), p.pixels.Pix
	for i := 0; i < len(pix); i += 4 {
		a := uint32(pix[i+3])
		for c := range 3 {
			dst.Pix[i+c] = byte((uint32(pix[i+c])*a + math.MaxUint8/2) / math.MaxUint8)
		}
		dst.Pix[i+3] = pix[i+3]
	}
	return dst
}
