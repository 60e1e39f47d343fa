package goengine

import (
	"context"
	"image"

	"github.com/dd8bf596/cutline/internal/transform"
)

// A disposal says what becomes of a frame's rectangle after its time, in GIF's numbers (GIF89a §23).
type disposal byte

const (
	disposeUnsaid   disposal = iota // as disposeKeep
	disposeKeep                     // what was drawn stays
	disposeClear                    // it becomes transparent: the background colour that both formats name is drawn by no browser
	disposePrevious                 // it becomes what it was before the frame; GIF only
)

// A part is one frame of an animation as its file holds it.
type part struct {
	rect   image.Rectangle // its place on the canvas
	delay  int             // milliseconds
	after  disposal
	covers bool // its transparent pixels replace what is there, instead of letting it through; WebP only
	file   func(ctx context.Context) (image.Image, error)
}

// A film shows an animation frame by frame. Of its pixels it holds the canvas, one decoded part, and what a part that is
// to be taken away again has covered. It is for one goroutine.
type film struct {
	plays  int // how often it runs; 0 is for ever
	parts  []part
	linear bool // of original
	canvas *image.NRGBA
	under  *image.NRGBA // what the frame on the canvas covers, where that comes back
}

// openFilm finds the frames of src, without decoding any.
func openFilm(src []byte, h header) (*film, error) {
	f := &film{canvas: image.NewNRGBA(image.Rect(0, 0, h.width, h.height)), linear: true}
	var err error
	if h.format == transform.GIF {
		err = f.gif(src)
	} else {
		f.linear = h.webp.kind == "VP8L"
		err = f.webp(src)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range f.parts {
		if p.rect.Empty() || !p.rect.In(f.canvas.Rect) {
			return nil, corrupt("frame %v outside the canvas %v", p.rect, f.canvas.Rect)
		}
	}
	return f, nil
}

// rewind makes the canvas what it is before the first frame.
func (f *film) rewind() {
	clear(f.canvas.Pix)
	f.under = nil
}

// show puts frame i on the canvas, where the one before is.
func (f *film) show(ctx context.Context, i int) error {
	if i > 0 {
		f.dispose(f.parts[i-1])
	}
	p := f.parts[i]
	img, err := p.file(ctx)
	if err != nil {
		return err
	}
	bounds := img.Bounds()
	if bounds.Size() != p.rect.Size() {
		return corrupt("%v pixels, where the frame has %v", bounds.Size(), p.rect.Size())
	}
	if p.after == disposePrevious {
		f.under = image.NewNRGBA(image.Rectangle{Max: p.rect.Size()})
		copyRect(f.under, image.Point{}, f.canvas, p.rect)
	}
	img = unpremultiplied(img)
	step := max(bandPixels/bounds.Dx(), 1)
	for y := bounds.Min.Y; y < bounds.Max.Y; y += step {
		band := nrgba(img, image.Rect(bounds.Min.X, y, bounds.Max.X, min(y+step, bounds.Max.Y)))
		at := p.rect.Min.Add(image.Pt(0, y-bounds.Min.Y))
		if p.covers {
			copyRect(f.canvas, at, band, band.Rect)
		} else {
			drawOver(f.canvas, at, band)
		}
	}
	return nil
}

// dispose takes a frame away from the canvas as it says.
func (f *film) dispose(p part) {
	switch p.after {
	case disposeClear:
		clearRect(f.canvas, p.rect)
	case disposePrevious:
		copyRect(f.canvas, p.rect.Min, f.under, f.under.Rect)
		f.under = nil
	}
}

// row is the bytes of w pixels of img from (x, y), whose origin is (0, 0).
func row(img *image.NRGBA, x, y, w int) []byte { return img.Pix[y*img.Stride+4*x:][:4*w] }

// copyRect copies the part r of src to dst, its corner at at.
func copyRect(dst *image.NRGBA, at image.Point, src *image.NRGBA, r image.Rectangle) {
	for y := range r.Dy() {
		copy(row(dst, at.X, at.Y+y, r.Dx()), row(src, r.Min.X, r.Min.Y+y, r.Dx()))
	}
}

func clearRect(dst *image.NRGBA, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		clear(row(dst, r.Min.X, y, r.Dx()))
	}
}

// drawOver lays src over dst, its corner at at (RFC 9649 §2.7.1.1).
func drawOver(dst *image.NRGBA, at image.Point, src *image.NRGBA) {
	w := src.Rect.Dx()
	for y := range src.Rect.Dy() {
		from, to := row(src, 0, y, w), row(dst, at.X, at.Y+y, w)
		for i := 0; i < len(from); i += 4 {
			s, d := from[i:i+4:i+4], to[i:i+4:i+4]
			switch a := uint32(s[3]); {
			case a == 255 || d[3] == 0:
				if a > 0 {
					copy(d, s)
				}
			case a > 0:
				left := (uint32(d[3])*(255-a) + 127) / 255 // of what is there
				sum := a + left
				for c := range 3 {
					d[c] = uint8((uint32(s[c])*a + uint32(d[c])*left + sum/2) / sum)
				}
				d[3] = uint8(sum)
			}
		}
	}
}

// delayed is a frame's time in milliseconds as browsers keep it: those of at most 10 are 100. The files say 0 for "as fast as
// can be", which no machine was when they were made, and all engines agreed on this since (WebKit's and Blink's image
// decoders, Gecko's FrameTimeout).
func delayed(ms int) int {
	if ms <= 10 {
		return 100
	}
	return ms
}
