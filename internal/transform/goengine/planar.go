package goengine

import (
	"context"
	"image"

	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
)

// A planar picture is luma and, unless it is grey, chroma in planes of their own (JFIF: full range, BT.601), opaque, as
// JPEG and lossy WebP store it. Resizing the planes and never making RGB of them is what makes JPEG to JPEG fast.
type planar struct {
	planes []resample.Plane // Y, or Y, Cb, Cr; both chroma planes have one size
	step   []pitch          // of each plane
	origin image.Point      // where they begin, in pixels of the original as stored
}

// A pitch is how far the samples of a plane lie apart, in pixels of the original as stored.
type pitch struct{ x, y float64 }

// planarYCbCr is img's planes without copying them.
func planarYCbCr(img *image.YCbCr) *planar {
	hs, vs := subsampling(img.SubsampleRatio)
	w, h := img.Rect.Dx(), img.Rect.Dy()
	cw, ch := (w+hs-1)/hs, (h+vs-1)/vs
	y, c := img.YOffset(img.Rect.Min.X, img.Rect.Min.Y), img.COffset(img.Rect.Min.X, img.Rect.Min.Y)
	chroma := pitch{float64(hs), float64(vs)}
	return &planar{
		planes: []resample.Plane{
			{Pix: img.Y[y:], Stride: img.YStride, Width: w, Height: h},
			{Pix: img.Cb[c:], Stride: img.CStride, Width: cw, Height: ch},
			{Pix: img.Cr[c:], Stride: img.CStride, Width: cw, Height: ch},
		},
		step: []pitch{{1, 1}, chroma, chroma},
	}
}

// planarGrey is img's plane without copying it.
func planarGrey(img *image.Gray) *planar {
	return &planar{
		planes: []resample.Plane{{Pix: img.Pix, Stride: img.Stride, Width: img.Rect.Dx(), Height: img.Rect.Dy()}},
		step:   []pitch{{1, 1}},
	}
}

// subsampling is how many pixels a chroma sample covers, horizontally and vertically.
func subsampling(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// subsampled reports whether p has fewer samples of chroma than of luma.
func (p *planar) subsampled() bool {
	return len(p.planes) == 3 && (p.planes[1].Width < p.planes[0].Width || p.planes[1].Height < p.planes[0].Height)
}

// resize makes w × h pixels of crop, which is in pixels of the original as stored. Chroma gets the same size, or with
// half, half of it, rounded up: each of its samples lies in the middle of the four pixels that it is for (JFIF 1.02, p. 4).
func (p *planar) resize(ctx context.Context, crop image.Rectangle, w, h int, half bool) (*planar, error) {
	to := &planar{origin: crop.Min}
	begin := crop.Min.Sub(p.origin)
	for i, src := range p.planes {
		step := pitch{float64(crop.Dx()) / float64(w), float64(crop.Dy()) / float64(h)}
		pw, ph := w, h
		if i > 0 && half {
			step.x, step.y = 2*step.x, 2*step.y
			pw, ph = (w+1)/2, (h+1)/2
		}
		from := p.step[i]
		win := resample.Window{
			X: float64(begin.X) / from.x, Width: float64(pw) * step.x / from.x,
			Y: float64(begin.Y) / from.y, Height: float64(ph) * step.y / from.y,
		}
		plane, err := resample.Resize(ctx, src, win, pw, ph)
		if err != nil {
			return nil, err
		}
		to.planes, to.step = append(to.planes, plane), append(to.step, step)
	}
	return to, nil
}

// turn makes what orientation o says out of planes as stored.
func turn(planes []resample.Plane, o int) []resample.Plane {
	if o <= 1 {
		return planes
	}
	to := make([]resample.Plane, len(planes))
	for i, p := range planes {
		to[i] = turnPlane(p, o)
	}
	return to
}

// turnPlane copies p to where orientation o says. Along its source rows, a copy moves by dx for every sample and by dy for
// every row, from its start.
func turnPlane(p resample.Plane, o int) resample.Plane {
	w, h := p.Width, p.Height
	if turned(o) {
		w, h = h, w
	}
	to := resample.Plane{Pix: make([]byte, w*h), Stride: w, Width: w, Height: h}
	corner := stored(image.Rect(0, 0, 1, 1), inverse(o), w, h).Min // where the first sample goes
	dx := stored(image.Rect(1, 0, 2, 1), inverse(o), w, h).Min.Sub(corner)
	dy := stored(image.Rect(0, 1, 1, 2), inverse(o), w, h).Min.Sub(corner)
	start, stepX, stepY := corner.Y*w+corner.X, dx.Y*w+dx.X, dy.Y*w+dy.X
	for y := range p.Height {
		row, at := p.Pix[y*p.Stride:][:p.Width], start+y*stepY
		for _, v := range row {
			to.Pix[at] = v
			at += stepX
		}
	}
	return to
}

// inverse is the orientation that undoes o: only the two quarter turns are not their own.
func inverse(o int) int {
	switch o {
	case 6:
		return 8
	case 8:
		return 6
	}
	return o
}

// halve is p at half its size, rounded up, each sample the mean of the four it is for.
func halve(p resample.Plane) resample.Plane {
	w, h := (p.Width+1)/2, (p.Height+1)/2
	to := resample.Plane{Pix: make([]byte, w*h), Stride: w, Width: w, Height: h}
	for y := range h {
		above := p.Pix[2*y*p.Stride:][:p.Width]
		below := p.Pix[min(2*y+1, p.Height-1)*p.Stride:][:p.Width]
		row := to.Pix[y*w:][:w]
		for x := range row {
			l, r := 2*x, min(2*x+1, p.Width-1)
			row[x] = uint8((uint(above[l]) + uint(above[r]) + uint(below[l]) + uint(below[r]) + 2) / 4)
		}
	}
	return to
}
