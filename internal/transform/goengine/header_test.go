package goengine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// patched is a copy of src with b over the bytes at at.
func patched(src []byte, at int, b ...byte) []byte {
	src = bytes.Clone(src)
	copy(src[at:], b)
	return src
}

// inserted is src with b between at and the rest.
func inserted(src []byte, at int, b []byte) []byte {
	return append(append(bytes.Clone(src[:at]), b...), src[at:]...)
}

func TestParseJPEG(t *testing.T) {
	src := imagetest.JPEG(t, 40, 30)
	sof := bytes.Index(src, []byte{0xff, 0xc0})
	sos := bytes.Index(src, []byte{0xff, 0xda})
	eoi := len(src) - 2
	for _, tt := range []struct {
		name string
		src  []byte
		want error
	}{
		{"baseline", src, nil},
		{"bytes behind the end", append(bytes.Clone(src), "<script>"...), nil},
		{"fill bytes before a marker", inserted(src, sof, []byte{0xff, 0xff}), nil},
		{"no end marker", src[:eoi], transform.ErrCorrupt},
		{"ends within a marker", src[:eoi+1], transform.ErrCorrupt},
		{"nothing but a beginning", src[:3], transform.ErrCorrupt},
		{"no scan", append(bytes.Clone(src[:sos]), 0xff, 0xd9), transform.ErrCorrupt},
		{"two frame headers", inserted(src, sof, src[sof:sof+19]), transform.ErrCorrupt},
		{"lossless", patched(src, sof+1, 0xc3), transform.ErrFormat},
		{"arithmetic", patched(src, sof+1, 0xc9), transform.ErrFormat},
		{"12 bits", patched(src, sof+4, 12), transform.ErrFormat},
		{"height that follows", patched(src, sof+5, 0, 0), transform.ErrFormat},
		{"no width", patched(src, sof+7, 0, 0), transform.ErrCorrupt},
		{"sampling factor 0", patched(src, sof+11, 0), transform.ErrCorrupt},
		{"short frame header", patched(src, sof+9, 4), transform.ErrCorrupt},
		{"segment of no bytes", patched(src, sof+2, 0, 1), transform.ErrCorrupt},
		{"segment beyond the file", patched(src, sof+2, 0xff, 0xff), transform.ErrCorrupt},
	} {
		if _, err := parse(tt.src); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestParseCounts(t *testing.T) {
	jpg := imagetest.JPEG(t, 40, 30)
	scans := bytes.Repeat([]byte{0xff, 0xda, 0, 2, 7, 0xff, 0, 7, 0xff, 0xd0, 7}, 200)
	h, err := parse(inserted(jpg, len(jpg)-2, scans))
	if err != nil || h.scans != 201 {
		t.Errorf("JPEG: got %d scans and error %v, want 201", h.scans, err)
	}
	comment := append([]byte{0xff, 0xfe, 0x80, 2}, make([]byte, 0x8000)...)
	h, err = parse(inserted(jpg, 2, comment))
	if err != nil || h.metadata != 0x8004 {
		t.Errorf("JPEG: got %d bytes of metadata and error %v, want %d", h.metadata, err, 0x8004)
	}
	png := imagetest.PNG(t, 40, 30, false)
	h, err = parse(inserted(png, 33, imagetest.Chunk("zTXt", make([]byte, 1000))))
	if err != nil || h.metadata != 1012 {
		t.Errorf("PNG: got %d bytes of metadata and error %v, want 1012", h.metadata, err)
	}
	anim := imagetest.Chunk("acTL", binary.BigEndian.AppendUint32(nil, 9))
	anim = imagetest.Chunk("acTL", append(anim[8:12], 0, 0, 0, 0))
	if h, err = parse(inserted(png, 33, anim)); err != nil || h.frames != 9 {
		t.Errorf("PNG: got %d frames and error %v, want 9", h.frames, err)
	}
	if h, err = parse(imagetest.GIF(t, 2, 2, 300)); err != nil || h.frames != 300 {
		t.Errorf("GIF: got %d frames and error %v, want 300", h.frames, err)
	}
}

func TestParsePNG(t *testing.T) {
	src := imagetest.PNG(t, 40, 30, false)
	idat := bytes.Index(src, []byte("IDAT")) - 4
	for _, tt := range []struct {
		name string
		src  []byte
		want error
	}{
		{"good", src, nil},
		{"bytes behind the end", append(bytes.Clone(src), 1, 2, 3), nil},
		{"no end chunk", src[:len(src)-12], transform.ErrCorrupt},
		{"no header chunk first", inserted(src, 8, imagetest.Chunk("gAMA", make([]byte, 4))), transform.ErrCorrupt},
		{"two header chunks", inserted(src, 8, src[8:33]), transform.ErrCorrupt},
		{"no pixels", append(bytes.Clone(src[:idat]), imagetest.Chunk("IEND", nil)...), transform.ErrCorrupt},
		{"chunk beyond the file", patched(src, idat, 0xff, 0xff, 0xff, 0xff), transform.ErrCorrupt},
		{"no width", patched(src, 16, 0, 0, 0, 0), transform.ErrCorrupt},
		{"2³²-1 wide", patched(src, 16, 0xff, 0xff, 0xff, 0xff), transform.ErrCorrupt},
		{"unknown colour type", patched(src, 25, 5), transform.ErrFormat},
	} {
		if _, err := parse(tt.src); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestParseGIFAndWebP(t *testing.T) {
	gif := imagetest.GIF(t, 40, 30, 1)
	webp := imagetest.File(t, "lossy.webp")
	alpha := imagetest.File(t, "alpha.webp")
	frame := bytes.Index(gif, []byte{0x2c, 0, 0, 0, 0, 40, 0})
	for _, tt := range []struct {
		name string
		src  []byte
		want error
	}{
		{"GIF", gif, nil},
		{"GIF without trailer", gif[:len(gif)-1], nil},
		{"GIF without frame", append(bytes.Clone(gif[:frame]), 0x3b), transform.ErrCorrupt},
		{"GIF frame outside its screen", patched(gif, frame+1, 1), transform.ErrCorrupt},
		{"GIF frame of no width", patched(gif, frame+5, 0), transform.ErrCorrupt},
		{"GIF with a strange block", patched(gif, frame, 0x77), transform.ErrCorrupt},
		{"WebP", webp, nil},
		{"WebP with bytes behind", append(bytes.Clone(webp), 1, 2, 3), nil},
		{"WebP without picture", []byte("RIFF\x04\x00\x00\x00WEBP"), transform.ErrCorrupt},
		{"WebP that begins with an inter frame", patched(webp, 20, webp[20]|1), transform.ErrCorrupt},
		{"WebP frame of another size than its canvas", patched(alpha, 24, 1), transform.ErrCorrupt},
		{"WebP chunk beyond the file", patched(webp, 16, 0xff, 0xff, 0xff), transform.ErrCorrupt},
	} {
		if _, err := parse(tt.src); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
	}
}
