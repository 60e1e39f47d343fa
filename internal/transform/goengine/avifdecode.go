package goengine

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"

	"github.com/gen2brain/avif"
)

// decodeAVIF decodes colours and alpha, cell by cell. What libavif sees is not the file but one picture at a time in a file
// made here: how a container's boxes contradict each other is settled before, and no box reaches it that the limits have
// not counted. Alpha comes out as a picture of its own, so that colours are never multiplied by it and divided again.
func decodeAVIF(ctx context.Context, h header) (image.Image, error) {
	var canvas *image.NRGBA
	var err error
	f := h.avif
	for i := range f.colour.cells {
		if canvas, err = f.colour.decode(ctx, i, canvas, f.nclx, opaqueRow); err != nil {
			return nil, err
		}
	}
	if f.alpha == nil {
		return canvas, nil
	}
	for i := range f.alpha.cells {
		s := f.alpha.cells[i].stream
		full := byte(0)
		if s.fullRange {
			full = 0x80
		}
		// The code points of sRGB: alpha has no colours, and only the range counts.
		if canvas, err = f.alpha.decode(ctx, i, canvas, []byte{0, 1, 0, 13, 0, 6, full}, alphaRow); err != nil {
			return nil, err
		}
	}
	if f.premultiplied {
		divide(canvas)
	}
	return canvas, nil
}

// decode decodes cell i and copies it to its place by row. The first one makes the canvas: its memory, which is a view
// into that of libavif, is the largest at that time.
func (p *avifPlane) decode(ctx context.Context, i int, canvas *image.NRGBA, nclx []byte, row func(dst, src []byte, step int) bool) (*image.NRGBA, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	img, err := avif.Decode(bytes.NewReader(p.cells[i].file(p.cellWidth, p.cellHeight, nclx)))
	if err != nil {
		return nil, err
	}
	if got, want := img.Bounds(), image.Rect(0, 0, p.cellWidth, p.cellHeight); got != want {
		return nil, corrupt("%v pixels, where the header says %v", got.Max, want.Max)
	}
	if canvas == nil {
		canvas = image.NewNRGBA(image.Rect(0, 0, p.width, p.height))
	}
	var pix []byte
	step := 1
	switch img := img.(type) {
	case *image.RGBA:
		pix = img.Pix
	case *image.RGBA64:
		pix, step = img.Pix, 2
	}
	if len(pix) < 4*step*p.cellWidth*p.cellHeight {
		return nil, corrupt("%d bytes of pixels", len(pix))
	}
	at := image.Pt(i%p.columns*p.cellWidth, i/p.columns*p.cellHeight)
	part := image.Rectangle{Min: at, Max: at.Add(image.Pt(p.cellWidth, p.cellHeight))}.Intersect(canvas.Rect)
	whole := true
	for y := range part.Dy() {
		dst := canvas.Pix[canvas.PixOffset(part.Min.X, part.Min.Y+y):][:4*part.Dx()]
		whole = row(dst, pix[4*step*p.cellWidth*y:], step) && whole
	}
	if !whole {
		// A picture without alpha comes out opaque. The library returns memory that nobody wrote to where libavif fails.
		return nil, corrupt("AV1 data that cannot be decoded")
	}
	return canvas, nil
}

// opaqueRow copies a row of pixels and reports whether it is opaque. Of channels of 16 bits, step is 2, and they are
// rounded to 8.
func opaqueRow(dst, src []byte, step int) bool {
	seen := byte(0xff)
	if step == 1 {
		copy(dst, src)
		for i := 3; i < len(dst); i += 4 {
			seen &= dst[i]
		}
		return seen == 0xff
	}
	for i := range dst {
		dst[i] = rounded(src[2*i:])
	}
	for i := 3; i < len(dst); i += 4 {
		seen &= src[2*i] & src[2*i+1]
	}
	return seen == 0xff
}

// rounded is a channel of 16 bits in 8.
func rounded(b []byte) byte {
	return byte((uint32(binary.BigEndian.Uint16(b))*255 + 32767) / 65535)
}

// alphaRow makes a row of grey pixels the alpha of dst and reports whether the row itself is opaque.
func alphaRow(dst, src []byte, step int) bool {
	seen := byte(0xff)
	for i := 0; i < len(dst); i += 4 {
		p := src[i*step:]
		if step == 1 {
			dst[i+3] = p[0]
			seen &= p[3]
		} else {
			dst[i+3] = rounded(p)
			seen &= p[6] & p[7]
		}
	}
	return seen == 0xff
}

// divide makes plain colours of those that are multiplied by alpha.
func divide(img *image.NRGBA) {
	for i := 0; i+4 <= len(img.Pix); i += 4 {
		p := img.Pix[i:][:4:4]
		if a := uint32(p[3]); a > 0 && a < 0xff {
			for c := range 3 {
				p[c] = byte(min((uint32(p[c])*255+a/2)/a, 255))
			}
		}
	}
}

// file is the cell as an AVIF of its own, w × h pixels, with nothing in it but what decoding needs.
func (c *avifCell) file(w, h int, nclx []byte) []byte {
	s := c.stream
	b32 := binary.BigEndian.AppendUint32
	box := func(kind string, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append(append(b32(nil, uint32(8+len(body))), kind...), body...)
	}
	bit := func(on bool, at uint) byte {
		if on {
			return 1 << at
		}
		return 0
	}
	fullBox := []byte{0, 0, 0, 0}
	channels := byte(3)
	if s.mono {
		channels = 1
	}
	props := [][]byte{
		box("ispe", fullBox, b32(b32(nil, uint32(w)), uint32(h))),
		box("pixi", fullBox, []byte{channels}, bytes.Repeat([]byte{byte(s.depth)}, int(channels))),
		box("av1C", []byte{
			0x81, s.profile<<5 | s.level,
			s.tier<<7 | bit(s.depth > 8, 6) | bit(s.depth == 12, 5) | bit(s.mono, 4) | bit(s.subX, 3) | bit(s.subY, 2) | s.chromaAt, 0,
		}),
	}
	links := []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 3, 1, 2, 0x83} // one item with the properties 1, 2 and, essential, 3
	if len(nclx) > 0 {
		props = append(props, box("colr", []byte("nclx"), nclx))
		links[10] = 4
		links = append(links, 4)
	}
	meta := func(offset int) []byte {
		return box("meta", fullBox,
			box("hdlr", fullBox, fullBox, []byte("pict"), make([]byte, 13)),
			box("pitm", fullBox, []byte{0, 1}),
			box("iloc", fullBox, []byte{0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1}, b32(b32(nil, uint32(offset)), uint32(len(c.data)))),
			box("iinf", fullBox, []byte{0, 1}, box("infe", []byte{2, 0, 0, 0, 0, 1, 0, 0}, []byte("av01\x00"))),
			box("iprp", box("ipco", props...), box("ipma", links)))
	}
	ftyp := box("ftyp", []byte("avif\x00\x00\x00\x00avifmif1miaf"))
	offset := len(ftyp) + len(meta(0)) + 8
	return bytes.Join([][]byte{ftyp, meta(offset), b32(nil, uint32(8+len(c.data))), []byte("mdat"), c.data}, nil)
}
