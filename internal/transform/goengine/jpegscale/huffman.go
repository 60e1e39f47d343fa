package jpegscale

import "encoding/binary"

// bits reads entropy-coded data: the latest n bits of acc are next. It stops before a marker.
type bits struct {
	src []byte
	at  int
	acc uint64
	n   uint
}

// fill reads as many whole bytes as there is room for, and fewer before a marker or the end.
func (b *bits) fill() {
	for b.n <= 32 {
		if b.at+4 <= len(b.src) {
			v := binary.BigEndian.Uint32(b.src[b.at:])
			if x := ^v; (x-0x01010101)&^x&0x80808080 == 0 { // none of the four is 0xff
				b.acc, b.n, b.at = b.acc<<32|uint64(v), b.n+32, b.at+4
				continue
			}
		}
		if b.at >= len(b.src) {
			return
		}
		v := b.src[b.at]
		if v == 0xff {
			if b.at+1 >= len(b.src) || b.src[b.at+1] != 0 {
				return
			}
			b.at++
		}
		b.acc, b.n, b.at = b.acc<<8|uint64(v), b.n+8, b.at+1
	}
}

// position is where the first byte lies of which no bit was read.
func (b *bits) position() int {
	at := b.at
	for range b.n / 8 {
		if at--; at > 0 && b.src[at] == 0 && b.src[at-1] == 0xff {
			at--
		}
	}
	return at
}

// take returns the next n bits, 0…16; ok is false where there are fewer.
func (b *bits) take(n uint) (v int32, ok bool) {
	if b.n < n {
		if b.fill(); b.n < n {
			return 0, false
		}
	}
	b.n -= n
	return int32(b.acc>>b.n) & (1<<n - 1), true
}

// extend makes a signed value of n bits (T.81 §F.2.2.1).
func extend(v int32, n uint) int32 {
	if n > 0 && v < 1<<(n-1) {
		v += -1<<n + 1
	}
	return v
}

// lookBits is how many bits are looked at together.
const lookBits = 10

// A huffman is a table of codes (T.81 annex C).
type huffman struct {
	codes   int
	vals    [256]byte
	short   [256]uint16 // of the next 8 bits: symbol<<8 | length, 0 for longer codes
	first   [16]int32   // the smallest code of each length less one; -1 where there is none
	last    [16]int32   // the largest
	index   [16]int32   // of first's symbol
	symbols [1 << lookBits]uint16
	// whole holds, for AC, what the next bits say with their magnitude: value<<16 | run<<8 | length; 0 where they are too
	// few or mean something else than a coefficient.
	whole [1 << lookBits]int32
}

// tables reads Huffman tables (T.81 §B.2.4.2).
func (d *decoder) tables(body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 {
			return corrupt("Huffman table of %d bytes", len(body))
		}
		class, t := body[0]>>4, body[0]&15
		if class > 1 || t > 3 || d.baseline && t > 1 {
			return corrupt("Huffman table %d of class %d", t, class)
		}
		n := 0
		for _, c := range body[1:17] {
			n += int(c)
		}
		if n == 0 || n > 256 || n > len(body)-17 {
			return corrupt("Huffman table of %d codes in %d bytes", n, len(body)-17)
		}
		d.huff[class][t].build(body[1:17], body[17:17+n], class == 1)
		body = body[17+n:]
	}
	return nil
}

// build derives the tables from the number of codes of each length and their symbols. Counts that make no tree are not
// refused: image/jpeg reads such files too, as far as their codes allow.
func (h *huffman) build(counts, vals []byte, ac bool) {
	*h = huffman{codes: len(vals)}
	copy(h.vals[:], vals)
	x, code := 0, uint32(0)
	for i := range uint(8) {
		code <<= 1
		for range counts[i] {
			base := uint8(code << (7 - i))
			for k := range 1 << (7 - i) {
				h.short[base|uint8(k)] = uint16(vals[x])<<8 | uint16(i+1)
			}
			code++
			x++
		}
	}
	c, index := int32(0), int32(0)
	for i, n := range counts {
		h.first[i], h.last[i] = -1, -1
		if n > 0 {
			h.first[i], h.last[i], h.index[i] = c, c+int32(n)-1, index
			c, index = c+int32(n), index+int32(n)
		}
		c <<= 1
	}
	for p := range h.symbols {
		h.look(p, ac)
	}
}

// look fills the entries for the bits p.
func (h *huffman) look(p int, ac bool) {
	symbol, length := byte(0), uint(0)
	if s := h.short[p>>(lookBits-8)]; s != 0 {
		symbol, length = byte(s>>8), uint(s&0xff)
	} else {
		b := bits{acc: uint64(p), n: lookBits}
		v, ok := h.slow(&b)
		if !ok {
			return
		}
		symbol, length = v, lookBits-b.n
	}
	h.symbols[p] = uint16(symbol)<<8 | uint16(length)
	run, size := symbol>>4, uint(symbol&15)
	if !ac || size == 0 || length+size > lookBits {
		return
	}
	value := extend(int32(p)>>(lookBits-length-size)&(1<<size-1), size)
	h.whole[p] = value<<16 | int32(run)<<8 | int32(length+size)
}

// symbol decodes the next code. ok is false for no code and where the data end.
func (h *huffman) symbol(b *bits) (byte, bool) {
	if b.n < 16 {
		b.fill()
	}
	if b.n >= lookBits {
		if s := h.symbols[b.acc>>(b.n-lookBits)&(1<<lookBits-1)]; s != 0 {
			b.n -= uint(s & 0xff)
			return byte(s >> 8), true
		}
	} else if b.n >= 8 {
		if s := h.short[b.acc>>(b.n-8)&0xff]; s != 0 {
			b.n -= uint(s & 0xff)
			return byte(s >> 8), true
		}
	}
	return h.slow(b)
}

// slow decodes bit by bit.
func (h *huffman) slow(b *bits) (byte, bool) {
	code := int32(0)
	for i := range 16 {
		if b.n == 0 {
			return 0, false
		}
		b.n--
		code |= int32(b.acc>>b.n) & 1
		if code <= h.last[i] {
			at := h.index[i] + code - h.first[i]
			if at < 0 || int(at) >= len(h.vals) {
				return 0, false
			}
			return h.vals[at], true
		}
		code <<= 1
	}
	return 0, false
}
