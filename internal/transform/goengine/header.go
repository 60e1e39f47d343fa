package goengine

import (
	"errors"
	"fmt"
	"image"

	"github.com/dd8bf596/cutline/internal/container"
	"github.com/dd8bf596/cutline/internal/transform"
)

// A header is what parse finds in a file: all that decoding needs to know and all that Probe tells.
type header struct {
	format      transform.Format
	width       int // pixels as stored, before orientation; of the canvas where frames have their own place on it
	height      int
	orientation int // EXIF 1…8
	alpha       bool
	frames      int
	scans       int
	components  int // of a JPEG: 1, 3 or 4; of a PNG, 1 for grey ones; else 0
	chromaX     int // of a JPEG with chroma: pixels that a sample of it covers, horizontally
	chromaY     int // and vertically
	metadata    int64
	decodeBytes int64
	heldBytes   int64           // 0: all of decodeBytes
	largest     int64           // what decoding takes for the frame that takes the most, without a canvas; of GIF and WebP
	frame       image.Rectangle // of the first frame, on the canvas; the whole canvas but in GIF and WebP
	webp        webpFrame       // where a WebP's first frame lies
	avif        avifFrame       // where an AVIF's picture lies
	icc         []byte          // the ICC profile as it lies in the file, a PNG's deflated; nil where there is none
	colours     colourNote
}

// info is h as Probe tells it.
func (h header) info() transform.Info {
	i := transform.Info{
		Format: h.format, Width: h.visible().X, Height: h.visible().Y, Orientation: h.orientation, Alpha: h.alpha,
		Frames: h.frames, Scans: h.scans, Metadata: h.metadata, DecodeBytes: h.decodeBytes, HeldBytes: h.heldBytes,
	}
	if h.frames > 1 && h.largest > 0 {
		i.MotionBytes = h.motionBytes()
	}
	return i
}

// visible is the size as shown.
func (h header) visible() image.Point {
	if turned(h.orientation) {
		return image.Pt(h.height, h.width)
	}
	return image.Pt(h.width, h.height)
}

// parse walks src from the first byte to the last that matters. It returns ErrFormat for what no decoder here reads and
// ErrCorrupt for what ends too early or contradicts itself: a file that was cut is found here, before pixels cost memory.
func parse(src []byte) (header, error) {
	f, err := transform.Sniff(src)
	if err != nil {
		return header{}, err
	}
	h := header{format: f, orientation: 1, frames: 1, scans: 1}
	var exif []byte
	switch f {
	case transform.JPEG:
		exif, err = h.parseJPEG(src)
	case transform.PNG:
		exif, err = h.parsePNG(src)
	case transform.GIF:
		err = h.parseGIF(src)
	case transform.WebP:
		exif, err = h.parseWebP(src)
	case transform.AVIF:
		err = h.parseAVIF(src)
	default:
		return header{}, fmt.Errorf("decode %s: %w", f, transform.ErrFormat)
	}
	if err != nil {
		return header{}, fmt.Errorf("%s header: %w", f, err)
	}
	if h.width < 1 || h.height < 1 {
		return header{}, fmt.Errorf("%s header: %w: %d × %d pixels", f, transform.ErrCorrupt, h.width, h.height)
	}
	if f != transform.GIF && f != transform.WebP {
		h.frame = image.Rect(0, 0, h.width, h.height)
	}
	if f != transform.AVIF { // its container turns; its EXIF block does not (ISO/IEC 23000-22 §7.3.7)
		h.orientation = orientation(exif)
	}
	h.colours.adobeRGB = h.icc == nil && saysAdobeRGB(exif)
	h.decodeBytes += h.colourBytes()
	if h.heldBytes > 0 {
		h.heldBytes += h.colourBytes()
	}
	return h, nil
}

// corrupt is ErrCorrupt with what is wrong.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", transform.ErrCorrupt, fmt.Errorf(format, args...))
}

// unsupported is ErrFormat with what no decoder here reads.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %w", transform.ErrFormat, fmt.Errorf(format, args...))
}

// damaged is an error of package container as one of package transform; others, and nil, are themselves.
func damaged(err error) error {
	switch {
	case errors.Is(err, container.ErrCorrupt):
		return corrupt("%w", err)
	case errors.Is(err, container.ErrUnsupported):
		return unsupported("%w", err)
	}
	return err
}

// motionBytes is the memory of a film: the canvas, a copy of it, for frames that are taken away again, and the frame being
// decoded, with the strip of it that is drawn.
func (h header) motionBytes() int64 {
	return 8*int64(h.width)*int64(h.height) + h.largest + bandBytes(h.width, h.height)
}

// bandBytes is the memory of the strip of pixels under conversion, for a picture that is not stored as NRGBA.
func bandBytes(w, h int) int64 { return min(4*int64(w)*int64(h), 4*max(bandPixels, int64(w))) }
