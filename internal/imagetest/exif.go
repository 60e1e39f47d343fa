package imagetest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// Camera is a text that every EXIF block made here contains, beside coordinates: what must not be in a rendition.
const Camera = "Cutline Testcam 9000"

// EXIF is a TIFF block as cameras write it: orientation (any value, also invalid ones), a camera's name and a GPS
// position (CIPA DC-008).
func EXIF(orientation uint16) []byte {
	be := binary.BigEndian
	entry := func(b []byte, tag, kind uint16, count, value uint32) []byte {
		b = be.AppendUint16(be.AppendUint16(b, tag), kind)
		return be.AppendUint32(be.AppendUint32(b, count), value)
	}
	const (
		ascii, short, long, rational = 2, 3, 4, 5
		ifd0, camera                 = 8, 8 + 2 + 3*12 + 4
		gps                          = camera + uint32(len(Camera)) + 1
		degrees                      = gps + 2 + 2*12 + 4
	)
	b := append([]byte("MM\x00\x2a"), 0, 0, 0, ifd0)
	b = be.AppendUint16(b, 3)
	b = entry(b, 0x0110, ascii, uint32(len(Camera))+1, camera)
	b = entry(b, 0x0112, short, 1, uint32(orientation)<<16)
	b = entry(b, 0x8825, long, 1, gps)
	b = be.AppendUint32(b, 0)
	b = append(b, Camera+"\x00"...)
	b = be.AppendUint16(b, 2)
	b = entry(b, 1, ascii, 2, uint32('N')<<24)
	b = entry(b, 2, rational, 3, degrees)
	b = be.AppendUint32(b, 0)
	for _, v := range []uint32{59, 1, 54, 1, 50, 1} {
		b = be.AppendUint32(b, v)
	}
	return b
}

// WithEXIF puts a TIFF block into a picture: an APP1 segment of a JPEG, an eXIf chunk of a PNG, an EXIF chunk of a WebP
// (which gets the VP8X chunk that this needs).
func WithEXIF(t testing.TB, picture, tiff []byte) []byte {
	t.Helper()
	switch {
	case bytes.HasPrefix(picture, []byte("\xff\xd8")):
		segment := append([]byte("Exif\x00\x00"), tiff...)
		return join(picture[:2], []byte{0xff, 0xe1}, be16(len(segment)+2), segment, picture[2:])
	case bytes.HasPrefix(picture, []byte("\x89PNG")):
		const header = 8 + 12 + 13 // signature and IHDR
		return join(picture[:header], Chunk("eXIf", tiff), picture[header:])
	case bytes.HasPrefix(picture, []byte("RIFF")):
		return webpWith(picture, 1<<3, nil, riffChunk("EXIF", tiff))
	}
	t.Fatalf("no place for EXIF in %q…", picture[:min(len(picture), 4)])
	return nil
}

// Chunk is a PNG chunk with its checksum.
func Chunk(kind string, body []byte) []byte {
	named := append([]byte(kind), body...)
	size := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	return binary.BigEndian.AppendUint32(append(size, named...), crc32.ChecksumIEEE(named))
}

// webpWith puts a chunk behind the VP8X chunk and another at the end, and announces them by flag (RFC 9649 §2.7). A simple
// file becomes an extended one of FileWidth × FileHeight pixels.
func webpWith(picture []byte, flag byte, first, last []byte) []byte {
	const extended, alpha = 8 + 10, 1 << 4
	head, chunks := bytes.Clone(picture[12:12+extended]), picture[12+extended:]
	if string(head[:4]) != "VP8X" {
		var flags byte
		if string(head[:4]) == "VP8L" && head[12]&(1<<4) != 0 {
			flags = alpha
		}
		w, h := FileWidth-1, FileHeight-1
		head = riffChunk("VP8X", []byte{flags, 0, 0, 0, byte(w), byte(w >> 8), 0, byte(h), byte(h >> 8), 0})
		chunks = picture[12:]
	}
	head[8] |= flag
	return riffChunk("RIFF", join([]byte("WEBP"), head, first, chunks, last))
}

func riffChunk(kind string, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body)))
	return append(append(b, body...), make([]byte, len(body)&1)...)
}

func be16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
