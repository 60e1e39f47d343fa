// Package imagetest makes what image tests need: pictures computed from their coordinates, files in every format and
// colour model, comparisons that tolerate an encoder's losses and nothing else, and golden references one can look at.
//
// Everything is deterministic: the same call gives the same bytes on every machine. Nothing here is for production code.
package imagetest

import (
	"image"
	"image/color"
)

// Photo is a picture of w × h pixels with what a photograph has: smooth areas, edges, texture on several scales and a
// little grain. Its content scales with its size, so that two sizes of it show the same thing. It is opaque.
func Photo(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	long := max(w, h)
	coarse, middle, fine := newLattice(1, max(long/4, 1)), newLattice(2, max(long/24, 1)), newLattice(3, max(long/160, 1))
	for y := range h {
		row := img.Pix[y*img.Stride : y*img.Stride+4*w]
		horizon := h*2/5 + (coarse.at(0, h)-128)*h/2048
		for x := range w {
			c, m, f := coarse.at(x, y), middle.at(x, y), fine.at(x, y)
			p := row[4*x : 4*x+4 : 4*x+4]
			if y < horizon+(m-128)*h/1024 { // sky: a gradient with clouds
				light := 60 * (horizon - y) / max(horizon, 1)
				p[0], p[1], p[2] = clamp(150-light+c/4), clamp(180-light/2+c/6), clamp(225+c/10)
			} else { // ground: texture over two tones
				tone := (m*2 + f + c) / 4
				grain := int(hash(7, x, y)>>56)/16 - 8
				p[0], p[1], p[2] = clamp(40+tone*3/4+grain), clamp(70+tone*2/3+grain), clamp(30+tone/3+grain)
			}
			if (x-w/3)*(x-w/3)+(y-h*2/3)*(y-h*2/3) < (long/12)*(long/12) { // one hard edge with a saturated colour
				p[0], p[1], p[2] = clamp(215+f/8), clamp(40+m/8), 50
			}
			p[3] = 255
		}
	}
	return img
}

// The colours of Quadrants: far apart in every channel, so that a turned picture or a swapped channel cannot pass.
var (
	TopLeft     = color.NRGBA{R: 230, G: 30, B: 30, A: 255}  // red
	TopRight    = color.NRGBA{R: 30, G: 200, B: 30, A: 255}  // green
	BottomLeft  = color.NRGBA{R: 30, G: 40, B: 220, A: 255}  // blue
	BottomRight = color.NRGBA{R: 240, G: 220, B: 30, A: 255} // yellow
)

// Quadrants is w × h pixels of four plain colours, one per quarter: orientation and crops are visible in four samples.
func Quadrants(w, h int) *image.NRGBA {
	return QuadrantsOf(w, h, [4]color.NRGBA{TopLeft, TopRight, BottomLeft, BottomRight})
}

// QuadrantsOf is Quadrants in other colours: top left, top right, bottom left, bottom right.
func QuadrantsOf(w, h int, colours [4]color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, colours[b2i(2*x >= w)+2*b2i(2*y >= h)])
		}
	}
	return img
}

// Gradient is w × h pixels whose red grows to the right, green downwards, and blue against both.
func Gradient(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			r, g := 255*x/max(w-1, 1), 255*y/max(h-1, 1)
			img.SetNRGBA(x, y, color.NRGBA{R: clamp(r), G: clamp(g), B: clamp(255 - (r+g)/2), A: 255})
		}
	}
	return img
}

// Noise is w × h pixels without any structure: the hardest thing to compress, the slowest to decode.
func Noise(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := hash(11, x, y)
			img.SetNRGBA(x, y, color.NRGBA{R: uint8(v >> 56), G: uint8(v >> 48), B: uint8(v >> 40), A: 255})
		}
	}
	return img
}

// Fade is Photo with an alpha that runs from transparent at the left to opaque at the right.
func Fade(w, h int) *image.NRGBA {
	img := Photo(w, h)
	for y := range h {
		for x := range w {
			img.Pix[img.PixOffset(x, y)+3] = clamp(255 * x / max(w-1, 1))
		}
	}
	return img
}

// A lattice is smooth noise of one scale: hashed values at the corners of cells, interpolated between.
type lattice struct {
	seed uint64
	cell int // pixels
}

func newLattice(seed uint64, cell int) lattice { return lattice{seed: seed, cell: cell} }

// at is the value at a pixel, 0…255.
func (l lattice) at(x, y int) int {
	cx, cy := x/l.cell, y/l.cell
	fx, fy := x%l.cell, y%l.cell
	corner := func(dx, dy int) int { return int(hash(l.seed, cx+dx, cy+dy) >> 56) }
	top := corner(0, 0)*(l.cell-fx) + corner(1, 0)*fx
	bottom := corner(0, 1)*(l.cell-fx) + corner(1, 1)*fx
	return (top*(l.cell-fy) + bottom*fy) / (l.cell * l.cell)
}

// hash mixes its arguments into 64 bits: the finaliser of splitmix64 (Steele, Lea, Flood 2014).
func hash(seed uint64, x, y int) uint64 {
	z := seed*0x9e3779b97f4a7c15 + uint64(x)*0xd1b54a32d192ed03 + uint64(y)*0x8cb92ba72f3d8dd7
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func clamp(v int) uint8 { return uint8(min(max(v, 0), 255)) }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
