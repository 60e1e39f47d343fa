package goengine

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// TestManyFrames verifies that what a file of many tiny frames costs is bounded: on a small canvas by their number, on a
// large one by its pixels, before anything is allocated for them.
func TestManyFrames(t *testing.T) {
	p := color.Palette{color.Black, color.White}
	var buf bytes.Buffer
	err := gif.EncodeAll(&buf, &gif.GIF{
		Image: []*image.Paletted{image.NewPaletted(image.Rect(0, 0, 8, 8), p), image.NewPaletted(image.Rect(3, 3, 4, 4), p)},
		Delay: []int{4, 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	one := buf.Bytes()
	last := bytes.LastIndex(one, []byte{0x21, 0xf9, 4})
	frame := one[last : len(one)-1]
	film := func(side uint16, frames int) []byte {
		src := bytes.Clone(one[:last])
		binary.LittleEndian.PutUint16(src[6:], side)
		binary.LittleEndian.PutUint16(src[8:], side)
		return append(append(src, bytes.Repeat(frame, frames-1)...), 0x3b)
	}
	tr := transform.New(New(), transform.Options{})
	for _, tt := range []struct {
		name   string
		side   uint16
		frames int
		want   int
	}{{"few", 8, 200, 200}, {"50,000", 8, 50_000, 1}, {"a large canvas", 3_000, 100, 1}} {
		t.Run(tt.name, func(t *testing.T) {
			src := film(tt.side, tt.frames)
			info, err := tr.Probe(src)
			if err != nil || info.Frames != tt.frames {
				t.Fatalf("got %d frames and error %v, want %d", info.Frames, err, tt.frames)
			}
			s := transform.Spec{Width: 8, Format: transform.GIF, Animate: true}.Resolve(int(tt.side), int(tt.side), 2560, 80)
			out, err := tr.Transform(t.Context(), src, []transform.Spec{s})
			if err != nil || out[0].Frames != tt.want {
				t.Errorf("got %+v and error %v, want %d frames", out, err, tt.want)
			}
		})
	}
	if _, err := tr.Probe(film(65_535, 1000)); err == nil {
		t.Error("a canvas of 65,535 × 65,535 pixels: got no error")
	}
}

// TestMotionBytes compares the estimate that the memory budget rests on with what a film allocates, frames that are decoded
// and thrown away counted each.
func TestMotionBytes(t *testing.T) {
	src := imagetest.MovingGIF(t, 400, 300, 2)
	h, err := parse(src)
	if err != nil {
		t.Fatal(err)
	}
	got := measured(func() {
		f, err := openFilm(src, h)
		if err == nil {
			err = f.show(t.Context(), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	const fixed = 256 << 10
	if want := h.info().MotionBytes; got > want+fixed {
		t.Errorf("got %d bytes allocated, where the header says %d", got, want)
	}
}

// TestQuantizeFew verifies that palettes of a few colours hold what they must: opaque pixels stay opaque, clear ones clear.
func TestQuantizeFew(t *testing.T) {
	img := imagetest.Fade(97, 61)
	clear(img.Pix[:4*97*10])
	for _, n := range []int{2, 3, 4, 16, 256} {
		p := paletted(img, n, false)
		if len(p.Palette) > n || len(p.Palette) < 2 {
			t.Errorf("%d colours: got %d", n, len(p.Palette))
		}
		for y := range 61 {
			for x := range 97 {
				_, _, _, want := img.At(x, y).RGBA()
				_, _, _, got := p.At(x, y).RGBA()
				if want == 0 && got != 0 || n > 3 && want == 0xffff && got != 0xffff {
					t.Fatalf("%d colours: got alpha %#x at (%d, %d), want %#x", n, got, x, y, want)
				}
			}
		}
	}
}

// TestQuantizeShades verifies that a picture of few but near shades keeps them: 300 of a fog, into 256.
func TestQuantizeShades(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 300, 8))
	for y := range 8 {
		for x := range 300 {
			copy(img.Pix[img.PixOffset(x, y):], []byte{uint8(100 + x/6), uint8(101 + x/5), uint8(99 + x/4), 0xff})
		}
	}
	p := paletted(img, 64, true)
	if d := imagetest.MeanDifference(p, img); max(d[0], d[1], d[2]) > 1 {
		t.Errorf("got mean differences %v, want at most 1", d)
	}
}

// TestGIFBlocks verifies the ends of chains of sub-blocks at every length around 255.
func TestGIFBlocks(t *testing.T) {
	for n := range 520 {
		var buf bytes.Buffer
		b := &gifBlocks{to: &buf}
		for range n {
			if _, err := b.Write([]byte{7}); err != nil {
				t.Fatal(err)
			}
		}
		b.close()
		end, err := subBlocks(buf.Bytes(), 0)
		if err != nil || end != buf.Len() || bytes.Count(buf.Bytes(), []byte{7}) < n {
			t.Fatalf("%d bytes: got %d of %d bytes and error %v", n, end, buf.Len(), err)
		}
	}
}
