package proxy

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

// photo and cutout are originals of 3:2, the second with transparency.
var (
	photo  = transform.Info{Format: transform.JPEG, Width: 3000, Height: 2000}
	cutout = transform.Info{Format: transform.PNG, Width: 3000, Height: 2000, Alpha: true}
)

func TestOpen(t *testing.T) {
	g := testGrammar(t)
	preset, err := newGrammar(map[string]transform.Spec{
		"mid":  {Width: 700, Height: 500, Fit: transform.Cover, Crop: transform.Center},
		"half": {Width: 900, Height: 500, Fit: transform.Cover, Crop: transform.Focal, Focus: middle()},
		"dark": {Width: 700, Height: 300, Fit: transform.Pad, Background: transform.Opaque | 0x102030, Quality: 77},
	}, DefaultWidths(), []transform.Format{transform.JPEG})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		grammar  grammar
		info     transform.Info
		in, want string // want "" is unsigned
	}{
		{g, transform.Info{}, "", "w2560"},
		{g, transform.Info{}, "w800.webp", "w828.webp"},
		{g, transform.Info{}, "w828", "w828"},
		{g, transform.Info{}, "w1", "w24"},
		{g, transform.Info{}, "w8192", "w2560"},
		{g, transform.Info{}, "w700-q1.jpg", "w828-q20.jpg"},
		{g, transform.Info{}, "w700-q20", "w828-q20"},
		{g, transform.Info{}, "w700-q21", "w828-q35"},
		{g, transform.Info{}, "w700-q75", "w828-q75"},
		{g, transform.Info{}, "w700-q91", "w828-q90"},
		{g, transform.Info{}, "w700-q100", "w828-q90"},
		{g, photo, "h300", "w480"},      // 450 wide
		{g, photo, "h2000", "w2560"},    // 3000 wide
		{g, photo, "w900-h300", "w480"}, // inside the box: 450 wide
		{g, photo, "w300-h900", "w320"}, // 300 wide
		{g, photo, "w640-h427.png", "w640.png"},
		{g, photo, "w600-bgffffff", "w640"}, // nothing of it would be seen
		{g, cutout, "w600-bgffffff", "w640-bgffffff"},
		{g, cutout, "w600-bg000000", ""},
		{g, photo, "w600-bg000000", ""},
		{g, photo, "w100-h100-cover-center", "w160-h160-cover-center"},
		{g, photo, "w100-h100-cover", "w160-h160-cover"}, // the preset thumb
		{g, photo, "w800-h450-cover-center", "w828-h466-cover-center"},
		{g, photo, "w750-h422-cover-center", "w828-h466-cover-center"},
		{g, photo, "w640-h360-cover-center", "w640-h360-cover-center"},
		{g, photo, "w1200-h630-cover", "w1200-h630-cover"},               // the preset og
		{g, photo, "w1200-h630-cover-center", "w1280-h672-cover-center"}, // its ratio
		{g, photo, "w600-h315-cover", "w640-h336-cover"},
		{g, photo, "w750-h394-cover", "w828-h435-cover"},
		{g, photo, "w500-h400-cover", "w640-h512-cover"}, // 5:4
		{g, photo, "w400-h500-cover", "w480-h600-cover"},
		{g, photo, "w700-h300-cover", "w828-h355-cover"}, // 21:9
		{g, photo, "w360-h640-cover", "w480-h853-cover"},
		{g, photo, "w999-h666-cover", "w1280-h853-cover"},
		{g, photo, "w1000-h437-cover", "w1280-h560-cover"}, // 21 of 48
		{g, photo, "w2-h2-cover", "w24-h24-cover"},
		{g, photo, "w800-h100-cover", "w828-h104-cover"},
		{g, photo, "w800-h90-cover", ""},
		{g, photo, "w90-h800-cover", ""},
		{g, photo, "w2000-h8000-cover", "w1920-h7680-cover"}, // 2560 × 10240 is more than an address can say
		{g, photo, "w1638-h8192-stretch", "w1600-h7680-stretch"},
		{g, photo, "w1024-h8192-pad", "w960-h7680-pad"},
		{g, photo, "w8192-h8192-cover", "w2560-h2560-cover"},
		{g, photo, "w640-h640-cover-fp30x99", "w640-h640-cover-fp25x50"}, // cuts off left and right
		{g, photo, "w640-h640-cover-fp38x0", "w640-h640-cover-center"},
		{g, photo, "w640-h640-cover-fp50x50", "w640-h640-cover-center"},
		{preset, photo, "w700-h500-cover-fp50x50", "w700-h500-cover-center"},
		{preset, photo, "w900-h500-cover-fp50x50.jpg", "w900-h500-cover-fp50x50.jpg"},
		{g, photo, "w640-h640-cover-fp0x0", "w640-h640-cover-fp0x50"},
		{g, photo, "w640-h320-cover-fp99x80", "w640-h320-cover-fp50x75"}, // cuts off top and bottom
		{g, photo, "w640-h320-cover-fp0x100-q60.webp", "w640-h320-cover-fp50x100-q75.webp"},
		{g, photo, "w640-h320-cover-bgffffff", "w640-h320-cover"},
		{g, cutout, "w640-h320-cover-bgffffff", "w640-h320-cover-bgffffff"},
		{g, photo, "w600-h600-pad-bgffffff", "w640-h640-pad-bgffffff"},
		{g, photo, "w600-h600-pad", "w640-h640-pad"},
		{g, photo, "w600-h600-pad-bgff0000", ""},
		{g, photo, "w600-h600-stretch-bgffffff", "w640-h640-stretch"},
		{preset, photo, "w700-h300-pad-q77-bg102030.jpg", "w700-h300-pad-q77-bg102030.jpg"},
		{preset, photo, "w700-h300-pad-bg102030.jpg", "w828-h355-pad-bg102030.jpg"},
		{preset, cutout, "w300-bg102030", "w320-bg102030"},
	} {
		spec, err := transform.ParseSpec(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if tt.info == (transform.Info{}) && needsInfo(spec) {
			t.Errorf("%s needs the original", tt.in)
		}
		got, err := tt.grammar.open(spec, tt.info)
		_, unsigned := errors.AsType[*unsignedErr](err)
		if unsigned != (tt.want == "") || !unsigned && (err != nil || got.String() != tt.want) {
			t.Errorf("open(%s) = %s, %v; want %q", tt.in, got, err, tt.want)
		}
		if again, err := tt.grammar.open(got, tt.info); tt.want != "" && (err != nil || again != got) {
			t.Errorf("open(%s) = %s, %v: expected what is open to stay as it is", got, again, err)
		}
	}
}

