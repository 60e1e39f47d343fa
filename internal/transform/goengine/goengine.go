// Package goengine is the engine with nothing to install: it decodes, resizes and encodes in Go alone, without cgo.
//
// It reads and writes JPEG, PNG, GIF, WebP and AVIF. Bytes from outside are decoded only by Go code and inside WebAssembly:
// jpegscale, the standard library's decoders, golang.org/x/image/webp and gen2brain/avif, each called by name after the
// magic number is known, never through image.Decode (importing imaging registers decoders for BMP and TIFF). JPEG is
// written by gen2brain/jpegli in WebAssembly, WebP by gen2brain/webp: libwebp translated to Go, or the machine's libwebp
// where its loader finds one. Those libraries see no bytes but pixels made here: their own Decode is never called.
// gen2brain/avif has one switch for both ways: where its loader finds a libavif, AVIF is written by that and is not read
// at all.
//
// Limits, queues, deadlines and the recover are not this package's job: transform.Transformer wraps every engine in them.
package goengine

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dd8bf596/cutline/internal/transform"
)

// An Engine is the pure Go engine. It is safe for concurrent use. Each call of an encoder, and of the WebAssembly for AVIF,
// has its own memory; there are never more at once than transforms and processors less one.
type Engine struct {
	webp, avif library       // in use instead of the codecs inside the program
	spare      chan struct{} // see crew
}

var _ transform.Engine = (*Engine)(nil)

// New makes an Engine. Where the machine has a libwebp, it tries it on a small picture.
func New() *Engine { return &Engine{webp: webpLibrary(), avif: avifLibrary(), spare: newSpare()} }

// Close does nothing; there is nothing to release.
func (e *Engine) Close() error { return nil }

// Can reports what the engine does with f: all five both ways. But WebP is not written where a libwebp is in use that
// cannot; AVIF is not read where a libavif is in use, which is native code.
func (e *Engine) Can(f transform.Format) transform.Ability {
	switch f {
	case transform.JPEG, transform.PNG, transform.GIF:
		return transform.Ability{Decode: true, Encode: true}
	case transform.WebP:
		return transform.Ability{Decode: true, Encode: e.webp.broken == ""}
	case transform.AVIF:
		return transform.Ability{Decode: e.avif.name == "", Encode: true}
	}
	return transform.Ability{}
}

// revision must grow when this package changes the pixels or bytes that it makes.
const revision = "3"

// Rev names everything that shapes the bytes in f: this package's own revision, the resizing library, the encoder and
// its fixed options. The standard library's encoders change with Go's minor versions (1.26 changed image/jpeg), libwebp's
// translation and a machine's own library do not write the same bytes.
func (e *Engine) Rev(f transform.Format) string {
	rev := "go" + revision + " imaging1.6.2-lanczos "
	switch f {
	case transform.JPEG:
		return rev + "jpegli0.3.4"
	case transform.PNG, transform.GIF:
		return rev + f.Ext() + "-" + goMinor(runtime.Version())
	case transform.WebP:
		if e.webp.broken == "" {
			return rev + fmt.Sprintf("webp0.6.0-m%d-m%d", webpQuick, webpThorough) + e.webp.rev()
		}
	case transform.AVIF:
		return rev + fmt.Sprintf("avif0.5.0-s%d", avifSpeed) + e.avif.rev()
	}
	return ""
}

// goMinor cuts a Go version after its minor number: "go1.26.8" is "go1.26".
func goMinor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	digits := strings.IndexFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' })
	if digits >= 0 {
		parts[1] = parts[1][:digits]
	}
	return parts[0] + "." + parts[1]
}

// Probe reads the header of src: every marker, chunk, block or box is visited, no pixel is decoded.
func (e *Engine) Probe(src []byte) (transform.Info, error) {
	h, err := e.header(src)
	return h.info(), err
}

// header reads the header of src, if src is in a format that may be decoded here.
func (e *Engine) header(src []byte) (header, error) {
	if f, err := transform.Sniff(src); err == nil && !e.Can(f).Decode {
		return header{}, unsupported("%s: %s is in use, and native code decodes nothing from outside", f, e.avif.name)
	}
	return parse(src)
}

