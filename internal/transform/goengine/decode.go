package goengine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"

	"github.com/dd8bf596/cutline/internal/transform"
)

// decode makes the first frame of src on its canvas, as one of image's types with its origin at (0, 0), not yet turned.
// What comes out has the size that the header promised, or it is ErrCorrupt.
func decode(ctx context.Context, src []byte, h header) (image.Image, error) {
	img, err := decodeFrame(ctx, src, h)
	if err == nil && img.Bounds().Size() != h.frame.Size() {
		err = corrupt("%v pixels, where the header says %v", img.Bounds().Size(), h.frame.Size())
	}
	if ended := ctx.Err(); ended != nil {
		return nil, ended
	}
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", h.format, classify(err))
	}
	canvas := image.Rect(0, 0, h.width, h.height)
	img = unpremultiplied(img)
	if h.frame == canvas && img.Bounds() == canvas {
		return img, nil
	}
	// An animation's first frame may cover a part of its canvas; browsers leave the rest transparent.
	whole := image.NewNRGBA(canvas)
	r := img.Bounds()
	step := max(bandPixels/max(r.Dx(), 1), 1)
	for y := r.Min.Y; y < r.Max.Y; y += step {
		band := nrgba(img, image.Rect(r.Min.X, y, r.Max.X, min(y+step, r.Max.Y)))
		draw.Draw(whole, band.Rect.Add(h.frame.Min).Add(image.Pt(0, y-r.Min.Y)), band, image.Point{}, draw.Src)
	}
	return whole, nil
}

// decodeFrame calls the one decoder for h's format.
func decodeFrame(ctx context.Context, src []byte, h header) (image.Image, error) {
	switch h.format {
	case transform.JPEG:
		return jpeg.Decode(until(ctx, bytes.NewReader(src)))
	case transform.PNG:
		return png.Decode(until(ctx, bytes.NewReader(src)))
	case transform.GIF:
		return gif.Decode(until(ctx, bytes.NewReader(src)))
	case transform.WebP:
		img, err := webp.Decode(until(ctx, h.webp.file(h.frame.Dx(), h.frame.Dy())))
		switch img := img.(type) {
		case *image.YCbCr:
			fullRange(img)
		case *image.NYCbCrA:
			fullRange(&img.YCbCr)
		}
		return img, err
	}
	return nil, unsupported("%s", h.format)
}

// fullRange stretches planes of studio range (luma 16…235, chroma 16…240; ITU-R BT.601 §2.5), which is what VP8 holds
// (RFC 6386 §9.2), to the full range that image.YCbCr means. x/image/webp leaves them as they are: white would come out
// as 235 and black as 16 (golang.org/issue/40173).
func fullRange(img *image.YCbCr) {
	var luma, chroma [256]byte
	for i := range 256 {
		luma[i] = byte(min(max((2*255*(i-16)+219)/(2*219), 0), 255))
		chroma[i] = byte(min(max((2*255*(i-128)+2*224*128+224)/(2*224), 0), 255))
	}
	for i, v := range img.Y {
		img.Y[i] = luma[v]
	}
	for i, v := range img.Cb {
		img.Cb[i] = chroma[v]
	}
	for i, v := range img.Cr {
		img.Cr[i] = chroma[v]
	}
}

// classify makes a decoder's error ErrFormat where the decoder says that it knows no such variant, else ErrCorrupt.
func classify(err error) error {
	if errors.Is(err, transform.ErrCorrupt) || errors.Is(err, transform.ErrFormat) {
		return err
	}
	kind := transform.ErrCorrupt
	if _, ok := errors.AsType[jpeg.UnsupportedError](err); ok {
		kind = transform.ErrFormat
	}
	if _, ok := errors.AsType[png.UnsupportedError](err); ok {
		kind = transform.ErrFormat
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// until is r, ending with ctx: decoders read in pieces of some kilobytes, so that they stop within milliseconds of the
// deadline wherever reading is what they wait for.
func until(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx: ctx, r: r} }

// A reader reads r until ctx ends. It is no io.ByteReader, so that decoders put a buffer over it and ctx is asked per
// buffer, not per byte.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p[:min(len(p), readBytes)])
}

// readBytes bounds one Read, so that a decoder that asks for everything at once is stopped in between too.
const readBytes = 64 << 10
