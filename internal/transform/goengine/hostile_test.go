package goengine

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// adobeRGB says of a JPEG, by an APP14 segment, that its components are red, green and blue.
func adobeRGB(src []byte) []byte {
	app14 := []byte{0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}
	return append(append(append([]byte{}, src[:2]...), app14...), src[2:]...)
}

// partGIF is a GIF whose only frame leaves the last row of its screen free.
func partGIF(t testing.TB, w, h int, interlaced bool) []byte {
	t.Helper()
	frame := image.NewPaletted(image.Rect(0, 0, w, h-1), palette.WebSafe)
	draw.Draw(frame, frame.Rect, imagetest.Photo(w, h), image.Point{}, draw.Src)
	var b bytes.Buffer
	err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: w, Height: h}})
	if err != nil {
		t.Fatal(err)
	}
	src := b.Bytes()
	if interlaced {
		descriptor := 13 + bytes.Index(src[13:], []byte{0x2c, 0, 0, 0, 0})
		src[descriptor+9] |= 0x40
	}
	return src
}

// A bitWriter writes VP8L's bits, the lowest of a byte first.
type bitWriter struct {
	b []byte
	n uint
}

func (w *bitWriter) put(v uint32, n uint) {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

// single writes a code of one symbol (RFC 9649 §3.7.2.1.1).
func (w *bitWriter) single(symbol uint32) {
	w.put(1, 1)
	w.put(0, 1)
	w.put(1, 1)
	w.put(symbol, 8)
}

// code writes a code of many symbols in few bits (§3.7.2.1.2): a symbols of length bits, then b of one bit more, as runs.
func (w *bitWriter) code(length uint32, a, b int) {
	w.put(0, 1)
	w.put(19-4, 4)
	for _, s := range []uint32{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} {
		switch s {
		case 16:
			w.put(1, 3)
		case length, length + 1:
			w.put(2, 3)
		default:
			w.put(0, 3)
		}
	}
	w.put(0, 1)
	w.run(0, a)
	if b > 0 {
		w.run(1, b)
	}
}

// run writes the same length n times: once as itself, the rest by the repeat code in threes to sixes.
func (w *bitWriter) run(length uint32, n int) {
	w.put(1, 1)
	w.put(length, 1)
	for n--; n >= 3; {
		k := min(n, 6)
		if rest := n - k; rest > 0 && rest < 3 {
			k = max(n-3, 3)
		}
		w.put(0, 1)
		w.put(uint32(k-3), 2)
		n -= k
	}
	for ; n > 0; n-- {
		w.put(1, 1)
		w.put(length, 1)
	}
}

// manyCodes is a lossless WebP of side × side pixels that makes a decoder hold as many Huffman codes as it can be made to:
// 310 bytes of file for 55 KB of memory, in each of the groups.
func manyCodes(side, groups int) []byte {
	w := &bitWriter{}
	w.put(0x2f, 8)
	w.put(uint32(side-1), 14)
	w.put(uint32(side-1), 14)
	w.put(0, 1+3+1) // no alpha, version 0, no transform
	w.put(1, 1)     // a colour cache of 2^11
	w.put(11, 4)
	w.put(1, 1) // an entropy image, of tiles of 4 × 4
	w.put(0, 3)
	w.put(0, 1)
	w.code(8, 232, 48)
	w.code(8, 256, 0)
	w.single(0)
	w.single(0)
	w.single(0)
	reversed := func(v uint32, n uint) (r uint32) {
		for i := range n {
			r = r<<1 | v>>i&1
		}
		return r
	}
	tiles := (side + 3) / 4
	for i := range tiles * tiles {
		low, high := uint32(i%groups)&0xff, uint32(i%groups)>>8
		if low < 232 {
			w.put(reversed(low, 8), 8)
		} else {
			w.put(reversed(2*232+low-232, 9), 9)
		}
		w.put(reversed(high, 8), 8)
	}
	for range groups {
		w.code(11, 1768, 560)
		w.code(8, 256, 0)
		w.code(8, 256, 0)
		w.code(8, 256, 0)
		w.code(5, 24, 16)
	}
	for range side * side {
		w.put(0, 11)
		w.put(0, 24)
	}
	if len(w.b)%2 == 1 {
		w.b = append(w.b, 0)
	}
	file := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(12+len(w.b)))
	file = binary.LittleEndian.AppendUint32(append(file, "WEBPVP8L"...), uint32(len(w.b)))
	return append(file, w.b...)
}
