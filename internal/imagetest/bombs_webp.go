package imagetest

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

// frameBombs are animations whose frames are many, or have nothing to do with their canvas.
func frameBombs(t testing.TB) []Bomb {
	t.Helper()
	const many = 50_000
	// One pixel of two colours: a descriptor, and LZW's codes for a start, the pixel and an end.
	gif := func(screen string, frames int) []byte {
		frame := []byte{0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0}
		return join([]byte("GIF89a"+screen+"\x80\x00\x00\x10\x20\x30\xf0\xe0\xd0"), bytes.Repeat(frame, frames), []byte{0x3b})
	}
	apng := withChunk(PNG(t, 40, 30, false), "acTL", binary.BigEndian.AppendUint32([]byte{0x7f, 0xff, 0xff, 0xff}, 0))
	sequence := bytes.Clone(File(t, "animated.avif"))
	samples := bytes.Index(sequence, []byte("stsz"))
	if samples < 0 {
		t.Fatal("fixture: no stsz box in animated.avif")
	}
	copy(sequence[samples+12:], "\x7f\xff\xff\xff")
	return []Bomb{
		{"D07", "GIF of 50,000 frames", gif("\x01\x00\x01\x00", many), nil, ""},
		{"D07", "WebP of 50,000 frames", animatedWebP(9, 9, 9, 9, many), nil, ""},
		{"D07", "PNG that says 2³¹-1 frames", apng, nil, ""},
		{"D07", "AVIF that says 2³¹-1 frames", sequence, nil, ""},
		{"D08", "GIF screen of 2,000 × 2,000 with a frame of 1 × 1", gif("\xd0\x07\xd0\x07", 1), nil, ""},
		{"D08", "WebP canvas of 2²⁴ × 2²⁴ with frames of 1 × 1", animatedWebP(1<<24, 1<<24, 1, 1, 3), transform.ErrTooLarge, ""},
		{"D08", "WebP frames of 9,000 × 9,000 on a canvas of 9 × 9", animatedWebP(9, 9, 9_000, 9_000, 3), transform.ErrCorrupt, ""},
		{"D08", "WebP of 300 frames of 2,000 × 2,000", animatedWebP(2_000, 2_000, 2_000, 2_000, 300), nil, ""},
	}
}

// strangeWebPs contradict themselves.
func strangeWebPs(t testing.TB) []Bomb {
	t.Helper()
	lossy, alpha := File(t, "lossy.webp"), File(t, "alpha.webp")
	lossless := func(w, h int) []byte { return riffChunk("RIFF", join([]byte("WEBP"), plainVP8L(w, h))) }
	frame := bytes.Index(alpha, []byte{0x9d, 0x01, 0x2a}) + 3
	small, wide := bytes.Clone(alpha), bytes.Clone(lossy)
	copy(small[frame:], "\x08\x00\x08\x00")
	copy(wide[bytes.Index(wide, []byte{0x9d, 0x01, 0x2a})+3:], "\xff\x3f\xff\x3f")
	canvas := bytes.Clone(alpha)
	copy(canvas[24:], "\x07\x00\x00\x07\x00\x00") // 8 × 8
	// A plane of alpha that is compressed, and has nothing in it.
	at := bytes.Index(alpha, []byte("ALPH"))
	empty := join(alpha[:at], riffChunk("ALPH", []byte{1}), alpha[at+8+int(binary.LittleEndian.Uint32(alpha[at+4:])+1)&^1:])
	binary.LittleEndian.PutUint32(empty[4:], uint32(len(empty)-8))
	bad := transform.ErrCorrupt
	return []Bomb{
		{"D15", "WebP of codes that leave their tree open", looseCodes(), bad, ""},
		{"D15", "WebP of 2,600 groups of Huffman codes", ManyCodes(204, 2_600), nil, ""},
		{"D15", "WebP whose alpha is larger than its picture", small, bad, ""},
		{"D15", "WebP whose canvas is smaller than its picture", canvas, bad, ""},
		{"D15", "WebP whose alpha is empty", empty, bad, ""},
		{"D15", "WebP of 16,383 × 16,383", wide, transform.ErrTooLarge, ""},
		{"D15", "lossless WebP of 16,384 × 16,384 in some bytes", lossless(16_384, 16_384), transform.ErrTooLarge, ""},
		{"D15", "lossless WebP of 2,000 × 2,000 in some bytes", lossless(2_000, 2_000), nil, ""},
	}
}
