package imagetest

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

// Progressive is a JPEG of w × h grey pixels in small space that takes as much memory as such a picture may: progressive, of three
// components at full resolution, in as many scans, at least 3, as are told. Those beyond the first three add nothing, and cost a
// pass each.
func Progressive(w, h, scans int) []byte {
	b := []byte{0xff, 0xd8}
	segment := func(marker byte, body ...byte) {
		b = binary.BigEndian.AppendUint16(append(b, 0xff, marker), uint16(2+len(body)))
		b = append(b, body...)
	}
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	frame := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{8}, uint16(h)), uint16(w))
	segment(0xc2, append(frame, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)...)
	// One code of one bit each: no difference to the block before, and 2¹⁴ blocks and more without coefficients.
	segment(0xc4, append([]byte{0x00, 1}, make([]byte, 16)...)...)
	segment(0xc4, append(append([]byte{0x10, 1}, make([]byte, 15)...), 0xe0)...)
	blocks := ((w + 7) / 8) * ((h + 7) / 8)
	for i := range scans {
		component, last := byte(i%3+1), i >= 3
		if !last {
			segment(0xda, 1, component, 0, 0, 0, 0)
			b = append(b, make([]byte, (blocks+7)/8)...)
			continue
		}
		segment(0xda, 1, component, 0, 1, 63, 0)
		for range (blocks + 1<<14 - 1) >> 14 { // 15 bits for each run of 2¹⁴; one more, which is padding
			b = append(b, 0, 0)
		}
	}
	return append(b, 0xff, 0xd9)
}

// scanBombs cost memory or time by how they are coded, not by how many pixels they have.
func scanBombs(testing.TB) []Bomb {
	return []Bomb{
		{"D10", "progressive JPEG of 49 megapixels", Progressive(7_000, 7_000, 3), transform.ErrTooLarge, ""},
		{"D10", "progressive JPEG of 12 megapixels", Progressive(4_000, 3_000, 3), nil, ""},
		{"D10", "JPEG of 5,000 scans", Progressive(2_000, 2_000, 5_000), transform.ErrTooLarge, ""},
	}
}

// strangeJPEGs are of kinds that the standard has and nobody uses, or that contradict themselves.
func strangeJPEGs(t testing.TB) []Bomb {
	t.Helper()
	good := JPEG(t, 40, 30)
	frame, tables := frameHeader(good), bytes.Index(good, []byte{0xff, 0xc4})
	patched := func(b []byte, at int, with ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], with)
		return b
	}
	before := func(at int, with ...byte) []byte { return join(good[:at], with, good[at:]) }
	// The four tables of Go's encoder, without codes: a length, a number, sixteen times 0.
	var none []byte
	for _, class := range []byte{0x00, 0x10, 0x01, 0x11} {
		none = append(append(none, 0xff, 0xc4, 0, 19, class), make([]byte, 16)...)
	}
	scan := bytes.Index(good, []byte{0xff, 0xda})
	cmyk := File(t, "cmyk.jpg")
	adobe := bytes.Index(cmyk, []byte("Adobe"))
	if adobe < 0 {
		t.Fatal("fixture: no Adobe marker in cmyk.jpg")
	}
	none = join(good[:scan], none, good[scan:])
	unknown, bad := transform.ErrFormat, transform.ErrCorrupt
	return []Bomb{
		{"D12", "JPEG with two frame headers", before(frame, good[frame:frame+19]...), bad, ""},
		{"D12", "JPEG with a second, larger frame header", before(frame+19, sized(good, 60_000, 60_000)[frame:frame+19]...), bad, ""},
		{"D12", "JPEG whose height follows", patched(good, frame+5, 0, 0), unknown, ""},
		{"D12", "JPEG with a height that follows beside another", before(len(good)-2, 0xff, 0xdc, 0, 4, 0xff, 0xff), unknown, ""},
		{"D12", "JPEG of 12 bits", patched(good, frame+4, 12), unknown, ""},
		{"D12", "JPEG, arithmetic", patched(good, frame+1, 0xc9), unknown, ""},
		{"D12", "JPEG, lossless", patched(good, frame+1, 0xc3), unknown, ""},
		{"D12", "JPEG, hierarchical", patched(good, frame+1, 0xc5), unknown, ""},
		{"D12", "JPEG in CMYK", cmyk, nil, ""},
		{"D12", "JPEG in YCCK", patched(cmyk, adobe+11, 2), nil, ""},
		{"D12", "JPEG of four components that nobody names", patched(cmyk, adobe, []byte("XXXXX")...), unknown, ""},
		{"D12", "JPEG without Huffman codes", none, bad, ""},
		{"D12", "JPEG with more Huffman codes than there is room for", patched(good, tables+5, bytes.Repeat([]byte{0xff}, 16)...), bad, ""},
		{"D12", "JPEG of two components", patched(good, frame+9, 2), bad, ""},
		{"D12", "JPEG without quantizers", join(good[:2], good[frame:]), nil, ""},
		{"D12", "JPEG of sampling factors 15 × 15", patched(good, frame+11, 0xff), bad, ""},
	}
}

// tiff is a TIFF of one strip of so many bytes, without it: order "II" or "MM", a kind of compression.
func tiff(order string, w, h uint32, compression uint32, strip uint32) string {
	var to interface {
		binary.AppendByteOrder
		binary.ByteOrder
	} = binary.LittleEndian
	if order == "MM" {
		to = binary.BigEndian
	}
	b := to.AppendUint32(to.AppendUint16([]byte(order), 42), 8)
	b = to.AppendUint16(b, 6)
	for _, e := range [][2]uint32{{256, w}, {257, h}, {259, compression}, {273, 8 + 2 + 6*12 + 4}, {278, h}, {279, strip}} {
		b = to.AppendUint16(to.AppendUint16(b, uint16(e[0])), 4)
		b = to.AppendUint32(to.AppendUint32(b, 1), e[1])
	}
	return string(to.AppendUint32(b, 0))
}
