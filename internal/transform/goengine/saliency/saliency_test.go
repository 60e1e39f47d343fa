package saliency_test

import (
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform/goengine/saliency"
)

var grey = color.NRGBA{R: 128, G: 128, B: 128, A: 255}

// picture is img in planes; of a grey one it has luma alone, of an opaque one no alpha.
func picture(img *image.NRGBA) saliency.Picture {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	p := saliency.Picture{Width: w, Height: h, Y: make([]byte, w*h), Cb: make([]byte, w*h), Cr: make([]byte, w*h), Alpha: make([]byte, w*h)}
	coloured := false
	for i := range p.Y {
		c := img.Pix[4*i:]
		p.Y[i], p.Cb[i], p.Cr[i] = color.RGBToYCbCr(c[0], c[1], c[2])
		p.Alpha[i] = c[3]
		coloured = coloured || c[0] != c[1] || c[1] != c[2]
	}
	if !coloured {
		p.Cb, p.Cr = nil, nil
	}
	if img.Opaque() {
		p.Alpha = nil
	}
	return p
}

// plain is w × h pixels of one colour.
func plain(w, h int, c color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return img
}

// checks fills r with squares of four pixels in two colours.
func checks(img *image.NRGBA, r image.Rectangle, a, b color.NRGBA) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := a
			if (x/4+y/4)%2 == 0 {
				c = b
			}
			img.SetNRGBA(x, y, c)
		}
	}
}

// shaded is a colour times k/100.
func shaded(c color.NRGBA, k int) color.NRGBA {
	f := func(v uint8) uint8 { return uint8(min(int(v)*k/100, 255)) }
	return color.NRGBA{R: f(c.R), G: f(c.G), B: f(c.B), A: c.A}
}

// square is the best square of img.
func square(img *image.NRGBA) image.Rectangle {
	whole := img.Rect.Size()
	side := min(whole.X, whole.Y)
	size := image.Pt(side, side)
	return image.Rectangle{Max: size}.Add(saliency.New(picture(img)).Best(size, whole))
}

func TestNothingStandsOut(t *testing.T) {
	ramp := plain(128, 64, grey)
	for i := range 128 * 64 {
		v := uint8(i % 128 * 2)
		copy(ramp.Pix[4*i:], []byte{v, v, v, 255})
	}
	for name, img := range map[string]*image.NRGBA{
		"black": plain(128, 64, color.NRGBA{A: 255}), "red": plain(128, 64, color.NRGBA{R: 255, A: 255}),
		"transparent": plain(128, 64, color.NRGBA{}), "a ramp": ramp,
	} {
		if got, want := square(img), image.Rect(32, 0, 96, 64); got != want {
			t.Errorf("%s: got %v, want the centre %v", name, got, want)
		}
	}
}

// TestObject verifies that what stands out is kept, wherever it is.
func TestObject(t *testing.T) {
	red, dark := color.NRGBA{R: 220, G: 40, B: 30, A: 255}, color.NRGBA{R: 90, G: 90, B: 90, A: 255}
	noise := func(size image.Point) *image.NRGBA {
		img := plain(size.X, size.Y, grey)
		r := rand.New(rand.NewPCG(1, 2))
		for i := 0; i < len(img.Pix); i += 4 {
			v := uint8(100 + r.IntN(40))
			copy(img.Pix[i:], []byte{v / 2, v, v / 2, 255})
		}
		return img
	}
	flat := func(size image.Point) *image.NRGBA { return plain(size.X, size.Y, grey) }
	for _, tt := range []struct {
		name   string
		ground func(image.Point) *image.NRGBA
		a, b   color.NRGBA
	}{
		{"a grey texture", flat, grey, dark},
		{"a flat colour", flat, red, red},
		{"a texture with colour", flat, red, shaded(red, 60)},
		{"a colour in grass", noise, red, shaded(red, 60)},
	} {
		for _, size := range []image.Point{{128, 60}, {60, 128}} {
			for _, at := range []image.Point{{8, 8}, size.Sub(image.Pt(28, 28))} {
				img, object := tt.ground(size), image.Rect(0, 0, 20, 20).Add(at)
				checks(img, object, tt.a, tt.b)
				if got := square(img); !object.In(got) {
					t.Errorf("%s at %v of %v: got %v", tt.name, object, size, got)
				}
			}
		}
	}
}

// skins are the palette's ends and middle of swatches that photographers check skin with, from light to dark.
var skins = []color.NRGBA{
	{R: 255, G: 219, B: 196, A: 255}, {R: 224, G: 172, B: 140, A: 255}, {R: 198, G: 134, B: 98, A: 255},
	{R: 141, G: 85, B: 56, A: 255}, {R: 92, G: 54, B: 38, A: 255}, {R: 60, G: 38, B: 30, A: 255},
}

