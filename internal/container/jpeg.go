package container

import (
	"bytes"
	"encoding/binary"
)

// Markers of a JPEG stream (ITU-T T.81, table B.1).
const (
	MarkerSOF0  = 0xc0 // baseline
	MarkerSOF1  = 0xc1 // extended, Huffman
	MarkerSOF2  = 0xc2 // progressive, Huffman
	MarkerDHT   = 0xc4
	MarkerJPG   = 0xc8
	MarkerDAC   = 0xcc
	MarkerSOF15 = 0xcf
	MarkerRST0  = 0xd0
	MarkerRST7  = 0xd7
	MarkerEOI   = 0xd9
	MarkerSOS   = 0xda
	MarkerAPP0  = 0xe0
	MarkerAPP1  = 0xe1
	MarkerAPP13 = 0xed
	MarkerAPP14 = 0xee
	MarkerAPP15 = 0xef
	MarkerCOM   = 0xfe
	MarkerTEM   = 0x01
)

// SegmentBytes is the most that the body of a JPEG segment may have: its length has 16 bits and counts itself.
const SegmentBytes = 1<<16 - 1 - 2

// A Segment is one marker of a JPEG stream with what belongs to it.
type Segment struct {
	Marker byte
	Body   []byte // behind the length; nil for a marker that stands alone
	Start  int    // where the marker begins in the file, fill bytes before it not counted
	End    int    // where what follows begins
}

// NextSegment finds the first marker at or behind at, the beginning of a file being at 2, and its body where it has one. Restart
// markers, stuffed zeros, and bytes between segments that belong to nothing are skipped, as decoders do.
func NextSegment(src []byte, at int) (Segment, error) {
	var s Segment
	for {
		skip := bytes.IndexByte(src[min(at, len(src)):], 0xff)
		if skip < 0 {
			return s, corrupt("ends without an end marker")
		}
		at += skip
		for at < len(src) && src[at] == 0xff { // fill bytes, T.81 §B.1.1.2
			at++
		}
		if at == len(src) {
			return s, corrupt("ends within a marker")
		}
		s.Marker, s.Start = src[at], at-1
		at++
		if s.Marker != 0 && s.Marker != MarkerTEM && (s.Marker < MarkerRST0 || s.Marker > MarkerRST7) {
			break
		}
	}
	if s.End = at; s.Marker == MarkerEOI {
		return s, nil
	}
	if at+2 > len(src) {
		return s, corrupt("ends within a segment")
	}
	size := int(binary.BigEndian.Uint16(src[at:]))
	if size < 2 || at+size > len(src) {
		return s, corrupt("segment %#x of %d bytes at %d of %d", s.Marker, size, at, len(src))
	}
	s.Body, s.End = src[at+2:at+size], at+size
	return s, nil
}

// AppendSegment appends a segment of at most SegmentBytes to dst.
func AppendSegment(dst []byte, marker byte, parts ...[]byte) []byte {
	size := 2
	for _, p := range parts {
		size += len(p)
	}
	dst = binary.BigEndian.AppendUint16(append(dst, 0xff, marker), uint16(size))
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}
