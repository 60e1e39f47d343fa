package goengine

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"io"
	"slices"
	"strings"

	"github.com/dd8bf596/cutline/internal/container"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/colour"
)

// A colourNote is what a file says about its colours beside an ICC profile.
type colourNote struct {
	codePoints [2]uint16 // ITU-T H.273: colour primaries and transfer characteristics; 0 is not said
	srgb       bool      // PNG's sRGB chunk
	primaries  colour.Chromaticities
	adobeRGB   bool // by EXIF
}

// profile reads what h's file says about its colours; nil for sRGB, for nothing, and for nonsense. Code points come before
// a profile, and a profile before everything else (W3C PNG, third edition, §4.3). PNG's gamma and chromaticities are
// honoured, because browsers do; what a camera says in EXIF is, because it is the only thing that such a camera says.
func (h header) profile() *colour.Profile {
	components := h.components
	if components == 0 {
		components = 3
	}
	note := h.colours
	switch {
	case note.codePoints[0] != 0:
		if components == 3 {
			return colour.CodePoints(note.codePoints[0], note.codePoints[1])
		}
	case len(h.icc) > 0 && h.format == transform.PNG:
		return colour.Parse(inflate(h.icc, h.profileBytes()), components)
	case len(h.icc) > 0:
		return colour.Parse(h.icc, components)
	case note.srgb:
	case note.primaries != colour.Chromaticities{}:
		return note.primaries.Profile(components)
	case note.adobeRGB && components == 3:
		return colour.AdobeRGB()
	}
	return nil
}

// pngProfile bounds the profile in a PNG, in bytes: there is no CMYK, whose profiles are larger than all others.
const pngProfile = 1 << 20

// profileBytes is how large the file's profile may be. A PNG's is deflated: those of displays by less than half, and a
// bomb by 1,000.
func (h header) profileBytes() int64 {
	if h.format == transform.PNG {
		return min(20*int64(len(h.icc))+64<<10, pngProfile)
	}
	return int64(len(h.icc))
}

// colourBytes bounds the memory for reading the profile: its bytes four times, the samples of two tables, eight bytes
// each, of at most as many as colour admits, and the tables made of them.
func (h header) colourBytes() int64 {
	if len(h.icc) == 0 {
		return 0
	}
	n := h.profileBytes()
	return min(16*n, 16<<20) + 4*n + 1<<20
}

// inflate is the zlib stream b, or nil where it is broken or longer than limit.
func inflate(b []byte, limit int64) []byte {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	whole, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(whole)) > limit {
		return nil
	}
	return whole
}

// iccParts are the chunks of a profile in a JPEG, which come in any order (ICC.1:2022 §B.4).
type iccParts [][]byte

// iccName begins an APP2 segment with a chunk, whose number, from 1, and the number of all follow.
const iccName = "ICC_PROFILE\x00"

// add keeps body if it is a chunk of a profile, the first of its number.
func (p *iccParts) add(body []byte) {
	chunk, ok := bytes.CutPrefix(body, []byte(iccName))
	if !ok || len(chunk) < 2 {
		return
	}
	number, all := int(chunk[0]), int(chunk[1])
	if *p == nil {
		*p = make(iccParts, all)
	}
	if number < 1 || number > all || all != len(*p) || (*p)[number-1] != nil {
		return
	}
	(*p)[number-1] = chunk[2:]
}

// whole is the profile, or nil where a chunk is missing or all are too much.
func (p iccParts) whole() []byte {
	if len(p) == 1 {
		return p[0]
	}
	n := 0
	for _, part := range p {
		if n += len(part); part == nil || n > colour.MaxBytes {
			return nil
		}
	}
	return slices.Concat(p...)
}

// pngColours reads a chunk of a PNG that says something about its colours, the first of its kind (W3C PNG, third edition,
// §11.3.2).
func (h *header) pngColours(kind string, body []byte) {
	be, note := binary.BigEndian, &h.colours
	switch {
	case kind == "cICP" && len(body) == 4 && body[2] == 0 && body[3] == 1: // RGB in full range
		note.codePoints = [2]uint16{uint16(body[0]), uint16(body[1])}
	case kind == "iCCP" && h.icc == nil:
		if _, rest, ok := bytes.Cut(body, []byte{0}); ok && len(rest) > 1 && rest[0] == 0 { // behind its name; zlib
			h.icc = rest[1:]
		}
	case kind == "sRGB":
		note.srgb = true
	case kind == "gAMA" && len(body) == 4:
		note.primaries.Gamma = be.Uint32(body)
	case kind == "cHRM" && len(body) == 32:
		for i := range note.primaries.XY {
			note.primaries.XY[i] = be.Uint32(body[4*i:])
		}
	}
}

// saysAdobeRGB reports whether a TIFF block of EXIF says that the pixels are Adobe RGB, as cameras do that write no
// profile: by the interoperability index R03 (DCF 2.0 §4.5).
func saysAdobeRGB(tiff []byte) bool {
	found := false
	if !bytes.Contains(tiff, []byte("R03\x00")) { // which spares nearly every file the walk
		return false
	}
	// By directory and value: the library knows tag 1 by the name that it has in another directory.
	wanted := func(tag container.EXIFTag) bool { return strings.HasSuffix(tag.Namespace, "InteroperabilityIFD") }
	err := container.EachEXIF(tiff, exifLimits(), wanted, func(tag container.EXIFTag) error {
		v, ok := tag.Value.(string)
		if !ok || strings.TrimRight(v, "\x00 ") != "R03" {
			return nil
		}
		found = true
		return container.StopEXIF
	})
	return err == nil && found
}

// An inked is a CMYK picture whose inks a profile describes.
type inked struct {
	*image.CMYK
	profile *colour.Profile
}

// nrgba fills dst with the part of the picture that begins at from.
func (i *inked) nrgba(dst *image.NRGBA, from image.Point) {
	n := 4 * dst.Rect.Dx()
	for y := range dst.Rect.Dy() {
		i.profile.CMYK(dst.Pix[y*dst.Stride:][:n], i.Pix[i.PixOffset(from.X, from.Y+y):][:n])
	}
}
