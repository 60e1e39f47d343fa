package goengine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// file is a fixture of this package; testdata/README.md says how each was made.
func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decodedAVIF is the picture of an AVIF as stored.
func decodedAVIF(t *testing.T, src []byte) (*image.NRGBA, header) {
	t.Helper()
	h, err := parse(src)
	if err != nil {
		t.Fatal(err)
	}
	o, err := decode(t.Context(), src, h, 1)
	if err != nil {
		t.Fatal(err)
	}
	return o.img.(*image.NRGBA), h
}

func TestAVIFVariants(t *testing.T) {
	tol := imagetest.Tolerance{SSIM: 0.93, Mean: 8}
	photo, fade := imagetest.Photo(imagetest.FileWidth, imagetest.FileHeight), imagetest.Fade(imagetest.FileWidth, imagetest.FileHeight)
	for _, tt := range []struct {
		name           string
		src            []byte
		want           *image.NRGBA
		frames, depth  int
		alpha, chroma4 bool
	}{
		{"8-bit 4:2:0", imagetest.File(t, "lossy.avif"), photo, 1, 8, false, false},
		{"10-bit 4:4:4", imagetest.File(t, "deep-444.avif"), photo, 1, 10, false, true},
		{"alpha", imagetest.File(t, "alpha.avif"), fade, 1, 8, true, false},
		{"premultiplied alpha", imagetest.File(t, "alpha-premultiplied.avif"), fade, 1, 10, true, true},
		{"sequence", imagetest.File(t, "animated.avif"), photo, 2, 8, false, false},
		{"grid", file(t, "grid.avif"), imagetest.Photo(128, 128), 1, 8, false, false},
	} {
		got, h := decodedAVIF(t, tt.src)
		s := h.avif.colour.cells[0].stream
		if h.frames != tt.frames || s.depth != tt.depth || h.alpha != tt.alpha || s.subX == tt.chroma4 {
			t.Errorf("%s: got %d frames, %d bits, alpha %t, chroma halved %t", tt.name, h.frames, s.depth, h.alpha, s.subX)
		}
		if tt.alpha { // the colour of what is nearly transparent is nearly lost, and nobody sees it
			got, tt.want = flatten(got, [3]uint8{255, 255, 255}), flatten(tt.want, [3]uint8{255, 255, 255})
		}
		if err := imagetest.Differ(got, tt.want, tol); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestAVIFTurns verifies irot and imir against the corners that they put the picture's own corners to.
func TestAVIFTurns(t *testing.T) {
	src := imagetest.File(t, "turned.avif") // turned by 90° counter-clockwise, then top to bottom: transposed
	irot, imir := bytes.Index(src, []byte("irot"))+4, bytes.Index(src, []byte("imir"))+4
	want := [4][2]int{{4, 2}, {5, 7}, {2, 4}, {7, 5}}
	for angle := range 4 {
		for axis := range 2 {
			h, err := parse(patched(patched(src, irot, byte(angle)), imir, byte(axis)))
			if err != nil || h.orientation != want[angle][axis] {
				t.Errorf("angle %d, axis %d: got orientation %d and error %v, want %d", angle, axis, h.orientation, err, want[angle][axis])
			}
		}
	}
	got, _ := decodedAVIF(t, src)
	quads := imagetest.Quadrants(imagetest.FileWidth, imagetest.FileHeight)
	if err := imagetest.Differ(got, quads, imagetest.Tolerance{SSIM: 0.95, Mean: 6}); err != nil {
		t.Errorf("libavif is expected to leave the pixels as they are stored: %v", err)
	}
}

func TestParseAVIF(t *testing.T) {
	src := imagetest.File(t, "lossy.avif")
	alpha, grid, turned := imagetest.File(t, "alpha.avif"), file(t, "grid.avif"), imagetest.File(t, "turned.avif")
	at := func(src []byte, kind string) int { return bytes.Index(src, []byte(kind)) }
	ispe, iloc, ipma, meta := at(src, "ispe")+8, at(src, "iloc")+4, at(src, "ipma")+4, at(src, "meta")-4
	for _, tt := range []struct {
		name string
		src  []byte
		want error
	}{
		{"good", src, nil},
		{"bytes behind the end", append(bytes.Clone(src), "<script>"...), nil},
		{"cut by a byte", src[:len(src)-1], transform.ErrCorrupt},
		{"no meta box", src[:meta], transform.ErrCorrupt},
		{"cut within the meta box", src[:meta+100], transform.ErrCorrupt},
		{"box of 1 byte", patched(src, meta, 0, 0, 0, 1), transform.ErrCorrupt},
		{"box of 7 bytes", patched(src, meta, 0, 0, 0, 7), transform.ErrCorrupt},
		{"box of 2³²-1 bytes", patched(src, meta, 0xff, 0xff, 0xff, 0xff), transform.ErrCorrupt},
		{"box of 2⁶³ bytes", append(bytes.Clone(src[:meta]), 0, 0, 0, 1, 'm', 'e', 't', 'a', 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3), transform.ErrCorrupt},
		{"meta box that runs to the end", patched(src, meta, 0, 0, 0, 0), nil},
		{"no primary item", patched(src, at(src, "pitm")+8, 0, 77), transform.ErrCorrupt},
		{"65,535 pixels wide", patched(src, ispe, 0, 0, 0xff, 0xff), nil}, // more than the picture has: refused by its size
		{"smaller than its picture", patched(src, ispe, 0, 0, 0, 64), transform.ErrCorrupt},
		{"no width", patched(src, ispe, 0, 0, 0, 0), transform.ErrCorrupt},
		{"2³¹ wide", patched(src, ispe, 0x80), transform.ErrCorrupt},
		{"extent outside the file", patched(src, iloc+14, 0x7f), transform.ErrCorrupt},
		{"extent of 2³²-1 bytes", patched(src, iloc+18, 0xff, 0xff, 0xff, 0xff), transform.ErrCorrupt},
		{"65,535 locations", patched(src, iloc+6, 0xff, 0xff), transform.ErrCorrupt},
		{"65,535 extents", patched(src, iloc+12, 0xff, 0xff), transform.ErrCorrupt},
		{"extents without length", patched(src, iloc+4, 0x40), transform.ErrFormat},
		{"2³²-1 associations", patched(src, ipma+4, 0xff, 0xff, 0xff, 0xff), transform.ErrCorrupt},
		{"a property that there is not", patched(src, ipma+11, 99), transform.ErrCorrupt},
		{"essential and unknown", patched(turned, at(turned, "irot"), 'x', 'x', 'x', 'x'), transform.ErrFormat},
		{"alpha of another size", patched(alpha, bytes.LastIndex(alpha, []byte("ispe"))+8, 0, 0, 0, 200), nil},
		{"a grid without one cell", patched(grid, at(grid, "dimg")+6, 0, 3), transform.ErrCorrupt},
		{"a grid within itself", patched(grid, at(grid, "dimg")+8, 0, 1), transform.ErrCorrupt},
		{"HEVC", bytes.Replace(src, []byte("infe\x02\x00\x00\x00\x00\x01\x00\x00av01"), []byte("infe\x02\x00\x00\x00\x00\x01\x00\x00hvc1"), 1), transform.ErrFormat},
	} {
		if _, err := parse(tt.src); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
	}
}

// boxed is a box.
func boxed(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
}

// TestAVIFNests verifies that boxes within boxes, and items without end, cost no more than their bytes.
func TestAVIFNests(t *testing.T) {
	ftyp := []byte("\x00\x00\x00\x14ftypavif\x00\x00\x00\x00avif")
	deep := []byte{}
	for range 20_000 {
		deep = boxed("trak", deep)
		if len(deep) > 1<<17 {
			break
		}
	}
	entry := []byte{0, 1, 255}
	entry = append(entry, bytes.Repeat([]byte{1}, 255)...)
	infe := boxed("infe", []byte{2, 0, 0, 0, 0, 1, 0, 0}, []byte("av01\x00"))
	meta := func(parts ...[]byte) []byte {
		return boxed("meta", append([][]byte{{0, 0, 0, 0}, boxed("pitm", []byte{0, 0, 0, 0, 0, 1})}, parts...)...)
	}
	many := []byte{}
	for i := range 60_000 {
		many = append(many, boxed("infe", []byte{2, 0, 0, 0, byte(i >> 8), byte(i), 0, 0}, []byte("av01\x00"))...)
	}
	for name, src := range map[string][]byte{
		"boxes within boxes":       bytes.Join([][]byte{ftyp, boxed("moov", deep)}, nil),
		"meta boxes within meta":   bytes.Join([][]byte{ftyp, meta(boxed("meta", meta(meta())))}, nil),
		"the same property always": bytes.Join([][]byte{ftyp, meta(boxed("iinf", []byte{0, 0, 0, 0, 0, 1}, infe), boxed("iprp", boxed("ipco", boxed("free")), boxed("ipma", []byte{0, 0, 0, 0, 0, 0, 3, 0xe8}, bytes.Repeat(entry, 1000))))}, nil),
		"60,000 items":             bytes.Join([][]byte{ftyp, meta(boxed("iinf", []byte{0, 0, 0, 0, 0xff, 0xff}, many))}, nil),
	} {
		var err error
		got := measured(func() { _, err = parse(src) })
		if !errors.Is(err, transform.ErrCorrupt) || got > 1<<20+4*int64(len(src)) {
			t.Errorf("%s: got error %v with %d bytes allocated for %d", name, err, got, len(src))
		}
	}
}

// TestAVIFSequenceHeader verifies that what the AV1 data announce counts, not what the container says.
func TestAVIFSequenceHeader(t *testing.T) {
	src := imagetest.File(t, "lossy.avif")
	h, err := parse(src)
	if err != nil {
		t.Fatal(err)
	}
	c := h.avif.colour.cells[0]
	for _, tt := range []struct {
		name string
		data []byte
		want error
	}{
		{"as it is", c.data, nil},
		{"no sequence header", []byte{0x12, 0}, transform.ErrCorrupt},
		{"a frame before it", []byte{0x32, 1, 0}, transform.ErrCorrupt},
		{"a unit beyond the data", []byte{0x12, 0, 0x0a, 0xff, 0xff, 0xff, 0x7f}, transform.ErrCorrupt},
		{"a size without end", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, transform.ErrCorrupt},
		{"no frame", c.data[:bytes.IndexByte(c.data, 0x32)], transform.ErrCorrupt},
		{"nine frames", append(bytes.Clone(c.data), bytes.Repeat([]byte{0x32, 1, 0}, 8)...), transform.ErrCorrupt},
		{"two sequences", append([]byte{0x0a, 1, 0}, c.data...), transform.ErrCorrupt},
	} {
		if _, err := readAV1(tt.data); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
	}
	big := patched(src, bytes.Index(src, []byte("ispe"))+8, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff)
	if h, err := parse(big); err != nil || h.decodeBytes < 4*65535*65535 {
		t.Errorf("65,535 × 65,535 pixels: got %d bytes and error %v", h.decodeBytes, err)
	}
}

// TestAVIFBadData verifies that data that cannot be decoded are an error and no picture: the library itself says nothing.
func TestAVIFBadData(t *testing.T) {
	for _, name := range []string{"lossy.avif", "alpha.avif", "deep-444.avif"} {
		src := bytes.Clone(imagetest.File(t, name))
		h, err := parse(src)
		if err != nil {
			t.Fatal(err)
		}
		cell := h.avif.colour.cells[0].data
		frame := bytes.IndexByte(cell, 0x32) // the frame's unit; its header begins three bytes on
		for i := range cell[frame+3:][:12] {
			cell[frame+3+i] = 0xff
		}
		if _, err := decode(t.Context(), src, h, 1); !errors.Is(err, transform.ErrCorrupt) {
			t.Errorf("%s: got error %v, want %v", name, err, transform.ErrCorrupt)
		}
	}
}

// TestAVIFEncode verifies that alpha is written where there is some, and only there.
func TestAVIFEncode(t *testing.T) {
	for _, tt := range []struct {
		name  string
		img   *image.NRGBA
		alpha bool
	}{{"opaque", imagetest.Photo(96, 64), false}, {"faded", imagetest.Fade(96, 64), true}, {"part", imagetest.Photo(200, 100).SubImage(image.Rect(3, 5, 99, 69)).(*image.NRGBA), false}} {
		body, err := writeAVIF(newPlate(&picture{pixels: tt.img}), 90, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(body, []byte("auxC")); got != tt.alpha {
			t.Errorf("%s: got alpha %t", tt.name, got)
		}
		got, _ := decodedAVIF(t, body)
		want := image.NewNRGBA(image.Rect(0, 0, 96, 64))
		for y := range 64 {
			for x := range 96 {
				want.Set(x, y, tt.img.At(tt.img.Rect.Min.X+x, tt.img.Rect.Min.Y+y))
			}
		}
		for i, ground := range [][3]uint8{{255, 255, 255}, {0, 0, 0}} {
			if err := imagetest.Differ(flatten(got, ground), flatten(want, ground), imagetest.Tolerance{SSIM: 0.93, Mean: 6}); err != nil {
				t.Errorf("%s over ground %d: %v", tt.name, i, err)
			}
		}
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	clear.SetNRGBA(0, 0, color.NRGBA{R: 200, G: 100, B: 50, A: 128})
	if got := multiplied(&plate{pixels: clear}).Pix; !bytes.Equal(got, []byte{100, 50, 25, 128, 0, 0, 0, 0}) {
		t.Errorf("got %v", got)
	}
}

// TestAVIFBytes compares the estimate with what is alive at one time. Memory that WebAssembly has grown out of stays until
// it is collected, so that what was allocated in all says nothing here.
func TestAVIFBytes(t *testing.T) {
	imagetest.Long(t)
	_, _ = decodedAVIF(t, imagetest.File(t, "lossy.avif")) // compiles the module
	for _, name := range []string{"400-8", "420-8", "444-8", "420-10", "444-12", "420-8-alpha", "420-8-grain", "420-8-grid", "tiles"} {
		src := file(t, "large-"+name+".avif")
		h, err := parse(src)
		if err != nil {
			t.Fatal(err)
		}
		got := int64(math.MaxInt64) // the least of a few looks: what is dead counts until a collector that has to share gets to it
		for range 3 {
			got = min(got, peak(func() { decodedAVIF(t, src) }))
		}
		pixels := float64(h.width * h.height)
		t.Logf("%s: %.1f bytes per pixel alive, %.1f estimated", name, float64(got)/pixels, float64(h.decodeBytes)/pixels)
		if got > h.decodeBytes*5/4+8<<20 { // what is dead already is collected some time later
			t.Errorf("%s: got %d bytes alive, where the header says %d", name, got, h.decodeBytes)
		}
		if h.decodeBytes > 2*got {
			t.Errorf("%s: got %d bytes alive, where the header says as many as %d", name, got, h.decodeBytes)
		}
	}
}

// TestNativeLibraries verifies what a library that was found changes, without one.
func TestNativeLibraries(t *testing.T) {
	e := &Engine{webp: library{name: "libwebp.so", version: "1.2.4"}, avif: library{name: "libavif.so", version: "1.2.1"}}
	if _, err := e.Probe(imagetest.File(t, "lossy.avif")); !errors.Is(err, transform.ErrFormat) || !strings.Contains(err.Error(), "libavif.so") {
		t.Errorf("got error %v, want %v that names the library", err, transform.ErrFormat)
	}
	if can := e.Can(transform.AVIF); can.Decode || !can.Encode || !strings.HasSuffix(e.Rev(transform.AVIF), "-native1.2.1") {
		t.Errorf("AVIF: got %+v and revision %q", can, e.Rev(transform.AVIF))
	}
	if can := e.Can(transform.WebP); !can.Encode || !strings.HasSuffix(e.Rev(transform.WebP), "-native1.2.4") {
		t.Errorf("WebP: got %+v and revision %q", can, e.Rev(transform.WebP))
	}
	want := []Codec{
		{transform.WebP, "golang.org/x/image/webp", "libwebp.so 1.2.4 (shared library)"},
		{transform.AVIF, "", "libavif.so 1.2.1 (shared library)"},
	}
	if got := e.Codecs()[3:]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	e.webp.broken = "libwebp.so 1.0.3 is used"
	_, err := e.Transform(t.Context(), imagetest.JPEG(t, 20, 10), []transform.Spec{{Width: 20, Height: 10, Quality: 80, Format: transform.WebP}})
	if can := e.Can(transform.WebP); can.Encode || e.Rev(transform.WebP) != "" || !errors.Is(err, transform.ErrFormat) || !strings.Contains(err.Error(), "1.0.3") {
		t.Errorf("broken WebP: got %+v, revision %q and error %v", can, e.Rev(transform.WebP), err)
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"1.2.4", "1.2.0", false}, {"1.2.0", "1.2.0", false}, {"1.1.9", "1.2.0", true}, {"0.6.1", "1.2.0", true}, {"1.10.0", "1.2.0", false}, {"unknown", "1.2.0", true}} {
		if got := older(tt.a, tt.b); got != tt.want {
			t.Errorf("%s older than %s: got %t", tt.a, tt.b, got)
		}
	}
}
