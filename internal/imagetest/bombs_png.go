package imagetest

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

// floods claim more pixels than anybody has memory for.
func floods(t testing.TB) []Bomb {
	t.Helper()
	giant := GIF(t, 8, 8, 1)
	copy(giant[6:], "\xff\xff\xff\xff")
	inside := GIF(t, 8, 8, 1)
	frame := bytes.LastIndex(inside, []byte{0x2c, 0, 0, 0, 0, 8, 0, 8, 0})
	copy(inside[frame+5:], "\xff\xff\xff\xff")
	canvas := bytes.Clone(File(t, "alpha.webp"))
	copy(canvas[24:], "\x4f\xc3\x00\x4f\xc3\x00")
	still := bytes.Clone(File(t, "lossy.avif"))
	copy(still[bytes.Index(still, []byte("ispe"))+8:], "\x00\x00\xff\xff\x00\x00\xff\xff")
	items := bytes.Clone(File(t, "alpha.avif"))
	copy(items[bytes.Index(items, []byte("iloc"))+10:], "\xff\xff")
	large, bad := transform.ErrTooLarge, transform.ErrCorrupt
	return []Bomb{
		{"D01", "JPEG of 64,250 × 64,250", sized(JPEG(t, 96, 64), 64_250, 64_250), large, ""},
		{"D01", "progressive JPEG of 65,535 × 65,535", sized(File(t, "progressive.jpg"), 65_535, 65_535), large, ""},
		{"D02", "PNG of 20,000 × 20,000, black and white", pngZeros(t, 20_000, 20_000, 1, 0), large, ""},
		{"D02", "PNG of 16,000 × 16,000, in a palette", pngZeros(t, 16_000, 16_000, 1, 0), large, ""},
		{"D03", "PNG of 2³¹-1 × 1", pngClaim(t, 1<<31-1, 1, 8, 2), large, ""},
		{"D03", "PNG of 1 × 2³¹-1", pngClaim(t, 1, 1<<31-1, 8, 2), large, ""},
		{"D03", "PNG of 2³¹-1 × 2³¹-1", pngClaim(t, 1<<31-1, 1<<31-1, 16, 6), bad, ""},
		{"D03", "PNG of 2³²-1 × 2³²-1", pngClaim(t, 1<<32-1, 1<<32-1, 16, 6), bad, ""},
		{"D03", "PNG of 0 × 9", pngClaim(t, 0, 9, 8, 2), bad, ""},
		{"D03", "PNG of 9 × 0", pngClaim(t, 9, 0, 8, 2), bad, ""},
		{"D03", "PNG of 65,500 × 65,500, 16 bits", pngClaim(t, 65_500, 65_500, 16, 6), large, ""},
		{"D03", "PNG of 7,000 × 7,000, 16 bits, in passes", pngZeros(t, 7_000, 7_000, 16, 6), large, ""}, // fewer than 50 megapixels
		{"D03", "WebP canvas of 50,000 × 50,000", canvas, bad, ""},
		{"D03", "AVIF of 65,535 × 65,535", still, large, ""},
		{"D03", "AVIF of 65,535 items", items, bad, ""},
		{"D08", "GIF screen of 65,535 × 65,535", giant, large, ""},
		{"D08", "GIF frame of 65,535 × 65,535 on a screen of 8 × 8", inside, bad, ""},
	}
}

