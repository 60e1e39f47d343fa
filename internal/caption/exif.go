package caption

import (
	"bytes"
	"encoding/binary"
)

// exifPrefix begins an APP1 segment with EXIF, and in some files a WebP's chunk (CIPA DC-008 §4.7.2).
const exifPrefix = "Exif\x00\x00"

// The tags of EXIF that hold words (CIPA DC-008 §4.6.4).
const (
	exifDescription = 0x010e
	exifArtist      = 0x013b
	exifCopyright   = 0x8298
)

// readEXIF reads the words in a block of EXIF: a TIFF, of which only the first directory is the picture's. A block that is
// damaged says what was read before.
//
// It is read here and not by the library that the engine asks for an orientation: that one keeps printable characters only, so
// that no-break spaces and all letters of Latin-1 are lost.
func readEXIF(block []byte) (Words, error) {
	var w Words
	words := map[uint16]*string{
		exifDescription: &w.Cutline,
		exifArtist:      &w.Creator,
		exifCopyright:   &w.Copyright, // the photographer's, a zero, the editor's
	}
	err := eachText(bytes.TrimPrefix(block, []byte(exifPrefix)), func(tag uint16, value []byte) {
		if to := words[tag]; to != nil {
			*to = decodeText(value, false)
			delete(words, tag) // the first of each: all entries of a directory may share one value of a megabyte
		}
	})
	return w, err
}

// eachText visits the texts in the first directory of a TIFF (TIFF 6.0 §2): ASCII, and bytes or UTF-8 in their place.
func eachText(tiff []byte, visit func(tag uint16, value []byte)) error {
	if len(tiff) < 8 {
		return corrupt("EXIF of %d bytes", len(tiff))
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if order.Uint16(tiff[2:]) != 42 || at+2 > uint64(len(tiff)) {
		return corrupt("EXIF that is no TIFF, or without a directory")
	}
	directory := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(directory) < 12 {
			return corrupt("EXIF whose directory ends early")
		}
		entry := directory[:12]
		directory = directory[12:]
		const octets, ascii, undefined, utf8 = 1, 2, 7, 129
		switch order.Uint16(entry[2:]) {
		case octets, ascii, undefined, utf8:
		default:
			continue
		}
		count, offset := uint64(order.Uint32(entry[4:])), uint64(order.Uint32(entry[8:]))
		value := entry[8:12] // in place of an offset, where there is room
		if count > 4 {
			if offset+count > uint64(len(tiff)) {
				return corrupt("EXIF of %d bytes at %d of %d", count, offset, len(tiff))
			}
			value = tiff[offset:]
		}
		visit(order.Uint16(entry), value[:count])
	}
	return nil
}
