package goengine

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"

	"github.com/dd8bf596/cutline/internal/container"
)

// A webpFrame is where the first frame of a WebP lies in its file. alpha is empty where the frame has no such chunk.
type webpFrame struct {
	kind   string // "VP8 " or "VP8L"
	pixels []byte
	alpha  []byte // an ALPH chunk's body; beside VP8 only
}

// Flags of a VP8X chunk and the still-picture parts of the container (RFC 9649 §2.7).
const (
	webpAnimation = 1 << 1
	webpAlpha     = 1 << 4
	webpProfile   = 1 << 5
)

// parseWebP visits every chunk (RFC 9649 §2) and returns the EXIF block.
func (h *header) parseWebP(src []byte) (exif []byte, err error) {
	chunks, err := container.WebPChunks(src)
	if err != nil {
		return nil, damaged(err)
	}
	var animated bool
	var canvas image.Rectangle
	h.frames = 0
	err = webpChunks(chunks, func(kind string, body []byte) error {
		switch kind {
		case "VP8X":
			if len(body) < 10 || !canvas.Empty() {
				return corrupt("bad VP8X chunk")
			}
			animated = body[0]&webpAnimation != 0
			canvas = image.Rect(0, 0, u24(body[4:])+1, u24(body[7:])+1)
			return nil
		case "ANMF":
			return h.webpAnimated(body)
		case "ANIM":
			return nil
		case "ICCP":
			if h.icc == nil {
				h.icc = body
			}
		case "EXIF":
			if exif == nil {
				exif = bytes.TrimPrefix(body, []byte("Exif\x00\x00")) // some writers copy JPEG's prefix
			}
		}
		if !h.webp.take(kind, body, animated) {
			h.metadata += int64(len(body)) + 8
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return exif, h.webpFrame(canvas, animated)
}

// webpChunks calls visit for each chunk in src. A chunk that src cuts short is ErrCorrupt.
func webpChunks(src []byte, visit func(kind string, body []byte) error) error {
	return damaged(container.EachRIFFChunk(src, func(c container.Chunk) error { return visit(c.Kind, c.Body) }))
}

func u24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// take keeps body if it is part of a frame, the first of each kind. Of an animation, what lies outside of frames is not.
func (f *webpFrame) take(kind string, body []byte, outside bool) (known bool) {
	switch kind {
	case "VP8 ", "VP8L":
		if f.kind == "" && !outside {
			f.kind, f.pixels = kind, body
		}
		return true
	case "ALPH":
		if f.alpha == nil && f.kind == "" && !outside {
			f.alpha = body
		}
		return true
	}
	return false
}

// webpAnimated reads an ANMF chunk: the first one's pictures and place are the frame. The largest decides what decoding
// all of them takes.
func (h *header) webpAnimated(body []byte) error {
	frame, place, err := webpFrameOf(body)
	if h.frames > 0 && len(body) >= 16 {
		err = nil // a later frame concerns only who wants to see it
	}
	if err != nil {
		return err
	}
	if h.frames++; h.frames == 1 {
		h.webp, h.frame = frame, place
	}
	if w, ht, _, err := frame.size(); err == nil {
		h.largest = max(h.largest, frame.decodeBytes(w, ht))
	}
	return nil
}

// webpFrame checks the frame that was found against its place and estimates what decoding takes.
func (h *header) webpFrame(canvas image.Rectangle, animated bool) error {
	w, ht, alpha, err := h.webp.size()
	if err != nil {
		return err
	}
	if canvas.Empty() {
		canvas = image.Rect(0, 0, w, ht)
	}
	if !animated {
		h.frames, h.frame = 1, canvas
	}
	if h.frame.Dx() != w || h.frame.Dy() != ht || !h.frame.In(canvas) {
		return corrupt("frame of %d × %d pixels at %v on a canvas of %v", w, ht, h.frame, canvas.Max)
	}
	h.width, h.height = canvas.Dx(), canvas.Dy()
	h.alpha = alpha || h.frame != canvas
	h.decodeBytes = h.webp.decodeBytes(w, ht)
	if h.frame != canvas {
		if h.webp.kind == "VP8 " && h.webp.alpha == nil {
			h.decodeBytes += bandBytes(w, ht)
		}
		h.decodeBytes += 4 * int64(h.width) * int64(h.height)
	}
	return nil
}

// decodeBytes estimates what x/image/webp allocates for f, of w × h pixels: planes in whole macroblocks of 16 × 16, five
// bytes per pixel for an alpha plane (decoded as a picture of four first), or two pictures of four for VP8L, whose
// transforms work from one to the other.
func (f webpFrame) decodeBytes(w, h int) int64 {
	pixels := int64(w) * int64(h)
	if f.kind == "VP8L" {
		return 8*pixels + huffmanBytes(w, h, len(f.pixels))
	}
	n := int64((w+15)/16) * int64((h+15)/16) * 384
	if f.alpha != nil {
		n += bandBytes(w, h) + 9*pixels
		if len(f.alpha) > 0 && f.alpha[0]&3 == 1 { // compressed as VP8L
			n += huffmanBytes(w, h, len(f.alpha))
		}
	}
	return n
}

// huffmanBytes bounds what x/image/webp allocates for the Huffman codes of a VP8L picture of w × h pixels in n bytes. Codes
// come in groups of five. There is one group at most per block of 4 × 4 pixels (RFC 9649 §6.2.2), one per 20 bits, the
// shortest way to write five codes, and 2,600 in all (x/image's own limit). One takes 2.7 KB for its tables, and for its
// trees 180 bytes per byte that describes them, at most 54 KB (measured on the longest codes in the fewest bits). How
// many there really are only decoding tells, so a large lossless picture is charged for codes that it hardly has.
func huffmanBytes(w, h, n int) int64 {
	groups := min(2600, int64((w+3)/4)*int64((h+3)/4), int64(n)*8/20)
	return groups*2_700 + min(int64(n)*180, groups*54_000)
}

// size reads the frame's own header: a key frame of VP8 (RFC 6386 §9.1) or VP8L (RFC 9649 §3.4).
func (f webpFrame) size() (w, h int, alpha bool, err error) {
	b := f.pixels
	switch {
	case f.kind == "VP8 " && len(b) >= 10:
		if b[0]&1 != 0 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
			return 0, 0, false, corrupt("no key frame")
		}
		return int(binary.LittleEndian.Uint16(b[6:])) & 0x3fff, int(binary.LittleEndian.Uint16(b[8:])) & 0x3fff, f.alpha != nil, nil
	case f.kind == "VP8L" && len(b) >= 5:
		if b[0] != 0x2f {
			return 0, 0, false, corrupt("bad VP8L signature")
		}
		bits := binary.LittleEndian.Uint32(b[1:])
		return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1, bits>>28&1 != 0, nil
	}
	return 0, 0, false, corrupt("no picture")
}

// file is the frame as a WebP file of its own, without animation and metadata, which is what x/image/webp reads. A file
// whose VP8X announces alpha without having any is put right on the way.
func (f webpFrame) file(w, h int) io.Reader {
	body := []io.Reader{}
	size := 4
	add := func(kind string, b []byte) {
		head := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(b)))
		pad := make([]byte, len(b)&1)
		body = append(body, bytes.NewReader(head), bytes.NewReader(b), bytes.NewReader(pad))
		size += len(head) + len(b) + len(pad)
	}
	if f.alpha != nil && f.kind == "VP8 " {
		w, h := w-1, h-1
		add("VP8X", []byte{webpAlpha, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)})
		add("ALPH", f.alpha)
	}
	add(f.kind, f.pixels)
	riff := append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(size)), "WEBP"...)
	return io.MultiReader(append([]io.Reader{bytes.NewReader(riff)}, body...)...)
}
