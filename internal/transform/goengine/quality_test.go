package goengine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"testing"

	"github.com/dd8bf596/cutline/internal/imagetest"
	"github.com/dd8bf596/cutline/internal/transform"
	"github.com/dd8bf596/cutline/internal/transform/goengine/resample"
)

// lossy are the formats that have a codec.
func lossy(t testing.TB) []transform.Format {
	t.Helper()
	var list []transform.Format
	for _, f := range transform.Formats() {
		if _, ok := codecFor(f); ok {
			list = append(list, f)
		} else if f.Lossy() && New().Can(f).Encode {
			t.Errorf("%s is lossy, and has no codec", f)
		}
	}
	return list
}

// TestSearchedQuality verifies that a search finds what its rule says: SSIM above the floor, fewer bytes than at the
// highest quality, the same every time, and a lower quality for a picture whose damage costs many bytes to avoid.
func TestSearchedQuality(t *testing.T) {
	imagetest.Long(t)
	photo := newPlate(&picture{pixels: imagetest.Photo(180, 120)})
	noise := newPlate(&picture{pixels: imagetest.Noise(180, 120)})
	for _, f := range lossy(t) {
		t.Run(f.String(), func(t *testing.T) {
			c, _ := codecFor(f)
			body, quality, err := c.fit(t.Context(), photo, transform.Spec{})
			if err != nil {
				t.Fatal(err)
			}
			again, same, err := c.fit(t.Context(), photo, transform.Spec{})
			if err != nil || same != quality || string(again) != string(body) {
				t.Errorf("got quality %d, then %d and error %v", quality, same, err)
			}
			most, err := c.write(photo, mostQuality, true)
			if err != nil || len(body) >= len(most) {
				t.Errorf("got %d bytes at quality %d, want fewer than %d at %d; error %v", len(body), quality, len(most), mostQuality, err)
			}
			read, err := c.luma(t.Context(), body)
			if err != nil {
				t.Fatal(err)
			}
			if got := similarity(lumaOf(photo.pixels), read); got < leastSSIM-0.01 {
				t.Errorf("got SSIM %.4f at quality %d, want at least %.2f", got, quality, leastSSIM)
			}
			if _, rough, err := c.fit(t.Context(), noise, transform.Spec{}); err != nil || rough >= quality {
				t.Errorf("got quality %d for noise and %d for a photograph, want less; error %v", rough, quality, err)
			}
		})
	}
}

// TestMaxKB verifies that files fit, that no more is given up than has to be, and that what cannot fit is an error.
func TestMaxKB(t *testing.T) {
	imagetest.Long(t)
	p := newPlate(&picture{pixels: imagetest.Photo(200, 150)})
	noise := newPlate(&picture{pixels: imagetest.Noise(320, 240)})
	large := newPlate(&picture{pixels: imagetest.Noise(640, 480)}) // AV1 makes less than 1,000 bytes of the small one
	for _, f := range lossy(t) {
		for _, quality := range []int{0, 90} {
			t.Run(fmt.Sprintf("%s from quality %d", f, quality), func(t *testing.T) {
				c, _ := codecFor(f)
				free, at, err := c.fit(t.Context(), p, transform.Spec{Quality: quality})
				if err != nil {
					t.Fatal(err)
				}
				limit := max(len(free)/2000, 1)
				body, lower, err := c.fit(t.Context(), p, transform.Spec{Quality: quality, MaxKB: limit})
				if err != nil {
					t.Fatal(err)
				}
				if len(body) > limit*1000 || len(body) < limit*600 || lower >= at {
					t.Errorf("got %d bytes at quality %d, want at most %d and not much less, below quality %d", len(body), lower, limit*1000, at)
				}
				roomy, same, err := c.fit(t.Context(), p, transform.Spec{Quality: quality, MaxKB: len(free)/1000 + 1})
				if err != nil || same != at || len(roomy) != len(free) {
					t.Errorf("a limit that is kept anyway: got quality %d and error %v, want %d", same, err, at)
				}
				if f == transform.AVIF {
					noise = large
				}
				if _, _, err := c.fit(t.Context(), noise, transform.Spec{Quality: quality, MaxKB: 1}); !errors.Is(err, transform.ErrTooLarge) {
					t.Errorf("a limit of 1,000 bytes: got error %v, want %v", err, transform.ErrTooLarge)
				}
			})
		}
	}
}

