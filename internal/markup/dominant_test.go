package markup

import (
	"image"
	"image/color"
	"testing"
)

// TestDominant paints pictures in bands, of a height in rows each, and names the colour that a person would.
func TestDominant(t *testing.T) {
	type band struct {
		rows   int
		colour color.NRGBA
	}
	opaque := func(r, g, b uint8) color.NRGBA { return color.NRGBA{r, g, b, 255} }
	fox, snow, shade, night := opaque(190, 80, 20), opaque(250, 250, 255), opaque(225, 228, 235), opaque(5, 5, 10)
	tests := []struct {
		name  string
		bands []band
		want  color.NRGBA
		near  int // largest difference in any channel
	}{
		{"one colour", []band{{10, fox}}, fox, 0},
		{"black", []band{{10, opaque(0, 0, 0)}}, opaque(0, 0, 0), 0},
		{"white", []band{{10, opaque(255, 255, 255)}}, opaque(255, 255, 255), 0},
		{"blue, the far end of Oklab", []band{{10, opaque(0, 0, 255)}}, opaque(0, 0, 255), 0},
		{"a fox on snow is no pink", []band{{7, snow}, {3, fox}}, snow, 1},
		{"shades of one thing count together", []band{{3, snow}, {3, shade}, {4, night}}, opaque(238, 239, 245), 3},
		{"most, not the lightest", []band{{3, snow}, {7, night}}, night, 1},
		{"what is clear has no colour", []band{{8, color.NRGBA{0, 255, 0, 0}}, {2, fox}}, fox, 0},
		{"nor what is mostly clear", []band{{8, color.NRGBA{0, 255, 0, 127}}, {2, fox}}, fox, 0},
		{"half opaque is there", []band{{8, color.NRGBA{0, 128, 0, 128}}, {2, fox}}, opaque(0, 128, 0), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			img := image.NewNRGBA(image.Rect(0, 0, 10, 10))
			y := 0
			for _, b := range tt.bands {
				for end := y + b.rows; y < end; y++ {
					for x := range 10 {
						img.SetNRGBA(x, y, b.colour)
					}
				}
			}
			got, some := dominant(img)
			if d := distance(got, tt.want); !some || d > tt.near {
				t.Errorf("got %v, %v, want %v within %d", got, some, tt.want, tt.near)
			}
		})
	}
}

func TestDominantOfNothing(t *testing.T) {
	white := color.NRGBA{255, 255, 255, 255}
	for _, img := range []*image.NRGBA{image.NewNRGBA(image.Rect(0, 0, 4, 4)), image.NewNRGBA(image.Rect(0, 0, 0, 0))} {
		if got, some := dominant(img); some || got != white {
			t.Errorf("%v: got %v, %v, want white, false", img.Rect, got, some)
		}
	}
}

// TestLabIsInverse takes colours to Oklab and back: a background must not be a shade beside the picture's.
func TestLabIsInverse(t *testing.T) {
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				want := color.NRGBA{uint8(r), uint8(g), uint8(b), 255}
				if got := toLab(toLinear(float64(r)/255), toLinear(float64(g)/255), toLinear(float64(b)/255)).colour(); got != want {
					t.Fatalf("%v comes back as %v", want, got)
				}
			}
		}
	}
}
