package caption

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Photoshop's image resources, which hold IPTC-IIM in an APP13 segment of JPEG (Adobe Photoshop File Formats, Image Resource
// Blocks).
const (
	photoshopPrefix = "Photoshop 3.0\x00"
	resourceType    = "8BIM"
	resourceIIM     = 0x0404
)

// The datasets of IPTC-IIM 4.2 that are written and read, in record 2 but for the character set, with the most bytes of each
// (IPTC Photo Metadata Standard 2025.1).
const (
	iimTag     = 0x1c
	iimCharset = 90
	iimVersion = 0
	iimByline  = 80
	iimCredit  = 110
	iimNotice  = 116
	iimCaption = 120

	iimBylineBytes  = 32
	iimCreditBytes  = 32
	iimNoticeBytes  = 128
	iimCaptionBytes = 2000
)

// utf8Charset is ISO 2022's escape sequence for UTF-8, the value of 1:90.
const utf8Charset = "\x1b%G"

// iimResources is plain w as the body of an APP13 segment, nil where IPTC-IIM has no place for any of it. What is longer than
// the standard allows is cut between letters: XMP beside it has it whole.
func iimResources(w Words) []byte {
	var sets []byte
	for _, set := range []struct {
		number byte
		text   string
		most   int
	}{
		{iimByline, w.Creator, iimBylineBytes},
		{iimCredit, w.Credit, iimCreditBytes},
		{iimNotice, w.Copyright, iimNoticeBytes},
		{iimCaption, w.Cutline, iimCaptionBytes},
	} {
		if text := Cut(set.text, set.most); text != "" {
			sets = appendDataset(sets, 2, set.number, text)
		}
	}
	if sets == nil {
		return nil
	}
	iim := appendDataset(nil, 1, iimCharset, utf8Charset)
	iim = append(appendDataset(iim, 2, iimVersion, "\x00\x04"), sets...)
	b := append([]byte(photoshopPrefix), resourceType...)
	b = binary.BigEndian.AppendUint16(b, resourceIIM)
	b = append(b, 0, 0) // no name
	b = binary.BigEndian.AppendUint32(b, uint32(len(iim)))
	return append(append(b, iim...), make([]byte, len(iim)&1)...)
}

func appendDataset(b []byte, record, number byte, value string) []byte {
	b = append(b, iimTag, record, number)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// readIIM reads the words in Photoshop's image resources, which begin behind the segment's prefix. It stops where they are
// damaged.
func readIIM(resources []byte) Words {
	for {
		id, body, rest, ok := nextResource(resources)
		if !ok {
			return Words{}
		}
		if id == resourceIIM {
			return readDatasets(body)
		}
		resources = rest
	}
}

// nextResource takes one resource off b: type, number, a name of even length with its own, a length, and so many bytes, padded.
func nextResource(b []byte) (id uint16, body, rest []byte, ok bool) {
	if len(b) < 7 || string(b[:4]) != resourceType {
		return 0, nil, nil, false
	}
	id = binary.BigEndian.Uint16(b[4:])
	name := int(b[6]) + 1
	b = b[min(6+name+name&1, len(b)):]
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	size := int64(binary.BigEndian.Uint32(b))
	if b = b[4:]; size > int64(len(b)) {
		return 0, nil, nil, false
	}
	return id, b[:size], b[min(size+size&1, int64(len(b))):], true
}

// maxValues is how many words are decoded of one file's IPTC-IIM, where photographers are all that can be many.
const maxValues = 32

// readDatasets reads the words in datasets of IPTC-IIM. Several photographers are joined; of other datasets the first counts.
func readDatasets(b []byte) Words {
	var w Words
	charset, values := "", 0
	for len(b) >= 5 && b[0] == iimTag {
		record, number, size := b[1], b[2], int(binary.BigEndian.Uint16(b[3:]))
		if b = b[5:]; size > len(b) { // cut off, or in the extended form that is for larger values than words are
			break
		}
		value := b[:size]
		b = b[size:]
		if record == 1 && number == iimCharset {
			charset = string(value)
		}
		if record != 2 || number != iimByline && number != iimCredit && number != iimNotice && number != iimCaption {
			continue
		}
		if values++; values > maxValues {
			break
		}
		switch text := decodeText(value, charset == utf8Charset); number {
		case iimByline:
			w.Creator = joined(w.Creator, text)
		case iimCredit:
			w.Credit = first(w.Credit, text)
		case iimNotice:
			w.Copyright = first(w.Copyright, text)
		case iimCaption:
			w.Cutline = first(w.Cutline, text)
		}
	}
	return w
}

func first(have, text string) string {
	if have == "" {
		return text
	}
	return have
}

func joined(have, text string) string {
	if have == "" || text == "" {
		return have + text
	}
	return have + ", " + text
}

// maxValue is how many bytes of a value are decoded: what no bound of Extract lets through, also where Clean takes most away.
const maxValue = 4 * maxFoundWord

// decodeText reads text of which nobody may have said how it is encoded: as UTF-8 where it is valid UTF-8, which other
// encodings hardly ever are by chance, else as Windows-1252, which holds Latin-1.
func decodeText(value []byte, isUTF8 bool) string {
	value = value[:min(len(value), maxValue)]
	value, _, _ = bytes.Cut(value, []byte{0})
	if isUTF8 || utf8.Valid(value) {
		return Clean(string(value))
	}
	text, _ := charmap.Windows1252.NewDecoder().Bytes(value) // has a character for every byte
	return Clean(string(text))
}
