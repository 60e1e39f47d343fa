package goengine

import (
	"image"
	"image/color"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

func padTo(w, h int, f transform.Format) transform.Spec {
	return transform.Spec{Width: w, Height: h, Fit: transform.Pad, Format: f}
}

// TestPaddedPlate: of what is around a picture, an encoder learns what it must know, and no quality is searched on it.
func TestPaddedPlate(t *testing.T) {
	grey := imagetest.QuadrantsOf(64, 64, [4]color.NRGBA{{A: 255}, {R: 9, G: 9, B: 9, A: 255}, {A: 255}, {A: 255}})
	clear := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	white, red, none := rgba{255, 255, 255, 255}, rgba{255, 0, 0, 255}, rgba{}
	for _, tt := range []struct {
		name                     string
		img                      *image.NRGBA
		ground                   rgba
		opaque, grey, fullChroma bool
	}{
		{"grey on white", grey, white, true, true, false},
		{"grey on red", grey, red, true, false, false},
		{"grey on nothing", grey, none, false, false, false},
		{"colours on white", slopes(64, 64), white, true, false, false},
		{"red lines on white", lines(64, 64, color.White), white, true, false, true},
		{"clear on white", clear, white, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inner := newPlate(&picture{pixels: tt.img})
			if p := inner.padded(transform.Spec{Width: 64, Height: 64}, tt.ground); p != inner {
				t.Error("padded, where nothing is asked for")
			}
			p := inner.padded(padTo(901, 400, transform.JPEG), tt.ground)
			if p.opaque != tt.opaque || p.grey != tt.grey || p.fullChroma != tt.fullChroma {
				t.Errorf("got opaque %v, grey %v, full chroma %v, want %v, %v, %v", p.opaque, p.grey, p.fullChroma, tt.opaque, tt.grey, tt.fullChroma)
			}
			if p.pixels.Rect.Max != image.Pt(901, 400) || p.sample() != inner {
				t.Errorf("got %v pixels and a sample of %v, want one of the picture", p.pixels.Rect.Max, p.sample().pixels.Rect.Max)
			}
		})
	}
}

// TestPaddedQuality: a picture has the quality that it has without a box, and limits of bytes are kept to.
func TestPaddedQuality(t *testing.T) {
	imagetest.Long(t)
	src := imagetest.JPEG(t, 400, 300)
	for _, f := range lossy(t) {
		plain, boxed := transform.Spec{Width: 200, Height: 150, Format: f}, padTo(200, 600, f)
		limited := boxed
		limited.MaxKB = 2
		outputs, err := New().Transform(t.Context(), src, []transform.Spec{plain, boxed, limited})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := outputs[1].Quality, outputs[0].Quality; got != want {
			t.Errorf("%s: got quality %d, want %d as without a box", f, got, want)
		}
		if got := outputs[2]; len(got.Body) > 2000 || got.Quality >= outputs[1].Quality {
			t.Errorf("%s: got %d bytes at quality %d, want at most 2,000 at less than %d", f, len(got.Body), got.Quality, outputs[1].Quality)
		}
	}
}

// TestPaddedShares: what fills a box costs no second resize, and no decoding at a larger size.
func TestPaddedShares(t *testing.T) {
	src := imagetest.JPEG(t, 1600, 1200)
	h, err := parse(src)
	if err != nil {
		t.Fatal(err)
	}
	boxed := padTo(200, 1600, transform.JPEG)
	if got := shrinkFor(h, []transform.Spec{boxed}); got != 8 {
		t.Errorf("decoded at 1/%d, want 1/8", got)
	}
	o, err := decode(t.Context(), src, h, 8)
	if err != nil {
		t.Fatal(err)
	}
	r := &resizer{original: o}
	plain, _, err := r.picture(t.Context(), transform.Spec{Width: 200, Height: 150, Format: transform.JPEG})
	if err != nil {
		t.Fatal(err)
	}
	if got, fresh, err := r.picture(t.Context(), boxed); err != nil || fresh || got != plain {
		t.Errorf("got a picture of its own: %t, error %v", fresh, err)
	}
	specs := []transform.Spec{boxed, {Width: 400, Height: 300}, {Width: 200, Height: 150}}
	if got := largestFirst(specs, h.visible()); got[0] != 1 {
		t.Errorf("got order %v, want the largest picture first, not the largest box", got)
	}
}

// TestPaddedInP3: what is around a picture is the colour that was asked for, in the picture's space and in sRGB.
func TestPaddedInP3(t *testing.T) {
	src := imagetest.WithICC(t, imagetest.JPEG(t, 64, 32), imagetest.ICCDisplayP3())
	for wide, want := range map[bool][4]byte{false: {200, 60, 40, 255}, true: {185, 71, 50, 255}} { // libvips
		s := padTo(64, 64, transform.PNG)
		s.WideGamut, s.Background = wide, transform.Opaque|0xc83c28
		outputs, err := New().Transform(t.Context(), src, []transform.Spec{s})
		if err != nil {
			t.Fatal(err)
		}
		img, err := decodeFrame(t.Context(), outputs[0].Body, header{format: transform.PNG})
		if err != nil {
			t.Fatal(err)
		}
		if got := [4]byte(nrgba(unpremultiplied(img), img.Bounds()).Pix); got != want {
			t.Errorf("wide %t: got %v, want %v", wide, got, want)
		}
	}
}

// TestPaddedIsNotSharpened: the edge between a picture and its ground is not the picture's.
func TestPaddedIsNotSharpened(t *testing.T) {
	plain := imagetest.QuadrantsOf(40, 20, [4]color.NRGBA{{R: 90, G: 90, B: 90, A: 255}, {R: 90, G: 90, B: 90, A: 255},
		{R: 90, G: 90, B: 90, A: 255}, {R: 90, G: 90, B: 90, A: 255}})
	s := padTo(40, 40, transform.PNG)
	s.Sharpen, s.Background = true, transform.Opaque|0xffffff
	outputs, err := New().Transform(t.Context(), imagetest.EncodePNG(t, plain), []transform.Spec{s})
	if err != nil {
		t.Fatal(err)
	}
	img, err := decodeFrame(t.Context(), outputs[0].Body, header{format: transform.PNG})
	if err != nil {
		t.Fatal(err)
	}
	for y, want := range map[int]byte{9: 255, 10: 90, 29: 90, 30: 255} {
		if got := color.NRGBAModel.Convert(img.At(20, y)).(color.NRGBA); got != (color.NRGBA{R: want, G: want, B: want, A: 255}) {
			t.Errorf("row %d: got %v, want %d", y, got, want)
		}
	}
}
