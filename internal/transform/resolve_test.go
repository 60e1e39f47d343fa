package transform_test

import (
	"image"
	"testing"

	"github.com/dd8bf596/cutline/internal/transform"
)

// TestResolveExamples are those of Resolve's comment.
func TestResolveExamples(t *testing.T) {
	for _, tt := range []struct {
		w, h       int // of the original
		spec, want string
		place      image.Rectangle
	}{
		{3000, 2000, "w600", "w600-h400", image.Rect(0, 0, 600, 400)},
		{3000, 2000, "w600-h600", "w600-h400", image.Rect(0, 0, 600, 400)},
		{300, 200, "w600-h600", "w300-h200", image.Rect(0, 0, 300, 200)},
		{3000, 2000, "w600-h600-cover", "w600-h600-cover", image.Rect(0, 0, 600, 600)},
		{300, 200, "w600-h600-cover", "w200-h200-cover", image.Rect(0, 0, 200, 200)},
		{3000, 2000, "w600-h400-cover", "w600-h400", image.Rect(0, 0, 600, 400)},
		{3000, 2000, "w600-h600-pad", "w600-h600-pad", image.Rect(0, 100, 600, 500)},
		{300, 200, "w600-h600-pad", "w300-h300-pad", image.Rect(0, 50, 300, 250)},
		{300, 200, "w600-h200-pad", "w600-h200-pad", image.Rect(150, 0, 450, 200)},
		{300, 200, "w900-h600-pad", "w300-h200", image.Rect(0, 0, 300, 200)},
		{3000, 2000, "w600-h600-stretch", "w600-h600-stretch", image.Rect(0, 0, 600, 600)},
		{300, 200, "w600-h600-stretch", "w200-h200-stretch", image.Rect(0, 0, 200, 200)},
		{300, 200, "w900-h600-stretch", "w300-h200", image.Rect(0, 0, 300, 200)},
	} {
		s, err := transform.ParseSpec(tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Resolve(tt.w, tt.h, 2560, 0)
		if place := got.Place(tt.w, tt.h); got.String() != tt.want || place != tt.place {
			t.Errorf("%q of %d × %d: got %q with the picture at %v, want %q at %v", tt.spec, tt.w, tt.h, got, place, tt.want, tt.place)
		}
	}
}

func TestResolve(t *testing.T) {
	const cover, pad, stretch = transform.Cover, transform.Pad, transform.Stretch
	for _, tt := range []struct {
		name   string
		spec   transform.Spec
		w, h   int // of the original
		max    int
		ww, wh int // wanted
		fit    transform.Fit
	}{
		{"own size", transform.Spec{}, 3088, 2056, 0, 3088, 2056, 0},
		{"width", transform.Spec{Width: 800}, 3088, 2056, 0, 800, 533, 0},
		{"height", transform.Spec{Height: 533}, 3088, 2056, 0, 801, 533, 0},
		{"height from the original's size", transform.Spec{Width: 1280}, 6000, 4000, 0, 1280, 853, 0},
		{"half rounds up", transform.Spec{Width: 50}, 100, 101, 0, 50, 51, 0},
		{"below half rounds down", transform.Spec{Width: 100}, 1000, 1004, 0, 100, 100, 0},
		{"never 0", transform.Spec{Width: 10}, 10_000, 10, 0, 10, 1, 0},
		{"no upscale by width", transform.Spec{Width: 4000}, 640, 480, 0, 640, 480, 0},
		{"no upscale by height", transform.Spec{Height: 4000}, 640, 480, 0, 640, 480, 0},
		{"contain: width binds", transform.Spec{Width: 300, Height: 300}, 600, 400, 0, 300, 200, 0},
		{"contain: height binds", transform.Spec{Width: 300, Height: 300}, 400, 600, 0, 200, 300, 0},
		{"contain: box larger", transform.Spec{Width: 900, Height: 900}, 400, 600, 0, 400, 600, 0},
		{"bound", transform.Spec{}, 6000, 4000, 2560, 2560, 1707, 0},
		{"bound, standing", transform.Spec{Width: 3000}, 4000, 6000, 2560, 1707, 2560, 0},
		{"aspect bomb", transform.Spec{Width: 1600}, 1, 30_000, 2560, 1, 2560, 0},
		{"aspect bomb, lying", transform.Spec{Height: 1600}, 30_000, 1, 2560, 2560, 1, 0},
		{"dpr", transform.Spec{Width: 400, DPR: 2}, 3000, 2000, 0, 800, 533, 0},
		{"cover", transform.Spec{Width: 640, Height: 360, Fit: cover}, 3000, 2000, 0, 640, 360, cover},
		{"cover wider than the original", transform.Spec{Width: 1600, Height: 900, Fit: cover}, 800, 800, 0, 800, 450, cover},
		{"cover higher than the original", transform.Spec{Width: 900, Height: 1600, Fit: cover}, 800, 800, 0, 450, 800, cover},
		{"cover above the bound", transform.Spec{Width: 1600, Height: 900, Fit: cover}, 4000, 4000, 800, 800, 450, cover},
		{"cover of the original's ratio", transform.Spec{Width: 300, Height: 200, Fit: cover}, 3000, 2000, 0, 300, 200, 0},
		{"cover with one side", transform.Spec{Width: 300, Fit: cover}, 3000, 2000, 0, 300, 200, 0},
		{"cover of a line", transform.Spec{Width: 5, Height: 5, Fit: cover}, 1, 10_000, 0, 1, 1, cover},
		{"pad above the bound", transform.Spec{Width: 1600, Height: 900, Fit: pad}, 4000, 4000, 800, 800, 450, pad},
		{"pad above the bound and the original", transform.Spec{Width: 1600, Height: 800, Fit: pad}, 500, 500, 800, 800, 400, pad},
		{"pad higher than the original", transform.Spec{Width: 900, Height: 1600, Fit: pad}, 450, 10, 0, 450, 800, pad},
		{"pad of a dot", transform.Spec{Width: 8000, Height: 4000, Fit: pad}, 1, 1, 0, 2, 1, pad},
		{"pad of a line", transform.Spec{Width: 5, Height: 5, Fit: pad}, 10_000, 10, 0, 5, 5, pad},
		{"pad with one side", transform.Spec{Height: 300, Fit: pad}, 3000, 2000, 0, 450, 300, 0},
		{"stretch wider than the original", transform.Spec{Width: 1600, Height: 90, Fit: stretch}, 800, 800, 0, 800, 45, stretch},
		{"stretch above the bound", transform.Spec{Width: 1600, Height: 900, Fit: stretch}, 4000, 4000, 800, 800, 450, stretch},
		{"stretch of a line", transform.Spec{Width: 5, Height: 5, Fit: stretch}, 10_000, 10, 0, 5, 5, stretch},
		{"stretch with one side", transform.Spec{Height: 300, Fit: stretch}, 3000, 2000, 0, 450, 300, 0},
		{"negative is none", transform.Spec{Width: -5, Height: 200}, 3000, 2000, 0, 300, 200, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.spec.Resolve(tt.w, tt.h, tt.max, 80)
			if want := (transform.Spec{Width: tt.ww, Height: tt.wh, Fit: tt.fit}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestResolveQuality(t *testing.T) {
	for _, tt := range []struct {
		format        transform.Format
		quality, want int
	}{
		{transform.JPEG, 0, 80}, {transform.JPEG, 33, 33}, {transform.WebP, 0, 80}, {transform.AVIF, 0, 80},
		{transform.PNG, 0, 0}, {transform.PNG, 33, 0}, {transform.GIF, 33, 0}, {0, 33, 33}, {0, 0, 0},
	} {
		got := transform.Spec{Quality: tt.quality, Format: tt.format}.Resolve(10, 10, 0, 80).Quality
		if got != tt.want {
			t.Errorf("%s of quality %d: got %d, want %d", tt.format, tt.quality, got, tt.want)
		}
	}
}

// checkResolve verifies what holds for every Spec and every original.
func checkResolve(t *testing.T, s transform.Spec, w, h, bound int) {
	t.Helper()
	got := s.Resolve(w, h, bound, 80)
	box, place := image.Rect(0, 0, got.Width, got.Height), got.Place(w, h)
	if place.Empty() || !place.In(box) || place.Dx() > w || place.Dy() > h || got.DPR != 0 {
		t.Fatalf("%+v of %d × %d: got %+v with the picture at %v, want 1…%d × 1…%d", s, w, h, got, place, w, h)
	}
	if got.Fit != transform.Pad && place != box {
		t.Fatalf("%+v of %d × %d: got %+v with the picture at %v, want it everywhere", s, w, h, got, place)
	}
	if got.Fit == transform.Pad {
		checkPlace(t, got, place)
		if inside := (transform.Spec{Width: got.Width, Height: got.Height}).Resolve(w, h, bound, 0); place.Size() != image.Pt(inside.Width, inside.Height) {
			t.Fatalf("%+v of %d × %d: the picture is at %v, want it as large as in %+v", got, w, h, place, inside)
		}
	}
	if bound > 0 && max(got.Width, got.Height) > bound {
		t.Fatalf("%+v of %d × %d: got %+v, above %d", s, w, h, got, bound)
	}
	if box := s.Fold(); box.Width > 0 && got.Width > box.Width || box.Height > 0 && got.Height > box.Height {
		t.Fatalf("%+v of %d × %d: got %+v, outside its box", s, w, h, got)
	}
	if again := got.Resolve(w, h, bound, 80); again != got {
		t.Fatalf("%+v of %d × %d: got %+v, and resolved again %+v", s, w, h, got, again)
	}
	if again := s.Fold().Resolve(w, h, bound, 80); again != got {
		t.Fatalf("%+v of %d × %d: got %+v, and folded before %+v", s, w, h, got, again)
	}
}

// checkPlace verifies that the picture is in the middle of a padded rendition and reaches two of its sides, but not all.
func checkPlace(t *testing.T, s transform.Spec, place image.Rectangle) {
	t.Helper()
	right, below := s.Width-place.Max.X-place.Min.X, s.Height-place.Max.Y-place.Min.Y // more than on the left and above
	if right < 0 || right > 1 || below < 0 || below > 1 {
		t.Fatalf("%+v: the picture is at %v, want it in the middle", s, place)
	}
	if (place.Dx() == s.Width) == (place.Dy() == s.Height) {
		t.Fatalf("%+v: the picture is at %v, want it to reach two sides", s, place)
	}
}

func TestResolveProperties(t *testing.T) {
	sizes := []int{1, 2, 3, 7, 100, 333, 640, 1000, 1001, 4000, 30_000}
	asked := []int{0, 1, 5, 99, 266, 640, 799, 1600, 8192}
	for _, w := range sizes {
		for _, h := range sizes {
			for _, aw := range asked {
				for _, ah := range asked {
					for _, bound := range []int{0, 1, 2560} {
						checkResolve(t, transform.Spec{Width: aw, Height: ah, Format: transform.JPEG}, w, h, bound)
						for _, fit := range []transform.Fit{transform.Cover, transform.Pad, transform.Stretch} {
							checkResolve(t, transform.Spec{Width: aw, Height: ah, Fit: fit, DPR: 2}, w, h, bound)
						}
					}
				}
			}
		}
	}
}

func TestEqualPicturesResolveEqually(t *testing.T) {
	for _, group := range [][]string{
		{"", "w5000", "h5000", "w3000", "w3000-h2000", "w3000-h2000-cover", "w2000-dpr2", "w8100-h5400-pad", "w1500-h1000-stretch-dpr2"},
		{"w800", "w400-dpr2", "w800-h2000", "w800-h533", "w800-h533-cover", "w800-h533-pad", "w800-h533-stretch"},
		{"w3200-h3200-pad", "w1600-h1600-pad-dpr2", "w8192-h8192-pad"},
		{"w3200-h1800-stretch", "w1600-h900-stretch-dpr2"},
		{"w3200-h1800-cover", "w1600-h900-cover-dpr2", "w8192-h4608-cover"},
		{"w800-h533", "w800-h533-cover-center", "w800-h533-cover-fp1x1"},
	} {
		var want transform.Spec
		for i, text := range group {
			s, err := transform.ParseSpec(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Resolve(3000, 2000, 2900, 80); i == 0 {
				want = got
			} else if got != want {
				t.Errorf("%q: got %+v, want %+v as of %q", text, got, want, group[0])
			}
		}
	}
}
