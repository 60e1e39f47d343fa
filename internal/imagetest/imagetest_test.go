package imagetest

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
	"math"
	"path/filepath"
	"testing"
)

func TestPicturesAreDeterministic(t *testing.T) {
	for name, make := range map[string]func(w, h int) *image.NRGBA{
		"Photo": Photo, "Quadrants": Quadrants, "Gradient": Gradient, "Noise": Noise, "Fade": Fade,
	} {
		if a, b := make(33, 21), make(33, 21); !bytes.Equal(a.Pix, b.Pix) {
			t.Errorf("%s: got two pictures from two calls", name)
		}
		for _, size := range []image.Point{{1, 1}, {1, 500}, {500, 1}} {
			if got := make(size.X, size.Y).Rect.Max; got != size {
				t.Errorf("%s: got %v pixels, want %v", name, got, size)
			}
		}
	}
}

func TestPhotoScales(t *testing.T) {
	small, large := Photo(60, 40), Photo(240, 160)
	mean := image.NewNRGBA(small.Rect)
	for y := range 40 {
		for x := range 60 {
			var sum [3]int
			for i := range 16 {
				c := large.NRGBAAt(4*x+i%4, 4*y+i/4)
				sum[0], sum[1], sum[2] = sum[0]+int(c.R), sum[1]+int(c.G), sum[2]+int(c.B)
			}
			mean.SetNRGBA(x, y, color.NRGBA{R: uint8(sum[0] / 16), G: uint8(sum[1] / 16), B: uint8(sum[2] / 16), A: 255})
		}
	}
	if err := Differ(small, mean, Tolerance{SSIM: 0.3, Mean: 24}); err != nil {
		t.Errorf("a quarter of the large picture is another one than the small: %v", err)
	}
}

func TestEncoded(t *testing.T) {
	anim, err := gif.DecodeAll(bytes.NewReader(GIF(t, 20, 10, 3)))
	if err != nil || len(anim.Image) != 3 {
		t.Errorf("GIF: got error %v", err)
	}
	img, err := jpeg.Decode(bytes.NewReader(JPEG(t, 120, 80)))
	if err != nil {
		t.Fatal(err)
	}
	if err := Differ(img, Photo(120, 80), Tolerance{SSIM: 0.95, Mean: 12}); err != nil {
		t.Errorf("JPEG: %v", err)
	}
	img, err = png.Decode(bytes.NewReader(WithEXIF(t, PNG(t, 30, 20, true), EXIF(6))))
	if err != nil {
		t.Fatal(err)
	}
	if err := Differ(img, Fade(30, 20), Tolerance{SSIM: 1}); err != nil {
		t.Errorf("PNG: %v", err)
	}
	for _, picture := range [][]byte{JPEG(t, 8, 8), PNG(t, 8, 8, false), WebP(t, false), WebP(t, true)} {
		if got := WithEXIF(t, picture, EXIF(1)); !bytes.Contains(got, []byte(Camera)) {
			t.Errorf("%q…: no EXIF inside", picture[:4])
		}
	}
}

func TestSSIM(t *testing.T) {
	photo, noise := Photo(64, 48), Noise(64, 48)
	if got := SSIM(photo, photo); math.Abs(got-1) > 1e-9 {
		t.Errorf("of a picture with itself: got %f, want 1", got)
	}
	if got := SSIM(photo, noise); got > 0.2 {
		t.Errorf("of a picture with noise: got %f, want about 0", got)
	}
	if a, b := SSIM(photo, noise), SSIM(noise, photo); math.Abs(a-b) > 1e-9 {
		t.Errorf("got %f one way and %f the other", a, b)
	}
	// Plain grey 100 against plain grey 200: only the luminance term is left, (2·100·200+C1)/(100²+200²+C1).
	a, b := plain(100), plain(200)
	want := (2*100*200 + 6.5025) / (100*100 + 200*200 + 6.5025)
	if got := SSIM(a, b); math.Abs(got-want) > 1e-6 {
		t.Errorf("of two greys: got %f, want %f", got, want)
	}
}

func plain(v uint8) *image.NRGBA {
	c := color.NRGBA{R: v, G: v, B: v, A: 255}
	return QuadrantsOf(16, 16, [4]color.NRGBA{c, c, c, c})
}

func TestMeanDifference(t *testing.T) {
	if got, want := MeanDifference(plain(100), plain(110)), [4]float64{10, 10, 10, 0}; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	red := QuadrantsOf(16, 16, [4]color.NRGBA{{R: 255}, {R: 255}, {R: 255}, {R: 255}})
	if got := MeanDifference(clear, red); got != [4]float64{} {
		t.Errorf("of two transparent pictures: got %v, want none", got)
	}
	if got := MeanDifference(clear, plain(0)); got != [4]float64{3: 255} {
		t.Errorf("of clear and black: got %v, want alpha alone", got)
	}
	halves := QuadrantsOf(16, 16, [4]color.NRGBA{{A: 255}, {A: 255}, {R: 255, A: 255}, {R: 255, A: 255}})
	upper := image.Rect(0, 0, 16, 8)
	if got := MeanDifference(halves.SubImage(upper), plain(0).SubImage(upper)); got != [4]float64{} {
		t.Errorf("of a part: got %v, want none of what is outside of it", got)
	}
}

func TestDifferFindsDamage(t *testing.T) {
	photo := Photo(128, 96)
	for _, tol := range []Tolerance{Lossless, LossyJPG, LossyWeb} {
		if err := Differ(photo, photo, tol); err != nil {
			t.Errorf("the same picture: %v", err)
		}
		if err := Sensitive(photo, tol); err != nil {
			t.Error(err)
		}
		if Differ(Opaqued(Fade(128, 96)), Fade(128, 96), tol) == nil {
			t.Errorf("lost alpha passes %+v", tol)
		}
	}
	if Differ(Photo(128, 95), photo, Tolerance{Mean: 255}) == nil {
		t.Error("another size passes")
	}
	if Sensitive(plain(100), LossyWeb) == nil {
		t.Error("a reference without structure counts as sensitive")
	}
}

func TestGoldenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "golden", "photo.png")
	photo := Photo(64, 48)
	if err := golden(path, photo, Lossless, false, false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing reference: got error %v, want %v", err, fs.ErrNotExist)
	}
	if err := golden(path, photo, Lossless, true, true); err == nil {
		t.Error("written in CI")
	}
	if err := golden(path, Photo(257, 10), Lossless, true, false); err == nil {
		t.Error("written although larger than references may be")
	}
	if err := golden(path, photo, Lossless, true, false); err != nil {
		t.Fatal(err)
	}
	if err := golden(path, photo, Lossless, false, true); err != nil {
		t.Errorf("against itself: %v", err)
	}
	for name, damage := range map[string]func(*image.NRGBA) *image.NRGBA{"shifted": Shifted, "brightened": Brightened, "swapped": Swapped} {
		if golden(path, damage(photo), LossyWeb, false, true) == nil {
			t.Errorf("a %s picture passes", name)
		}
	}
}
