package goengine

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"

	"golang.org/x/image/webp"

	"github.com/dd8bf596/cutline/internal/container"
	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/colour"
)

// TestWithProfile: what carries the profile is a file with the same pixels, in which parse finds the profile, whole.
func TestWithProfile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		body  []byte
		pic   *image.NRGBA
		frame int
	}{
		{"JPEG", imagetest.JPEG(t, 24, 18), imagetest.Photo(24, 18), 1},
		{"JPEG without JFIF", withoutJFIF(imagetest.JPEG(t, 24, 18)), imagetest.Photo(24, 18), 1},
		{"PNG", imagetest.PNG(t, 24, 18, true), imagetest.Fade(24, 18), 1},
		{"WebP", imagetest.File(t, "lossy.webp"), imagetest.Photo(120, 80), 1},
		{"WebP with VP8L", imagetest.File(t, "lossless.webp"), imagetest.Photo(120, 80), 1},
		{"WebP with alpha", imagetest.File(t, "alpha.webp"), imagetest.Fade(120, 80), 1},
		{"WebP with alpha in VP8L", imagetest.File(t, "alpha-lossless.webp"), imagetest.Fade(120, 80), 1},
		{"animated WebP", imagetest.File(t, "animated.webp"), imagetest.Photo(120, 80), 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, err := parse(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			same, err := withProfile(tt.body, before.format, &picture{pixels: tt.pic})
			if err != nil || !bytes.Equal(same, tt.body) {
				t.Errorf("sRGB: got %d bytes of %d and error %v", len(same), len(tt.body), err)
			}
			body, err := withProfile(tt.body, before.format, &picture{pixels: tt.pic, wide: true})
			if err != nil {
				t.Fatal(err)
			}
			h, err := parse(body)
			if err != nil {
				t.Fatal(err)
			}
			profile := h.icc
			if h.format == transform.PNG {
				profile = inflate(h.icc, h.profileBytes())
			}
			if !bytes.Equal(profile, colour.DisplayP3ICC()) {
				t.Errorf("got a profile of %d bytes, want %d", len(profile), len(colour.DisplayP3ICC()))
			}
			if h.width != before.width || h.height != before.height || h.alpha != before.alpha || h.frames != tt.frame {
				t.Errorf("got %d × %d, alpha %t, %d frames", h.width, h.height, h.alpha, h.frames)
			}
			if extra := len(body) - len(tt.body); extra > 700 {
				t.Errorf("got %d bytes more", extra)
			}
			if tt.frame == 1 {
				checkReadable(t, body, h)
			}
		})
	}
}

// checkReadable decodes a file as it is with the library that is not ours.
func checkReadable(t *testing.T, body []byte, h header) {
	t.Helper()
	var err error
	switch h.format {
	case transform.JPEG:
		_, err = jpeg.Decode(bytes.NewReader(body))
	case transform.PNG:
		_, err = png.Decode(bytes.NewReader(body))
	case transform.WebP:
		if h.webp.alpha != nil || h.webp.kind == "VP8L" {
			return // x/image/webp reads no profile beside them
		}
		_, err = webp.Decode(bytes.NewReader(body))
	}
	if err != nil {
		t.Errorf("read again: %v", err)
	}
}

// withoutJFIF takes the first segment out, as some encoders write none.
func withoutJFIF(src []byte) []byte {
	if src[3] != container.MarkerAPP0 {
		return src
	}
	return slices.Concat(src[:2], src[4+binary.BigEndian.Uint16(src[4:]):])
}

// atom is one of ISO/IEC 14496-12.
func atom(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), []byte(kind), body)
}

func TestAVIFAsP3(t *testing.T) {
	colr := atom("colr", []byte("nclx\x00\x01\x00\x0d\x00\x06\x80"))
	file := func(properties ...[]byte) []byte {
		return slices.Concat(atom("ftyp", []byte("avif\x00\x00\x00\x00avifmif1")),
			atom("meta", make([]byte, 4), atom("hdlr", make([]byte, 20)), atom("iprp", atom("ipco", properties...), atom("ipma", make([]byte, 9)))),
			atom("mdat", []byte("colrnclx")))
	}
	spaced, size := file(atom("ispe", make([]byte, 12)), colr, atom("pixi", make([]byte, 8))), 0
	size = len(spaced)
	got, err := withProfile(spaced, transform.AVIF, &picture{wide: true})
	if err != nil || len(got) != size {
		t.Fatalf("got %d bytes of %d and error %v", len(got), size, err)
	}
	if want := []byte("nclx\x00\x0c\x00\x0d\x00\x06\x80"); !bytes.Contains(got, want) || bytes.Contains(got, colr) {
		t.Errorf("got %q, want %q in it", got, want)
	}
	for name, body := range map[string][]byte{
		"no property": file(), "a profile instead": file(atom("colr", []byte("prof1234567890"))),
		"cut": spaced[:40], "nothing": nil, "a box of no size": {0, 0, 0, 2, 'm', 'e', 't', 'a'},
		"a box too large": append(u32s(1), "meta\xff\xff\xff\xff\xff\xff\xff\xff"...),
	} {
		if _, err := withProfile(body, transform.AVIF, &picture{wide: true}); err == nil {
			t.Errorf("%s: got no error, and the file says sRGB of Display P3", name)
		}
	}
}
