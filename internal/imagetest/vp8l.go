package imagetest

import "encoding/binary"

// A vp8lWriter writes VP8L's bits, the lowest of a byte first.
type vp8lWriter struct {
	b []byte
	n uint
}

func (w *vp8lWriter) put(v uint32, n uint) {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

// header begins a picture of w × h opaque pixels (RFC 9649 §3.4), without transforms.
func (w *vp8lWriter) header(width, height int) {
	w.put(0x2f, 8)
	w.put(uint32(width-1), 14)
	w.put(uint32(height-1), 14)
	w.put(0, 1+3+1) // no alpha, version 0, no transform
}

// single writes a code of one symbol (RFC 9649 §3.7.2.1.1).
func (w *vp8lWriter) single(symbol uint32) {
	w.put(1, 1)
	w.put(0, 1)
	w.put(1, 1)
	w.put(symbol, 8)
}

// code writes a code of many symbols in few bits (§3.7.2.1.2): a symbols of length bits, then b of one bit more, as runs.
func (w *vp8lWriter) code(length uint32, a, b int) {
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
func (w *vp8lWriter) run(length uint32, n int) {
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

// chunk is what was written as a chunk, and file as a file of its own.
func (w *vp8lWriter) chunk() []byte { return riffChunk("VP8L", w.b) }

func (w *vp8lWriter) file() []byte { return riffChunk("RIFF", join([]byte("WEBP"), w.chunk())) }

// ManyCodes is a lossless WebP of side × side pixels that makes a decoder hold as many Huffman codes as it can be made to:
// 310 bytes of file for 55 KB of memory, in each of the groups.
func ManyCodes(side, groups int) []byte {
	w := &vp8lWriter{}
	w.header(side, side)
	w.put(1, 1) // a colour cache of 2^11
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
	return w.file()
}

// plainVP8L is a lossless picture of w × h black pixels in some 20 bytes, as a chunk.
func plainVP8L(width, height int) []byte {
	w := &vp8lWriter{}
	w.header(width, height)
	w.put(0, 2) // no colour cache, no entropy image
	for range 5 {
		w.single(0)
	}
	return w.chunk()
}

// looseCodes is a lossless WebP whose last code, of distances, leaves most of its tree open: the table for it is larger than
// for any whole code, which is what CVE-2023-4863 wrote behind.
func looseCodes() []byte {
	w := &vp8lWriter{}
	w.header(16, 16)
	w.put(0, 2)
	w.code(8, 232, 48)
	w.code(8, 256, 0)
	w.code(8, 256, 0)
	w.code(8, 256, 0)
	w.code(12, 20, 20) // 30 of 4,096 leaves
	for range 16 * 16 {
		w.put(0, 32)
	}
	return w.file()
}

// animatedWebP is so many frames of w × h pixels at the top left of a canvas.
func animatedWebP(canvasW, canvasH, w, h, frames int) []byte {
	u24 := func(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v))[:3] }
	frame := riffChunk("ANMF", join(make([]byte, 6), u24(w-1), u24(h-1), u24(10), []byte{0}, plainVP8L(w, h)))
	parts := [][]byte{
		[]byte("WEBP"), riffChunk("VP8X", join([]byte{1 << 1, 0, 0, 0}, u24(canvasW-1), u24(canvasH-1))), riffChunk("ANIM", make([]byte, 6)),
	}
	for range frames {
		parts = append(parts, frame)
	}
	return riffChunk("RIFF", join(parts...))
}