// Transform decodes src once and makes one Output per spec, in order.
//
// Renditions are made from the largest to the smallest, each from the smallest picture made before it that shows the same
// part of the original and has at least twice both its sides, else from the original. A second Lanczos pass from twice
// the size stays within 46 to 51 dB of one pass from 6 megapixels (luma PSNR; SSIM 0.999 and more) and does not visit
// every original pixel again; from less than twice the size the error grows and the saving shrinks. Renditions of one
// size in several formats share their pixels.
func (e *Engine) Transform(ctx context.Context, src []byte, specs []transform.Spec) ([]transform.Output, error) {
	for _, s := range specs {
		if s.Format == transform.WebP && e.webp.broken != "" {
			return nil, fmt.Errorf("encode %s: %w", s.Format, unsupported("%s", e.webp.broken))
		}
		if !e.Can(s.Format).Encode {
			return nil, fmt.Errorf("encode %s: %w", s.Format, transform.ErrFormat)
		}
	}
	began := time.Now()
	h, err := e.header(src)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(specs, h.animates) {
		return e.animate(ctx, src, h, specs)
	}
	order := largestFirst(specs, h.visible())
	outputs := make([]transform.Output, len(specs))
	o, err := decode(ctx, src, h, shrinkFor(h, specs))
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	pictures, err := resizeAll(ctx, &resizer{original: o}, specs, order, outputs)
	if err != nil {
		return nil, err
	}
	finish := &finisher{profile: o.profile}
	o = nil // its memory is free for the encoders, and the Transformer counts on that
	crew := newCrew(e.spare)
	defer crew.wg.Wait() // a panic here must not let go of what the Transformer counts while encoders still work
	for i, at := range order {
		s, out := specs[at], &outputs[at]
		start := time.Now()
		pic := finish.picture(pictures[i], s)
		finished := time.Since(start)
		ok := crew.do(s.Format, int64(s.Width)*int64(s.Height), i == len(order)-1, func() error {
			start := time.Now()
			defer func() { out.Took.Encode, out.Took.Decode = finished+time.Since(start), took }()
			out.Took.Began.Decode, out.Took.Began.Encode = began, start.Add(-finished)
			return write(ctx, out, pic, s)
		})
		if !ok {
			break
		}
	}
	if err := crew.wait(); err != nil {
		return nil, err
	}
	return outputs, nil
}

// write makes the bytes of one output.
func write(ctx context.Context, out *transform.Output, pic *picture, s transform.Spec) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if out.Body, out.Quality, err = encode(ctx, pic, s); err == nil {
		out.Body, err = withProfile(out.Body, s.Format, pic)
	}
	if err != nil {
		return fmt.Errorf("encode %s: %w", s.Format, err)
	}
	return nil
}

// largestFirst is the places of specs, those with the most pixels of an original as large as visible first.
func largestFirst(specs []transform.Spec, visible image.Point) []int {
	pixels := func(i int) int {
		size := specs[i].Place(visible.X, visible.Y).Size()
		return size.X * size.Y
	}
	order := make([]int, len(specs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(pixels(b), pixels(a))
	})
	return order
}

// shrinkFor is the strongest reduction, 1, 2, 4 or 8, under which no picture of specs has to be enlarged afterwards:
// that would cost it 24 dB, where a reduction that leaves enough is within 53 to 55 dB of none (luma PSNR).
func shrinkFor(h header, specs []transform.Spec) int {
	visible := h.visible()
	for _, shrink := range []int{8, 4, 2} {
		enough := true
		for _, s := range specs {
			part, size := visible, s.Place(visible.X, visible.Y).Size()
			if s.Fit == transform.Cover {
				part = cropSize(s, visible)
			}
			x, y := shrink, shrink
			if !s.Format.Lossy() { // chroma is written at full size too, and must not be enlarged more than need be
				x, y = shrink*max(h.chromaX, 1), shrink*max(h.chromaY, 1)
			}
			enough = enough && part.X/x >= size.X && part.Y/y >= size.Y && (!smart(s, visible) || blocksSuffice(visible))
		}
		if enough {
			return shrink
		}
	}
	return 1
}

// resizeAll makes the pictures for the specs at places, in their order, and the outputs without their bytes.
func resizeAll(ctx context.Context, r *resizer, specs []transform.Spec, places []int, outputs []transform.Output) ([]*picture, error) {
	pictures := make([]*picture, len(places))
	for i, at := range places {
		start := time.Now()
		pic, fresh, err := r.picture(ctx, specs[at])
		if err != nil {
			return nil, err
		}
		pictures[i] = pic
		outputs[at] = transform.Output{Format: specs[at].Format, Width: specs[at].Width, Height: specs[at].Height, Frames: 1}
		if fresh {
			outputs[at].Took.Resize, outputs[at].Took.Began.Resize = time.Since(start), start
		}
	}
	return pictures, nil
}
