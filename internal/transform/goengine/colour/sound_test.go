package colour

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/dd8bf596/cutline/internal/imagetest"
)

// lut is a lut8Type or lut16Type with claims of its own, before n bytes of tables.
func lut(kind string, in, out, points byte, entries uint16, n int) []byte {
	b := append([]byte(kind), 0, 0, 0, 0, in, out, points, 0)
	for i := range 9 {
		b = binary.BigEndian.AppendUint32(b, uint32(1-min(i%4, 1))<<16) // identity
	}
	if kind == "mft2" {
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, entries), entries)
	}
	return append(b, bytes.Repeat([]byte{0xf0}, n)...)
}

// modular is a lutAToBType with parts at offsets, before a body.
func modular(in, out byte, offsets [5]uint32, body []byte) []byte {
	b := append([]byte("mAB \x00\x00\x00\x00"), in, out, 0, 0)
	for _, at := range offsets {
		b = binary.BigEndian.AppendUint32(b, at)
	}
	return append(b, body...)
}

// hostile are profiles that ask for more than they are, or lie.
func hostile() map[string][]byte {
	cmyk := func(tag []byte) []byte {
		return imagetest.ICC("prtr", "CMYK", "Lab ", []imagetest.ICCTag{{Name: "A2B0", Body: tag}})
	}
	rgb := func(name string, tag []byte) []byte {
		return imagetest.ICC("mntr", "RGB ", "Lab ", []imagetest.ICCTag{{Name: name, Body: tag}})
	}
	curve := func(count uint32, n int) []byte {
		return append(binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), count), bytes.Repeat([]byte{0xff, 0xff, 0, 0}, n/2)...)
	}
	whole := imagetest.ICCDisplayP3()
	patched := func(at int, v uint32) []byte {
		b := bytes.Clone(whole)
		binary.BigEndian.PutUint32(b[at:], v)
		return b
	}
	grid := func(points, width byte) []byte {
		return append(append(bytes.Repeat([]byte{points}, 16), width, 0, 0, 0), 1, 2, 3)
	}
	return map[string][]byte{
		"nothing":                     nil,
		"a header alone":              whole[:128],
		"four thousand million tags":  patched(128, 0xffffffff),
		"a tag beyond the end":        patched(132+4, uint32(len(whole))),
		"a tag of four gigabytes":     patched(132+8, 0xffffffff),
		"offset and size overflow":    patched(132+4, 0xfffffff0),
		"a tag in the table":          patched(132+4, 128),
		"a tag shorter than its kind": patched(132+8, 12),
		"a table of 255 points":       cmyk(lut("mft1", 4, 3, 255, 0, 5000)),
		"255 inputs":                  cmyk(lut("mft1", 255, 3, 255, 0, 5000)),
		"15 channels":                 cmyk(lut("mft1", 15, 15, 255, 0, 5000)),
		"a table of one point":        cmyk(lut("mft1", 4, 3, 1, 0, 5000)),
		"curves of 65,535 entries":    rgb("A2B0", lut("mft2", 3, 3, 2, 65535, 1<<20)),
		"curves without entries":      rgb("A2B0", lut("mft2", 3, 3, 2, 0, 5000)),
		"samples of no width":         rgb("A2B0", modular(3, 3, [5]uint32{3: 32}, grid(255, 0))),
		"16 megabytes of samples":     rgb("A2B0", modular(3, 3, [5]uint32{3: 32}, grid(177, 1))),
		"grids of unequal sides":      rgb("A2B0", modular(3, 3, [5]uint32{3: 32}, append([]byte{2, 3, 4}, grid(2, 1)...))),
		"parts beyond the end":        rgb("A2B0", modular(3, 3, [5]uint32{1 << 31, 1 << 30, 40, 0xffffffff, 1}, nil)),
		"a curve of 8 gigabytes":      rgb("rTRC", curve(0xffffffff, 8)),
		"a curve of 100,000 entries":  rgb("rTRC", curve(100_000, 200_000)),
		"a curve in itself":           rgb("A2B0", modular(3, 3, [5]uint32{0: 32, 2: 32, 4: 32}, curve(4_000_000_000, 64))),
		"longer than MaxBytes":        append(bytes.Clone(whole), make([]byte, MaxBytes)...),
		"no class that pictures have": imagetest.ICC("link", "RGB ", "XYZ ", nil),
		"no tags":                     imagetest.ICC("mntr", "RGB ", "XYZ ", nil),
		"text for a matrix":           imagetest.ICC("mntr", "RGB ", "XYZ ", []imagetest.ICCTag{{Name: "rXYZ", Body: []byte("text\x00\x00\x00\x00 no column ")}}),
		"all black":                   imagetest.ICC("mntr", "GRAY", "XYZ ", []imagetest.ICCTag{{Name: "kTRC", Body: curve(2, 0)}, {Name: "none"}}),
	}
}

