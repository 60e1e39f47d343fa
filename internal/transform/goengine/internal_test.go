package goengine

import (
	"context"
	"errors"
	"image"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/disintegration/imaging"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
)

// TestRevNamesItsLibraries fails when a library is upgraded and its revision is not: renditions of the old one would be
// served beside those of the new one under one key.
func TestRevNamesItsLibraries(t *testing.T) {
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	e := New()
	for _, lib := range []struct {
		module, prefix string
		formats        []transform.Format
	}{
		{"github.com/disintegration/imaging", "imaging", []transform.Format{transform.JPEG, transform.PNG, transform.WebP, transform.AVIF}},
		{"github.com/gen2brain/webp", "webp", []transform.Format{transform.WebP}},
		{"github.com/gen2brain/avif", "avif", []transform.Format{transform.AVIF}},
	} {
		m := regexp.MustCompile(regexp.QuoteMeta(lib.module) + ` v(\S+)`).FindSubmatch(mod)
		if m == nil {
			t.Fatalf("%s is not in go.mod", lib.module)
		}
		for _, f := range lib.formats {
			if want := lib.prefix + string(m[1]); !strings.Contains(e.Rev(f), want) {
				t.Errorf("%s: got revision %q, want one with %q", f, e.Rev(f), want)
			}
		}
	}
}

func TestGoMinor(t *testing.T) {
	for version, want := range map[string]string{
		"go1.26.8": "go1.26", "go1.26": "go1.26", "go1.27rc1": "go1.27", "go1.26.8 X:simd": "go1.26", "devel": "devel",
	} {
		if got := goMinor(version); got != want {
			t.Errorf("%s: got %q, want %q", version, got, want)
		}
	}
}

// TestResampleInBands verifies that working in bands changes no pixel, for every type that decoders return.
func TestResampleInBands(t *testing.T) {
	tall := imagetest.Photo(1200, 2000) // more than two bands
	want := imaging.Resize(tall, 300, 500, imaging.Lanczos)
	got, err := resampleGamma(t.Context(), tall, tall.Rect, 300, 500)
	if err != nil {
		t.Fatal(err)
	}
	if err := imagetest.Differ(got, want, imagetest.Tolerance{SSIM: 1}); err != nil {
		t.Error(err)
	}
}

// TestCascade verifies from which picture each rendition is made, by what it costs: the original is gone.
func TestCascade(t *testing.T) {
	photo := imagetest.Photo(400, 300)
	from := func(img image.Image) *original { return &original{size: image.Pt(400, 300), orientation: 1, img: img} }
	r := resizer{original: from(photo)}
	spec := func(w, h int) transform.Spec { return transform.Spec{Width: w, Height: h} }
	large, fresh, err := r.picture(t.Context(), spec(200, 150))
	if err != nil || !fresh {
		t.Fatalf("got fresh %t and error %v", fresh, err)
	}
	again, fresh, err := r.picture(t.Context(), spec(200, 150))
	if err != nil || fresh || again != large {
		t.Errorf("the same size again: got fresh %t and error %v", fresh, err)
	}
	r.original = from(imagetest.Noise(400, 300)) // what is not made from a picture made before looks different from here on
	for _, tt := range []struct {
		w, h int
		base *image.NRGBA
	}{
		{100, 75, large.pixels},
		{101, 76, r.original.img.(*image.NRGBA)},
	} {
		got, _, err := r.picture(t.Context(), spec(tt.w, tt.h))
		if err != nil {
			t.Fatal(err)
		}
		want := imaging.Resize(tt.base, tt.w, tt.h, imaging.Lanczos)
		if err := imagetest.Differ(got.pixels, want, imagetest.Tolerance{SSIM: 1}); err != nil {
			t.Errorf("%d × %d: %v", tt.w, tt.h, err)
		}
	}
}

// endless is a reader that never ends, and cancels its context at the third read.
type endless struct {
	reads  int
	cancel context.CancelFunc
}

func (e *endless) Read(p []byte) (int, error) {
	if e.reads++; e.reads == 3 {
		e.cancel()
	}
	return len(p), nil
}

func TestReadingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := until(ctx, &endless{cancel: cancel})
	var read int
	var err error
	for err == nil {
		var n int
		n, err = r.Read(make([]byte, 1<<20))
		read += n
	}
	if !errors.Is(err, context.Canceled) || read != 3*readBytes {
		t.Errorf("got %d bytes and error %v, want %d and %v", read, err, 3*readBytes, context.Canceled)
	}
}

func TestResampleEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	photo := imagetest.Photo(40, 30)
	for _, size := range []image.Point{{20, 15}, {40, 15}, {40, 30}} {
		if _, err := resampleGamma(ctx, photo, photo.Rect, size.X, size.Y); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v: got error %v, want %v", size, err, context.DeadlineExceeded)
		}
	}
}

// TestTook verifies that every output says where its time went, and that shared pixels are counted once.
func TestTook(t *testing.T) {
	specs := []transform.Spec{
		{Width: 60, Height: 40, Quality: 80, Format: transform.JPEG}, {Width: 60, Height: 40, Quality: 80, Format: transform.WebP},
	}
	out, err := New().Transform(t.Context(), imagetest.JPEG(t, 120, 80), specs)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range out {
		if o.Took.Decode <= 0 || o.Took.Encode <= 0 || o.Took.Decode != out[0].Took.Decode {
			t.Errorf("%s: got %+v", specs[i], o.Took)
		}
	}
	if out[0].Took.Resize <= 0 || out[1].Took.Resize != 0 {
		t.Errorf("got resize times %s and %s, want one and none", out[0].Took.Resize, out[1].Took.Resize)
	}
}
