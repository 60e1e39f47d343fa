package goengine

import (
	"bytes"
	"encoding/binary"

	"github.com/dd8bf596/cutline/internal/container"
)

// parseJPEG visits every marker up to the end of the picture, counting scans and metadata, and returns the EXIF block.
// Everything behind the end marker is ignored, as decoders do: phones put second pictures there.
func (h *header) parseJPEG(src []byte) (exif []byte, err error) {
	h.scans = 0
	var icc iccParts
	adobeRGB := false
	for at := 2; ; {
		s, err := container.NextSegment(src, at)
		if err != nil {
			return nil, damaged(err)
		}
		marker, body := s.Marker, s.Body
		at = s.End
		switch {
		case marker == container.MarkerEOI:
			if h.width == 0 || h.scans == 0 {
				return nil, corrupt("no picture before the end marker")
			}
			h.icc = icc.whole()
			if adobeRGB && h.components == 3 { // perhaps counted already, by its components' names
				second := 4*int64(h.width)*int64(h.height) + bandBytes(h.width, h.height)
				if progressive := h.decodeBytes - h.heldBytes; progressive > 0 {
					h.decodeBytes += progressive // image/jpeg's coefficients are twice as large as jpegscale's
				}
				h.decodeBytes += second
				h.heldBytes += second
			}
			return exif, nil
		case marker == container.MarkerSOS:
			h.scans++
			at = skipEntropy(src, at)
		case marker >= container.MarkerSOF0 && marker <= container.MarkerSOF15 && marker != container.MarkerDHT && marker != container.MarkerJPG && marker != container.MarkerDAC:
			if h.width != 0 {
				return nil, corrupt("two frame headers")
			}
			if err := h.jpegFrame(marker, body); err != nil {
				return nil, err
			}
		case marker == container.MarkerDAC:
			return nil, unsupported("arithmetic coding")
		case marker >= container.MarkerAPP0 && marker <= container.MarkerAPP15, marker == container.MarkerCOM:
			if marker != container.MarkerAPP0 { // JFIF's own, which every file has
				h.metadata += int64(len(body)) + 4
			}
			if marker == container.MarkerAPP0+2 {
				icc.add(body)
			}
			if marker == container.MarkerAPP14 && len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")) {
				adobeRGB = body[11] == 0 // no transform: image/jpeg makes a second picture of it, as of CMYK
			}
			if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && marker == container.MarkerAPP1 && exif == nil {
				exif = tiff
			}
		}
	}
}

// skipEntropy is where the entropy-coded data that begin at at end: at the next marker that is not a restart.
func skipEntropy(src []byte, at int) int {
	for {
		skip := bytes.IndexByte(src[at:], 0xff)
		if skip < 0 || at+skip+1 >= len(src) {
			return len(src)
		}
		at += skip
		if m := src[at+1]; m != 0 && m != 0xff && (m < container.MarkerRST0 || m > container.MarkerRST7) {
			return at
		}
		at++
		if src[at] != 0xff {
			at++
		}
	}
}

// jpegFrame reads a frame header (T.81 §B.2.2) and estimates what decoding allocates for it at full size: planes, in whole
// blocks; in a progressive file two bytes per coefficient, or four in image/jpeg, which decodes CMYK and RGB; and the
// second picture that it makes of those.
func (h *header) jpegFrame(marker byte, body []byte) error {
	if marker > container.MarkerSOF2 {
		return unsupported("coding process %d (lossless, hierarchical or arithmetic)", marker-container.MarkerSOF0)
	}
	if len(body) < 6 || len(body) != 6+3*int(body[5]) {
		return corrupt("frame header of %d bytes", len(body))
	}
	if body[0] != 8 {
		return unsupported("%d bits per sample", body[0])
	}
	h.height, h.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	switch {
	case h.height == 0:
		return unsupported("a height that follows the picture (DNL)")
	case h.width == 0:
		return corrupt("no width")
	case body[5] != 1 && body[5] != 3 && body[5] != 4:
		return unsupported("%d components", body[5])
	}
	hmax, vmax, sampling := 1, 1, 1
	if body[5] > 1 {
		hmax, vmax = int(body[7]>>4), int(body[7]&15) // luma has the most samples in all that image/jpeg reads
		sampling = 0
		for c := range int(body[5]) {
			sampling += int(body[7+3*c]>>4) * int(body[7+3*c]&15)
		}
	}
	if hmax == 0 || vmax == 0 {
		return corrupt("sampling factor 0")
	}
	h.components = int(body[5])
	if h.components == 3 && body[10] != 0 && body[10]&15 != 0 && body[10]>>4 != 0 {
		h.chromaX, h.chromaY = max(hmax/int(body[10]>>4), 1), max(vmax/int(body[10]&15), 1)
	}
	units := int64((h.width+8*hmax-1)/(8*hmax)) * int64((h.height+8*vmax-1)/(8*vmax))
	samples := units * int64(sampling) * 64
	pixels := int64(h.width) * int64(h.height)
	h.decodeBytes = samples
	coefficient := int64(2) // in jpegscale
	if body[5] == 4 || body[5] == 3 && body[6] == 'R' && body[9] == 'G' && body[12] == 'B' {
		h.decodeBytes += 4*pixels + bandBytes(h.width, h.height)
		coefficient = 4
	}
	if h.heldBytes = h.decodeBytes; marker == container.MarkerSOF2 {
		h.decodeBytes += coefficient * samples
	}
	return nil
}
