package goengine

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"image"
	"image/color"
	"math/bits"
)

// encodeGIF writes img as a still GIF of at most the given number of colours, 2…256, a transparent one included. A picture
// that has no more is written without loss. Transparency becomes all or nothing: see allOrNothing.
func encodeGIF(img *image.NRGBA, colours int) ([]byte, error) {
	img = allOrNothing(img)
	pic := paletted(img, colours, isFlat(img))
	g := &gifWriter{size: pic.Rect.Size(), plays: 1}
	if err := g.frame(pic, image.Point{}, 0, disposeKeep); err != nil {
		return nil, err
	}
	return g.finish(), nil
}

// allOrNothing is img with pixels of at least half the opacity opaque in their own colour, and the others clear: GIF has
// nothing in between, and what will be behind the picture is not known. Laying it over white instead would leave a white
// fringe on every other ground; who wants that names a background in the Spec.
func allOrNothing(img *image.NRGBA) *image.NRGBA {
	if img.Opaque() {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	dst := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row, out := img.Pix[y*img.Stride:][:4*w], dst.Pix[y*dst.Stride:][:4*w]
		for i := 0; i < len(row); i += 4 {
			if row[i+3] >= 128 {
				out[i], out[i+1], out[i+2], out[i+3] = row[i], row[i+1], row[i+2], 0xff
			}
		}
	}
	return dst
}

// A gifWriter writes a GIF89a, frame by frame: image/gif wants all frames at once. The first frame's colours are the
// file's own table; later frames that have the same need none.
type gifWriter struct {
	size  image.Point
	plays int // how often the animation runs; 0 is for ever
	buf   bytes.Buffer
	table []byte // of the file; nil before the first frame
}

// frame writes img with its origin at at, shown for the given number of hundredths of a second. A transparent colour of
// it must be the first of its palette.
func (g *gifWriter) frame(img *image.Paletted, at image.Point, delay int, after disposal) error {
	depth := max(bits.Len(uint(len(img.Palette)-1)), 1)
	table := make([]byte, 3<<depth)
	for i, c := range img.Palette {
		c := c.(color.NRGBA)
		table[3*i], table[3*i+1], table[3*i+2] = c.R, c.G, c.B
	}
	first := g.table == nil
	if first {
		g.table = table
		g.head(depth)
	}
	transparent := byte(0)
	if img.Palette[0].(color.NRGBA).A == 0 {
		transparent = 1
	}
	if transparent == 1 || delay > 0 || !first {
		g.buf.Write([]byte{0x21, 0xf9, 4, byte(after)<<2 | transparent, byte(delay), byte(delay >> 8), 0, 0})
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	flags := byte(0)
	if !bytes.Equal(table, g.table) {
		flags = 0x80 | byte(depth-1)
	} else {
		table = nil
	}
	g.buf.WriteByte(0x2c)
	for _, v := range []int{at.X, at.Y, w, h} {
		g.u16(v)
	}
	g.buf.WriteByte(flags)
	g.buf.Write(table)
	codes := max(depth, 2)
	g.buf.WriteByte(byte(codes))
	blocks := &gifBlocks{to: &g.buf}
	z := lzw.NewWriter(blocks, lzw.LSB, codes)
	for y := range h {
		if _, err := z.Write(img.Pix[y*img.Stride:][:w]); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	blocks.close()
	return nil
}

// head writes what precedes the first frame: the screen, the table, and how often the animation runs, which is once where
// the file does not say (the application extension of Netscape Navigator 2.0, which counts repetitions, not runs).
func (g *gifWriter) head(depth int) {
	g.buf.WriteString("GIF89a")
	g.u16(g.size.X)
	g.u16(g.size.Y)
	g.buf.Write([]byte{0x80 | byte(depth-1), 0, 0})
	g.buf.Write(g.table)
	if g.plays != 1 {
		g.buf.WriteString("\x21\xff\x0bNETSCAPE2.0\x03\x01")
		g.u16(max(g.plays-1, 0))
		g.buf.WriteByte(0)
	}
}

func (g *gifWriter) u16(v int) { g.buf.Write(binary.LittleEndian.AppendUint16(nil, uint16(v))) }

// finish ends the file and returns it.
func (g *gifWriter) finish() []byte {
	g.buf.WriteByte(0x3b)
	return g.buf.Bytes()
}

// A gifBlocks cuts what is written into sub-blocks of at most 255 bytes (GIF89a §15).
type gifBlocks struct {
	to    *bytes.Buffer
	block [256]byte // its length first
}

func (b *gifBlocks) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		k := copy(b.block[1+int(b.block[0]):], p)
		b.block[0] += byte(k)
		p = p[k:]
		if b.block[0] == 255 {
			b.to.Write(b.block[:])
			b.block[0] = 0
		}
	}
	return n, nil
}

// close writes what is left and the block of no bytes that ends the chain.
func (b *gifBlocks) close() {
	b.to.Write(b.block[:1+int(b.block[0])])
	if b.block[0] > 0 {
		b.to.WriteByte(0)
	}
}
