package goengine

import (
	"image"
	"image/color"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/colour"
)

// nrgba is the picture as NRGBA with its rows one behind the other. It shares p's pixels where they are that already.
// Chroma at half the resolution is repeated, not interpolated: the encoders that want RGB average it again.
func (p *picture) nrgba() *image.NRGBA {
	if p.pixels != nil {
		return packed(p.pixels)
	}
	y := p.planes[0]
	dst := image.NewNRGBA(image.Rect(0, 0, y.Width, y.Height))
	if len(p.planes) == 1 {
		for i := range y.Height {
			row := dst.Pix[i*dst.Stride:]
			for x, v := range y.Pix[i*y.Stride:][:y.Width] {
				row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = v, v, v, 0xff
			}
		}
		return dst
	}
	cb, cr := p.planes[1], p.planes[2]
	shift := uint(0)
	if cb.Width < y.Width || cb.Height < y.Height {
		shift = 1
	}
	for i := range y.Height {
		row := dst.Pix[i*dst.Stride:][:4*y.Width]
		blue, red := cb.Pix[(i>>shift)*cb.Stride:][:cb.Width], cr.Pix[(i>>shift)*cr.Stride:][:cr.Width]
		for x, v := range y.Pix[i*y.Stride:][:y.Width] {
			r, g, b := color.YCbCrToRGB(v, blue[x>>shift], red[x>>shift])
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = r, g, b, 0xff
		}
	}
	return dst
}

// opaque reports whether the picture has no transparent pixel.
func (p *picture) opaque() bool { return p.pixels == nil || p.pixels.Opaque() }

// ground is what is under the picture and around it, in its own colours, and clear where nothing is: JPEG has no
// transparency, and white is what a page has behind it.
func (p *picture) ground(s transform.Spec) rgba {
	ground := s.Background
	if ground == 0 && s.Format == transform.JPEG {
		ground = transform.Opaque | 0xffffff
	}
	if ground == 0 {
		return rgba{}
	}
	r, g, b := ground.RGB()
	if p.wide {
		r, g, b = colour.P3(r, g, b)
	}
	return rgba{r, g, b, 0xff}
}

// over is the picture over its ground.
func (p *picture) over(s transform.Spec) *picture {
	ground := p.ground(s)
	if ground[3] == 0 || p.opaque() {
		return p
	}
	return &picture{pixels: flatten(p.pixels, [3]uint8(ground[:3])), wide: p.wide}
}

// padded is the picture in the middle of s's box where s pads, else the picture.
func (p *picture) padded(s transform.Spec) *picture {
	if s.Fit != transform.Pad {
		return p
	}
	return &picture{pixels: padded(p.nrgba(), image.Pt(s.Width, s.Height), p.ground(s)), wide: p.wide}
}
