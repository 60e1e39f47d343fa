package goengine

import (
	"bytes"
	"encoding/binary"
	"image"
	"slices"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/colour"
)

// withChunks puts chunks behind a PNG's header chunk.
func withChunks(src []byte, chunks ...[]byte) []byte {
	const header = 8 + 12 + 13
	return slices.Concat(src[:header], slices.Concat(chunks...), src[header:])
}

func u32s(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// interop is a TIFF block whose interoperability directory says index, three letters.
func interop(index string) []byte {
	entry := func(tag, kind uint16, count uint32, value []byte) []byte {
		b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, tag), kind)
		return append(binary.BigEndian.AppendUint32(b, count), value...)
	}
	const ifd0, exif, inter = 8, 8 + 18, 8 + 18 + 30
	return slices.Concat([]byte("MM\x00\x2a"), u32s(ifd0),
		[]byte{0, 1}, entry(0x8769, 4, 1, u32s(exif)), u32s(0),
		[]byte{0, 2}, entry(0xa001, 3, 1, []byte{0xff, 0xff, 0, 0}), entry(0xa005, 4, 1, u32s(inter)), u32s(0),
		[]byte{0, 1}, entry(1, 2, 4, append([]byte(index), 0)), u32s(0))
}

// TestProfileOf verifies which of the many things that files say is believed: by what it makes of one colour, (200, 60, 40),
// whose red is 218 from Display P3, 232 from Adobe RGB (libvips), and 200 from sRGB.
func TestProfileOf(t *testing.T) {
	const p3, adobe, plain = 218, 232, 200
	jpeg, png := imagetest.JPEG(t, 20, 10), imagetest.PNG(t, 20, 10, false)
	wide, narrow := imagetest.ICCDisplayP3(), imagetest.ICCSRGB()
	half := len(wide) / 2
	behind := func(parts ...[]byte) []byte { return slices.Concat(jpeg[:2], slices.Concat(parts...), jpeg[2:]) }
	chunk := imagetest.Chunk
	iccp := func(profile []byte) []byte {
		return chunk("iCCP", append([]byte("any name\x00\x00"), imagetest.Deflated(t, profile)...))
	}
	primaries := u32s(31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
	for _, tt := range []struct {
		name string
		src  []byte
		want int
	}{
		{"JPEG without", jpeg, plain},
		{"JPEG", behind(imagetest.ICCSegment(1, 1, wide)), p3},
		{"chunks in another order", behind(imagetest.ICCSegment(2, 2, wide[half:]), imagetest.ICCSegment(1, 2, wide[:half])), p3},
		{"a chunk twice", behind(imagetest.ICCSegment(1, 1, wide), imagetest.ICCSegment(1, 1, narrow)), p3},
		{"a chunk missing", behind(imagetest.ICCSegment(1, 3, wide[:half]), imagetest.ICCSegment(3, 3, wide[half:])), plain},
		{"chunk 0", behind(imagetest.ICCSegment(0, 1, wide)), plain},
		{"chunks that count differently", behind(imagetest.ICCSegment(1, 2, wide[:half]), imagetest.ICCSegment(2, 3, wide[half:])), plain},
		{"no chunks", behind(imagetest.ICCSegment(1, 0, wide)), plain},
		{"EXIF says Adobe RGB", imagetest.WithEXIF(t, jpeg, interop("R03")), adobe},
		{"EXIF says sRGB", imagetest.WithEXIF(t, jpeg, interop("R98")), plain},
		{"a profile before EXIF", imagetest.WithEXIF(t, imagetest.WithICC(t, jpeg, wide), interop("R03")), p3},
		{"R03 in another place", imagetest.WithEXIF(t, jpeg, append(imagetest.EXIF(1), "R03\x00"...)), plain},
		{"PNG without", png, plain},
		{"PNG", withChunks(png, iccp(wide)), p3},
		{"iCCP twice", withChunks(png, iccp(wide), iccp(narrow)), p3},
		{"iCCP before sRGB and gAMA", withChunks(png, chunk("gAMA", u32s(100000)), chunk("sRGB", []byte{0}), iccp(wide)), p3},
		{"cICP before iCCP", withChunks(png, iccp(narrow), chunk("cICP", []byte{12, 13, 0, 1})), p3},
		{"cICP of sRGB before iCCP", withChunks(png, iccp(wide), chunk("cICP", []byte{1, 13, 0, 1})), plain},
		{"cICP of YCbCr, which PNG has not", withChunks(png, chunk("cICP", []byte{12, 13, 1, 1})), plain},
		{"cICP too short", withChunks(png, chunk("cICP", []byte{12, 13})), plain},
		{"gAMA and cHRM", withChunks(png, chunk("gAMA", u32s(45470)), chunk("cHRM", primaries)), adobe},
		{"sRGB before gAMA and cHRM", withChunks(png, chunk("gAMA", u32s(45470)), chunk("cHRM", primaries), chunk("sRGB", []byte{0})), plain},
		{"gAMA of sRGB", withChunks(png, chunk("gAMA", u32s(45455))), plain},
		{"iCCP that is no zlib", withChunks(png, chunk("iCCP", append([]byte("x\x00\x00"), wide...))), plain},
		{"iCCP without an end to its name", withChunks(png, chunk("iCCP", []byte("xxxx"))), plain},
		{"grey PNG with a profile of RGB", imagetest.WithICC(t, imagetest.EncodePNG(t, image.NewGray(image.Rect(0, 0, 9, 9))), wide), plain},
		{"RGB with a profile of greys", imagetest.WithICC(t, jpeg, imagetest.ICCGrey(1.8)), plain},
		{"WebP", imagetest.WithICC(t, imagetest.File(t, "lossy.webp"), wide), p3},
		{"WebP with alpha", imagetest.WithICC(t, imagetest.File(t, "alpha.webp"), wide), p3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := parse(tt.src)
			if err != nil {
				t.Fatal(err)
			}
			px := []byte{200, 60, 40, 255}
			if p := h.profile(); p != nil {
				p.Convert(colour.SRGB, px, px)
			}
			if d := int(px[0]) - tt.want; d < -1 || d > 1 {
				t.Errorf("got red %d, want %d", px[0], tt.want)
			}
		})
	}
}

