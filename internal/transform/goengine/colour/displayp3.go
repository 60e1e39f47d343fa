package colour

import (
	"encoding/binary"
	"math"
	"slices"
	"unicode/utf16"
)

// DisplayP3ICC is an ICC profile of Display P3, 496 bytes, to write beside pixels in it: version 4, a matrix and one
// parametric curve. Its bytes are the same every time.
func DisplayP3ICC() []byte {
	be := binary.BigEndian
	fixed := func(b []byte, values ...float64) []byte { // s15Fixed16Number
		for _, v := range values {
			b = be.AppendUint32(b, uint32(int32(math.Round(v*(1<<16)))))
		}
		return b
	}
	kind := func(name string) []byte { return append([]byte(name), 0, 0, 0, 0) }
	text := func(s string) []byte { // multiLocalizedUnicodeType with one record
		b := kind("mluc")
		b = be.AppendUint32(be.AppendUint32(b, 1), 12)
		b = append(b, "enUS"...)
		b = be.AppendUint32(be.AppendUint32(b, uint32(2*len(s))), 28)
		for _, unit := range utf16.Encode([]rune(s)) {
			b = be.AppendUint16(b, unit)
		}
		return b
	}
	m, adapt := p3Primaries().toXYZ(), adaptation(d65().xyz())
	column := func(c int) []byte { return fixed(kind("XYZ "), m[0][c], m[1][c], m[2][c]) }
	white := d50()
	// Y = ((X + 0.055) ÷ 1.055)^2.4 from 0.04045 on, X ÷ 12.92 below (IEC 61966-2-1).
	curve := fixed(append(kind("para"), 0, 3, 0, 0), 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)
	return assemble(white, []tag{
		{"desc", text("Display P3")},
		{"cprt", text("CC0")},
		{"wtpt", fixed(kind("XYZ "), white[:]...)},
		{"chad", fixed(kind("sf32"), slices.Concat(adapt[0][:], adapt[1][:], adapt[2][:])...)},
		{"rXYZ", column(0)}, {"gXYZ", column(1)}, {"bXYZ", column(2)},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	})
}

// A tag is a named part of a profile.
type tag struct {
	name string
	body []byte
}

// assemble puts a header and a table before tags (ICC.1:2022 §7.2, 7.3). Equal tags that follow each other share their bytes.
func assemble(white vector, tags []tag) []byte {
	be := binary.BigEndian
	b := make([]byte, headerBytes, 512)
	be.PutUint32(b[8:], 0x04400000) // version 4.4
	copy(b[12:], "mntrRGB XYZ ")
	for i, v := range []uint16{2026, 1, 1} { // a date, which there must be
		be.PutUint16(b[24+2*i:], v)
	}
	copy(b[36:], "acsp")
	be.PutUint32(b[64:], 1) // relative colorimetric
	for i, v := range white {
		be.PutUint32(b[68+4*i:], uint32(math.Round(v*(1<<16))))
	}
	b = be.AppendUint32(b, uint32(len(tags)))
	at := len(b) + entryBytes*len(tags)
	var bodies []byte
	for i, t := range tags {
		if i == 0 || !slices.Equal(t.body, tags[i-1].body) { //nolint:gosec // not read for the first
			bodies = append(bodies, t.body...)
			bodies = append(bodies, make([]byte, -len(bodies)&3)...)
		}
		begin := at + len(bodies) - (len(t.body)+3)&^3
		b = append(b, t.name...)
		b = be.AppendUint32(be.AppendUint32(b, uint32(begin)), uint32(len(t.body)))
	}
	b = append(b, bodies...)
	be.PutUint32(b, uint32(len(b)))
	return b
}
