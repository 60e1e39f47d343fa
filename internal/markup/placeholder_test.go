package markup

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"testing"

	"github.com/buckket/go-blurhash"
	"go.n16f.net/thumbhash"
)

// A drawing is a picture by formula, so that another program can make the same.
type drawing func(x, y, w, h int) color.NRGBA

func bent(x, y, _, _ int) color.NRGBA {
	return color.NRGBA{uint8(x*x + 3*y), uint8(7*y + x*y), uint8(2*x + y*y), 255}
}

// falling gets darker to the right and to the bottom.
func falling(x, y, _, _ int) color.NRGBA {
	return color.NRGBA{uint8(255 - 2*x - x*y>>6), uint8(240 - y - x*x>>6), uint8(200 - x - y*y>>6), 255}
}

func glass(x, y, w, h int) color.NRGBA {
	c := bent(x, y, w, h)
	c.A = uint8(8*x + y*y)
	return c
}

// disc is opaque on the left and has nothing around that.
func disc(x, y, w, h int) color.NRGBA {
	if dx, dy := 3*x-w, 2*y-h; 2*(dx*dx+dy*dy) < w*h {
		return color.NRGBA{250, uint8(100 + 3*x + y), uint8(10 + y*y%200), 255}
	}
	return color.NRGBA{}
}

func (d drawing) picture(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, d(x, y, w, h))
		}
	}
	return img
}

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHashes holds both hashes against those that the formats' own npm packages make of the same pixels: thumbhash 0.1.1
// (rgbaToThumbHash) and blurhash 2.0.5 (encode, with four waves along the longer side and three along the other).
//
// None of the pictures is symmetric: a wave that is zero lies between two steps, and which of them it gets is a matter of the
// last bit. BlurHash's vectors are of pictures whose strongest wave is positive, because that package's encoder overlooks
// negative ones where it chooses the scale, and clips them; the format's own encoder in C does not.
func TestHashes(t *testing.T) {
	tests := []struct {
		name        string
		draw        drawing
		w, h        int
		thumb, blur string
	}{
		{"bent", bent, 48, 32, "HQgGFYZTZHVAZodidyiHhVevL7P4", ""},
		{"bent", bent, 32, 48, "HQgGDQRUVEB2KXYndoNIaBRuL4Ly", ""},
		{"bent", bent, 100, 100, "3wcCDwBBYjgjdlYAQzNkF3Mj4lsNWH8B", ""},
		{"bent", bent, 3, 77, "HPgNKRKHcFeIdISViHB6B6g=", ""},
		{"falling", falling, 64, 43, "7NgJFYh/eHh6eHh3eIiHd294+Wl3", "LxL#aW}[wNxZyBbaazfkk9a{fQfQ"},
		{"falling", falling, 43, 64, "bgkGDQh/eH53d4iId4eId29h/Dh3", "TpNwGg}tr]yWX8azk8a{fQt6j[fQ"},
		{"falling", falling, 64, 64, "KukJFwp/eHh8eHiHiIeHd3h491amn2UH", "LzLO15}@wNxGyCbbazfkk8a{fQfQ"},
		{"glass", glass, 31, 21, "nPiFE4YXVneAiKACjkrV9zJnCIYXeXY=", ""},
		{"glass", glass, 21, 31, "XeiFEwQXVnAnOWxQexqQ+FB3A2gjBzY=", ""},
		{"disc", disc, 24, 31, "qdqCBAAkRWqXSshjX1L3/ZvXIneHCKWIBw==", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %d×%d", tt.name, tt.w, tt.h), func(t *testing.T) {
			p, err := NewPlaceholder(encodePNG(t, tt.draw.picture(tt.w, tt.h)), nil, "")
			if err != nil {
				t.Fatal(err)
			}
			if p.ThumbHash != tt.thumb {
				t.Errorf("ThumbHash %s, want %s", p.ThumbHash, tt.thumb)
			}
			if tt.blur != "" && p.BlurHash != tt.blur {
				t.Errorf("BlurHash %s, want %s", p.BlurHash, tt.blur)
			}
		})
	}
}

