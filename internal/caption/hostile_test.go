package caption_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/caption"
	"github.com/dd8bf596/cutline/internal/container"
	"github.com/dd8bf596/cutline/internal/imagetest"
)

// TestHostileFiles verifies that what a file costs is bounded, whatever it repeats or shares. Time cannot be asserted, so it is
// what is allocated: each of these took minutes and gigabytes before its bound.
func TestHostileFiles(t *testing.T) {
	const most = 64 << 20 // of a file of at most 6 MB
	for _, tt := range []struct {
		name string
		file []byte
		want caption.Found
		err  error
	}{
		{"160,000 photographers", photoshop(t, strings.Repeat(dataset(2, 80, "a"), 160_000)),
			caption.Found{IPTC: caption.Words{Creator: strings.TrimSuffix(strings.Repeat("a, ", 32), ", ")}}, nil},
		{"2,000 descriptions that share a megabyte", webpWith("EXIF", sharedEXIF(2_000, 1_000_000)),
			caption.Found{EXIF: caption.Words{Cutline: strings.Repeat("é", 1_000)}}, nil},
		{"a namespace of 500 KB", webpWith("XMP ", []byte(packet(`xmlns:a="`+strings.Repeat("a", 500_000)+`" ps:Credit="A"`, strings.Repeat("<a:b/>", 20_000)))),
			caption.Found{XMP: caption.Words{Credit: "A"}}, nil},
		{"a licence of 900 KB beside others", webpWith("XMP ", []byte(packet(`xmpRights:UsageTerms="http://é/`+strings.Repeat("{", 900_000)+`"`+strings.Repeat(` xmpRights:UsageTerms=""`, 1_000), ""))),
			caption.Found{}, nil}, // too long a URL
		{"items of one number with all extents", sameItems(), caption.Found{}, caption.ErrCorrupt},
		{"500,000 boxes", avif(bytes.Repeat(box("free"), 500_000)), caption.Found{}, caption.ErrCorrupt},
		{"500,000 references", avif(box("iref", make([]byte, 4), bytes.Repeat(box("cdsc", []byte{0, 1, 0, 0}), 500_000))),
			caption.Found{}, caption.ErrCorrupt},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		found, err := caption.Extract(tt.file)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, tt.err) || found != tt.want {
			t.Errorf("%s: %.300v, %v", tt.name, found, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > most {
			t.Errorf("%s: %d bytes allocated for a file of %d", tt.name, got, len(tt.file))
		}
	}
}

// photoshop is a JPEG with IPTC-IIM in as many segments as it takes.
func photoshop(t *testing.T, iim string) []byte {
	t.Helper()
	jpeg := imagetest.JPEG(t, 8, 8)
	file := bytes.Clone(jpeg[:2])
	for part := range slices.Chunk([]byte(resource(0x0404, "", iim)), 65_000) {
		file = container.AppendSegment(file, container.MarkerAPP13, []byte("Photoshop 3.0\x00"), part)
	}
	return append(file, jpeg[2:]...)
}

// webpWith is a WebP of one chunk.
func webpWith(kind string, body []byte) []byte {
	chunk := container.AppendRIFFChunk(nil, kind, body)
	return append(append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(chunk))), "WEBP"...), chunk...)
}

// sharedEXIF has n descriptions that are one text of size bytes.
func sharedEXIF(n, size int) []byte {
	le := binary.LittleEndian
	b := le.AppendUint16([]byte("II\x2a\x00\x08\x00\x00\x00"), uint16(n))
	at := uint32(len(b) + 12*n)
	for range n {
		b = le.AppendUint16(le.AppendUint16(b, 0x010e), 2)
		b = le.AppendUint32(le.AppendUint32(b, uint32(size)), at)
	}
	return append(b, strings.Repeat("é", size/2)...)
}

// sameItems has 2,000 items with XMP that are one, in 65,535 extents of nothing.
func sameItems() []byte {
	infe := box("infe", []byte("\x02\x00\x00\x00\x00\x01\x00\x00mime\x00application/rdf+xml\x00"))
	iloc := append([]byte{0, 0, 0, 0, 0x04, 0, 0, 1, 0, 1, 0, 0, 0xff, 0xff}, make([]byte, 4*0xffff)...)
	return avif(box("iinf", []byte{0, 0, 0, 0, 7, 0xd0}, bytes.Repeat(infe, 2_000)), box("iloc", iloc))
}

// box is one of ISO/IEC 14496-12.
func box(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
}

// avif is a file with one meta box.
func avif(parts ...[]byte) []byte {
	return append(box("ftyp", []byte("avif\x00\x00\x00\x00")), box("meta", append([][]byte{make([]byte, 4)}, parts...)...)...)
}
