package colour

import (
	"encoding/binary"
	"slices"
)

// Bounds of what a profile may hold. The library allocates eight bytes for each sample of a table, and compares each entry
// of a curve that is not monotonic with every other.
const (
	maxTags    = 200     // those of printing standards have 20
	maxEntries = 4096    // of a curve; lut16Type's own bound (ICC.1:2022 §10.10)
	maxSamples = 1 << 20 // of a table: 8 MiB; those of printing standards have 500,000
)

// The layout of a profile (ICC.1:2022 §7): a header, a table of tags, and their data.
const (
	headerBytes = 128
	entryBytes  = 12 // signature, offset, size
)

// sound verifies everything in a profile whose size the library takes from the file: lengths, counts and grids of the
// tags that it is asked for. A profile may claim any number of tags, of curve entries, of grid points: what is claimed is
// there, and is not much.
func sound(profile []byte, components int) bool {
	be := binary.BigEndian
	if len(profile) < headerBytes+4 || len(profile) > MaxBytes || string(profile[36:40]) != "acsp" {
		return false
	}
	space := map[int]string{1: "GRAY", 3: "RGB ", 4: "CMYK"}[components]
	class := string(profile[12:16])
	if string(profile[16:20]) != space || class == "link" || class == "abst" || class == "nmcl" {
		return false
	}
	count := int64(be.Uint32(profile[headerBytes:]))
	first := headerBytes + 4 + entryBytes*count // no tag's data begin before
	if count > maxTags || first > int64(len(profile)) {
		return false
	}
	for entry := range slices.Chunk(profile[headerBytes+4:first], entryBytes) {
		at, size := int64(be.Uint32(entry[4:])), int64(be.Uint32(entry[8:]))
		if at < first || at+size > int64(len(profile)) {
			return false
		}
		if !soundTag(string(entry[:4]), profile[at:at+size], components) {
			return false
		}
	}
	return true
}

// soundTag verifies one tag.
func soundTag(name string, b []byte, components int) bool {
	in, out := components, 3
	switch name {
	case "rTRC", "gTRC", "bTRC", "kTRC":
		_, ok := curve(b)
		return ok
	case "rXYZ", "gXYZ", "bXYZ":
		return len(b) >= 20 && string(b[:4]) == "XYZ "
	case "A2B0", "A2B1":
	case "B2A0": // asked for a CMYK profile's black point
		in, out = out, in
	default:
		return true // never looked into
	}
	if len(b) < 32 || int(b[8]) != in || int(b[9]) != out {
		return false
	}
	switch string(b[:4]) {
	case "mft1":
		return soundLUT(b, 48, 1)
	case "mft2":
		return soundLUT(b, 52, 2)
	case "mAB ":
		return soundModular(b, in, out)
	case "mBA ":
		return soundModular(b, out, in)
	}
	return false
}

// soundLUT verifies a lut8Type or lut16Type (ICC.1:2022 §10.10, 10.11), whose tables begin at a place of their own.
func soundLUT(b []byte, tables, width int) bool {
	if len(b) < tables {
		return false
	}
	in, out := int(b[8]), int(b[9])
	before, after := 256, 256 // entries of each input and output curve
	if width == 2 {
		before, after = int(binary.BigEndian.Uint16(b[48:])), int(binary.BigEndian.Uint16(b[50:]))
	}
	n, ok := samples(slices.Repeat([]byte{b[10]}, in), out)
	return ok && min(before, after) >= 2 && max(before, after) <= maxEntries &&
		width*(in*before+n+out*after) <= len(b)-tables
}

// soundModular verifies a lutAToBType or lutBToAType (ICC.1:2022 §10.12, 10.13): device values on one side, the connection
// space on the other.
func soundModular(b []byte, device, pcs int) bool {
	offset := func(i int) []byte { // nil where there is no such part, empty where it lies outside
		at := int64(binary.BigEndian.Uint32(b[12+4*i:]))
		if at == 0 {
			return nil
		}
		return b[min(at, int64(len(b))):]
	}
	for i, n := range []int{0: pcs, 2: pcs, 4: device} { // B, M and A curves
		part := offset(i)
		for range n {
			if part == nil {
				break
			}
			size, ok := curve(part)
			if !ok {
				return false
			}
			part = part[min(size, len(part)):]
		}
	}
	if m := offset(1); m != nil && len(m) < 48 {
		return false
	}
	clut := offset(3)
	if clut == nil {
		return true
	}
	if len(clut) < 20 {
		return false
	}
	in, out, width := int(b[8]), int(b[9]), int(clut[16])
	n, ok := samples(clut[:in], out)
	// The library takes the last channel's number of points for that of all.
	even := !slices.ContainsFunc(clut[:in], func(points byte) bool { return points != clut[0] })
	return ok && even && (width == 1 || width == 2) && n*width <= len(clut)-20
}

// samples is how many a table has, with so many grid points per input.
func samples(grid []byte, out int) (int, bool) {
	n := out
	for _, points := range grid {
		if n *= int(points); points < 2 || n > maxSamples {
			return 0, false
		}
	}
	return n, true
}

// curve verifies a curveType or parametricCurveType at the beginning of b (ICC.1:2022 §10.6, 10.18), and tells how far away
// the one behind it begins.
func curve(b []byte) (size int, ok bool) {
	if len(b) < 12 {
		return 0, false
	}
	switch string(b[:4]) {
	case "curv":
		n := binary.BigEndian.Uint32(b[8:])
		if n > maxEntries {
			return 0, false
		}
		size = 12 + 2*int(n)
	case "para":
		parameters := []int{1, 3, 4, 5, 7}
		kind := int(binary.BigEndian.Uint16(b[8:]))
		if kind >= len(parameters) {
			return 0, false
		}
		size = 12 + 4*parameters[kind]
	}
	return (size + 3) &^ 3, size > 0 && size <= len(b)
}
