package goengine

import (
	"encoding/binary"
	"math"

	"github.com/dd8bf596/cutline/internal/container"
)

// parsePNG visits every chunk (W3C PNG, third edition, §5) and returns the EXIF block.
func (h *header) parsePNG(src []byte) (exif []byte, err error) {
	at, pixels, transparent := len(container.PNGSignature), false, false
	var ihdr []byte
	for {
		chunk, err := container.NextPNGChunk(src, at)
		if err != nil {
			return nil, damaged(err)
		}
		kind, body := chunk.Kind, chunk.Body
		at = chunk.End
		switch {
		case ihdr == nil && kind != "IHDR":
			return nil, corrupt("begins with chunk %q", kind)
		case kind == "IHDR":
			if len(body) != 13 || ihdr != nil {
				return nil, corrupt("bad IHDR chunk")
			}
			ihdr = body
		case kind == "IDAT":
			pixels = true
		case kind == "tRNS":
			transparent = true
		case kind == "acTL" && len(body) == 8:
			h.frames = int(min(max(binary.BigEndian.Uint32(body), 1), math.MaxInt32))
		case kind == "IEND":
			if !pixels {
				return nil, corrupt("no IDAT chunk")
			}
			return exif, h.pngFrame(ihdr, transparent)
		case kind[0] >= 'a' && kind != "fdAT": // ancillary: nothing that the pixels need
			h.metadata += int64(len(body)) + 12
			h.pngColours(kind, body)
			if kind == "eXIf" && exif == nil {
				exif = body
			}
		}
	}
}

// pngFrame reads an IHDR chunk and estimates what image/png allocates for it, by the image type it chooses. An
// interlaced file has each pass decoded into a picture of its own besides.
func (h *header) pngFrame(ihdr []byte, transparent bool) error {
	w, ht := binary.BigEndian.Uint32(ihdr), binary.BigEndian.Uint32(ihdr[4:])
	if w > math.MaxInt32 || ht > math.MaxInt32 || int64(w)*int64(ht) > math.MaxInt64/32 {
		return corrupt("%d × %d pixels", w, ht) // more than PNG allows a side, or than a byte count can hold
	}
	h.width, h.height = int(w), int(ht)
	depth, colour := ihdr[8], ihdr[9]
	var perPixel int64 // bytes
	switch colour {
	case 0, 3: // grey, palette
		perPixel = 1
	case 2, 4, 6: // RGB, grey with alpha, RGBA
		perPixel = 4
	default:
		return unsupported("colour type %d", colour)
	}
	if colour == 0 || colour == 4 {
		h.components = 1
	}
	if colour == 0 && transparent {
		perPixel = 4
	}
	if depth == 16 {
		perPixel *= 2
	}
	h.alpha = colour == 4 || colour == 6 || transparent
	if ihdr[12] == 1 {
		perPixel *= 2
	}
	h.decodeBytes = int64(w) * int64(ht) * perPixel
	if depth == 16 || colour == 0 || colour == 3 { // the others are NRGBA as they come
		h.decodeBytes += bandBytes(h.width, h.height)
	}
	return nil
}
