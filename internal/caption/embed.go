package caption

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/dd8bf596/cutline/internal/container"
)

// Revisions: Rev of what Embed writes, which changes whenever the same words give other bytes, and ReadRev of what Extract finds
// in the same file.
const (
	Rev     = "1"
	ReadRev = "1"
)

// Errors of Embed and Extract.
var (
	ErrFormat  = errors.New("a format without a place for words")
	ErrCorrupt = errors.New("damaged file")
	ErrTooLong = errors.New("more words than a file takes")
)

// A format is a kind of file by how it holds words.
type format struct {
	name string
	is   func(file []byte) bool
	// embed returns a new file that holds these blocks and none of their kinds else.
	embed func(file []byte, b blocks) ([]byte, error)
	// find returns the blocks that are there, as far as the file is sound.
	find func(file []byte) (blocks, error)
}

// blocks are the pieces of a file that hold words, without what frames them; nil for those that are not there.
type blocks struct {
	xmp  []byte // a packet
	iim  []byte // Photoshop's image resources, in Embed with the prefix that a segment has
	exif []byte // a TIFF block, perhaps behind exifPrefix
}

func (b blocks) empty() bool { return b.xmp == nil && b.iim == nil }

// formatOf tells a file by its first bytes.
func formatOf(file []byte) (format, error) {
	for _, f := range [...]format{
		{"JPEG", func(b []byte) bool { return bytes.HasPrefix(b, []byte("\xff\xd8")) }, embedJPEG, findJPEG},
		{"PNG", func(b []byte) bool { return bytes.HasPrefix(b, []byte(container.PNGSignature)) }, embedPNG, findPNG},
		{"WebP", func(b []byte) bool { return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP" }, embedWebP, findWebP},
		{"AVIF", func(b []byte) bool { return len(b) >= 12 && string(b[4:8]) == "ftyp" }, embedHEIF, findHEIF},
	} {
		if f.is(file) {
			return f, nil
		}
	}
	return format{}, ErrFormat
}

// Embed returns file with w in it as XMP, and in a JPEG as IPTC-IIM too, in place of the XMP and IPTC-IIM that it had, and of
// whatever Photoshop wrote beside the latter. Pixels and everything else stay as they are, byte for byte. Words are written as Plain gives them; zero Words, and those that are
// Decorative alone, take XMP and IPTC-IIM out.
//
// Embedding the same words twice gives the same bytes as embedding them once. file is never changed; it is returned itself
// where nothing had to be. GIF, which programs read no words from, is returned as it is.
//
// It may run concurrently. Errors wrap ErrFormat for other formats, ErrTooLong for more than 64 KB of words, of which Words.Cut
// makes fewer, and ErrCorrupt for a file that was damaged.
func Embed(file []byte, w Words) ([]byte, error) {
	if isGIF(file) {
		return file, nil
	}
	f, err := formatOf(file)
	if err != nil {
		return nil, fmt.Errorf("embed words: %w", err)
	}
	w = w.Plain()
	b := blocks{xmp: xmpPacket(w), iim: iimResources(w)}
	if len(b.xmp) > xmpBytes {
		return nil, fmt.Errorf("embed words: %w: XMP of %d bytes, expected at most %d", ErrTooLong, len(b.xmp), xmpBytes)
	}
	if b.empty() {
		if had, err := f.find(file); err == nil && had.empty() {
			return file, nil
		}
	}
	out, err := f.embed(file, b)
	if err != nil {
		return nil, fmt.Errorf("embed words in %s: %w", f.name, damaged(err))
	}
	return out, nil
}

func isGIF(file []byte) bool { return bytes.HasPrefix(file, []byte("GIF8")) }

// frame is more than what any format needs around the blocks: in AVIF three new boxes, a fourth for the data, and wider numbers
// for the places of up to ten items.
const frame = 512

// Cost is how many bytes Embed adds at most to a file of ours that holds no words, whatever its format.
func Cost(w Words) int {
	w = w.Plain()
	xmp := xmpPacket(w)
	if xmp == nil {
		return 0
	}
	return len(xmp) + len(iimResources(w)) + frame
}

// damaged is an error of package container as one of this package.
func damaged(err error) error {
	switch {
	case errors.Is(err, container.ErrCorrupt):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case errors.Is(err, container.ErrUnsupported):
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return err
}

// corrupt is ErrCorrupt with what is wrong.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}

// unsupported is ErrFormat with what there is no way for.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrFormat, fmt.Errorf(format, args...))
}
