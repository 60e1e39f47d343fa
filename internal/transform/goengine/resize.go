package goengine

import (
	"context"
	"image"

	"github.com/disintegration/imaging"

	"github.com/dd8bf596/cutline/internal/transform"
)

// bandPixels is how many pixels of an original become NRGBA at one time: 4 MiB, a small part of any original whose memory
// matters. Smaller bands would cost time, because the filter's weights are computed once per band.
const bandPixels = 1 << 20

// A resizer makes the pictures of one call. It is for one goroutine.
type resizer struct {
	original    image.Image // as stored, origin at (0, 0)
	orientation int
	made        []resized
}

// A resized is a picture made before. Nobody may modify its pixels: they may be the original's.
type resized struct {
	crop   image.Rectangle // what it shows, in the original as stored
	pixels *image.NRGBA    // as stored, not turned
	shown  *image.NRGBA    // as shown
}

// picture makes the pixels for s, as shown, or finds those made before; fresh tells which.
func (r *resizer) picture(ctx context.Context, s transform.Spec) (pic *image.NRGBA, fresh bool, err error) {
	size := r.original.Bounds().Size()
	w, h := s.Width, s.Height
	visible := size
	if turned(r.orientation) {
		w, h = h, w
		visible = image.Pt(size.Y, size.X)
	}
	crop := stored(window(s, visible.X, visible.Y), r.orientation, size.X, size.Y)
	base := resized{crop: image.Rectangle{Max: size}}
	for _, m := range r.made {
		mw, mh := m.pixels.Rect.Dx(), m.pixels.Rect.Dy()
		switch {
		case m.crop != crop:
		case mw == w && mh == h:
			return m.shown, false, nil
		case mw >= 2*w && mh >= 2*h && (base.pixels == nil || mw < base.pixels.Rect.Dx()):
			base = m
		}
	}
	var from image.Image = r.original
	part := crop
	if base.pixels != nil {
		from, part = base.pixels, base.pixels.Rect
	}
	pixels, err := resample(ctx, from, part, w, h)
	if err != nil {
		return nil, false, err
	}
	m := resized{crop: crop, pixels: pixels, shown: orient(pixels, r.orientation)}
	r.made = append(r.made, m)
	return m.shown, true, nil
}

// window is the part of a picture of w × h pixels that s shows: all of it, or the largest part of s's ratio around the
// centre, with the odd pixel left over at the right or below.
func window(s transform.Spec, w, h int) image.Rectangle {
	if s.Fit != transform.Cover {
		return image.Rect(0, 0, w, h)
	}
	cw, ch := w, round(w, s.Height, s.Width)
	if ch > h {
		cw, ch = min(round(h, s.Width, s.Height), w), h
	}
	at := image.Pt((w-cw)/2, (h-ch)/2)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(cw, ch))}
}

// round is a × num ÷ den, rounded half up, at least 1.
func round(a, num, den int) int {
	return int(max((2*int64(a)*int64(num)+int64(den))/(2*int64(den)), 1))
}

// resample makes w × h pixels of the part r of img with a Lanczos filter, as imaging.Resize does: rows first, then
// columns. The rows are done in bands, so that an original of 50 megapixels is never whole in memory as NRGBA, and ctx
// is asked between them. The result may share img's pixels.
func resample(ctx context.Context, img image.Image, r image.Rectangle, w, h int) (*image.NRGBA, error) {
	var rows *image.NRGBA // w pixels wide and as high as r
	if w == r.Dx() {
		rows = nrgba(img, r)
		if r != img.Bounds() { // a small part must not keep the whole original in memory
			rows = packed(rows)
		}
	} else {
		rows = image.NewNRGBA(image.Rect(0, 0, w, r.Dy()))
		step := max(bandPixels/r.Dx(), 1)
		for y := r.Min.Y; y < r.Max.Y; y += step {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			band := nrgba(img, image.Rect(r.Min.X, y, r.Max.X, min(y+step, r.Max.Y)))
			narrow := imaging.Resize(band, w, band.Rect.Dy(), imaging.Lanczos)
			copy(rows.Pix[(y-r.Min.Y)*rows.Stride:], narrow.Pix)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h == r.Dy() {
		return rows, nil
	}
	return imaging.Resize(rows, w, h, imaging.Lanczos), nil
}
