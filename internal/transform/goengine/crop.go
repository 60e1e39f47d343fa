package goengine

import (
	"context"
	"image"
	"image/color"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
	"github.com/dd8bf596/cutline/internal/transform/goengine/saliency"
)

// window is the part of the original as shown that s shows: all of it, or the largest part of s's ratio, placed as s says.
// Every picture of one ratio is placed by the same rule, so that a srcset shows one part.
func (r *resizer) window(ctx context.Context, s transform.Spec) (image.Rectangle, error) {
	visible := r.original.visible()
	if s.Fit != transform.Cover {
		return image.Rectangle{Max: visible}, nil
	}
	size := cropSize(s, visible)
	free := visible.Sub(size)
	at := free.Div(2)
	switch {
	case s.Crop == transform.Focal:
		// The focal point comes to the middle, as far as the picture reaches.
		at = image.Pt((2*int(s.Focus.X)*visible.X+100)/200, (2*int(s.Focus.Y)*visible.Y+100)/200).Sub(size.Div(2))
		at = image.Pt(min(max(at.X, 0), free.X), min(max(at.Y, 0), free.Y))
	case smart(s, visible):
		if r.salient == nil {
			small, err := r.original.small(ctx)
			if err != nil {
				return image.Rectangle{}, err
			}
			r.salient = saliency.New(small)
		}
		at = r.salient.Best(size, visible)
	}
	return image.Rectangle{Max: size}.Add(at), nil
}

// smart reports whether s is cut around what stands out, and anything is cut off at all.
func smart(s transform.Spec, visible image.Point) bool {
	return s.Fit == transform.Cover && s.Crop == transform.Smart && cropSize(s, visible) != visible
}

// cropSize is the largest size of s's ratio inside a picture.
func cropSize(s transform.Spec, visible image.Point) image.Point {
	if h := round(visible.X, s.Height, s.Width); h <= visible.Y {
		return image.Pt(visible.X, h)
	}
	return image.Pt(min(round(visible.Y, s.Width, s.Height), visible.X), visible.Y)
}

// round is a × num ÷ den, rounded half up, at least 1.
func round(a, num, den int) int {
	return int(max((2*int64(a)*int64(num)+int64(den))/(2*int64(den)), 1))
}

// coarseness is by how much, a power of two, an original can be reduced before it is made small: what is left has twice
// the small picture's sides, so that chroma at half the resolution has as many. A JPEG is never decoded at less where a
// picture is cut around what stands out (shrinkFor), and at more it is averaged down to the same samples, which is what
// the decoder's reduction does: the window must not depend on what else is in the call.
func coarseness(size image.Point) int {
	by := 1
	for max(size.X, size.Y)/(2*by) >= 2*saliency.Side {
		by *= 2
	}
	return by
}

// small is the original as shown, with saliency.Side pixels on its longer side.
func (o *original) small(ctx context.Context) (saliency.Picture, error) {
	long := max(o.size.X, o.size.Y)
	w, h := round(o.size.X, saliency.Side, long), round(o.size.Y, saliency.Side, long)
	by := coarseness(o.size)
	from := o.planes
	if from != nil {
		from = from.averaged(by)
	} else {
		var err error
		if from, err = coarse(ctx, o.img, by); err != nil {
			return saliency.Picture{}, err
		}
	}
	to, err := from.resize(ctx, image.Rectangle{Max: o.size}, w, h, false)
	if err != nil {
		return saliency.Picture{}, err
	}
	planes := turn(to.planes, o.orientation)
	pic := saliency.Picture{Width: planes[0].Width, Height: planes[0].Height, Y: planes[0].Pix}
	if len(planes) >= 3 {
		pic.Cb, pic.Cr = planes[1].Pix, planes[2].Pix
	}
	if len(planes) == 4 {
		pic.Alpha = planes[3].Pix
	}
	return pic, nil
}

// averaged is p with its samples of luma by pixels of the original apart, and those of chroma apart by as much more as they
// are in p. Where they are already, it is p.
func (p *planar) averaged(by int) *planar {
	times := by / int(p.step[0].x)
	if times <= 1 {
		return p
	}
	to := &planar{origin: p.origin}
	for i, src := range p.planes {
		to.planes = append(to.planes, average(src, times))
		to.step = append(to.step, pitch{p.step[i].x * float64(times), p.step[i].y * float64(times)})
	}
	return to
}

// average is p with one sample, the mean, for every square of n × n; at the right and below of what there is of it.
func average(p resample.Plane, n int) resample.Plane {
	w, h := (p.Width+n-1)/n, (p.Height+n-1)/n
	to := resample.Plane{Pix: make([]byte, w*h), Stride: w, Width: w, Height: h}
	sums := make([]uint64, w)
	for y := range h {
		clear(sums)
		high := min(n, p.Height-y*n)
		for i := range high {
			row := p.Pix[(y*n+i)*p.Stride:][:p.Width]
			for x := range sums {
				var sum uint64
				for _, v := range row[x*n : min(x*n+n, len(row))] {
					sum += uint64(v)
				}
				sums[x] += sum
			}
		}
		for x, sum := range sums {
			count := uint64(high * min(n, p.Width-x*n))
			to.Pix[y*w+x] = byte((sum + count/2) / count)
		}
	}
	return to
}

// coarsePoints is how many pixels, along a row and along a column, speak for a square of a picture that is not in planes: the
// conversion to NRGBA of what does not is saved.
const coarsePoints = 4

// coarse is img in planes of luma, chroma and alpha over grey, with one sample for every square of by × by pixels.
func coarse(ctx context.Context, img image.Image, by int) (*planar, error) {
	size := img.Bounds().Size()
	w, h := (size.X+by-1)/by, (size.Y+by-1)/by
	to := &planar{}
	for range 4 {
		to.planes = append(to.planes, resample.Plane{Pix: make([]byte, w*h), Stride: w, Width: w, Height: h})
		to.step = append(to.step, pitch{float64(by), float64(by)})
	}
	stride := max(by/coarsePoints, 1)
	cells := make([]cell, w)
	for y := range h {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		clear(cells)
		for from := y * by; from < min((y+1)*by, size.Y); from += stride {
			row := nrgba(img, image.Rect(0, from, size.X, from+1)).Pix
			for x := 0; x < size.X; x += stride {
				cells[x/by].add(row[4*x:][:4:4])
			}
		}
		for x := range cells {
			for i, v := range cells[x].samples() {
				to.planes[i].Pix[y*w+x] = v
			}
		}
	}
	return to, nil
}

// A cell adds up pixels: their channels times alpha, their alpha, and how many they are.
type cell struct{ r, g, b, a, n uint32 }

func (c *cell) add(p []byte) {
	a := uint32(p[3])
	c.r, c.g, c.b, c.a, c.n = c.r+uint32(p[0])*a, c.g+uint32(p[1])*a, c.b+uint32(p[2])*a, c.a+a, c.n+1
}

// samples is luma, chroma and alpha of the mean, over grey.
func (c *cell) samples() [4]byte {
	whole := 255 * c.n
	over := func(sum uint32) byte { return byte((sum + (whole-c.a)*128 + whole/2) / whole) }
	y, cb, cr := color.RGBToYCbCr(over(c.r), over(c.g), over(c.b))
	return [4]byte{y, cb, cr, byte((c.a + c.n/2) / c.n)}
}
