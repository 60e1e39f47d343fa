package goengine

import (
	"image"

	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
)

// A plate is a picture made ready for the lossy encoders: its pixels, and what is true of all of them. A sample of it is
// a plate that says the same, so that both are encoded alike.
type plate struct {
	pixels     *image.NRGBA // rows one behind the other
	opaque     bool
	grey       bool   // and opaque
	fullChroma bool   // chroma at half the resolution would be seen
	inner      *plate // what is in the middle of the pixels where they are padded; nil elsewhere
}

// newPlate looks at pic once. Chroma that the original holds at half the resolution is never worth more.
func newPlate(pic *picture) *plate {
	p := &plate{pixels: pic.nrgba(), opaque: pic.opaque()}
	if pic.planes != nil {
		p.grey = len(pic.planes) == 1
		p.fullChroma = !p.grey && pic.planes[1].Width == pic.planes[0].Width && sharpChroma(p.pixels)
		return p
	}
	p.grey = p.opaque && isGrey(p.pixels)
	p.fullChroma = !p.grey && sharpChroma(p.pixels)
	return p
}

// padded is the plate in the middle of s's box where s pads, over a ground; else the plate. How it is encoded goes by what is
// inside: what is around it has nothing to lose, and would make the losses of the whole look small.
func (p *plate) padded(s transform.Spec, ground rgba) *plate {
	if s.Fit != transform.Pad {
		return p
	}
	opaque := ground[3] == 0xff
	return &plate{
		pixels: padded(p.pixels, image.Pt(s.Width, s.Height), ground), inner: p, fullChroma: p.fullChroma,
		opaque: p.opaque && opaque, grey: p.grey && opaque && ground[0] == ground[1] && ground[1] == ground[2],
	}
}

// isGrey reports whether no pixel has a colour.
func isGrey(img *image.NRGBA) bool {
	for pix := img.Pix; len(pix) >= 4; pix = pix[4:] {
		if pix[0] != pix[1] || pix[1] != pix[2] {
			return false
		}
	}
	return true
}

// What sharpChroma calls an edge, in steps of 255, and how many of a thousand blocks must have one. Of 37 photographs at
// 800 pixels none has more than 1.1 in a thousand; two red lines across a white picture are 7, a circle and a frame 13.
const (
	chromaEdge  = 96
	chromaShare = 3
)

// sharpChroma reports whether the picture has many edges between colours that are finer than two pixels: red letters,
// thin lines. Chroma at half the resolution smears them, in photographs nobody sees it.
func sharpChroma(img *image.NRGBA) bool {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	edges, blocks := 0, 0
	for y := 0; y+1 < h; y += 2 {
		upper, lower := img.Pix[y*img.Stride:][:4*w], img.Pix[(y+1)*img.Stride:][:4*w]
		for x := 0; x+8 <= 4*w; x += 8 {
			blocks++
			if chromaRange(upper[x:x+8:x+8], lower[x:x+8:x+8]) > chromaEdge {
				edges++
			}
		}
	}
	return edges*1000 > blocks*chromaShare
}

// chromaRange is the largest difference of blue minus luma, or red minus luma, among four pixels. Where a pixel shines
// through, its colour counts by so much less.
func chromaRange(upper, lower []byte) int {
	lowB, highB, lowR, highR := 1<<20, -1<<20, 1<<20, -1<<20
	for _, p := range [...][]byte{upper[:4], upper[4:], lower[:4], lower[4:]} {
		y := luma(p)
		b, r := (int(p[2])-y)*int(p[3])/255, (int(p[0])-y)*int(p[3])/255
		lowB, highB, lowR, highR = min(lowB, b), max(highB, b), min(lowR, r), max(highR, r)
	}
	return max(highB-lowB, highR-lowR)
}

// luma is the BT.601 luma of a pixel.
func luma(p []byte) int {
	return (19595*int(p[0]) + 38470*int(p[1]) + 7471*int(p[2]) + 1<<15) >> 16
}

// lumaOf is the luma of a picture, over mid-grey where it is transparent.
func lumaOf(img *image.NRGBA) resample.Plane {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	p := resample.Plane{Pix: make([]byte, w*h), Stride: w, Width: w, Height: h}
	for y := range h {
		row, to := img.Pix[y*img.Stride:][:4*w], p.Pix[y*w:][:w]
		for x := range to {
			px := row[4*x:][:4:4]
			to[x] = overGrey(luma(px), int(px[3]))
		}
	}
	return p
}

// overGrey is luma y of opacity a over mid-grey.
func overGrey(y, a int) byte { return byte((y*a + 128*(255-a) + 127) / 255) }

// A sample of a picture is sampleTiles of sampleTile × sampleTile pixels, spread evenly: 131,072 pixels. Pictures that
// are not half as large again are their own sample.
const (
	sampleTile   = 64 // a multiple of 16, the largest block of the encoders
	sampleAcross = 8
	sampleDown   = 4
	sampleTiles  = sampleAcross * sampleDown
	wholeSample  = sampleTiles * sampleTile * sampleTile * 3 / 2
)

// sample is a small plate that costs as many bytes per pixel, and shows as much of an encoder's damage, as p does; as what is
// inside of p where it is padded.
func (p *plate) sample() *plate {
	if p.inner != nil {
		return p.inner.sample()
	}
	w, h := p.pixels.Rect.Dx(), p.pixels.Rect.Dy()
	if w*h <= wholeSample || w < sampleTile || h < sampleTile {
		return p
	}
	across, down := sampleAcross, sampleDown
	if h > w {
		across, down = down, across
	}
	small := image.NewNRGBA(image.Rect(0, 0, across*sampleTile, down*sampleTile))
	for i := range sampleTiles {
		col, row := i%across, i/across
		fromX, fromY := spread(col, across, w), spread(row, down, h)
		for y := range sampleTile {
			at := small.PixOffset(col*sampleTile, row*sampleTile+y)
			copy(small.Pix[at:at+4*sampleTile], p.pixels.Pix[p.pixels.PixOffset(fromX, fromY+y):])
		}
	}
	return &plate{pixels: small, opaque: p.opaque, grey: p.grey, fullChroma: p.fullChroma}
}

// spread is where the i-th of n tiles begins in a side of the given length: in the middle of its n-th part.
func spread(i, n, length int) int {
	return min(max((2*i+1)*length/(2*n)-sampleTile/2, 0), length-sampleTile)
}
