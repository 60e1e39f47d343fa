package goengine

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/gif"
	"io"
)

// gif finds the frames of a GIF that parseGIF has walked through. Each becomes a file of its own for image/gif, made of the
// pieces of src that it needs: that decoder would hold all frames at once.
func (f *film) gif(src []byte) error {
	f.plays = 1
	begin := 13 + colourTable(src[10])
	var control []byte // the graphic control extension of the next frame
	for at := begin; at < len(src) && src[at] != 0x3b; {
		from := at
		var err error
		if src[at] == 0x2c {
			if at, err = subBlocks(src, at+11+colourTable(src[at+9])); err != nil {
				return err
			}
			f.parts = append(f.parts, gifPart(src[:begin], control, src[from:at]))
			control = nil
			continue
		}
		if at, err = subBlocks(src, at+2); err != nil {
			return err
		}
		switch block := src[from:at]; {
		case block[1] == 0xf9 && len(block) == 8:
			control = block
		case block[1] == 0x01: // a plain text frame, which nobody draws, takes the extension before it with it
			control = nil
		case block[1] == 0xff && len(block) >= 19 && string(block[2:16]) == "\x0bNETSCAPE2.0\x03\x01":
			f.plays = int(binary.LittleEndian.Uint16(block[16:]))
			if f.plays > 0 {
				f.plays++ // it counts repetitions
			}
		}
	}
	return nil
}

// gifPart is the frame of one image block.
func gifPart(head, control, block []byte) part {
	u16 := func(i int) int { return int(binary.LittleEndian.Uint16(block[i:])) }
	p := part{
		rect:  image.Rect(u16(1), u16(3), u16(1)+u16(5), u16(3)+u16(7)),
		delay: delayed(0),
		file: func(ctx context.Context) (image.Image, error) {
			return gif.Decode(until(ctx, io.MultiReader(
				bytes.NewReader(head), bytes.NewReader(control), bytes.NewReader(block), bytes.NewReader([]byte{0x3b}))))
		},
	}
	if control != nil {
		p.delay = delayed(10 * int(binary.LittleEndian.Uint16(control[4:])))
		if p.after = disposal(control[3] >> 2 & 7); p.after > disposePrevious {
			p.after = disposeUnsaid // 4…7 are to be defined
		}
	}
	return p
}

// A gifReel writes an animation as GIF, each frame with colours of its own and only where it differs from the one before:
// what does not is transparent in it. Where pixels become transparent, the frame before has to take them away, so that a
// frame is written when the next is known.
type gifReel struct {
	gifWriter
	colours int
	flat    bool // of the first frame and so of all: dots that come and go are worse than either
	shown   *image.NRGBA
	pending *image.NRGBA
	delay   int // of pending, milliseconds
	owed    int // milliseconds that rounding to hundredths of a second has kept from frames before
}

func (g *gifReel) add(img *image.NRGBA, delay int) error {
	img = allOrNothing(img)
	if g.pending == nil {
		g.flat = isFlat(img)
	} else if err := g.flush(img); err != nil {
		return err
	}
	g.pending, g.delay = img, delay
	return nil
}

func (g *gifReel) bytes() int { return g.buf.Len() }

func (g *gifReel) end() ([]byte, error) {
	if err := g.flush(nil); err != nil {
		return nil, err
	}
	return g.finish(), nil
}

// flush writes the pending frame; next follows it.
func (g *gifReel) flush(next *image.NRGBA) error {
	canvas := g.pending.Rect
	r, after := canvas, disposeKeep
	if g.shown != nil {
		r = differing(canvas, func(x, y int) bool { return !same(at(g.shown, x, y), at(g.pending, x, y)) })
	} else {
		g.shown = image.NewNRGBA(canvas)
	}
	if next != nil {
		gone := differing(canvas, func(x, y int) bool { return at(g.pending, x, y)[3] > 0 && at(next, x, y)[3] == 0 })
		if !gone.Empty() {
			r, after = r.Union(gone), disposeClear
		}
	}
	if r.Empty() {
		r = image.Rect(0, 0, 1, 1) // nothing changes for a while
	}
	frame := image.NewNRGBA(image.Rectangle{Max: r.Size()})
	for y := range r.Dy() {
		from, there, to := row(g.pending, r.Min.X, r.Min.Y+y, r.Dx()), row(g.shown, r.Min.X, r.Min.Y+y, r.Dx()), row(frame, 0, y, r.Dx())
		for i := 0; i < len(from); i += 4 {
			if c := rgba(from[i:]); !same(c, rgba(there[i:])) {
				copy(to[i:], c[:])
			}
		}
	}
	hundredths := min(max((g.delay+g.owed+5)/10, 2), 1<<16-1) // browsers take 1 for 10
	g.owed = min(max(g.delay+g.owed-10*hundredths, -10), 10)
	if err := g.frame(paletted(frame, g.colours, g.flat), r.Min, hundredths, after); err != nil {
		return err
	}
	g.shown = g.pending
	if after == disposeClear {
		clearRect(g.shown, r)
	}
	return nil
}

// at is the colour of a pixel.
func at(img *image.NRGBA, x, y int) rgba { return rgba(img.Pix[y*img.Stride+4*x:]) }

// same reports whether two colours look the same: transparent ones all do.
func same(a, b rgba) bool { return a == b || a[3] == 0 && b[3] == 0 }

// differing is the smallest rectangle in r that holds every pixel of which differ says so.
func differing(r image.Rectangle, differ func(x, y int) bool) image.Rectangle {
	var box image.Rectangle
	for y := r.Min.Y; y < r.Max.Y; y++ {
		left := r.Min.X
		for left < r.Max.X && !differ(left, y) {
			left++
		}
		if left == r.Max.X {
			continue
		}
		right := r.Max.X
		for !differ(right-1, y) {
			right--
		}
		box = box.Union(image.Rect(left, y, right, y+1))
	}
	return box
}