// TestInflate: a profile of a gigabyte, deflated, costs as little as the budget was told.
func TestInflate(t *testing.T) {
	imagetest.Long(t)
	bomb := imagetest.Deflated(t, make([]byte, 64<<20))
	src := withChunks(imagetest.PNG(t, 20, 10, false), imagetest.Chunk("iCCP", append([]byte("x\x00\x00"), bomb...)))
	h, err := parse(src)
	if err != nil {
		t.Fatal(err)
	}
	got := measured(func() {
		if h.profile() != nil {
			t.Error("64 MiB of zeros are a profile")
		}
	})
	if got > 8<<20 || got > h.colourBytes() {
		t.Errorf("got %d bytes allocated for %d, where the header says %d", got, len(src), h.colourBytes())
	}
}

// TestPlanesStay: a picture in sRGB is not converted, and one in Display P3 is not when that is what is wanted; grey stays
// one plane.
func TestPlanesStay(t *testing.T) {
	jpeg := imagetest.JPEG(t, 80, 60)
	grey := image.NewGray(image.Rect(0, 0, 80, 60))
	for _, tt := range []struct {
		name   string
		src    []byte
		spec   transform.Spec
		planes int
		wide   bool
	}{
		{"sRGB", imagetest.WithICC(t, jpeg, imagetest.ICCSRGB()), transform.Spec{}, 3, false},
		{"sRGB, wide asked for", imagetest.WithICC(t, jpeg, imagetest.ICCSRGB()), transform.Spec{WideGamut: true}, 3, false},
		{"Display P3 kept", imagetest.WithICC(t, jpeg, imagetest.ICCDisplayP3()), transform.Spec{WideGamut: true}, 3, true},
		{"Display P3 to sRGB", imagetest.WithICC(t, jpeg, imagetest.ICCDisplayP3()), transform.Spec{}, 0, false},
		{"Adobe RGB to Display P3", imagetest.WithICC(t, jpeg, imagetest.ICCAdobeRGB()), transform.Spec{WideGamut: true}, 0, true},
		{"grey", imagetest.WithICC(t, imagetest.EncodeJPEG(t, grey, 90), imagetest.ICCGrey(1.8)), transform.Spec{WideGamut: true}, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := parse(tt.src)
			if err != nil {
				t.Fatal(err)
			}
			o, err := decode(t.Context(), tt.src, h, 1)
			if err != nil {
				t.Fatal(err)
			}
			tt.spec.Width, tt.spec.Height, tt.spec.Format = 40, 30, transform.JPEG
			pic, _, err := (&resizer{original: o}).picture(t.Context(), tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			f := &finisher{profile: o.profile}
			got := f.picture(pic, tt.spec)
			if len(got.planes) != tt.planes || got.wide != tt.wide {
				t.Errorf("got %d planes and wide %t, want %d and %t", len(got.planes), got.wide, tt.planes, tt.wide)
			}
			if f.picture(pic, tt.spec) != got {
				t.Error("the same was made twice")
			}
			other := tt.spec
			other.WideGamut = !other.WideGamut
			if shared := f.picture(pic, other) == got; shared != (o.profile.Target(true) == colour.SRGB) {
				t.Errorf("wide and narrow share pictures: %t", shared)
			}
		})
	}
}

// TestBackgroundInP3: what is under transparency is the colour that was asked for, in the picture's space.
func TestBackgroundInP3(t *testing.T) {
	clear := imagetest.EncodePNG(t, image.NewNRGBA(image.Rect(0, 0, 8, 8)))
	src := imagetest.WithICC(t, clear, imagetest.ICCAdobeRGB())
	s := transform.Spec{Width: 8, Height: 8, Format: transform.PNG, WideGamut: true, Background: transform.Opaque | 0xc83c28}
	outputs, err := New().Transform(t.Context(), src, []transform.Spec{s})
	if err != nil {
		t.Fatal(err)
	}
	img, err := decodeFrame(t.Context(), outputs[0].Body, header{format: transform.PNG})
	if err != nil {
		t.Fatal(err)
	}
	got := nrgba(unpremultiplied(img), img.Bounds()).Pix[:4]
	if want := []byte{185, 71, 50, 255}; !bytes.Equal(got, want) { // (200, 60, 40) in Display P3: libvips
		t.Errorf("got %v, want %v", got, want)
	}
}