// packedBombs are small by compression alone.
func packedBombs(t testing.TB) []Bomb {
	t.Helper()
	const gigabyte = 1_000_000_000 // in less than the MiB that a picture may have beside its pixels
	text := deflatedZeros(t, gigabyte)
	png := PNG(t, 40, 30, false)
	var profile []byte
	for n := range byte(20) {
		profile = append(profile, ICCSegment(n+1, 20, make([]byte, 65_000))...)
	}
	short := pngZeros(t, 3_000, 3_000, 8, 2)
	rows := bytes.Index(short, []byte("IDAT"))
	short = join(short[:rows-4], Chunk("IDAT", deflatedZeros(t, gigabyte)), Chunk("IEND", nil)) // 37 times the pixels
	few := join(short[:rows-4], Chunk("IDAT", deflatedZeros(t, 1<<20)), Chunk("IEND", nil))
	return []Bomb{
		{"D05", "PNG with a text of a gigabyte", withChunk(png, "zTXt", join([]byte("Comment\x00\x00"), text)), nil, ""},
		{"D05", "PNG with XMP of a gigabyte", withChunk(png, "iTXt", join([]byte("XML:com.adobe.xmp\x00\x01\x00\x00\x00"), text)), nil, ""},
		{"D05", "PNG with a profile of a gigabyte", withChunk(png, "iCCP", join([]byte("P\x00\x00"), text)), nil, ""},
		{"D05", "PNG with a profile and texts of two gigabytes", withChunk(withChunk(png, "zTXt", join([]byte("A\x00\x00"), text)), "iCCP", join([]byte("P\x00\x00"), text)), transform.ErrTooLarge, ""},
		{"D05", "PNG with 37 times its pixels", short, transform.ErrCorrupt, ""},
		{"D05", "PNG without most of its pixels", few, transform.ErrCorrupt, ""},
		{"D05", "JPEG with a profile of 1.3 megabytes", join(JPEG(t, 40, 30)[:2], profile, JPEG(t, 40, 30)[2:]), transform.ErrTooLarge, ""},
	}
}

// sized is a JPEG whose frame header says another size.
func sized(jpeg []byte, w, h uint16) []byte {
	b := bytes.Clone(jpeg)
	frame := frameHeader(b)
	binary.BigEndian.PutUint16(b[frame+5:], h)
	binary.BigEndian.PutUint16(b[frame+7:], w)
	return b
}

// frameHeader is where the frame header of one of Go's encoder or of testdata begins; none has one in another segment.
func frameHeader(jpeg []byte) int {
	return max(bytes.Index(jpeg, []byte{0xff, 0xc0, 0, 17}), bytes.Index(jpeg, []byte{0xff, 0xc2, 0, 17}))
}

// pngClaim is a PNG of 8 × 8 pixels whose header says something else.
func pngClaim(t testing.TB, w, h uint32, depth, colour byte) []byte {
	t.Helper()
	b := PNG(t, 8, 8, false)
	binary.BigEndian.PutUint32(b[16:], w)
	binary.BigEndian.PutUint32(b[20:], h)
	b[24], b[25] = depth, colour
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

// pngZeros is a whole PNG of w × h pixels that are 0.
func pngZeros(t testing.TB, w, h uint32, depth, colour byte) []byte {
	t.Helper()
	channels := map[byte]int64{0: 1, 2: 3, 6: 4}[colour]
	row := 1 + (int64(w)*channels*int64(depth)+7)/8
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	head = append(head, depth, colour, 0, 0, 0)
	return join([]byte("\x89PNG\r\n\x1a\n"), Chunk("IHDR", head), Chunk("IDAT", deflatedZeros(t, row*int64(h))), Chunk("IEND", nil))
}

// deflatedZeros is n zero bytes as a zlib stream, which is made of one piece, repeated: nobody has them in memory.
func deflatedZeros(t testing.TB, n int64) []byte {
	t.Helper()
	const piece = 4 << 20
	deflated := func(n int64, flush func(*flate.Writer) error) []byte {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err == nil {
			_, err = w.Write(make([]byte, n))
		}
		if err == nil {
			err = flush(w)
		}
		if err != nil {
			t.Fatalf("deflate: %v", err)
		}
		return b.Bytes()
	}
	whole := deflated(piece, (*flate.Writer).Flush)
	b := []byte{0x78, 0xda}
	for range n / piece {
		b = append(b, whole...)
	}
	b = append(b, deflated(n%piece, (*flate.Writer).Close)...)
	return binary.BigEndian.AppendUint32(b, uint32(n%65_521)<<16|1) // Adler-32 of zeroes
}
