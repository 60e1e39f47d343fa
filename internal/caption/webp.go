package caption

import (
	"encoding/binary"
	"math"

	"github.com/dd8bf596/cutline/internal/container"
)

// The parts of a WebP that tell what is in it (RFC 9649 §2.7).
const (
	webpHeader = "RIFF\x00\x00\x00\x00WEBP"
	webpXMP    = 1 << 2 // flags in VP8X
	webpAlpha  = 1 << 4
	vp8xBytes  = 10
)

// embedWebP puts the chunk at the end, where it belongs, behind the pixels. A file in the simple layout, which has no place for
// it, gets the header that announces it.
func embedWebP(file []byte, b blocks) ([]byte, error) {
	chunks, err := container.WebPChunks(file)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(file)+len(b.xmp)+len(webpHeader)+64)
	out = append(out, webpHeader...)
	first := true
	err = container.EachRIFFChunk(chunks, func(c container.Chunk) error {
		if first {
			first = false
			var extended []byte
			if extended, err = vp8x(c, b.xmp != nil); err != nil {
				return err
			}
			out = container.AppendRIFFChunk(out, "VP8X", extended)
			if c.Kind == "VP8X" {
				return nil
			}
		}
		if c.Kind != "XMP " {
			out = container.AppendRIFFChunk(out, c.Kind, c.Body)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if first {
		return nil, corrupt("no chunk")
	}
	if b.xmp != nil {
		out = container.AppendRIFFChunk(out, "XMP ", b.xmp)
	}
	if uint64(len(out)-8) > math.MaxUint32 {
		return nil, corrupt("more than 4 GB")
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out, nil
}

// vp8x is the body of the VP8X chunk of a file that begins with chunk c, where XMP is in it or not.
func vp8x(c container.Chunk, xmp bool) ([]byte, error) {
	body := make([]byte, vp8xBytes)
	switch {
	case c.Kind == "VP8X" && len(c.Body) >= vp8xBytes:
		body = append(body[:0], c.Body...)
	case c.Kind == "VP8 " && len(c.Body) >= 10 && string(c.Body[3:6]) == "\x9d\x01\x2a": // RFC 6386 §9.1
		w, h := binary.LittleEndian.Uint16(c.Body[6:])&0x3fff, binary.LittleEndian.Uint16(c.Body[8:])&0x3fff
		if w == 0 || h == 0 {
			return nil, corrupt("a picture of %d × %d pixels", w, h)
		}
		putU24(body[4:], uint32(w)-1)
		putU24(body[7:], uint32(h)-1)
	case c.Kind == "VP8L" && len(c.Body) >= 5 && c.Body[0] == 0x2f: // RFC 9649 §3.4
		bits := binary.LittleEndian.Uint32(c.Body[1:])
		putU24(body[4:], bits&0x3fff)
		putU24(body[7:], bits>>14&0x3fff)
		if bits>>28&1 == 1 {
			body[0] = webpAlpha
		}
	default:
		return nil, corrupt("begins with a chunk %q of %d bytes", c.Kind, len(c.Body))
	}
	body[0] &^= webpXMP
	if xmp {
		body[0] |= webpXMP
	}
	return body, nil
}

func putU24(b []byte, v uint32) { b[0], b[1], b[2] = byte(v), byte(v>>8), byte(v>>16) }

func findWebP(file []byte) (b blocks, err error) {
	chunks, err := container.WebPChunks(file)
	if err != nil { // cut off: what is there is looked at
		chunks = file[12:]
	}
	walk := container.EachRIFFChunk(chunks, func(c container.Chunk) error {
		switch {
		case c.Kind == "XMP " && b.xmp == nil:
			b.xmp = c.Body
		case c.Kind == "EXIF" && b.exif == nil:
			b.exif = c.Body
		}
		return nil
	})
	if err == nil {
		err = walk
	}
	return b, err
}