// TestSkin verifies that of two things that stand out alike the one in a tone of skin is kept, whatever the tone; and that
// a wall in that tone is nothing beside edges.
func TestSkin(t *testing.T) {
	left, right := image.Rect(10, 20, 34, 44), image.Rect(94, 20, 118, 44)
	for _, skin := range skins {
		for _, places := range [][2]image.Rectangle{{left, right}, {right, left}} {
			other := color.NRGBA{R: skin.B, G: skin.G, B: skin.R, A: 255} // as light and as saturated, or more: blue
			img := plain(128, 64, grey)
			checks(img, places[0], skin, shaded(skin, 70))
			checks(img, places[1], other, shaded(other, 70))
			got := square(img)
			if !places[0].In(got) {
				t.Errorf("%v at %v beside as much blue: got %v", skin, places[0], got)
			}
			wall := plain(128, 64, skin)
			draw.Draw(wall, image.Rect(40, 0, 128, 64), image.NewUniform(grey), image.Point{}, draw.Src)
			object := image.Rect(100, 20, 124, 44)
			checks(wall, object, shaded(grey, 160), shaded(grey, 50))
			if got := square(wall); !object.In(got) {
				t.Errorf("an object beside a wall in %v: got %v", skin, got)
			}
		}
	}
}

// TestTransparent verifies that what is not seen does not count, and that something is more than nothing.
func TestTransparent(t *testing.T) {
	img := plain(128, 64, color.NRGBA{})
	hidden := image.Rect(8, 8, 40, 56)
	checks(img, hidden, color.NRGBA{R: 255}, color.NRGBA{G: 255})
	logo := image.Rect(90, 10, 120, 54)
	draw.Draw(img, logo, image.NewUniform(grey), image.Point{}, draw.Src)
	if got := square(img); !logo.In(got) {
		t.Errorf("got %v, want all of the logo at %v", got, logo)
	}
}

// TestBest verifies places in a map: in proportion to the original, inside it, to the left or above of two that are alike.
func TestBest(t *testing.T) {
	img := plain(128, 64, grey)
	draw.Draw(img, image.Rect(8, 20, 28, 40), image.Black, image.Point{}, draw.Src)
	m := saliency.New(picture(img))
	small := m.Best(image.Pt(64, 64), image.Pt(128, 64))
	for _, k := range []int{2, 7, 50, 511} {
		got, want := m.Best(image.Pt(64*k, 64*k), image.Pt(128*k, 64*k)), small.Mul(k)
		if d := got.Sub(want); d.Y != 0 || d.X < -k || d.X > k {
			t.Errorf("%d times as large: got %v, want %v", k, got, want)
		}
	}
	draw.Draw(img, image.Rect(100, 20, 120, 40), image.Black, image.Point{}, draw.Src) // as far from the other border
	if got := square(img); got.Min.X > 16 {
		t.Errorf("two alike: got %v, want the left one", got)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		whole := image.Pt(1+r.IntN(70_000), 1+r.IntN(70_000))
		size := image.Pt(1+r.IntN(whole.X), 1+r.IntN(whole.Y))
		window := image.Rectangle{Max: size}.Add(m.Best(size, whole))
		if !window.In(image.Rectangle{Max: whole}) {
			t.Fatalf("%v of %v: got %v", size, whole, window)
		}
	}
}

// TestExtremes verifies pictures of one pixel in a direction.
func TestExtremes(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {128, 1}, {1, 128}} {
		p := picture(plain(size.X, size.Y, color.NRGBA{R: 255, A: 255}))
		if got, want := saliency.New(p).Best(image.Pt(1, 1), size), size.Sub(image.Pt(1, 1)).Div(2); got != want {
			t.Errorf("%v: got %v, want %v", size, got, want)
		}
	}
}

// TestSameEverywhere holds one picture's windows as numbers: they must not depend on the machine.
func TestSameEverywhere(t *testing.T) {
	m := saliency.New(picture(imagetest.Photo(128, 96)))
	for _, tt := range []struct{ size, want image.Point }{
		{image.Pt(3000, 3000), image.Pt(484, 0)}, {image.Pt(4000, 1000), image.Pt(0, 875)}, {image.Pt(1000, 3000), image.Pt(1078, 0)},
	} {
		if got := m.Best(tt.size, image.Pt(4000, 3000)); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.size, got, tt.want)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	p := picture(imagetest.Photo(saliency.Side, saliency.Side*2/3))
	b.ReportAllocs()
	for b.Loop() {
		saliency.New(p)
	}
}

func BenchmarkBest(b *testing.B) {
	m := saliency.New(picture(imagetest.Photo(saliency.Side, saliency.Side*2/3)))
	b.ReportAllocs()
	for b.Loop() {
		m.Best(image.Pt(2000, 2000), image.Pt(3000, 2000))
	}
}
