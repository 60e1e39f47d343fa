package goengine

import (
	"bytes"
	"context"
	"fmt"
	"image"

	"github.com/gen2brain/jpegli"
	"github.com/gen2brain/webp"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/jpegscale"
	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
)

// The worth of a format's SSIM is set so that 37 photographs at 800 pixels have the same mean SSIM at searched qualities
// as the usual encoder's quality 80 gives them (internal/docs/performance.md, Bytes): 0.978 in JPEG, 0.974 in WebP. AVIF's
// is lower, 0.970, in a sixth fewer bytes than WebP: what AV1 loses is fine texture, where the others put blocks and rings.
const (
	jpegWorth = 39
	webpWorth = 23
	avifWorth = 16
)

// codecFor is the codec of a lossy format.
func codecFor(f transform.Format) (codec, bool) {
	switch f {
	case transform.JPEG:
		return codec{write: writeJPEG, luma: lumaOfJPEG, probes: [3]int{56, 76, 90}, worth: jpegWorth}, true
	case transform.WebP:
		return codec{write: writeWebP, luma: lumaOfWebP, probes: [3]int{56, 74, 88}, worth: webpWorth}, true
	case transform.AVIF:
		return codec{write: writeAVIF, luma: lumaOfAVIF, probes: [3]int{40, 58, 76}, worth: avifWorth}, true
	}
	return codec{}, false
}

// progressiveFrom is the number of pixels from which a JPEG is progressive: below, the tables of ten scans are more bytes
// than they save.
const progressiveFrom = 128 * 128

// writeJPEG encodes with jpegli (libjxl's encoder of JPEG, in WASM): adaptive quantization, and Huffman codes made for the
// picture. 800 × 533 pixels take 17 ms, as in image/jpeg, with 17 per cent fewer bytes. Thorough is progressive: it shows
// something early, and has 4 per cent fewer bytes for twice the time.
func writeJPEG(p *plate, quality int, thorough bool) ([]byte, error) {
	o := &jpegli.EncodingOptions{
		Quality: quality, OptimizeCoding: true, AdaptiveQuantization: true, ChromaSubsampling: image.YCbCrSubsampleRatio420,
	}
	if thorough && len(p.pixels.Pix) >= 4*progressiveFrom {
		o.ProgressiveLevel = 2
	}
	if p.fullChroma {
		o.ChromaSubsampling = image.YCbCrSubsampleRatio444
	}
	img := image.Image(asRGBA(p.pixels))
	if p.grey {
		img = greyOf(p.pixels)
	}
	var buf bytes.Buffer
	if err := jpegli.Encode(&buf, img, o); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// greyOf is a grey picture's one channel.
func greyOf(img *image.NRGBA) *image.Gray {
	dst := image.NewGray(img.Rect)
	for i := range dst.Pix {
		dst.Pix[i] = img.Pix[4*i]
	}
	return dst
}

func lumaOfJPEG(ctx context.Context, body []byte) (resample.Plane, error) {
	pic, err := jpegscale.Decode(ctx, body, jpegscale.Options{})
	if err != nil {
		return resample.Plane{}, err
	}
	return resample.Plane(pic.Planes[0]), nil
}

// libwebp's trade of time for bytes, 0…6. A photograph of 800 × 533 pixels takes 115 ms at 2 and 350 ms at 4 in Go, 28 and
// 60 ms in the shared library; at 2 it has 8 per cent more bytes at equal SSIM. Above 4 the time doubles for 1 per cent.
const (
	webpQuick    = 2
	webpThorough = 4
	// webpThoroughPixels bounds what is encoded thoroughly in Go, so that it takes half a second and not three.
	webpThoroughPixels = 600_000
)

// writeWebP encodes with libwebp.
func writeWebP(p *plate, quality int, thorough bool) ([]byte, error) {
	o := webp.Options{Quality: quality, Method: webpQuick}
	if thorough && (webp.Dynamic() == nil || len(p.pixels.Pix) <= 4*webpThoroughPixels) {
		o.Method = webpThorough
	}
	var buf bytes.Buffer
	if err := webp.Encode(&buf, p.pixels, o); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func lumaOfWebP(ctx context.Context, body []byte) (resample.Plane, error) {
	img, err := decodeWebP(until(ctx, bytes.NewReader(body)))
	if err != nil {
		return resample.Plane{}, err
	}
	switch img := img.(type) {
	case *image.YCbCr:
		return planarYCbCr(img).planes[0], nil
	case *image.NYCbCrA:
		p := planarYCbCr(&img.YCbCr).planes[0]
		over := resample.Plane{Pix: make([]byte, p.Width*p.Height), Stride: p.Width, Width: p.Width, Height: p.Height}
		for y := range p.Height {
			for x, v := range p.Pix[y*p.Stride:][:p.Width] {
				over.Pix[y*p.Width+x] = overGrey(int(v), int(img.A[y*img.AStride+x]))
			}
		}
		return over, nil
	}
	return resample.Plane{}, fmt.Errorf("a lossy WebP came back as %T", img)
}