// The bound that the documentation names: whatever is asked for, so many shapes come of it, and so many encodings of each.
func TestOpenIsBounded(t *testing.T) {
	formats := []transform.Format{transform.AVIF, transform.WebP, transform.JPEG, transform.PNG, transform.GIF}
	g, err := newGrammar(DefaultPresets(), DefaultWidths(), formats)
	if err != nil {
		t.Fatal(err)
	}
	encodings := map[string]bool{}
	for _, f := range formats {
		for q := range 101 {
			if q > 0 && !f.Lossy() {
				continue
			}
			spec, err := g.open(transform.Spec{Width: 640, Quality: q, Format: f}, photo)
			if err != nil {
				t.Fatal(err)
			}
			encodings[spec.String()] = true
		}
	}
	if len(encodings) != 20 {
		t.Errorf("%d encodings, want 20", len(encodings))
	}
	if testing.Short() {
		return
	}
	for _, tt := range []struct {
		info transform.Info
		most int
	}{{photo, 9000}, {cutout, 16000}} {
		shapes := map[transform.Spec]bool{}
		for spec := range boxes() {
			if got, err := g.open(spec, tt.info); err == nil {
				shapes[got] = true
			}
		}
		for shape := range shapes {
			if again, err := g.open(shape, tt.info); err != nil || again != shape {
				t.Fatalf("open(%s) = %s, %v: expected what is open to stay as it is", shape, again, err)
			}
		}
		t.Logf("%d shapes", len(shapes))
		if len(shapes) > tt.most || len(shapes) < tt.most*4/5 {
			t.Errorf("%+v: %d shapes, want somewhat less than %d", tt.info, len(shapes), tt.most)
		}
	}
}

// boxes are many of the specs that the dialect can say.
func boxes() func(func(transform.Spec) bool) {
	var ways []transform.Spec
	for _, bg := range []transform.Color{0, transform.Opaque | 0xffffff} {
		ways = append(ways, transform.Spec{Background: bg}, transform.Spec{Fit: transform.Pad, Background: bg}, transform.Spec{Fit: transform.Stretch, Background: bg},
			transform.Spec{Fit: transform.Cover, Background: bg}, transform.Spec{Fit: transform.Cover, Crop: transform.Center, Background: bg})
		for x := uint8(0); x <= 100; x += 10 {
			ways = append(ways, transform.Spec{Fit: transform.Cover, Crop: transform.Focal, Focus: transform.Point{X: x, Y: 100 - x}, Background: bg})
		}
	}
	return func(yield func(transform.Spec) bool) {
		for w := 2; w < 3000; w += w/20 + 1 {
			for h := 2; h < 24000; h += h/60 + 1 {
				for _, spec := range ways {
					spec.Width, spec.Height = w, h
					if !yield(spec) {
						return
					}
				}
			}
		}
	}
}