// linear is a codec whose files have bytesPer bytes for each step of quality, and lose nothing.
func linear(writes *int, bytesPer int) codec {
	return codec{
		write: func(_ *plate, quality int, _ bool) ([]byte, error) {
			*writes++
			return make([]byte, quality*bytesPer), nil
		},
		luma: func(context.Context, []byte) (resample.Plane, error) {
			return resample.Plane{Pix: make([]byte, 64*64), Stride: 64, Width: 64, Height: 64}, nil
		},
		probes: [3]int{56, 76, 90}, worth: 30,
	}
}

func TestFitIsBounded(t *testing.T) {
	p := &plate{pixels: image.NewNRGBA(image.Rect(0, 0, 64, 64))}
	for _, tt := range []struct {
		name     string
		bytesPer int
		spec     transform.Spec
		most     int // encodes, those of the sample included
	}{
		{"quality given", 10, transform.Spec{Quality: 80}, 1},
		{"quality searched", 10, transform.Spec{}, 4},
		{"fits at once", 10, transform.Spec{Quality: 80, MaxKB: 1}, 1},
		{"half the bytes", 25, transform.Spec{Quality: 80, MaxKB: 1}, 3 + fitEncodes},
		{"never fits", 2000, transform.Spec{MaxKB: 1}, 3 + fitEncodes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			writes := 0
			_, _, err := linear(&writes, tt.bytesPer).fit(t.Context(), p, tt.spec)
			if writes > tt.most || (err != nil) != (tt.name == "never fits") {
				t.Errorf("got %d encodes and error %v, want at most %d", writes, err, tt.most)
			}
		})
	}
}

func TestFitStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	writes := 0
	p := &plate{pixels: image.NewNRGBA(image.Rect(0, 0, 64, 64))}
	if _, _, err := linear(&writes, 10).fit(ctx, p, transform.Spec{}); !errors.Is(err, context.Canceled) || writes > 0 {
		t.Errorf("got error %v after %d encodes, want %v after none", err, writes, context.Canceled)
	}
}

func TestCurve(t *testing.T) {
	cv := &curve{quality: [3]float64{50, 70, 90}}
	for i, v := range [3][2]float64{{1, 0.04}, {2, 0.02}, {4, 0.01}} {
		cv.bits[i], cv.loss[i] = math.Log(v[0]), math.Log(v[1])
	}
	// Between 50 and 90 bits are 2^((q-50)/20) and the loss is 0.04 ÷ that; with worth w the sum is least where bits² = 0.04 w.
	for _, tt := range []struct {
		worth float64
		want  int
	}{{100, 70}, {400, 90}, {25, 50}, {1e6, mostQuality}, {0, 50}} {
		if got := cv.best(tt.worth); got != tt.want {
			t.Errorf("worth %g: got quality %d, want %d", tt.worth, got, tt.want)
		}
	}
	if got := cv.lower(90, 0.5); got < 68 || got > 70 {
		t.Errorf("half the bytes of quality 90: got quality %d, want 69 or so", got)
	}
	if got := cv.lower(90, 0.001); got != 1 {
		t.Errorf("a thousandth of the bytes: got quality %d, want 1", got)
	}
}

// TestSimilarity compares with the plain SSIM that golden images are compared by.
func TestSimilarity(t *testing.T) {
	grey := func(img image.Image) (*image.Gray, resample.Plane) {
		l := lumaOf(imagetest.NRGBA(img))
		return &image.Gray{Pix: l.Pix, Stride: l.Stride, Rect: image.Rect(0, 0, l.Width, l.Height)}, l
	}
	for _, size := range []image.Point{{96, 64}, {8, 8}, {100, 36}, {97, 61}, {3, 5}, {1, 40}, {9, 7}} {
		photo, a := grey(imagetest.Photo(size.X, size.Y))
		for name, other := range map[string]image.Image{"itself": photo, "noise": imagetest.Noise(size.X, size.Y), "brighter": imagetest.Brightened(imagetest.NRGBA(photo))} {
			img, b := grey(other)
			got, want := similarity(a, b), imagetest.SSIM(photo, img)
			tolerance := 1e-9
			if size.X%ssimPatch != 0 || size.Y%ssimPatch != 0 {
				tolerance = 0.08 // the last windows are larger, where the plain one leaves samples out
			}
			if math.Abs(got-want) > tolerance {
				t.Errorf("%v against %s: got %.6f, want %.6f", size, name, got, want)
			}
		}
	}
}
