package imagetest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"
)

// Cuts are the beginnings of a file, of n lengths that lie as far from each other as can be, none of them empty or whole.
func Cuts(body []byte, n int) (cuts [][]byte) {
	for i := 1; i <= n; i++ {
		cuts = append(cuts, body[:len(body)*i/(n+1)])
	}
	return cuts
}

// Mutated is one of seeds, damaged in one to three ways that number n decides: bytes changed, the end cut off, the beginning of one
// file before the end of another, parts doubled, moved and left out, lengths that are wrong. The same seeds and number give the
// same bytes. Half of what has checksums gets right ones, so that more than those are put to the test.
func Mutated(seeds [][]byte, n uint64) []byte {
	r := rand.New(rand.NewPCG(n, 0x6375746c696e65))
	b := bytes.Clone(seeds[r.IntN(len(seeds))])
	for range 1 + r.IntN(3) {
		if len(b) < 16 {
			break
		}
		b = mutations[r.IntN(len(mutations))](r, b, seeds[r.IntN(len(seeds))])
	}
	if r.IntN(2) == 0 {
		repair(b)
	}
	return b
}

// mutations are the ways; other is another file, which may be the same. They may change b. The list is read-only.
var mutations = []func(r *rand.Rand, b, other []byte) []byte{
	flipped, flipped, early, cut, spliced, doubled, left, swapped, lengthened, lengthened, extreme,
}

// flipped changes up to eight bits or bytes anywhere.
func flipped(r *rand.Rand, b, _ []byte) []byte {
	for range 1 + r.IntN(8) {
		if at := r.IntN(len(b)); r.IntN(2) == 0 {
			b[at] ^= 1 << r.IntN(8)
		} else {
			b[at] = byte(r.IntN(256))
		}
	}
	return b
}

// early changes up to four bytes of the first two hundred, where sizes are.
func early(r *rand.Rand, b, _ []byte) []byte {
	for range 1 + r.IntN(4) {
		b[r.IntN(min(len(b), 200))] = byte(r.IntN(256))
	}
	return b
}

func cut(r *rand.Rand, b, _ []byte) []byte { return b[:1+r.IntN(len(b)-1)] }

// spliced is the beginning of b before the end of other.
func spliced(r *rand.Rand, b, other []byte) []byte {
	return slices.Concat(b[:r.IntN(len(b))], other[r.IntN(len(other)):])
}

// doubled repeats a part up to forty times.
func doubled(r *rand.Rand, b, _ []byte) []byte {
	p := part(r, b)
	return slices.Concat(b[:p[1]], bytes.Repeat(b[p[0]:p[1]], 1+r.IntN(min(40, 1+100_000/(p[1]-p[0])))), b[p[1]:])
}

// left leaves a part out.
func left(r *rand.Rand, b, _ []byte) []byte {
	p := part(r, b)
	if p[1]-p[0] == len(b) {
		return b
	}
	return slices.Concat(b[:p[0]], b[p[1]:])
}

// swapped exchanges two parts.
func swapped(r *rand.Rand, b, _ []byte) []byte {
	p, q := part(r, b), part(r, b)
	if p[0] > q[0] {
		p, q = q, p
	}
	if p[1] > q[0] {
		return b
	}
	return slices.Concat(b[:p[0]], b[q[0]:q[1]], b[p[1]:q[0]], b[p[0]:p[1]], b[q[1]:])
}

// lengthened changes a part's length field.
func lengthened(r *rand.Rand, b, _ []byte) []byte {
	p := part(r, b)
	at := p[0]
	switch {
	case bytes.HasPrefix(b, []byte("RIFF")):
		at += 4
	case bytes.HasPrefix(b, []byte("\xff\xd8")):
		at += 2
		if at+2 <= len(b) {
			binary.BigEndian.PutUint16(b[at:], uint16(odd(r, uint32(p[1]-p[0]-2))))
		}
		return b
	}
	if at+4 <= len(b) {
		v := odd(r, binary.BigEndian.Uint32(b[at:]))
		if bytes.HasPrefix(b, []byte("RIFF")) {
			v = odd(r, binary.LittleEndian.Uint32(b[at:]))
			binary.LittleEndian.PutUint32(b[at:], v)
			return b
		}
		binary.BigEndian.PutUint32(b[at:], v)
	}
	return b
}

// extreme writes a number at the edge of what two or four bytes hold over any.
func extreme(r *rand.Rand, b, _ []byte) []byte {
	at := r.IntN(min(len(b)-4, 400))
	v := []uint32{0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff}[r.IntN(13)]
	switch r.IntN(4) {
	case 0:
		binary.BigEndian.PutUint16(b[at:], uint16(v))
	case 1:
		binary.LittleEndian.PutUint16(b[at:], uint16(v))
	case 2:
		binary.BigEndian.PutUint32(b[at:], v)
	default:
		binary.LittleEndian.PutUint32(b[at:], v)
	}
	return b
}

// odd is a length that is not v.
func odd(r *rand.Rand, v uint32) uint32 {
	return []uint32{0, 1, v - 1, v + 1, v / 2, 2 * v, 0x7fffffff, 0xffffffff, uint32(r.IntN(100_000))}[r.IntN(9)]
}

// part is the beginning and end of a chunk, segment or box of b, and where it has none, of anything.
func part(r *rand.Rand, b []byte) [2]int {
	if list := parts(b); len(list) > 0 && r.IntN(8) > 0 {
		return list[r.IntN(len(list))]
	}
	from := r.IntN(len(b) - 1)
	return [2]int{from, from + 1 + r.IntN(min(len(b)-from, 2_000))}
}

// parts are where the chunks of a PNG or WebP, the segments of a JPEG up to its scan, or the boxes of an AVIF and those in its meta
// box begin and end. A GIF has none that could be told without reading it.
func parts(b []byte) (list [][2]int) {
	add := func(from, size int) bool {
		if size < 2 || size > len(b)-from {
			return false
		}
		list = append(list, [2]int{from, from + size})
		return true
	}
	be, le := binary.BigEndian, binary.LittleEndian
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG")):
		for at := 8; at+12 <= len(b) && add(at, int(be.Uint32(b[at:]))+12); at = list[len(list)-1][1] {
		}
	case bytes.HasPrefix(b, []byte("RIFF")):
		for at := 12; at+8 <= len(b) && add(at, int(le.Uint32(b[at+4:])+1)&^1+8); at = list[len(list)-1][1] {
		}
	case bytes.HasPrefix(b, []byte("\xff\xd8")):
		for at := 2; at+4 <= len(b) && b[at] == 0xff && b[at+1] != 0xda && add(at, int(be.Uint16(b[at+2:]))+2); at = list[len(list)-1][1] {
		}
	case len(b) > 8 && string(b[4:8]) == "ftyp":
		for at := 0; at+8 <= len(b); {
			size := int(be.Uint32(b[at:]))
			if !add(at, size) {
				break
			}
			switch string(b[at+4 : at+8]) {
			case "meta":
				at += 12
			case "iprp", "ipco", "moov", "trak", "mdia", "minf", "stbl":
				at += 8
			default:
				at += size
			}
		}
	}
	return list
}

// repair makes the checksums of a PNG right.
func repair(b []byte) {
	if !bytes.HasPrefix(b, []byte("\x89PNG")) {
		return
	}
	for _, p := range parts(b) {
		binary.BigEndian.PutUint32(b[p[1]-4:], crc32.ChecksumIEEE(b[p[0]+4:p[1]-4]))
	}
}