// TestHashesDecode reads both hashes of two halves again: each half has its colour, and both the shape of the picture.
func TestHashesDecode(t *testing.T) {
	left, right := color.NRGBA{200, 30, 40, 255}, color.NRGBA{20, 60, 220, 255}
	halves := drawing(func(x, _, w, _ int) color.NRGBA {
		if 2*x < w {
			return left
		}
		return right
	})
	p, err := placeholderOf(halves.picture(60, 40))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(p.ThumbHash)
	if err != nil {
		t.Fatal(err)
	}
	thumb, err := thumbhash.DecodeImage(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := thumb.Bounds().Size(), image.Pt(32, 23); got != want { // 7 waves by 5
		t.Errorf("ThumbHash of %v pixels, want %v", got, want)
	}
	blur, err := blurhash.Decode(p.BlurHash, 32, 23, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		got  image.Image
		x    int
		want color.NRGBA
	}{{"ThumbHash left", thumb, 7, left}, {"ThumbHash right", thumb, 24, right}, {"BlurHash left", blur, 7, left}, {"BlurHash right", blur, 24, right}} {
		if d := distance(tt.got.At(tt.x, 11), tt.want); d > 60 {
			t.Errorf("%s: %v, want near %v", tt.name, tt.got.At(tt.x, 11), tt.want)
		}
	}
}

// distance is the largest difference of two opaque colours in any channel.
func distance(a, b color.Color) int {
	p, q := color.NRGBAModel.Convert(a).(color.NRGBA), color.NRGBAModel.Convert(b).(color.NRGBA)
	abs := func(v int) int { return max(v, -v) }
	return max(abs(int(p.R)-int(q.R)), abs(int(p.G)-int(q.G)), abs(int(p.B)-int(q.B)))
}

func TestNewPlaceholder(t *testing.T) {
	tests := []struct {
		name        string
		draw        drawing
		lqip        []byte
		color, uri  string
		transparent bool
	}{
		{"opaque", flat(color.NRGBA{18, 52, 86, 255}), nil, "#123456", "", false},
		{"with a tiny picture", flat(color.NRGBA{18, 52, 86, 255}), []byte("RIFF"), "#123456", "data:image/webp;base64,UklGRg==", false},
		{"tiny picture as long as may be", flat(color.NRGBA{A: 255}), make([]byte, maxLQIP), "#000000", "data:image/webp;base64," + base64.StdEncoding.EncodeToString(make([]byte, maxLQIP)), false},
		{"tiny picture that is too long", flat(color.NRGBA{A: 255}), make([]byte, maxLQIP+1), "#000000", "", false},
		{"transparency", spot, nil, "#fa780a", "", true},
		{"nothing there", flat(color.NRGBA{10, 200, 30, 0}), nil, "", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := NewPlaceholder(encodePNG(t, tt.draw.picture(24, 16)), tt.lqip, "image/webp")
			if err != nil {
				t.Fatal(err)
			}
			if p.Color != tt.color || p.LQIP != tt.uri || p.Transparent != tt.transparent {
				t.Errorf("got %q, %q, %v, want %q, %q, %v", p.Color, p.LQIP, p.Transparent, tt.color, tt.uri, tt.transparent)
			}
			if (p.style() == "") != tt.transparent {
				t.Errorf("style %q", p.style())
			}
		})
	}
}

// spot is a disc of one colour.
func spot(x, y, w, h int) color.NRGBA {
	c := disc(x, y, w, h)
	c.G, c.B = c.A/17*8, c.A/25
	return c
}

func flat(c color.NRGBA) drawing { return func(_, _, _, _ int) color.NRGBA { return c } }

// TestPlaceholderShinesThrough: a BlurHash has no transparency, and what is not there must not turn it black.
func TestPlaceholderShinesThrough(t *testing.T) {
	p, err := placeholderOf(drawing(spot).picture(24, 16))
	if err != nil {
		t.Fatal(err)
	}
	img, err := blurhash.Decode(p.BlurHash, 8, 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 8 {
		for x := range 8 {
			if d := distance(img.At(x, y), color.NRGBA{250, 120, 10, 255}); d > 40 {
				t.Fatalf("%v at %d, %d: want the spot's colour everywhere", img.At(x, y), x, y)
			}
		}
	}
}

func TestNewPlaceholderErrors(t *testing.T) {
	good := encodePNG(t, drawing(bent).picture(8, 8))
	for _, tt := range []struct {
		name, mime, want string
		small, lqip      []byte
	}{
		{"no PNG", "image/webp", "read placeholder: png: invalid format", []byte("GIF89a, and more"), nil},
		{"empty", "image/webp", "read placeholder: unexpected EOF", nil, nil},
		{"cut off", "image/webp", "read placeholder: ", good[:len(good)/2], nil},
		{"wide", "image/webp", "read placeholder: 101 × 1 pixels: expected at most 100 a side", encodePNG(t, drawing(bent).picture(101, 1)), nil},
		{"high", "image/webp", "read placeholder: 1 × 101 pixels: expected at most 100 a side", encodePNG(t, drawing(bent).picture(1, 101)), nil},
		{"type of the tiny picture", "text/html", "placeholder: expected a data URI", good, []byte("<p>")},
		{"end of the style", "image/webp);x:url(", "placeholder: expected a data URI", good, []byte("RIFF")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := NewPlaceholder(tt.small, tt.lqip, tt.mime); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestNewPlaceholderKinds: PNG has pictures that are not NRGBA; all say the same.
func TestNewPlaceholderKinds(t *testing.T) {
	want, err := placeholderOf(halfGrey(image.NewNRGBA(image.Rect(0, 0, 20, 20))).(*image.NRGBA))
	if err != nil {
		t.Fatal(err)
	}
	palette := color.Palette{color.Gray{40}, color.Gray{200}}
	for _, img := range []draw.Image{
		image.NewGray(image.Rect(0, 0, 20, 20)), image.NewGray16(image.Rect(0, 0, 20, 20)), image.NewRGBA(image.Rect(0, 0, 20, 20)),
		image.NewNRGBA64(image.Rect(0, 0, 20, 20)), image.NewPaletted(image.Rect(0, 0, 20, 20), palette),
	} {
		t.Run(fmt.Sprintf("%T", img), func(t *testing.T) {
			if got, err := NewPlaceholder(encodePNG(t, halfGrey(img)), nil, ""); err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func halfGrey(img draw.Image) image.Image {
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			img.Set(x, y, color.Gray{uint8(40 + 160*min(x/8, 1))})
		}
	}
	return img
}
