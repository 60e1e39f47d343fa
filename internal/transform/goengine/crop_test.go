package goengine

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/saliency"
)

// covers are boxes of ratios that pages ask for.
var covers = []image.Point{{1, 1}, {2, 1}, {1, 2}, {4, 5}, {3, 1}}

// cover is a Spec for a box, cut around what stands out.
func cover(box image.Point) transform.Spec {
	return transform.Spec{Width: box.X, Height: box.Y, Fit: transform.Cover, Format: transform.JPEG}
}

// decoded is a file as an original, decoded at 1/shrink.
func decoded(t testing.TB, src []byte, shrink int) *original {
	t.Helper()
	h, err := parse(src)
	if err != nil {
		t.Fatal(err)
	}
	o, err := decode(t.Context(), src, h, shrink)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// cut is where o is cut for s.
func cut(t testing.TB, o *original, s transform.Spec) image.Rectangle {
	t.Helper()
	w, err := (&resizer{original: o}).window(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWindowIsTheSameForEveryReduction verifies that a crop does not move with the size at which a JPEG is decoded.
func TestWindowIsTheSameForEveryReduction(t *testing.T) {
	imagetest.Long(t)
	sources := map[string][]byte{"generated": imagetest.JPEG(t, 2060, 1500)}
	for _, pattern := range []string{"assets/images/*.jpg", "static/images/*.jpg", "_posts/*/*.jpg"} {
		names, err := filepath.Glob(filepath.Join("../../../testdata/site", pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: got %v and error %v", pattern, names, err)
		}
		for _, name := range names {
			if sources[filepath.Base(name)], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, src := range sources {
		whole := decoded(t, src, 1)
		for shrink := 2; blocksSuffice(whole.size) && shrink <= 8; shrink *= 2 {
			reduced := decoded(t, src, shrink)
			for _, box := range covers {
				got, want := cut(t, reduced, cover(box)), cut(t, whole, cover(box))
				if got != want {
					t.Errorf("%s at 1/%d, %v: got %v, want %v as decoded whole", name, shrink, box, got, want)
				}
			}
		}
	}
}

// TestShrinkLeavesEnoughToJudge verifies that a crop around what stands out bounds the reduction, and nothing else does.
func TestShrinkLeavesEnoughToJudge(t *testing.T) {
	spec := cover(image.Pt(20, 20))
	for _, tt := range []struct {
		crop        transform.Crop
		width, want int
	}{
		{transform.Smart, 1000, 1}, {transform.Center, 1000, 8}, {transform.Focal, 1000, 8}, {transform.Smart, 1024, 8},
	} {
		spec.Crop = tt.crop
		h := header{width: tt.width, height: 600, chromaX: 2, chromaY: 2}
		if got := shrinkFor(h, []transform.Spec{spec}); got != tt.want {
			t.Errorf("crop %d of %d pixels' width: got 1/%d, want 1/%d", tt.crop, tt.width, got, tt.want)
		}
	}
	h := header{width: 1000, height: 500, chromaX: 2, chromaY: 2}
	spec = cover(image.Pt(20, 10)) // nothing is cut off
	if got := shrinkFor(h, []transform.Spec{spec}); got != 8 {
		t.Errorf("nothing to cut: got 1/%d, want 1/8", got)
	}
}

func TestCoarseness(t *testing.T) {
	for side, want := range map[int]int{1: 1, 511: 1, 512: 2, 1023: 2, 1024: 4, 2048: 8, 4096: 16, 65_535: 128} {
		for _, size := range []image.Point{{side, 1}, {1, side}} {
			if got := coarseness(size); got != want {
				t.Errorf("%v: got %d, want %d", size, got, want)
			}
		}
	}
}

// TestSmall verifies the small picture of every kind of original against the generated one, and its size.
func TestSmall(t *testing.T) {
	const w, h = 1100, 700
	photo := imagetest.Photo(w, h)
	want, err := decoded(t, imagetest.EncodePNG(t, photo), 1).small(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want.Width != saliency.Side || want.Height != 81 || want.Alpha == nil {
		t.Errorf("PNG: got %d × %d, want %d × 81 and alpha", want.Width, want.Height, saliency.Side)
	}
	for shrink := 1; shrink <= 4; shrink *= 2 {
		got, err := decoded(t, imagetest.EncodeJPEG(t, photo, 95), shrink).small(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, planes := range [][2][]byte{{got.Y, want.Y}, {got.Cb, want.Cb}, {got.Cr, want.Cr}} {
			if d := meanDistance(planes[0], planes[1]); d > 1.5 {
				t.Errorf("JPEG at 1/%d, plane %d: %.2f from the PNG in the mean, want at most 1.5", shrink, i, d)
			}
		}
	}
}

func meanDistance(a, b []byte) float64 {
	if len(a) != len(b) {
		return 255
	}
	sum := 0
	for i := range a {
		sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return float64(sum) / float64(len(a))
}

// TestSmallIsOfWhatIsShown verifies that the small picture is turned, and that what is transparent is alpha 0 over grey.
func TestSmallIsOfWhatIsShown(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 64, 32))
	for y := range 32 {
		for x := range 16 { // the left quarter is white
			copy(img.Pix[img.PixOffset(x, y):], "\xff\xff\xff\xff")
		}
	}
	o := &original{size: img.Rect.Max, orientation: 6, img: img} // stored left is shown on top
	got, err := o.small(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Width != 64 || got.Height != 128 {
		t.Fatalf("got %d × %d, want 64 × 128", got.Width, got.Height)
	}
	first, last := 0, len(got.Y)-1
	if got.Y[first] != 255 || got.Alpha[first] != 255 || got.Y[last] != 128 || got.Alpha[last] != 0 {
		t.Errorf("got luma %d and alpha %d on top, %d and %d below; want 255 and 255, 128 and 0",
			got.Y[first], got.Alpha[first], got.Y[last], got.Alpha[last])
	}
}

// BenchmarkSmall is what a crop around what stands out costs beside decoding and resizing: of 6.3 megapixels in 4:2:0,
// decoded at several sizes, and of as many pixels of NRGBA.
func BenchmarkSmall(b *testing.B) {
	src := imagetest.JPEG(b, 3088, 2056)
	originals := map[string]*original{"pixels": {size: image.Pt(3088, 2056), orientation: 1, img: imagetest.Photo(3088, 2056)}}
	for _, shrink := range []int{1, 2, 4, 8} {
		originals[fmt.Sprintf("planes at 1 of %d", shrink)] = decoded(b, src, shrink)
	}
	for name, o := range originals {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cut(b, o, cover(image.Pt(1, 1)))
			}
		})
	}
}
