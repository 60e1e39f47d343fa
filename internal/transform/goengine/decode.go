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
	"github.com/dd8bf596/cutline/internal/transform/goengine/jpegscale"
	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
)

// decode makes the first frame of src on its canvas, not yet turned. A JPEG is decoded at 1/shrink of its size, where it
// can be. What comes out has the size that the header promised, or it is ErrCorrupt.
func decode(ctx context.Context, src []byte, h header, shrink int) (*original, error) {
	o := &original{size: image.Pt(h.width, h.height), orientation: h.orientation}
	var err error
	if h.format == transform.JPEG {
		if o.planes, err = decodePlanes(ctx, src, h, shrink); !errors.Is(err, jpegscale.ErrUnsupported) {
			return o, decodeError(ctx, h, err)
		}
	}
	img, err := decodeFrame(ctx, src, h)
	if err == nil && img.Bounds().Size() != h.frame.Size() {
		err = corrupt("%v pixels, where the header says %v", img.Bounds().Size(), h.frame.Size())
	}
	if err := decodeError(ctx, h, err); err != nil {
		return nil, err
	}
	canvas := image.Rectangle{Max: o.size}
	if h.frame == canvas && img.Bounds() == canvas {
		o.take(img, h)
		return o, nil
	}
	o.img, o.linear = onCanvas(unpremultiplied(img), h.frame, canvas), true
	return o, nil
}

// take makes img the original: as planes where it has some and is opaque.
func (o *original) take(img image.Image, h header) {
	lossless := h.format == transform.PNG || h.format == transform.GIF || h.webp.kind == "VP8L"
	switch img := img.(type) {
	case *image.YCbCr:
		o.planes = planarYCbCr(img)
	case *image.Gray:
		if !lossless {
			o.planes = planarGrey(img)
			return
		}
		o.img, o.linear = img, fitsLinear(img)
	default:
		o.img = unpremultiplied(img)
		o.linear = lossless && fitsLinear(o.img)
	}
}

// linearPixels bounds what is resized in linear light: the whole picture has to be NRGBA for it, 64 MiB.
const linearPixels = 16 << 20

func fitsLinear(img image.Image) bool {
	_, already := img.(*image.NRGBA)
	return already || int64(img.Bounds().Dx())*int64(img.Bounds().Dy()) <= linearPixels
}

// decodeError is err as the Engine contract has it; ctx's end comes first.
func decodeError(ctx context.Context, h header, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if err != nil {
		return fmt.Errorf("decode %s: %w", h.format, classify(err))
	}
	return nil
}

// decodePlanes decodes a JPEG of one or three components to planes at 1/shrink of its size.
func decodePlanes(ctx context.Context, src []byte, h header, shrink int) (*planar, error) {
	pic, err := jpegscale.Decode(ctx, src, jpegscale.Options{Shrink: shrink, MaxScans: h.scans})
	if err != nil {
		return nil, err
	}
	if pic.Width != h.width || pic.Height != h.height {
		return nil, corrupt("%d × %d pixels, where the header says %d × %d", pic.Width, pic.Height, h.width, h.height)
	}
	p := &planar{}
	for i, plane := range pic.Planes {
		step := pitch{float64(shrink), float64(shrink)}
		if i > 0 {
			step = pitch{step.x * float64(h.chromaX), step.y * float64(h.chromaY)}
		}
		p.planes, p.step = append(p.planes, resample.Plane(plane)), append(p.step, step)
	}
	return p, nil
}

// onCanvas is img at frame on a transparent canvas: an animation's first frame may cover a part of it only, and browsers
// leave the rest transparent.
func onCanvas(img image.Image, frame, canvas image.Rectangle) *image.NRGBA {
	whole := image.NewNRGBA(canvas)
	r := img.Bounds()
	step := max(bandPixels/max(r.Dx(), 1), 1)
	for y := r.Min.Y; y < r.Max.Y; y += step {
		band := nrgba(img, image.Rect(r.Min.X, y, r.Max.X, min(y+step, r.Max.Y)))
		draw.Draw(whole, band.Rect.Add(frame.Min).Add(image.Pt(0, y-r.Min.Y)), band, image.Point{}, draw.Src)
	}
	return whole
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
		return decodeWebP(until(ctx, h.webp.file(h.frame.Dx(), h.frame.Dy())))
	case transform.AVIF:
		return decodeAVIF(ctx, h)
	}
	return nil, unsupported("%s", h.format)
}

// decodeWebP reads a still WebP.
func decodeWebP(r io.Reader) (image.Image, error) {
	img, err := webp.Decode(r)
	switch img := img.(type) {
	case *image.YCbCr:
		fullRange(img)
	case *image.NYCbCrA:
		fullRange(&img.YCbCr)
	}
	return img, err
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
