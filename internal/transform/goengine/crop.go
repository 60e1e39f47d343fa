package goengine

import (
	"context"
	"encoding/binary"
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

// blockSide is the pixels of a side of JPEG's blocks.
const blockSide = 8

// blocksSuffice reports whether one sample a block is enough to judge an original by.
//
// The window must not depend on what else is in the call, and so not on the reduction at which a JPEG is decoded for it.
// Samples of different reductions differ by a level here and there, which is enough to move the window by a step where
// several are equally good. The means of blocks are the same in all, to the last bit; an original that is too small for
// them is decoded whole where it is cut around what stands out (shrinkFor).
func blocksSuffice(size image.Point) bool { return max(size.X, size.Y) >= blockSide*saliency.Side }

// coarseness is by how much, a power of two, an original is averaged before it is made small, for speed: what is left has at
// least twice the small picture's sides, so that chroma at half the resolution has as many.
func coarseness(size image.Point) int {
	by := 1
	for max(size.X, size.Y) >= 4*by*saliency.Side {
		by *= 2
	}
	return by
}

// small is the original as shown, with saliency.Side pixels on its longer side.
func (o *original) small(ctx context.Context) (saliency.Picture, error) {
	long := max(o.size.X, o.size.Y)
	w, h := round(o.size.X, saliency.Side, long), round(o.size.Y, saliency.Side, long)
	by := coarseness(o.size)
	var from *planar
	switch {
	case o.means != nil && blocksSuffice(o.size):
		from = o.means.averaged(by)
	case o.planes != nil:
		from = o.planes.averaged(by)
	default:
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
// are in p; where they are already, or more, p.
func (p *planar) averaged(by int) *planar {
	for step := int(p.step[0].x); step < by; {
		n := min(by/step, 8)
		to := &planar{origin: p.origin}
		for i, src := range p.planes {
			to.planes = append(to.planes, average(src, n))
			to.step = append(to.step, pitch{p.step[i].x * float64(n), p.step[i].y * float64(n)})
		}
		p, step = to, step*n
	}
	return p
}

// average is p with one sample, the mean, for every square of n × n; at the right and below of what there is of it. n is 2, 4
// or 8. Samples are added up in pairs, four of them in one integer: of sixteen rows, a pair's sum still fits.
func average(p resample.Plane, n int) resample.Plane {
	const even, lane = 0x00ff00ff00ff00ff, 0xffff
	w, h := (p.Width+n-1)/n, (p.Height+n-1)/n
	to := resample.Plane{Pix: make([]byte, w*h), Stride: w, Width: w, Height: h}
	pairs := make([]uint64, (p.Width+7)/8)
	for y := range h {
		clear(pairs)
		high := min(n, p.Height-y*n)
		for i := range high {
			row := p.Pix[(y*n+i)*p.Stride:][:p.Width]
			for j := range pairs {
				var v uint64
				if len(row) >= 8 {
					v = binary.LittleEndian.Uint64(row)
					row = row[8:]
				} else {
					for k, sample := range row {
						v |= uint64(sample) << (8 * k)
					}
				}
				pairs[j] += v&even + v>>8&even
			}
		}
		for x := range w {
			var sum uint64
			for i := x * n / 2; i < (x+1)*n/2 && i/4 < len(pairs); i++ {
				sum += pairs[i/4] >> (16 * (i % 4)) & lane
			}
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
	tallies := make([]tally, w)
	for y := range h {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		clear(tallies)
		for from := y * by; from < min((y+1)*by, size.Y); from += stride {
			row := nrgba(img, image.Rect(0, from, size.X, from+1)).Pix
			for x := range tallies {
				tallies[x].add(row[4*x*by:min(4*(x+1)*by, len(row))], 4*stride)
			}
		}
		for x := range tallies {
			for i, v := range tallies[x].samples() {
				to.planes[i].Pix[y*w+x] = v
			}
		}
	}
	return to, nil
}

// A tally adds up pixels: their channels times alpha, their alpha, and how many they are.
type tally struct{ r, g, b, a, n uint32 }

// add adds the pixels of a row that lie step bytes apart.
func (c *tally) add(row []byte, step int) {
	sum := *c
	for ; len(row) >= 4; row = row[min(step, len(row)):] {
		a := uint32(row[3])
		sum.r, sum.g, sum.b = sum.r+uint32(row[0])*a, sum.g+uint32(row[1])*a, sum.b+uint32(row[2])*a
		sum.a, sum.n = sum.a+a, sum.n+1
	}
	*c = sum
}

// samples is luma, chroma and alpha of the mean, over grey.
func (c *tally) samples() [4]byte {
	whole := 255 * c.n
	over := func(sum uint32) byte { return byte((sum + (whole-c.a)*128 + whole/2) / whole) }
	y, cb, cr := color.RGBToYCbCr(over(c.r), over(c.g), over(c.b))
	return [4]byte{y, cb, cr, byte((c.a + c.n/2) / c.n)}
}
