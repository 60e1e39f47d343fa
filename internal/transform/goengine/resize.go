package goengine

import (
	"context"
	"image"

	"github.com/disintegration/imaging"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/colour"
	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
	"github.com/dd8bf596/cutline/internal/transform/goengine/saliency"
)

// bandPixels is how many pixels of an original become NRGBA at one time: 4 MiB, a small part of any original whose memory
// matters. Smaller bands would cost time, because the filter's weights are computed once per band.
const bandPixels = 1 << 20

// An original is what decoding made, as stored: planes, or an image.
type original struct {
	size        image.Point // pixels of the file, as stored
	orientation int
	planes      *planar     // nil where there is img
	means       *planar     // one sample for each block of a JPEG; nil for others
	img         image.Image // of size, origin at (0, 0)
	// profile is what the colours of planes or img mean; nil for sRGB. Pictures are resized without asking it.
	profile *colour.Profile
	// linear says that img is resized in linear light and without ringing. It is set for what comes from lossless files,
	// which are drawings, text and screenshots more often than not: a Lanczos filter in gamma space puts halos around their
	// edges and makes light lines on dark ground thinner. Photographs gain nothing from it that anybody could see, and
	// libvips, sharp and browsers resize them in gamma space.
	linear bool
}

// visible is the size as shown.
func (o *original) visible() image.Point {
	if turned(o.orientation) {
		return image.Pt(o.size.Y, o.size.X)
	}
	return o.size
}

// A resizer makes the pictures of one call. It is for one goroutine.
type resizer struct {
	original *original
	made     []resized
	salient  *saliency.Map // of the original as shown; nil until a picture is cut around what stands out
}

// A resized is a picture made before. Nobody may modify its pixels: they may be the original's.
type resized struct {
	crop   image.Rectangle // what it shows, in the original as stored
	w, h   int             // as stored
	half   bool            // chroma at half the resolution
	planes *planar         // as stored; nil where there are pixels
	pixels *image.NRGBA    // as stored
	shown  *picture
}

// A picture is pixels to encode, as shown: planes (Y, or Y, Cb, Cr, JFIF's), or NRGBA. Nobody may modify it.
type picture struct {
	planes []resample.Plane
	pixels *image.NRGBA
	wide   bool // its colours are Display P3, not sRGB
}

// picture makes the pixels for s, as shown, or finds those made before; fresh tells which. What Pad adds is not in them: it
// is added where they are encoded, so that specs with and without it share them.
func (r *resizer) picture(ctx context.Context, s transform.Spec) (pic *picture, fresh bool, err error) {
	o := r.original
	size := s.Place(o.visible().X, o.visible().Y).Size()
	w, h := size.X, size.Y
	if turned(o.orientation) {
		w, h = h, w
	}
	shown, err := r.window(ctx, s)
	if err != nil {
		return nil, false, err
	}
	want := resized{crop: stored(shown, o.orientation, o.size.X, o.size.Y), w: w, h: h, half: r.half(s)}
	var base *resized
	for i := range r.made {
		m := &r.made[i]
		switch {
		case m.crop != want.crop || m.half != want.half:
		case m.w == w && m.h == h:
			return m.shown, false, nil
		case m.w >= 2*w && m.h >= 2*h && (base == nil || m.w < base.w):
			base = m
		}
	}
	if o.planes != nil {
		err = r.fromPlanes(ctx, &want, base)
	} else {
		err = r.fromPixels(ctx, &want, base)
	}
	if err != nil {
		return nil, false, err
	}
	r.made = append(r.made, want)
	return want.shown, true, nil
}

// half reports whether chroma at half the resolution is all that s needs: for the lossy formats, which halve it anyway,
// where the original has no more.
func (r *resizer) half(s transform.Spec) bool {
	return r.original.planes != nil && r.original.planes.subsampled() && s.Format.Lossy()
}

func (r *resizer) fromPlanes(ctx context.Context, want, base *resized) error {
	from := r.original.planes
	if base != nil {
		from = base.planes
	}
	// A turn would leave the halves of an odd side between the pixels they are for.
	late := want.half && r.original.orientation > 1 && (want.w|want.h)&1 != 0
	var err error
	if want.planes, err = from.resize(ctx, want.crop, want.w, want.h, want.half && !late); err != nil {
		return err
	}
	shown := turn(want.planes.planes, r.original.orientation)
	if late {
		shown = []resample.Plane{shown[0], halve(shown[1]), halve(shown[2])}
	}
	want.shown = &picture{planes: shown}
	return nil
}

func (r *resizer) fromPixels(ctx context.Context, want, base *resized) error {
	from, part := r.original.img, want.crop
	if base != nil {
		from, part = base.pixels, base.pixels.Rect
	}
	var err error
	if r.original.linear && (part.Dx() != want.w || part.Dy() != want.h) {
		want.pixels, err = resampleLinear(ctx, from, part, want.w, want.h)
	} else {
		want.pixels, err = resampleGamma(ctx, from, part, want.w, want.h)
	}
	if err != nil {
		return err
	}
	want.shown = &picture{pixels: orient(want.pixels, r.original.orientation)}
	return nil
}

// resampleGamma makes w × h pixels of the part r of img with a Lanczos filter, as imaging.Resize does: rows first, then
// columns. The rows are done in bands, so that an original of 50 megapixels is never whole in memory as NRGBA, and ctx
// is asked between them. The result may share img's pixels.
func resampleGamma(ctx context.Context, img image.Image, r image.Rectangle, w, h int) (*image.NRGBA, error) {
	var rows *image.NRGBA // w pixels wide and as high as r
	if w == r.Dx() {
		rows = nrgba(img, r)
		if r != img.Bounds() { // a small part must not keep the whole original in memory
			rows = packed(rows)
		}
	} else {
		rows = image.NewNRGBA(image.Rect(0, 0, w, r.Dy()))
		err := bands(ctx, img, r, func(band *image.NRGBA, y int) error {
			narrow := imaging.Resize(band, w, band.Rect.Dy(), imaging.Lanczos)
			copy(rows.Pix[y*rows.Stride:], narrow.Pix)
			return nil
		})
		if err != nil {
			return nil, err
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

// bands calls do with one strip of the part r of img after the other, and how far below r's top it begins.
func bands(ctx context.Context, img image.Image, r image.Rectangle, do func(band *image.NRGBA, y int) error) error {
	step := max(bandPixels/r.Dx(), 1)
	for y := r.Min.Y; y < r.Max.Y; y += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		band := nrgba(img, image.Rect(r.Min.X, y, r.Max.X, min(y+step, r.Max.Y)))
		if err := do(band, y-r.Min.Y); err != nil {
			return err
		}
	}
	return nil
}

// resampleLinear is resampleGamma in linear light. Its result shares no pixels with img.
func resampleLinear(ctx context.Context, img image.Image, r image.Rectangle, w, h int) (*image.NRGBA, error) {
	return resample.Linear(ctx, nrgba(img, r), image.Rect(0, 0, r.Dx(), r.Dy()), w, h)
}
