package caption

import (
	"bytes"
	"slices"

	"github.com/dd8bf596/cutline/internal/container"
)

// What an APP1 segment with XMP begins with: a packet, or a part of one that is longer than a segment (XMP Specification Part 3
// §1.1.3). Extended packets are not read: they hold edit histories and thumbnails, the words stand in the first.
const (
	xmpPrefix      = "http://ns.adobe.com/xap/1.0/\x00"
	xmpExtendedTag = "http://ns.adobe.com/xmp/extension/\x00"
)

// eachSegment visits the segments before a JPEG's pixels.
func eachSegment(file []byte, visit func(container.Segment)) error {
	for at := 2; ; {
		s, err := container.NextSegment(file, at)
		if err != nil {
			return err
		}
		if s.Marker == container.MarkerSOS || s.Marker == container.MarkerEOI {
			return nil
		}
		visit(s)
		at = s.End
	}
}

// holdsWords reports whether a segment is one that embedJPEG replaces.
func holdsWords(s container.Segment) bool {
	switch s.Marker {
	case container.MarkerAPP1:
		return bytes.HasPrefix(s.Body, []byte(xmpPrefix)) || bytes.HasPrefix(s.Body, []byte(xmpExtendedTag))
	case container.MarkerAPP13:
		return bytes.HasPrefix(s.Body, []byte(photoshopPrefix))
	}
	return false
}

// embedJPEG puts the segments behind those of JFIF and EXIF, which want to be the first.
func embedJPEG(file []byte, b blocks) ([]byte, error) {
	insert, leading := 2, true
	var drop []container.Segment
	err := eachSegment(file, func(s container.Segment) {
		switch {
		case holdsWords(s):
			drop = append(drop, s)
		case leading && (s.Marker == container.MarkerAPP0 || s.Marker == container.MarkerAPP1):
			insert = s.End
		default:
			leading = false
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(file)+len(b.xmp)+len(b.iim)+64)
	from := 0
	upTo := func(end int) { // what of the file lies before end and is not dropped
		for len(drop) > 0 && drop[0].Start < end {
			out = append(out, file[from:drop[0].Start]...)
			from, drop = drop[0].End, drop[1:]
		}
		if from < end {
			out = append(out, file[from:end]...)
			from = end
		}
	}
	upTo(insert)
	if b.xmp != nil {
		out = container.AppendSegment(out, container.MarkerAPP1, []byte(xmpPrefix), b.xmp)
	}
	if b.iim != nil {
		out = container.AppendSegment(out, container.MarkerAPP13, b.iim)
	}
	upTo(len(file))
	return out, nil
}

// findJPEG returns the first block of each kind. Photoshop cuts its resources into segments wherever one is full.
func findJPEG(file []byte) (b blocks, err error) {
	var resources [][]byte
	err = eachSegment(file, func(s container.Segment) {
		if packet, ok := bytes.CutPrefix(s.Body, []byte(xmpPrefix)); ok && s.Marker == container.MarkerAPP1 && b.xmp == nil {
			b.xmp = packet
		}
		if block, ok := bytes.CutPrefix(s.Body, []byte(exifPrefix)); ok && s.Marker == container.MarkerAPP1 && b.exif == nil {
			b.exif = block
		}
		if part, ok := bytes.CutPrefix(s.Body, []byte(photoshopPrefix)); ok && s.Marker == container.MarkerAPP13 {
			resources = append(resources, part)
		}
	})
	if resources != nil {
		b.iim = slices.Concat(resources...)
	}
	return b, err
}
