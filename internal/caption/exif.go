package caption

import (
	"bytes"
	"strings"

	"github.com/dd8bf596/cutline/internal/container"
)

// exifPrefix begins an APP1 segment with EXIF, and in some files a WebP's chunk (CIPA DC-008 §4.7.2).
const exifPrefix = "Exif\x00\x00"

// readEXIF reads the words in a block of EXIF: ImageDescription, Artist and Copyright (CIPA DC-008 §4.6.4), of which only the
// first directory's are the picture's. A block that is damaged says what was read before.
func readEXIF(block []byte) (Words, error) {
	var w Words
	limits := container.EXIFLimits{Tags: 500, Bytes: 64 << 10} // a value of a word may be long, and is cut later
	wanted := func(tag container.EXIFTag) bool {
		return tag.Namespace == "IFD0" && (tag.Tag == "ImageDescription" || tag.Tag == "Artist" || tag.Tag == "Copyright")
	}
	err := container.EachEXIF(bytes.TrimPrefix(block, []byte(exifPrefix)), limits, wanted, func(tag container.EXIFTag) error {
		value, ok := tag.Value.(string)
		if !ok {
			return nil
		}
		text := decodeText([]byte(strings.TrimLeft(value, "\x00 ")), false)
		switch tag.Tag {
		case "ImageDescription":
			w.Cutline = first(w.Cutline, text)
		case "Artist":
			w.Creator = first(w.Creator, text)
		case "Copyright": // the photographer's, a zero, the editor's
			w.Copyright = first(w.Copyright, text)
		}
		return nil
	})
	return w, err
}