// A ratio is kept as well as the documentation says.
func TestOpenRatios(t *testing.T) {
	l := testGrammar(t).lattice
	for w := 1; w <= 700; w++ {
		for h := 1; h <= 700; h++ {
			num, den, ok := l.ratio(w, h)
			long, short := max(w, h), min(w, h)
			if !ok {
				if long < 8*short {
					t.Fatalf("%d × %d is not open", w, h)
				}
				continue
			}
			off := float64(num) * float64(h) / (float64(den) * float64(w))
			off = max(off, 1/off) - 1
			most := 0.095
			switch {
			case short < 25: // a pixel is more than that
				continue
			case long <= 2*short:
				most = 0.0214
			case long <= 4*short:
				most = 0.0435
			}
			if off > most {
				t.Fatalf("%d × %d becomes %d:%d, %.1f %% off", w, h, num, den, 100*off)
			}
		}
	}
	for _, r := range [][2]int{{1, 1}, {4, 3}, {3, 2}, {8, 5}, {16, 9}, {2, 1}, {3, 1}, {4, 1}, {8, 1}, {5, 4}, {7, 3}, {40, 21}} {
		for _, by := range []int{1, 7, 40} {
			if num, den, ok := l.ratio(r[0]*by, r[1]*by); !ok || num*r[1] != den*r[0] {
				t.Errorf("%d:%d becomes %d:%d", r[0]*by, r[1]*by, num, den)
			}
			if num, den, ok := l.ratio(r[1]*by, r[0]*by); r[0] != 40 && (!ok || num*r[0] != den*r[1]) {
				t.Errorf("%d:%d becomes %d:%d", r[1]*by, r[0]*by, num, den)
			}
		}
	}
}

func TestCanonicalSpecs(t *testing.T) {
	g := testGrammar(t)
	for text, want := range map[string]bool{
		"w640.webp": true, "w1200-h630-cover.jpg": true, "w1600.jpg": true, "w640-anim.gif": true,
		"w640-anim.jpg": false, "w641.webp": false, "w640-q75.webp": false, "w640-h640-cover.webp": false, "h300.webp": false, "w640-bgffffff.webp": false, ".webp": false,
	} {
		spec, err := transform.ParseSpec(text)
		if err != nil {
			spec = transform.Spec{Width: 640, Animate: true, Format: transform.JPEG}
		}
		if got := g.canonical(spec); got != want {
			t.Errorf("canonical(%s) = %v, want %v", text, got, want)
		}
		if _, err := g.parse(text, false); want && err != nil {
			t.Errorf("%s is canonical and refused: %v", text, err)
		}
	}
}

// Whatever is asked for, what is open is a preset, a rung, or a box of the lattice, and stays what it is.
func FuzzOpen(f *testing.F) {
	f.Add(800, 450, uint8(1), uint8(2), uint8(30), uint8(70), 60, uint32(0), false)
	f.Add(9, 8000, uint8(2), uint8(0), uint8(0), uint8(0), 0, uint32(0x1ffffff), true)
	g := testGrammar(f)
	f.Fuzz(func(t *testing.T, w, h int, fit, crop, x, y uint8, q int, bg uint32, alpha bool) {
		const side = 8192
		spec := transform.Spec{Width: max(w, 0) % (side + 1), Height: max(h, 0) % (side + 1), Quality: max(q, 0) % 101, Fit: transform.Fit(fit % 4)}
		if spec.Width == 0 || spec.Height == 0 {
			spec.Fit = transform.Contain
		}
		if spec.Fit == transform.Cover {
			spec.Crop = transform.Crop(crop % 3)
		}
		if spec.Crop == transform.Focal {
			spec.Focus = transform.Point{X: x % 101, Y: y % 101}
		}
		if bg > 0 {
			spec.Background = transform.Opaque | transform.Color(bg&0xffffff)
		}
		info := photo
		info.Alpha = alpha
		got, err := g.open(spec, info)
		if err != nil {
			return
		}
		if err := onLattice(g, got); err != nil {
			t.Errorf("open(%s) = %s: %v", spec, got, err)
		}
		if again, err := g.open(got, info); err != nil || again != got {
			t.Errorf("open(%s) = %s, of which open is %s, %v", spec, got, again, err)
		}
	})
}

func onLattice(g grammar, s transform.Spec) error {
	if g.isPreset(s) {
		return nil
	}
	if g.snap(s.Width) != s.Width {
		return fmt.Errorf("width %d is no rung", s.Width)
	}
	if s.Quality != 0 && openQuality(s.Quality) != s.Quality {
		return fmt.Errorf("quality %d", s.Quality)
	}
	if s.Background != 0 && s.Background != transform.Opaque|0xffffff {
		return fmt.Errorf("background %x", s.Background)
	}
	if s.Focus.X%25 != 0 || s.Focus.Y%25 != 0 || s.Crop == transform.Focal && s.Focus.X != 50 && s.Focus.Y != 50 {
		return fmt.Errorf("focal point %v", s.Focus)
	}
	if s.Fit == transform.Contain && s.Height != 0 {
		return fmt.Errorf("height %d", s.Height)
	}
	return nil
}
