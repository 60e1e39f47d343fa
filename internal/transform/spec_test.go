package transform_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dd8bf596/cutline/internal/transform"
)

func TestParseSpec(t *testing.T) {
	for _, tt := range []struct {
		text string
		want transform.Spec
	}{
		{"", transform.Spec{}},
		{".avif", transform.Spec{Format: transform.AVIF}},
		{"w800", transform.Spec{Width: 800}},
		{"w800.webp", transform.Spec{Width: 800, Format: transform.WebP}},
		{"h300.png", transform.Spec{Height: 300, Format: transform.PNG}},
		{"w640-h360-cover.jpg", transform.Spec{Width: 640, Height: 360, Fit: transform.Cover, Format: transform.JPEG}},
		{"w1200-h630-cover-fp30x70.jpg", transform.Spec{Width: 1200, Height: 630, Fit: transform.Cover, Crop: transform.Focal,
			Focus: transform.Point{X: 30, Y: 70}, Format: transform.JPEG}},
		{"w600-h600-pad-bg000000.jpg", transform.Spec{Width: 600, Height: 600, Fit: transform.Pad, Background: transform.Opaque, Format: transform.JPEG}},
		{"w9-h9-pad-q70-dpr2.webp", transform.Spec{Width: 9, Height: 9, Fit: transform.Pad, Quality: 70, DPR: 2, Format: transform.WebP}},
		{"w9-h3-stretch", transform.Spec{Width: 9, Height: 3, Fit: transform.Stretch}},
		{"w400-q70-dpr2", transform.Spec{Width: 400, Quality: 70, DPR: 2}},
		{"w8192-h8192-cover-q100-dpr4.avif", transform.Spec{Width: 8192, Height: 8192, Fit: transform.Cover, Quality: 100, DPR: 4, Format: transform.AVIF}},
		{"q1", transform.Spec{Quality: 1}},
		{"w9-h9-cover-center", transform.Spec{Width: 9, Height: 9, Fit: transform.Cover, Crop: transform.Center}},
		{"w9-h9-cover-fp30x70", transform.Spec{Width: 9, Height: 9, Fit: transform.Cover, Crop: transform.Focal, Focus: transform.Point{X: 30, Y: 70}}},
		{"w9-h9-cover-fp0x0", transform.Spec{Width: 9, Height: 9, Fit: transform.Cover, Crop: transform.Focal}},
		{"q70-kb60.jpg", transform.Spec{Quality: 70, MaxKB: 60, Format: transform.JPEG}},
		{"bg000000", transform.Spec{Background: transform.Opaque}},
		{"bg12ab00-p3-sharpen-anim.webp", transform.Spec{Background: transform.Opaque | 0x12ab00, WideGamut: true, Sharpen: true, Animate: true, Format: transform.WebP}},
	} {
		got, err := transform.ParseSpec(tt.text)
		if err != nil {
			t.Errorf("ParseSpec(%q): %v", tt.text, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ParseSpec(%q) (-want +got):\n%s", tt.text, diff)
		}
		if got := got.String(); got != tt.text {
			t.Errorf("String of ParseSpec(%q): got %q", tt.text, got)
		}
	}
}

func TestParseSpecRefuses(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"800", `unknown word "800"`},
		{"width800", "unknown word"},
		{"W800", "unknown word"},
		{"w800x600", "unknown word"},
		{"hero", "expected some of w h cover pad stretch center fp q kb bg p3 sharpen anim dpr"},
		{"w", `"w" without its number: expected w1 to w8192`},
		{"w0", "no leading zero"},
		{"w0800", "no leading zero"},
		{"w+800", "no sign"},
		{"w8193", "expected w1 to w8192"},
		{"w99999999999999999999", "expected w1 to w8192"},
		{"w８００", "unknown word"},
		{"w-800", "without its number"},
		{"q0", "no leading zero"},
		{"q101", "expected q1 to q100"},
		{"w800-dpr1", "is the default and is not written"},
		{"w800-dpr5", "expected dpr2 to dpr4"},
		{"w800-contain", "is the default and is not written"},
		{"w800-w800", `"w800" repeats "w800"`},
		{"h450-w800", `"w800" after "h450": the order is w h cover pad stretch center fp q kb bg p3 sharpen anim dpr`},
		{"q70-w800", "the order is"},
		{"w800-h450-q70-cover", "the order is"},
		{"w800-cover", "cover needs both w and h"},
		{"cover", "cover needs both w and h"},
		{"cover2", "unknown word"},
		{"dpr2", "dpr needs w or h"},
		{"w800-", "an empty word"},
		{"-w800", "an empty word"},
		{"w800--h450", "an empty word"},
		{"w800.", `unknown extension ""`},
		{"w800.jpeg", `write "jpg"`},
		{"w800.JPG", "unknown extension"},
		{"w800.svg", "expected one of jpg png webp avif gif"},
		{"w800.webp.jpg", "unknown extension"},
		{"w800 ", "unknown word"},
		{"w800-q70.png", "q70 has no meaning in PNG"},
		{"q70.gif", "q70 has no meaning in GIF"},
		{"w9-h9-center", "center needs cover"},
		{"w9-h9-fp1x1", "fp needs cover"},
		{"w9-h9-cover-center-fp1x1", `"fp1x1" beside "center": at most one of them`},
		{"w9-h9-cover-pad", `"pad" beside "cover": at most one of them`},
		{"w9-h9-cover-stretch", `"stretch" beside "cover"`},
		{"w9-h9-pad-stretch", `"stretch" beside "pad"`},
		{"w9-h9-stretch-pad", "the order is"},
		{"w9-h9-pad-pad", "repeats"},
		{"w9-h9-padded", "unknown word"},
		{"w9-h9-q9-pad", "the order is"},
		{"w9-pad", "pad needs both w and h"},
		{"stretch.png", "stretch needs both w and h"},
		{"w9-h9-pad-center", "center needs cover"},
		{"w9-h9-stretch-fp1x1", "fp needs cover"},
		{"w9-h9-cover-fp1x1-center", "the order is"},
		{"w9-h9-cover-smart", "is the default and is not written"},
		{"w9-h9-cover-fp", "expected fp30x70"},
		{"w9-h9-cover-fp30", "expected fp30x70"},
		{"w9-h9-cover-fp101x0", "expected fp30x70"},
		{"w9-h9-cover-fp030x0", "expected fp30x70"},
		{"w9-h9-cover-fp-1x0", "expected fp30x70"},
		{"kb0", "no leading zero"},
		{"bg", "expected bgffffff"},
		{"bgfff", "expected bgffffff"},
		{"bgFFFFFF", "expected bgffffff"},
		{"bg+fffff", "expected bgffffff"},
		{"p3.gif", "p3 has no meaning in GIF"},
		{"anim.jpg", "anim has no meaning in JPEG"},
		{"p32", "unknown word"},
	} {
		got, err := transform.ParseSpec(tt.text)
		if !errors.Is(err, transform.ErrSpec) || !strings.Contains(fmt.Sprint(err), tt.want) {
			t.Errorf("ParseSpec(%q): got error %v, want %v with %q", tt.text, err, transform.ErrSpec, tt.want)
		}
		if got != (transform.Spec{}) {
			t.Errorf("ParseSpec(%q): got %+v beside its error, want nothing", tt.text, got)
		}
	}
}

func TestFold(t *testing.T) {
	got := transform.Spec{Width: 400, Height: 300, DPR: 3}.Fold()
	if want := (transform.Spec{Width: 1200, Height: 900}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, seed := range []string{"", "w800.webp", "w640-h360-cover-q70-dpr2.jpg", "h1-q100", "cover", "w9-h5-pad-bgffffff", "w9-h5-stretch-dpr2.png", "w08", ".gif", "w1-", "w9-h9-cover-fp30x70-kb9-bg00ff00-p3-anim"} {
		f.Add(seed, 3000, 2000)
	}
	f.Fuzz(func(t *testing.T, text string, w, h int) {
		s, err := transform.ParseSpec(text)
		if err != nil {
			if !errors.Is(err, transform.ErrSpec) {
				t.Fatalf("got error %v, want %v", err, transform.ErrSpec)
			}
			return
		}
		if got := s.String(); got != text {
			t.Fatalf("got %q from %q", got, text)
		}
		if w > 0 && h > 0 && w <= 1<<31-1 && h <= 1<<31-1 {
			checkResolve(t, s, w, h, 2560)
		}
	})
}