// TestHostile: none of them is a profile, and none costs memory or time.
func TestHostile(t *testing.T) {
	for name, profile := range hostile() {
		t.Run(name, func(t *testing.T) {
			for _, components := range []int{1, 3, 4} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				if Parse(profile, components) != nil {
					t.Errorf("%d components: got a profile", components)
				}
				took := time.Since(start)
				runtime.ReadMemStats(&after)
				if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
					t.Errorf("got %d bytes allocated", got)
				}
				if took > 5*time.Second {
					t.Errorf("took %v", took)
				}
			}
		})
	}
}

// TestTruncated cuts profiles everywhere.
func TestTruncated(t *testing.T) {
	for _, whole := range [][]byte{imagetest.ICCDisplayP3(), imagetest.ICCGrey(1.8)} {
		for n := range len(whole) {
			if Parse(whole[:n], 3) != nil || Parse(whole[:n], 1) != nil {
				t.Errorf("%d of %d bytes are a profile", n, len(whole))
			}
		}
	}
}

// TestLargest measures the most that a sound profile may cost: two tables of as many samples as are admitted.
func TestLargest(t *testing.T) {
	const points = 24 // to the power of 4, 995,328 samples
	table := lut("mft1", 4, 3, points, 0, 256*7+points*points*points*points*3)
	back := lut("mft1", 3, 4, 63, 0, 256*7+63*63*63*4)
	profile := imagetest.ICC("prtr", "CMYK", "Lab ", []imagetest.ICCTag{{Name: "A2B0", Body: table}, {Name: "B2A0", Body: back}})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p := Parse(profile, 4)
	runtime.ReadMemStats(&after)
	if p == nil {
		t.Fatal("no profile")
	}
	got, most := int(after.TotalAlloc-before.TotalAlloc), 16<<20+4*len(profile)+1<<20
	t.Logf("%d bytes allocated for a profile of %d", got, len(profile))
	if got > most {
		t.Errorf("got %d bytes allocated, want at most %d", got, most)
	}
}

func FuzzParse(f *testing.F) {
	for _, profile := range [][]byte{
		imagetest.ICCDisplayP3(), imagetest.ICCAdobeRGB(), imagetest.ICCGrey(1.8), imagetest.ICCSwappedCMYK(), DisplayP3ICC(),
		imagetest.ICC("mntr", "RGB ", "Lab ", []imagetest.ICCTag{{Name: "A2B0", Body: lut("mft2", 3, 3, 2, 2, 60)}}),
		imagetest.ICC("mntr", "RGB ", "XYZ ", []imagetest.ICCTag{{Name: "A2B1", Body: modular(3, 3, [5]uint32{3: 32},
			append([]byte{2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, make([]byte, 24)...))}}),
	} {
		f.Add(profile)
	}
	for _, profile := range hostile() {
		if len(profile) < 1<<16 {
			f.Add(profile)
		}
	}
	f.Fuzz(func(t *testing.T, profile []byte) {
		for _, components := range []int{1, 3, 4} {
			p := Parse(profile, components)
			if p == nil {
				continue
			}
			px, dst := []byte{0, 0, 0, 0, 255, 255, 255, 255, 1, 128, 254, 3}, make([]byte, 12)
			if components == 4 {
				p.CMYK(dst, px)
				continue
			}
			p.Convert(p.Target(false), dst, px)
			p.Convert(p.Target(true), dst, px)
			if dst[3] != px[3] || dst[7] != px[7] || dst[11] != px[11] {
				t.Errorf("got alpha of %v from %v", dst, px)
			}
		}
	})
}
